/* SPDX-License-Identifier: MIT */
/* revocation_test.c - tokens that are taken back, and connections that are
 * closed, from any worker. */
#include "support/hub_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/core/api.h"
#include "server/core/revocation.h"

#define WALL_MS UINT64_C(1700000000000)

static hubs node;

static int start(void **state) {
  (void)state;
  hubs_init(&node, 3);
  node.asks = true;
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/* ---- who is let in ---------------------------------------------------------- */

/** What the next questions are answered with. */
static gw_verdict next;

static bool grant(const gw_question *q, gw_verdict *v) {
  *v = next;
  if (v->user.len == 0 && q->kind == GW_ASK_CONNECT) v->user = q->user;
  return true;
}

static uint64_t now_wall(void) {
  return WALL_MS + node.now_ms;
}

/** A connection that rests on a token. */
static peer *join(uint32_t worker, unsigned who, const char *jti,
                  uint64_t issued_ms) {
  next =
      (gw_verdict){.token_id = gw_token_id(gw_view_of(jti), (gw_view){NULL, 0}),
                   .issued_ms = issued_ms};
  return peer_join(&node, worker, who);
}

static void start_hubs(void) {
  node.ask = grant;
  for (int i = 0; i < 2; i++)
    node.spaces[i].allow[GW_ACTION_SUBSCRIBE].who =
        GW_WHO_ANYONE | GW_WHO_TOKEN;
  hubs_start(&node);
}

/* ---- asking ------------------------------------------------------------------ */

static struct {
  unsigned num;
  uint32_t code;
  char json[32768];
} told;

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  size_t len = 0;
  (void)message;
  told.num++;
  told.code = code;
  told.json[0] = '\0';
  if (code != GW_CODE_OK) return;
  char *json = gw_api_reply_to_json(gw_api_find(gw_view_of(arg)), reply, &len);
  assert_true(json != NULL && len < sizeof told.json);
  memcpy(told.json, json, len + 1);
  free(json);
}

static void begin(uint32_t worker, const char *method, const char *json) {
  const gw_caller application = {.is_trusted = true};
  uint8_t space[1024];
  char why[GW_MAX_REASON_BYTES + 1];
  gw_out out = {space, 0, sizeof space};
  const gw_api_method *m = gw_api_find(gw_view_of(method));
  told.num = 0;
  assert_int_equal(gw_api_request_from_json(m, gw_view_of(json), &out, why), 0);
  gw_hub_api(node.hub[worker], gw_view_of(method), &application,
             (gw_view){space, out.len}, on_reply, (void *)(uintptr_t)method);
  hubs_settle(&node);
}

static uint32_t ask(uint32_t worker, const char *method, const char *json) {
  begin(worker, method, json);
  assert_int_equal(told.num, 1);
  return told.code;
}

static unsigned num_ended(void) {
  unsigned num = 0;
  for (const char *at = told.json; (at = strstr(at, "\"connection\"")) != NULL;
       at++)
    num++;
  return num;
}

/* ---- by user ------------------------------------------------------------------ */

static void test_a_user_is_out_on_every_worker(void **state) {
  (void)state;
  start_hubs();
  peer *a = join(0, 1, "a", now_wall()), *b = join(2, 1, "b", 0);
  peer *other = join(1, 2, "c", now_wall());
  assert_int_equal(ask(1, "revoke", "{\"user\":\"user1\"}"), GW_CODE_OK);
  assert_int_equal(peer_close_code(a), GW_CODE_TOKEN_REVOKED);
  assert_int_equal(peer_close_code(b), GW_CODE_TOKEN_REVOKED);
  assert_false(other->is_closing);
  assert_int_equal(num_ended(), 2);
  assert_int_equal(HUBS_STAT(&node, revocations), 3);
  assert_int_equal(HUBS_STAT(&node, revoked_total), 2);
}

static void test_only_tokens_from_before_are_refused(void **state) {
  (void)state;
  start_hubs();
  assert_int_equal(ask(0, "revoke", "{\"user\":\"user1\"}"), GW_CODE_OK);
  for (uint32_t w = 0; w < 3; w++) {
    next = (gw_verdict){.token_id = 5, .issued_ms = now_wall()};
    peer *p = peer_open(&node, w);
    peer_hello(p, 1);
    assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
    next.issued_ms = 0; /* it does not say: it counts as old */
    p = peer_open(&node, w);
    peer_hello(p, 1);
    assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
  }
  (void)join(0, 1, "new", now_wall() + 1000);
  /* Who is let in by something else than a token is the application's. */
  next = (gw_verdict){.token_id = 0};
  (void)peer_join(&node, 0, 1);
}

