/* SPDX-License-Identifier: MIT */
/* jws.h - the compact form of a signed token: header.payload.signature
 * (RFC 7515). */
#ifndef GODWIT_AUTH_JWS_H
#define GODWIT_AUTH_JWS_H

#include <jansson.h>

#include "server/auth/key.h"

/** Of Ed25519, ECDSA, HMAC and RSA: the longest RSA key's. */
#define GW_JWS_SIGNATURE_MAX (GW_RSA_MAX_BITS / 8)
/** A kid at most. */
#define GW_JWS_KID_MAX 255u

/** A token in its parts. Nothing in it is to be believed before its signature is
 * checked. */
typedef struct gw_jws {
  enum gw_alg alg;
  gw_view signed_text; /**< into the token */
  gw_view payload;     /**< into it, too; still in base64url */
  json_t *header;
  size_t signature_len;
  uint8_t signature[GW_JWS_SIGNATURE_MAX];
} gw_jws;

/**
 * Take a token apart.
 *   owner    gw_jws_deinit, also after a failure
 *   returns  0; GW_ERR_INVALID, why says it: not of this form, "none" or another
 *            algorithm that is not taken, extensions that must be understood
 */
GW_MUST_USE int gw_jws_parse(gw_jws *jws, gw_view token,
                             char why[GW_AUTH_WHY_MAX]);
void gw_jws_deinit(gw_jws *jws);

/** Empty: the header names no key. */
gw_view gw_jws_kid(const gw_jws *jws);

/** The object that the payload holds, a new reference; NULL: it holds none. For
 * when the signature was checked. */
json_t *gw_jws_payload(const gw_jws *jws);

#endif
