/* SPDX-License-Identifier: MIT */
/* token.c - checks a token from its outside to its inside. */
#include "server/auth/token.h"

#include <stdio.h>

#include "server/auth/jws.h"

int gw_token_rules_init(gw_token_rules *rules, const gw_auth_settings *s,
                        char why[GW_AUTH_WHY_MAX]) {
  gw_view bad;
  *rules = (gw_token_rules){.claims = {.issuer = s->issuer,
                                       .audience = s->audience,
                                       .leeway_ms = s->leeway_ms,
                                       .max_lifetime_ms = s->max_lifetime_ms,
                                       .user = s->user_claim,
                                       .info = s->info_claim,
                                       .channels = s->channels_claim,
                                       .channel = s->channel_claim}};
  if (gw_algs_parse(s->algorithms, &rules->algs, &bad) < 0) {
    (void)snprintf(why, GW_AUTH_WHY_MAX,
                   "auth.jwt.algorithms: '%.*s' is none; there are HS256, "
                   "HS384, HS512, RS..., PS..., ES... and EdDSA",
                   (int)(bad.len < 40 ? bad.len : 40), (const char *)bad.data);
    return GW_ERR_INVALID;
  }
  if (rules->algs == 0) rules->algs = GW_ALGS_ALL;
  return 0;
}

static uint32_t check_signature(const gw_keyring *ring,
                                const gw_token_rules *rules, const gw_jws *jws,
                                char *why) {
  gw_view signature = {jws->signature, jws->signature_len};
  if (!gw_algs_has(rules->algs, (int)jws->alg)) {
    (void)snprintf(why, GW_AUTH_WHY_MAX, "its algorithm is not allowed here");
    return GW_CODE_TOKEN_INVALID;
  }
  switch (gw_keyring_verify(ring, jws->alg, gw_jws_kid(jws), jws->signed_text,
                            signature)) {
  case GW_KEYRING_GOOD:
    return GW_CODE_OK;
  case GW_KEYRING_BAD:
    (void)snprintf(why, GW_AUTH_WHY_MAX, "its signature is wrong");
    return GW_CODE_TOKEN_INVALID;
  default:
    (void)snprintf(why, GW_AUTH_WHY_MAX, "there is no key for it here");
    return GW_CODE_AUTH_UNAVAILABLE;
  }
}

uint32_t gw_token_check(const gw_keyring *ring, const gw_token_rules *rules,
                        gw_view token, uint64_t now_ms, gw_claims *c,
                        char why[GW_AUTH_WHY_MAX]) {
  gw_jws jws;
  uint32_t code = GW_CODE_TOKEN_INVALID;
  *c = (gw_claims){.payload = NULL};
  if (gw_jws_parse(&jws, token, why) == 0)
    code = check_signature(ring, rules, &jws, why);
  if (code == GW_CODE_OK)
    code = gw_claims_read(c, gw_jws_payload(&jws), &rules->claims, now_ms, why);
  gw_jws_deinit(&jws);
  return code;
}
