/* SPDX-License-Identifier: MIT */
/* client_token_test.c - tokens in the client: asked for once at a time, renewed
 * early, never fallen back from, never tried for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "tests/unit/support/rig.h"

static rig r;

static int set_up(void **state) {
  (void)state;
  gw_client_options o = {.asks_token = true};
  rig_init(&r, &o);
  return 0;
}

static int set_up_static(void **state) {
  (void)state;
  gw_client_options o = {.token = gw_view_of("fixed")};
  rig_init(&r, &o);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  rig_deinit(&r);
  return 0;
}

/* ---- help ----------------------------------------------------------------- */

/** The one question that is asked. Returns its number. */
static uint32_t asked(uint32_t sub, uint32_t code) {
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_TOKEN);
  if (e == NULL) fail_msg("nothing is asked");
  assert_int_equal(e->u.token.sub, sub);
  assert_int_equal(e->u.token.code, code);
  uint32_t ask = e->u.token.ask;
  assert_null(gw_test_take_event(&r.port, GW_EVENT_TOKEN));
  return ask;
}

static void not_asked(void) {
  if (gw_test_take_event(&r.port, GW_EVENT_TOKEN) != NULL)
    fail_msg("a token is asked for");
}

static void give(uint32_t ask, const char *token) {
  assert_int_equal(gw_client_give_token(r.c, ask, gw_view_of(token)), 0);
  rig_go(&r);
}

static void hello_has(const char *token) {
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_HELLO);
  gw_hello m;
  assert_int_equal(gw_decode_hello(f->body, &m), 0);
  assert_true(rig_view_is(m.token, token));
}

static void refresh_has(const char *token, gw_head *head) {
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_REFRESH);
  gw_refresh m;
  assert_int_equal(gw_decode_refresh(f->body, &m), 0);
  assert_true(rig_view_is(m.token, token));
  *head = f->head;
}

static void say_refreshed(uint32_t request, uint64_t ttl_ms) {
  uint8_t bytes[64];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_REFRESHED, .request = request};
  gw_refreshed m = {.token_ttl_ms = ttl_ms};
  assert_int_equal(gw_encode_refreshed(&out, &head, &m), 0);
  rig_bytes(&r, bytes, out.len);
}

/** Whether or not the Hello was looked at. */
static void say_welcome(uint64_t ttl_ms) {
  uint8_t bytes[256];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_WELCOME};
  gw_welcome w = {.version = 1,
                  .client = RIG_CLIENT_ID,
                  .ping_interval_ms = 120000,
                  .ping_timeout_ms = 60000,
                  .token_ttl_ms = ttl_ms};
  assert_int_equal(gw_encode_welcome(&out, &head, &w), 0);
  rig_bytes(&r, bytes, out.len);
}

static void connect_asking(void) {
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
}

/** Connected with a token of so long a life. */
static void ready(const char *token, uint64_t ttl_ms) {
  connect_asking();
  give(asked(0, GW_CODE_OK), token);
  rig_open(&r);
  say_welcome(ttl_ms);
  rig_forget(&r);
}

static enum gw_state state_now(void) {
  return rig_info(&r).state;
}

/** Let time pass, with the server pinging, until a token is asked for. */
static uint64_t until_asked(uint32_t sub, uint32_t code, uint32_t *ask) {
  uint64_t from = r.now;
  for (int i = 0; i < 100000; i++) {
    const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_TOKEN);
    if (e != NULL) {
      assert_int_equal(e->u.token.sub, sub);
      assert_int_equal(e->u.token.code, code);
      *ask = e->u.token.ask;
      return r.now - from;
    }
    if (rig_is_up(&r) && i % 100 == 0) rig_ping(&r, 1);
    rig_run(&r, 100);
  }
  fail_msg("nothing is asked");
  return 0;
}

static void refuse(uint32_t code) {
  gw_close m = {.code = code};
  rig_close(&r, &m);
}

/* ---- before there is a connection -------------------------------------------- */

