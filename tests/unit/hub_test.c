/* SPDX-License-Identifier: MIT */
/* hub_test.c - connections of a hub: handshake, limits, life and end. */
#include "support/hub_rig.h"

static hubs node;

static int start_one(void **state) {
  (void)state;
  hubs_init(&node, 1);
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void test_welcomes(void **state) {
  (void)state;
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  gw_frame f = peer_expect(p, GW_FRAME_WELCOME);
  gw_welcome m;
  assert_int_equal(gw_decode_welcome(f.body, &m), 0);
  assert_int_equal(f.head.request, 1);
  assert_int_equal(m.version, GW_PROTOCOL_VERSION);
  assert_true(m.connection != 0 && m.client != 0);
  assert_true(gw_view_eq(m.user, gw_view_of("user1")));
  assert_int_equal(m.limits.max_frame_bytes, GW_MAX_FRAME_BYTES);
  assert_int_equal(m.ping_interval_ms, GW_PING_INTERVAL_MS);
  assert_int_equal(m.time_ms, 1700000000000u + node.now_ms);
  assert_true(gw_view_eq(m.node, gw_view_of("godwit")));
  assert_int_equal(HUBS_STAT(&node, sessions), 1);
}

static void test_client_id_is_the_same_on_each_connection(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, 0, 1);
  peer *c = peer_join(&node, 0, 2);
  assert_true(a->client == b->client);
  assert_true(a->connection != b->connection);
  assert_true(a->client != c->client);
}

static void test_a_copied_instance_pushes_out_the_oldest(void **state) {
  (void)state;
  peer *p[20];
  for (unsigned i = 0; i < 20; i++) {
    hubs_pass(&node, 1);
    p[i] = peer_join(&node, 0, 1);
  }
  for (unsigned i = 0; i < 20; i++)
    assert_int_equal(p[i]->is_closing, i < 4);
  assert_int_equal(peer_close_code(p[0]), GW_CODE_REPLACED);
}

static void test_takes_nothing_before_hello(void **state) {
  (void)state;
  peer *p = peer_open(&node, 0);
  peer_subscribe(p, 1, "room:a");
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
  assert_true(gw_session_feed(p->session, gw_view_of("x"), true) < 0);
  assert_int_equal(HUBS_STAT(&node, protocol_errors_total), 1);
}

static void send_hello(peer *p, gw_hello *m) {
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  PEER_SEND(p, hello, &head, m);
}

static void test_refuses_a_hello_that_is_not_sound(void **state) {
  (void)state;
  static const uint8_t instance[GW_INSTANCE_BYTES + 1];
  static const char long_user[GW_MAX_USER_BYTES + 1];
  const gw_hello good = {.version = GW_PROTOCOL_VERSION,
                         .instance = {instance, GW_INSTANCE_BYTES}};
  gw_hello m = good;
  m.version = 2;
  peer *p = peer_open(&node, 0);
  send_hello(p, &m);
  assert_int_equal(peer_close_code(p), GW_CODE_VERSION);

  m = good;
  m.instance.len++;
  p = peer_open(&node, 0);
  send_hello(p, &m);
  assert_int_equal(peer_close_code(p), GW_CODE_BAD_REQUEST);

  m = good;
  m.user = gw_view_of("\xff");
  p = peer_open(&node, 0);
  send_hello(p, &m);
  assert_int_equal(peer_close_code(p), GW_CODE_BAD_TEXT);

  m = good;
  m.user = (gw_view){(const uint8_t *)long_user, sizeof long_user};
  p = peer_open(&node, 0);
  send_hello(p, &m);
  assert_int_equal(peer_close_code(p), GW_CODE_TOO_BIG);
  assert_int_equal(HUBS_STAT(&node, sessions), 0);
}

