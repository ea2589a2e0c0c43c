/* SPDX-License-Identifier: MIT */
/* book.h - what was written, acknowledged, delivered and told as missing in a
 * run, and whether that keeps the promise: each acknowledged publication reaches
 * each subscriber once and in order, or a gap says that it does not. */
#ifndef GODWIT_SIM_BOOK_H
#define GODWIT_SIM_BOOK_H

#include "godwit/client.h"
#include "tests/sim/plan.h"

typedef struct sim_book sim_book;

sim_book *sim_book_new(world *w, const sim_plan *plan);
void sim_book_free(sim_book *b);

/** What an application writes. */
typedef struct sim_writing {
  uint32_t app;
  uint32_t channel;
  uint32_t item; /**< 0: about nothing */
  bool no_echo;
  bool may_fail;
  uint64_t sum; /**< of the payload; see sim_book_filled */
} sim_writing;

/** It did; returns the number of the publication. */
uint32_t sim_book_written(sim_book *b, const sim_writing *what);
/** The payload, which has the number in it. */
void sim_book_filled(sim_book *b, uint32_t number, gw_payload payload);
/** It was acknowledged. */
void sim_book_acked(sim_book *b, uint32_t number, gw_position at,
                    uint32_t life);
/** It left the client, towards the server of this life. */
void sim_book_sent(sim_book *b, uint32_t number, uint32_t life);
/** The client did not take it (its outbox is full). */
void sim_book_not_taken(sim_book *b, uint32_t number);
/** It was refused or given up. */
void sim_book_failed(sim_book *b, uint32_t number, uint32_t code);

/** An application's view of a channel begins, or goes on, at a position. Fresh:
 * repeats of what an older subscription saw cannot be known any more. */
void sim_book_begins(sim_book *b, uint32_t app, uint32_t channel,
                     gw_position at, uint32_t life, bool fresh);
void sim_book_delivered(sim_book *b, uint32_t app, uint32_t channel,
                        uint32_t number, gw_position at, uint32_t life);
/** With this payload, which has to be the one that was written. */
void sim_book_showed(sim_book *b, uint32_t app, uint32_t number,
                     gw_payload payload);
/** A gap in the stream of old_epoch; the view goes on after `at`. */
void sim_book_gap(sim_book *b, uint32_t app, uint32_t channel, uint32_t reason,
                  uint64_t from, uint64_t to, gw_position at, uint32_t life);

/** The end: check every publication against every view. */
void sim_book_check(sim_book *b);

typedef struct sim_book_sums {
  uint64_t written, acked, failed, delivered, gaps;
  uint64_t skipped; /**< offsets that slow readers were not sent */
} sim_book_sums;
sim_book_sums sim_book_sum(const sim_book *b);

#endif