static void test_asks_before_it_connects(void **state) {
  (void)state;
  connect_asking();
  uint32_t ask = asked(0, GW_CODE_OK);
  rig_run(&r, 120000); /* however long that takes */
  not_asked();
  assert_int_equal(r.port.num_opens, 0);
  assert_int_equal(state_now(), GW_STATE_CONNECTING);
  give(ask, "one");
  assert_int_equal(r.port.num_opens, 1);
  rig_open(&r);
  hello_has("one");
  /* That is answered, and may not be again. */
  assert_int_equal(gw_client_give_token(r.c, ask, gw_view_of("two")),
                   GW_ERR_NOT_FOUND);
}

static void test_a_token_to_begin_with_is_used_first(void **state) {
  (void)state;
  rig_deinit(&r);
  gw_client_options o = {.asks_token = true, .token = gw_view_of("first")};
  rig_init(&r, &o);
  connect_asking();
  not_asked();
  rig_open(&r);
  hello_has("first");
  refuse(GW_CODE_TOKEN_EXPIRED);
  rig_run(&r, 1000);
  give(asked(0, GW_CODE_TOKEN_EXPIRED), "second");
  rig_open(&r);
  hello_has("second");
}

static void test_answers_that_are_no_tokens(void **state) {
  (void)state;
  connect_asking();
  uint32_t ask = asked(0, GW_CODE_OK);
  char *big = calloc(1, GW_MAX_TOKEN_BYTES + 2);
  memset(big, 'x', GW_MAX_TOKEN_BYTES + 1);
  assert_int_equal(gw_client_give_token(r.c, ask, gw_view_of("")),
                   GW_ERR_INVALID);
  assert_int_equal(gw_client_give_token(r.c, ask, gw_view_of("\xff")),
                   GW_ERR_TEXT);
  assert_int_equal(gw_client_give_token(r.c, ask, gw_view_of(big)),
                   GW_ERR_TOO_BIG);
  assert_int_equal(gw_client_give_token(r.c, ask + 1, gw_view_of("x")),
                   GW_ERR_NOT_FOUND);
  assert_int_equal(gw_client_give_token(r.c, 0, gw_view_of("x")),
                   GW_ERR_NOT_FOUND);
  free(big);
  give(ask, "good");
  assert_int_equal(r.port.num_opens, 1);
}

static void test_without_a_token_it_does_not_connect_as_nobody(void **state) {
  (void)state;
  connect_asking();
  assert_int_equal(gw_client_no_token(r.c, asked(0, GW_CODE_OK), 0), 0);
  assert_int_equal(r.port.num_opens, 0); /* commands only queue */
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_FAILED);
  assert_int_equal(rig_info(&r).code, GW_CODE_NO_TOKEN);
  rig_run(&r, 600000);
  assert_int_equal(r.port.num_opens, 0);
  connect_asking(); /* somebody has logged in */
  give(asked(0, GW_CODE_OK), "one");
  assert_int_equal(r.port.num_opens, 1);
}

/** Whatever else the code would mean if a server said it. */
static void test_any_other_code_is_the_end(void **state) {
  static const uint32_t codes[] = {GW_CODE_TOKEN_EXPIRED, GW_CODE_EPOCH_CHANGED,
                                   GW_CODE_PERMISSION_DENIED};
  (void)state;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    connect_asking();
    assert_int_equal(gw_client_no_token(r.c, asked(0, GW_CODE_OK), codes[i]),
                     0);
    rig_go(&r);
    assert_int_equal(state_now(), GW_STATE_FAILED);
    assert_int_equal(rig_info(&r).code, codes[i]);
    assert_int_equal(r.port.num_opens, 0);
  }
}

