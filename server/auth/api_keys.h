/* SPDX-License-Identifier: MIT */
/* api_keys.h - keys that let an application use the server API. */
#ifndef GODWIT_AUTH_API_KEYS_H
#define GODWIT_AUTH_API_KEYS_H

#include "godwit/wire.h"

/** Characters of a key at least, so that it cannot be guessed; a made one has
 * 43. */
#define GW_API_KEY_MIN  16u
#define GW_API_KEY_MAX  256u
#define GW_API_KEYS_MAX 256u
/** In front of a hash in hexadecimal. */
#define GW_API_KEY_HASH_PREFIX "sha256:"

/** Known keys, as their hashes only: neither memory nor a comparison's time gives
 * one away. Read-only after init, on any thread. */
typedef struct gw_api_keys {
  size_t num;
  uint8_t (*hashes)[32];
} gw_api_keys;

/**
 * Read words with commas or blanks between them, each a key or sha256:HEX.
 *   owner    gw_api_keys_deinit, also after a failure
 *   returns  0; GW_ERR_INVALID, *bad: the number of the word (from 1) that is
 *            none; GW_ERR_FULL, GW_ERR_NOMEM
 */
GW_MUST_USE int gw_api_keys_init(gw_api_keys *k, const char *words,
                                 size_t *bad);
void gw_api_keys_deinit(gw_api_keys *k);

/** Whether a key is among them; every one is compared, in constant time. */
bool gw_api_keys_has(const gw_api_keys *k, gw_view key);

/** A new key, and its hash as it stands in the configuration. */
void gw_api_key_make(char key[64], char hash[80]);

#endif
