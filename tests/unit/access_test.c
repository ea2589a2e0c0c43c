/* SPDX-License-Identifier: MIT */
/* access_test.c - who may do what: rules, questions, the order of what waits
 * for an answer, and tokens that run out. */
#include "support/hub_rig.h"

static hubs node;

static int start(uint32_t num, bool asks) {
  hubs_init(&node, num);
  node.asks = asks;
  return 0;
}

static int start_asking(void **state) {
  (void)state;
  return start(1, true);
}

static int start_plain(void **state) {
  (void)state;
  return start(1, false);
}

static int start_two(void **state) {
  (void)state;
  return start(2, true);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void allow(enum gw_action action, uint32_t who) {
  node.spaces[1].allow[action].who = who;
}

static bool grant(const gw_question *q, gw_verdict *v) {
  v->user = q->user;
  return true;
}

static bool deny(const gw_question *q, gw_verdict *v) {
  (void)q;
  v->code = GW_CODE_TOKEN_EXPIRED;
  v->message = gw_view_of("too old");
  return true;
}

/** Lets everybody in, and leaves other questions open. */
static bool grant_connect(const gw_question *q, gw_verdict *v) {
  return q->kind == GW_ASK_CONNECT && grant(q, v);
}

static void decide(const gw_verdict *v) {
  gw_hub_decide(node.hub[0], node.asked.session, node.asked.ticket, v);
  hubs_settle(&node);
}

static void decide_code(uint32_t code) {
  decide(&(gw_verdict){.code = code});
}

/** The next publication, behind answers that overtook it. */
static gw_publication next_publication(peer *p) {
  gw_publication m;
  gw_frame f = peer_await(p, GW_FRAME_PUBLICATION);
  assert_int_equal(gw_decode_publication(f.body, &m), 0);
  return m;
}

/* ---- who is it ------------------------------------------------------------ */

static void test_a_hello_waits_with_all_behind_it(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  peer_subscribe(p, 1, "room:a");
  uint32_t request = peer_send_empty(p, GW_FRAME_PING, 0);
  (void)request;
  peer_expect_nothing(p);
  assert_int_equal(HUBS_STAT(&node, frames_held), 3);
  decide(&(gw_verdict){.user = gw_view_of("ada"), .ttl_ms = 60000});
  gw_welcome m;
  gw_frame f = peer_expect(p, GW_FRAME_WELCOME);
  assert_int_equal(gw_decode_welcome(f.body, &m), 0);
  assert_true(gw_view_eq(m.user, gw_view_of("ada")));
  assert_int_equal(m.token_ttl_ms, 60000);
  (void)peer_await(p, GW_FRAME_SUBSCRIBED);
  assert_int_equal(HUBS_STAT(&node, frames_held), 0);
}

static void test_a_hello_that_is_refused_is_told_why(void **state) {
  (void)state;
  node.ask = deny;
  hubs_start(&node);
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_EXPIRED);
  assert_int_equal(HUBS_STAT(&node, refused_total), 1);
}

static void test_an_answer_that_never_comes_ends_the_handshake(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  hubs_pass(&node, GW_HANDSHAKE_TIMEOUT_MS + 1000);
  assert_int_equal(peer_close_code(p), GW_CODE_HANDSHAKE_TIMEOUT);
  decide_code(GW_CODE_OK); /* too late: nothing happens */
  assert_int_equal(HUBS_STAT(&node, sessions), 0);
  assert_int_equal(HUBS_STAT(&node, frames_held), 0);
}

static void test_a_second_hello_while_the_first_waits(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  peer_hello(p, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_PROTOCOL);
}

static void test_what_waits_is_bounded(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 2048;
  hubs_start(&node);
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  for (unsigned i = 1; i < 200 && !p->is_closing; i++)
    peer_subscribe(p, i, "room:a");
  assert_int_equal(peer_close_code(p), GW_CODE_OVERLOADED);
}

static void test_a_token_that_runs_out_ends_the_connection(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  decide(&(gw_verdict){.user = gw_view_of("ada"), .ttl_ms = 5000});
  peer_forget(p);
  hubs_pass(&node, 4000);
  assert_false(p->is_closing);
  hubs_pass(&node, 1100);
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_EXPIRED);
}

static uint32_t send_refresh(peer *p, uint32_t alias, const char *token) {
  gw_refresh m = {.token = gw_view_of(token)};
  gw_head head = {.type = GW_FRAME_REFRESH,
                  .request = ++p->last_request,
                  .channel = alias,
                  .flags = alias != 0 ? GW_FLAG_ALIAS : 0};
  PEER_SEND(p, refresh, &head, &m);
  return head.request;
}