static void test_not_now_is_asked_again_later_and_later(void **state) {
  (void)state;
  unsigned num = 0;
  uint32_t ask;
  connect_asking();
  ask = asked(0, GW_CODE_OK);
  uint64_t end = r.now + 600000;
  while (r.now < end) {
    assert_int_equal(gw_client_no_token(r.c, ask, GW_CODE_TIMEOUT), 0);
    rig_go(&r);
    assert_int_equal(state_now() == GW_STATE_WAITING ||
                         state_now() == GW_STATE_SUSPENDED,
                     1);
    (void)until_asked(0, GW_CODE_OK, &ask);
    num++;
  }
  assert_in_range(num, 20, 200);
  assert_int_equal(r.port.num_opens, 0);
}

/* ---- refusals ----------------------------------------------------------------- */

static void test_a_refused_token_is_not_tried_again(void **state) {
  (void)state;
  ready("one", 0);
  refuse(GW_CODE_TOKEN_REVOKED);
  uint32_t ask;
  (void)until_asked(0, GW_CODE_TOKEN_REVOKED, &ask);
  assert_int_equal(r.port.num_opens, 1);
  give(ask, "two");
  assert_int_equal(r.port.num_opens, 2);
  rig_open(&r);
  hello_has("two");
}

static void test_tokens_that_are_always_refused_are_the_end(void **state) {
  (void)state;
  uint32_t ask;
  connect_asking();
  ask = asked(0, GW_CODE_OK);
  for (unsigned i = 1; i <= GW__TOKEN_MAX_REFUSED; i++) {
    give(ask, "bad");
    rig_open(&r);
    hello_has("bad");
    refuse(GW_CODE_TOKEN_INVALID);
    if (i == GW__TOKEN_MAX_REFUSED) break;
    (void)until_asked(0, GW_CODE_TOKEN_INVALID, &ask);
  }
  assert_int_equal(state_now(), GW_STATE_FAILED);
  assert_int_equal(rig_info(&r).code, GW_CODE_TOKEN_INVALID);
  rig_run(&r, 600000);
  not_asked();
  assert_int_equal(r.port.num_opens, GW__TOKEN_MAX_REFUSED);
}

static void test_a_static_token_that_is_refused_is_the_end(void **state) {
  (void)state;
  static const uint32_t codes[] = {GW_CODE_TOKEN_EXPIRED, GW_CODE_TOKEN_INVALID,
                                   GW_CODE_TOKEN_REVOKED};
  for (unsigned i = 0; i < 3; i++) {
    uint32_t opens = r.port.num_opens;
    connect_asking();
    rig_open(&r);
    hello_has("fixed");
    if (i != 1) say_welcome(1000); /* also when it was good at first */
    refuse(codes[i]);
    assert_int_equal(state_now(), GW_STATE_FAILED);
    assert_int_equal(rig_info(&r).code, codes[i]);
    rig_run(&r, 600000);
    not_asked();
    assert_int_equal(r.port.num_opens, opens + 1);
  }
}

static void test_a_refusal_by_the_transport_is_one(void **state) {
  (void)state;
  connect_asking();
  give(asked(0, GW_CODE_OK), "one");
  gw_test_close(&r.port, 4000 + GW_CODE_TOKEN_INVALID); /* HTTP 401, say */
  uint32_t ask;
  (void)until_asked(0, GW_CODE_TOKEN_INVALID, &ask);
  give(ask, "two");
  rig_open(&r);
  hello_has("two");
}

/* ---- renewal --------------------------------------------------------------------- */

static void test_renews_early_in_band(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 100000);
  for (unsigned i = 0; i < 20; i++) {
    uint64_t waited = until_asked(0, GW_CODE_OK, &ask);
    assert_in_range(waited, 69900, 80100);
    give(ask, "more");
    refresh_has("more", &head);
    assert_int_equal(head.channel, 0);
    say_refreshed(head.request, 100000);
  }
  assert_int_equal(r.port.num_opens, 1);
  assert_int_equal(state_now(), GW_STATE_READY);
}

static void test_the_time_of_renewal_has_jitter(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  uint64_t least = UINT64_MAX, most = 0;
  ready("one", 1000000);
  for (unsigned i = 0; i < 30; i++) {
    uint64_t waited = until_asked(0, GW_CODE_OK, &ask);
    if (waited < least) least = waited;
    if (waited > most) most = waited;
    give(ask, "more");
    refresh_has("more", &head);
    say_refreshed(head.request, 1000000);
  }
  assert_true(most - least > 30000);
}