/** Workers look at the clock at times of their own. */
static void test_the_line_in_time_is_one(void **state) {
  const gw_view user = gw_view_of("user1");
  (void)state;
  start_hubs();
  uint64_t asked_ms = now_wall();
  gw_hub_set_time(node.hub[1], node.now_ms, asked_ms - 40);
  gw_hub_set_time(node.hub[2], node.now_ms, asked_ms + 40);
  assert_int_equal(ask(0, "revoke", "{\"user\":\"user1\"}"), GW_CODE_OK);
  for (uint32_t w = 0; w < 3; w++) {
    assert_true(gws_is_user_revoked(node.hub[w], user, asked_ms));
    assert_false(gws_is_user_revoked(node.hub[w], user, asked_ms + 1));
  }
}

static void test_a_newer_token_survives(void **state) {
  (void)state;
  start_hubs();
  peer *a = join(0, 1, "a", now_wall());
  char json[96];
  (void)sprintf(json, "{\"user\":\"user1\",\"issuedUntilMs\":\"%llu\"}",
                (unsigned long long)now_wall() - 1);
  assert_int_equal(ask(0, "revoke", json), GW_CODE_OK);
  hubs_settle(&node);
  assert_false(a->is_closing);
  assert_int_equal(num_ended(), 0);
}

/* ---- by token ------------------------------------------------------------------ */

static void test_one_token_of_a_user(void **state) {
  (void)state;
  start_hubs();
  peer *a = join(0, 1, "phone", now_wall()), *b = join(1, 1, "laptop", 0);
  assert_int_equal(ask(2, "revoke", "{\"token\":\"phone\"}"), GW_CODE_OK);
  assert_int_equal(peer_close_code(a), GW_CODE_TOKEN_REVOKED);
  assert_false(b->is_closing);
  next = (gw_verdict){.token_id =
                          gw_token_id(gw_view_of("phone"), (gw_view){NULL, 0})};
  peer *again = peer_open(&node, 1);
  peer_hello(again, 1);
  assert_int_equal(peer_close_code(again), GW_CODE_TOKEN_REVOKED);
}

static uint32_t subscribe(peer *p, uint32_t alias, const char *channel,
                          const char *jti) {
  next = (gw_verdict){.by_token = true,
                      .ttl_ms = 60000,
                      .token_id =
                          gw_token_id(gw_view_of(jti), (gw_view){NULL, 0})};
  gw_subscribe m = {.channel = gw_view_of(channel), .token = gw_view_of(jti)};
  return peer_subscribe_with(p, alias, &m);
}

static void assert_unsubscribed(peer *p) {
  gw_unsubscribed m;
  gw_frame f = peer_await(p, GW_FRAME_UNSUBSCRIBED);
  assert_int_equal(gw_decode_unsubscribed(f.body, &m), 0);
  assert_int_equal(m.code, GW_CODE_TOKEN_REVOKED);
}

static void test_a_token_for_a_channel(void **state) {
  (void)state;
  start_hubs();
  peer *p = join(0, 1, "mine", now_wall());
  (void)subscribe(p, 1, "room:a", "for-a");
  assert_int_equal(peer_subscribed(p).token_ttl_ms, 60000);
  (void)subscribe(p, 2, "room:b", "for-b");
  (void)peer_subscribed(p);
  assert_int_equal(ask(1, "revoke", "{\"token\":\"for-a\"}"), GW_CODE_OK);
  assert_unsubscribed(p);
  assert_int_equal(num_ended(), 1);
  assert_non_null(strstr(told.json, "\"channel\":\"room:a\""));
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
  assert_int_equal(peer_error(p, subscribe(p, 1, "room:a", "for-a")),
                   GW_CODE_TOKEN_REVOKED);
}

/** What was gathered until then is sent before the news of the end. */
static void test_what_came_before_is_sent_before(void **state) {
  (void)state;
  node.spaces[1].batch_delay_ms = 50;
  node.spaces[1].batch_bytes = 4000;
  start_hubs();
  peer *p = join(0, 1, "mine", now_wall()), *w = peer_join(&node, 1, 2);
  (void)subscribe(p, 1, "room:a", "for-a");
  (void)peer_subscribed(p);
  (void)peer_publish(w, "room:a", "x", 0, 0);
  (void)peer_published(w);
  assert_int_equal(ask(1, "revoke", "{\"token\":\"for-a\"}"), GW_CODE_OK);
  assert_int_equal(peer_publication(p).offset, 1);
  assert_unsubscribed(p);
  (void)peer_publish(w, "room:a", "x", 0, 0);
  hubs_pass(&node, 50);
  peer_expect_nothing(p);
}

