/* SPDX-License-Identifier: MIT */
/* wildcard_test.c - subscribing to all channels whose names match, on a node of
 * one worker and of several. */
#include <stdio.h>

#include "support/filter_text.h"
#include "support/stream_text.h"

static hubs node;
static peer *writer;

static int start(uint32_t num) {
  hubs_init(&node, num);
  node.spaces[1].wildcards = true;
  hubs_start(&node);
  writer = peer_join(&node, 0, 1);
  return 0;
}

static int start_alone(void **state) {
  (void)state;
  return start(1);
}

static int start_many(void **state) {
  (void)state;
  return start(4);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void publish(const char *channel) {
  peer_publish(writer, channel, "x", 0, 0);
  peer_published(writer);
}

static peer *subscribe(uint32_t worker, unsigned who, const char *pattern) {
  peer *p = peer_join(&node, worker % node.num, who);
  peer_subscribe(p, 1, pattern);
  gw_subscribed m = peer_subscribed(p);
  assert_true(m.wildcard);
  assert_true(m.live);
  assert_int_equal(m.result, GW_RECOVERY_CONTINUOUS);
  return p;
}

static void test_what_matches_comes(void **state) {
  (void)state;
  peer *all = subscribe(1, 2, ">");
  peer *stock = subscribe(2, 3, "stock.*");
  publish("stock.a");
  publish("stock.b");
  publish("other.a");
  publish("stock.a");
  publish("stock.a.b");
  expect_stream(all, "stock.a@1 stock.b@1 other.a@1 stock.a@2 stock.a.b@1 ");
  expect_stream(stock, "stock.a@1 stock.b@1 stock.a@2 ");
}

static void test_epoch_and_offset_are_the_channel_s(void **state) {
  (void)state;
  peer *p = subscribe(1, 2, "a.*");
  peer_publish(writer, "a.b", "hello", 5, 0);
  gw_published done = peer_published(writer);
  gw_publication m = peer_publication(p);
  assert_true(m.epoch == done.epoch);
  assert_int_equal(m.offset, done.offset);
  assert_int_equal(m.key, 5);
  assert_true(gw_view_eq(m.data, gw_view_of("hello")));
  assert_true(gw_view_eq(m.channel, gw_view_of("a.b")));
}

static void test_each_subscription_of_a_connection(void **state) {
  (void)state;
  peer *p = subscribe(3, 2, "a.*");
  uint32_t plain, all;
  peer_subscribe(p, 2, "a.b");
  plain = peer_expect(p, GW_FRAME_SUBSCRIBED).head.channel;
  peer_subscribe(p, 3, ">");
  all = peer_expect(p, GW_FRAME_SUBSCRIBED).head.channel;
  assert_int_not_equal(plain, all);
  publish("a.b");
  unsigned num = 0;
  gw_frame f;
  for (; peer_next(p, &f); num++) {
    gw_publication m;
    assert_int_equal(f.head.type, GW_FRAME_PUBLICATION);
    assert_int_equal(gw_decode_publication(f.body, &m), 0);
    assert_int_equal(m.channel.len == 0, f.head.channel == plain);
  }
  assert_int_equal(num, 3);
}

static void test_subscribers_share_what_they_want(void **state) {
  (void)state;
  peer *a = subscribe(1, 2, "a.*"), *b = subscribe(1, 3, "a.*");
  peer *c = subscribe(2, 4, "a.*");
  publish("a.b");
  expect_stream(a, "a.b@1 ");
  expect_stream(b, "a.b@1 ");
  expect_stream(c, "a.b@1 ");
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  expect_stream(a, "U521 ");
  publish("a.b");
  peer_expect_nothing(a);
  expect_stream(b, "a.b@2 ");
  expect_stream(c, "a.b@2 ");
}

static void test_nobody_is_asked_when_nobody_wants_it(void **state) {
  (void)state;
  peer *p = subscribe(1, 2, "a.*");
  assert_int_equal(HUBS_STAT(&node, patterns), 1);
  peer_drop(p, 0);
  hubs_pass(&node, 20000);
  assert_int_equal(HUBS_STAT(&node, patterns), 0);
  uint64_t before = HUBS_STAT(&node, mail_total);
  publish("a.b");
  bool is_forwarded = hubs_owner(&node, "a.b") != 0;
  assert_int_equal(HUBS_STAT(&node, mail_total) - before, is_forwarded ? 2 : 0);
}

/** Whoever heard that it is live misses nothing that is published from then on,
 * wherever. */
static void test_live_means_that_every_worker_knows(void **state) {
  (void)state;
  if (node.num == 1) return;
  node.holds_mail = true;
  peer *p = peer_join(&node, 1, 2);
  peer_subscribe(p, 1, "a.*");
  for (uint32_t w = 0; w < node.num; w++) {
    peer_expect_nothing(p);
    if (w == 1) continue;
    hubs_deliver(&node, 1, w, 10);
    peer_expect_nothing(p);
    hubs_deliver(&node, w, 1, 10);
  }
  assert_true(peer_subscribed(p).live);
}

static void test_coming_back_is_told_a_gap(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 2);
  gw_subscribe m = {
      .channel = gw_view_of("a.*"), .recover = true, .epoch = 77, .offset = 5};
  peer_subscribe_with(p, 1, &m);
  gw_subscribed s = peer_subscribed(p);
  assert_true(s.live && s.wildcard && s.epoch != 0);
  assert_int_equal(s.result, GW_RECOVERY_GAP);
  assert_int_equal(s.gap, GW_GAP_LIVE_ONLY);
}

