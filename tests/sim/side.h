/* SPDX-License-Identifier: MIT */
/* side.h - what applications do beside their rooms: a map of items, a channel that
 * each sees through a filter of its own, and a pattern over several channels. */
#ifndef GODWIT_SIM_SIDE_H
#define GODWIT_SIM_SIDE_H

#include "godwit/client.h"
#include "tests/sim/plan.h"

/*
 * Checked is that
 *
 *   a map     is the same at all applications in the end; what was compared and set
 *             replaced what it was compared with
 *   a filter  shows nothing that does not pass, and hides nothing that does and is
 *             not in a gap
 *   a pattern shows each publication of each channel once and in order, without a
 *             hole while no gap is told
 */

/** What all applications of a run have written and seen. */
typedef struct sim_side_book sim_side_book;
sim_side_book *sim_side_book_new(world *w);
void sim_side_book_free(sim_side_book *b);

/** One application's part. */
typedef struct sim_side sim_side;
sim_side *sim_side_new(world *w, const sim_plan *plan, sim_side_book *b,
                       gw_client *client, uint32_t index);
void sim_side_free(sim_side *s);

void sim_side_start(sim_side *s);
/** Write something, or begin a subscription anew. */
void sim_side_act(sim_side *s);
/** Write to the pattern's channels once more, when all is calm: some do. */
void sim_side_ring(sim_side *s);

/** Whether an event was about this. */
bool sim_side_event(sim_side *s, const gw_event *e);

/** At the end. first: of the same run, which all have to agree with. */
void sim_side_check(sim_side *s, sim_side *first);
void sim_side_book_check(sim_side_book *b);

#endif
