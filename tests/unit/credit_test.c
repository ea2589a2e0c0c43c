/* SPDX-License-Identifier: MIT */
/* credit_test.c - data goes out as far as the client has granted it, control at
 * once. */
#include <stdio.h>

#include "server/core/session.h"
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
  hubs_stop(&node);
  return 0;
}

static void publish(const char *channel, unsigned num) {
  for (unsigned i = 0; i < num; i++) {
    peer_publish(writer, channel, payload, 0, 0);
    peer_published(writer);
  }
}

static void subscribe(peer *p, const char *channel, uint32_t overflow) {
  gw_subscribe m = {.channel = gw_view_of(channel), .overflow = overflow};
  peer_subscribe_with(p, 1, &m);
  peer_subscribed(p);
}

/** Look at what came; it has to be publications from an offset on. Returns the
 * last one's. */
static uint64_t read_on(peer *p, uint64_t offset) {
  gw_frame f;
  gw_publication pub;
  while (peer_next(p, &f)) {
    assert_int_equal(f.head.type, GW_FRAME_PUBLICATION);
    assert_int_equal(gw_decode_publication(f.body, &pub), 0);
    assert_int_equal(pub.offset, ++offset);
  }
  return offset;
}

static void ping(peer *p) {
  gw_head head = {.type = GW_FRAME_PING};
  gw_ping m = {.time = 1};
  PEER_SEND(p, ping, &head, &m);
}

/* ---- the agreement ------------------------------------------------------- */

static void test_is_on_when_both_want_it(void **state) {
  (void)state;
  assert_int_equal(writer->features, 0);
  peer *p = peer_join_with_credit(&node, 0, 2, 5000);
  assert_int_equal(p->features, GW_FEATURE_CREDIT);
  /* Only one of the two: bytes without the bit, the bit without bytes. */
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  uint8_t instance[GW_INSTANCE_BYTES] = {9};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .instance = {instance, sizeof instance},
                .credit_bytes = UINT32_MAX};
  for (unsigned i = 0; i < 2; i++) {
    gw_welcome w;
    peer *q = peer_open(&node, 0);
    PEER_SEND(q, hello, &head, &m);
    assert_int_equal(
        gw_decode_welcome(peer_expect(q, GW_FRAME_WELCOME).body, &w), 0);
    assert_int_equal(w.features, 0);
    m.features = GW_FEATURE_CREDIT | GW_FEATURE_CHUNKS;
    m.credit_bytes = 0;
  }
}

static void test_without_it_nothing_changes(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 2);
  subscribe(p, "a", GW_OVERFLOW_CLOSE);
  peer_grant(p, UINT64_MAX); /* told by any client */
  gw_head head = {.type = GW_FRAME_CREDIT};
  uint8_t bytes[16];
  gw_out out = {bytes, 0, sizeof bytes};
  assert_int_equal(gw_frame_put(&out, &head, gw_view_of("\x08")), 0);
  assert_int_equal(peer_feed(p, bytes, out.len), 0);
  publish("a", 40);
  assert_int_equal(read_on(p, 0), 40);
}

/* ---- data and control ---------------------------------------------------- */

static void test_data_stops_when_it_is_used_up(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 2000);
  subscribe(p, "a", GW_OVERFLOW_CLOSE);
  publish("a", 10);
  assert_int_equal(read_on(p, 0), 4); /* the last one goes below 0 */
  assert_true(p->data > 2000 && p->data < 2000 + 600);
  assert_false(gw_session_has_output(p->session));
  peer_grant(p, p->data - 2000); /* to 0: still nothing */
  assert_int_equal(read_on(p, 4), 4);
  peer_grant(p, 1);
  assert_int_equal(read_on(p, 4), 5);
  peer_grant(p, 600);
  assert_int_equal(read_on(p, 5), 6);
  peer_grant(p, 100000);
  assert_int_equal(read_on(p, 6), 10);
  publish("a", 1);
  assert_int_equal(read_on(p, 10), 11);
  assert_int_equal(HUBS_STAT(&node, credit_stalls_total), 3);
}

static void test_control_goes_out_at_once(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 100);
  subscribe(p, "a", GW_OVERFLOW_DROP);
  publish("a", 40);
  assert_int_equal(read_on(p, 0), 1);
  ping(p);
  peer_expect(p, GW_FRAME_PONG);
  peer_publish(p, "b", "x", 1, 0);
  peer_expect(p, GW_FRAME_PUBLISHED);
  peer_expect_nothing(p);
  hubs_pass(&node, GW_PING_INTERVAL_MS + 1); /* the server's own */
  peer_expect(p, GW_FRAME_PING);
  peer_expect_nothing(p);
}