static void test_one_question_at_a_time(void **state) {
  (void)state;
  uint32_t ask;
  ready("one", 10000);
  (void)until_asked(0, GW_CODE_OK, &ask);
  /* It is not answered; meanwhile the token ends, the connection with it, and
   * the client wants to come back. */
  rig_run(&r, 5000);
  refuse(GW_CODE_TOKEN_EXPIRED);
  for (int i = 0; i < 600; i++) {
    rig_run(&r, 1000);
    assert_int_equal(gw_client_connect(r.c), 0);
    gw_client_on_wake(r.c, GW_WAKE_ONLINE);
  }
  not_asked();
  assert_int_equal(r.port.num_opens, 1);
  /* It is still good for the session that comes. */
  give(ask, "two");
  rig_open(&r);
  hello_has("two");
}

static void test_a_late_answer_is_not_for_a_newer_session(void **state) {
  (void)state;
  uint32_t late, ask;
  gw_head head;
  ready("one", 100000);
  (void)until_asked(0, GW_CODE_OK, &late);
  gw_test_close(&r.port, 1006);
  rig_until_try(&r);
  rig_open(&r);
  hello_has("one"); /* it is still good */
  say_welcome(20000);
  rig_run(&r, 18000); /* the new session's own renewal is due, and waits */
  not_asked();
  assert_int_equal(gw_client_give_token(r.c, late, gw_view_of("late")),
                   GW_ERR_NOT_FOUND);
  rig_go(&r);
  rig_not_sent(&r, GW_FRAME_REFRESH);
  ask = asked(0, GW_CODE_OK); /* and is asked now */
  give(ask, "fresh");
  refresh_has("fresh", &head);
}

static void test_an_answer_to_a_closed_client_is_dropped(void **state) {
  (void)state;
  connect_asking();
  uint32_t late = asked(0, GW_CODE_OK);
  gw_client_close(r.c);
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_CLOSED);
  connect_asking(); /* as somebody else, perhaps */
  rig_run(&r, 60000);
  not_asked(); /* the application still works on the first */
  assert_int_equal(gw_client_give_token(r.c, late, gw_view_of("of before")),
                   GW_ERR_NOT_FOUND);
  rig_go(&r);
  assert_int_equal(r.port.num_opens, 0);
  give(asked(0, GW_CODE_OK), "now");
  rig_open(&r);
  hello_has("now");
}

static void test_having_none_is_too_late_as_well(void **state) {
  (void)state;
  connect_asking();
  uint32_t late = asked(0, GW_CODE_OK);
  gw_client_close(r.c);
  rig_go(&r);
  assert_int_equal(gw_client_no_token(r.c, late, 0), GW_ERR_NOT_FOUND);
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_CLOSED);
  /* Answered, and closed in the same moment. */
  connect_asking();
  late = asked(0, GW_CODE_OK);
  gw_client_close(r.c);
  assert_int_equal(gw_client_give_token(r.c, late, gw_view_of("of before")),
                   GW_ERR_NOT_FOUND);
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_CLOSED);
  /* Given up, and closed in the same moment. */
  connect_asking();
  assert_int_equal(gw_client_no_token(r.c, asked(0, GW_CODE_OK), 0), 0);
  gw_client_close(r.c);
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_CLOSED);
}

static void test_a_refused_renewal_is_tried_again_with_another(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 100000);
  (void)until_asked(0, GW_CODE_OK, &ask);
  unsigned num = 0;
  for (uint64_t end = r.now + 60000; r.now < end; num++) {
    give(ask, "bad");
    refresh_has("bad", &head);
    rig_error(&r, head.request, GW_CODE_TOKEN_INVALID, 0);
    assert_int_equal(state_now(), GW_STATE_READY);
    (void)until_asked(0, GW_CODE_TOKEN_INVALID, &ask);
  }
  assert_in_range(num, 3, 30); /* with backoff */
  /* None of these is used for another session. */
  gw_test_close(&r.port, 1006);
  rig_run(&r, 60000);
  assert_int_equal(r.port.num_opens, 1);
  give(ask, "good");
  rig_open(&r);
  hello_has("good");
}

