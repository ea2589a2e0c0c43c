/* SPDX-License-Identifier: MIT */
/* slots_test.c - handles, and that stale ones are recognised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/slots.h"

static int things[1000];

static void test_handles(void **state) {
  (void)state;
  gw_slots s = {0};
  uint64_t a = gw_slots_add(&s, &things[0]);
  uint64_t b = gw_slots_add(&s, &things[1]);
  assert_true(a != 0 && b != 0 && a != b);
  assert_ptr_equal(gw_slots_get(&s, a), &things[0]);
  assert_ptr_equal(gw_slots_get(&s, b), &things[1]);
  assert_null(gw_slots_get(&s, 0));
  assert_null(gw_slots_get(&s, UINT64_MAX));
  gw_slots_remove(&s, a);
  assert_null(gw_slots_get(&s, a));
  assert_int_equal(s.num_items, 1);
  uint64_t c = gw_slots_add(&s, &things[2]);
  assert_int_equal(gw_slots_index(c), gw_slots_index(a));
  assert_null(gw_slots_get(&s, a)); /* stale */
  assert_ptr_equal(gw_slots_get(&s, c), &things[2]);
  gw_slots_deinit(&s);
}

static void test_slots_are_used_again_as_late_as_possible(void **state) {
  (void)state;
  gw_slots s = {0};
  uint64_t handles[3];
  for (int i = 0; i < 3; i++)
    handles[i] = gw_slots_add(&s, &things[i]);
  for (int i = 0; i < 3; i++)
    gw_slots_remove(&s, handles[i]);
  for (int i = 0; i < 3; i++)
    assert_int_equal(gw_slots_index(gw_slots_add(&s, &things[i])),
                     gw_slots_index(handles[i]));
  assert_int_equal(s.num, 3);
  gw_slots_deinit(&s);
}

static void test_many_at_random(void **state) {
  (void)state;
  static uint64_t handles[1000];
  gw_slots s = {0};
  uint32_t seed = 1;
  uint32_t num = 0;
  for (int i = 0; i < 20000; i++) {
    seed = seed * 1664525 + 1013904223;
    uint32_t k = (seed >> 8) % 1000;
    if (handles[k] == 0) {
      handles[k] = gw_slots_add(&s, &things[k]);
      num++;
    } else {
      assert_ptr_equal(gw_slots_get(&s, handles[k]), &things[k]);
      gw_slots_remove(&s, handles[k]);
      handles[k] = 0;
      num--;
    }
    assert_int_equal(s.num_items, num);
  }
  uint32_t seen = 0;
  for (uint32_t i = 0; i < s.num; i++)
    seen += gw_slots_at(&s, i) != NULL;
  assert_int_equal(seen, num);
  gw_slots_deinit(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_handles),
      cmocka_unit_test(test_slots_are_used_again_as_late_as_possible),
      cmocka_unit_test(test_many_at_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