/** Data fills the queue to its cap, exactly, and there is room for control. */
static void test_control_has_room_in_a_full_queue(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 1);
  subscribe(p, "a", GW_OVERFLOW_CLOSE);
  for (unsigned len = 500; len > 0; len--) {
    payload[len] = 0;
    while (HUBS_STAT(&node, queue_bytes) + len + 64 < CAP)
      publish("a", 1);
  }
  assert_true(CAP - HUBS_STAT(&node, queue_bytes) < 80);
  for (unsigned i = 0; i < 100; i++) {
    ping(p);
    peer_expect(p, GW_FRAME_PONG);
  }
  /* Nor does it matter when the peer does not take it. */
  p->is_stalled = true;
  for (unsigned i = 0; i < 100; i++)
    ping(p);
  assert_false(p->is_closing);
  for (unsigned i = 0; i < 1000 && !p->is_closing; i++)
    ping(p);
  assert_true(p->is_closing); /* there is an end to it */
}

static void test_recovery_waits_for_credit(void **state) {
  (void)state;
  publish("a", 40);
  peer *p = peer_join_with_credit(&node, 0, 2, 1000);
  gw_subscribe m = {.channel = gw_view_of("a"), .recover = true};
  peer_subscribe_with(p, 1, &m);
  peer_subscribed(p);
  ping(p);
  gw_frame f;
  unsigned num = 0;
  bool live = false, pong = false;
  while (!live) {
    while (peer_next(p, &f)) {
      gw_recovery r;
      num += f.head.type == GW_FRAME_PUBLICATION;
      pong = pong || f.head.type == GW_FRAME_PONG;
      if (f.head.type != GW_FRAME_RECOVERY) continue;
      assert_int_equal(gw_decode_recovery(f.body, &r), 0);
      live = r.live;
    }
    assert_true(pong); /* with the first data, long before the end */
    assert_true(HUBS_STAT(&node, queue_bytes) <= CAP / 2 + 600);
    peer_grant(p, 1000);
  }
  assert_int_equal(num, 40);
}

/** Every byte that the server has counted is one that the client can count: by
 * the types of the frames. */
static void test_both_ends_count_the_same(void **state) {
  (void)state;
  const uint32_t credit = 100000;
  peer *p = peer_join_with_credit(&node, 0, 2, credit);
  gw_subscribe m = {.channel = gw_view_of("a"), .presence = true};
  peer_subscribe_with(p, 1, &m);
  peer_presence(p, 1, "online");
  peer_call(writer, p->client, "method");
  peer_call(p, 0, "none");
  publish("a", 3);
  hubs_pass(&node, 100); /* a presence diff */
  m.recover = true;
  peer_subscribe_with(p, 1, &m);
  gw_head head = {.type = GW_FRAME_PRESENCE_GET, .request = 99};
  gw_presence_get get = {.channel = gw_view_of("a")};
  PEER_SEND(p, presence_get, &head, &get);
  get.channel = gw_view_of("empty");
  PEER_SEND(p, presence_get, &head, &get);
  gw_publish quiet = {.channel = gw_view_of("a"), .key = 5, .no_echo = true};
  peer_publish_with(p, &quiet);
  ping(p);
  peer_send_empty(p, GW_FRAME_UNSUBSCRIBE, 1);
  uint32_t seen = 0;
  gw_frame f;
  while (peer_next(p, &f))
    seen |= 1u << f.head.type;
  const uint32_t data = 1u << GW_FRAME_SUBSCRIBED |
                        1u << GW_FRAME_UNSUBSCRIBED |
                        1u << GW_FRAME_PUBLICATION | 1u << GW_FRAME_RECOVERY |
                        1u << GW_FRAME_PRESENCE_SNAPSHOT |
                        1u << GW_FRAME_PRESENCE_DIFF | 1u << GW_FRAME_RPC;
  assert_int_equal(seen & data, data);
  assert_true((seen & ~data) != 0);
  assert_int_equal(p->session->out.credit, credit - p->data);
}

