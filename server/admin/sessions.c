/* SPDX-License-Identifier: MIT */
/* sessions.c - an array without holes: there are few, and each look compares all
 * of them in constant time. */
#include "server/admin/sessions.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(crypto_hash_sha256_BYTES == 32, "as in sessions.h");

int gw_admin_sessions_init(gw_admin_sessions *s,
                           const gw_admin_sessions_options *o) {
  *s = (gw_admin_sessions){.options = *o};
  s->items = calloc(o->max, sizeof *s->items);
  return s->items ? 0 : GW_ERR_NOMEM;
}

void gw_admin_sessions_deinit(gw_admin_sessions *s) {
  free(s->items);
  *s = (gw_admin_sessions){.num = 0};
}

static bool is_over(const gw_admin_sessions *s, const gw_admin_session *one,
                    uint64_t now_ms) {
  return now_ms - one->used_ms >= s->options.idle_ms ||
         now_ms - one->begun_ms >= s->options.lifetime_ms;
}

static void forget(gw_admin_sessions *s, gw_admin_session *one) {
  gw_admin_session *last = &s->items[--s->num];
  if (one != last) *one = *last;
  sodium_memzero(last, sizeof *last);
}

static gw_admin_session *find(const gw_admin_sessions *s,
                              const uint8_t id[GW_ADMIN_ID_BYTES]) {
  uint8_t hash[32];
  gw_admin_session *found = NULL;
  crypto_hash_sha256(hash, id, GW_ADMIN_ID_BYTES);
  for (size_t i = 0; i < s->num; i++)
    if (sodium_memcmp(s->items[i].hash, hash, sizeof hash) == 0)
      found = &s->items[i];
  return found;
}

size_t gw_admin_sessions_expire(gw_admin_sessions *s, uint64_t now_ms) {
  for (size_t i = s->num; i > 0; i--)
    if (is_over(s, &s->items[i - 1], now_ms)) forget(s, &s->items[i - 1]);
  return s->num;
}

/* Make room where there is none. */
static const gw_admin_user *displace(gw_admin_sessions *s) {
  gw_admin_session *oldest = s->items;
  if (s->num < s->options.max) return NULL;
  for (size_t i = 1; i < s->num; i++)
    if (s->items[i].used_ms < oldest->used_ms) oldest = &s->items[i];
  const gw_admin_user *whose = oldest->user;
  forget(s, oldest);
  return whose;
}

const gw_admin_user *
gw_admin_sessions_begin(gw_admin_sessions *s,
                        const uint8_t id[GW_ADMIN_ID_BYTES],
                        const gw_admin_user *user, uint64_t now_ms) {
  (void)gw_admin_sessions_expire(s, now_ms);
  const gw_admin_user *displaced = displace(s);
  gw_admin_session *one = &s->items[s->num++];
  *one =
      (gw_admin_session){.user = user, .begun_ms = now_ms, .used_ms = now_ms};
  crypto_hash_sha256(one->hash, id, GW_ADMIN_ID_BYTES);
  return displaced;
}

const gw_admin_user *gw_admin_sessions_find(gw_admin_sessions *s,
                                            const uint8_t id[GW_ADMIN_ID_BYTES],
                                            bool is_use, uint64_t now_ms) {
  gw_admin_session *one = find(s, id);
  if (!one) return NULL;
  if (is_over(s, one, now_ms)) {
    forget(s, one);
    return NULL;
  }
  if (is_use) one->used_ms = now_ms;
  return one->user;
}

bool gw_admin_sessions_end(gw_admin_sessions *s,
                           const uint8_t id[GW_ADMIN_ID_BYTES]) {
  gw_admin_session *one = find(s, id);
  if (one) forget(s, one);
  return one != NULL;
}
