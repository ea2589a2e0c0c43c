/* SPDX-License-Identifier: MIT */
/* backoff.h - whether and when to come back after a loss: decided here and
 * nowhere else. */
#ifndef GODWIT_CLIENT_BACKOFF_H
#define GODWIT_CLIENT_BACKOFF_H

#include "godwit/client.h"

/** Attempts of one connection, or of one subscription. */
typedef struct gw__backoff {
  gw_retry_policy policy;
  uint32_t attempt;       /**< attempts since it was stable */
  uint64_t not_before_ms; /**< the peer's wish; 0: none */
} gw__backoff;

/** Why something was lost, and what the peer said about coming back. */
typedef struct gw__loss {
  uint32_t code;
  gw_view reason;
  uint32_t retry_after_ms;
  uint32_t spread_ms;
  /** The code is our own finding, not the peer's word: what we find wrong with
   * a server, even a broken protocol, may be right with the one that replaces
   * it, so it is always worth coming back. */
  bool found_here;
  /** The transport is closed already. */
  bool gone;
  /** A token is at hand that the peer has not seen. */
  bool new_token;
} gw__loss;

/** Whether a refusal with this code may pass by itself. */
bool gw__may_retry(uint32_t code);

/** Zero fields get their defaults; see gw_retry_policy. */
void gw__backoff_set(gw__backoff *b, const gw_retry_policy *policy);

/** Delay before the attempt that follows `failures` failed ones (0 counts as
 * 1), with jitter drawn from `random`. At least 1. */
uint64_t gw__backoff_delay(const gw_retry_policy *policy, uint32_t failures,
                           uint32_t random);

/**
 * Decide about a loss.
 *   returns  GW_CODE_OK: come back at *retry_at_ms; otherwise the code to give
 *            up with: the loss's own, or GW_CODE_ATTEMPTS_EXHAUSTED
 */
uint32_t gw__backoff_decide(gw__backoff *b, const gw__loss *loss,
                            uint64_t now_ms, uint64_t random,
                            uint64_t *retry_at_ms);

#endif
