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

/** About items named by the letters of a text, '.' being none. */
static void publish_about(const char *channel, const char *items) {
  for (; *items != 0; items++) {
    gw_publish m = {.channel = gw_view_of(channel),
                    .data = gw_view_of(payload),
                    .item = {(const uint8_t *)items, *items != '.'}};
    peer_publish_with(writer, &m);
    peer_published(writer);
  }
}

/** What came, in short: "1 2 L3-5/3 6 "; with the items of publications behind
 * their offsets, if they have any, and answers in brackets. */
static void expect_stream(peer *p, const char *want) {
  static char got[4096];
  size_t len = 0;
  gw_frame f;
  got[0] = 0;
  while (peer_next(p, &f)) {
    gw_lagged lag;
    gw_publication pub;
    gw_published done;
    assert_true(len < sizeof got - 100);
    if (f.head.type == GW_FRAME_LAGGED) {
      assert_int_equal(gw_decode_lagged(f.body, &lag), 0);
      assert_int_equal(lag.reason, GW_GAP_SLOW_READER);
      len += (size_t)sprintf(got + len, "L%u-%u/%u ", (unsigned)lag.from,
                             (unsigned)lag.to, (unsigned)lag.count);
    } else if (f.head.type == GW_FRAME_PUBLISHED) {
      assert_int_equal(gw_decode_published(f.body, &done), 0);
      len += (size_t)sprintf(got + len, "(%u) ", (unsigned)done.offset);
    } else {
      assert_int_equal(f.head.type, GW_FRAME_PUBLICATION);
      assert_int_equal(gw_decode_publication(f.body, &pub), 0);
      len += (size_t)sprintf(got + len, "%u%.*s ", (unsigned)pub.offset,
                             (int)pub.item.len, (const char *)pub.item.data);
    }
  }
  assert_string_equal(got, want);
}

/** Publications of ours that a queue takes before its reader lags. */
#define FULL   9u
#define FILLED "1 2 3 4 5 6 7 8 9 "

/** A subscriber of "a" that takes nothing. */
static peer *join_stalled(uint32_t overflow) {
  peer *p = peer_join(&node, 0, 2);
  subscribe(p, 1, "a", overflow);
  p->is_stalled = true;
  return p;
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
  peer_read_again(slow);
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
  peer_read_again(slow);
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
  peer_read_again(slow);
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

static void test_conflates_to_the_newest_of_each_item(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_CONFLATE);
  publish("a", FULL);
  publish_about("a", "abcabab.c");
  peer_read_again(slow);
  expect_stream(slow, FILLED "L10-14/5 15a 16b 17 18c ");
  publish_about("a", "a"); /* live again */
  expect_stream(slow, "19a ");
  assert_int_equal(HUBS_STAT(&node, lagged_total), 5);
}

static void test_tells_each_run_that_conflation_skips(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_CONFLATE);
  publish("a", FULL);
  publish_about("a", "ab.c.aa.dbc");
  peer_read_again(slow);
  expect_stream(slow,
                FILLED "L10-11/2 12 L13-13/1 14 L15-15/1 16a 17 18d 19b 20c ");
}

static void test_without_items_conflation_keeps_all(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_CONFLATE);
  publish("a", 20);
  peer_read_again(slow);
  expect_stream(slow, FILLED "10 11 12 13 14 15 16 17 18 19 20 ");
}

static void test_conflation_skips_what_the_history_lost(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_CONFLATE);
  publish("a", FULL + 55);
  publish_about("a", "aa"); /* 17 to 66 are kept */
  peer_read_again(slow);
  gw_frame f;
  for (unsigned i = 0; i < FULL; i++)
    peer_publication(slow);
  gw_lagged lag;
  f = peer_expect(slow, GW_FRAME_LAGGED);
  assert_int_equal(gw_decode_lagged(f.body, &lag), 0);
  assert_int_equal(lag.from, 10);
  assert_int_equal(lag.to, 16);
  for (uint64_t offset = 17; offset <= 64; offset++)
    assert_int_equal(peer_publication(slow).offset, offset);
  expect_stream(slow, "L65-65/1 66a ");
}

/** The newest of an item may expire before what it superseded: then neither is
 * of use. */
static void test_an_expired_publication_supersedes(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_CONFLATE);
  publish("a", FULL);
  publish_about("a", "ab");
  gw_publish m = {.channel = gw_view_of("a"),
                  .data = gw_view_of(payload),
                  .ttl_ms = 50,
                  .item = gw_view_of("a")};
  peer_publish_with(writer, &m);
  peer_published(writer);
  hubs_pass(&node, 100);
  peer_read_again(slow);
  expect_stream(slow, FILLED "L10-10/1 11b L12-12/1 ");
  publish("a", 1);
  expect_stream(slow, "13 ");
}

static void test_samples_the_newest(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_SAMPLE);
  publish("a", 100);
  peer_read_again(slow);
  expect_stream(slow, FILLED "L10-99/90 100 ");
  publish("a", 1); /* live again */
  expect_stream(slow, "101 ");
}

