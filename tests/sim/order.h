/* SPDX-License-Identifier: MIT */
/* order.h - what applications do with a state machine beside their rooms: all of
 * them move the same one, which also moves by itself. */
#ifndef GODWIT_SIM_ORDER_H
#define GODWIT_SIM_ORDER_H

#include "godwit/client.h"
#include "tests/sim/plan.h"

/*
 * Checked is that
 *
 *   all see the same state at the same position, and the same in the end
 *   each state follows the one before it by a transition that there is
 *   an acknowledged move is the state at the position that it got
 *   what leaves by itself has left in the end, and no more than once in a row
 */

struct gw_machine;
/** The machine; for the settings of a node. */
extern const struct gw_machine sim_order_machine;

/** What was seen in a run. */
typedef struct sim_order_book sim_order_book;
sim_order_book *sim_order_book_new(world *w);
void sim_order_book_free(sim_order_book *b);
void sim_order_book_check(const sim_order_book *b);

/** One application's part. */
typedef struct sim_order sim_order;
sim_order *sim_order_new(world *w, const sim_plan *plan, sim_order_book *b,
                         gw_client *client, uint32_t index);
void sim_order_free(sim_order *o);
void sim_order_start(sim_order *o);
void sim_order_act(sim_order *o);
/** Whether an event was about this. */
bool sim_order_event(sim_order *o, const gw_event *e);
/** At the end, one after the other. */
void sim_order_check(const sim_order *o);

#endif
