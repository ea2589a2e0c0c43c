/* SPDX-License-Identifier: MIT */
/* backoff.c - whether and when to come back after a loss. */
#include "client/backoff.h"

#include "proto/guard.h"

const gw_retry_policy gw_retry_default = {.base_ms = 500,
                                          .cap_ms = 20000,
                                          .multiplier_permille = 2000,
                                          .jitter_permille = 1000,
                                          .stable_ms = 5000};
const gw_retry_policy gw_retry_aggressive = {.base_ms = 100,
                                             .cap_ms = 5000,
                                             .multiplier_permille = 2000,
                                             .jitter_permille = 1000,
                                             .stable_ms = 5000};
const gw_retry_policy gw_retry_conservative = {.base_ms = 2000,
                                               .cap_ms = 120000,
                                               .multiplier_permille = 2000,
                                               .jitter_permille = 1000,
                                               .stable_ms = 5000};

bool gw__may_retry(uint32_t code) {
  enum gw_code_class class = gw_code_class(code);
  return class == GW_CLASS_RETRY || class == GW_CLASS_RETRY_AFTER;
}

void gw__backoff_set(gw__backoff *b, const gw_retry_policy *policy) {
  gw_retry_policy p = *policy;
  if (p.base_ms == 0 && p.cap_ms == 0 && p.multiplier_permille == 0 &&
      p.jitter_permille == 0 && p.stable_ms == 0) {
    uint32_t attempts = p.attempts;
    p = gw_retry_default;
    p.attempts = attempts;
  }
  if (p.base_ms == 0) p.base_ms = gw_retry_default.base_ms;
  if (p.cap_ms < p.base_ms) p.cap_ms = p.base_ms;
  if (p.multiplier_permille < 1000) p.multiplier_permille = 1000;
  if (p.jitter_permille > 1000) p.jitter_permille = 1000;
  b->policy = p;
}

/** A random number below `range`, made from 32 random bits. */
static uint64_t scaled(uint32_t random, uint64_t range) {
  return (random * range) >> 32;
}

uint64_t gw__backoff_delay(const gw_retry_policy *policy, uint32_t failures,
                           uint32_t random) {
  uint64_t delay = policy->base_ms;
  for (uint32_t i = 1; i < failures && delay < policy->cap_ms; i++) {
    uint64_t grown = delay * policy->multiplier_permille / 1000;
    if (grown == delay) break;
    delay = grown;
  }
  if (!GW_GUARD(BACKOFF)) return 1;
  if (delay > policy->cap_ms) delay = policy->cap_ms;
  delay -= scaled(random, delay * policy->jitter_permille / 1000 + 1);
  return delay > 0 ? delay : 1;
}

/** Whether a code allows another attempt at all. */
static bool may_come_back(const gw__loss *loss) {
  if (loss->found_here) return true;
  switch (gw_code_class(loss->code)) {
  case GW_CLASS_TERMINAL:
    return false;
  case GW_CLASS_REAUTH:
    /* The same token would be refused again, and again: only one that the
     * peer has not seen is worth an attempt. */
    return loss->new_token;
  default:
    return true;
  }
}

uint32_t gw__backoff_decide(gw__backoff *b, const gw__loss *loss,
                            uint64_t now_ms, uint64_t random,
                            uint64_t *retry_at_ms) {
  if (!may_come_back(loss)) return loss->code;
  if (b->policy.attempts != 0 && b->attempt >= b->policy.attempts)
    return GW_CODE_ATTEMPTS_EXHAUSTED;
  b->not_before_ms = 0;
  if (loss->retry_after_ms != 0 || loss->spread_ms != 0)
    b->not_before_ms =
        now_ms + loss->retry_after_ms +
        scaled((uint32_t)(random >> 32), (uint64_t)loss->spread_ms + 1);
  uint64_t at =
      now_ms + gw__backoff_delay(&b->policy, b->attempt, (uint32_t)random);
  *retry_at_ms = at > b->not_before_ms ? at : b->not_before_ms;
  return GW_CODE_OK;
}
