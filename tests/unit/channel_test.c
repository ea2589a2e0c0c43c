/* SPDX-License-Identifier: MIT */
/* channel_test.c - subscribe, publish and recover: on a worker that owns the
 * channel, and alike on one that follows it. */
#include <stdio.h>

#include "support/hub_rig.h"

static hubs node;
static char name[32];
/** Where the peers are, and who owns the channel. */
static uint32_t here, owner;

static int start(uint32_t num, uint32_t peers_at, uint32_t owned_by) {
  hubs_init(&node, num);
  hubs_start(&node);
  here = peers_at;
  owner = owned_by;
  hubs_channel(&node, owner, name);
  return 0;
}

static int start_owned(void **state) {
  (void)state;
  return start(1, 0, 0);
}

static int start_followed(void **state) {
  (void)state;
  return start(3, 1, 2);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void publish(peer *p, unsigned num) {
  static uint64_t key;
  for (unsigned i = 0; i < num; i++) {
    char data[16];
    (void)sprintf(data, "m%u", i);
    peer_publish(p, name, data, ++key, 0);
    peer_await(p, GW_FRAME_PUBLISHED);
  }
}

static gw_subscribe recover_from(uint64_t epoch, uint64_t offset) {
  return (gw_subscribe){.channel = gw_view_of(name),
                        .recover = true,
                        .epoch = epoch,
                        .offset = offset};
}

/** Publications from .. to, each with the next offset. */
static void expect_run(peer *p, uint64_t from, uint64_t to) {
  for (uint64_t offset = from; offset <= to; offset++)
    assert_int_equal(peer_publication(p).offset, offset);
}

static gw_recovery expect_recovery(peer *p) {
  gw_recovery m;
  gw_frame f = peer_expect(p, GW_FRAME_RECOVERY);
  assert_int_equal(gw_decode_recovery(f.body, &m), 0);
  return m;
}

/* ---- subscribe ----------------------------------------------------------- */

static void test_subscribe_and_publish(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  uint32_t request = peer_subscribe(a, 5, name);
  gw_frame f = peer_expect(a, GW_FRAME_SUBSCRIBED);
  gw_subscribed sub;
  assert_int_equal(gw_decode_subscribed(f.body, &sub), 0);
  assert_int_equal(f.head.request, request);
  assert_true(f.head.channel != 0);
  uint32_t number = f.head.channel;
  assert_true(sub.epoch != 0);
  assert_int_equal(sub.offset, 0);
  assert_int_equal(sub.result, GW_RECOVERY_CONTINUOUS);
  assert_true(sub.live);

  peer_publish(b, name, "hello", 7, 0);
  gw_published done = peer_published(b);
  assert_true(done.epoch == sub.epoch);
  assert_int_equal(done.offset, 1);
  assert_false(done.duplicate);
  peer_expect_nothing(b);

  f = peer_expect(a, GW_FRAME_PUBLICATION);
  gw_publication pub;
  assert_int_equal(gw_decode_publication(f.body, &pub), 0);
  assert_int_equal(f.head.channel, number);
  assert_int_equal(f.head.request, 0);
  assert_int_equal(pub.offset, 1);
  assert_int_equal(pub.key, 7);
  assert_true(pub.client == b->client);
  assert_true(gw_view_eq(pub.data, gw_view_of("hello")));
  assert_true(gw_view_eq(pub.user, gw_view_of("user2")));
  assert_true(pub.time_ms != 0);
  peer_expect_nothing(a);
}

static void test_all_subscribers_of_a_node_share_the_number(void **state) {
  (void)state;
  uint32_t number = 0;
  for (uint32_t w = 0; w < node.num; w++) {
    peer *p = peer_join(&node, w, w);
    peer_subscribe(p, 1, name);
    uint32_t n = peer_expect(p, GW_FRAME_SUBSCRIBED).head.channel;
    if (number == 0) number = n;
    assert_int_equal(n, number);
  }
}

static void test_numbers_are_unique_on_the_node(void **state) {
  (void)state;
  uint32_t seen[60] = {0};
  peer *p = peer_join(&node, here, 1);
  for (uint32_t i = 0; i < 60; i++) {
    char other[32];
    (void)sprintf(other, "other:%u", i);
    peer_subscribe(p, i + 1, other);
    seen[i] = peer_expect(p, GW_FRAME_SUBSCRIBED).head.channel;
    for (uint32_t j = 0; j < i; j++)
      assert_int_not_equal(seen[i], seen[j]);
  }
}

static void test_many_subscriptions_of_one_connection(void **state) {
  (void)state;
  peer *p = peer_join(&node, here, 1);
  char other[32];
  for (uint32_t i = 0; i < 100; i++) {
    (void)sprintf(other, "other:%u", i);
    peer_subscribe(p, i + 1, other);
    peer_subscribed(p);
  }
  gw_head head = {.type = GW_FRAME_PUBLISH, .flags = GW_FLAG_ALIAS};
  for (uint32_t i = 0; i < 100; i++) {
    gw_publish m = {.data = gw_view_of("x")};
    head.channel = i + 1;
    PEER_SEND(p, publish, &head, &m);
    assert_int_equal(peer_publication(p).offset, 1);
  }
  for (uint32_t i = 0; i < 100; i++) {
    peer_send_empty(p, GW_FRAME_UNSUBSCRIBE, (i * 37) % 100 + 1);
    peer_expect(p, GW_FRAME_UNSUBSCRIBED);
  }
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

static void test_a_bad_subscribe_is_refused(void **state) {
  (void)state;
  static const uint8_t long_name[GW_MAX_CHANNEL_BYTES + 1] = {'a'};
  peer *p = peer_join(&node, here, 1);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "")),
                   GW_CODE_BAD_CHANNEL);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "a\xc0")),
                   GW_CODE_BAD_CHANNEL);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "a\nb")),
                   GW_CODE_BAD_CHANNEL);
  gw_subscribe m = {.channel = {long_name, sizeof long_name}};
  assert_int_equal(peer_error(p, peer_subscribe_with(p, 1, &m)),
                   GW_CODE_BAD_CHANNEL);
  assert_int_equal(peer_error(p, peer_subscribe(p, 0, name)),
                   GW_CODE_BAD_REQUEST);
  m = (gw_subscribe){.channel = gw_view_of(name),
                     .overflow = GW_OVERFLOW_SAMPLE + 1};
  assert_int_equal(peer_error(p, peer_subscribe_with(p, 1, &m)),
                   GW_CODE_UNSUPPORTED);
  peer_subscribe(p, 1, name);
  peer_subscribed(p);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "other")),
                   GW_CODE_BAD_REQUEST);
  assert_int_equal(HUBS_STAT(&node, errors_total), 7);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

