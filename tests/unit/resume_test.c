/* SPDX-License-Identifier: MIT */
/* resume_test.c - who comes back with its token is not asked about again, and is
 * what it was then: no more, and only once. */
#include <stdio.h>

#include "server/core/resume.h"
#include "server/core/session.h"
#include "support/api_rig.h"

static hubs node;
static unsigned connects, subscribes;
static uint64_t connect_ttl_ms, subscribe_ttl_ms;
static uint8_t token[GWS_RESUME_BYTES];
static size_t token_len;

/** Ada, for whoever shows a token; her channels by hook. */
static bool answer(const gw_question *q, gw_verdict *v) {
  if (q->kind == GW_ASK_CONNECT) {
    connects++;
    v->user = gw_view_of("user1");
    v->info = gw_view_of("{\"a\":1}");
    v->ttl_ms = connect_ttl_ms;
    v->token_id = q->token.len != 0 ? 77 : 0;
    v->issued_ms = q->token.len != 0 ? 1000 : 0;
  }
  if (q->kind == GW_ASK_SUBSCRIBE) {
    subscribes++;
    v->ttl_ms = subscribe_ttl_ms;
  }
  return true;
}

static int start(void **state) {
  (void)state;
  hubs_init(&node, 2);
  node.asks = true;
  node.ask = answer;
  node.spaces[1].allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_HOOK;
  connects = subscribes = 0;
  connect_ttl_ms = subscribe_ttl_ms = 0;
  token_len = 0;
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/** What a Hello says, but for the token to resume by. */
typedef struct saying {
  uint32_t worker;
  uint8_t who;
  const char *user, *text;
  bool does_not_ask;
} saying;

static gw_welcome welcome;
static uint8_t offered[GWS_RESUME_BYTES];

/** Connect with the token that the last Welcome had. */
static peer *come(const saying *s) {
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)(s->who + 1)};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .features = s->does_not_ask ? 0 : GW_FEATURE_RESUME,
                .instance = {instance, sizeof instance},
                .resume = {token, token_len},
                .user = gw_view_of(s->user != NULL ? s->user : ""),
                .token = gw_view_of(s->text != NULL ? s->text : "")};
  peer *p = peer_open(&node, s->worker);
  PEER_SEND(p, hello, &head, &m);
  gw_frame f = peer_await(p, GW_FRAME_WELCOME);
  assert_int_equal(gw_decode_welcome(f.body, &welcome), 0);
  if (welcome.resume.len == sizeof offered)
    memcpy(offered, welcome.resume.data, sizeof offered);
  return p;
}

static void keep_token(void) {
  token_len = welcome.resume.len;
  assert_int_equal(token_len, GWS_RESUME_BYTES);
  memcpy(token, offered, token_len);
}

/** One that came, is subscribed to "a", and was lost. */
static void be_lost(const saying *s) {
  token_len = 0;
  peer *p = come(s);
  keep_token();
  peer_subscribe(p, 1, "a");
  (void)peer_subscribed(p);
  assert_false(welcome.resumed);
  peer_drop(p, 1006);
  hubs_settle(&node);
  connects = subscribes = 0;
}

static const saying plain = {.who = 1};

static void test_nobody_is_asked_again(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 2; worker++) {
    be_lost(&plain);
    const saying back = {.worker = worker, .who = 1};
    peer *p = come(&back);
    assert_true(welcome.resumed);
    assert_true(gw_view_eq(welcome.user, gw_view_of("user1")));
    assert_true(
        gw_view_eq(gws_identity_info(p->session), gw_view_of("{\"a\":1}")));
    assert_true(p->session->is_known);
    peer_subscribe(p, 1, "a");
    (void)peer_subscribed(p);
    assert_int_equal(connects, 0);
    assert_int_equal(subscribes, 0);
    peer_subscribe(p, 2, "b"); /* of which nobody was asked */
    (void)peer_subscribed(p);
    assert_int_equal(subscribes, 1);
    keep_token(); /* it may be lost again */
    peer_drop(p, 1006);
    hubs_settle(&node);
    p = come(&plain);
    assert_true(welcome.resumed);
    peer_subscribe(p, 1, "b");
    (void)peer_subscribed(p);
    assert_int_equal(subscribes, 1);
    peer_drop(p, 1006);
  }
  assert_int_equal(HUBS_STAT(&node, resumed_total), 4);
}

static void test_a_subscription_is_answered_for_once(void **state) {
  (void)state;
  be_lost(&plain);
  peer *p = come(&plain);
  peer_subscribe(p, 1, "a");
  (void)peer_subscribed(p);
  peer_send_empty(p, GW_FRAME_UNSUBSCRIBE, 1);
  peer_expect(p, GW_FRAME_UNSUBSCRIBED);
  peer_subscribe(p, 1, "a");
  (void)peer_subscribed(p);
  assert_int_equal(subscribes, 1);
}

