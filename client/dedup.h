/* SPDX-License-Identifier: MIT */
/* dedup.h - a receiver's memory of what it was handed, to tell repeats. */
#ifndef GODWIT_CLIENT_DEDUP_H
#define GODWIT_CLIENT_DEDUP_H

#include "godwit/wire.h"

/*
 * A publication carries (client, key), and a server that lost its own memory of
 * keys in a crash may take the same one twice. Which keys can come again?
 *
 *  - Only one whose publisher is in doubt about it. And while it is, a client
 *    sends fewer than GW_MAX_INFLIGHT publications behind it in the channel,
 *    acknowledged or not (gw__outbox_may_send).
 *  - So when a key was handed over here and comes again, fewer than
 *    GW_MAX_INFLIGHT higher keys of its publisher can have been handed over
 *    since: it is among the GW_MAX_INFLIGHT highest. To remember these is
 *    exact: what is not among them was never handed over. That holds across
 *    gaps: what a gap swallowed and the server then takes once more is new.
 *
 * A window of bits behind the highest key would not do. Keys rise over all
 * channels of a client, so those of one channel lie apart by any number.
 */

/** What is remembered of one publisher. */
typedef struct gw__publisher {
  uint64_t client;
  uint64_t *keys; /**< rising, the highest ones; GW_MAX_INFLIGHT at most */
  uint32_t num;
  uint32_t cap;
} gw__publisher;

/** Publishers of one channel, the latest first, GW_MAX_PUBLISHERS at most: up
 * to 136 KiB when each has sent its 64. */
typedef struct gw__dedup {
  gw__publisher *items;
  uint32_t num;
  uint32_t cap;
} gw__dedup;

/**
 * Note a publication, key > 0.
 *   returns  1: a repeat; 0: new, and remembered; GW_ERR_NOMEM
 */
GW_MUST_USE int gw__dedup_see(gw__dedup *d, const gw_alloc *alloc,
                              uint64_t client, uint64_t key);

void gw__dedup_deinit(gw__dedup *d, const gw_alloc *alloc);

#endif