static void test_too_many_subscriptions(void **state) {
  (void)state;
  node.settings.limits.max_subscriptions = 2;
  peer *p = peer_join(&node, here, 1);
  peer_subscribe(p, 1, "a");
  peer_subscribed(p);
  peer_subscribe(p, 2, "b");
  peer_subscribed(p);
  assert_int_equal(peer_error(p, peer_subscribe(p, 3, "c")),
                   GW_CODE_LIMIT_REACHED);
  peer_subscribe(p, 2, "b"); /* not a new one */
  peer_subscribed(p);
}

static void test_too_many_channels(void **state) {
  (void)state;
  node.settings.max_channels = 1;
  peer *p = peer_join(&node, here, 1);
  peer_subscribe(p, 1, name);
  peer_subscribed(p);
  char other[32];
  hubs_channel(&node, owner, other);
  assert_int_equal(peer_error(p, peer_subscribe(p, 2, other)),
                   GW_CODE_LIMIT_REACHED);
  assert_int_equal(peer_error(p, peer_publish(p, other, "x", 1, 0)),
                   GW_CODE_LIMIT_REACHED);
  assert_int_equal(HUBS_STAT(&node, channels), 1);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

static void test_unsubscribe(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  peer_subscribe(a, 1, name);
  peer_subscribed(a);
  publish(b, 1);
  uint32_t request = peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  expect_run(a, 1, 1);
  assert_int_equal(peer_expect(a, GW_FRAME_UNSUBSCRIBED).head.request, request);
  publish(b, 1);
  peer_expect_nothing(a);
  request = peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  assert_int_equal(peer_error(a, request), GW_CODE_NOT_SUBSCRIBED);
}

static void test_the_server_number_names_the_channel_too(void **state) {
  (void)state;
  peer *p = peer_join(&node, here, 1);
  peer_subscribe(p, 1, name);
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = 9};
  head.channel = peer_expect(p, GW_FRAME_SUBSCRIBED).head.channel;
  gw_publish m = {.data = gw_view_of("x")};
  PEER_SEND(p, publish, &head, &m);
  assert_int_equal(peer_published(p).offset, 1);
  expect_run(p, 1, 1);
  head.channel += 1000;
  PEER_SEND(p, publish, &head, &m);
  assert_int_equal(peer_error(p, 9), GW_CODE_NOT_SUBSCRIBED);
}

