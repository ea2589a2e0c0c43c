/* SPDX-License-Identifier: MIT */
/* dedup_test.c - a receiver's memory of what it was handed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/dedup.h"
#include "client/ports/test.h"

static gw__dedup d;

static int see(uint64_t client, uint64_t key) {
  return gw__dedup_see(&d, &gw_alloc_libc, client, key);
}

static int teardown(void **state) {
  (void)state;
  gw__dedup_deinit(&d, &gw_alloc_libc);
  return 0;
}

static void tells_repeats_of_each_publisher(void **state) {
  (void)state;
  assert_int_equal(see(1, 5), 0);
  assert_int_equal(see(1, 5), 1);
  assert_int_equal(see(2, 5), 0);
  assert_int_equal(see(1, 6), 0);
  assert_int_equal(see(2, 5), 1);
  assert_int_equal(see(1, 5), 1);
  assert_int_equal(see(1, 6), 1);
}

static void holes_between_keys_may_be_of_any_width(void **state) {
  (void)state;
  const uint64_t keys[] = {3,         4, 70, 134, 135, 100000, UINT64_MAX - 1,
                           UINT64_MAX};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    assert_int_equal(see(1, keys[i]), 0);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    assert_int_equal(see(1, keys[i]), 1);
}

static void one_that_was_overtaken_is_new_while_nothing_was_missed(void **s) {
  (void)s;
  assert_int_equal(see(1, 1), 0);
  assert_int_equal(see(1, 10), 0);
  assert_int_equal(see(1, 7), 0);
  assert_int_equal(see(1, 7), 1);
  assert_int_equal(see(1, 74), 0); /* 10 is the last of the window now */
  assert_int_equal(see(1, 10), 1);
  assert_int_equal(see(1, 11), 0);
  assert_int_equal(see(1, 9), 1); /* behind the window */
}

static void window_edges(void **state) {
  (void)state;
  for (uint64_t step = 62; step <= 66; step++) {
    assert_int_equal(see(step, 100), 0);
    assert_int_equal(see(step, 100 + step), 0);
    assert_int_equal(see(step, 100), 1);
    assert_int_equal(see(step, 100 + step), 1);
    assert_int_equal(see(step, 101), step - 1 <= 64 ? 0 : 1);
  }
}

static void first_sight_and_gaps_settle_what_is_behind(void **state) {
  (void)state;
  assert_int_equal(see(1, 10), 0);
  assert_int_equal(see(1, 9), 1); /* from before the subscription */
  assert_int_equal(see(1, 20), 0);
  gw__dedup_seal(&d);
  assert_int_equal(see(1, 15), 1); /* fell into the gap, which was told */
  assert_int_equal(see(1, 21), 0);
}

static void remembers_the_latest_publishers(void **state) {
  (void)state;
  for (uint64_t i = 1; i <= GW_MAX_PUBLISHERS; i++)
    assert_int_equal(see(i, 1), 0);
  assert_int_equal(see(1, 1), 1); /* the first speaks again */
  assert_int_equal(see(1000, 1), 0);
  assert_int_equal(d.num, GW_MAX_PUBLISHERS);
  assert_int_equal(see(1, 1), 1);
  assert_int_equal(see(3, 1), 1);
  assert_int_equal(see(2, 1), 0); /* was silent for longest */
}

static void survives_without_memory(void **state) {
  (void)state;
  gw_test_alloc a = {.fail_at = 1};
  gw_alloc alloc = gw_test_alloc_use(&a);
  gw__dedup own = {0};
  assert_int_equal(gw__dedup_see(&own, &alloc, 1, 1), GW_ERR_NOMEM);
  assert_int_equal(gw__dedup_see(&own, &alloc, 1, 1), 0);
  assert_int_equal(gw__dedup_see(&own, &alloc, 1, 1), 1);
  gw__dedup_deinit(&own, &alloc);
  assert_int_equal(a.num_blocks, 0);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(tells_repeats_of_each_publisher),
      TEST(holes_between_keys_may_be_of_any_width),
      TEST(one_that_was_overtaken_is_new_while_nothing_was_missed),
      TEST(window_edges),
      TEST(first_sight_and_gaps_settle_what_is_behind),
      TEST(remembers_the_latest_publishers),
      TEST(survives_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
