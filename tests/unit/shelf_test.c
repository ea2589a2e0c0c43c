/* SPDX-License-Identifier: MIT */
/* shelf_test.c - messages that are let go a little later than they are dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/history.h"

static gw_buf *make(size_t len) {
  uint8_t *to;
  gw_buf *b = gw_buf_make(len, false, &to);
  assert_non_null(b);
  memset(to, 'x', len);
  return b;
}

static unsigned refs(gw_buf *b) {
  return atomic_load(&b->refs);
}

static void test_lets_go_in_order(void **state) {
  (void)state;
  enum { NUM = 3 * GW_SHELF_NUM };
  gw_shelf shelf = {0};
  gw_buf *all[NUM];
  for (unsigned i = 0; i < NUM; i++) {
    all[i] = make(10);
    gw_shelf_put(&shelf, gw_buf_ref(all[i]));
    for (unsigned k = 0; k <= i; k++)
      assert_int_equal(refs(all[k]), k + GW_SHELF_NUM > i ? 2 : 1);
  }
  gw_shelf_clear(&shelf);
  for (unsigned i = 0; i < NUM; i++) {
    assert_int_equal(refs(all[i]), 1);
    gw_buf_unref(all[i]);
  }
}

static void test_can_be_used_again(void **state) {
  (void)state;
  gw_shelf shelf = {0};
  gw_shelf_clear(&shelf);
  gw_shelf_put(&shelf, make(10));
  gw_shelf_clear(&shelf);
  gw_shelf_clear(&shelf);
  gw_shelf_put(&shelf, make(10));
  gw_shelf_clear(&shelf);
}

/** What a history of one drops for another; the caller holds it. */
static unsigned refs_of_dropped(gw_shelf *shelf, size_t len) {
  const gw_history_max max = {.num = 1};
  gw_history h = {.shelf = shelf};
  gw_buf *b = make(len);
  for (uint64_t offset = 1; offset <= 2; offset++) {
    gw_record r = {.buf = offset == 1 ? gw_buf_ref(b) : make(len),
                   .expires_ms = GW_NEVER};
    r.buf->offset = offset;
    assert_int_equal(gw_history_push(&h, r, &max), 0);
  }
  unsigned num = refs(b);
  assert_int_equal(h.bytes, len);
  gw_history_deinit(&h);
  assert_ptr_equal(h.shelf, shelf);
  gw_buf_unref(b);
  return num;
}

static void test_holds_what_a_history_drops(void **state) {
  (void)state;
  gw_shelf shelf = {0};
  assert_int_equal(refs_of_dropped(&shelf, 10), 2);
  assert_int_equal(refs_of_dropped(NULL, 10), 1);
  gw_shelf_clear(&shelf);
}

/** So that it never holds much. */
static void test_large_ones_do_not_wait(void **state) {
  (void)state;
  gw_shelf shelf = {0};
  assert_int_equal(refs_of_dropped(&shelf, GW_SHELF_BYTES), 2);
  assert_int_equal(refs_of_dropped(&shelf, GW_SHELF_BYTES + 1), 1);
  gw_shelf_clear(&shelf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lets_go_in_order),
      cmocka_unit_test(test_can_be_used_again),
      cmocka_unit_test(test_holds_what_a_history_drops),
      cmocka_unit_test(test_large_ones_do_not_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
