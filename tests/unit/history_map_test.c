/* SPDX-License-Identifier: MIT */
/* history_map_test.c - a history that keeps the newest of each item, beside a
 * plain list of what was put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/history.h"

static gw_history map;
static uint64_t top;

static int begin(void **state) {
  (void)state;
  map = (gw_history){.mode = GW_HISTORY_MAP};
  top = 0;
  return 0;
}

static int end(void **state) {
  (void)state;
  gw_history_deinit(&map);
  return 0;
}

static gw_buf *make(uint64_t item, bool removed, size_t len) {
  static const uint8_t bytes[64];
  gw_buf *b = gw_buf_new((gw_view){bytes, len}, false);
  assert_non_null(b);
  b->item = item;
  b->offset = ++top;
  b->removed = removed;
  return b;
}

/** Items named by digits; a minus before one removes it. */
static void put(const char *items, uint32_t max_num) {
  gw_history_max max = {.num = max_num};
  for (bool removed = false; *items != 0; items++) {
    removed = *items == '-';
    if (removed) items++;
    gw_buf *b = make((uint64_t)*items, removed, 10);
    assert_int_equal(
        gw_history_push(&map, (gw_record){.buf = b, .expires_ms = GW_NEVER},
                        &max),
        0);
  }
}

/** What is kept after an offset: "3a -5b ". */
static void expect_after(uint64_t offset, const char *want) {
  char got[512];
  size_t len = 0;
  got[0] = 0;
  for (uint32_t i = gw_history_seek(&map, offset); i < map.len; i++) {
    const gw_buf *b = gw_history_at(&map, i)->buf;
    if (b == NULL) continue;
    assert_true(gw_history_is_newest(&map, i));
    len += (size_t)sprintf(got + len, "%s%u%c ", b->removed ? "-" : "",
                           (unsigned)b->offset, (int)b->item);
  }
  assert_string_equal(got, want);
}

static void test_keeps_the_newest_of_each(void **state) {
  (void)state;
  put("abacbd", 10);
  expect_after(0, "3a 4c 5b 6d ");
  expect_after(3, "4c 5b 6d ");
  expect_after(5, "6d ");
  expect_after(6, "");
  assert_int_equal(gw_history_num(&map), 4);
  assert_int_equal(gw_history_first(&map), 3);
  assert_int_equal(map.bytes, 40);
  assert_int_equal(gw_history_find(&map, 'b')->offset, 5);
  assert_null(gw_history_find(&map, 'x'));
}

static void test_a_removal_takes_the_item_s_place(void **state) {
  (void)state;
  put("ab-ac", 10);
  expect_after(0, "2b -3a 4c ");
  assert_int_equal(gw_history_num(&map), 2);
  assert_int_equal(map.num_removed, 1);
  put("a", 10);
  expect_after(0, "2b 4c 5a ");
  assert_int_equal(map.num_removed, 0);
  assert_int_equal(map.floor, 0);
}

static void test_removing_what_is_not_there_leaves_nothing(void **state) {
  (void)state;
  put("a-b", 10);
  expect_after(0, "1a ");
  put("-a-a", 10);
  expect_after(0, "-3a ");
  assert_int_equal(map.num_removed, 1);
  assert_int_equal(gw_history_num(&map), 0);
}

/** 16 removals are remembered at least. */
static void test_old_removals_are_forgotten(void **state) {
  (void)state;
  put("z", 4);
  put("abcdefghijklmnopqr", 100);
  put("-a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p", 4);
  assert_int_equal(map.num_removed, 16);
  assert_int_equal(map.floor, 0);
  put("-q", 4);
  assert_int_equal(map.num_removed, 16);
  assert_int_equal(map.floor, 20); /* of a */
  put("-r", 4);
  assert_int_equal(map.floor, 21);
  expect_after(34, "-35p -36q -37r ");
  assert_int_equal(gw_history_first(&map), 1); /* z */
  assert_int_equal(gw_history_num(&map), 1);
}