/** The server names a time, which backoff would not wait for. */
static void test_a_refused_renewal_waits_as_long_as_it_is_told(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 500000);
  (void)until_asked(0, GW_CODE_OK, &ask);
  give(ask, "two");
  refresh_has("two", &head);
  uint64_t refused_ms = r.now;
  rig_error(&r, head.request, GW_CODE_OVERLOADED, 45000);
  (void)until_asked(0, GW_CODE_OK, &ask);
  assert_int_equal(r.now - refused_ms, 45000);
  assert_int_equal(state_now(), GW_STATE_READY);
}

static void test_a_renewal_without_an_answer(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 100000);
  (void)until_asked(0, GW_CODE_OK, &ask);
  give(ask, "two");
  refresh_has("two", &head);
  (void)until_asked(0, GW_CODE_OK, &ask);
  say_refreshed(head.request, 100000); /* too late to count */
  give(ask, "three");
  refresh_has("three", &head);
  say_refreshed(head.request, 100000);
  assert_in_range(until_asked(0, GW_CODE_OK, &ask), 69900, 80100);
}

static void test_no_token_for_a_renewal(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 1000000);
  (void)until_asked(0, GW_CODE_OK, &ask);
  /* Not now: the old one holds, and it is asked again. */
  assert_int_equal(gw_client_no_token(r.c, ask, GW_CODE_TIMEOUT), 0);
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_READY);
  assert_true(until_asked(0, GW_CODE_OK, &ask) < 25000);
  give(ask, "two");
  refresh_has("two", &head);
  say_refreshed(head.request, 1000000);
  (void)until_asked(0, GW_CODE_OK, &ask);
  /* Logged out: the connection ends. */
  assert_int_equal(gw_client_no_token(r.c, ask, 0), 0);
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_FAILED);
  assert_int_equal(rig_info(&r).code, GW_CODE_NO_TOKEN);
  assert_false(rig_is_up(&r));
}

static void test_a_token_that_is_over_is_not_sent(void **state) {
  (void)state;
  uint32_t ask;
  ready("one", 30000);
  gw_test_close(&r.port, 1006);
  /* The machine sleeps. */
  r.now += 3600000;
  gw_client_on_wake(r.c, GW_WAKE_VISIBLE);
  rig_run(&r, 1000);
  ask = asked(0, GW_CODE_OK);
  assert_int_equal(r.port.num_opens, 1);
  give(ask, "two");
  rig_open(&r);
  hello_has("two");
}

static void test_a_short_life_makes_no_storm(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  unsigned num = 0;
  ready("one", 10);
  for (uint64_t end = r.now + 60000; r.now < end; num++) {
    (void)until_asked(0, GW_CODE_OK, &ask);
    give(ask, "more");
    refresh_has("more", &head);
    say_refreshed(head.request, 10);
  }
  assert_true(num <= 61);
}

static void test_a_token_without_an_end_is_not_renewed(void **state) {
  (void)state;
  ready("one", 0);
  for (int i = 0; i < 100; i++) {
    rig_ping(&r, 1);
    rig_run(&r, 60000);
  }
  not_asked();
}

static void test_setting_a_token_answers_the_question(void **state) {
  (void)state;
  connect_asking();
  uint32_t ask = asked(0, GW_CODE_OK);
  assert_int_equal(gw_client_set_token(r.c, gw_view_of("set")), 0);
  rig_go(&r);
  assert_int_equal(r.port.num_opens, 1);
  assert_int_equal(gw_client_give_token(r.c, ask, gw_view_of("asked")),
                   GW_ERR_NOT_FOUND);
  rig_open(&r);
  hello_has("set");
}

