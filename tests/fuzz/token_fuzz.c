/* SPDX-License-Identifier: MIT */
/* token_fuzz.c - any bytes as a token, as what a signed token says, as a set of
 * keys, and as the headers Origin and Cookie. The first byte says which. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/api_keys.h"
#include "server/auth/cookie.h"
#include "server/auth/origin.h"
#include "server/auth/token.h"

#define NOW_MS UINT64_C(1700000000000)

/** {"alg":"HS256"} and a dot. */
#define HEADER "eyJhbGciOiJIUzI1NiJ9."

static const char secret[] = "0123456789abcdef0123456789abcdef";
_Static_assert(sizeof secret - 1 == crypto_auth_hmacsha256_KEYBYTES, "HS256");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const gw_token_rules rules = {.algs = GW_ALGS_ALL,
                                     .claims = {.issuer = "",
                                                .audience = "me",
                                                .leeway_ms = 5000,
                                                .max_lifetime_ms = 3600000,
                                                .user = "sub",
                                                .info = "info",
                                                .channels = "channels",
                                                .channel = "channel"}};

/** What is said has to lie within it: a byte of each view is looked at. */
static unsigned look_at(gw_view v) {
  unsigned sum = 0;
  for (size_t i = 0; i < v.len; i++)
    sum += v.data[i];
  return sum;
}

static uint32_t check(gw_view token) {
  char why[GW_AUTH_WHY_MAX];
  gw_claims c;
  gw_keyring *ring = gw_keyring_new(NULL);
  if (ring == NULL || gw_keyring_add_secret(ring, gw_view_of(secret), why) != 1)
    abort();
  uint32_t code = gw_token_check(ring, &rules, token, NOW_MS, &c, why);
  if (code == GW_CODE_OK) {
    volatile unsigned sum =
        look_at(c.user) + look_at(c.channel) + look_at(c.jti);
    for (size_t i = 0; i < c.num_channels; i++)
      sum += look_at(c.channels[i]);
    if (c.user.len > GW_MAX_USER_BYTES || c.info_len > GW_MAX_INFO_BYTES ||
        c.expires_ms <= NOW_MS)
      abort();
  } else if (memchr(why, '\0', sizeof why) == NULL) {
    abort();
  }
  gw_claims_deinit(&c);
  gw_keyring_unref(ring);
  return code;
}

/** Sign it as it is, which no honest issuer would. */
static void check_payload(gw_view payload) {
  size_t cap = sizeof HEADER +
               sodium_base64_ENCODED_LEN(
                   payload.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING) +
               64;
  char *token = malloc(cap);
  uint8_t mac[crypto_auth_hmacsha256_BYTES];
  if (token == NULL) return;
  memcpy(token, HEADER, sizeof HEADER);
  sodium_bin2base64(token + sizeof HEADER - 1, cap - sizeof HEADER,
                    payload.data, payload.len,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  size_t len = strlen(token);
  crypto_auth_hmacsha256(mac, (const uint8_t *)token, len,
                         (const uint8_t *)secret);
  token[len++] = '.';
  sodium_bin2base64(token + len, cap - len, mac, sizeof mac,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  if (check(gw_view_of(token)) == GW_CODE_AUTH_UNAVAILABLE) abort();
  free(token);
}

static void check_keys(gw_view text) {
  char why[GW_AUTH_WHY_MAX];
  for (int may_be_secret = 0; may_be_secret < 2; may_be_secret++) {
    gw_keyring *ring = gw_keyring_new(NULL);
    if (ring == NULL) return;
    int num = gw_keyring_add_jwks(ring, text, may_be_secret != 0, why);
    if (num > (int)GW_KEYRING_MAX) abort();
    (void)!gw_keyring_add_pem(ring, text, why);
    gw_keyring_unref(ring);
  }
}

static void check_headers(const char *text) {
  gw_view bad;
  gw_api_keys keys;
  size_t word;
  gw_view all = gw_view_of(text);
  volatile unsigned sum = look_at(gw_cookie_find(all, "session"));
  sum += gw_origin_is_allowed("same localhost *.example.org", all,
                              gw_view_of("a.example.org"));
  if (gw_origins_check(text, &bad) == 0)
    sum += gw_origin_is_allowed(text, gw_view_of("https://a.example.org:1"),
                                gw_view_of("localhost:8000"));
  if (gw_api_keys_init(&keys, text, &word) == 0)
    sum += gw_api_keys_has(&keys, all);
  gw_api_keys_deinit(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || sodium_init() < 0) return 0;
  gw_view rest = {data + 1, size - 1};
  char *text;
  switch (data[0] % 4) {
  case 0:
    (void)check(rest);
    break;
  case 1:
    check_payload(rest);
    break;
  case 2:
    check_keys(rest);
    break;
  default:
    text = strndup((const char *)rest.data, rest.len);
    if (text != NULL) check_headers(text);
    free(text);
  }
  return 0;
}
