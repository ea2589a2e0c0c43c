/* SPDX-License-Identifier: MIT */
/* refused_test.c - what follows a refused publication waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/refused.h"

static void add(gw_refused_list *l, uint64_t of, uint64_t key) {
  assert_int_equal(gw_refused_add(l, of, key), 0);
}

static void test_a_chain(void **state) {
  (void)state;
  gw_refused_list l = {0};
  assert_false(gw_refused_holds(&l, 1, 7));
  add(&l, 1, 7);
  assert_true(gw_refused_holds(&l, 1, 7));
  add(&l, 1, 8);
  add(&l, 1, 9);
  assert_true(gw_refused_holds(&l, 1, 9));
  assert_false(gw_refused_holds(&l, 1, 10));
  assert_false(gw_refused_holds(&l, 1, 6));
  assert_false(gw_refused_holds(&l, 1, 0)); /* follows nothing */
  gw_refused_accept(&l, 1, 7);
  assert_false(gw_refused_holds(&l, 1, 7)); /* 8 may come now */
  assert_true(gw_refused_holds(&l, 1, 8));
  gw_refused_accept(&l, 1, 8);
  gw_refused_accept(&l, 1, 9);
  assert_false(gw_refused_holds(&l, 1, 8));
  assert_false(gw_refused_holds(&l, 1, 9));
  gw_refused_deinit(&l);
}

static void test_streams_do_not_mix(void **state) {
  (void)state;
  gw_refused_list l = {0};
  add(&l, 1, 5);
  add(&l, 2, 6);
  assert_false(gw_refused_holds(&l, 1, 6));
  assert_false(gw_refused_holds(&l, 3, 5));
  gw_refused_accept(&l, 3, 100);
  gw_refused_accept(&l, 1, 7); /* 5 was given up by its client */
  assert_false(gw_refused_holds(&l, 1, 5));
  assert_true(gw_refused_holds(&l, 2, 6));
  gw_refused_deinit(&l);
}

static void test_an_older_key_changes_nothing(void **state) {
  (void)state;
  gw_refused_list l = {0};
  add(&l, 1, 5);
  gw_refused_accept(&l, 1, 3);
  assert_true(gw_refused_holds(&l, 1, 5));
  gw_refused_deinit(&l);
}

static void test_the_last_key_there_is(void **state) {
  (void)state;
  gw_refused_list l = {0};
  add(&l, 1, UINT64_MAX);
  gw_refused_accept(&l, 1, UINT64_MAX);
  assert_false(gw_refused_holds(&l, 1, UINT64_MAX));
  assert_false(gw_refused_holds(&l, 1, 1));
  gw_refused_deinit(&l);
}

static void test_full(void **state) {
  (void)state;
  gw_refused_list l = {0};
  for (uint64_t i = 0; i < GW_REFUSED_MAX; i++)
    add(&l, i, 1);
  assert_int_equal(gw_refused_add(&l, 99, 1), GW_ERR_FULL);
  add(&l, 3, 2);
  gw_refused_accept(&l, 0, 1);
  add(&l, 99, 1);
  gw_refused_deinit(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_chain),
      cmocka_unit_test(test_streams_do_not_mix),
      cmocka_unit_test(test_an_older_key_changes_nothing),
      cmocka_unit_test(test_the_last_key_there_is),
      cmocka_unit_test(test_full),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
