/* SPDX-License-Identifier: MIT */
/* dedup_window.h - a channel's memory of idempotency keys: a publication that
 * comes again is told its first position. */
#ifndef GODWIT_SERVER_DEDUP_WINDOW_H
#define GODWIT_SERVER_DEDUP_WINDOW_H

#include "server/core/hub_state.h"

/** Keys that are kept of one publisher: as many as may be unacknowledged. */
#define GW_DEDUP_KEYS GW_MAX_INFLIGHT

/** Publishers of one channel; above it the one that was silent for longest is
 * forgotten. Some 5 MB at worst, when each has sent its 64. */
#define GW_DEDUP_PUBLISHERS 4096u

struct gw_dedup_publisher;

/** All zero is empty. */
typedef struct gw_dedup_window {
  gw_index by_client;                /**< empty while there are few */
  struct gw_dedup_publisher *oldest; /**< utlist, by last use */
  uint32_t num;
} gw_dedup_window;

void gw_dedup_deinit(gw_dedup_window *w);

/** The record of a publisher, made when there is none, with room for a key, so
 * that gw_dedup_put cannot fail. Valid until the window is used for another
 * one. NULL when out of memory. */
struct gw_dedup_publisher *gw_dedup_open(gw_dedup_window *w, const gw_hub *h,
                                         uint64_t client);

/** Whether a key is a repeat; *offset is then where it went, 0 when that is
 * forgotten. */
bool gw_dedup_has(const struct gw_dedup_publisher *p, uint64_t key,
                  uint64_t *offset);

void gw_dedup_put(struct gw_dedup_publisher *p, uint64_t key, uint64_t offset);

/** Forget publishers that were silent since before_ms. */
void gw_dedup_expire(gw_dedup_window *w, uint64_t before_ms);
/** When the one that was silent for longest was heard; UINT64_MAX: none. */
uint64_t gw_dedup_oldest_ms(const gw_dedup_window *w);

#endif
