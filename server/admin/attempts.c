/* SPDX-License-Identifier: MIT */
/* attempts.c - an array that is walked: whoever tries takes a hash of a quarter of
 * a second next, so this is nothing. */
#include "server/admin/attempts.h"

#include <sodium.h>
#include <string.h>

void gw_attempts_init(gw_attempts *a, const gw_rate *rate,
                      const uint8_t hash_key[16]) {
  *a = (gw_attempts){.rate = *rate};
  memcpy(a->hash_key, hash_key, sizeof a->hash_key);
}

static uint64_t hash_of(const gw_attempts *a, enum gw_attempts_kind kind,
                        gw_view who) {
  uint64_t hash;
  uint8_t key[16];
  _Static_assert(sizeof hash == crypto_shorthash_BYTES, "");
  memcpy(key, a->hash_key, sizeof key);
  key[0] ^= (uint8_t)kind; /* an address is no name, though it looks alike */
  crypto_shorthash((unsigned char *)&hash, who.data, who.len, key);
  return hash;
}

static gw_bucket *find(gw_attempts *a, uint64_t who) {
  for (size_t i = 0; i < a->num; i++)
    if (a->items[i].who == who) return &a->items[i].bucket;
  return NULL;
}

static gw_bucket *add(gw_attempts *a, uint64_t who) {
  size_t at = 0;
  if (a->num < GW_ATTEMPTS_MAX)
    at = a->num++;
  else
    for (size_t i = 1; i < a->num; i++)
      if (a->items[i].bucket.full_us < a->items[at].bucket.full_us) at = i;
  a->items[at].who = who;
  a->items[at].bucket = (gw_bucket){0};
  return &a->items[at].bucket;
}

uint32_t gw_attempts_take(gw_attempts *a, enum gw_attempts_kind kind,
                          gw_view who, uint64_t now_ms) {
  if (a->rate.num == 0) return 0;
  uint64_t hash = hash_of(a, kind, who);
  gw_bucket *b = find(a, hash);
  if (!b) b = add(a, hash);
  return gw_bucket_take(b, &a->rate, 1, now_ms);
}

void gw_attempts_forgive(gw_attempts *a, enum gw_attempts_kind kind,
                         gw_view who) {
  gw_bucket *b = find(a, hash_of(a, kind, who));
  if (b) *b = (gw_bucket){0};
}
