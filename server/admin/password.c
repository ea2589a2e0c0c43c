/* SPDX-License-Identifier: MIT */
/* password.c - OpenSSL's scrypt, and its parameters as text. */
#include "server/admin/password.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
/* Of 16 and of 32 bytes. */
#define SALT_CHARS 22
#define HASH_CHARS 43

/* OpenSSL counts some kilobytes beside scrypt's own. */
#define SPARE_BYTES (1024u * 1024u)

static uint64_t bytes_of(const gw_password *p) {
  return (UINT64_C(128) * p->r) << p->cost;
}

static bool is_fit(const gw_password *p) {
  return p->cost >= GW_PASSWORD_COST_MIN && p->cost <= GW_PASSWORD_COST_MAX &&
         p->r >= GW_PASSWORD_R && p->r <= 64 && p->p >= 1 &&
         p->p <= GW_PASSWORD_P_MAX && bytes_of(p) <= GW_PASSWORD_BYTES_MAX;
}

static bool read_bytes(const char *text, uint8_t *to, size_t num) {
  size_t len = 0;
  return sodium_base642bin(to, num, text, strlen(text), NULL, &len, NULL,
                           VARIANT) == 0 &&
         len == num;
}

int gw_password_read(gw_password *p, const char *text) {
  char salt[SALT_CHARS + 1], hash[HASH_CHARS + 1], again[GW_PASSWORD_TEXT_MAX];
  static const char form[] = "scrypt$%" SCNu32 "$%" SCNu32 "$%" SCNu32
                             "$%22[A-Za-z0-9_-]$%43[A-Za-z0-9_-]";
  *p = (gw_password){.cost = 0};
  if (sscanf(text, form, &p->cost, &p->r, &p->p, salt, hash) != 5 ||
      !is_fit(p) || !read_bytes(salt, p->salt, sizeof p->salt) ||
      !read_bytes(hash, p->hash, sizeof p->hash))
    return GW_ERR_INVALID;
  /* There is one way to write it: no sign, no blank, nothing behind it. */
  gw_password_write(p, again);
  return strcmp(again, text) == 0 ? 0 : GW_ERR_INVALID;
}

void gw_password_write(const gw_password *p, char text[GW_PASSWORD_TEXT_MAX]) {
  char salt[SALT_CHARS + 1], hash[HASH_CHARS + 1];
  sodium_bin2base64(salt, sizeof salt, p->salt, sizeof p->salt, VARIANT);
  sodium_bin2base64(hash, sizeof hash, p->hash, sizeof p->hash, VARIANT);
  (void)snprintf(text, GW_PASSWORD_TEXT_MAX,
                 "scrypt$%" PRIu32 "$%" PRIu32 "$%" PRIu32 "$%s$%s", p->cost,
                 p->r, p->p, salt, hash);
}

static int derive(const gw_password *p, gw_view password,
                  uint8_t hash[GW_PASSWORD_HASH_BYTES]) {
  const char *text = password.len != 0 ? (const char *)password.data : "";
  return EVP_PBE_scrypt(text, password.len, p->salt, sizeof p->salt,
                        UINT64_C(1) << p->cost, p->r, p->p,
                        bytes_of(p) + SPARE_BYTES, hash,
                        GW_PASSWORD_HASH_BYTES) == 1
             ? 0
             : GW_ERR_NOMEM;
}

int gw_password_make(gw_password *p, uint32_t cost,
                     const uint8_t salt[GW_PASSWORD_SALT_BYTES],
                     gw_view password) {
  *p = (gw_password){.cost = cost, .r = GW_PASSWORD_R, .p = GW_PASSWORD_P};
  memcpy(p->salt, salt, sizeof p->salt);
  return derive(p, password, p->hash);
}

int gw_password_check(const gw_password *p, gw_view password) {
  uint8_t hash[GW_PASSWORD_HASH_BYTES];
  if (derive(p, password, hash) < 0) return GW_ERR_NOMEM;
  bool is_it = sodium_memcmp(hash, p->hash, sizeof hash) == 0;
  sodium_memzero(hash, sizeof hash);
  return is_it;
}