static void answer_at_once(gw_test_port *p, const gw_event *e) {
  if (e->type == GW_EVENT_TOKEN)
    assert_int_equal(
        gw_client_give_token(p->client, e->u.token.ask, gw_view_of("at once")),
        0);
}

static void test_an_answer_from_inside_the_handler(void **state) {
  (void)state;
  r.port.hooks.event = answer_at_once;
  connect_asking();
  assert_int_equal(r.port.num_opens, 1);
  rig_open(&r);
  hello_has("at once");
  say_welcome(10000);
  rig_run(&r, 8001);
  gw_head head;
  refresh_has("at once", &head);
}

/* ---- subscriptions ---------------------------------------------------------------- */

static uint32_t want(bool asks, const char *token) {
  gw_sub_options o = {.asks_token = asks, .token = gw_view_of(token)};
  return rig_sub(&r, "room:a", &o);
}

static void subscribe_has(const char *token, gw_head *head) {
  gw_subscribe m = rig_sent_subscribe(&r, head);
  assert_true(rig_view_is(m.token, token));
}

static void say_live(uint32_t request, uint64_t offset, uint64_t ttl_ms) {
  gw_subscribed m = {.epoch = RIG_EPOCH,
                     .offset = offset,
                     .live = true,
                     .token_ttl_ms = ttl_ms};
  rig_subscribed(&r, request, 9, &m);
}

/** Live with a token of so long a life. */
static uint32_t live(uint64_t ttl_ms) {
  gw_head head;
  uint32_t sub = want(true, "");
  rig_go(&r);
  give(asked(sub, GW_CODE_OK), "one");
  subscribe_has("one", &head);
  say_live(head.request, 0, ttl_ms);
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_LIVE);
  return sub;
}

static void test_a_subscription_waits_for_its_token(void **state) {
  (void)state;
  ready("one", 0);
  uint32_t sub = want(true, "");
  rig_go(&r);
  uint32_t ask = asked(sub, GW_CODE_OK);
  rig_run(&r, 20000);
  rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_IDLE);
  give(ask, "two");
  gw_head head;
  subscribe_has("two", &head);
}

static void test_a_subscriptions_token_is_renewed(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 0);
  uint32_t sub = live(100000);
  assert_in_range(until_asked(sub, GW_CODE_OK, &ask), 69900, 80100);
  give(ask, "two");
  refresh_has("two", &head);
  assert_int_equal(head.channel, sub);
  assert_int_equal(head.flags, GW_FLAG_ALIAS);
  say_refreshed(head.request, 50000);
  assert_in_range(until_asked(sub, GW_CODE_OK, &ask), 34900, 40100);
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_LIVE);
}

static void test_an_expired_subscription_asks_anew(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 0);
  uint32_t sub = live(0);
  rig_unsubscribed(&r, 9, GW_CODE_TOKEN_EXPIRED);
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_IDLE);
  (void)until_asked(sub, GW_CODE_TOKEN_EXPIRED, &ask);
  rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  give(ask, "two");
  subscribe_has("two", &head);
}

/** Whatever a subscription was given at connect: when it is over, it is. */
static void test_a_static_token_that_ends_ends_it(void **state) {
  (void)state;
  static const uint32_t codes[] = {GW_CODE_TOKEN_EXPIRED,
                                   GW_CODE_TOKEN_REVOKED};
  gw_head head;
  for (unsigned i = 0; i < 2; i++) {
    rig_deinit(&r);
    gw_client_options o = {.token = gw_view_of("fixed")};
    rig_init(&r, &o);
    uint32_t sub = want(false, "for a");
    connect_asking();
    rig_open(&r);
    subscribe_has("for a", &head);
    say_welcome(0);
    say_live(head.request, 3, 60000);
    rig_unsubscribed(&r, 9, codes[i]);
    assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_ENDED);
    rig_expect_within(&r, "sub1:ended");
    /* Nor does it come again with the next connection. */
    gw_test_close(&r.port, 1006);
    rig_back(&r);
    rig_run(&r, 20000);
    rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  }
}

