/* SPDX-License-Identifier: MIT */
/* cache.c - a table and a list from the oldest to the newest. */
#include "server/hooks/cache.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

typedef struct entry {
  UT_hash_handle hh;
  struct entry *prev, *next;
  gw_hook_key key;
  uint64_t since_ms;
  size_t len;
  uint8_t reply[];
} entry;

struct gw_hook_cache {
  entry *by_key;
  entry *oldest;
  uint32_t num;
  uint32_t max_age_ms;
};

gw_hook_key gw_hook_key_of(const gw_view *parts, size_t num) {
  crypto_generichash_state state;
  gw_hook_key key;
  crypto_generichash_init(&state, NULL, 0, sizeof key.bytes);
  for (size_t i = 0; i < num; i++) {
    uint64_t len = parts[i].len; /* so that parts cannot run together */
    crypto_generichash_update(&state, (const unsigned char *)&len, sizeof len);
    crypto_generichash_update(&state, parts[i].data, parts[i].len);
  }
  crypto_generichash_final(&state, key.bytes, sizeof key.bytes);
  return key;
}

gw_hook_cache *gw_hook_cache_new(uint32_t max_age_ms) {
  gw_hook_cache *c = calloc(1, sizeof *c);
  if (c) c->max_age_ms = max_age_ms;
  return c;
}

static void drop(gw_hook_cache *c, entry *e) {
  /* It is in both. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
  HASH_DEL(c->by_key, e);
  DL_DELETE(c->oldest, e);
  c->num--;
  free(e);
}

void gw_hook_cache_free(gw_hook_cache *c) {
  while (c && c->oldest)
    drop(c, c->oldest);
  free(c);
}

static entry *find(gw_hook_cache *c, const gw_hook_key *key) {
  entry *e;
  HASH_FIND(hh, c->by_key, key, sizeof *key, e);
  return e;
}

void gw_hook_cache_put(gw_hook_cache *c, const gw_hook_key *key, gw_view reply,
                       uint64_t now_ms) {
  entry *e = find(c, key);
  if (e) drop(c, e);
  if (reply.len > GW_HOOK_CACHE_BYTES) return;
  e = malloc(sizeof *e + reply.len);
  if (!e) return;
  if (c->num == GW_HOOK_CACHE_MAX) drop(c, c->oldest);
  e->key = *key;
  e->since_ms = now_ms;
  e->len = reply.len;
  if (reply.len != 0) memcpy(e->reply, reply.data, reply.len);
  HASH_ADD(hh, c->by_key, key, sizeof e->key, e);
  DL_APPEND(c->oldest, e);
  c->num++;
}

bool gw_hook_cache_get(gw_hook_cache *c, const gw_hook_key *key,
                       uint64_t now_ms, gw_view *reply) {
  entry *e = find(c, key);
  if (!e || now_ms - e->since_ms > c->max_age_ms) return false;
  *reply = (gw_view){e->reply, e->len};
  return true;
}
