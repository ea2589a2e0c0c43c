/* SPDX-License-Identifier: MIT */
/* backoff_test.c - delays, and when to give up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/backoff.h"

static uint64_t seed;

static uint32_t draw(void) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(seed >> 32);
}

static gw__backoff defaults(void) {
  gw__backoff b = {0};
  gw_retry_policy zero = {0};
  gw__backoff_set(&b, &zero);
  return b;
}

static void zero_policy_is_the_default(void **state) {
  (void)state;
  gw__backoff b = defaults();
  assert_int_equal(b.policy.base_ms, 500);
  assert_int_equal(b.policy.cap_ms, 20000);
  assert_int_equal(b.policy.stable_ms, 5000);
  gw_retry_policy attempts_only = {.attempts = 3};
  gw__backoff_set(&b, &attempts_only);
  assert_int_equal(b.policy.attempts, 3);
  assert_int_equal(b.policy.jitter_permille, 1000);
}

static void odd_policies_are_made_sound(void **state) {
  (void)state;
  gw__backoff b = {0};
  gw_retry_policy odd = {
      .cap_ms = 10, .multiplier_permille = 5, .jitter_permille = 9999};
  gw__backoff_set(&b, &odd);
  assert_int_equal(b.policy.base_ms, 500);
  assert_int_equal(b.policy.cap_ms, 500);
  assert_int_equal(b.policy.multiplier_permille, 1000);
  assert_int_equal(b.policy.jitter_permille, 1000);
}

static void doubles_up_to_the_cap_without_jitter(void **state) {
  (void)state;
  gw_retry_policy p = gw_retry_default;
  p.jitter_permille = 0;
  const uint64_t want[] = {500, 500, 1000, 2000, 4000, 8000, 16000, 20000};
  for (uint32_t i = 0; i < sizeof want / sizeof *want; i++)
    assert_int_equal(gw__backoff_delay(&p, i, 0xFFFFFFFF), want[i]);
  assert_int_equal(gw__backoff_delay(&p, UINT32_MAX, 0), 20000);
}

/** Full jitter: even over the whole range, from the first attempt. */
static void jitter_is_even(void **state) {
  (void)state;
  enum { BUCKETS = 10, DRAWS = 20000 };
  for (seed = 1; seed <= 5; seed++) {
    for (uint32_t failures = 1; failures <= 8; failures += 7) {
      uint64_t max = failures == 1 ? 500 : 20000;
      uint32_t hits[BUCKETS] = {0};
      uint64_t sum = 0, keep = seed;
      for (int i = 0; i < DRAWS; i++) {
        uint64_t d = gw__backoff_delay(&gw_retry_default, failures, draw());
        assert_in_range(d, 1, max);
        hits[(d - 1) * BUCKETS / max]++;
        sum += d;
      }
      assert_in_range(sum / DRAWS, max / 2 - max / 50, max / 2 + max / 50);
      for (int i = 0; i < BUCKETS; i++)
        assert_in_range(hits[i], DRAWS / BUCKETS * 9 / 10,
                        DRAWS / BUCKETS * 11 / 10);
      seed = keep;
    }
  }
}

static void partial_jitter_keeps_its_floor(void **state) {
  (void)state;
  gw_retry_policy p = gw_retry_default;
  p.jitter_permille = 200;
  for (int i = 0; i < 1000; i++)
    assert_in_range(gw__backoff_delay(&p, 2, draw()), 800, 1000);
}

static void class_decides(void **state) {
  (void)state;
  const struct {
    gw__loss loss;
    uint32_t verdict;
  } cases[] = {
      {{.code = GW_CODE_CONNECTION_LOST}, GW_CODE_OK},
      {{.code = GW_CODE_SHUTDOWN}, GW_CODE_OK},
      {{.code = GW_CODE_EPOCH_CHANGED}, GW_CODE_OK},
      {{.code = GW_CODE_FORCED}, GW_CODE_FORCED},
      {{.code = GW_CODE_TOKEN_EXPIRED}, GW_CODE_TOKEN_EXPIRED},
      {{.code = GW_CODE_TOKEN_EXPIRED, .new_token = true}, GW_CODE_OK},
      {{.code = GW_CODE_PROTOCOL, .found_here = true}, GW_CODE_OK},
      {{.code = 199}, GW_CODE_OK},
      {{.code = 299}, GW_CODE_OK},
      {{.code = 599}, 599},
      {{.code = 999}, 999},
      {{.code = 70000}, 70000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gw__backoff b = defaults();
    uint64_t at = 0;
    assert_int_equal(gw__backoff_decide(&b, &cases[i].loss, 100, draw(), &at),
                     cases[i].verdict);
    if (cases[i].verdict == GW_CODE_OK) assert_in_range(at, 101, 600);
  }
}

static void server_guidance_is_a_floor_with_spread(void **state) {
  (void)state;
  gw__loss loss = {
      .code = GW_CODE_SHUTDOWN, .retry_after_ms = 3000, .spread_ms = 1000};
  uint64_t low = UINT64_MAX, high = 0;
  for (int i = 0; i < 2000; i++) {
    gw__backoff b = defaults();
    uint64_t at;
    uint64_t random = (uint64_t)draw() << 32 | draw();
    assert_int_equal(gw__backoff_decide(&b, &loss, 100, random, &at), 0);
    assert_in_range(at, 3100, 4100);
    assert_int_equal(b.not_before_ms, at);
    if (at < low) low = at;
    if (at > high) high = at;
  }
  assert_true(low < 3150 && high > 4050);
}

static void attempts_run_out(void **state) {
  (void)state;
  gw__backoff b = defaults();
  b.policy.attempts = 3;
  gw__loss loss = {.code = GW_CODE_TRANSPORT};
  uint64_t at;
  for (b.attempt = 1; b.attempt < 3; b.attempt++)
    assert_int_equal(gw__backoff_decide(&b, &loss, 0, 0, &at), 0);
  assert_int_equal(gw__backoff_decide(&b, &loss, 0, 0, &at),
                   GW_CODE_ATTEMPTS_EXHAUSTED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(zero_policy_is_the_default),
      cmocka_unit_test(odd_policies_are_made_sound),
      cmocka_unit_test(doubles_up_to_the_cap_without_jitter),
      cmocka_unit_test(jitter_is_even),
      cmocka_unit_test(partial_jitter_keeps_its_floor),
      cmocka_unit_test(class_decides),
      cmocka_unit_test(server_guidance_is_a_floor_with_spread),
      cmocka_unit_test(attempts_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
