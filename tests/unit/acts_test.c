/* SPDX-License-Identifier: MIT */
/* acts_test.c - what the application does to somebody does not miss who is asked
 * about in that very moment. */
#include <stdio.h>

#include "server/core/grants.h"
#include "support/api_rig.h"

static hubs node;

/** Each question stays open until the test answers it. */
static int start(void **state) {
  (void)state;
  hubs_init(&node, 2);
  node.asks = true;
  node.spaces[1].allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_HOOK;
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void decide(const peer *p, const gw_verdict *v) {
  gw_hub_decide(node.hub[p->worker], node.asked.session, node.asked.ticket, v);
  hubs_settle(&node);
}

static void let_in(const peer *p, const char *user) {
  decide(p, &(gw_verdict){.user = gw_view_of(user)});
}

/** One that is asked about. */
static peer *come(uint32_t worker, unsigned who) {
  peer *p = peer_open(&node, worker);
  peer_hello(p, who);
  peer_expect_nothing(p);
  return p;
}

static peer *join(uint32_t worker, unsigned who, const char *user) {
  peer *p = come(worker, who);
  let_in(p, user);
  (void)peer_await(p, GW_FRAME_WELCOME);
  return p;
}

static void expect_no_acts(void) {
  for (uint32_t w = 0; w < node.num; w++) {
    const gws_acts *acts = &node.hub[w]->acts;
    assert_null(acts->first);
    assert_null(acts->waits);
    assert_int_equal(acts->bytes, 0);
    assert_int_equal(acts->by_whom.num, 0);
  }
}

/** Turned away, without a Welcome. */
static void expect_closed(peer *p, uint32_t code, const char *reason,
                          uint32_t retry_after_ms) {
  gw_close m;
  gw_frame f = peer_expect(p, GW_FRAME_CLOSE);
  assert_int_equal(gw_decode_close(f.body, &m), 0);
  assert_int_equal(m.code, code);
  assert_int_equal(m.retry_after_ms, retry_after_ms);
  if (reason != NULL) assert_true(gw_view_eq(m.reason, gw_view_of(reason)));
  assert_int_equal(HUBS_STAT(&node, sessions), 0);
}

/* ---- the whole connection --------------------------------------------------- */

static void test_who_is_disconnected_is_not_let_in(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 2; worker++) {
    peer *p = come(worker, 1);
    api_ask(&node, 0, "disconnect",
            "{\"user\":\"ada\",\"code\":901,\"reason\":\"banned\"}");
    assert_string_equal(api_told.json, "{}"); /* nobody can say yet */
    let_in(p, "ada");
    expect_closed(p, 901, "banned", 0);
    peer_drop(p, 1006);
    expect_no_acts();
  }
  assert_int_equal(HUBS_STAT(&node, refused_total), 2);
}

static void test_it_is_told_when_it_may_come_back(void **state) {
  (void)state;
  peer *p = come(1, 1);
  api_ask(&node, 0, "disconnect",
          "{\"user\":\"ada\",\"code\":201,\"retryAfterMs\":7000}");
  let_in(p, "ada");
  expect_closed(p, 201, NULL, 7000);
}

static void test_a_client_is_met_whoever_it_is(void **state) {
  (void)state;
  char json[96];
  uint64_t client = join(0, 1, "ada")->client;
  peer *p = come(0, 1);
  peer *other = NULL;
  client = node.asked.client;
  (void)snprintf(json, sizeof json, "{\"client\":\"%llu\"}",
                 (unsigned long long)client);
  api_ask(&node, 1, "disconnect", json);
  assert_string_equal(api_told.json, "{\"connections\":1}"); /* that is open */
  let_in(p, "bob");
  expect_closed(p, GW_CODE_FORCED, NULL, 0);
  other = join(0, 2, "bob");
  peer_expect_nothing(other);
  /* Both have to fit, where both are named. */
  p = come(0, 1);
  (void)snprintf(json, sizeof json, "{\"client\":\"%llu\",\"user\":\"eve\"}",
                 (unsigned long long)client);
  api_ask(&node, 1, "disconnect", json);
  let_in(p, "ada");
  (void)peer_expect(p, GW_FRAME_WELCOME);
}

static void test_nobody_else_is_met(void **state) {
  (void)state;
  peer *before = join(0, 3, "eve");
  char json[64];
  (void)snprintf(json, sizeof json, "{\"connection\":\"%llu\"}",
                 (unsigned long long)before->session->connection);
  peer *p = come(0, 1);
  api_ask(&node, 0, "disconnect", "{\"user\":\"bob\"}");
  api_ask(&node, 0, "disconnect", json);
  let_in(p, "ada");
  (void)peer_expect(p, GW_FRAME_WELCOME);
  expect_no_acts();
  /* Nor who comes later, and is asked about later. */
  peer *early = come(0, 1);
  uint64_t session = node.asked.session, ticket = node.asked.ticket;
  api_ask(&node, 0, "disconnect", "{\"user\":\"bob\"}");
  peer *late = come(0, 2);
  let_in(late, "bob");
  (void)peer_expect(late, GW_FRAME_WELCOME);
  assert_non_null(node.hub[0]->acts.first); /* for the other */
  node.asked.session = session;
  node.asked.ticket = ticket;
  let_in(early, "bob");
  assert_int_equal(peer_close_code(early), GW_CODE_FORCED);
  expect_no_acts();
}