static void test_it_is_of_use_once(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 2; worker++) {
    be_lost(&plain);
    const saying back = {.worker = worker, .who = 1};
    (void)come(&plain);
    assert_true(welcome.resumed);
    (void)come(&back);
    assert_false(welcome.resumed);
    assert_int_equal(connects, 1);
  }
  assert_int_equal(HUBS_STAT(&node, resume_unknown_total), 2);
}

/** The network of a client changed, and its server does not know yet. */
static void test_a_loss_need_not_be_noticed(void **state) {
  (void)state;
  (void)come(&plain);
  keep_token();
  for (uint32_t worker = 0; worker < 2; worker++) {
    const saying back = {.worker = 1 - worker, .who = 1};
    connects = 0;
    (void)come(&back);
    assert_int_equal(connects, worker); /* the second is a replay */
    assert_int_equal(welcome.resumed, worker == 0);
  }
}

static void test_only_for_who_shows_the_same(void **state) {
  (void)state;
  static const saying others[] = {{.who = 2, .user = "x", .text = "t"},
                                  {.who = 1, .user = "y", .text = "t"},
                                  {.who = 1, .user = "x", .text = "u"},
                                  {.who = 1, .user = "x"}};
  const saying same = {.who = 1, .user = "x", .text = "t"};
  for (unsigned i = 0; i < 4; i++) {
    be_lost(&same);
    peer *p = come(&others[i]);
    assert_false(welcome.resumed);
    assert_int_equal(connects, 1);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
    (void)come(&same); /* which another has not used up */
    assert_true(welcome.resumed);
  }
  for (size_t i = 0; i < GWS_RESUME_BYTES; i++) { /* nor by a guess */
    be_lost(&same);
    token[i] ^= 1;
    peer_drop(come(&same), 4000 + GW_CODE_CLOSED);
    assert_false(welcome.resumed);
  }
}

static void test_another_wish_is_asked_about(void **state) {
  (void)state;
  be_lost(&plain);
  peer *p = come(&plain);
  gw_subscribe m = {.channel = gw_view_of("a"), .meta = gw_view_of("{}")};
  peer_subscribe_with(p, 1, &m);
  (void)peer_subscribed(p);
  assert_int_equal(subscribes, 1);
}

static void test_time_ends_it(void **state) {
  (void)state;
  be_lost(&plain);
  hubs_pass(&node, node.settings.resume_ttl_ms + 100);
  assert_int_equal(HUBS_STAT(&node, resume_expired_total), 1);
  (void)come(&plain);
  assert_int_equal(connects, 1);
}

static void test_it_prolongs_nothing(void **state) {
  (void)state;
  connect_ttl_ms = 20000;
  subscribe_ttl_ms = 10000;
  be_lost(&plain);
  hubs_pass(&node, 4000);
  peer *p = come(&plain);
  assert_true(welcome.resumed);
  assert_true(welcome.token_ttl_ms <= 16000 && welcome.token_ttl_ms > 15000);
  peer_subscribe(p, 1, "a");
  uint64_t ttl = peer_subscribed(p).token_ttl_ms;
  assert_true(ttl <= 6000 && ttl > 5000);
  keep_token();
  peer_drop(p, 1006);
  hubs_pass(&node, 8000);
  p = come(&plain);
  assert_true(welcome.resumed);
  peer_subscribe(p, 1, "a"); /* whose time is over */
  (void)peer_subscribed(p);
  assert_int_equal(subscribes, 1);
  keep_token();
  peer_drop(p, 1006);
  hubs_pass(&node, 8500);
  (void)come(&plain);
  assert_false(welcome.resumed);
  assert_int_equal(HUBS_STAT(&node, resume_refused_total), 1);
}

static void test_what_is_taken_back_takes_it_along(void **state) {
  (void)state;
  static const struct {
    const char *method, *json;
  } acts[] = {{"revoke", "{\"user\":\"user1\"}"},
              {"disconnect", "{\"user\":\"user1\"}"},
              {"unsubscribe", "{\"user\":\"user1\",\"channel\":\"a\"}"}};
  for (unsigned i = 0; i < 3; i++) {
    for (uint32_t worker = 0; worker < 2; worker++) {
      be_lost(&plain);
      api_ask(&node, worker, acts[i].method, acts[i].json);
      const saying back = {.worker = worker, .who = 1};
      peer *p = come(&back);
      assert_false(welcome.resumed);
      assert_int_equal(connects, 1);
      peer_drop(p, 4000 + GW_CODE_CLOSED);
    }
  }
}