/** Mail to one worker is late: what comes by it may have been told by another. */
static void test_coming_back_is_not_told_twice(void **state) {
  (void)state;
  const uint32_t slow = 2;
  peer *p = subscribe(1, 2, ">"), *stays = subscribe(slow, 3, ">");
  node.holds_mail = true;
  peer_publish(writer, "a.b", "x", 0, 0);
  hubs_deliver_to_others(&node, slow);
  expect_stream(p, "a.b@1 ");
  peer_drop(p, 0);
  p = peer_join(&node, slow, 2);
  gw_subscribe m = {
      .channel = gw_view_of(">"), .recover = true, .epoch = 77, .offset = 1};
  peer_subscribe_with(p, 1, &m);
  peer_expect_nothing(p);
  node.holds_mail = false;
  assert_int_equal(peer_subscribed(p).gap, GW_GAP_LIVE_ONLY);
  peer_expect_nothing(p);
  publish("a.b");
  expect_stream(p, "a.b@2 ");
  expect_stream(stays, "a.b@1 a.b@2 ");
}

static void test_slow_reader_is_told_how_many(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 200;
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, 0, 1);
  peer *p = peer_join(&node, 1 % node.num, 2);
  gw_subscribe m = {.channel = gw_view_of("a.*"), .overflow = GW_OVERFLOW_DROP};
  peer_subscribe_with(p, 1, &m);
  peer_subscribed(p);
  p->is_stalled = true;
  for (int i = 0; i < 7; i++)
    publish(i % 2 ? "a.b" : "a.c");
  peer_read_again(p);
  expect_stream(p, "a.c@1 a.b@1 L3-7:S ");
  publish("a.b");
  expect_stream(p, "a.b@4 ");
}

static void test_with_a_filter(void **state) {
  (void)state;
  uint8_t bytes[128];
  gw_out out = {bytes, 0, sizeof bytes};
  peer *p = peer_join(&node, 1 % node.num, 2);
  gw_subscribe m = {.channel = gw_view_of("a.*"),
                    .filter = filter_of("kind=x", &out)};
  peer_subscribe_with(p, 1, &m);
  peer_subscribed(p);
  for (int i = 0; i < 4; i++) {
    out.len = 0;
    gw_publish pub = {.channel = gw_view_of("a.b"),
                      .tags = tags_of(i % 2 ? "kind=x" : "kind=y", &out)};
    peer_publish_with(writer, &pub);
    peer_published(writer);
  }
  hubs_pass(&node, 20000);
  expect_stream(p, "a.b@2 a.b@4 ");
}

static void test_with_gathering(void **state) {
  (void)state;
  node.spaces[1].batch_delay_ms = 20;
  peer *p = subscribe(1, 2, "a.*");
  publish("a.b");
  publish("a.c");
  peer_expect_nothing(p);
  unsigned before = p->num_messages;
  hubs_pass(&node, 20);
  expect_stream(p, "a.b@1 a.c@1 ");
  assert_int_equal(p->num_messages, before + 1);
}

