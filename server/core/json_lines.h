/* SPDX-License-Identifier: MIT */
/* json_lines.h - input of a JSON session: bytes cut anywhere into lines. */
#ifndef GODWIT_SERVER_JSON_LINES_H
#define GODWIT_SERVER_JSON_LINES_H

#include "godwit/wire.h"

/** A line that is not whole yet. All zero is empty. */
typedef struct gw_json_lines {
  uint8_t *partial;
  uint32_t len;
  uint32_t cap;
} gw_json_lines;

void gw_json_lines_deinit(gw_json_lines *l);

/** Returns < 0 to stop. */
typedef int (*gw_on_line)(void *user, gw_view line);

/**
 * Feed bytes. A line ends with a newline or with the message; empty ones are
 * skipped.
 *   returns  0; what on_line returned; GW_ERR_PEER_TOO_BIG over max_bytes,
 *            GW_ERR_NOMEM
 */
GW_MUST_USE int gw_json_lines_feed(gw_json_lines *l, gw_view in,
                                   bool end_of_message, uint32_t max_bytes,
                                   gw_on_line on_line, void *user);

#endif