static void publish_by_alias(peer *p, uint32_t alias, uint64_t key) {
  gw_head head = {.type = GW_FRAME_PUBLISH,
                  .flags = GW_FLAG_ALIAS,
                  .request = 900,
                  .channel = alias};
  gw_publish m = {.data = gw_view_of("x"), .key = key};
  PEER_SEND(p, publish, &head, &m);
}

/** Its channel is not known any more, and another may be behind it by name: all
 * of them have to come again, in order. */
static void test_a_publication_that_meets_the_end(void **state) {
  (void)state;
  start_hubs();
  peer *p = join(0, 1, "mine", now_wall());
  (void)subscribe(p, 1, "room:a", "for-a");
  (void)peer_subscribed(p);
  publish_by_alias(p, 9, 1); /* there never was such a subscription */
  assert_int_equal(peer_error(p, 900), GW_CODE_NOT_SUBSCRIBED);
  assert_int_equal(ask(1, "revoke", "{\"token\":\"for-a\"}"), GW_CODE_OK);
  assert_unsubscribed(p);
  publish_by_alias(p, 1, 0); /* nobody asked for an order */
  assert_int_equal(peer_error(p, 900), GW_CODE_NOT_SUBSCRIBED);
  publish_by_alias(p, 1, 2);
  assert_int_equal(peer_close_code(p), GW_CODE_PRECEDING_REFUSED);
}

static void test_older_tokens_for_channels_end_as_well(void **state) {
  (void)state;
  char json[96];
  start_hubs();
  uint64_t then = now_wall();
  peer *p = join(0, 1, "newer", then + 1000);
  for (unsigned i = 1; i <= 4; i++) {
    char name[8];
    (void)sprintf(name, "room:%u", i);
    next = (gw_verdict){.by_token = true,
                        .token_id = i != 4 ? i : 0, /* a hook's word stays */
                        .issued_ms = i == 3 ? then + 1 : then};
    gw_subscribe m = {.channel = gw_view_of(name), .token = gw_view_of("t")};
    (void)peer_subscribe_with(p, i, &m);
    (void)peer_subscribed(p);
  }
  (void)sprintf(json, "{\"user\":\"user1\",\"issuedUntilMs\":\"%llu\"}",
                (unsigned long long)then);
  assert_int_equal(ask(1, "revoke", json), GW_CODE_OK);
  assert_unsubscribed(p);
  assert_unsubscribed(p);
  assert_false(p->is_closing);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 2);
}

/** One token may be for many: all of them end, however many there are. */
static void test_many_rest_on_one_token(void **state) {
  (void)state;
  char name[32];
  start_hubs();
  peer *p[6];
  for (unsigned i = 0; i < 6; i++) {
    p[i] = join(i % 3, i + 1, "own", now_wall());
    for (unsigned k = 1; k <= 20; k++) {
      (void)sprintf(name, "room:%u", k);
      (void)subscribe(p[i], k, name, "shared");
      (void)peer_await(p[i], GW_FRAME_SUBSCRIBED);
    }
  }
  assert_int_equal(ask(0, "revoke", "{\"token\":\"shared\"}"), GW_CODE_OK);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
  assert_int_equal(HUBS_STAT(&node, revoked_total), 120);
  for (unsigned i = 0; i < 6; i++)
    assert_false(p[i]->is_closing);
}

static uint32_t refresh(peer *p, uint32_t alias) {
  gw_refresh m = {.token = gw_view_of("t")};
  gw_head head = {.type = GW_FRAME_REFRESH,
                  .request = ++p->last_request,
                  .channel = alias,
                  .flags = alias != 0 ? GW_FLAG_ALIAS : 0};
  PEER_SEND(p, refresh, &head, &m);
  return head.request;
}