static void test_a_static_token_that_is_refused_ends_it(void **state) {
  (void)state;
  gw_head head;
  connect_asking();
  rig_open(&r);
  say_welcome(0);
  uint32_t sub = want(false, "for a");
  rig_go(&r);
  subscribe_has("for a", &head);
  rig_error(&r, head.request, GW_CODE_TOKEN_INVALID, 0);
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_ENDED);
}

static void test_subscription_tokens_that_are_always_refused(void **state) {
  (void)state;
  uint32_t ask;
  gw_head head;
  ready("one", 0);
  uint32_t sub = want(true, "");
  rig_go(&r);
  ask = asked(sub, GW_CODE_OK);
  for (unsigned i = 1; i <= GW__TOKEN_MAX_REFUSED; i++) {
    give(ask, "bad");
    subscribe_has("bad", &head);
    rig_error(&r, head.request, GW_CODE_TOKEN_INVALID, 0);
    if (i < GW__TOKEN_MAX_REFUSED)
      (void)until_asked(sub, GW_CODE_TOKEN_INVALID, &ask);
  }
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_ENDED);
  assert_int_equal(state_now(), GW_STATE_READY);
}

static void test_no_token_for_a_subscription(void **state) {
  (void)state;
  uint32_t ask;
  uint32_t sub = want(true, ""), other;
  connect_asking();
  give(asked(0, GW_CODE_OK), "one");
  rig_open(&r);
  say_welcome(0);
  ask = asked(sub, GW_CODE_OK);
  assert_int_equal(state_now(), GW_STATE_SYNCING);
  /* Not now. */
  assert_int_equal(gw_client_no_token(r.c, ask, GW_CODE_TIMEOUT), 0);
  rig_go(&r);
  assert_int_equal(state_now(), GW_STATE_READY);
  (void)until_asked(sub, GW_CODE_OK, &ask);
  assert_int_equal(gw_client_no_token(r.c, ask, 0), 0);
  rig_go(&r);
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_ENDED);
  rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  /* Refused is what the server would say: this is the end as well. */
  sub = want(true, "");
  (void)until_asked(sub, GW_CODE_OK, &ask);
  assert_int_equal(gw_client_no_token(r.c, ask, GW_CODE_EPOCH_CHANGED), 0);
  rig_go(&r);
  assert_int_equal(gw_client_sub_state(r.c, sub), GW_SUB_ENDED);
  /* One that was open is left as well. */
  other = live(100000);
  (void)until_asked(other, GW_CODE_OK, &ask);
  assert_int_equal(gw_client_no_token(r.c, ask, GW_CODE_PERMISSION_DENIED), 0);
  rig_go(&r);
  assert_int_equal(gw_client_sub_state(r.c, other), GW_SUB_ENDED);
  (void)rig_sent(&r, GW_FRAME_UNSUBSCRIBE);
}

static void test_an_answer_for_what_was_unsubscribed(void **state) {
  (void)state;
  ready("one", 0);
  uint32_t sub = want(true, "");
  rig_go(&r);
  uint32_t ask = asked(sub, GW_CODE_OK);
  assert_int_equal(gw_client_unsubscribe(r.c, sub), 0);
  rig_go(&r);
  assert_int_equal(gw_client_give_token(r.c, ask, gw_view_of("x")),
                   GW_ERR_NOT_FOUND);
}

static void test_a_late_answer_for_a_subscription(void **state) {
  (void)state;
  uint32_t late;
  gw_head head;
  ready("one", 0);
  uint32_t sub = live(100000);
  (void)until_asked(sub, GW_CODE_OK, &late);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  subscribe_has("one", &head); /* still good */
  say_live(head.request, 0, 20000);
  assert_int_equal(gw_client_give_token(r.c, late, gw_view_of("late")),
                   GW_ERR_NOT_FOUND);
  rig_go(&r);
  rig_not_sent(&r, GW_FRAME_REFRESH);
  uint32_t ask;
  assert_in_range(until_asked(sub, GW_CODE_OK, &ask), 13900, 16100);
}

