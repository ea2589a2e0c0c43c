/* SPDX-License-Identifier: MIT */
/* key.h - one key that tokens are checked with. */
#ifndef GODWIT_AUTH_KEY_H
#define GODWIT_AUTH_KEY_H

#include <jansson.h>

#include "server/auth/alg.h"

/** A shorter secret could be found by trying (RFC 7518, section 3.2). */
#define GW_SECRET_MIN_BYTES 32u
#define GW_SECRET_MAX_BYTES 4096u
/** Of RSA: less is not safe, and more only costs time. */
#define GW_RSA_MIN_BITS 2048
#define GW_RSA_MAX_BITS 8192

/** Room for what is wrong with a key, a set of keys or a token. */
#define GW_AUTH_WHY_MAX 320u

/** Checking does not change it: any number of threads may at once. */
typedef struct gw_key {
  struct gw_key *next;
  char *kid;    /**< NULL: it has none */
  gw_algs algs; /**< that it may be used for */
  enum gw_key_family family;
  EVP_PKEY *pkey; /**< NULL for a secret */
  size_t secret_len;
  uint8_t secret[];
} gw_key;

/** NULL: why says it. */
gw_key *gw_key_from_secret(gw_view secret, char why[GW_AUTH_WHY_MAX]);
/** Takes a reference to pkey. NULL: of a kind that is not taken, too small or
 * too large; why says it. */
gw_key *gw_key_from_pkey(EVP_PKEY *pkey, char why[GW_AUTH_WHY_MAX]);
/**
 * A key of a JSON Web Key set (RFC 7517).
 *   may_be_secret  whether kty "oct" is taken: a set that everybody can read must
 *                  not hold the secret of HMAC
 *   returns        NULL: not for signatures, or of a kind that is not taken; why
 *                  says it
 */
gw_key *gw_key_from_jwk(const json_t *jwk, bool may_be_secret,
                        char why[GW_AUTH_WHY_MAX]);
void gw_key_free(gw_key *key); /**< NULL is fine; its secret is wiped */

/** Whether the signature is of the text, by this key and the algorithm, which it
 * must be one for. In constant time as far as secrets are concerned. */
bool gw_key_verify(const gw_key *key, enum gw_alg alg, gw_view text,
                   gw_view signature);

#endif