static void test_a_refresh_does_not_bring_it_back(void **state) {
  (void)state;
  start_hubs();
  peer *p = join(0, 1, "a", now_wall() + 5000);
  (void)subscribe(p, 1, "room:a", "for-a");
  (void)peer_subscribed(p);
  assert_int_equal(ask(1, "revoke", "{\"token\":\"b\"}"), GW_CODE_OK);
  next =
      (gw_verdict){.token_id = gw_token_id(gw_view_of("b"), (gw_view){NULL, 0}),
                   .ttl_ms = 60000};
  assert_int_equal(peer_error(p, refresh(p, 0)), GW_CODE_TOKEN_REVOKED);
  assert_int_equal(peer_error(p, refresh(p, 1)), GW_CODE_TOKEN_REVOKED);
  assert_false(p->is_closing); /* the old ones hold */
  /* After a refresh it is the new token that counts. */
  next.token_id = gw_token_id(gw_view_of("c"), (gw_view){NULL, 0});
  (void)refresh(p, 0);
  (void)peer_expect(p, GW_FRAME_REFRESHED);
  assert_int_equal(ask(1, "revoke", "{\"token\":\"a\"}"), GW_CODE_OK);
  assert_false(p->is_closing);
  assert_int_equal(ask(1, "revoke", "{\"token\":\"c\"}"), GW_CODE_OK);
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
}

/* ---- by connection --------------------------------------------------------------- */

/** It is known where the connection is, and refused everywhere when that was
 * answered. */
static void test_a_connection_is_answered_when_all_know(void **state) {
  char json[64];
  (void)state;
  start_hubs();
  for (uint32_t i = 0; i < 9; i++) {
    uint32_t asked = i % 3, slow = i / 3, at = (slow + 1) % 3;
    char jti[8];
    (void)sprintf(jti, "t%u", i);
    const peer *p = join(at, 1, jti, now_wall());
    const gw_verdict v = next;
    (void)sprintf(json, "{\"connection\":\"%llu\"}",
                  (unsigned long long)p->connection);
    node.holds_mail = true;
    begin(asked, "revoke", json);
    hubs_deliver_to_others(&node, slow);
    if (told.num != 0)
      assert_true(gws_is_revoked(node.hub[slow], &v, (gw_view){NULL, 0}));
    /* The question, but not yet the news. */
    (void)hubs_deliver(&node, asked, slow, 1);
    hubs_deliver_to_others(&node, slow);
    if (told.num != 0)
      assert_true(gws_is_revoked(node.hub[slow], &v, (gw_view){NULL, 0}));
    node.holds_mail = false;
    hubs_settle(&node);
    assert_int_equal(told.num, 1);
  }
}

static void test_the_token_of_a_connection(void **state) {
  (void)state;
  char json[64];
  start_hubs();
  peer *a = join(0, 1, "x", now_wall()), *same = join(1, 1, "x", now_wall());
  peer *other = join(2, 1, "y", now_wall());
  (void)sprintf(json, "{\"connection\":\"%llu\"}",
                (unsigned long long)a->connection);
  assert_int_equal(ask(2, "revoke", json), GW_CODE_OK);
  assert_int_equal(peer_close_code(a), GW_CODE_TOKEN_REVOKED);
  assert_int_equal(peer_close_code(same), GW_CODE_TOKEN_REVOKED);
  assert_false(other->is_closing);
  peer *again = peer_open(&node, 2);
  next = (gw_verdict){.token_id =
                          gw_token_id(gw_view_of("x"), (gw_view){NULL, 0})};
  peer_hello(again, 1);
  assert_int_equal(peer_close_code(again), GW_CODE_TOKEN_REVOKED);
}

/* ---- memory ------------------------------------------------------------------------ */

static void test_they_are_forgotten_in_time(void **state) {
  (void)state;
  node.settings.max_token_ms = 100000;
  start_hubs();
  assert_int_equal(ask(0, "revoke", "{\"token\":\"a\"}"), GW_CODE_OK);
  assert_int_equal(ask(0, "revoke", "{\"user\":\"user1\",\"forMs\":\"5000\"}"),
                   GW_CODE_OK);
  hubs_pass(&node, 5001);
  (void)join(0, 1, "b", 0); /* over, though not swept yet */
  assert_int_equal(HUBS_STAT(&node, revocations), 6);
  hubs_pass(&node, GWS_REVOCATION_SWEEP_MS);
  assert_int_equal(HUBS_STAT(&node, revocations), 3);
  hubs_pass(&node, GWS_REVOCATION_SWEEP_MS);
  assert_int_equal(HUBS_STAT(&node, revocations), 0);
  (void)join(0, 1, "a", 0);
}

static void test_without_a_longest_life_they_stay(void **state) {
  (void)state;
  start_hubs();
  assert_int_equal(ask(0, "revoke", "{\"token\":\"a\"}"), GW_CODE_OK);
  hubs_pass(&node, UINT64_C(20) * 24 * 3600 * 1000);
  assert_int_equal(HUBS_STAT(&node, revocations), 3);
}

