/* SPDX-License-Identifier: MIT */
/* history_test.c - what is kept, for how long, and why it went. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/history.h"

static gw_record record(uint32_t number, uint64_t expires_ms) {
  gw_buf *b = gw_buf_new((gw_view){(uint8_t *)&number, sizeof number}, false);
  assert_non_null(b);
  b->offset = number + 1;
  return (gw_record){.buf = b, .expires_ms = expires_ms};
}

/** Append to a history of so many records. */
static int append(gw_history *h, gw_record r, uint32_t num) {
  gw_history_max max = {.num = num};
  return gw_history_push(h, r, &max);
}

static uint32_t number_at(const gw_history *h, uint32_t i) {
  uint32_t number;
  memcpy(&number, gw_buf_payload(gw_history_at(h, i)->buf).data, sizeof number);
  return number;
}

static void push(gw_history *h, uint32_t number, uint32_t max) {
  assert_int_equal(append(h, record(number, GW_NEVER), max), 0);
}

static void test_keeps_the_last(void **state) {
  (void)state;
  for (uint32_t max = 1; max < 20; max++) {
    gw_history h = {0};
    for (uint32_t n = 0; n < 50; n++) {
      push(&h, n, max);
      uint32_t len = n + 1 < max ? n + 1 : max;
      assert_int_equal(h.len, len);
      for (uint32_t i = 0; i < len; i++)
        assert_int_equal(number_at(&h, i), n - len + 1 + i);
    }
    assert_int_equal(h.trimmed_by, GW_GAP_TRIMMED);
    gw_history_deinit(&h);
  }
}

static void test_keeps_nothing(void **state) {
  (void)state;
  gw_history h = {0};
  push(&h, 1, 0);
  assert_int_equal(h.len, 0);
  assert_int_equal(h.trimmed_by, GW_GAP_TRIMMED);
  assert_true(gw_history_expires(&h) == GW_NEVER);
  gw_history_deinit(&h);
}

static void test_drops_what_has_expired_from_the_front(void **state) {
  (void)state;
  gw_history h = {0};
  static const uint64_t expiry[] = {100, 300, 200, GW_NEVER, 400};
  for (uint32_t i = 0; i < 5; i++)
    assert_int_equal(append(&h, record(i, expiry[i]), 10), 0);
  assert_int_equal(gw_history_expires(&h), 100);
  gw_history_trim(&h, 99);
  assert_int_equal(h.len, 5);
  gw_history_trim(&h, 100);
  assert_int_equal(h.len, 4);
  assert_int_equal(h.trimmed_by, GW_GAP_EXPIRED);
  gw_history_trim(&h, 250); /* 2 waits behind 1 */
  assert_int_equal(h.len, 4);
  gw_history_trim(&h, 300);
  assert_int_equal(h.len, 2);
  assert_true(gw_history_expires(&h) == GW_NEVER);
  gw_history_trim(&h, 10000);
  assert_int_equal(h.len, 2);
  gw_history_deinit(&h);
}

static void test_clear(void **state) {
  (void)state;
  gw_history h = {0};
  for (uint32_t i = 0; i < 9; i++)
    push(&h, i, 5);
  gw_history_clear(&h);
  assert_int_equal(h.len, 0);
  push(&h, 77, 5);
  assert_int_equal(number_at(&h, 0), 77);
  gw_history_deinit(&h);
}

/** A record about an item; 0: about nothing. */
static void push_about(gw_history *h, uint32_t number, uint64_t item,
                       uint32_t max) {
  gw_record r = record(number, GW_NEVER);
  r.buf->item = item;
  assert_int_equal(append(h, r, max), 0);
}

static void expect_newest(const gw_history *h, const char *want) {
  char got[32];
  for (uint32_t i = 0; i < h->len; i++)
    got[i] = gw_history_is_newest(h, i) ? 'n' : '-';
  got[h->len] = 0;
  assert_string_equal(got, want);
}

static void test_knows_the_newest_of_each_item(void **state) {
  (void)state;
  gw_history h = {0};
  /* The same low half, by which the table finds them. */
  static const uint64_t items[] = {1, 2, 0, 1, 0x100000001, 2, 0, 1};
  for (uint32_t i = 0; i < 8; i++)
    push_about(&h, i, items[i], 8);
  expect_newest(&h, "--n-nnnn");
  push_about(&h, 8, 0x100000001, 8); /* and the first goes */
  expect_newest(&h, "-n--nnnn");
  gw_history_deinit(&h);
}

static void test_forgets_items_with_their_records(void **state) {
  (void)state;
  gw_history h = {0};
  for (uint32_t i = 0; i < 1000; i++) {
    push_about(&h, i, i % 3 == 0 ? 7 : i + 1, 10);
    assert_true(h.newest.num <= 10);
    assert_true(gw_history_is_newest(&h, h.len - 1));
  }
  expect_newest(&h, "-nn-nn-nnn");
  for (uint32_t i = 0; i < 10; i++)
    push_about(&h, i, 0, 10);
  assert_int_equal(h.newest.num, 0);
  push_about(&h, 1, 7, 10);
  gw_history_clear(&h);
  assert_int_equal(h.newest.num, 0);
  gw_history_deinit(&h);
}

static void test_without_room_no_item_is_kept(void **state) {
  (void)state;
  gw_history h = {0};
  push_about(&h, 1, 7, 0);
  assert_int_equal(h.newest.num, 0);
  gw_history_deinit(&h);
}

static void test_counts_twice_what_may_be_compressed(void **state) {
  (void)state;
  static const uint32_t num_kept[] = {1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5};
  const gw_history_max max = {.num = 100, .bytes = 5 * sizeof(uint32_t)};
  gw_history h = {0};
  for (uint32_t n = 0; n < 12; n++) {
    gw_record r = record(n, GW_NEVER);
    if (n < 4) r.buf->pack_min = sizeof n;
    assert_int_equal(gw_history_push(&h, r, &max), 0);
    assert_int_equal(h.len, num_kept[n]);
    assert_true(h.bytes <= max.bytes);
  }
  gw_history_clear(&h);
  assert_int_equal(h.bytes, 0);
  gw_history_deinit(&h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keeps_the_last),
      cmocka_unit_test(test_keeps_nothing),
      cmocka_unit_test(test_drops_what_has_expired_from_the_front),
      cmocka_unit_test(test_clear),
      cmocka_unit_test(test_counts_twice_what_may_be_compressed),
      cmocka_unit_test(test_knows_the_newest_of_each_item),
      cmocka_unit_test(test_forgets_items_with_their_records),
      cmocka_unit_test(test_without_room_no_item_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
