/* SPDX-License-Identifier: MIT */
/* outq_test.c - order within a lane and between lanes, bytes counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/outq.h"

static gw_buf *numbered(uint32_t number) {
  gw_buf *b = gw_buf_new((gw_view){(uint8_t *)&number, sizeof number}, false);
  assert_non_null(b);
  return b;
}

static void push(gw_outq *q, enum gw_lane_id lane, uint32_t number) {
  assert_int_equal(gw_outq_push(q, lane, numbered(number)), 0);
}

static void expect(gw_outq *q, uint32_t number) {
  uint32_t got;
  gw_buf *shown = gw_outq_peek(q);
  gw_buf *b = gw_outq_pop(q);
  assert_non_null(b);
  assert_ptr_equal(shown, b);
  memcpy(&got, gw_buf_payload(b).data, sizeof got);
  assert_int_equal(got, number);
  gw_buf_unref(b);
}

static void test_order(void **state) {
  (void)state;
  gw_outq q = {0};
  assert_true(gw_outq_is_empty(&q));
  assert_null(gw_outq_peek(&q));
  assert_null(gw_outq_pop(&q));
  push(&q, GW_LANE_NORMAL, 1);
  push(&q, GW_LANE_NORMAL, 2);
  push(&q, GW_LANE_CONTROL, 3);
  push(&q, GW_LANE_CONTROL, 4);
  assert_int_equal(q.bytes, 16);
  expect(&q, 3);
  expect(&q, 4);
  expect(&q, 1);
  push(&q, GW_LANE_CONTROL, 5);
  expect(&q, 5);
  expect(&q, 2);
  assert_true(gw_outq_is_empty(&q));
  assert_int_equal(q.bytes, 0);
  gw_outq_clear(&q);
}

static void test_lanes_by_priority(void **state) {
  (void)state;
  gw_outq q = {0};
  for (uint32_t round = 0; round < 3; round++) {
    for (uint32_t i = 0; i < 12; i++)
      push(&q, (enum gw_lane_id)(3 - i % 4), i);
    assert_int_equal(gw_outq_next_lane(&q), GW_LANE_CONTROL);
    assert_int_equal(gw_outq_push_last(&q, numbered(12)), 0);
    for (uint32_t lane = 0; lane < 4; lane++) {
      assert_int_equal(gw_outq_next_lane(&q), lane);
      gw_outq_trim(&q); /* takes nothing that waits */
      for (uint32_t i = 0; i < 3; i++)
        expect(&q, 3 - lane + 4 * i);
    }
    expect(&q, 12);
    assert_int_equal(gw_outq_next_lane(&q), GW_NUM_LANES);
    assert_true(gw_outq_is_empty(&q));
    assert_int_equal(q.bytes, 0);
  }
  assert_int_equal(gw_outq_push_last(&q, numbered(13)), 0);
  assert_int_equal(gw_outq_next_lane(&q), GW_LANE_NORMAL);
  push(&q, GW_LANE_LOW, 14);
  gw_outq_clear(&q);
  assert_null(q.others); /* the memory that few need is gone */
}

static void test_one_message_needs_no_memory(void **state) {
  (void)state;
  gw_outq q = {0};
  for (uint32_t i = 0; i < 10; i++) {
    push(&q, GW_LANE_NORMAL, i);
    assert_int_equal(q.lanes[1].cap, 0);
    expect(&q, i);
  }
}

static void test_grows_while_it_goes_round(void **state) {
  (void)state;
  gw_outq q = {0};
  uint32_t in = 0, out = 0;
  for (uint32_t round = 1; round < 200; round++) {
    for (uint32_t i = 0; i < round % 17 + 3; i++)
      push(&q, GW_LANE_NORMAL, in++);
    for (uint32_t i = 0; i < round % 11 + 2 && out < in; i++)
      expect(&q, out++);
    assert_int_equal(q.bytes, (in - out) * 4);
  }
  while (out < in)
    expect(&q, out++);
  assert_true(gw_outq_is_empty(&q));
  gw_outq_trim(&q);
  assert_int_equal(q.lanes[1].cap, 0);
}

static void test_clear_and_trim(void **state) {
  (void)state;
  gw_outq q = {0};
  for (uint32_t i = 0; i < 100; i++)
    push(&q, i % 2 ? GW_LANE_NORMAL : GW_LANE_CONTROL, i);
  gw_outq_trim(&q); /* takes nothing that waits */
  expect(&q, 0);
  gw_outq_clear(&q);
  assert_true(gw_outq_is_empty(&q));
  assert_int_equal(q.bytes, 0);
  push(&q, GW_LANE_NORMAL, 7);
  expect(&q, 7);
}

static void test_a_long_queue_gives_its_memory_back(void **state) {
  (void)state;
  gw_outq q = {0};
  for (uint32_t i = 0; i < 1000; i++)
    push(&q, GW_LANE_NORMAL, i);
  for (uint32_t i = 0; i < 1000; i++)
    expect(&q, i);
  assert_int_equal(q.lanes[1].cap, 0);
}

static void test_a_single_message_of_data(void **state) {
  (void)state;
  gw_outq q = {0};
  assert_null(gw_outq_pop_single(&q));
  for (uint32_t round = 0; round < 3; round++) {
    push(&q, GW_LANE_NORMAL, 1);
    gw_buf *b = gw_outq_pop_single(&q);
    assert_non_null(b);
    gw_buf_unref(b);
    assert_true(gw_outq_is_empty(&q));
    assert_int_equal(q.bytes, 0);
    /* Neither of two, nor beside control, also when the ring has gone round. */
    push(&q, GW_LANE_NORMAL, 2);
    push(&q, GW_LANE_NORMAL, 3);
    assert_null(gw_outq_pop_single(&q));
    expect(&q, 2);
    push(&q, GW_LANE_CONTROL, 4);
    assert_null(gw_outq_pop_single(&q));
    expect(&q, 4);
    push(&q, GW_LANE_LOW, 5);
    assert_null(gw_outq_pop_single(&q));
    expect(&q, 3);
    expect(&q, 5);
    gw_outq_trim(&q);
  }
  gw_outq_clear(&q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_lanes_by_priority),
      cmocka_unit_test(test_one_message_needs_no_memory),
      cmocka_unit_test(test_grows_while_it_goes_round),
      cmocka_unit_test(test_clear_and_trim),
      cmocka_unit_test(test_a_single_message_of_data),
      cmocka_unit_test(test_a_long_queue_gives_its_memory_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