static void test_a_second_hello_breaks_the_protocol(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer_hello(p, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

static void test_frames_after_hello_in_the_same_message(void **state) {
  (void)state;
  static const uint8_t instance[GW_INSTANCE_BYTES];
  uint8_t bytes[512];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {instance, sizeof instance}};
  assert_int_equal(gw_encode_hello(&out, &head, &hello), 0);
  head = (gw_head){.type = GW_FRAME_SUBSCRIBE,
                   .flags = GW_FLAG_ALIAS,
                   .request = 2,
                   .channel = 1};
  gw_subscribe sub = {.channel = gw_view_of("room:a")};
  assert_int_equal(gw_encode_subscribe(&out, &head, &sub), 0);
  head = (gw_head){.type = GW_FRAME_PUBLISH,
                   .flags = GW_FLAG_ALIAS,
                   .request = 3,
                   .channel = 1};
  gw_publish pub = {.data = gw_view_of("x"), .key = 1};
  assert_int_equal(gw_encode_publish(&out, &head, &pub), 0);
  peer *p = peer_open(&node, 0);
  (void)peer_feed(p, bytes, out.len);
  peer_expect(p, GW_FRAME_WELCOME);
  assert_int_equal(peer_published(p).offset, 1); /* control goes first */
  assert_true(peer_subscribed(p).live);
  assert_int_equal(peer_publication(p).offset, 1);
  peer_expect_nothing(p);
}

static void test_input_cut_anywhere(void **state) {
  (void)state;
  static const uint8_t instance[GW_INSTANCE_BYTES];
  uint8_t bytes[512];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {instance, sizeof instance}};
  assert_int_equal(gw_encode_hello(&out, &head, &hello), 0);
  peer *p = peer_open(&node, 0);
  for (size_t i = 0; i < out.len; i++)
    assert_int_equal(
        gw_session_feed(p->session, (gw_view){bytes + i, 1}, i + 1 == out.len),
        0);
  peer_expect(p, GW_FRAME_WELCOME);
  /* A message must not end inside a frame. */
  assert_true(gw_session_feed(p->session, (gw_view){bytes, 5}, true) < 0);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

static void test_closes_who_never_says_hello(void **state) {
  (void)state;
  peer *p = peer_open(&node, 0);
  hubs_pass(&node, GW_HANDSHAKE_TIMEOUT_MS - 1);
  assert_false(p->is_closing);
  hubs_pass(&node, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_HANDSHAKE_TIMEOUT);
  assert_int_equal(HUBS_STAT(&node, handshake_timeouts_total), 1);
}

static void test_too_many_connections(void **state) {
  (void)state;
  node.settings.max_connections = 2;
  peer_join(&node, 0, 1);
  peer_join(&node, 0, 2);
  peer *p = peer_open(&node, 0);
  assert_int_equal(peer_close_code(p), GW_CODE_TOO_MANY_CONNECTIONS);
  peer_free(p);
  assert_int_equal(HUBS_STAT(&node, connections), 2);
  assert_int_equal(HUBS_STAT(&node, connections_refused_total), 1);
}

static void test_a_wish_for_the_ping_interval_is_kept_in_bounds(void **state) {
  (void)state;
  static const uint8_t instance[GW_INSTANCE_BYTES];
  static const uint32_t wishes[][2] = {
      {1, GW_PING_INTERVAL_MIN_MS},
      {5000, 5000},
      {UINT32_MAX, GW_PING_INTERVAL_MAX_MS},
  };
  for (size_t i = 0; i < 3; i++) {
    gw_hello m = {.version = GW_PROTOCOL_VERSION,
                  .instance = {instance, sizeof instance},
                  .ping_interval_ms = wishes[i][0]};
    peer *p = peer_open(&node, 0);
    send_hello(p, &m);
    gw_welcome w;
    gw_frame f = peer_expect(p, GW_FRAME_WELCOME);
    assert_int_equal(gw_decode_welcome(f.body, &w), 0);
    assert_int_equal(w.ping_interval_ms, wishes[i][1]);
  }
}

static void answer_ping(peer *p, const gw_frame *f) {
  gw_ping m;
  assert_int_equal(gw_decode_ping(f->body, &m), 0);
  gw_head head = {.type = GW_FRAME_PONG};
  PEER_SEND(p, ping, &head, &m);
}

static void test_pings_who_is_silent(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  for (int i = 0; i < 3; i++) {
    hubs_pass(&node, GW_PING_INTERVAL_MS - 1);
    peer_expect_nothing(p);
    hubs_pass(&node, 1);
    gw_frame f = peer_expect(p, GW_FRAME_PING);
    answer_ping(p, &f);
  }
  hubs_pass(&node, GW_PING_INTERVAL_MS + GW_PING_TIMEOUT_MS - 1);
  peer_expect(p, GW_FRAME_PING);
  assert_false(p->is_closing);
  hubs_pass(&node, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_PING_TIMEOUT);
  assert_int_equal(HUBS_STAT(&node, ping_timeouts_total), 1);
}

static void test_any_byte_is_a_sign_of_life(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  static const uint8_t ping[] = {4, GW_FRAME_PING, 0, 0, 0};
  for (int i = 0; i < 10; i++) {
    hubs_pass(&node, GW_PING_INTERVAL_MS - 1);
    peer_expect_nothing(p);
    (void)peer_feed(p, ping, sizeof ping);
    peer_expect(p, GW_FRAME_PONG);
  }
}

static void test_a_timeout_longer_than_the_interval(void **state) {
  (void)state;
  node.settings.ping_interval_ms = 1000;
  node.settings.ping_timeout_ms = 5000;
  peer *p = peer_join(&node, 0, 1);
  hubs_pass(&node, 1000);
  gw_frame f = peer_expect(p, GW_FRAME_PING);
  hubs_pass(&node, 10);
  answer_ping(p, &f);
  hubs_pass(&node, 1000);
  peer_expect(p, GW_FRAME_PING);
  hubs_pass(&node, 4999);
  assert_false(p->is_closing);
  hubs_pass(&node, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_PING_TIMEOUT);
}

/** One that publishes and never wants an answer hears of the server too. */
static void test_pings_whom_it_told_nothing(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_head head = {.type = GW_FRAME_PUBLISH};
  gw_publish m = {.channel = gw_view_of("room:a"), .data = gw_view_of("x")};
  for (int i = 0; i < 50; i++) {
    hubs_pass(&node, 1000);
    PEER_SEND(p, publish, &head, &m);
  }
  peer_expect(p, GW_FRAME_PING);
  peer_expect(p, GW_FRAME_PING);
  peer_expect_nothing(p);
}

static void test_a_ping_is_answered_at_once(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_head head = {.type = GW_FRAME_PING};
  gw_ping m = {.time = 77};
  PEER_SEND(p, ping, &head, &m);
  gw_frame f = peer_expect(p, GW_FRAME_PONG);
  m.time = 0;
  assert_int_equal(gw_decode_ping(f.body, &m), 0);
  assert_int_equal(m.time, 77);
}

static void test_a_goodbye_is_followed_by_a_close(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_head head = {.type = GW_FRAME_CLOSE};
  gw_close m = {.code = GW_CODE_CLOSED};
  PEER_SEND(p, close, &head, &m);
  assert_true(p->is_closing);
  assert_int_equal(p->ws_code, 1000);
  peer_expect_nothing(p);
}

static void test_close_from_outside(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_session_close(p->session, GW_CODE_FORCED, "maintenance", 100, 50);
  gw_frame f = peer_expect(p, GW_FRAME_CLOSE);
  gw_close m;
  assert_int_equal(gw_decode_close(f.body, &m), 0);
  assert_int_equal(m.code, GW_CODE_FORCED);
  assert_int_equal(m.retry_after_ms, 100);
  assert_int_equal(m.spread_ms, 50);
  assert_true(gw_view_eq(m.reason, gw_view_of("maintenance")));
  gw_session_close(p->session, GW_CODE_FORCED, "again", 0, 0);
  peer_expect_nothing(p);
}

static void test_unknown_frames(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  static const uint8_t ignorable[] = {4, 200, 0, 0, 0};
  static const uint8_t credit[] = {4, GW_FRAME_CREDIT, 0, 0, 0};
  static const uint8_t unknown[] = {4, 100, 0, 0, 0};
  assert_int_equal(peer_feed(p, ignorable, sizeof ignorable), 0);
  assert_int_equal(peer_feed(p, credit, sizeof credit), 0);
  assert_int_equal(HUBS_STAT(&node, unknown_frames_total), 1);
  peer_expect_nothing(p);
  assert_true(peer_feed(p, unknown, sizeof unknown) < 0);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

static void test_frames_that_only_a_server_sends(void **state) {
  (void)state;
  static const uint8_t types[] = {
      GW_FRAME_NONE,       GW_FRAME_WELCOME,      GW_FRAME_OK,
      GW_FRAME_SUBSCRIBED, GW_FRAME_UNSUBSCRIBED, GW_FRAME_PUBLISHED,
      GW_FRAME_RECOVERY,   GW_FRAME_LAGGED,       GW_FRAME_PUBLICATION,
      GW_FRAME_REFRESHED,  GW_FRAME_PRESENCE_DIFF};
  for (size_t i = 0; i < sizeof types; i++) {
    peer *p = peer_join(&node, 0, 1);
    uint8_t frame[] = {4, types[i], 0, 1, 1};
    assert_true(peer_feed(p, frame, sizeof frame) < 0);
    assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
    peer_free(p);
  }
}

static void test_bodies_that_cannot_be_decoded(void **state) {
  (void)state;
  static const uint8_t types[] = {
      GW_FRAME_PING,       GW_FRAME_PONG,         GW_FRAME_CLOSE,
      GW_FRAME_ERROR,      GW_FRAME_SUBSCRIBE,    GW_FRAME_PUBLISH,
      GW_FRAME_RPC,        GW_FRAME_PRESENCE_SET, GW_FRAME_PRESENCE_GET,
      GW_FRAME_RPC_RESULT, GW_FRAME_REFRESH};
  for (size_t i = 0; i < sizeof types; i++) {
    peer *p = peer_join(&node, 0, 1);
    uint8_t frame[] = {6, types[i], 0, 1, 1, 0x0A, 0x7F}; /* cut string */
    assert_true(peer_feed(p, frame, sizeof frame) < 0);
    assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
    peer_free(p);
  }
}

static void test_requests_without_an_id(void **state) {
  (void)state;
  static const uint8_t types[] = {GW_FRAME_SUBSCRIBE, GW_FRAME_PRESENCE_GET,
                                  GW_FRAME_RPC, GW_FRAME_REFRESH};
  for (size_t i = 0; i < sizeof types; i++) {
    peer *p = peer_join(&node, 0, 1);
    uint8_t frame[] = {4, types[i], 0, 0, 1};
    assert_true(peer_feed(p, frame, sizeof frame) < 0);
    assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
    peer_free(p);
  }
}

static void test_flags_of_features_that_are_off(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  uint8_t frame[] = {4, GW_FRAME_PUBLISH, GW_FLAG_MORE, 1, 1};
  assert_true(peer_feed(p, frame, sizeof frame) < 0);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

static void test_frames_over_the_limit(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  static const uint8_t prefix[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x0F};
  assert_true(peer_feed(p, prefix, sizeof prefix) < 0);
  assert_int_equal(peer_close_code(p), GW_CODE_TOO_BIG);
  assert_int_equal(HUBS_STAT(&node, oversize_total), 1);
}

static void test_messages_over_the_limit(void **state) {
  (void)state;
  node.settings.limits.max_message_bytes = 100;
  peer *p = peer_join(&node, 0, 1);
  static const uint8_t ping[] = {4, GW_FRAME_PING, 0, 0, 0};
  for (int i = 0; i < 20; i++)
    assert_int_equal(gw_session_feed(p->session, (gw_view){ping, 5}, false), 0);
  assert_true(gw_session_feed(p->session, (gw_view){ping, 5}, false) < 0);
  assert_int_equal(peer_close_code(p), GW_CODE_TOO_BIG);
}

static void test_refresh_is_answered(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_head head = {.type = GW_FRAME_REFRESH, .request = 9};
  gw_refresh m = {.token = gw_view_of("t")};
  PEER_SEND(p, refresh, &head, &m);
  assert_int_equal(peer_expect(p, GW_FRAME_REFRESHED).head.request, 9);
}

static void test_memory_of_closed_sessions_is_given_back(void **state) {
  (void)state;
  for (unsigned i = 0; i < 100; i++)
    peer_join(&node, 0, i);
  assert_int_equal(gw_hub_num_sessions(node.hub[0]), 100);
  while (node.peers != NULL)
    peer_free(node.peers);
  assert_int_equal(gw_hub_num_sessions(node.hub[0]), 0);
  assert_int_equal(HUBS_STAT(&node, connections), 0);
  assert_int_equal(HUBS_STAT(&node, sessions), 0);
  assert_int_equal(HUBS_STAT(&node, queue_bytes), 0);
  /* Those that may come back are remembered for a while. */
  hubs_pass(&node, GW_PRESENCE_GRACE_MS + 1000);
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
  assert_true(gw_hub_deadline(node.hub[0]) == UINT64_MAX);
}

#define T(test) cmocka_unit_test_setup_teardown(test, start_one, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_welcomes),
      T(test_client_id_is_the_same_on_each_connection),
      T(test_a_copied_instance_pushes_out_the_oldest),
      T(test_takes_nothing_before_hello),
      T(test_refuses_a_hello_that_is_not_sound),
      T(test_a_second_hello_breaks_the_protocol),
      T(test_frames_after_hello_in_the_same_message),
      T(test_input_cut_anywhere),
      T(test_closes_who_never_says_hello),
      T(test_too_many_connections),
      T(test_a_wish_for_the_ping_interval_is_kept_in_bounds),
      T(test_pings_who_is_silent),
      T(test_any_byte_is_a_sign_of_life),
      T(test_a_timeout_longer_than_the_interval),
      T(test_pings_whom_it_told_nothing),
      T(test_a_ping_is_answered_at_once),
      T(test_a_goodbye_is_followed_by_a_close),
      T(test_close_from_outside),
      T(test_unknown_frames),
      T(test_frames_that_only_a_server_sends),
      T(test_bodies_that_cannot_be_decoded),
      T(test_requests_without_an_id),
      T(test_flags_of_features_that_are_off),
      T(test_frames_over_the_limit),
      T(test_messages_over_the_limit),
      T(test_refresh_is_answered),
      T(test_memory_of_closed_sessions_is_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
