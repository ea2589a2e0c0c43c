/* SPDX-License-Identifier: MIT */
/* token.h - a JSON Web Token, from its text to claims that may be believed. */
#ifndef GODWIT_AUTH_TOKEN_H
#define GODWIT_AUTH_TOKEN_H

#include "server/auth/auth.h"
#include "server/auth/claims.h"
#include "server/auth/keyring.h"

/** What tokens are held to. */
typedef struct gw_token_rules {
  gw_algs algs; /**< that are allowed */
  gw_claim_rules claims;
} gw_token_rules;

/** From the configuration, which outlives them. 0, GW_ERR_INVALID: why names the
 * key and what is wrong. */
GW_MUST_USE int gw_token_rules_init(gw_token_rules *rules,
                                    const gw_auth_settings *s,
                                    char why[GW_AUTH_WHY_MAX]);

/**
 * Check a token: form, algorithm, signature, then what it says.
 *   now_ms   since 1970
 *   owner    gw_claims_deinit of c, also after a failure
 *   returns  GW_CODE_OK; GW_CODE_TOKEN_EXPIRED, GW_CODE_TOKEN_INVALID;
 *            GW_CODE_AUTH_UNAVAILABLE: there is no key for it (yet). why says it
 */
GW_MUST_USE uint32_t gw_token_check(const gw_keyring *ring,
                                    const gw_token_rules *rules, gw_view token,
                                    uint64_t now_ms, gw_claims *c,
                                    char why[GW_AUTH_WHY_MAX]);

#endif
