/* SPDX-License-Identifier: MIT */
/* admin.c - users, sessions and failures put together. */
#include "server/admin/admin.h"

#include <sodium.h>
#include <string.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(sodium_base64_ENCODED_LEN(GW_ADMIN_ID_BYTES, VARIANT) ==
                   GW_ADMIN_TOKEN_MAX,
               "as in admin.h");

/* What is made from the secret, so that one thing does not tell another. */
static void derive(const gw_admin *a, const char *what, uint8_t *to,
                   size_t num) {
  crypto_generichash(to, num, (const uint8_t *)what, strlen(what), a->secret,
                     sizeof a->secret);
}

int gw_admin_init(gw_admin *a, gw_admin_users *users,
                  const gw_admin_options *o) {
  uint8_t key[16];
  *a = (gw_admin){.users = *users};
  *users = (gw_admin_users){.num = 0};
  memcpy(a->secret, o->secret, sizeof a->secret);
  derive(a, "attempts", key, sizeof key);
  gw_attempts_init(&a->attempts, &o->failures, key);
  /* The cost of the first user, which is everybody's as a rule; a hash that no
   * password has. */
  a->stand_in = a->users.items[0].password;
  derive(a, "salt", a->stand_in.salt, sizeof a->stand_in.salt);
  derive(a, "hash", a->stand_in.hash, sizeof a->stand_in.hash);
  return gw_admin_sessions_init(&a->sessions, &o->sessions);
}

void gw_admin_deinit(gw_admin *a) {
  gw_admin_users_deinit(&a->users);
  gw_admin_sessions_deinit(&a->sessions);
  sodium_memzero(a->secret, sizeof a->secret);
}

uint32_t gw_admin_try(gw_admin *a, gw_view name, gw_view address,
                      uint64_t now_ms) {
  uint32_t wait_ms =
      gw_attempts_take(&a->attempts, GW_ATTEMPTS_ADDRESS, address, now_ms);
  if (wait_ms == 0)
    wait_ms = gw_attempts_take(&a->attempts, GW_ATTEMPTS_NAME, name, now_ms);
  if (wait_ms != 0) gw_stat_add(&a->stats.admin_logins_limited_total, 1);
  return wait_ms;
}

const gw_password *gw_admin_password_of(const gw_admin *a, gw_view name,
                                        const gw_admin_user **user) {
  *user = gw_admin_users_find(&a->users, name);
  return *user ? &(*user)->password : &a->stand_in;
}

const gw_admin_user *gw_admin_enter(gw_admin *a, const gw_admin_user *user,
                                    gw_view address,
                                    const uint8_t id[GW_ADMIN_ID_BYTES],
                                    uint64_t now_ms) {
  gw_attempts_forgive(&a->attempts, GW_ATTEMPTS_ADDRESS, address);
  gw_attempts_forgive(&a->attempts, GW_ATTEMPTS_NAME, gw_view_of(user->name));
  gw_stat_add(&a->stats.admin_logins_total, 1);
  const gw_admin_user *displaced =
      gw_admin_sessions_begin(&a->sessions, id, user, now_ms);
  if (displaced) gw_stat_add(&a->stats.admin_sessions_displaced_total, 1);
  return displaced;
}

void gw_admin_id_write(const uint8_t id[GW_ADMIN_ID_BYTES],
                       char text[GW_ADMIN_TOKEN_MAX]) {
  sodium_bin2base64(text, GW_ADMIN_TOKEN_MAX, id, GW_ADMIN_ID_BYTES, VARIANT);
}

bool gw_admin_id_read(gw_view text, uint8_t id[GW_ADMIN_ID_BYTES]) {
  size_t len = 0;
  return text.len == GW_ADMIN_TOKEN_MAX - 1 &&
         sodium_base642bin(id, GW_ADMIN_ID_BYTES, (const char *)text.data,
                           text.len, NULL, &len, NULL, VARIANT) == 0 &&
         len == GW_ADMIN_ID_BYTES;
}

void gw_admin_csrf(const gw_admin *a, const uint8_t id[GW_ADMIN_ID_BYTES],
                   char token[GW_ADMIN_TOKEN_MAX]) {
  static const uint8_t what[] = "csrf";
  uint8_t bytes[GW_ADMIN_ID_BYTES];
  crypto_generichash_state s;
  crypto_generichash_init(&s, a->secret, sizeof a->secret, sizeof bytes);
  crypto_generichash_update(&s, what, sizeof what);
  crypto_generichash_update(&s, id, GW_ADMIN_ID_BYTES);
  crypto_generichash_final(&s, bytes, sizeof bytes);
  gw_admin_id_write(bytes, token);
}

bool gw_admin_csrf_is(const gw_admin *a, const uint8_t id[GW_ADMIN_ID_BYTES],
                      gw_view token) {
  char right[GW_ADMIN_TOKEN_MAX];
  gw_admin_csrf(a, id, right);
  return token.len == sizeof right - 1 &&
         sodium_memcmp(right, token.data, token.len) == 0;
}
