/* SPDX-License-Identifier: MIT */
/* cache.h - the last replies of a backend, for when it does not answer. */
#ifndef GODWIT_HOOKS_CACHE_H
#define GODWIT_HOOKS_CACHE_H

#include "godwit/wire.h"

/** Replies that are kept at most; the oldest goes first. */
#define GW_HOOK_CACHE_MAX 10000u
/** A longer one is not kept. */
#define GW_HOOK_CACHE_BYTES 4096u

/** Names a question. */
typedef struct gw_hook_key {
  uint8_t bytes[16];
} gw_hook_key;

/** From the parts that the answer depends on. Not the parts themselves, as they
 * may be tokens. */
gw_hook_key gw_hook_key_of(const gw_view *parts, size_t num);

typedef struct gw_hook_cache gw_hook_cache;

/** NULL when out of memory. */
gw_hook_cache *gw_hook_cache_new(uint32_t max_age_ms);
void gw_hook_cache_free(gw_hook_cache *c); /**< NULL is fine */

/** Keep a reply in place of the last one; without memory it is not kept. */
void gw_hook_cache_put(gw_hook_cache *c, const gw_hook_key *key, gw_view reply,
                       uint64_t now_ms);
/** Valid until the next put; false: none that is young enough. */
bool gw_hook_cache_get(gw_hook_cache *c, const gw_hook_key *key,
                       uint64_t now_ms, gw_view *reply);

#endif
