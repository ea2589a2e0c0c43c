/* SPDX-License-Identifier: MIT */
/* load_fill.h - makes channels on a Godwit server, each with one publication. */
#ifndef GODWIT_BENCH_LOAD_FILL_H
#define GODWIT_BENCH_LOAD_FILL_H

#include "server/load/load.h"

/** Publish to num channels that nobody subscribes to, over one connection. url:
 * ws:// only. Returns 0, or < 0 and why. */
GW_MUST_USE int gw_load_fill(const char *url, uint32_t num,
                             uint32_t payload_bytes, const char **why);

#endif