/* ---- publish ------------------------------------------------------------- */

static void test_a_bad_publish_is_refused(void **state) {
  (void)state;
  peer *p = peer_join(&node, here, 1);
  gw_publish m = {.channel = gw_view_of(name),
                  .data = gw_view_of("x"),
                  .json = gw_view_of("1")};
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)),
                   GW_CODE_BAD_REQUEST);
  m = (gw_publish){.channel = gw_view_of(name), .json = gw_view_of("\"\xff\"")};
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)), GW_CODE_BAD_TEXT);
  assert_int_equal(HUBS_STAT(&node, bad_text_total), 1);
  m = (gw_publish){.channel = gw_view_of("\x01")};
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)),
                   GW_CODE_BAD_CHANNEL);
  gw_head head = {.type = GW_FRAME_PUBLISH,
                  .flags = GW_FLAG_ALIAS,
                  .request = 99,
                  .channel = 77};
  PEER_SEND(p, publish, &head, &m);
  assert_int_equal(peer_error(p, 99), GW_CODE_NOT_SUBSCRIBED);
}

static void test_an_item_comes_with_the_publication(void **state) {
  (void)state;
  char item[GW_MAX_ITEM_BYTES + 1];
  memset(item, 'i', sizeof item);
  peer *p = peer_join(&node, here, 1);
  peer_subscribe(p, 1, name);
  peer_subscribed(p);
  gw_publish m = {.channel = gw_view_of(name), .json = gw_view_of("1")};
  for (size_t len = 0; len <= GW_MAX_ITEM_BYTES; len += 51) {
    m.item = (gw_view){(const uint8_t *)item, len};
    peer_publish_with(p, &m);
    peer_await(p, GW_FRAME_PUBLISHED);
    gw_publication pub = peer_publication(p);
    assert_true(gw_view_eq(pub.item, m.item));
    assert_true(gw_view_eq(pub.json, m.json));
  }
}

static void test_a_bad_item_is_refused(void **state) {
  (void)state;
  char item[GW_MAX_ITEM_BYTES + 1];
  memset(item, 'i', sizeof item);
  peer *p = peer_join(&node, here, 1);
  gw_publish m = {.channel = gw_view_of(name),
                  .item = {(const uint8_t *)item, sizeof item}};
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)), GW_CODE_TOO_BIG);
  m.item = gw_view_of("\xff");
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)), GW_CODE_BAD_TEXT);
  m.item = (gw_view){(const uint8_t *)"a\0b", 3};
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)), GW_CODE_BAD_TEXT);
  assert_int_equal(HUBS_STAT(&node, bad_text_total), 2);
  assert_int_equal(HUBS_STAT(&node, publications_total), 0);
}