/** The record is on its way by mail when the user is revoked. */
static void test_a_revocation_overtakes_it(void **state) {
  (void)state;
  be_lost(&plain);
  node.holds_mail = true;
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  uint8_t instance[GW_INSTANCE_BYTES] = {2};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .features = GW_FEATURE_RESUME,
                .instance = {instance, sizeof instance},
                .resume = {token, token_len}};
  peer *p = peer_open(&node, 1);
  PEER_SEND(p, hello, &head, &m);
  peer_expect_nothing(p);
  assert_int_equal(hubs_deliver(&node, 1, 0, 9), 1);
  gws_revocation r = {.user = gw_view_of("user1"),
                      .issued_until_ms = 1700000000000u + node.now_ms};
  assert_int_equal(gws_revoke(node.hub[1], &r, NULL, NULL), GW_CODE_OK);
  assert_int_equal(connects, 0);
  node.holds_mail = false;
  hubs_settle(&node);
  while (hubs_deliver(&node, 0, 1, 9) != 0)
    ;
  (void)peer_await(p, GW_FRAME_WELCOME);
  assert_int_equal(connects, 1);
  assert_int_equal(HUBS_STAT(&node, resume_refused_total), 1);
}

static void test_an_end_on_purpose_leaves_none(void **state) {
  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    token_len = 0;
    peer *p = come(&plain);
    keep_token();
    if (i == 0) peer_drop(p, 4000 + GW_CODE_CLOSED); /* goodbye */
    if (i == 1) api_ask(&node, 0, "disconnect", "{\"user\":\"user1\"}");
    if (i == 2) gw_session_close(p->session, GW_CODE_SHUTDOWN, NULL, 0, 0);
    if (i != 0) peer_drop(p, 1006);
    hubs_settle(&node);
    connects = 0;
    peer_drop(come(&plain), 4000 + GW_CODE_CLOSED);
    assert_int_equal(connects, 1);
  }
}

/** What the server gave by itself may be taken back by itself. */
static void test_none_with_channels_of_the_servers(void **state) {
  (void)state;
  peer *p = come(&plain);
  keep_token();
  api_ask(&node, 0, "subscribe", "{\"user\":\"user1\",\"channel\":\"b\"}");
  peer_drop(p, 1006);
  (void)come(&plain);
  assert_false(welcome.resumed);
}

static void test_a_renewed_token_counts(void **state) {
  (void)state;
  const saying first = {.who = 1, .text = "t"};
  const saying second = {.who = 1, .text = "u"};
  peer *p = come(&first);
  keep_token();
  gw_head head = {.type = GW_FRAME_REFRESH, .request = 9};
  gw_refresh m = {.token = gw_view_of("u")};
  PEER_SEND(p, refresh, &head, &m);
  peer_await(p, GW_FRAME_REFRESHED);
  peer_drop(p, 1006);
  connects = 0;
  (void)come(&second);
  assert_true(welcome.resumed);
  assert_int_equal(connects, 0);
}

static void test_the_oldest_is_forgotten(void **state) {
  (void)state;
  node.settings.resume_max = 2;
  be_lost(&plain);
  uint8_t oldest[GWS_RESUME_BYTES];
  memcpy(oldest, token, sizeof oldest);
  for (uint8_t who = 2; who < 4; who++)
    be_lost(&(saying){.who = who});
  assert_int_equal(node.hub[0]->records.num, 2);
  (void)come(&(saying){.who = 3});
  assert_true(welcome.resumed);
  memcpy(token, oldest, sizeof oldest);
  (void)come(&plain);
  assert_false(welcome.resumed);
}

static void test_off(void **state) {
  (void)state;
  const saying quiet = {.who = 1, .does_not_ask = true};
  (void)come(&quiet);
  assert_int_equal(welcome.resume.len, 0);
  assert_int_equal(welcome.features & GW_FEATURE_RESUME, 0);
  node.settings.resume_ttl_ms = 0;
  (void)come(&plain);
  assert_int_equal(welcome.resume.len, 0);
  assert_int_equal(welcome.features & GW_FEATURE_RESUME, 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
  const struct CMUnitTest tests[] = {
      CASE(test_nobody_is_asked_again),
      CASE(test_a_subscription_is_answered_for_once),
      CASE(test_it_is_of_use_once),
      CASE(test_a_loss_need_not_be_noticed),
      CASE(test_only_for_who_shows_the_same),
      CASE(test_another_wish_is_asked_about),
      CASE(test_time_ends_it),
      CASE(test_it_prolongs_nothing),
      CASE(test_what_is_taken_back_takes_it_along),
      CASE(test_a_revocation_overtakes_it),
      CASE(test_an_end_on_purpose_leaves_none),
      CASE(test_none_with_channels_of_the_servers),
      CASE(test_a_renewed_token_counts),
      CASE(test_the_oldest_is_forgotten),
      CASE(test_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
