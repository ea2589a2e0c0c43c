/* SPDX-License-Identifier: MIT */
/* resume_test.c - who comes back with its token is not asked about again, and is
 * what it was then: no more, and only once. */
#include <stdio.h>

#include "server/core/mail.h"
#include "server/core/resume.h"
#include "server/core/session.h"
#include "support/api_rig.h"

static hubs node;
static unsigned connects, subscribes;
static uint64_t connect_ttl_ms, subscribe_ttl_ms;
static gw_view given[2]; /* channels, by whoever is asked about a connection */
static size_t num_given;
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
    v->channels = given;
    v->num_channels = num_given;
  }
  if (q->kind == GW_ASK_REFRESH) {
    v->token_id = 78;
    v->channels = given;
    v->num_channels = num_given;
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
  num_given = 0;
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

static unsigned num_replies;
static uint32_t reply_code;

static void on_reply(void *arg, uint32_t code, gw_view message,
                     const gw_rpc_result *result) {
  (void)arg;
  (void)message;
  (void)result;
  num_replies++;
  reply_code = code;
}

static void call(uint32_t worker, uint64_t client) {
  gw_rpc m = {.method = gw_view_of("ask"), .timeout_ms = 1000};
  num_replies = 0;
  assert_int_equal(gw_hub_call(node.hub[worker], client, &m, on_reply, NULL),
                   0);
  hubs_settle(&node);
}

/** Whoever calls it does not wait for the connection that is dead. */
static void test_who_moved_can_be_called(void **state) {
  (void)state;
  const saying there = {.worker = 1, .who = 1};
  peer *old = come(&plain);
  uint64_t client = welcome.client;
  keep_token();
  call(0, client); /* is under way when it moves */
  (void)peer_await(old, GW_FRAME_RPC);
  assert_int_equal(num_replies, 0);
  peer *p = come(&there);
  assert_true(welcome.resumed);
  assert_int_equal(num_replies, 1);
  assert_int_equal(reply_code, GW_CODE_PEER_GONE);
  for (uint32_t worker = 0; worker < 2; worker++) {
    call(worker, client);
    gw_frame f = peer_await(p, GW_FRAME_RPC);
    gw_head head = {.type = GW_FRAME_RPC_RESULT, .request = f.head.request};
    gw_rpc_result result = {.data = {NULL, 0}};
    PEER_SEND(p, rpc_result, &head, &result);
    hubs_settle(&node);
    assert_int_equal(num_replies, 1);
    assert_int_equal(reply_code, GW_CODE_OK);
  }
  assert_int_equal(HUBS_STAT(&node, sessions), 1);
  /* It is one that was lost and is back. */
  assert_int_equal(HUBS_STAT(&node, connections_connected), 1);
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
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

/** Let a client come to worker 1 whose record has left worker 0 and is on its way
 * by mail. */
static peer *be_on_the_way(void) {
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
  return p;
}

static void let_it_arrive(void) {
  node.holds_mail = false;
  hubs_settle(&node);
  while (hubs_deliver(&node, 0, 1, 9) != 0)
    ;
}

static void test_a_revocation_overtakes_it(void **state) {
  (void)state;
  peer *p = be_on_the_way();
  gws_revocation r = {.user = gw_view_of("user1"),
                      .issued_until_ms = 1700000000000u + node.now_ms};
  assert_int_equal(gws_revoke(node.hub[1], &r, NULL, NULL), GW_CODE_OK);
  assert_int_equal(connects, 0);
  let_it_arrive();
  /* It is asked about, and rests on no newer token. */
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
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

/** It is at worker 1, where the API is asked; worker 0 has no record any more. Who
 * is disconnected has come already, unless it is by the connection that is lost. */
static void test_what_the_application_does_overtakes_it(void **state) {
  (void)state;
  static const char *const about[] = {"\"user\":\"user1\"",
                                      "\"client\":", "\"connection\":"};
  static const char *const methods[] = {"subscribe", "unsubscribe",
                                        "disconnect"};
  for (unsigned i = 0; i < 9; i++) {
    char json[128];
    peer *p = be_on_the_way();
    const gw_mail *m = node.mail[0][1];
    uint64_t id = i % 3 == 1 ? m->past->client : m->past->connection;
    int len = snprintf(json, sizeof json, "{%s", about[i % 3]);
    if (i % 3 != 0)
      len += snprintf(json + len, sizeof json - (size_t)len, "\"%llu\"",
                      (unsigned long long)id);
    (void)snprintf(json + len, sizeof json - (size_t)len, "%s}",
                   i / 3 != 2 ? ",\"channel\":\"a\"" : "");
    api_begin(&node, 1, methods[i / 3], json);
    let_it_arrive();
    if (i == 6 || i == 7)
      assert_int_equal(peer_close_code(p), GW_CODE_FORCED);
    else
      (void)peer_await(p, GW_FRAME_WELCOME);
    assert_int_equal(connects, 1);
    assert_int_equal(HUBS_STAT(&node, resume_refused_total), i + 1);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
    hubs_pass(&node, GWS_RESUME_ACT_MS + 100);
  }
  (void)be_on_the_way(); /* of another time */
  let_it_arrive();
  assert_int_equal(connects, 0);
}

/* ---- what the server gave ---------------------------------------------------- */

/** A new connection is told of a channel by the server: where it stands. */
static gw_server_subscribed told_of(peer *p, const char *channel,
                                    uint32_t *number) {
  gw_server_subscribed m;
  gw_frame f = peer_await(p, GW_FRAME_SERVER_SUBSCRIBED);
  assert_int_equal(gw_decode_server_subscribed(f.body, &m), 0);
  assert_true(gw_view_eq(m.channel, gw_view_of(channel)));
  *number = f.head.channel;
  return m;
}

static void give(const char *channel) {
  char json[64];
  (void)snprintf(json, sizeof json, "{\"user\":\"user1\",\"channel\":\"%s\"}",
                 channel);
  api_ask(&node, 1, "subscribe", json);
}

static void publish(const char *channel) {
  char json[64];
  (void)snprintf(json, sizeof json, "{\"channel\":\"%s\",\"json\":1}", channel);
  api_ask(&node, 0, "publish", json);
  assert_int_equal(api_told.code, GW_CODE_OK);
  hubs_settle(&node);
}

/** One with channels "b", when it came, and "c", later. */
static peer *be_given(gw_server_subscribed *b, gw_server_subscribed *c) {
  uint32_t number;
  token_len = 0;
  given[0] = gw_view_of("b");
  num_given = 1;
  peer *p = come(&plain);
  keep_token();
  *b = told_of(p, "b", &number);
  give("c");
  *c = told_of(p, "c", &number);
  return p;
}

/** It is told of both again, in any order. */
static void expect_both(peer *p, uint64_t b, uint64_t c) {
  bool is_told[2] = {false, false};
  for (int i = 0; i < 2; i++) {
    gw_server_subscribed m;
    gw_frame f = peer_await(p, GW_FRAME_SERVER_SUBSCRIBED);
    assert_int_equal(gw_decode_server_subscribed(f.body, &m), 0);
    bool is_c = gw_view_eq(m.channel, gw_view_of("c"));
    is_told[is_c] = true;
    assert_int_equal(m.offset, is_c ? c : b);
  }
  assert_true(is_told[0] && is_told[1]);
}

/** It goes on from where it was, with what it missed, once. */
static void go_on(peer *p, uint32_t alias, const char *channel,
                  const gw_server_subscribed *at) {
  gw_subscribe m = {.channel = gw_view_of(channel),
                    .recover = true,
                    .epoch = at->epoch,
                    .offset = at->offset,
                    .by_server = true};
  peer_subscribe_with(p, alias, &m);
  assert_int_equal(peer_subscribed(p).result, GW_RECOVERY_RECOVERED);
  gw_publication missed = peer_publication(p);
  assert_int_equal(missed.offset, at->offset + 1);
  (void)peer_await(p, GW_FRAME_RECOVERY);
  peer_expect_nothing(p);
}

static void test_what_the_server_gave_is_given_again(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 2; worker++) {
    gw_server_subscribed b, c;
    const saying back = {.worker = worker, .who = 1};
    peer_drop(be_given(&b, &c), 1006);
    hubs_pass(&node, GWS_RESUME_ACT_MS + 100); /* since the API gave "c" */
    publish("b");
    publish("c");
    connects = subscribes = 0;
    peer *p = come(&back);
    assert_true(welcome.resumed);
    expect_both(p, b.offset + 1, c.offset + 1);
    go_on(p, 1, "b", &b);
    go_on(p, 2, "c", &c);
    assert_int_equal(connects + subscribes, 0);
    /* And lasts, until it is taken back. */
    keep_token();
    peer_drop(p, 1006);
    p = come(&plain);
    assert_true(welcome.resumed);
    api_ask(&node, 0, "unsubscribe", "{\"user\":\"user1\",\"channel\":\"c\"}");
    peer_forget(p);
    gw_subscribe m = {.channel = gw_view_of("c"), .by_server = true};
    assert_int_equal(peer_error(p, peer_subscribe_with(p, 1, &m)),
                     GW_CODE_SUBSCRIPTION_WITHDRAWN);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
    hubs_pass(&node, GWS_RESUME_ACT_MS + 100);
  }
}

static void test_what_is_taken_back_meanwhile_is_not_given(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 2; worker++) {
    gw_server_subscribed b, c;
    uint32_t number;
    const saying back = {.worker = worker, .who = 1};
    peer_drop(be_given(&b, &c), 1006);
    hubs_settle(&node);
    api_ask(&node, worker, "unsubscribe",
            "{\"user\":\"user1\",\"channel\":\"c\"}");
    peer *p = come(&back);
    assert_false(welcome.resumed);
    (void)told_of(p, "b", &number); /* as it was asked about again */
    peer_expect_nothing(p);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
    hubs_pass(&node, GWS_RESUME_ACT_MS + 100);
  }
}

/** Nobody would tell the client of it: it is given to those who are there, and
 * the others are asked about. */
static void test_what_is_given_meanwhile_is_not_missed(void **state) {
  (void)state;
  uint32_t number;
  for (uint32_t worker = 0; worker < 2; worker++) {
    const saying back = {.worker = worker, .who = 1};
    num_given = 0;
    be_lost(&plain);
    give("b");
    given[0] = gw_view_of("b"); /* as the application remembers */
    num_given = 1;
    peer *p = come(&back);
    assert_false(welcome.resumed);
    (void)told_of(p, "b", &number);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
    hubs_pass(&node, GWS_RESUME_ACT_MS + 100);
  }
}

static void test_a_grant_that_is_not_in_use_is_asked_about(void **state) {
  (void)state;
  gw_server_subscribed b, c;
  uint32_t number;
  peer *p = be_given(&b, &c);
  gw_head head = {.type = GW_FRAME_UNSUBSCRIBE, .request = 50};
  give("d");
  (void)told_of(p, "d", &head.channel);
  uint8_t bytes[32];
  gw_out out = {bytes, 0, sizeof bytes};
  assert_int_equal(gw_frame_put(&out, &head, (gw_view){NULL, 0}), 0);
  (void)peer_feed(p, out.data, out.len);
  peer_await(p, GW_FRAME_UNSUBSCRIBED);
  peer_drop(p, 1006);
  p = come(&plain);
  assert_false(welcome.resumed);
  (void)told_of(p, "b", &number);
}

static void refresh(peer *p) {
  gw_head head = {.type = GW_FRAME_REFRESH, .request = 9};
  gw_refresh m = {.token = gw_view_of("u")};
  PEER_SEND(p, refresh, &head, &m);
  peer_await(p, GW_FRAME_REFRESHED);
}

static void test_a_token_with_other_channels_counts(void **state) {
  (void)state;
  const saying first = {.who = 1, .text = "t"};
  const saying second = {.who = 1, .text = "u"};
  static const char *const names[] = {"b", "c"};
  for (size_t then = 0; then <= 2; then++) {
    token_len = 0;
    given[0] = gw_view_of(names[0]);
    given[1] = gw_view_of(names[1]);
    num_given = 1;
    peer *p = come(&first);
    keep_token();
    num_given = then;
    refresh(p);
    peer_drop(p, 1006);
    p = come(&second);
    assert_int_equal(welcome.resumed, then == 1);
    for (size_t i = 0; i < then; i++) {
      uint32_t number;
      (void)told_of(p, names[i], &number);
    }
    peer_expect_nothing(p);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
  }
}

/** It came back, and has not subscribed yet. */
static void test_an_answer_that_is_kept_can_be_taken_back(void **state) {
  (void)state;
  be_lost(&plain);
  peer *p = come(&plain);
  assert_true(welcome.resumed);
  api_ask(&node, 0, "unsubscribe", "{\"user\":\"user1\",\"channel\":\"a\"}");
  peer_subscribe(p, 1, "a");
  (void)peer_subscribed(p);
  assert_int_equal(subscribes, 1);
}

static void test_a_renewed_token_counts(void **state) {
  (void)state;
  const saying first = {.who = 1, .text = "t"};
  const saying second = {.who = 1, .text = "u"};
  peer *p = come(&first);
  keep_token();
  refresh(p);
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
      CASE(test_who_moved_can_be_called),
      CASE(test_only_for_who_shows_the_same),
      CASE(test_another_wish_is_asked_about),
      CASE(test_time_ends_it),
      CASE(test_it_prolongs_nothing),
      CASE(test_what_is_taken_back_takes_it_along),
      CASE(test_a_revocation_overtakes_it),
      CASE(test_an_end_on_purpose_leaves_none),
      CASE(test_what_the_application_does_overtakes_it),
      CASE(test_what_the_server_gave_is_given_again),
      CASE(test_what_is_taken_back_meanwhile_is_not_given),
      CASE(test_what_is_given_meanwhile_is_not_missed),
      CASE(test_a_grant_that_is_not_in_use_is_asked_about),
      CASE(test_a_token_with_other_channels_counts),
      CASE(test_an_answer_that_is_kept_can_be_taken_back),
      CASE(test_a_renewed_token_counts),
      CASE(test_the_oldest_is_forgotten),
      CASE(test_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
