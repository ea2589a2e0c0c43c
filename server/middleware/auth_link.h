/* SPDX-License-Identifier: MIT */
/* auth_link.h - the link auth: some requests need a token before they are
 * answered or upgraded, and some frames a user that is known. */
#ifndef GODWIT_MIDDLEWARE_AUTH_LINK_H
#define GODWIT_MIDDLEWARE_AUTH_LINK_H

#include "godwit/middleware.h"
#include "server/auth/keystore.h"
#include "server/auth/token.h"

typedef struct gw_auth_link gw_auth_link;

/** Texts and pointers outlive the link. */
typedef struct gw_auth_link_options {
  const char *requests;  /**< words: paths; one that ends with * is all below */
  const char *frames;    /**< words: subscribe, publish, rpc, presence, send */
  const char *cookie;    /**< that may hold the token; empty: none */
  gw_keystore *keystore; /**< NULL: tokens are not checked here */
  const gw_token_rules *rules;
} gw_auth_link_options;

/** Room for a sentence about what is wrong. */
#define GW_AUTH_LINK_WHY_MAX 256u

/** 0; GW_ERR_INVALID: why says what cannot be; GW_ERR_NOMEM. */
GW_MUST_USE int gw_auth_link_new(gw_auth_link **link,
                                 const gw_auth_link_options *options,
                                 char why[GW_AUTH_LINK_WHY_MAX]);
void gw_auth_link_free(gw_auth_link *link); /**< NULL is fine */

/** Its user is the gw_auth_link. A request without a good token, or with one that
 * was revoked, gets 401, or 503 while there is no key for it; a frame
 * PERMISSION_DENIED. */
extern const gw_middleware gw_auth_link_link;

#endif