static void test_who_is_refused_or_lost_leaves_nothing(void **state) {
  (void)state;
  peer *p = come(0, 1);
  api_ask(&node, 0, "disconnect", "{\"user\":\"ada\"}");
  decide(p, &(gw_verdict){.code = GW_CODE_TOKEN_INVALID});
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_INVALID);
  peer_drop(p, 1006);
  expect_no_acts();
  p = come(0, 1);
  api_ask(&node, 0, "disconnect", "{\"user\":\"ada\"}");
  peer_drop(p, 1006);
  expect_no_acts();
  p = come(0, 1); /* is still there when the node ends */
  api_ask(&node, 0, "disconnect", "{\"user\":\"ada\"}");
}

/** Whom a hook lets in rests on no token, and ends with those of its user. */
static void test_a_revocation_meets_who_has_no_token(void **state) {
  (void)state;
  peer *p = come(0, 1);
  api_ask(&node, 1, "revoke", "{\"user\":\"ada\"}");
  let_in(p, "ada");
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
  peer_drop(p, 1006);
  p = come(0, 1);
  api_ask(&node, 1, "revoke", "{\"user\":\"ada\",\"issuedUntilMs\":\"5000\"}");
  decide(p, &(gw_verdict){.user = gw_view_of("ada"),
                          .token_id = 7,
                          .issued_ms = UINT64_C(4000000000000)});
  (void)peer_expect(p, GW_FRAME_WELCOME);
}

/* ---- channels ----------------------------------------------------------------- */

static const char *given[] = {"room:a", "room:b"};

/** The answer has both channels. */
static void let_in_with_both(const peer *p) {
  gw_view channels[] = {gw_view_of(given[0]), gw_view_of(given[1])};
  decide(p, &(gw_verdict){.user = gw_view_of("ada"),
                          .channels = channels,
                          .num_channels = 2});
}

static bool has(const peer *p, const char *channel) {
  const gw_hub *h = node.hub[p->worker];
  uint64_t hash = gws_hub_hash(h, channel, strlen(channel));
  return gws_is_granted(p->session, hash);
}

static uint32_t unsubscribed_code(peer *p) {
  gw_unsubscribed m;
  gw_frame f = peer_await(p, GW_FRAME_UNSUBSCRIBED);
  assert_int_equal(gw_decode_unsubscribed(f.body, &m), 0);
  return m.code;
}

static void test_an_answer_brings_back_nothing(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 2; worker++) {
    peer *p = come(worker, 1);
    api_ask(&node, 0, "unsubscribe",
            "{\"user\":\"ada\",\"channel\":\"room:a\",\"code\":902}");
    assert_string_equal(api_told.json, "{}");
    let_in_with_both(p);
    (void)peer_expect(p, GW_FRAME_WELCOME);
    assert_false(has(p, "room:a"));
    assert_true(has(p, "room:b"));
    assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
    expect_no_acts();
  }
}

static void test_it_is_told_as_ever(void **state) {
  (void)state;
  char name[32];
  given[0] = hubs_channel(&node, 0, name); /* which is ready at once */
  char json[96];
  (void)snprintf(json, sizeof json,
                 "{\"user\":\"ada\",\"channel\":\"%s\",\"code\":902}", name);
  peer *p = come(0, 1);
  api_ask(&node, 0, "unsubscribe", json);
  let_in_with_both(p);
  assert_int_equal(unsubscribed_code(p), 902);
  assert_false(has(p, name));
  given[0] = "room:a";
}

static void test_what_is_given_meanwhile_is_had(void **state) {
  (void)state;
  peer *p = come(1, 1);
  api_ask(&node, 0, "subscribe", "{\"user\":\"ada\",\"channel\":\"room:c\"}");
  api_ask(&node, 0, "unsubscribe", "{\"user\":\"ada\",\"channel\":\"room:b\"}");
  api_ask(&node, 0, "subscribe", "{\"user\":\"ada\",\"channel\":\"room:d\"}");
  api_ask(&node, 0, "subscribe", "{\"user\":\"ada\",\"channel\":\"room:b\"}");
  api_ask(&node, 0, "unsubscribe", "{\"user\":\"ada\",\"channel\":\"room:d\"}");
  api_ask(&node, 0, "subscribe", "{\"user\":\"bob\",\"channel\":\"room:e\"}");
  let_in_with_both(p);
  assert_true(has(p, "room:a") && has(p, "room:b") && has(p, "room:c"));
  assert_false(has(p, "room:d") || has(p, "room:e"));
}

/* ---- a Subscribe that is asked about ------------------------------------------ */