static void test_a_new_token_prolongs_the_connection(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  decide(&(gw_verdict){.user = gw_view_of("ada"), .ttl_ms = 5000});
  peer_forget(p);
  uint32_t other = send_refresh(p, 0, "of somebody else");
  decide(&(gw_verdict){.user = gw_view_of("eve"), .ttl_ms = 5000});
  assert_int_equal(peer_error(p, other), GW_CODE_PERMISSION_DENIED);
  uint32_t bad = send_refresh(p, 0, "bad");
  decide_code(GW_CODE_TOKEN_INVALID);
  assert_int_equal(peer_error(p, bad), GW_CODE_TOKEN_INVALID);
  (void)send_refresh(p, 0, "good");
  decide(&(gw_verdict){.user = gw_view_of("ada"), .ttl_ms = 20000});
  gw_refreshed m;
  gw_frame f = peer_expect(p, GW_FRAME_REFRESHED);
  assert_int_equal(gw_decode_refreshed(f.body, &m), 0);
  assert_int_equal(m.token_ttl_ms, 20000);
  hubs_pass(&node, 15000);
  assert_false(p->is_closing);
}

/** Who was asked has forgotten; what waits behind does not wait for ever. */
static void test_a_late_answer_is_a_time_out(void **state) {
  (void)state;
  node.ask = grant_connect;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_HOOK);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  uint32_t first = peer_subscribe(p, 1, "room:a");
  (void)peer_publish(p, "room:a", "x", 0, 0);
  hubs_pass(&node, 15000);
  peer_forget(p);
  hubs_pass(&node, 6000);
  assert_int_equal(peer_error(p, first), GW_CODE_TIMEOUT);
  (void)peer_await(p, GW_FRAME_PUBLISHED);
  assert_int_equal(HUBS_STAT(&node, frames_held), 0);
  decide_code(GW_CODE_OK); /* too late: nothing happens */
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

static bool claim_connect(const gw_question *q, gw_verdict *v) {
  v->is_only_claimed = true;
  return grant_connect(q, v);
}

static void test_a_claimed_name_is_nobodys(void **state) {
  (void)state;
  node.ask = claim_connect;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_USER);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "room:a")),
                   GW_CODE_PERMISSION_DENIED);
}

static void test_a_publication_may_be_replaced(void **state) {
  (void)state;
  node.ask = grant_connect;
  allow(GW_ACTION_PUBLISH, GW_WHO_HOOK);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
  (void)peer_publish(p, "room:a", "loud", 1, 0);
  decide(&(gw_verdict){.replaces = true, .json = gw_view_of("\"quiet\"")});
  gw_publication m = next_publication(p);
  assert_int_equal(m.data.len, 0);
  assert_true(gw_view_eq(m.json, gw_view_of("\"quiet\"")));
}

/* ---- rules --------------------------------------------------------------- */

static void test_nobody_is_nobody(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, 0);
  allow(GW_ACTION_PUBLISH, 0);
  allow(GW_ACTION_PRESENCE, 0);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "room:a")),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(peer_error(p, peer_publish(p, "room:a", "x", 1, 0)),
                   GW_CODE_PERMISSION_DENIED);
  gw_presence_get get = {.channel = gw_view_of("room:a")};
  gw_head head = {.type = GW_FRAME_PRESENCE_GET, .request = 77};
  PEER_SEND(p, presence_get, &head, &get);
  assert_int_equal(peer_error(p, 77), GW_CODE_PERMISSION_DENIED);
}

static void test_user_means_known_to_an_authenticator(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_USER);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1); /* has a name, but only claims it */
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "room:a")),
                   GW_CODE_PERMISSION_DENIED);
}

static void test_a_known_user_gets_in(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_USER);
  node.ask = grant_connect;
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
}

static void test_subscribers_publish(void **state) {
  (void)state;
  allow(GW_ACTION_PUBLISH, GW_WHO_SUBSCRIBER);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(peer_error(p, peer_publish(p, "room:a", "x", 1, 0)),
                   GW_CODE_PERMISSION_DENIED);
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
  (void)peer_publish(p, "room:a", "x", 2, 0);
  (void)next_publication(p);
}

