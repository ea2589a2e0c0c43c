/* SPDX-License-Identifier: MIT */
/* dedup_window_test.c - keys remembered, for how long, and of how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/dedup_window.h"

static gw_hub *hub;
static gw_dedup_window window;

static uint64_t random_number(void *user) {
  (void)user;
  return 4;
}

static int setup(void **state) {
  (void)state;
  gw_hub_options o = {.num_workers = 1, .settings = &gw_settings_default};
  gw_hub_port port = {.random = random_number};
  hub = gw_hub_new(&o, &port, NULL);
  assert_non_null(hub);
  window = (gw_dedup_window){0};
  gw_hub_set_time(hub, 1000, 1000);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  gw_dedup_deinit(&window);
  gw_hub_free(hub);
  return 0;
}

static void put(uint64_t client, uint64_t key, uint64_t offset) {
  struct gw_dedup_publisher *p = gw_dedup_open(&window, hub, client);
  assert_non_null(p);
  gw_dedup_put(p, key, offset);
}

/** The offset of a repeat, -1 when it is none. */
static int64_t find(uint64_t client, uint64_t key) {
  uint64_t offset = 0;
  struct gw_dedup_publisher *p = gw_dedup_open(&window, hub, client);
  assert_non_null(p);
  return gw_dedup_has(p, key, &offset) ? (int64_t)offset : -1;
}

static void test_remembers_keys_of_each(void **state) {
  (void)state;
  put(1, 10, 100);
  put(1, 20, 101);
  put(2, 10, 102);
  assert_int_equal(find(1, 10), 100);
  assert_int_equal(find(1, 20), 101);
  assert_int_equal(find(2, 10), 102);
  assert_int_equal(find(2, 20), -1);
  assert_int_equal(find(1, 15), -1); /* a hole, of other channels' keys */
  assert_int_equal(find(1, 21), -1);
  assert_int_equal(find(3, 10), -1);
}

static void test_the_last_64_keys(void **state) {
  (void)state;
  for (uint64_t key = 1; key <= 300; key++) {
    put(1, key, key + 1000);
    for (uint64_t k = key > 63 ? key - 63 : 1; k <= key; k++)
      assert_int_equal(find(1, k), k + 1000);
  }
  /* Older ones are known to be repeats, if not of what. */
  assert_int_equal(find(1, 5), 0);
  assert_int_equal(find(1, 236), 0);
  assert_int_equal(find(1, 301), -1);
}

static void test_forgets_who_was_silent(void **state) {
  (void)state;
  put(1, 1, 1);
  gw_hub_set_time(hub, 2000, 2000);
  put(2, 1, 2);
  assert_int_equal(gw_dedup_oldest_ms(&window), 1000);
  gw_dedup_expire(&window, 1000);
  assert_int_equal(window.num, 2);
  gw_dedup_expire(&window, 1001);
  assert_int_equal(window.num, 1);
  assert_int_equal(find(2, 1), 2);
  gw_dedup_expire(&window, UINT64_MAX);
  assert_true(gw_dedup_oldest_ms(&window) == UINT64_MAX);
}

static void test_a_new_key_keeps_the_old_ones(void **state) {
  (void)state;
  put(1, 1, 1);
  gw_hub_set_time(hub, 2000, 2000);
  put(1, 2, 2);
  gw_dedup_expire(&window, 1500);
  assert_int_equal(find(1, 1), 1);
}

static void check_all(uint64_t num, uint64_t key) {
  for (uint64_t client = 1; client <= num; client++)
    assert_int_equal(find(client, key), 100 * key + client);
  assert_int_equal(window.num, num);
}

/** Few and many publishers are found in different ways. */
static void test_publishers_become_more_and_fewer(void **state) {
  (void)state;
  enum { MOST = 40, ROUNDS = 3 };
  uint64_t now = 2000;
  for (uint64_t key = 1; key <= ROUNDS; key++) {
    for (uint64_t client = 1; client <= MOST; client++) {
      put(client, key, 100 * key + client);
      check_all(client, key);
    }
    for (uint64_t left = MOST; left-- > 0; now += 10) {
      gw_hub_set_time(hub, now, now);
      for (uint64_t client = 1; client <= left; client++)
        assert_int_not_equal(find(client, key), -1);
      gw_dedup_expire(&window, now);
      check_all(left, key);
    }
  }
}

static void test_many_publishers_are_bounded(void **state) {
  (void)state;
  for (uint64_t client = 1; client <= GW_DEDUP_PUBLISHERS + 10; client++) {
    put(client, 1, client);
    assert_int_equal(find(1, 1), 1); /* in use, so not the oldest */
  }
  assert_int_equal(window.num, GW_DEDUP_PUBLISHERS);
  assert_int_equal(find(2, 1), -1);
  assert_int_equal(find(GW_DEDUP_PUBLISHERS, 1), GW_DEDUP_PUBLISHERS);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_remembers_keys_of_each),
      T(test_the_last_64_keys),
      T(test_forgets_who_was_silent),
      T(test_a_new_key_keeps_the_old_ones),
      T(test_publishers_become_more_and_fewer),
      T(test_many_publishers_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