static void test_publish_without_a_request_is_not_answered(void **state) {
  (void)state;
  peer *p = peer_join(&node, here, 1);
  gw_head head = {.type = GW_FRAME_PUBLISH};
  gw_publish m = {.channel = gw_view_of(name), .data = gw_view_of("x")};
  PEER_SEND(p, publish, &head, &m);
  m.json = gw_view_of("1");
  PEER_SEND(p, publish, &head, &m);
  peer_expect_nothing(p);
  assert_int_equal(HUBS_STAT(&node, publications_total), 1);
}

static void test_a_repeat_is_told_its_first_position(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  peer_subscribe(b, 1, name);
  peer_subscribed(b);
  peer_publish(a, name, "x", 5, 0);
  assert_int_equal(peer_published(a).offset, 1);
  peer_publish(a, name, "y", 6, 0);
  assert_int_equal(peer_published(a).offset, 2);
  peer *again = peer_join(&node, here, 1);
  peer_publish(again, name, "x", 5, 0);
  gw_published m = peer_published(again);
  assert_true(m.duplicate);
  assert_int_equal(m.offset, 1);
  expect_run(b, 1, 2);
  peer_publish(b, name, "z", 5, 0); /* another client's key */
  assert_int_equal(peer_published(b).offset, 3);
  expect_run(b, 3, 3);
  peer_expect_nothing(b);
  assert_int_equal(HUBS_STAT(&node, duplicates_total), 1);
}

static void test_key_zero_is_never_a_repeat(void **state) {
  (void)state;
  peer *p = peer_join(&node, here, 1);
  peer_publish(p, name, "x", 0, 0);
  assert_int_equal(peer_published(p).offset, 1);
  peer_publish(p, name, "x", 0, 0);
  assert_int_equal(peer_published(p).offset, 2);
}

static void test_compare_and_set(void **state) {
  (void)state;
  peer *p = peer_join(&node, here, 1);
  peer_publish(p, name, "x", 1, 0);
  gw_published at = peer_published(p);
  gw_publish m = {.channel = gw_view_of(name),
                  .key = 2,
                  .compare = true,
                  .epoch = at.epoch,
                  .offset = at.offset};
  peer_publish_with(p, &m);
  assert_int_equal(peer_published(p).offset, 2);
  peer_publish_with(p, &m); /* a repeat has succeeded already */
  assert_true(peer_published(p).duplicate);
  m.key = 3;
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)), GW_CODE_CONFLICT);
  m.key = 4;
  m.offset = 2;
  m.epoch++;
  assert_int_equal(peer_error(p, peer_publish_with(p, &m)), GW_CODE_CONFLICT);
}

static void test_no_echo(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  peer_subscribe(a, 1, name);
  peer_subscribed(a);
  peer_subscribe(b, 1, name);
  peer_subscribed(b);
  gw_publish m = {.channel = gw_view_of(name),
                  .data = gw_view_of("x"),
                  .key = 5,
                  .no_echo = true};
  peer_publish_with(a, &m);
  peer_published(a);
  gw_frame f = peer_expect(a, GW_FRAME_PUBLICATION);
  gw_publication pub;
  assert_int_equal(gw_decode_publication(f.body, &pub), 0);
  assert_int_equal(f.head.flags, GW_FLAG_OWN);
  assert_int_equal(pub.offset, 1);
  assert_int_equal(pub.key, 5);
  assert_true(pub.client == a->client);
  assert_int_equal(pub.data.len, 0);
  f = peer_expect(b, GW_FRAME_PUBLICATION);
  assert_int_equal(f.head.flags, 0);
  assert_int_equal(gw_decode_publication(f.body, &pub), 0);
  assert_true(gw_view_eq(pub.data, gw_view_of("x")));
}

