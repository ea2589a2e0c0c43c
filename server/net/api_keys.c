/* SPDX-License-Identifier: MIT */
/* api_keys.c - compares keys by their hashes, all of the list each time. */
#include "server/net/api_keys.h"

#include <sodium.h>
#include <string.h>

#define BETWEEN ", \t"

/** The next item from *at on; empty at the end. */
static gw_view next_item(const char **at) {
  *at += strspn(*at, BETWEEN);
  gw_view item = {(const uint8_t *)*at, strcspn(*at, BETWEEN)};
  *at += item.len;
  return item;
}

bool gw_api_keys_exist(const char *list) {
  return next_item(&list).len != 0;
}

bool gw_api_keys_fit(const char *list, gw_view key) {
  unsigned char given[crypto_generichash_BYTES], known[sizeof given];
  bool fits = false;
  if (key.len == 0 || key.len > GW_API_KEY_MAX) return false;
  crypto_generichash(given, sizeof given, key.data, key.len, NULL, 0);
  for (gw_view item; (item = next_item(&list)).len != 0;) {
    crypto_generichash(known, sizeof known, item.data, item.len, NULL, 0);
    fits |= sodium_memcmp(given, known, sizeof given) == 0;
  }
  return fits;
}

bool gw_api_list_has(const char *list, gw_view item) {
  for (gw_view one; (one = next_item(&list)).len != 0;)
    if (gw_view_eq(one, item)) return true;
  return false;
}