static void test_the_same_again_only_widens(void **state) {
  (void)state;
  start_hubs();
  (void)ask(0, "revoke", "{\"token\":\"a\",\"forMs\":\"90000\"}");
  (void)ask(0, "revoke", "{\"token\":\"a\",\"forMs\":\"1000\"}");
  assert_int_equal(HUBS_STAT(&node, revocations), 3);
  hubs_pass(&node, 80000);
  next = (gw_verdict){.token_id =
                          gw_token_id(gw_view_of("a"), (gw_view){NULL, 0})};
  peer *p = peer_open(&node, 0);
  peer_hello(p, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
}

static void test_there_is_a_cap_which_is_told(void **state) {
  (void)state;
  node.settings.max_revocations = 2;
  start_hubs();
  peer *p = join(1, 1, "c", 0);
  assert_int_equal(ask(0, "revoke", "{\"token\":\"a\",\"forMs\":\"1000\"}"),
                   GW_CODE_OK);
  assert_int_equal(ask(0, "revoke", "{\"token\":\"b\"}"), GW_CODE_OK);
  assert_int_equal(ask(0, "revoke", "{\"token\":\"c\"}"),
                   GW_CODE_LIMIT_REACHED);
  /* What was there has ended all the same. */
  assert_int_equal(peer_close_code(p), GW_CODE_TOKEN_REVOKED);
  hubs_pass(&node, 1001); /* one is over: there is room */
  assert_int_equal(ask(0, "revoke", "{\"token\":\"c\"}"), GW_CODE_OK);
}

/* ---- who may ask, and for what -------------------------------------------------------- */

static void test_requests_that_are_refused(void **state) {
  (void)state;
  start_hubs();
  static const char *const bad[] = {"{}", "{\"user\":\"a\",\"token\":\"b\"}",
                                    "{\"token\":\"b\",\"connection\":\"1\"}"};
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(ask(0, "revoke", bad[i]), GW_CODE_BAD_REQUEST);
  assert_int_equal(HUBS_STAT(&node, revocations), 0);
}

static void test_disconnecting_revokes_nothing(void **state) {
  (void)state;
  char json[96];
  start_hubs();
  peer *a = join(0, 1, "a", 0), *b = join(1, 1, "b", 0),
       *c = join(2, 2, "c", 0);
  assert_int_equal(ask(1, "disconnect", "{\"user\":\"user1\"}"), GW_CODE_OK);
  assert_string_equal(told.json, "{\"connections\":2}");
  assert_int_equal(peer_close_code(a), GW_CODE_FORCED);
  assert_int_equal(peer_close_code(b), GW_CODE_FORCED);
  a = join(0, 1, "a", 0);
  (void)sprintf(json, "{\"client\":\"%llu\",\"code\":942,\"reason\":\"bye\"}",
                (unsigned long long)a->client);
  assert_int_equal(ask(1, "disconnect", json), GW_CODE_OK);
  assert_int_equal(peer_close_code(a), 942);
  (void)sprintf(json,
                "{\"connection\":\"%llu\",\"code\":201,\"retryAfterMs\":7}",
                (unsigned long long)c->connection);
  assert_int_equal(ask(0, "disconnect", json), GW_CODE_OK);
  gw_close m;
  gw_frame f = peer_await(c, GW_FRAME_CLOSE);
  assert_int_equal(gw_decode_close(f.body, &m), 0);
  assert_int_equal(m.code, GW_CODE_OVERLOADED);
  assert_int_equal(m.retry_after_ms, 7);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)
  const struct CMUnitTest tests[] = {
      TEST(a_user_is_out_on_every_worker),
      TEST(only_tokens_from_before_are_refused),
      TEST(the_line_in_time_is_one),
      TEST(a_newer_token_survives),
      TEST(older_tokens_for_channels_end_as_well),
      TEST(one_token_of_a_user),
      TEST(a_token_for_a_channel),
      TEST(what_came_before_is_sent_before),
      TEST(a_publication_that_meets_the_end),
      TEST(many_rest_on_one_token),
      TEST(a_refresh_does_not_bring_it_back),
      TEST(the_token_of_a_connection),
      TEST(a_connection_is_answered_when_all_know),
      TEST(they_are_forgotten_in_time),
      TEST(without_a_longest_life_they_stay),
      TEST(the_same_again_only_widens),
      TEST(there_is_a_cap_which_is_told),
      TEST(requests_that_are_refused),
      TEST(disconnecting_revokes_nothing),
  };
#undef TEST
  return cmocka_run_group_tests_name("revocation", tests, NULL, NULL);
}