static void test_without_the_right_to_history_a_gap_is_told(void **state) {
  (void)state;
  allow(GW_ACTION_HISTORY, 0);
  hubs_start(&node);
  peer *p = peer_join(&node, 0, 1);
  for (unsigned i = 1; i <= 3; i++) {
    (void)peer_publish(p, "room:a", "x", i, 0);
    (void)peer_published(p);
  }
  gw_subscribe m = {.channel = gw_view_of("room:a"), .recover = true};
  peer_subscribe_with(p, 1, &m);
  gw_subscribed s = peer_subscribed(p);
  assert_int_equal(s.result, GW_RECOVERY_GAP);
  assert_int_equal(s.gap, GW_GAP_PERMISSION_LOST);
  assert_int_equal(s.gap_from, 1);
  assert_int_equal(s.gap_to, 3);
  assert_int_equal(s.offset, 3);
  assert_true(s.live);
}

/* ---- questions about channels --------------------------------------------- */

static peer *join_asking(void) {
  node.ask = grant_connect;
  hubs_start(&node);
  return peer_join(&node, 0, 1);
}

static void test_a_hook_decides_about_a_subscription(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_HOOK);
  peer *p = join_asking();
  uint32_t request = peer_subscribe(p, 1, "room:a");
  peer_expect_nothing(p);
  assert_int_equal(node.asked.kind, GW_ASK_SUBSCRIBE);
  decide(&(gw_verdict){.code = GW_CODE_PERMISSION_DENIED,
                       .message = gw_view_of("not you")});
  gw_error m;
  gw_frame f = peer_expect(p, GW_FRAME_ERROR);
  assert_int_equal(f.head.request, request);
  assert_int_equal(gw_decode_error(f.body, &m), 0);
  assert_true(gw_view_eq(m.message, gw_view_of("not you")));
  peer_subscribe(p, 1, "room:a");
  decide_code(GW_CODE_OK);
  (void)peer_subscribed(p);
}

static void test_what_is_behind_in_the_channel_waits(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_HOOK);
  peer *p = join_asking();
  gw_publish m = {.data = gw_view_of("x"), .key = 1};
  gw_head by_alias = {.type = GW_FRAME_PUBLISH,
                      .flags = GW_FLAG_ALIAS,
                      .request = 50,
                      .channel = 1};
  peer_subscribe(p, 1, "room:a");
  uint64_t ticket = node.asked.ticket;
  PEER_SEND(p, publish, &by_alias, &m);
  (void)peer_publish(p, "room:a", "y", 2, 1);
  (void)peer_publish(p, "room:b", "z", 3, 0); /* another channel */
  (void)peer_published(p);
  peer_expect_nothing(p);
  node.asked.ticket = ticket;
  decide_code(GW_CODE_OK);
  (void)peer_await(p, GW_FRAME_SUBSCRIBED);
  assert_int_equal(next_publication(p).key, 1);
  assert_int_equal(next_publication(p).key, 2);
  assert_int_equal(HUBS_STAT(&node, frames_held), 0);
}

static void test_publications_keep_their_order(void **state) {
  (void)state;
  allow(GW_ACTION_PUBLISH, GW_WHO_HOOK);
  peer *p = join_asking();
  peer_subscribe(p, 1, "room:a");
  (void)peer_subscribed(p);
  for (unsigned i = 1; i <= 3; i++)
    (void)peer_publish(p, "room:a", "x", i, i - 1);
  assert_int_equal(node.num_asked, 2); /* Hello, and the first */
  for (unsigned i = 1; i <= 3; i++) {
    decide_code(GW_CODE_OK);
    assert_int_equal(next_publication(p).key, i);
  }
}

static void test_a_question_is_forgotten_with_its_session(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_HOOK);
  peer *p = join_asking();
  peer_subscribe(p, 1, "room:a");
  peer_subscribe(p, 1, "room:a");
  peer_drop(p, 1006);
  decide_code(GW_CODE_OK);
  assert_int_equal(HUBS_STAT(&node, frames_held), 0);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

/* ---- tokens for a channel -------------------------------------------------- */

static uint32_t subscribe_with_token(peer *p, const char *token) {
  gw_subscribe m = {.channel = gw_view_of("room:a"),
                    .token = gw_view_of(token)};
  return peer_subscribe_with(p, 1, &m);
}

