/* SPDX-License-Identifier: MIT */
/* jwks_plan.c - decides when a set of keys is fetched. */
#include "server/auth/jwks_plan.h"

#include <string.h>
#include <strings.h>

/** Longer times than a year are cut, so that sums do not overflow. */
#define AGE_MAX_S (366u * 24u * 3600u)

void gw_jwks_plan_init(gw_jwks_plan *p, uint64_t now_ms) {
  p->due_ms = now_ms;
}

static uint64_t earliest(const gw_jwks_plan *p, uint64_t now_ms) {
  uint64_t at = p->num_begun != 0 ? p->begun_ms + p->interval_ms : now_ms;
  return at > now_ms ? at : now_ms;
}

uint64_t gw_jwks_plan_want(gw_jwks_plan *p, uint64_t now_ms, uint64_t *at_ms) {
  if (p->is_running) {
    *at_ms = now_ms;
    return p->num_begun;
  }
  uint64_t at = earliest(p, now_ms);
  if (at < p->due_ms) p->due_ms = at;
  *at_ms = p->due_ms;
  return p->num_begun + 1;
}

void gw_jwks_plan_begin(gw_jwks_plan *p, uint64_t now_ms) {
  p->is_running = true;
  p->begun_ms = now_ms;
  p->num_begun++;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high) {
  if (value < low) return low;
  return value > high ? high : value;
}

/** After a failure: a time that doubles, up to the interval, less up to a
 * quarter. */
static uint64_t retry_after(const gw_jwks_plan *p, uint32_t random) {
  uint32_t shift = p->num_failed < 16 ? p->num_failed : 16;
  uint64_t delay = (uint64_t)GW_JWKS_RETRY_MS << shift;
  if (delay > p->interval_ms) delay = p->interval_ms;
  return delay - random % (delay / 4 + 1);
}

void gw_jwks_plan_end(gw_jwks_plan *p, uint64_t now_ms, bool is_good,
                      int64_t age_ms, uint32_t random) {
  p->is_running = false;
  p->was_good = is_good;
  if (!is_good) {
    p->due_ms = now_ms + retry_after(p, random);
    p->num_failed++;
    return;
  }
  p->num_failed = 0;
  uint64_t age = age_ms < 0
                     ? p->max_age_ms
                     : clamp((uint64_t)age_ms, p->min_age_ms, p->max_age_ms);
  /* Ahead of its end, and not together with the other nodes. */
  p->due_ms = now_ms + age * 8 / 10 - random % (age / 10 + 1);
}

uint64_t gw_jwks_plan_num_over(const gw_jwks_plan *p) {
  return p->num_begun - (p->is_running ? 1 : 0);
}

/* ---- Cache-Control ---------------------------------------------------------- */

static bool is_word(const char *at, size_t len, const char *word) {
  return strlen(word) == len && strncasecmp(at, word, len) == 0;
}

/** Digits; -1: none. */
static int64_t seconds(const char *at) {
  int64_t sum = 0;
  if (*at == '"') at++;
  if (*at < '0' || *at > '9') return -1;
  for (; *at >= '0' && *at <= '9'; at++) {
    sum = sum * 10 + (*at - '0');
    if (sum > AGE_MAX_S) return AGE_MAX_S;
  }
  return sum;
}

int64_t gw_cache_control_age_ms(const char *header) {
  static const char between[] = ", \t";
  int64_t age = -1;
  for (const char *at = header + strspn(header, between); *at != '\0';
       at += strspn(at, between)) {
    size_t len = strcspn(at, ", \t=");
    if (is_word(at, len, "no-store") || is_word(at, len, "no-cache")) return 0;
    if (is_word(at, len, "max-age") && at[len] == '=')
      age = seconds(at + len + 1);
    at += strcspn(at, between);
  }
  return age < 0 ? -1 : age * 1000;
}
