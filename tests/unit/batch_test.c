/* SPDX-License-Identifier: MIT */
/* batch_test.c - publications that are gathered go out as one message, and
 * nothing else is different: on a worker that owns the channel, and on one that
 * follows it. */
#include <stdio.h>

#include "support/hub_rig.h"

#define DELAY_MS 20u

static hubs node;
static char name[32];
/** Where the peers are, and who owns the channel. */
static uint32_t here, owner;
static peer *writer;

static int start(uint32_t num, uint32_t peers_at, uint32_t owned_by) {
  hubs_init(&node, num);
  node.spaces[1].batch_delay_ms = DELAY_MS;
  node.spaces[1].batch_bytes = 400;
  node.spaces[1].history_size = 30;
  node.settings.limits.max_queue_bytes = 4000;
  hubs_start(&node);
  here = peers_at;
  owner = owned_by;
  hubs_channel(&node, owner, name);
  writer = peer_join(&node, here, 1);
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

/** A subscriber; messages are counted from here on. */
static peer *join(unsigned who, uint32_t overflow) {
  peer *p = peer_join(&node, here, who);
  gw_subscribe m = {.channel = gw_view_of(name), .overflow = overflow};
  peer_subscribe_with(p, 1, &m);
  peer_subscribed(p);
  p->num_messages = 0;
  return p;
}

/** Acknowledged at once, whatever is gathered. */
static void publish(unsigned num) {
  for (unsigned i = 0; i < num; i++) {
    peer_publish(writer, name, "0123456789", 0, 0);
    peer_published(writer);
  }
}

static void expect_run(peer *p, uint64_t from, uint64_t to) {
  for (uint64_t offset = from; offset <= to; offset++)
    assert_int_equal(peer_publication(p).offset, offset);
  peer_expect_nothing(p);
}

/* ---- gathering ----------------------------------------------------------- */

static void test_goes_out_as_one_message(void **state) {
  (void)state;
  peer *a = join(2, GW_OVERFLOW_CLOSE);
  peer *b = join(3, GW_OVERFLOW_CLOSE);
  uint64_t before = HUBS_STAT(&node, deliveries_total);
  publish(5);
  hubs_pass(&node, DELAY_MS - 1);
  peer_expect_nothing(a);
  hubs_pass(&node, 1);
  expect_run(a, 1, 5);
  expect_run(b, 1, 5);
  assert_int_equal(a->num_messages, 1);
  assert_int_equal(b->num_messages, 1);
  assert_int_equal(HUBS_STAT(&node, batches_total), 1);
  assert_int_equal(HUBS_STAT(&node, deliveries_total) - before, 10);
  assert_int_equal(HUBS_STAT(&node, queue_bytes), 0);
}

static void test_the_delay_begins_with_the_first(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  for (unsigned i = 0; i < 4; i++) {
    publish(1);
    hubs_pass(&node, DELAY_MS / 4);
  }
  expect_run(p, 1, 4);
  assert_int_equal(p->num_messages, 1);
  publish(1);
  hubs_pass(&node, DELAY_MS - 1);
  peer_expect_nothing(p);
  hubs_pass(&node, 1);
  expect_run(p, 5, 5);
}

static void test_enough_bytes_end_the_wait(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  publish(30);
  assert_true(p->num_messages >= 2 && p->num_messages < 15);
  hubs_pass(&node, DELAY_MS);
  expect_run(p, 1, 30);
}

static void test_what_is_large_goes_alone_and_in_order(void **state) {
  (void)state;
  static char large[600];
  memset(large, 'x', sizeof large - 1);
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  publish(2);
  peer_publish(writer, name, large, 0, 0);
  peer_published(writer);
  expect_run(p, 1, 3);
  assert_int_equal(p->num_messages, 2);
  publish(1);
  hubs_pass(&node, DELAY_MS);
  expect_run(p, 4, 4);
}

static void test_nobody_there_gathers_nothing(void **state) {
  (void)state;
  publish(5);
  assert_int_equal(HUBS_STAT(&node, batches_total), 0);
  peer *p = peer_join(&node, here, 2);
  gw_subscribe m = {.channel = gw_view_of(name), .recover = true};
  peer_subscribe_with(p, 1, &m);
  peer_subscribed(p);
  for (uint64_t offset = 1; offset <= 5; offset++)
    assert_int_equal(peer_publication(p).offset, offset);
  peer_expect(p, GW_FRAME_RECOVERY);
  hubs_pass(&node, DELAY_MS);
  peer_expect_nothing(p);
}

/* ---- seats and feeds ----------------------------------------------------- */

static void test_who_joins_lets_it_go(void **state) {
  (void)state;
  peer *a = join(2, GW_OVERFLOW_CLOSE);
  publish(3);
  peer *b = peer_join(&node, here, 3);
  peer_subscribe(b, 1, name);
  assert_int_equal(peer_subscribed(b).offset, 3);
  expect_run(a, 1, 3);
  publish(2);
  hubs_pass(&node, DELAY_MS);
  expect_run(a, 4, 5);
  expect_run(b, 4, 5);
}

static void test_who_leaves_has_it_before(void **state) {
  (void)state;
  peer *a = join(2, GW_OVERFLOW_CLOSE);
  peer *b = join(3, GW_OVERFLOW_CLOSE);
  publish(3);
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  for (uint64_t offset = 1; offset <= 3; offset++)
    assert_int_equal(peer_publication(a).offset, offset);
  peer_expect(a, GW_FRAME_UNSUBSCRIBED);
  publish(1);
  hubs_pass(&node, DELAY_MS);
  peer_expect_nothing(a);
  expect_run(b, 1, 4);
}

static void test_a_lost_connection_takes_nothing_with_it(void **state) {
  (void)state;
  peer *a = join(2, GW_OVERFLOW_CLOSE);
  peer *b = join(3, GW_OVERFLOW_CLOSE);
  publish(3);
  peer_drop(a, 0);
  expect_run(b, 1, 3);
  publish(2);
  peer_drop(b, 0); /* the last one */
  hubs_pass(&node, DELAY_MS);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

static void test_who_subscribes_again_begins_anew(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  publish(3);
  gw_subscribe m = {.channel = gw_view_of(name), .recover = true};
  peer_subscribe_with(p, 1, &m);
  for (uint64_t offset = 1; offset <= 3; offset++)
    assert_int_equal(peer_publication(p).offset, offset);
  assert_int_equal(peer_subscribed(p).offset, 0);
  for (uint64_t offset = 1; offset <= 3; offset++)
    assert_int_equal(peer_publication(p).offset, offset);
  peer_expect(p, GW_FRAME_RECOVERY);
  hubs_pass(&node, DELAY_MS);
  peer_expect_nothing(p);
}

static void test_a_recovery_ends_at_the_top(void **state) {
  (void)state;
  publish(5);
  peer *a = join(2, GW_OVERFLOW_CLOSE);
  publish(3);
  peer *b = peer_join(&node, here, 3);
  b->is_stalled = true;
  gw_subscribe m = {.channel = gw_view_of(name), .recover = true};
  peer_subscribe_with(b, 1, &m);
  publish(3); /* gathered for a; b will draw them */
  peer_read_again(b);
  peer_subscribed(b);
  for (uint64_t offset = 1; offset <= 11; offset++)
    assert_int_equal(peer_publication(b).offset, offset);
  peer_expect(b, GW_FRAME_RECOVERY);
  expect_run(a, 6, 11);
  publish(2);
  hubs_pass(&node, DELAY_MS);
  expect_run(a, 12, 13);
  expect_run(b, 12, 13);
}

static void test_who_falls_behind_goes_on_in_front_of_it(void **state) {
  (void)state;
  static const uint32_t policies[] = {GW_OVERFLOW_DROP, GW_OVERFLOW_CONFLATE};
  for (unsigned i = 0; i < 2; i++) {
    peer *slow = join(2 + i, policies[i]);
    uint64_t top = i * 60;
    slow->is_stalled = true;
    peer *quick = join(10 + i, GW_OVERFLOW_CLOSE);
    publish(60);
    hubs_pass(&node, DELAY_MS);
    expect_run(quick, top + 1, top + 60);
    assert_true(HUBS_STAT(&node, queue_bytes) <= 2000);
    peer_read_again(slow);
    uint64_t at = top;
    gw_frame f;
    while (peer_next(slow, &f)) {
      gw_lagged lag;
      gw_publication pub;
      if (f.head.type == GW_FRAME_LAGGED) {
        assert_int_equal(gw_decode_lagged(f.body, &lag), 0);
        assert_int_equal(lag.from, at + 1);
        at = lag.to;
      } else {
        assert_int_equal(gw_decode_publication(f.body, &pub), 0);
        assert_int_equal(pub.offset, ++at);
      }
    }
    assert_int_equal(at, top + 60);
    peer_drop(slow, 0);
    peer_drop(quick, 0);
  }
}

static void test_closes_who_is_too_slow(void **state) {
  (void)state;
  peer *slow = join(2, GW_OVERFLOW_CLOSE);
  peer *quick = join(3, GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  publish(120);
  hubs_pass(&node, DELAY_MS);
  assert_true(slow->is_closing);
  assert_int_equal(slow->ws_code, 4000 + GW_CODE_SLOW_READER);
  expect_run(quick, 1, 120);
}

/* ---- publishers ---------------------------------------------------------- */

static void test_published_overtakes_the_echo(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  peer_publish(p, name, "mine", 1, 0);
  assert_int_equal(peer_published(p).offset, 1);
  peer_publish(p, name, "mine", 1, 0); /* a repeat */
  assert_true(peer_published(p).duplicate);
  peer_expect_nothing(p);
  hubs_pass(&node, DELAY_MS);
  expect_run(p, 1, 1);
}

static void test_no_echo_alone_is_a_stub(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  gw_publish m = {.channel = gw_view_of(name),
                  .data = gw_view_of("mine"),
                  .key = 7,
                  .no_echo = true};
  peer_publish_with(p, &m);
  peer_published(p);
  hubs_pass(&node, DELAY_MS);
  gw_frame f = peer_expect(p, GW_FRAME_PUBLICATION);
  assert_int_equal(f.head.flags, GW_FLAG_OWN);
  gw_publication pub;
  assert_int_equal(gw_decode_publication(f.body, &pub), 0);
  assert_int_equal(pub.offset, 1);
  assert_int_equal(pub.key, 7);
  assert_int_equal(pub.data.len, 0);
}

static void test_no_echo_among_others_is_marked(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  peer *q = join(3, GW_OVERFLOW_CLOSE);
  gw_publish m = {.channel = gw_view_of(name),
                  .data = gw_view_of("mine"),
                  .key = 7,
                  .no_echo = true};
  publish(1);
  peer_publish_with(p, &m);
  peer_published(p);
  hubs_pass(&node, DELAY_MS);
  peer *both[] = {p, q};
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(both[i]->num_messages, i == 0 ? 2 : 1); /* the answer */
    assert_false(peer_publication(both[i]).no_echo);
    gw_publication pub = peer_publication(both[i]);
    assert_true(pub.no_echo);
    assert_true(pub.client == p->client);
    assert_true(gw_view_eq(pub.data, gw_view_of("mine")));
  }
}

static void test_a_publisher_may_be_gone(void **state) {
  (void)state;
  peer *p =
      peer_join(&node, here, 2); /* not subscribed: its end moves no seat */
  peer *q = join(3, GW_OVERFLOW_CLOSE);
  gw_publish m = {.channel = gw_view_of(name), .no_echo = true};
  peer_publish_with(p, &m);
  peer_published(p);
  peer_drop(p, 0);
  hubs_pass(&node, DELAY_MS);
  expect_run(q, 1, 1);
}

/* ---- control, drain ------------------------------------------------------ */

static void test_control_does_not_wait(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  publish(3);
  gw_head head = {.type = GW_FRAME_PING};
  gw_ping m = {.time = 1};
  PEER_SEND(p, ping, &head, &m);
  peer_expect(p, GW_FRAME_PONG);
  peer_expect_nothing(p);
}

static void test_draining_lets_it_go(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  peer *q = join(3, GW_OVERFLOW_CLOSE);
  publish(3);
  for (uint32_t w = 0; w < node.num; w++)
    gw_hub_drain(node.hub[w], 1000);
  peer *both[] = {p, q};
  for (unsigned i = 0; i < 2; i++) {
    for (uint64_t offset = 1; offset <= 3; offset++)
      assert_int_equal(peer_publication(both[i]).offset, offset);
  }
  hubs_pass(&node, 1000);
  assert_int_equal(peer_close_code(p), GW_CODE_SHUTDOWN);
  assert_int_equal(peer_close_code(q), GW_CODE_SHUTDOWN);
}

/** What is gathered when a hub is freed goes to nobody: letting it go would cut
 * a slow reader in the midst of that. */
static void test_a_hub_that_is_freed(void **state) {
  (void)state;
  join(2, GW_OVERFLOW_CLOSE);
  peer *slow = join(3, GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  while (HUBS_STAT(&node, queue_bytes) < 3700)
    publish(1);
  publish(5);
  assert_false(slow->is_closing);
}

/** A follower that was given less than it should starts anew; what it has
 * gathered goes out before. */
static void test_a_follower_that_starts_anew(void **state) {
  (void)state;
  peer *p = join(2, GW_OVERFLOW_CLOSE);
  publish(2);
  node.holds_mail = true;
  peer *there = peer_join(&node, owner, 9);
  peer_publish(there, name, "x", 0, 0); /* 3: lost on the way */
  gw_mail *lost = node.mail[owner][here];
  assert_non_null(lost);
  node.mail[owner][here] = *gw_mail_next(lost);
  gw_mail_free(lost);
  node.holds_mail = false;
  peer_publish(there, name, "x", 0, 0);
  publish(1);
  hubs_pass(&node, DELAY_MS);
  expect_run(p, 1, 5);
}

/** Within a turn, whose end does not come yet. */
static void say(const char *channel) {
  uint8_t bytes[256];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = ++writer->last_request};
  gw_publish m = {.channel = gw_view_of(channel), .data = gw_view_of("x")};
  assert_int_equal(gw_encode_publish(&out, &head, &m), 0);
  assert_int_equal(
      gw_session_feed(writer->session, (gw_view){out.data, out.len}, true), 0);
}

/** Who reads them decides by it whether others are read first. */
static void test_knows_how_many_wait_for_the_end_of_a_turn(void **state) {
  (void)state;
  const char *at_once = "none:room"; /* its namespace has no delay */
  peer *readers[3];
  for (unsigned i = 0; i < 3; i++) {
    gw_subscribe m = {.channel = gw_view_of(at_once)};
    readers[i] = peer_join(&node, here, 2 + i);
    peer_subscribe_with(readers[i], 1, &m);
    peer_subscribed(readers[i]);
  }
  assert_int_equal(gw_hub_turn_width(node.hub[here]), 0);
  say(at_once);
  assert_int_equal(gw_hub_turn_width(node.hub[here]), 3);
  say(at_once);
  assert_int_equal(gw_hub_turn_width(node.hub[here]), 3);
  say("none:nobody");
  assert_int_equal(gw_hub_turn_width(node.hub[here]), 3);
  hubs_settle(&node);
  assert_int_equal(gw_hub_turn_width(node.hub[here]), 0);
  for (unsigned i = 0; i < 3; i++)
    expect_run(readers[i], 1, 2);
}

#define OWNED(test) \
  { #test " (owned)", test, start_owned, stop, NULL }
#define FOLLOWED(test) \
  { #test " (followed)", test, start_followed, stop, NULL }
#define BOTH(test) OWNED(test), FOLLOWED(test)

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_goes_out_as_one_message),
      BOTH(test_the_delay_begins_with_the_first),
      BOTH(test_enough_bytes_end_the_wait),
      BOTH(test_what_is_large_goes_alone_and_in_order),
      BOTH(test_nobody_there_gathers_nothing),
      BOTH(test_who_joins_lets_it_go),
      BOTH(test_who_leaves_has_it_before),
      BOTH(test_a_lost_connection_takes_nothing_with_it),
      BOTH(test_who_subscribes_again_begins_anew),
      BOTH(test_a_recovery_ends_at_the_top),
      BOTH(test_who_falls_behind_goes_on_in_front_of_it),
      BOTH(test_closes_who_is_too_slow),
      BOTH(test_published_overtakes_the_echo),
      BOTH(test_no_echo_alone_is_a_stub),
      BOTH(test_no_echo_among_others_is_marked),
      BOTH(test_a_publisher_may_be_gone),
      BOTH(test_control_does_not_wait),
      BOTH(test_draining_lets_it_go),
      BOTH(test_a_hub_that_is_freed),
      FOLLOWED(test_a_follower_that_starts_anew),
      OWNED(test_knows_how_many_wait_for_the_end_of_a_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
