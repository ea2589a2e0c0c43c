/* SPDX-License-Identifier: MIT */
/* timeline.h - prints the lines of a recording in the order of their times. */
#ifndef GODWIT_CLI_TIMELINE_H
#define GODWIT_CLI_TIMELINE_H

#include "server/cli/replay/watch.h"

/** What is printed. */
typedef struct gw_timeline {
  bool as_json;     /**< an object for each line */
  bool is_brief;    /**< violations only */
  gw_view channel;  /**< of this channel only; empty: all */
  uint64_t from_ms; /**< since the start of the recording */
  uint64_t to_ms;   /**< UINT64_MAX: to the end */
} gw_timeline;

/** A line that is no message; messages come as frames. */
void gw_timeline_put_line(const gw_timeline *t, const gw_recorded_line *line);

/** A frame in the JSON mapping, with the name of its channel. */
void gw_timeline_put_frame(const gw_timeline *t, const gw_recorded_line *line,
                           const gw_frame *frame, gw_view channel);

/** Whatever is left out otherwise. */
void gw_timeline_put_violation(const gw_timeline *t, const gw_violation *v);

#endif
