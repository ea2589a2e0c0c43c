/* SPDX-License-Identifier: MIT */
/* jwks_plan_test.c - when keys are fetched: ahead, soon, and never in a storm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/auth/jwks_plan.h"

#define SECOND 1000u
#define HOUR   (3600u * SECOND)

static gw_jwks_plan make(void) {
  gw_jwks_plan p = {.min_age_ms = 60 * SECOND,
                    .max_age_ms = HOUR,
                    .interval_ms = 30 * SECOND};
  gw_jwks_plan_init(&p, 1000);
  return p;
}

static void fetch(gw_jwks_plan *p, uint64_t now_ms, bool is_good,
                  int64_t age_ms) {
  gw_jwks_plan_begin(p, now_ms);
  gw_jwks_plan_end(p, now_ms, is_good, age_ms, 0);
}

static void test_first_at_once_then_ahead_of_its_end(void **state) {
  (void)state;
  gw_jwks_plan p = make();
  assert_int_equal(p.due_ms, 1000);
  fetch(&p, 1000, true, 600 * SECOND);
  assert_int_equal(p.due_ms, 1000 + 480 * SECOND);
  gw_jwks_plan_begin(&p, p.due_ms);
  uint64_t now = p.due_ms;
  gw_jwks_plan_end(&p, now, true, 600 * SECOND, UINT32_MAX); /* jitter */
  assert_in_range(p.due_ms, now + 420 * SECOND, now + 480 * SECOND);
}

static void test_ages_have_bounds(void **state) {
  (void)state;
  gw_jwks_plan p = make();
  fetch(&p, 1000, true, 0);
  assert_int_equal(p.due_ms, 1000 + 48 * SECOND);
  fetch(&p, 1000, true, 10 * (int64_t)HOUR);
  assert_int_equal(p.due_ms, 1000 + HOUR / 10 * 8);
  fetch(&p, 1000, true, -1);
  assert_int_equal(p.due_ms, 1000 + HOUR / 10 * 8);
}

static void test_an_unknown_key_fetches_once_in_an_interval(void **state) {
  (void)state;
  gw_jwks_plan p = make();
  uint64_t at, now = 1000;
  fetch(&p, now, true, -1);
  unsigned num = 0;
  /* Ten a second ask, for five minutes. */
  for (; now < 1000 + 300 * SECOND; now += 100) {
    (void)gw_jwks_plan_want(&p, now, &at);
    assert_true(at <= now + 30 * SECOND);
    if (p.due_ms <= now) {
      fetch(&p, now, true, -1);
      num++;
    }
  }
  assert_int_equal(num, 9);
}

static void test_who_asks_knows_which_fetch_tells(void **state) {
  (void)state;
  gw_jwks_plan p = make();
  uint64_t at;
  assert_int_equal(gw_jwks_plan_want(&p, 1000, &at), 1);
  assert_int_equal(at, 1000);
  gw_jwks_plan_begin(&p, 1000);
  assert_int_equal(gw_jwks_plan_want(&p, 1500, &at), 1);
  assert_int_equal(at, 1500);
  assert_int_equal(gw_jwks_plan_num_over(&p), 0);
  gw_jwks_plan_end(&p, 2000, true, -1, 0);
  assert_int_equal(gw_jwks_plan_num_over(&p), 1);
  assert_int_equal(gw_jwks_plan_want(&p, 2000, &at), 2);
  assert_int_equal(at, 31000);
  assert_int_equal(p.due_ms, 31000);
}

static void test_failures_come_slower_and_slower(void **state) {
  (void)state;
  gw_jwks_plan p = make();
  uint64_t now = 1000, last = 0;
  for (unsigned i = 0; i < 40; i++) {
    fetch(&p, now, false, -1);
    assert_false(p.was_good);
    uint64_t delay = p.due_ms - now;
    assert_in_range(delay, last, 30 * SECOND);
    last = delay;
    now = p.due_ms;
  }
  assert_int_equal(last, 30 * SECOND);
  fetch(&p, now, true, -1);
  fetch(&p, now, false, -1);
  assert_int_equal(p.due_ms, now + GW_JWKS_RETRY_MS); /* from the beginning */
}

static void test_cache_control(void **state) {
  (void)state;
  static const struct {
    const char *header;
    int64_t age_ms;
  } cases[] = {
      {"", -1},
      {"public", -1},
      {"max-age=60", 60000},
      {"public, max-age=21600, must-revalidate", 21600000},
      {"MAX-AGE=5", 5000},
      {"max-age=\"7\"", 7000},
      {"s-maxage=9", -1},
      {"no-store, max-age=60", 0},
      {"no-cache", 0},
      {"max-age", -1},
      {"max-age=", -1},
      {"max-age=x", -1},
      {"max-age=99999999999999999999", 366ll * 24 * 3600 * 1000},
      {",,, max-age=1 ,", 1000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal(gw_cache_control_age_ms(cases[i].header), cases[i].age_ms);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_first_at_once_then_ahead_of_its_end),
      cmocka_unit_test(test_ages_have_bounds),
      cmocka_unit_test(test_an_unknown_key_fetches_once_in_an_interval),
      cmocka_unit_test(test_who_asks_knows_which_fetch_tells),
      cmocka_unit_test(test_failures_come_slower_and_slower),
      cmocka_unit_test(test_cache_control),
  };
  return cmocka_run_group_tests_name("jwks_plan", tests, NULL, NULL);
}
