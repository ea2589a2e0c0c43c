/* SPDX-License-Identifier: MIT */
/* sign.c - HMAC by libsodium. */
#include "server/hooks/sign.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

void gw_hook_sign(const char *secret, uint64_t time_s, gw_view body,
                  char signature[GW_HOOK_SIGNATURE_CHARS]) {
  crypto_auth_hmacsha256_state state;
  unsigned char mac[crypto_auth_hmacsha256_BYTES];
  char front[24];
  int len = snprintf(front, sizeof front, "%" PRIu64 ".", time_s);
  crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret,
                              strlen(secret));
  crypto_auth_hmacsha256_update(&state, (const unsigned char *)front,
                                (unsigned long long)len);
  crypto_auth_hmacsha256_update(&state, body.data, body.len);
  crypto_auth_hmacsha256_final(&state, mac);
  sodium_bin2hex(signature, GW_HOOK_SIGNATURE_CHARS, mac, sizeof mac);
}
