/* SPDX-License-Identifier: MIT */
/* api_keys.c - compares keys by their SHA-256. A fast hash is enough, as the keys
 * are random. */
#include "server/auth/api_keys.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BETWEEN  ", \t"
#define HASH_HEX (2 * crypto_hash_sha256_BYTES)

_Static_assert(crypto_hash_sha256_BYTES == 32, "as in api_keys.h");

static bool read_hash(gw_view hex, uint8_t hash[32]) {
  size_t len = 0;
  return hex.len == HASH_HEX &&
         sodium_hex2bin(hash, 32, (const char *)hex.data, hex.len, NULL, &len,
                        NULL) == 0 &&
         len == 32;
}

static bool read_word(gw_view word, uint8_t hash[32]) {
  static const size_t prefix = sizeof GW_API_KEY_HASH_PREFIX - 1;
  if (word.len >= prefix &&
      memcmp(word.data, GW_API_KEY_HASH_PREFIX, prefix) == 0)
    return read_hash((gw_view){word.data + prefix, word.len - prefix}, hash);
  if (word.len < GW_API_KEY_MIN || word.len > GW_API_KEY_MAX) return false;
  crypto_hash_sha256(hash, word.data, word.len);
  return true;
}

int gw_api_keys_init(gw_api_keys *k, const char *words, size_t *bad) {
  *k = (gw_api_keys){.num = 0};
  for (*bad = 1;; ++*bad) {
    words += strspn(words, BETWEEN);
    gw_view word = {(const uint8_t *)words, strcspn(words, BETWEEN)};
    if (word.len == 0) return 0;
    if (k->num == GW_API_KEYS_MAX) return GW_ERR_FULL;
    uint8_t(*hashes)[32] = realloc(k->hashes, (k->num + 1) * sizeof *hashes);
    if (hashes == NULL) return GW_ERR_NOMEM;
    k->hashes = hashes;
    if (!read_word(word, hashes[k->num])) return GW_ERR_INVALID;
    k->num++;
    words += word.len;
  }
}

void gw_api_keys_deinit(gw_api_keys *k) {
  free(k->hashes);
  *k = (gw_api_keys){.num = 0};
}

bool gw_api_keys_has(const gw_api_keys *k, gw_view key) {
  uint8_t hash[32];
  unsigned num = 0;
  crypto_hash_sha256(hash, key.data, key.len);
  for (size_t i = 0; i < k->num; i++)
    num += sodium_memcmp(k->hashes[i], hash, sizeof hash) == 0;
  return num != 0;
}

void gw_api_key_make(char key[64], char hash[80]) {
  uint8_t random[32], digest[32];
  char hex[HASH_HEX + 1];
  randombytes_buf(random, sizeof random);
  sodium_bin2base64(key, 64, random, sizeof random,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  crypto_hash_sha256(digest, (const uint8_t *)key, strlen(key));
  sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
  (void)snprintf(hash, 80, GW_API_KEY_HASH_PREFIX "%s", hex);
}
