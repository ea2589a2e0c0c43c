/* SPDX-License-Identifier: MIT */
/* jwks_plan.h - when a set of keys is fetched: ahead of its end, soon when a key
 * is missing, and never in a storm. No clock, thread or socket. */
#ifndef GODWIT_AUTH_JWKS_PLAN_H
#define GODWIT_AUTH_JWKS_PLAN_H

#include "godwit/wire.h"

/*
 *   begin   good for max-age, within bounds        at 80 % of it
 *     |-------------------------------------------------| begin
 *     |<-- interval -->|      | want: a kid is not known
 *                      |      begin
 *              want: not before here
 *
 * Fetches are counted, so that who waits for one knows when it was its turn. A
 * failed one is tried again after a time that doubles up to the interval, and the
 * keys that there are stay.
 */
typedef struct gw_jwks_plan {
  /* public */
  uint32_t min_age_ms;
  uint32_t max_age_ms;
  uint32_t interval_ms;
  /* read-only */
  uint64_t due_ms;    /**< of the next; while one runs, nothing */
  uint64_t num_begun; /**< the last has this number, the first is 1 */
  bool is_running;
  bool was_good; /**< the last that is over */
  /* private */
  uint64_t begun_ms;
  uint32_t num_failed; /**< in a row */
} gw_jwks_plan;

/** A failed fetch is tried again after this, then after twice as long, ... */
#define GW_JWKS_RETRY_MS 1000u

/** All zero, the public fields set; the first fetch is due now. */
void gw_jwks_plan_init(gw_jwks_plan *p, uint64_t now_ms);

/**
 * A key is not known: have the set fetched, if that was not just done.
 *   returns  the number of the fetch that will tell; *at_ms: when it begins, or
 *            now when it runs
 */
uint64_t gw_jwks_plan_want(gw_jwks_plan *p, uint64_t now_ms, uint64_t *at_ms);

void gw_jwks_plan_begin(gw_jwks_plan *p, uint64_t now_ms);

/** It is over. age_ms: how long the set may be kept, as its server said; -1: it
 * said nothing. random: for jitter. */
void gw_jwks_plan_end(gw_jwks_plan *p, uint64_t now_ms, bool is_good,
                      int64_t age_ms, uint32_t random);

/** Number of the last fetch that is over. */
uint64_t gw_jwks_plan_num_over(const gw_jwks_plan *p);

/** max-age of a Cache-Control header in milliseconds, 0 when nothing may be kept,
 * -1 when it does not say. */
int64_t gw_cache_control_age_ms(const char *header);

#endif