/* ---- servers that refuse before anything is open ---------------------------------- */

static void test_refusals_before_the_opening_are_not_a_storm(void **state) {
  (void)state;
  static const uint32_t codes[] = {0, 1006, 1002, 4000 + GW_CODE_OVERLOADED,
                                   4000 + GW_CODE_RATE_LIMITED};
  for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    uint32_t opens = r.port.num_opens;
    connect_asking();
    for (uint64_t end = r.now + 60000; r.now < end; rig_run(&r, 1)) {
      if (r.port.wanted && !rig_is_up(&r)) gw_test_close(&r.port, codes[i]);
    }
    /* Half a second, doubling to twenty, each by jitter a half on average. */
    assert_in_range(r.port.num_opens - opens, 3, 40);
    gw_client_close(r.c);
    rig_go(&r);
  }
}

static void test_a_refusal_says_when_to_come_back(void **state) {
  (void)state;
  connect_asking();
  uint64_t from = r.now;
  r.port.wanted = false;
  gw_client_on_refused(r.c, r.port.generation, 4000 + GW_CODE_RATE_LIMITED,
                       30000, gw_view_of("429"));
  rig_go(&r);
  uint32_t opens = r.port.num_opens;
  while (r.port.num_opens == opens && r.now < from + 60000)
    rig_run(&r, 10);
  assert_in_range(r.now - from, 30000, 31000);
}

int main(void) {
#define TEST(name, how) \
  cmocka_unit_test_setup_teardown(test_##name, how, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(asks_before_it_connects, set_up),
      TEST(a_token_to_begin_with_is_used_first, set_up),
      TEST(answers_that_are_no_tokens, set_up),
      TEST(without_a_token_it_does_not_connect_as_nobody, set_up),
      TEST(any_other_code_is_the_end, set_up),
      TEST(not_now_is_asked_again_later_and_later, set_up),
      TEST(a_refused_token_is_not_tried_again, set_up),
      TEST(tokens_that_are_always_refused_are_the_end, set_up),
      TEST(a_static_token_that_is_refused_is_the_end, set_up_static),
      TEST(a_refusal_by_the_transport_is_one, set_up),
      TEST(renews_early_in_band, set_up),
      TEST(the_time_of_renewal_has_jitter, set_up),
      TEST(one_question_at_a_time, set_up),
      TEST(a_late_answer_is_not_for_a_newer_session, set_up),
      TEST(an_answer_to_a_closed_client_is_dropped, set_up),
      TEST(having_none_is_too_late_as_well, set_up),
      TEST(a_refused_renewal_is_tried_again_with_another, set_up),
      TEST(a_refused_renewal_waits_as_long_as_it_is_told, set_up),
      TEST(a_renewal_without_an_answer, set_up),
      TEST(no_token_for_a_renewal, set_up),
      TEST(a_token_that_is_over_is_not_sent, set_up),
      TEST(a_short_life_makes_no_storm, set_up),
      TEST(a_token_without_an_end_is_not_renewed, set_up),
      TEST(setting_a_token_answers_the_question, set_up),
      TEST(an_answer_from_inside_the_handler, set_up),
      TEST(a_subscription_waits_for_its_token, set_up),
      TEST(a_subscriptions_token_is_renewed, set_up),
      TEST(an_expired_subscription_asks_anew, set_up),
      TEST(a_static_token_that_ends_ends_it, set_up_static),
      TEST(a_static_token_that_is_refused_ends_it, set_up_static),
      TEST(subscription_tokens_that_are_always_refused, set_up),
      TEST(no_token_for_a_subscription, set_up),
      TEST(an_answer_for_what_was_unsubscribed, set_up),
      TEST(a_late_answer_for_a_subscription, set_up),
      TEST(refusals_before_the_opening_are_not_a_storm, set_up_static),
      TEST(a_refusal_says_when_to_come_back, set_up_static),
  };
#undef TEST
  return cmocka_run_group_tests_name("client_token", tests, NULL, NULL);
}
