/* SPDX-License-Identifier: MIT */
/* claims.h - what a token says, and whether it is good for this server at this
 * time (RFC 7519). */
#ifndef GODWIT_AUTH_CLAIMS_H
#define GODWIT_AUTH_CLAIMS_H

#include <jansson.h>

#include "server/auth/key.h"

/** What is asked of every token. Texts are never NULL. */
typedef struct gw_claim_rules {
  const char *issuer;   /**< iss has to be this; empty: any */
  const char *audience; /**< aud has to name one of these words; empty: there
                                 must be no aud */
  uint32_t leeway_ms;   /**< by how much clocks may differ */
  uint32_t max_lifetime_ms; /**< exp has to be there and at most this far away;
                                 0: any, or none */
  /* names of the claims that hold */
  const char *user;
  const char *info;
  const char *channels;
  const char *channel;
} gw_claim_rules;

/** What a token says. Views are into payload. */
typedef struct gw_claims {
  json_t *payload;
  gw_view user;      /**< empty: it names none */
  gw_view channel;   /**< of a token for a channel; empty: it is for a
                          connection */
  gw_view *channels; /**< to subscribe the user to */
  size_t num_channels;
  gw_view jti;         /**< empty: it has none */
  uint64_t expires_ms; /**< with the leeway; 0: never */
  uint64_t issued_ms;  /**< 0: it does not say */
  char *info;          /**< JSON; NULL: none */
  size_t info_len;
  char digits[24]; /**< of a user that is a number */
} gw_claims;

/**
 * Read claims, and check those that are about time, issuer and audience.
 *   payload  a reference is taken over, also on failure; NULL: no object
 *   now_ms   since 1970
 *   owner    gw_claims_deinit, also after a failure
 *   returns  GW_CODE_OK; GW_CODE_TOKEN_EXPIRED or GW_CODE_TOKEN_INVALID, why
 *            says it
 */
GW_MUST_USE uint32_t gw_claims_read(gw_claims *c, json_t *payload,
                                    const gw_claim_rules *rules,
                                    uint64_t now_ms, char why[GW_AUTH_WHY_MAX]);
void gw_claims_deinit(gw_claims *c);

#endif
