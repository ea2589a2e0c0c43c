/* SPDX-License-Identifier: MIT */
/* slow_reader_test.c - a reader that does not read costs its cap and no more,
 * and is told what it missed. */
#include <stdio.h>

#include "support/hub_rig.h"

#define CAP 10000u

static hubs node;
static peer *writer;
static char payload[501];

static int start(void **state) {
  (void)state;
  hubs_init(&node, 1);
  node.settings.limits.max_queue_bytes = CAP;
  node.spaces[1].history_size = 50;
  hubs_start(&node);
  writer = peer_join(&node, 0, 1);
  memset(payload, 'x', 500);
  return 0;
}

static int stop(void **state) {
  (void)state;
  assert_true(HUBS_STAT(&node, queue_bytes) <= 2 * CAP);
  hubs_stop(&node);
  return 0;
}

static void subscribe(peer *p, uint32_t alias, const char *channel,
                      uint32_t overflow) {
  gw_subscribe m = {.channel = gw_view_of(channel), .overflow = overflow};
  peer_subscribe_with(p, alias, &m);
  peer_subscribed(p);
}

static void publish(const char *channel, unsigned num) {
  for (unsigned i = 0; i < num; i++) {
    peer_publish(writer, channel, payload, 0, 0);
    peer_published(writer);
  }
}

static void resume(peer *p) {
  p->is_stalled = false;
  p->wants_write = true;
}