static void test_too_many_publications(void **state) {
  (void)state;
  node.settings.rates[GW_OPERATION_PUBLISH] = (gw_rate){8, 1000, 10};
  peer *p = peer_join(&node, here, 1);
  for (uint64_t key = 1; key <= 10; key++) {
    peer_publish(p, name, "x", key, key - 1);
    assert_int_equal(peer_published(p).offset, key);
  }
  assert_int_equal(peer_error(p, peer_publish(p, name, "x", 11, 10)),
                   GW_CODE_RATE_LIMITED);
  hubs_pass(&node, 500);
  assert_int_equal(peer_error(p, peer_publish(p, name, "x", 12, 11)),
                   GW_CODE_PRECEDING_REFUSED); /* the order is kept */
  for (uint64_t key = 11; key <= 14; key++) {
    peer_publish(p, name, "x", key, 0);
    assert_int_equal(peer_published(p).offset, key);
  }
  assert_int_equal(peer_error(p, peer_publish(p, name, "x", 15, 0)),
                   GW_CODE_RATE_LIMITED);
}

/* ---- recover ------------------------------------------------------------- */

static void test_recover_what_was_missed(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  peer_subscribe(a, 1, name);
  uint64_t epoch = peer_subscribed(a).epoch;
  publish(b, 5);
  gw_subscribe m = recover_from(epoch, 2);
  peer_subscribe_with(b, 1, &m);
  gw_subscribed sub = peer_subscribed(b);
  assert_int_equal(sub.result, GW_RECOVERY_RECOVERED);
  assert_int_equal(sub.offset, 2);
  assert_false(sub.live);
  expect_run(b, 3, 5);
  gw_recovery end = expect_recovery(b);
  assert_int_equal(end.from, 3);
  assert_int_equal(end.to, 5);
  assert_true(end.live);
  peer_publish(a, name, "next", 1, 0);
  expect_run(b, 6, 6);
  assert_int_equal(HUBS_STAT(&node, recovered_publications_total), 3);
}

static void test_nothing_was_missed(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  publish(a, 3);
  peer_subscribe(a, 1, name);
  gw_subscribe m = recover_from(peer_subscribed(a).epoch, 3);
  peer *b = peer_join(&node, here, 2);
  peer_subscribe_with(b, 1, &m);
  gw_subscribed sub = peer_subscribed(b);
  assert_int_equal(sub.result, GW_RECOVERY_CONTINUOUS);
  assert_int_equal(sub.offset, 3);
  assert_true(sub.live);
  peer_expect_nothing(b);
}

static void test_recover_all_that_is_kept(void **state) {
  (void)state;
  node.spaces[1].history_size = 4;
  peer *a = peer_join(&node, here, 1);
  gw_subscribe m = recover_from(0, 0);
  peer_subscribe_with(a, 1, &m);
  gw_subscribed sub = peer_subscribed(a);
  assert_int_equal(sub.result, GW_RECOVERY_RECOVERED);
  assert_true(sub.live);
  publish(a, 10);
  peer *b = peer_join(&node, here, 2);
  peer_subscribe_with(b, 1, &m);
  sub = peer_subscribed(b);
  assert_int_equal(sub.result, GW_RECOVERY_RECOVERED);
  assert_int_equal(sub.offset, 6);
  expect_run(b, 7, 10);
  assert_true(expect_recovery(b).live);
}

static void test_what_was_trimmed_is_told(void **state) {
  (void)state;
  node.spaces[1].history_size = 4;
  peer *a = peer_join(&node, here, 1);
  publish(a, 10);
  peer_subscribe(a, 1, name);
  gw_subscribe m = recover_from(peer_subscribed(a).epoch, 2);
  peer_subscribe_with(a, 1, &m);
  gw_subscribed sub = peer_subscribed(a);
  assert_int_equal(sub.result, GW_RECOVERY_GAP);
  assert_int_equal(sub.gap, GW_GAP_TRIMMED);
  assert_int_equal(sub.gap_from, 3);
  assert_int_equal(sub.gap_to, 6);
  assert_int_equal(sub.offset, 6);
  expect_run(a, 7, 10);
  assert_true(expect_recovery(a).live);
  assert_int_equal(HUBS_STAT(&node, gaps_total), 1);
}

