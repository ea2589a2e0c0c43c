/* SPDX-License-Identifier: MIT */
/* bucket_test.c - token buckets: rate, burst, shares, and how long to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/core/bucket.h"

static const gw_rate ten = {10, 1000, 3}; /* 10/s burst 3 */

static unsigned take_all(gw_bucket *b, const gw_rate *rate, uint32_t share,
                         uint64_t now_ms) {
  unsigned num = 0;
  while (num < 100000 && gw_bucket_take(b, rate, share, now_ms) == 0)
    num++;
  return num;
}

static void test_a_burst_then_the_rate(void **state) {
  (void)state;
  gw_bucket b = {0};
  uint64_t now = 5000;
  assert_true(gw_bucket_is_full(&b, now));
  assert_int_equal(take_all(&b, &ten, 1, now), 3);
  assert_false(gw_bucket_is_full(&b, now));
  assert_int_equal(gw_bucket_take(&b, &ten, 1, now), 100);
  assert_int_equal(gw_bucket_take(&b, &ten, 1, now + 99), 1);
  unsigned num = 0;
  for (uint64_t ms = 1; ms <= 10000; ms++)
    num += gw_bucket_take(&b, &ten, 1, now + ms) == 0;
  assert_int_equal(num, 100);
}

static void test_the_wait_is_exact(void **state) {
  (void)state;
  static const gw_rate rates[] = {{1, 1000, 1},
                                  {3, 1000, 1},
                                  {7, 60000, 2},
                                  {1000, 1000, 5},
                                  {1, 3600000, 1}};
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    gw_bucket b = {0};
    uint64_t now = 1000000;
    (void)take_all(&b, &rates[i], 1, now);
    uint32_t wait = gw_bucket_take(&b, &rates[i], 1, now);
    assert_true(wait > 0);
    assert_int_equal(gw_bucket_take(&b, &rates[i], 1, now + wait - 1) != 0, 1);
    assert_int_equal(gw_bucket_take(&b, &rates[i], 1, now + wait), 0);
  }
}

static void test_a_long_rest_gives_one_burst(void **state) {
  (void)state;
  gw_bucket b = {0};
  (void)take_all(&b, &ten, 1, 1000);
  assert_int_equal(take_all(&b, &ten, 1, UINT64_C(1) << 41), 3);
}

static void test_no_rate_is_no_limit(void **state) {
  (void)state;
  static const gw_rate none = {0};
  gw_bucket b = {0};
  assert_int_equal(take_all(&b, &none, 1, 1), 100000);
  assert_int_equal(gw_bucket_owed(&b, &none, 1), 0);
}

static void test_shares_add_up(void **state) {
  (void)state;
  static const gw_rate rate = {100, 1000, 40};
  gw_bucket b[4] = {{0}};
  unsigned num = 0;
  for (unsigned i = 0; i < 4; i++) {
    num += take_all(&b[i], &rate, 4, 1000);
    for (uint64_t ms = 1; ms <= 1000; ms++)
      num += gw_bucket_take(&b[i], &rate, 4, 1000 + ms) == 0;
  }
  assert_int_equal(num, 140);
  gw_bucket tiny = {0};
  assert_int_equal(take_all(&tiny, &rate, 1000, 1000), 1); /* never none */
}

static void test_what_is_owed(void **state) {
  (void)state;
  gw_bucket b = {0};
  for (unsigned i = 0; i < 3; i++)
    gw_bucket_owe(&b, &ten, 1000);
  assert_int_equal(gw_bucket_owed(&b, &ten, 1000), 0);
  for (unsigned i = 0; i < 5; i++)
    gw_bucket_owe(&b, &ten, 1000);
  assert_int_equal(gw_bucket_owed(&b, &ten, 1000), 5);
  assert_int_equal(gw_bucket_owed(&b, &ten, 1200), 3);
  assert_int_equal(gw_bucket_take(&b, &ten, 1, 1000), 600);
}

static void test_per_second(void **state) {
  (void)state;
  assert_int_equal(gw_rate_per_second(&ten), 10);
  assert_int_equal(gw_rate_per_second(&(gw_rate){90, 60000, 1}), 1);
  assert_int_equal(gw_rate_per_second(&(gw_rate){30, 60000, 1}), 0);
  assert_int_equal(gw_rate_per_second(&(gw_rate){0}), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_burst_then_the_rate),
      cmocka_unit_test(test_the_wait_is_exact),
      cmocka_unit_test(test_a_long_rest_gives_one_burst),
      cmocka_unit_test(test_no_rate_is_no_limit),
      cmocka_unit_test(test_shares_add_up),
      cmocka_unit_test(test_what_is_owed),
      cmocka_unit_test(test_per_second),
  };
  return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