static void test_a_channel_wants_a_token(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_TOKEN);
  allow(GW_ACTION_PUBLISH, GW_WHO_TOKEN);
  peer *p = join_asking();
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "room:a")),
                   GW_CODE_TOKEN_INVALID);
  (void)subscribe_with_token(p, "t");
  decide(&(gw_verdict){.by_token = true, .ttl_ms = 5000});
  (void)peer_subscribed(p);
  (void)peer_publish(p, "room:a", "x", 1, 0);
  (void)next_publication(p);
  peer_forget(p);
  hubs_pass(&node, 5100);
  gw_unsubscribed m;
  gw_frame f = peer_await(p, GW_FRAME_UNSUBSCRIBED);
  assert_int_equal(gw_decode_unsubscribed(f.body, &m), 0);
  assert_int_equal(m.code, GW_CODE_TOKEN_EXPIRED);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

static void test_a_token_that_nobody_looked_at_opens_nothing(void **state) {
  (void)state;
  allow(GW_ACTION_PUBLISH, GW_WHO_TOKEN);
  peer *p = join_asking();
  (void)subscribe_with_token(p, "forged");
  assert_int_equal(node.asked.kind, GW_ASK_SUBSCRIBE);
  decide_code(GW_CODE_TOKEN_INVALID);
  (void)peer_await(p, GW_FRAME_ERROR);
  peer_subscribe(p, 1, "room:a"); /* anyone may */
  (void)peer_subscribed(p);
  assert_int_equal(peer_error(p, peer_publish(p, "room:a", "x", 1, 0)),
                   GW_CODE_PERMISSION_DENIED);
}

static void test_a_new_token_prolongs_the_subscription(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_TOKEN);
  peer *p = join_asking();
  (void)subscribe_with_token(p, "t");
  decide(&(gw_verdict){.by_token = true, .ttl_ms = 5000});
  (void)peer_subscribed(p);
  (void)send_refresh(p, 1, "t2");
  assert_int_equal(node.asked.kind, GW_ASK_SUBSCRIPTION_REFRESH);
  decide(&(gw_verdict){.ttl_ms = 60000});
  (void)peer_await(p, GW_FRAME_REFRESHED);
  hubs_pass(&node, 20000);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

static void test_a_lease_ends_while_the_channel_is_fetched(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_TOKEN);
  node.ask = grant_connect;
  node.holds_mail = true;
  hubs_start(&node);
  char name[32];
  peer *p = peer_join(&node, 0, 1);
  gw_subscribe m = {.channel = gw_view_of(hubs_channel(&node, 1, name)),
                    .token = gw_view_of("t")};
  uint32_t request = peer_subscribe_with(p, 1, &m);
  decide(&(gw_verdict){.by_token = true, .ttl_ms = 1000});
  hubs_pass(&node, 1100);
  assert_int_equal(peer_error(p, request), GW_CODE_TOKEN_EXPIRED);
}

int main(void) {
#define TEST(name, how) cmocka_unit_test_setup_teardown(test_##name, how, stop)
  const struct CMUnitTest tests[] = {
      TEST(a_hello_waits_with_all_behind_it, start_asking),
      TEST(a_hello_that_is_refused_is_told_why, start_asking),
      TEST(an_answer_that_never_comes_ends_the_handshake, start_asking),
      TEST(a_second_hello_while_the_first_waits, start_asking),
      TEST(what_waits_is_bounded, start_asking),
      TEST(a_token_that_runs_out_ends_the_connection, start_asking),
      TEST(a_new_token_prolongs_the_connection, start_asking),
      TEST(a_late_answer_is_a_time_out, start_asking),
      TEST(a_claimed_name_is_nobodys, start_asking),
      TEST(a_publication_may_be_replaced, start_asking),
      TEST(nobody_is_nobody, start_plain),
      TEST(user_means_known_to_an_authenticator, start_plain),
      TEST(a_known_user_gets_in, start_asking),
      TEST(subscribers_publish, start_plain),
      TEST(without_the_right_to_history_a_gap_is_told, start_plain),
      TEST(a_hook_decides_about_a_subscription, start_asking),
      TEST(what_is_behind_in_the_channel_waits, start_asking),
      TEST(publications_keep_their_order, start_asking),
      TEST(a_question_is_forgotten_with_its_session, start_asking),
      TEST(a_channel_wants_a_token, start_asking),
      TEST(a_token_that_nobody_looked_at_opens_nothing, start_asking),
      TEST(a_new_token_prolongs_the_subscription, start_asking),
      TEST(a_lease_ends_while_the_channel_is_fetched, start_two),
  };
#undef TEST
  return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