static void test_what_has_expired_is_told(void **state) {
  (void)state;
  node.spaces[1].history_ttl_ms = 1000;
  peer *a = peer_join(&node, here, 1);
  publish(a, 3);
  hubs_pass(&node, 600);
  publish(a, 2);
  peer_subscribe(a, 1, name);
  uint64_t epoch = peer_subscribed(a).epoch;
  hubs_pass(&node, 500);
  gw_subscribe m = recover_from(epoch, 1);
  peer_subscribe_with(a, 1, &m);
  gw_subscribed sub = peer_subscribed(a);
  assert_int_equal(sub.result, GW_RECOVERY_GAP);
  assert_int_equal(sub.gap, GW_GAP_EXPIRED);
  assert_int_equal(sub.gap_from, 2);
  assert_int_equal(sub.gap_to, 3);
  expect_run(a, 4, 5);
  assert_true(expect_recovery(a).live);
  hubs_pass(&node, 1000);
  peer_subscribe_with(a, 1, &m);
  sub = peer_subscribed(a);
  assert_int_equal(sub.gap_to, 5);
  assert_int_equal(sub.offset, 5);
  assert_true(sub.live);
}

static void test_one_that_expired_before_its_neighbours_is_told(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  publish(a, 2);
  gw_publish brief = {.channel = gw_view_of(name), .ttl_ms = 100};
  peer_publish_with(a, &brief);
  peer_publish_with(a, &brief);
  peer_published(a);
  peer_published(a);
  publish(a, 1);
  peer_subscribe(a, 1, name);
  gw_subscribe m = recover_from(peer_subscribed(a).epoch, 0);
  hubs_pass(&node, 100);
  peer_subscribe_with(a, 1, &m);
  assert_int_equal(peer_subscribed(a).result, GW_RECOVERY_RECOVERED);
  expect_run(a, 1, 2);
  gw_recovery end = expect_recovery(a);
  assert_false(end.live);
  assert_int_equal(end.to, 2);
  end = expect_recovery(a);
  assert_int_equal(end.gap, GW_GAP_EXPIRED);
  assert_int_equal(end.gap_from, 3);
  assert_int_equal(end.gap_to, 4);
  assert_true(end.from > end.to);
  assert_false(end.live);
  expect_run(a, 5, 5);
  assert_true(expect_recovery(a).live);
}

static void test_another_epoch(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  publish(a, 3);
  gw_subscribe m = recover_from(12345, 17);
  peer_subscribe_with(a, 1, &m);
  gw_subscribed sub = peer_subscribed(a);
  assert_int_equal(sub.result, GW_RECOVERY_GAP);
  assert_int_equal(sub.gap, GW_GAP_EPOCH_CHANGED);
  assert_int_equal(sub.gap_from, 18);
  assert_int_equal(sub.gap_to, 0);
  assert_int_equal(sub.offset, 0);
  expect_run(a, 1, 3);
  assert_true(expect_recovery(a).live);
}

static void test_a_position_ahead_of_the_stream(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  publish(a, 3);
  peer_subscribe(a, 1, name);
  gw_subscribe m = recover_from(peer_subscribed(a).epoch, UINT64_MAX);
  peer_subscribe_with(a, 1, &m);
  gw_subscribed sub = peer_subscribed(a);
  assert_int_equal(sub.result, GW_RECOVERY_GAP);
  assert_int_equal(sub.gap, GW_GAP_EPOCH_CHANGED);
  assert_int_equal(sub.offset, 0);
}