static void test_says_who_may_come_in(void **state) {
  (void)state;
  gw_history_max max = {.num = 3, .bytes = 50};
  put("abc", 3);
  gw_buf *b = make('d', false, 10);
  assert_false(gw_history_admits(&map, b, &max));
  b->item = 'a';
  assert_true(gw_history_admits(&map, b, &max));
  gw_buf_unref(b);
  b = make('a', false, 30);
  assert_true(gw_history_admits(&map, b, &max)); /* 50 in all */
  b->pack_min = 30; /* and as much again for its copy */
  assert_false(gw_history_admits(&map, b, &max));
  gw_buf_unref(b);
  b = make('a', false, 31);
  assert_false(gw_history_admits(&map, b, &max));
  b->removed = true;
  assert_true(gw_history_admits(&map, b, &max));
  gw_buf_unref(b);
  put("-b", 3);
  b = make('d', false, 10);
  assert_true(gw_history_admits(&map, b, &max));
  b->item = 'b'; /* removed, so it is a new one */
  assert_true(gw_history_admits(&map, b, &max));
  gw_buf_unref(b);
}

static void test_holes_are_closed(void **state) {
  (void)state;
  put("a", 10);
  for (int i = 0; i < 10000; i++) {
    put("b", 10);
    assert_true(map.len < 64);
  }
  expect_after(0, "1a 10001b ");
}

/* ---- beside a list ---------------------------------------------------------- */

#define NUM_ITEMS 40u

typedef struct known {
  uint64_t offset; /* 0: nothing was said about it */
  bool removed;
} known;

static void check(const known *items) {
  uint64_t last = 0;
  uint32_t num = 0, removed = 0;
  for (uint32_t i = 0; i < map.len; i++) {
    const gw_buf *b = gw_history_at(&map, i)->buf;
    if (b == NULL) continue;
    assert_true(b->offset > last);
    last = b->offset;
    assert_int_equal(items[b->item].offset, b->offset);
    assert_int_equal(items[b->item].removed, b->removed);
    removed += b->removed;
    num += !b->removed;
    /* A cursor in front of it finds it. */
    uint32_t at = gw_history_seek(&map, b->offset - 1);
    while (gw_history_at(&map, at)->buf == NULL)
      at++;
    assert_ptr_equal(gw_history_at(&map, at)->buf, b);
  }
  assert_int_equal(num, gw_history_num(&map));
  assert_int_equal(removed, map.num_removed);
  for (uint64_t i = 1; i <= NUM_ITEMS; i++) {
    const gw_buf *b = gw_history_find(&map, i);
    bool is_there = items[i].offset != 0 && !items[i].removed;
    bool is_known = items[i].offset > map.floor && items[i].offset != 0;
    if (is_there) assert_int_equal(b->offset, items[i].offset);
    if (!is_there && is_known) assert_true(b != NULL && b->removed);
    if (!is_there && !is_known) assert_null(b);
  }
}

static void test_agrees_with_a_list(void **state) {
  (void)state;
  known items[NUM_ITEMS + 1] = {{0, false}};
  gw_history_max max = {.num = 8};
  uint32_t seed = 1;
  for (int n = 0; n < 20000; n++) {
    seed = seed * 1103515245u + 12345u;
    uint64_t item = 1 + (seed >> 16) % NUM_ITEMS;
    bool removed = (seed >> 8 & 3) == 0;
    bool is_new = items[item].offset == 0 || items[item].removed;
    gw_buf *b = make(item, removed, 5);
    assert_int_equal(
        gw_history_push(&map, (gw_record){.buf = b, .expires_ms = GW_NEVER},
                        &max),
        0);
    if (!removed || !is_new) items[item] = (known){top, removed};
    if (n % 50 == 0) check(items);
  }
  check(items);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_keeps_the_newest_of_each, begin,
                                      end),
      cmocka_unit_test_setup_teardown(test_a_removal_takes_the_item_s_place,
                                      begin, end),
      cmocka_unit_test_setup_teardown(
          test_removing_what_is_not_there_leaves_nothing, begin, end),
      cmocka_unit_test_setup_teardown(test_old_removals_are_forgotten, begin,
                                      end),
      cmocka_unit_test_setup_teardown(test_says_who_may_come_in, begin, end),
      cmocka_unit_test_setup_teardown(test_holes_are_closed, begin, end),
      cmocka_unit_test_setup_teardown(test_agrees_with_a_list, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