static void test_ends_of_items_come_as_well(void **state) {
  (void)state;
  node.spaces[1].history_mode = GW_HISTORY_MAP;
  peer *p = subscribe(1, 2, "a.*");
  gw_publish m = {
      .channel = gw_view_of("a.b"), .item = gw_view_of("i"), .ttl_ms = 100};
  peer_publish_with(writer, &m);
  peer_published(writer);
  hubs_pass(&node, 100);
  expect_stream(p, "a.b@1i a.b@-2i ");
}

static void test_what_a_pattern_cannot_have(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 2);
  gw_subscribe m = {.channel = gw_view_of("a.*"), .presence = true};
  assert_int_equal(peer_error(p, peer_subscribe_with(p, 1, &m)),
                   GW_CODE_UNSUPPORTED);
  m = (gw_subscribe){.channel = gw_view_of("a.*"),
                     .overflow = GW_OVERFLOW_CONFLATE};
  assert_int_equal(peer_error(p, peer_subscribe_with(p, 1, &m)),
                   GW_CODE_UNSUPPORTED);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "a.>.b")),
                   GW_CODE_BAD_CHANNEL);
  assert_int_equal(peer_error(p, peer_publish(p, "a.*", "x", 0, 0)),
                   GW_CODE_BAD_CHANNEL);
  peer_subscribe(p, 1, "a.*");
  peer_subscribed(p);
  gw_head head = {.type = GW_FRAME_PUBLISH,
                  .flags = GW_FLAG_ALIAS,
                  .request = ++p->last_request,
                  .channel = 1};
  gw_publish pub = {.data = gw_view_of("x")};
  PEER_SEND(p, publish, &head, &pub);
  assert_int_equal(peer_error(p, head.request), GW_CODE_BAD_CHANNEL);
  assert_int_equal(peer_error(p, peer_presence(p, 1, "here")),
                   GW_CODE_BAD_CHANNEL);
}

static void test_only_where_the_namespace_has_them(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 2);
  peer_subscribe(p, 1, "none:*");
  assert_false(peer_subscribed(p).wildcard);
  publish("none:*");
  expect_stream(p, "1 ");
  publish("none:a");
  peer_expect_nothing(p);
}

static void test_many_patterns_of_one_connection(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 2);
  char pattern[32];
  for (uint32_t i = 0; i < 100; i++) {
    (void)sprintf(pattern, "a%u.*", i);
    peer_subscribe(p, i + 1, pattern);
    peer_subscribed(p);
  }
  assert_int_equal(HUBS_STAT(&node, patterns), 100);
  for (uint32_t i = 0; i < 100; i += 9) {
    char want[64], name[32];
    (void)sprintf(name, "a%u.x", i);
    (void)sprintf(want, "%s@1 ", name);
    publish(name);
    expect_stream(p, want);
  }
  peer_drop(p, 0);
  hubs_pass(&node, 20000);
  assert_int_equal(HUBS_STAT(&node, patterns), 0);
}

#define BOTH(test)                                     \
  {#test " (alone)", test, start_alone, stop, NULL}, { \
#test " (many)", test, start_many, stop, NULL      \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_what_matches_comes),
      BOTH(test_epoch_and_offset_are_the_channel_s),
      BOTH(test_each_subscription_of_a_connection),
      BOTH(test_subscribers_share_what_they_want),
      BOTH(test_nobody_is_asked_when_nobody_wants_it),
      BOTH(test_live_means_that_every_worker_knows),
      BOTH(test_coming_back_is_told_a_gap),
      {"test_coming_back_is_not_told_twice", test_coming_back_is_not_told_twice,
       start_many, stop, NULL},
      BOTH(test_slow_reader_is_told_how_many),
      BOTH(test_with_a_filter),
      BOTH(test_with_gathering),
      BOTH(test_ends_of_items_come_as_well),
      BOTH(test_what_a_pattern_cannot_have),
      BOTH(test_only_where_the_namespace_has_them),
      BOTH(test_many_patterns_of_one_connection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