static void test_without_history(void **state) {
  (void)state;
  do {
    hubs_channel(&node, owner, name);
    memcpy(name, "none:", 5);
  } while (hubs_owner(&node, name) != owner);
  peer *a = peer_join(&node, here, 1);
  publish(a, 3);
  peer_subscribe(a, 1, name);
  gw_subscribed sub = peer_subscribed(a);
  assert_int_equal(sub.offset, 3);
  gw_subscribe m = recover_from(sub.epoch, 3);
  peer_subscribe_with(a, 1, &m);
  sub = peer_subscribed(a);
  assert_int_equal(sub.result, GW_RECOVERY_CONTINUOUS);
  assert_true(sub.live);
  m.offset = 1;
  peer_subscribe_with(a, 1, &m);
  sub = peer_subscribed(a);
  assert_int_equal(sub.result, GW_RECOVERY_GAP);
  assert_int_equal(sub.gap, GW_GAP_TRIMMED);
  assert_int_equal(sub.gap_from, 2);
  assert_int_equal(sub.gap_to, 3);
  assert_true(sub.live);
  publish(a, 1);
  expect_run(a, 4, 4);
}

static void test_a_long_recovery_comes_in_chunks(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  char data[4001];
  memset(data, 'x', sizeof data);
  data[4000] = 0;
  for (unsigned i = 0; i < 30; i++) {
    peer_publish(a, name, data, 0, 0);
    peer_published(a);
  }
  peer *b = peer_join(&node, here, 2);
  gw_subscribe m = recover_from(0, 0);
  peer_subscribe_with(b, 1, &m);
  peer_subscribed(b);
  uint64_t next = 1;
  unsigned chunks = 0;
  gw_recovery end;
  do {
    gw_frame f;
    gw_publication pub;
    while (peer_next(b, &f) && f.head.type == GW_FRAME_PUBLICATION) {
      assert_int_equal(gw_decode_publication(f.body, &pub), 0);
      assert_int_equal(pub.offset, next);
      next++;
    }
    assert_int_equal(f.head.type, GW_FRAME_RECOVERY);
    assert_int_equal(gw_decode_recovery(f.body, &end), 0);
    assert_int_equal(end.to, next - 1);
    chunks++;
  } while (!end.live);
  assert_int_equal(next, 31);
  assert_int_equal(chunks, 4); /* 120 kB by 32 */
}

/** What is published while a recovery runs is part of it; live delivery begins
 * where the cursor has reached the top. */
static void test_publications_during_a_recovery(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  publish(a, 5);
  peer *b = peer_join(&node, here, 2);
  b->is_stalled = true;
  gw_subscribe m = recover_from(0, 0);
  peer_subscribe_with(b, 1, &m);
  publish(a, 5);
  peer_read_again(b);
  peer_subscribed(b);
  expect_run(b, 1, 10);
  gw_recovery end = expect_recovery(b);
  assert_int_equal(end.to, 10);
  assert_true(end.live);
  publish(a, 2);
  expect_run(b, 11, 12);
}

static void test_what_is_trimmed_during_a_recovery_is_told(void **state) {
  (void)state;
  node.spaces[1].history_size = 4;
  peer *a = peer_join(&node, here, 1);
  publish(a, 4);
  peer *b = peer_join(&node, here, 2);
  b->is_stalled = true;
  gw_subscribe m = recover_from(0, 0);
  peer_subscribe_with(b, 1, &m);
  publish(a, 3);
  peer_read_again(b);
  assert_int_equal(peer_subscribed(b).offset, 0);
  gw_recovery end = expect_recovery(b);
  assert_int_equal(end.gap, GW_GAP_TRIMMED);
  assert_int_equal(end.gap_from, 1);
  assert_int_equal(end.gap_to, 3);
  assert_false(end.live);
  expect_run(b, 4, 7);
  assert_true(expect_recovery(b).live);
}

static void test_subscribing_again_begins_anew(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer_subscribe(a, 1, name);
  gw_subscribed first = peer_subscribed(a);
  publish(a, 3);
  peer_forget(a);
  gw_subscribe m = recover_from(first.epoch, 1);
  peer_subscribe_with(a, 9, &m); /* under another alias */
  assert_int_equal(peer_subscribed(a).result, GW_RECOVERY_RECOVERED);
  expect_run(a, 2, 3);
  assert_true(expect_recovery(a).live);
  publish(a, 1);
  expect_run(a, 4, 4);
  uint32_t request = peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  assert_int_equal(peer_error(a, request), GW_CODE_NOT_SUBSCRIBED);
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 9);
  peer_expect(a, GW_FRAME_UNSUBSCRIBED);
}

