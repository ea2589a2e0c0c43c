/* SPDX-License-Identifier: MIT */
/* dedup.h - a receiver's memory of what it was handed, to tell repeats. */
#ifndef GODWIT_CLIENT_DEDUP_H
#define GODWIT_CLIENT_DEDUP_H

#include "godwit/wire.h"

/*
 * A publication carries (client, key), and a server that lost its own memory of
 * keys in a crash may take the same one twice. Why this tells exactly:
 *
 *  - A client's keys rise over all its channels, so the keys of one channel
 *    have holes of any width, and no limit on publications in flight bounds
 *    the span that a window would have to cover.
 *  - But within a channel the server takes a client's keys in rising order:
 *    Publish.after makes it refuse whatever overtakes. So a key that is not
 *    above the highest seen was taken before. Either it was handed over here,
 *    or it fell into a gap, which was told. Both ways it is a repeat.
 *  - That leans on the server. Where one let a publication be overtaken (a
 *    relay that keeps no order), dropping the late one would lose it without
 *    a word. So the 64 keys behind the highest are remembered one by one: as
 *    long as no gap was told, the receiver saw everything in the channel, and
 *    a key in that window which was never handed over is new.
 *  - A gap (and the start of a subscription) ends that knowledge: the window
 *    is sealed, everything behind the highest counts as told.
 */

/** What is remembered of one publisher. */
typedef struct gw__publisher {
  uint64_t client;
  uint64_t highest;
  uint64_t window; /**< bit i: key highest - 1 - i is settled */
} gw__publisher;

/** Publishers of one channel, the latest first, GW_MAX_PUBLISHERS at most. */
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

/** A gap was told: what is behind each highest key counts as settled. */
void gw__dedup_seal(gw__dedup *d);

void gw__dedup_deinit(gw__dedup *d, const gw_alloc *alloc);

#endif