static void test_is_closed_at_its_cap(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  peer *quick = peer_join(&node, 0, 3);
  subscribe(slow, 1, "a", GW_OVERFLOW_CLOSE);
  subscribe(quick, 1, "a", GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  publish("a", 17);
  assert_false(slow->is_closing);
  assert_true(HUBS_STAT(&node, queue_bytes) > CAP / 2);
  publish("a", 10);
  assert_true(slow->is_closing);
  assert_int_equal(slow->ws_code, 4000 + GW_CODE_SLOW_READER);
  assert_true(HUBS_STAT(&node, queue_bytes) < 200); /* freed at once */
  assert_int_equal(HUBS_STAT(&node, slow_readers_total), 1);
  for (uint64_t offset = 1; offset <= 27; offset++)
    assert_int_equal(peer_publication(quick).offset, offset);
  resume(slow);
  assert_int_equal(peer_close_code(slow), GW_CODE_SLOW_READER);
}

static void test_goes_on_from_the_history(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe(slow, 1, "a", GW_OVERFLOW_DROP);
  slow->is_stalled = true;
  publish("a", 40);
  assert_false(slow->is_closing);
  assert_true(HUBS_STAT(&node, queue_bytes) <= CAP / 2);
  resume(slow);
  for (uint64_t offset = 1; offset <= 40; offset++)
    assert_int_equal(peer_publication(slow).offset, offset);
  peer_expect_nothing(slow);
  publish("a", 1); /* live again */
  assert_int_equal(peer_publication(slow).offset, 41);
  assert_int_equal(HUBS_STAT(&node, lagged_total), 0);
}

static void test_is_told_what_was_dropped(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe(slow, 1, "a", GW_OVERFLOW_DROP);
  slow->is_stalled = true;
  publish("a", 100);
  resume(slow);
  uint64_t offset = 0;
  gw_frame f;
  gw_publication pub;
  while (peer_next(slow, &f) && f.head.type == GW_FRAME_PUBLICATION) {
    assert_int_equal(gw_decode_publication(f.body, &pub), 0);
    assert_int_equal(pub.offset, ++offset);
  }
  assert_int_equal(f.head.type, GW_FRAME_LAGGED);
  gw_lagged lagged;
  assert_int_equal(gw_decode_lagged(f.body, &lagged), 0);
  assert_int_equal(lagged.from, offset + 1);
  assert_int_equal(lagged.to, 50);
  assert_int_equal(lagged.count, 50 - offset);
  assert_int_equal(lagged.reason, GW_GAP_SLOW_READER);
  for (offset = 51; offset <= 100; offset++)
    assert_int_equal(peer_publication(slow).offset, offset);
  assert_int_equal(HUBS_STAT(&node, lagged_total), lagged.count);
}

static void test_without_history_all_is_dropped(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe(slow, 1, "none:a", GW_OVERFLOW_DROP);
  slow->is_stalled = true;
  publish("none:a", 30);
  resume(slow);
  gw_frame f = peer_await(slow, GW_FRAME_LAGGED);
  gw_lagged lagged;
  assert_int_equal(gw_decode_lagged(f.body, &lagged), 0);
  assert_int_equal(lagged.to, 30);
  peer_expect_nothing(slow);
  publish("none:a", 1);
  assert_int_equal(peer_publication(slow).offset, 31);
}

static void test_answers_are_not_dropped(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe(slow, 1, "a", GW_OVERFLOW_DROP);
  slow->is_stalled = true;
  publish("a", 40);
  peer_publish(slow, "b", "x", 1, 0);
  gw_head head = {.type = GW_FRAME_PING};
  gw_ping m = {.time = 1};
  PEER_SEND(slow, ping, &head, &m);
  resume(slow);
  peer_expect(slow, GW_FRAME_PUBLISHED); /* they go first */
  peer_expect(slow, GW_FRAME_PONG);
  assert_int_equal(peer_publication(slow).offset, 1);
}

static void test_a_flood_of_requests_is_bounded(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  slow->is_stalled = true;
  gw_head head = {.type = GW_FRAME_PING};
  gw_ping m = {.time = UINT64_MAX};
  for (unsigned i = 0; i < 5000 && !slow->is_closing; i++)
    PEER_SEND(slow, ping, &head, &m);
  assert_true(slow->is_closing);
  assert_int_equal(slow->ws_code, 4000 + GW_CODE_SLOW_READER);
}

static void test_a_mix_of_policies(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe(slow, 1, "a", GW_OVERFLOW_DROP);
  subscribe(slow, 2, "b", GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  publish("a", 100);
  assert_false(slow->is_closing);
  publish("b", 5); /* there is room left for these */
  assert_false(slow->is_closing);
  publish("b", 20);
  assert_true(slow->is_closing);
}

static void test_several_fall_behind_in_one_fan_out(void **state) {
  (void)state;
  peer *slow[10];
  for (unsigned i = 0; i < 10; i++) {
    slow[i] = peer_join(&node, 0, 10 + i);
    subscribe(slow[i], 1, "a",
              i % 3 == 0 ? GW_OVERFLOW_CLOSE : GW_OVERFLOW_DROP);
    slow[i]->is_stalled = i != 5;
  }
  publish("a", 45);
  for (unsigned i = 0; i < 10; i++) {
    if (i % 3 == 0) {
      assert_true(slow[i]->is_closing);
      continue;
    }
    assert_false(slow[i]->is_closing);
    resume(slow[i]);
    for (uint64_t offset = 1; offset <= 45; offset++)
      assert_int_equal(peer_publication(slow[i]).offset, offset);
  }
}

static void test_ending_while_it_lags(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe(slow, 1, "a", GW_OVERFLOW_DROP);
  slow->is_stalled = true;
  publish("a", 40);
  peer_send_empty(slow, GW_FRAME_UNSUBSCRIBE, 1);
  resume(slow);
  gw_frame f;
  do {
    assert_true(peer_next(slow, &f));
  } while (f.head.type == GW_FRAME_PUBLICATION);
  assert_int_equal(f.head.type, GW_FRAME_UNSUBSCRIBED);
  peer_expect_nothing(slow);
}

#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_is_closed_at_its_cap),
      T(test_goes_on_from_the_history),
      T(test_is_told_what_was_dropped),
      T(test_without_history_all_is_dropped),
      T(test_answers_are_not_dropped),
      T(test_a_flood_of_requests_is_bounded),
      T(test_a_mix_of_policies),
      T(test_several_fall_behind_in_one_fan_out),
      T(test_ending_while_it_lags),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