static void test_a_subscribe_is_refused_at_once(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 2; worker++) {
    peer *p = join(worker, 1, "ada");
    uint32_t request = peer_subscribe(p, 1, "room:a");
    api_ask(&node, 0, "unsubscribe",
            "{\"user\":\"ada\",\"channel\":\"room:a\",\"code\":903,"
            "\"reason\":\"no more\"}");
    assert_string_equal(api_told.json, "{\"connections\":1}");
    gw_error m;
    gw_frame f = peer_expect(p, GW_FRAME_ERROR);
    assert_int_equal(f.head.request, request);
    assert_int_equal(gw_decode_error(f.body, &m), 0);
    assert_int_equal(m.code, 903);
    assert_true(gw_view_eq(m.message, gw_view_of("no more")));
    decide(p, &(gw_verdict){.code = GW_CODE_OK}); /* is too late */
    peer_expect_nothing(p);
    assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
    assert_int_equal(HUBS_STAT(&node, frames_held), 0);
    peer_subscribe(p, 1, "room:a"); /* asked about anew */
    decide(p, &(gw_verdict){.code = GW_CODE_OK});
    (void)peer_subscribed(p);
    peer_drop(p, 4000 + GW_CODE_CLOSED);
  }
}

static void test_what_waits_behind_it_goes_on(void **state) {
  (void)state;
  peer *p = join(0, 1, "ada");
  uint32_t first = peer_subscribe(p, 1, "room:a");
  uint32_t second = peer_subscribe(p, 1, "room:a");
  unsigned num_asked = node.num_asked;
  api_ask(&node, 0, "unsubscribe", "{\"user\":\"ada\",\"channel\":\"room:a\"}");
  assert_int_equal(peer_error(p, first), GW_CODE_FORCED);
  assert_int_equal(node.num_asked, num_asked + 1); /* it came later */
  decide(p, &(gw_verdict){.code = GW_CODE_OK});
  gw_frame f = peer_expect(p, GW_FRAME_SUBSCRIBED);
  assert_int_equal(f.head.request, second);
}

static void test_other_subscribes_wait_on(void **state) {
  (void)state;
  peer *p = join(0, 1, "ada");
  peer_subscribe(p, 1, "room:a");
  api_ask(&node, 0, "unsubscribe", "{\"user\":\"ada\",\"channel\":\"room:b\"}");
  api_ask(&node, 0, "unsubscribe", "{\"user\":\"bob\",\"channel\":\"room:a\"}");
  assert_string_equal(api_told.json, "{}");
  decide(p, &(gw_verdict){.code = GW_CODE_OK});
  (void)peer_subscribed(p);
  /* One that begins anew, and the one that there was, are one. */
  peer_subscribe(p, 1, "room:a");
  api_ask(&node, 0, "unsubscribe", "{\"user\":\"ada\",\"channel\":\"room:a\"}");
  assert_string_equal(api_told.json, "{\"connections\":1}");
  decide(p, &(gw_verdict){.code = GW_CODE_OK});
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

/* ---- too many ------------------------------------------------------------------ */

static void test_too_many_acts_are_not_missed_in_silence(void **state) {
  (void)state;
  peer *p = come(0, 1);
  uint64_t session = node.asked.session, ticket = node.asked.ticket;
  gw_hub *h = node.hub[0];
  gws_act act = {.kind = GWS_ACT_TAKE,
                 .user = gw_view_of("bob"),
                 .channel = gw_view_of("room:a")};
  for (unsigned i = 0; h->acts.lost == 0; i++) {
    assert_true(i < GWS_ACTS_MAX_BYTES / sizeof act);
    assert_true(h->acts.bytes <= GWS_ACTS_MAX_BYTES);
    gws_acts_note(h, &act);
    if (i == 10) (void)come(0, 2); /* asked about after some of them */
  }
  assert_int_equal(HUBS_STAT(&node, acts_lost_total), 1);
  let_in(p, "eve"); /* the last that came: nothing that counts is lost to it */
  assert_int_equal(HUBS_STAT(&node, sessions), 1);
  node.asked.session = session;
  node.asked.ticket = ticket;
  let_in(p, "ada");
  assert_int_equal(peer_close_code(p), GW_CODE_OVERLOADED);
  expect_no_acts();
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
  const struct CMUnitTest tests[] = {
      CASE(test_who_is_disconnected_is_not_let_in),
      CASE(test_it_is_told_when_it_may_come_back),
      CASE(test_a_client_is_met_whoever_it_is),
      CASE(test_nobody_else_is_met),
      CASE(test_who_is_refused_or_lost_leaves_nothing),
      CASE(test_a_revocation_meets_who_has_no_token),
      CASE(test_an_answer_brings_back_nothing),
      CASE(test_it_is_told_as_ever),
      CASE(test_what_is_given_meanwhile_is_had),
      CASE(test_a_subscribe_is_refused_at_once),
      CASE(test_what_waits_behind_it_goes_on),
      CASE(test_other_subscribes_wait_on),
      CASE(test_too_many_acts_are_not_missed_in_silence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
