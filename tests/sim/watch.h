/* SPDX-License-Identifier: MIT */
/* watch.h - looks at what goes over a link: a server sends data within the credit
 * that it was granted, and each stream without a hole or a repeat. */
#ifndef GODWIT_SIM_WATCH_H
#define GODWIT_SIM_WATCH_H

#include "godwit/wire.h"
#include "tests/sim/census.h"
#include "tests/sim/plan.h"

/** A stream as the client of the link has it. */
typedef struct sim_watch_stream {
  uint32_t number;  /**< of the channel; 0: none */
  uint64_t at;      /**< last offset that was sent or told */
  bool is_pattern;  /**< of many channels, each with its own offsets */
  bool has_list;    /**< of members, whole */
  uint64_t version; /**< of it */
  uint64_t held;    /**< last offset that was sent with a payload; 0: none */
} sim_watch_stream;

/** Channels of the applications, of groups, and those beside (side.h, desk.h). */
#define SIM_MAX_STREAMS (SIM_MAX_CHANNELS + SIM_MAX_GROUPS + 5)

/** All zero but w and census to begin. */
typedef struct sim_watch {
  world *w;
  sim_census *census;
  bool has_hello;
  bool reads_packed;
  uint32_t window; /**< of credit, as the client said Hello; 0: none */
  int64_t credit;  /**< what it granted, less the data that was sent */
  sim_watch_stream streams[SIM_MAX_STREAMS];
} sim_watch;

/** A message that the client sends. What it says about credit counts from then
 * on, which is before the server hears of it. */
void sim_watch_client(sim_watch *s, gw_view message);

/** A message that the server sends. is_end: it is closing, and needs no credit
 * any more. */
void sim_watch_server(sim_watch *s, gw_view message, bool is_end);

/** Everything has arrived: both ends have counted the same credit. */
void sim_watch_check_calm(const sim_watch *s);

#endif
