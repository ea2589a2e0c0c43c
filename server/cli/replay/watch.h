/* SPDX-License-Identifier: MIT */
/* watch.h - follows the lines of a recording: what channels are called, what
 * answers what, and whether the promises of docs/protocol.md are kept. */
#ifndef GODWIT_CLI_WATCH_H
#define GODWIT_CLI_WATCH_H

#include "server/cli/replay/recording.h"

/** A promise that was not kept. */
typedef struct gw_violation {
  const gw_recorded_line *line; /**< where it shows */
  const char *section;          /**< of docs/protocol.md */
  const char *text;             /**< a sentence; valid until the call returns */
} gw_violation;

typedef struct gw_watch_hooks {
  /** A whole frame. channel: the name of the channel it is about, as far as it is
   * known; empty: none. */
  void (*on_frame)(void *user, const gw_recorded_line *line,
                   const gw_frame *frame, gw_view channel);
  void (*on_violation)(void *user, const gw_violation *violation);
  void *user;
} gw_watch_hooks;

/** Times between a request, or a Ping, and its answer. */
typedef struct gw_round_trips {
  uint64_t num;
  uint64_t sum_ms;
  uint64_t min_ms;
  uint64_t max_ms;
} gw_round_trips;

typedef struct gw_watch gw_watch;

/** NULL when out of memory. */
gw_watch *gw_watch_new(const gw_watch_hooks *hooks);

/** The next line; those that were given have to stay. Returns 0, GW_ERR_NOMEM. */
GW_MUST_USE int gw_watch_line(gw_watch *w, const gw_recorded_line *line);

/** After the last line: what was left undone. */
void gw_watch_finish(gw_watch *w);

const gw_round_trips *gw_watch_round_trips(const gw_watch *w);

void gw_watch_free(gw_watch *w);

#endif