static void test_a_sample_of_one_skips_nothing(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_SAMPLE);
  publish("a", FULL + 1);
  peer_read_again(slow);
  expect_stream(slow, FILLED "10 ");
  assert_int_equal(HUBS_STAT(&node, lagged_total), 0);
}

static void test_a_sample_that_has_expired_is_told(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_SAMPLE);
  publish("a", FULL + 10);
  gw_publish m = {
      .channel = gw_view_of("a"), .data = gw_view_of("x"), .ttl_ms = 50};
  peer_publish_with(writer, &m);
  peer_published(writer);
  hubs_pass(&node, 100);
  peer_read_again(slow);
  expect_stream(slow, FILLED "L10-20/11 ");
}

/** Each policy skips by what waits when the reader reads again. */
static void test_falling_behind_again_and_again(void **state) {
  (void)state;
  peer *slow = join_stalled(GW_OVERFLOW_SAMPLE);
  uint64_t at = 0;
  for (unsigned i = 0; i < 20; i++) {
    slow->is_stalled = true;
    publish("a", 30 + i);
    peer_read_again(slow);
    gw_frame f;
    gw_lagged lag;
    gw_publication pub;
    unsigned num_lagged = 0;
    while (peer_next(slow, &f)) {
      if (f.head.type == GW_FRAME_LAGGED) {
        assert_int_equal(gw_decode_lagged(f.body, &lag), 0);
        assert_int_equal(lag.from, at + 1);
        at = lag.to;
        num_lagged++;
        continue;
      }
      assert_int_equal(gw_decode_publication(f.body, &pub), 0);
      assert_int_equal(pub.offset, ++at);
    }
    assert_int_equal(num_lagged, 1);
  }
}

static void test_a_recovery_is_whole_whatever_the_policy(void **state) {
  (void)state;
  publish_about("a", "aaaaaaaaaa");
  peer *p = peer_join(&node, 0, 2);
  gw_subscribe m = {.channel = gw_view_of("a"), .recover = true};
  for (m.overflow = 0; m.overflow <= GW_OVERFLOW_SAMPLE; m.overflow++) {
    peer_subscribe_with(p, 1, &m);
    peer_subscribed(p);
    for (uint64_t offset = 1; offset <= 10; offset++)
      assert_int_equal(peer_publication(p).offset, offset);
    peer_expect(p, GW_FRAME_RECOVERY);
  }
}

static void test_without_history_all_is_dropped(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe(slow, 1, "none:a", GW_OVERFLOW_DROP);
  slow->is_stalled = true;
  publish("none:a", 30);
  peer_read_again(slow);
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
  peer_read_again(slow);
  peer_expect(slow, GW_FRAME_PUBLISHED); /* they go first */
  peer_expect(slow, GW_FRAME_PONG);
  assert_int_equal(peer_publication(slow).offset, 1);
}

/** A publisher goes on when it is answered: from a quarter of its queue on it has to
 * read what it heard from itself before. */
static void test_answers_stay_behind_what_one_hears_from_oneself(void **state) {
  (void)state;
  peer *p = join_stalled(GW_OVERFLOW_CLOSE);
  for (unsigned i = 0; i < 8; i++)
    peer_publish(p, "a", payload, 0, 0);
  peer_read_again(p);
  expect_stream(p, "(1) (2) (3) (4) (5) 1 2 3 4 5 (6) 6 (7) 7 (8) 8 ");
}

/** To a channel that it does not hear: the answers are first. */
static void test_other_answers_overtake(void **state) {
  (void)state;
  peer *p = join_stalled(GW_OVERFLOW_CLOSE);
  publish("a", 8);
  peer_publish(p, "b", payload, 0, 0);
  peer_read_again(p);
  (void)peer_expect(p, GW_FRAME_PUBLISHED);
  expect_stream(p, "1 2 3 4 5 6 7 8 ");
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
    peer_read_again(slow[i]);
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
  peer_read_again(slow);
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
      T(test_conflates_to_the_newest_of_each_item),
      T(test_tells_each_run_that_conflation_skips),
      T(test_without_items_conflation_keeps_all),
      T(test_conflation_skips_what_the_history_lost),
      T(test_an_expired_publication_supersedes),
      T(test_samples_the_newest),
      T(test_a_sample_of_one_skips_nothing),
      T(test_a_sample_that_has_expired_is_told),
      T(test_falling_behind_again_and_again),
      T(test_a_recovery_is_whole_whatever_the_policy),
      T(test_without_history_all_is_dropped),
      T(test_answers_are_not_dropped),
      T(test_answers_stay_behind_what_one_hears_from_oneself),
      T(test_other_answers_overtake),
      T(test_a_flood_of_requests_is_bounded),
      T(test_a_mix_of_policies),
      T(test_several_fall_behind_in_one_fan_out),
      T(test_ending_while_it_lags),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
