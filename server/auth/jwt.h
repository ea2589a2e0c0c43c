/* SPDX-License-Identifier: MIT */
/* jwt.h - the authenticator that checks JSON Web Tokens. */
#ifndef GODWIT_AUTH_JWT_H
#define GODWIT_AUTH_JWT_H

#include "server/auth/keystore.h"
#include "server/auth/stats.h"
#include "server/auth/token.h"

/*
 *   question, token --- a key fits ------------------------> answered at once
 *        |
 *        +--- no key fits: waits for the keystore's next fetch, if that begins
 *             within GW_JWT_WAIT_MS --- over ---------------> answered
 *
 * However many wait, they wait for the same fetch, and there is one in an
 * interval.
 */

/** A fetch that begins later than this is not waited for: the client is told to
 * come back. */
#define GW_JWT_WAIT_MS 3000u
/** Questions that may wait on one worker; what is more is told to come back. */
#define GW_JWT_MAX_WAITING 1024u

typedef struct gw_jwt_options {
  bool anonymous; /**< see gw_auth_settings */
  uint32_t fetch_timeout_ms;
  const gw_token_rules *rules; /**< outlive it */
  gw_keystore *keystore;       /**< outlives it */
  gw_auth_stats *stats;        /**< outlive it */
  gw_auth_port port;
  void *user;
} gw_jwt_options;

/** NULL when out of memory. */
gw_auth *gw_jwt_new(const gw_jwt_options *options);

#endif