/* ---- life ---------------------------------------------------------------- */

static void test_an_unused_channel_is_forgotten(void **state) {
  (void)state;
  node.settings.ping_interval_ms = 100000;
  node.spaces[1].idle_ms = 5000;
  node.spaces[1].history_ttl_ms = 20000;
  node.settings.dedup_window_ms = 30000;
  peer *a = peer_join(&node, here, 1);
  peer_subscribe(a, 1, name);
  uint64_t epoch = peer_subscribed(a).epoch;
  publish(a, 3);
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  hubs_pass(&node, 25000);
  assert_int_equal(HUBS_STAT(&node, channels), 1); /* for the keys' sake */
  assert_int_equal(HUBS_STAT(&node, channels_followed), 0);
  hubs_pass(&node, 12000);
  assert_int_equal(HUBS_STAT(&node, channels), 0);
  peer_forget(a);
  gw_subscribe m = recover_from(epoch, 3);
  peer_subscribe_with(a, 1, &m);
  gw_subscribed sub = peer_subscribed(a);
  assert_int_equal(sub.gap, GW_GAP_EPOCH_CHANGED);
  assert_true(sub.epoch != epoch);
}

static void test_a_channel_in_use_is_kept(void **state) {
  (void)state;
  node.spaces[1].idle_ms = 1000;
  peer *a = peer_join(&node, here, 1);
  peer_subscribe(a, 1, name);
  uint64_t epoch = peer_subscribed(a).epoch;
  peer *b = peer_join(&node, here, 2);
  peer_free(b);
  hubs_pass(&node, 20000);
  peer_forget(a);
  gw_subscribe m = recover_from(epoch, 0);
  peer_subscribe_with(a, 1, &m);
  assert_true(peer_subscribed(a).epoch == epoch);
}

#define BOTH(test)                                        \
  {#test " (owned)", test, start_owned, stop, NULL}, {    \
#test " (followed)", test, start_followed, stop, NULL \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_subscribe_and_publish),
      BOTH(test_all_subscribers_of_a_node_share_the_number),
      BOTH(test_numbers_are_unique_on_the_node),
      BOTH(test_many_subscriptions_of_one_connection),
      BOTH(test_a_bad_subscribe_is_refused),
      BOTH(test_too_many_subscriptions),
      BOTH(test_too_many_channels),
      BOTH(test_unsubscribe),
      BOTH(test_the_server_number_names_the_channel_too),
      BOTH(test_a_bad_publish_is_refused),
      BOTH(test_an_item_comes_with_the_publication),
      BOTH(test_a_bad_item_is_refused),
      BOTH(test_publish_without_a_request_is_not_answered),
      BOTH(test_a_repeat_is_told_its_first_position),
      BOTH(test_key_zero_is_never_a_repeat),
      BOTH(test_compare_and_set),
      BOTH(test_no_echo),
      BOTH(test_too_many_publications),
      BOTH(test_recover_what_was_missed),
      BOTH(test_nothing_was_missed),
      BOTH(test_recover_all_that_is_kept),
      BOTH(test_what_was_trimmed_is_told),
      BOTH(test_what_has_expired_is_told),
      BOTH(test_one_that_expired_before_its_neighbours_is_told),
      BOTH(test_another_epoch),
      BOTH(test_a_position_ahead_of_the_stream),
      BOTH(test_without_history),
      BOTH(test_a_long_recovery_comes_in_chunks),
      BOTH(test_publications_during_a_recovery),
      BOTH(test_what_is_trimmed_during_a_recovery_is_told),
      BOTH(test_subscribing_again_begins_anew),
      BOTH(test_an_unused_channel_is_forgotten),
      BOTH(test_a_channel_in_use_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
