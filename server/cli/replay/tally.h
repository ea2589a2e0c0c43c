/* SPDX-License-Identifier: MIT */
/* tally.h - what a recording holds, in numbers. */
#ifndef GODWIT_CLI_TALLY_H
#define GODWIT_CLI_TALLY_H

#include "server/cli/replay/watch.h"

/** In both directions: [0] from the client, [1] from the server. */
typedef struct gw_tally {
  uint64_t frames[2][256]; /**< by type */
  uint64_t messages[2];
  uint64_t bytes[2];
  uint64_t connections;
  uint64_t violations;
  uint64_t last_ms;
} gw_tally;

/** A line, whether or not it is a message. */
void gw_tally_line(gw_tally *t, const gw_recorded_line *line);
/** A frame of a message. */
void gw_tally_frame(gw_tally *t, const gw_recorded_line *line,
                    const gw_frame *frame);

/** Print it as lines, or as one object for machines. */
void gw_tally_put(const gw_tally *t, const gw_round_trips *trips,
                  const gw_recording *r, bool as_json);

#endif
