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

static void what_was_not_handed_over_is_new_wherever_its_key_is(void **s) {
  (void)s;
  assert_int_equal(see(1, 1000), 0);
  assert_int_equal(see(1, 1001), 0);
  assert_int_equal(see(1, 5), 0); /* a gap had swallowed it */
  assert_int_equal(see(1, 5), 1);
  assert_int_equal(see(1, 1000), 1);
  assert_int_equal(see(1, 700), 0);
  assert_int_equal(see(1, 700), 1);
}

static void remembers_as_many_as_can_be_in_doubt(void **state) {
  (void)state;
  for (uint64_t i = 1; i <= GW_MAX_INFLIGHT; i++)
    assert_int_equal(see(1, i * 10), 0);
  for (uint64_t i = 1; i <= GW_MAX_INFLIGHT; i++)
    assert_int_equal(see(1, i * 10), 1);
  assert_int_equal(see(1, 9), 1);  /* behind all: nobody asks about it */
  assert_int_equal(see(1, 15), 0); /* takes the place of 10 */
  assert_int_equal(see(1, 15), 1);
  assert_int_equal(see(1, 10), 1);
  assert_int_equal(see(1, 10000), 0);
  assert_int_equal(see(1, 20), 1);
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
      TEST(what_was_not_handed_over_is_new_wherever_its_key_is),
      TEST(remembers_as_many_as_can_be_in_doubt),
      TEST(remembers_the_latest_publishers),
      TEST(survives_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
