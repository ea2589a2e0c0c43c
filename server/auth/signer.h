/* SPDX-License-Identifier: MIT */
/* signer.h - signs tokens, for development and tests; in production that is the
 * application's. */
#ifndef GODWIT_AUTH_SIGNER_H
#define GODWIT_AUTH_SIGNER_H

#include <jansson.h>

#include "server/auth/key.h"

typedef struct gw_signer {
  enum gw_alg alg;
  gw_key *secret; /**< NULL: pkey signs */
  EVP_PKEY *pkey;
} gw_signer;

/**
 * Take a key to sign with.
 *   key      a private key in PEM or, when it is no PEM, the secret of HMAC
 *   alg      NULL: the usual one for such a key (HS256, RS256, ES256, ES384,
 *            ES512, EdDSA)
 *   owner    gw_signer_deinit, also after a failure
 *   returns  0; GW_ERR_INVALID, why says it
 */
GW_MUST_USE int gw_signer_init(gw_signer *s, gw_view key, const char *alg,
                               char why[GW_AUTH_WHY_MAX]);
void gw_signer_deinit(gw_signer *s);

/** A token with these claims, to be freed. kid: NULL for none. NULL when out of
 * memory. */
char *gw_signer_sign(const gw_signer *s, const json_t *claims, const char *kid);

#endif