/** Answers that stay behind data are none. */
static void test_answers_among_data_need_none(void **state) {
  (void)state;
  const uint32_t credit = 100000;
  peer *p = peer_join_with_credit(&node, 0, 2, credit);
  subscribe(p, "a", GW_OVERFLOW_CLOSE);
  p->is_stalled = true;
  for (unsigned i = 0; i < 8; i++)
    peer_publish(p, "a", payload, 0, 0);
  peer_read_again(p);
  gw_frame f;
  uint8_t last = 0;
  unsigned num = 0;
  while (peer_next(p, &f)) {
    num += last == GW_FRAME_PUBLICATION && f.head.type == GW_FRAME_PUBLISHED;
    last = f.head.type;
  }
  assert_int_equal(num, 3);
  assert_int_equal(p->session->out.credit, credit - p->data);
}

/* ---- who does not grant -------------------------------------------------- */

static void test_costs_its_cap_and_is_closed(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 100);
  peer *q = peer_join(&node, 0, 3);
  subscribe(p, "a", GW_OVERFLOW_CLOSE);
  subscribe(q, "a", GW_OVERFLOW_CLOSE);
  publish("a", 30);
  assert_true(p->is_closing);
  assert_int_equal(p->ws_code, 4000 + GW_CODE_SLOW_READER);
  assert_int_equal(read_on(q, 0), 30);
  /* The Close does not wait for credit. */
  assert_int_equal(peer_close_code(p), GW_CODE_SLOW_READER);
}

static void test_costs_its_cap_and_lags(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 100);
  subscribe(p, "a", GW_OVERFLOW_DROP);
  publish("a", 100);
  assert_false(p->is_closing);
  assert_true(HUBS_STAT(&node, queue_bytes) <= CAP / 2);
  peer_grant(p, 100000);
  gw_frame f;
  gw_publication pub = {0};
  while (peer_next(p, &f)) {
    if (f.head.type == GW_FRAME_PUBLICATION)
      assert_int_equal(gw_decode_publication(f.body, &pub), 0);
  }
  assert_int_equal(pub.offset, 100);
}

static void test_what_waits_at_the_end_needs_none(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 100);
  subscribe(p, "a", GW_OVERFLOW_CLOSE);
  publish("a", 5);
  assert_int_equal(read_on(p, 0), 1);
  gw_session_close(p->session, GW_CODE_FORCED, NULL, 0, 0);
  for (uint64_t offset = 2; offset <= 5; offset++)
    assert_int_equal(peer_publication(p).offset, offset);
  assert_int_equal(peer_close_code(p), GW_CODE_FORCED);
}

/* ---- nonsense ------------------------------------------------------------ */

static void test_too_much_credit_is_refused(void **state) {
  (void)state;
  static const uint64_t grants[] = {UINT64_MAX, (uint64_t)INT64_MAX + 1,
                                    UINT32_MAX, GW_MAX_CREDIT_BYTES + 1u,
                                    GW_MAX_CREDIT_BYTES - 999u};
  for (unsigned i = 0; i < sizeof grants / sizeof *grants; i++) {
    peer *p = peer_join_with_credit(&node, 0, 2 + i, 1000);
    peer_grant(p, GW_MAX_CREDIT_BYTES - 1000u);
    assert_false(p->is_closing);
    peer_grant(p, grants[i]);
    assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
  }
  assert_int_equal(HUBS_STAT(&node, protocol_errors_total), 5);
}

static void test_too_much_at_once_is_refused(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, GW_MAX_CREDIT_BYTES);
  assert_false(p->is_closing);
  p = peer_open(&node, 0);
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  uint8_t instance[GW_INSTANCE_BYTES] = {9};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .features = GW_FEATURE_CREDIT,
                .instance = {instance, sizeof instance},
                .credit_bytes = GW_MAX_CREDIT_BYTES + 1};
  PEER_SEND(p, hello, &head, &m);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

static void test_a_credit_that_is_none_is_refused(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 1000);
  gw_head head = {.type = GW_FRAME_CREDIT};
  uint8_t bytes[16];
  gw_out out = {bytes, 0, sizeof bytes};
  assert_int_equal(gw_frame_put(&out, &head, gw_view_of("\x08")), 0);
  assert_true(peer_feed(p, bytes, out.len) < 0);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_is_on_when_both_want_it),
      T(test_without_it_nothing_changes),
      T(test_data_stops_when_it_is_used_up),
      T(test_control_goes_out_at_once),
      T(test_control_has_room_in_a_full_queue),
      T(test_recovery_waits_for_credit),
      T(test_both_ends_count_the_same),
      T(test_answers_among_data_need_none),
      T(test_costs_its_cap_and_is_closed),
      T(test_costs_its_cap_and_lags),
      T(test_what_waits_at_the_end_needs_none),
      T(test_too_much_credit_is_refused),
      T(test_too_much_at_once_is_refused),
      T(test_a_credit_that_is_none_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
