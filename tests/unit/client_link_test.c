/* SPDX-License-Identifier: MIT */
/* client_link_test.c - opening, greeting, liveness, loss and coming back. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- hello --------------------------------------------------------------- */

static void first_message_holds_hello_and_all_that_is_wanted(void **state) {
  (void)state;
  gw_client_options o = {.token = gw_view_of("secret"),
                         .user = gw_view_of("ann"),
                         .agent = gw_view_of("test/1"),
                         .ping_interval_ms = 7000};
  rig r;
  rig_init(&r, &o);
  uint32_t sub = rig_sub(&r, "room:1", NULL);
  rig_sub(&r, "room:2", NULL);
  assert_int_equal(
      gw_client_presence_set(r.c, sub, gw_view_of("away"), (gw_payload){0}), 0);
  rig_publish(&r, "room:1", "later", NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  assert_int_equal(r.port.num_messages, 0);
  rig_open(&r);
  assert_int_equal(r.port.num_messages, 1);

  const gw_test_frame *f = rig_sent(&r, GW_FRAME_HELLO);
  gw_hello hello;
  assert_int_equal(gw_decode_hello(f->body, &hello), 0);
  assert_int_equal(hello.version, GW_PROTOCOL_VERSION);
  assert_int_equal(hello.instance.len, GW_INSTANCE_BYTES);
  assert_true(rig_view_is(hello.token, "secret"));
  assert_true(rig_view_is(hello.user, "ann"));
  assert_true(rig_view_is(hello.agent, "test/1"));
  assert_int_equal(hello.ping_interval_ms, 7000);
  gw_head head;
  gw_subscribe s = rig_sent_subscribe(&r, &head);
  assert_true(rig_view_is(s.channel, "room:1"));
  assert_int_equal(head.channel, sub);
  assert_int_equal(head.flags, GW_FLAG_ALIAS);
  assert_false(s.recover);
  s = rig_sent_subscribe(&r, &head);
  assert_true(rig_view_is(s.channel, "room:2"));
  f = rig_sent(&r, GW_FRAME_PRESENCE_SET);
  assert_int_equal(f->head.channel, sub);
  assert_int_equal(f->head.flags, GW_FLAG_ALIAS);
  rig_not_sent(&r, GW_FRAME_PUBLISH); /* limits are not known yet */
  rig_deinit(&r);
}

static void commands_only_queue(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  assert_int_equal(r.port.num_opens, 0);
  assert_int_equal(r.port.timer_ms, r.now);
  rig_go(&r);
  assert_int_equal(r.port.num_opens, 1);
  rig_open(&r);
  rig_welcome(&r);
  uint32_t messages = r.port.num_messages;
  rig_sub(&r, "a", NULL);
  rig_sub(&r, "b", NULL);
  rig_publish(&r, "c", "x", NULL);
  assert_int_equal(r.port.num_messages, messages);
  rig_go(&r);
  assert_int_equal(r.port.num_messages, messages + 1); /* one for all */
  rig_deinit(&r);
}

static void instance_is_the_same_on_each_connection(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  gw_hello a, b;
  uint8_t first[GW_INSTANCE_BYTES];
  assert_int_equal(gw_decode_hello(rig_sent(&r, GW_FRAME_HELLO)->body, &a), 0);
  memcpy(first, a.instance.data, sizeof first);
  gw_test_close(&r.port, 1006);
  rig_run(&r, 1000);
  rig_open(&r);
  assert_int_equal(gw_decode_hello(rig_sent(&r, GW_FRAME_HELLO)->body, &b), 0);
  assert_memory_equal(first, b.instance.data, sizeof first);
  rig_deinit(&r);
}

static void options_are_checked(void **state) {
  (void)state;
  uint64_t now = 0;
  gw_test_port p;
  const gw_client_options bad[] = {
      {.instance = gw_view_of("short")},
      {.user = {(const uint8_t *)"a\0b", 3}},
      {.agent = {(const uint8_t *)"\xff", 1}},
      {.num_endpoints = 1, .endpoints = &(const gw_view){NULL, 0}},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_null(gw_test_port_init(&p, &bad[i], &now, 1));
}

/* ---- before welcome ------------------------------------------------------ */

static void unwelcome_is_given_up_in_time(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_run(&r, 9999); /* never opens */
  rig_expect(&r, "connecting ");
  rig_run(&r, 1);
  rig_expect(&r, "waiting ");
  assert_int_equal(rig_info(&r).code, GW_CODE_HANDSHAKE_TIMEOUT);
  assert_int_equal(r.port.close_code, 4000 + GW_CODE_HANDSHAKE_TIMEOUT);
  rig_until_try(&r);
  rig_open(&r);
  rig_run(&r, 10000); /* opens, but is not welcome */
  rig_expect(&r, "connecting authenticating waiting ");
  rig_deinit(&r);
}

/** A close code, a Close frame or an Error answer refuse alike. */
static void refuse(rig *r, int how, uint32_t code, uint32_t retry_after) {
  gw_close close = {.code = code, .retry_after_ms = retry_after};
  if (how == 0) {
    gw_test_close(&r->port, 4000 + code);
    return;
  }
  rig_open(r);
  if (how == 1)
    rig_close(r, &close);
  else
    rig_error(r, rig_sent(r, GW_FRAME_HELLO)->head.request, code, retry_after);
}

static void a_refusal_is_never_retried_without_delay(void **state) {
  (void)state;
  for (int how = 0; how < 3; how++) {
    rig r;
    rig_init(&r, NULL);
    uint64_t start = r.now;
    assert_int_equal(gw_client_connect(r.c), 0);
    rig_go(&r);
    while (r.port.num_opens < 12) {
      uint32_t opens = r.port.num_opens;
      refuse(&r, how, GW_CODE_OVERLOADED, 0);
      assert_int_equal(r.port.num_opens, opens);
      assert_int_equal(rig_info(&r).state, r.now - start < 120000
                                               ? GW_STATE_WAITING
                                               : GW_STATE_SUSPENDED);
      assert_true(rig_info(&r).retry_at_ms > r.now);
      while (r.port.num_opens == opens)
        rig_run(&r, 1);
    }
    assert_in_range(r.now - start, 20000, 140000);
    rig_deinit(&r);
  }
}

static void retry_after_is_obeyed_also_when_the_application_hurries(void **s) {
  (void)s;
  for (int how = 1; how < 3; how++) {
    rig r;
    rig_init(&r, NULL);
    assert_int_equal(gw_client_connect(r.c), 0);
    rig_go(&r);
    uint64_t at = r.now;
    refuse(&r, how, GW_CODE_OVERLOADED, 30000);
    while (r.port.num_opens == 1) {
      assert_int_equal(gw_client_connect(r.c), 0);
      gw_client_on_wake(r.c, GW_WAKE_VISIBLE);
      rig_run(&r, 10);
    }
    assert_in_range(r.now - at, 30000, 30500);
    rig_deinit(&r);
  }
}

static void terminal_refusal_fails(void **state) {
  (void)state;
  for (int how = 0; how < 3; how++) {
    rig r;
    rig_init(&r, NULL);
    assert_int_equal(gw_client_connect(r.c), 0);
    rig_go(&r);
    refuse(&r, how, GW_CODE_PERMISSION_DENIED, 0);
    assert_int_equal(rig_info(&r).state, GW_STATE_FAILED);
    assert_int_equal(rig_info(&r).code, GW_CODE_PERMISSION_DENIED);
    rig_run(&r, 3600 * 1000);
    assert_int_equal(r.port.num_opens, 1);
    rig_ready(&r); /* the application may try again */
    rig_deinit(&r);
  }
}

static void an_expired_token_is_tried_again_only_when_it_is_another(void **s) {
  (void)s;
  gw_client_options o = {.token = gw_view_of("old")};
  rig r;
  rig_init(&r, &o);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  assert_int_equal(gw_client_set_token(r.c, gw_view_of("new")), 0);
  refuse(&r, 0, GW_CODE_TOKEN_EXPIRED, 0);
  assert_int_equal(rig_info(&r).state, GW_STATE_WAITING);
  rig_run(&r, 1000);
  assert_int_equal(gw_client_set_token(r.c, gw_view_of("new")), 0); /* same */
  rig_open(&r);
  gw_hello hello;
  (void)rig_sent(&r, GW_FRAME_HELLO);
  assert_int_equal(gw_decode_hello(rig_sent(&r, GW_FRAME_HELLO)->body, &hello),
                   0);
  assert_true(rig_view_is(hello.token, "new"));
  refuse(&r, 0, GW_CODE_TOKEN_EXPIRED, 0);
  assert_int_equal(rig_info(&r).state, GW_STATE_FAILED);
  assert_int_equal(rig_info(&r).code, GW_CODE_TOKEN_EXPIRED);
  rig_run(&r, 600000);
  assert_int_equal(r.port.num_opens, 2);
  rig_deinit(&r);
}

static void attempts_run_out(void **state) {
  (void)state;
  gw_client_options o = {.retry = {.attempts = 3}};
  rig r;
  rig_init(&r, &o);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  for (int i = 0; i < 2; i++) {
    gw_test_close(&r.port, 0);
    rig_run(&r, 5000);
  }
  gw_test_close(&r.port, 0);
  assert_int_equal(rig_info(&r).state, GW_STATE_FAILED);
  assert_int_equal(rig_info(&r).code, GW_CODE_ATTEMPTS_EXHAUSTED);
  assert_int_equal(r.port.num_opens, 3);
  rig_ready(&r); /* counts anew */
  assert_int_equal(rig_info(&r).attempt, 1);
  rig_deinit(&r);
}

static void attempts_are_forgotten_after_a_stable_time(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  assert_int_equal(rig_info(&r).attempt, 1);
  rig_run(&r, 4999);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  assert_int_equal(rig_info(&r).attempt, 2);
  rig_run(&r, 5000);
  assert_int_equal(rig_info(&r).attempt, 0);
  rig_deinit(&r);
}

static void endpoints_take_turns_and_a_close_may_name_another(void **state) {
  (void)state;
  gw_view endpoints[] = {gw_view_of("one"), gw_view_of("two")};
  gw_client_options o = {.endpoints = endpoints, .num_endpoints = 2};
  rig r;
  rig_init(&r, &o);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  const char *want[] = {"one", "two", "one"};
  for (int i = 0; i < 3; i++) {
    assert_string_equal(r.port.endpoint, want[i]);
    gw_test_close(&r.port, 0);
    rig_until_try(&r);
  }
  assert_string_equal(r.port.endpoint, "two");
  rig_open(&r);
  rig_welcome(&r);
  rig_run(&r, 6000);
  gw_test_close(&r.port, 0);
  rig_until_try(&r);
  assert_string_equal(r.port.endpoint, "two"); /* it was good */
  rig_open(&r);
  gw_close close = {.code = GW_CODE_SHUTDOWN, .endpoint = gw_view_of("three")};
  rig_close(&r, &close);
  rig_until_try(&r);
  assert_string_equal(r.port.endpoint, "three");
  assert_true(rig_view_is(rig_info(&r).endpoint, "three"));
  gw_test_close(&r.port, 0);
  rig_until_try(&r);
  assert_string_equal(r.port.endpoint, "one");
  rig_deinit(&r);
}

/* ---- generations --------------------------------------------------------- */

static void news_of_an_old_transport_are_ignored(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  gw_client_close(r.c);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  assert_int_equal(r.port.generation, 2);
  rig_forget(&r);
  gw_view none = {NULL, 0};
  gw_client_on_closed(r.c, 1, 4513, none);
  gw_client_on_data(r.c, 1, gw_view_of("garbage"), true);
  gw_client_on_open(r.c, 1);
  gw_client_on_closed(r.c, 3, 1006, none);
  rig_expect(&r, "");
  rig_open(&r);
  gw_client_on_open(r.c, 2); /* twice */
  rig_welcome(&r);
  gw_client_on_closed(r.c, 1, 1000, none);
  rig_expect(&r, "authenticating syncing ready ");
  gw_test_close(&r.port, 1006);
  gw_client_on_closed(r.c, 2, 4513, none); /* told already */
  rig_expect(&r, "waiting ");
  rig_deinit(&r);
}

static void close_then_connect_makes_a_new_connection(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_forget(&r);
  gw_client_close(r.c);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_expect(&r, "closed connecting ");
  assert_int_equal(gw_client_connect(r.c), 0);
  gw_client_close(r.c);
  rig_go(&r);
  rig_expect(&r, "closed ");
  rig_deinit(&r);
}

/* ---- liveness ------------------------------------------------------------ */

static void answers_pings_and_measures_the_round_trip(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  gw_ping ping;
  assert_int_equal(gw_decode_ping(rig_sent(&r, GW_FRAME_PING)->body, &ping),
                   0); /* one of its own after the Welcome */
  rig_run(&r, 42);
  rig_pong(&r, ping.time + 1); /* not its own */
  assert_null(gw_test_take_event(&r.port, GW_EVENT_RTT));
  rig_pong(&r, ping.time);
  assert_int_equal(gw_test_take_event(&r.port, GW_EVENT_RTT)->u.rtt.ms, 42);
  assert_int_equal(rig_info(&r).rtt_ms, 42);
  rig_pong(&r, ping.time);
  assert_null(gw_test_take_event(&r.port, GW_EVENT_RTT));

  rig_ping(&r, 999);
  gw_ping pong;
  assert_int_equal(gw_decode_ping(rig_sent(&r, GW_FRAME_PONG)->body, &pong), 0);
  assert_int_equal(pong.time, 999);
  assert_int_equal(gw_decode_ping(rig_sent(&r, GW_FRAME_PING)->body, &ping), 0);
  rig_pong(&r, ping.time);
  assert_int_equal(rig_info(&r).rtt_ms, 1); /* rounded up */
  rig_deinit(&r);
}

static void silence_degrades_then_ends_the_link(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_forget(&r);
  rig_run(&r, 29999);
  rig_expect(&r, "");
  rig_run(&r, 1);
  rig_expect(&r, "degraded ");
  rig_sent(&r, GW_FRAME_PING); /* a last question */
  rig_run(&r, 4000);
  rig_empty(&r, 200, 0, 0); /* any byte counts */
  rig_expect(&r, "ready ");
  assert_int_equal(rig_info(&r).num_ignored, 1);
  rig_run(&r, 34999);
  rig_expect(&r, "degraded ");
  rig_run(&r, 1);
  rig_expect(&r, "waiting ");
  assert_int_equal(rig_info(&r).code, GW_CODE_PING_TIMEOUT);
  assert_int_equal(r.port.close_code, 4104);
  rig_deinit(&r);
}

static void deadlines_are_compared_with_the_clock_after_sleep(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_forget(&r);
  r.now += 3600 * 1000; /* no timer ran */
  gw_client_on_wake(r.c, GW_WAKE_VISIBLE);
  rig_expect(&r, "waiting ");
  assert_in_range(rig_info(&r).retry_at_ms, r.now + 1, r.now + 500);
  rig_deinit(&r);
}

static void a_wake_probes_a_silent_link(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_run(&r, 1000);
  rig_forget(&r);
  gw_client_on_wake(r.c, GW_WAKE_VISIBLE);
  rig_not_sent(&r, GW_FRAME_PING); /* it spoke a moment ago */
  rig_run(&r, 1000);
  gw_client_on_wake(r.c, GW_WAKE_HIDDEN);
  rig_not_sent(&r, GW_FRAME_PING);
  gw_client_on_wake(r.c, GW_WAKE_VISIBLE);
  rig_sent(&r, GW_FRAME_PING);
  rig_run(&r, 4999);
  rig_empty(&r, 200, 0, 0);
  rig_run(&r, 2000);
  rig_expect(&r, "");
  gw_client_on_wake(r.c, GW_WAKE_ONLINE);
  rig_run(&r, 5000);
  rig_expect(&r, "waiting ");
  assert_int_equal(rig_info(&r).code, GW_CODE_PING_TIMEOUT);
  rig_deinit(&r);
}

static void a_wake_cuts_a_wait_short(void **state) {
  (void)state;
  gw_client_options o = {.retry = {.base_ms = 10000,
                                   .cap_ms = 20000,
                                   .multiplier_permille = 2000}};
  rig r;
  rig_init(&r, &o);
  rig_ready(&r);
  gw_test_close(&r.port, 1006);
  assert_int_equal(rig_info(&r).retry_at_ms, r.now + 10000);
  rig_run(&r, 100);
  gw_client_on_wake(r.c, GW_WAKE_ONLINE);
  assert_int_equal(r.port.num_opens, 1); /* many wake at once: jitter */
  rig_run(&r, 251);
  assert_int_equal(r.port.num_opens, 2);
  rig_deinit(&r);
}

/** A client whose host says that it is offline, while its server answers. */
static void answer_offline(rig *r) {
  gw_ping ping;
  rig_ready(r);
  rig_forget(r);
  gw_client_on_wake(r->c, GW_WAKE_OFFLINE);
  assert_int_equal(gw_decode_ping(rig_sent(r, GW_FRAME_PING)->body, &ping), 0);
  rig_pong(r, ping.time);
}

static void offline_suspends_and_keeps_an_open_link(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  answer_offline(&r);
  rig_run(&r, 10000);
  rig_expect(&r, ""); /* the host was wrong */
  gw_client_on_wake(r.c, GW_WAKE_OFFLINE);
  rig_run(&r, 5000);
  rig_expect(&r, "suspended ");
  assert_in_range(rig_info(&r).retry_at_ms, r.now + 20000, r.now + 20500);
  rig_run(&r, 15000);
  assert_int_equal(r.port.num_opens, 1);
  gw_client_on_wake(r.c, GW_WAKE_ONLINE);
  rig_expect(&r, "waiting ");
  rig_run(&r, 251);
  assert_int_equal(r.port.num_opens, 2);

  gw_client_on_wake(r.c, GW_WAKE_OFFLINE);
  gw_test_close(&r.port, 1006);
  rig_run(&r, 30000); /* onLine is not to be believed for ever */
  assert_int_equal(r.port.num_opens, 3);
  rig_deinit(&r);
}

static void offline_counts_no_more_after_an_answer(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  answer_offline(&r);
  gw_test_close(&r.port, 1006);
  rig_expect(&r, "waiting "); /* the host was wrong */
  assert_in_range(rig_info(&r).retry_at_ms, r.now, r.now + 500);
  rig_deinit(&r);
}

static void offline_counts_no_more_after_an_end(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  gw_client_on_wake(r.c, GW_WAKE_OFFLINE);
  gw_client_close(r.c);
  rig_run(&r, 1);
  rig_forget(&r);
  /* Nobody listened to the host meanwhile, so that its word is old. */
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_run(&r, 1);
  gw_test_close(&r.port, 1006);
  rig_expect(&r, "connecting waiting ");
  assert_in_range(rig_info(&r).retry_at_ms, r.now, r.now + 500);
  rig_deinit(&r);
}

static void a_long_loss_suspends(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  uint64_t lost = r.now;
  gw_test_close(&r.port, 1006);
  rig_forget(&r);
  while (r.now < lost + 121000) {
    rig_run(&r, 100);
    if (r.port.wanted) gw_test_close(&r.port, 1006);
  }
  assert_int_equal(rig_info(&r).state, GW_STATE_SUSPENDED);
  rig_forget(&r);
  rig_back(&r);
  rig_expect_within(&r, "connecting authenticating syncing ready ");
  rig_deinit(&r);
}

/* ---- the server's faults ------------------------------------------------- */

static void broken_bytes_end_the_link_and_it_comes_back(void **state) {
  (void)state;
  static const uint8_t hello_again[] = {4, GW_FRAME_WELCOME, 0, 0, 0};
  static const uint8_t unknown[] = {4, 99, 0, 0, 0};
  static const uint8_t chunk[] = {4, GW_FRAME_PING, GW_FLAG_MORE, 0, 0};
  static const uint8_t bad_body[] = {5, GW_FRAME_PONG, 0, 0, 0, 0xFF};
  static const uint8_t cut[] = {4, GW_FRAME_PING, 0};
  static const uint8_t huge[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x0F};
  static const uint8_t hello[] = {4, GW_FRAME_HELLO, 0, 0, 0};
  const struct {
    gw_view bytes;
    uint32_t code;
  } cases[] = {
      {{hello_again, sizeof hello_again}, GW_CODE_PROTOCOL},
      {{unknown, sizeof unknown}, GW_CODE_PROTOCOL},
      {{chunk, sizeof chunk}, GW_CODE_PROTOCOL},
      {{bad_body, sizeof bad_body}, GW_CODE_PROTOCOL},
      {{cut, sizeof cut}, GW_CODE_PROTOCOL},
      {{huge, sizeof huge}, GW_CODE_TOO_BIG},
      {{hello, sizeof hello}, GW_CODE_PROTOCOL},
  };
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rig_forget(&r);
    rig_bytes(&r, cases[i].bytes.data, cases[i].bytes.len);
    rig_expect(&r, "waiting ");
    assert_int_equal(rig_info(&r).code, cases[i].code);
    gw_close close;
    assert_int_equal(
        gw_decode_close(rig_sent(&r, GW_FRAME_CLOSE)->body, &close), 0);
    assert_int_equal(close.code, cases[i].code);
    assert_int_equal(r.port.close_code, 4000 + cases[i].code);
    rig_back(&r);
  }
  rig_deinit(&r);
}

static void requests_before_welcome_are_a_fault(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  rig_ping(&r, 1); /* a ping is not */
  rig_publication(&r, 1, 1, 1, 1);
  assert_int_equal(rig_info(&r).code, GW_CODE_PROTOCOL);
  rig_deinit(&r);
}

static void nothing_of_a_message_is_told_after_a_close(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_sub(&r, "a", NULL);
  rig_ready(&r);
  rig_live(&r, 9, 0);
  rig_forget(&r);
  uint8_t block[256];
  gw_out out = {block, 0, sizeof block};
  gw_head head = {.type = GW_FRAME_CLOSE};
  gw_close close = {.code = GW_CODE_SHUTDOWN};
  assert_int_equal(gw_encode_close(&out, &head, &close), 0);
  gw_head push = {.type = GW_FRAME_PUBLICATION, .channel = 9};
  gw_publication m = {.offset = 1};
  assert_int_equal(gw_encode_publication(&out, &push, &m), 0);
  rig_bytes(&r, out.data, out.len);
  rig_expect(&r, "waiting sub1:idle ");
  rig_deinit(&r);
}

static void frames_may_come_byte_by_byte(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_sub(&r, "a", NULL);
  rig_ready(&r);
  rig_live(&r, 9, 0);
  rig_forget(&r);
  uint8_t block[256];
  gw_out out = {block, 0, sizeof block};
  gw_head push = {.type = GW_FRAME_PUBLICATION, .channel = 9};
  for (uint64_t offset = 1; offset <= 3; offset++) {
    gw_publication m = {.offset = offset, .data = gw_view_of("hello")};
    assert_int_equal(gw_encode_publication(&out, &push, &m), 0);
  }
  for (size_t i = 0; i < out.len; i++)
    gw_client_on_data(r.c, r.port.generation, (gw_view){block + i, 1},
                      i + 1 == out.len);
  rig_expect(&r, "pub1:1 pub1:2 pub1:3 ");
  rig_deinit(&r);
}

/* ---- handlers ------------------------------------------------------------ */

static int what_to_do;

static void handler(gw_test_port *p, const gw_event *e) {
  if (e->type != GW_EVENT_STATE) return;
  if (what_to_do == 1) { /* always the contrary */
    if (e->u.state.to == GW_STATE_CLOSED) {
      (void)!gw_client_connect(p->client);
    } else {
      gw_client_close(p->client);
    }
  } else if (what_to_do == 2 && e->u.state.to == GW_STATE_WAITING) {
    (void)!gw_client_connect(p->client);
  } else if (what_to_do == 3 && e->u.state.to == GW_STATE_CLOSED) {
    (void)!gw_client_connect(p->client);
  }
}

static void contrary_handlers_do_not_hang_the_host(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  r.port.hooks.event = handler;
  what_to_do = 1;
  r.port.keep_records = false;
  assert_int_equal(gw_client_connect(r.c), 0);
  assert_true(gw_test_tick(&r.port)); /* returns, and goes on by the timer */
  assert_int_equal(r.port.timer_ms, r.now);
  what_to_do = 0;
  rig_go(&r);
  gw_client_close(r.c);
  rig_go(&r);
  assert_int_equal(rig_info(&r).state, GW_STATE_CLOSED);
  r.port.keep_records = true;
  rig_ready(&r);
  assert_int_equal(rig_info(&r).state, GW_STATE_READY);
  rig_deinit(&r);
}

static void connect_from_the_handler_of_a_loss(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  r.port.hooks.event = handler;
  what_to_do = 2;
  rig_forget(&r);
  gw_test_close(&r.port, 1006);
  rig_go(&r);
  rig_expect(&r, "waiting connecting ");
  what_to_do = 3;
  rig_open(&r);
  rig_welcome(&r);
  rig_expect(&r, "authenticating syncing ready ");
  gw_client_close(r.c);
  rig_go(&r);
  rig_expect(&r, "closed connecting ");
  what_to_do = 0;
  rig_open(&r);
  rig_welcome(&r);
  assert_int_equal(rig_info(&r).state, GW_STATE_READY);
  rig_deinit(&r);
}

static void talk_back(gw_test_port *p, const gw_event *e) {
  if (e->type != GW_EVENT_PUBLICATION) return;
  gw_client_on_timer(p->client);
  gw_client_on_wake(p->client, GW_WAKE_VISIBLE);
  gw_client_on_open(p->client, p->generation);
  gw_client_on_data(p->client, p->generation, gw_view_of("x"), true);
  gw_client_on_closed(p->client, p->generation, 1000, (gw_view){NULL, 0});
}

static void news_from_inside_a_handler_cost_the_link_only(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t sub = rig_sub(&r, "a", NULL);
  rig_ready(&r);
  rig_live(&r, 9, 0);
  r.port.hooks.event = talk_back;
  rig_forget(&r);
  rig_publication(&r, 9, 1, 0, 0);
  rig_expect(&r, "pub1:1 waiting sub1:idle ");
  assert_int_equal(gw_client_sub_position(r.c, sub).offset, 1);
  rig_back(&r);
  assert_int_equal(rig_info(&r).state, GW_STATE_SYNCING);
  rig_deinit(&r);
}

static void a_wait_is_drawn_again_with_a_new_policy(void **state) {
  (void)state;
  gw_client_options o = {.retry = gw_retry_conservative};
  rig r;
  rig_init(&r, &o);
  rig_ready(&r);
  gw_close close = {.code = GW_CODE_SHUTDOWN, .retry_after_ms = 50};
  rig_close(&r, &close);
  gw_client_set_retry(r.c, &gw_retry_aggressive);
  assert_in_range(rig_info(&r).retry_at_ms, r.now + 50, r.now + 100);
  rig_run(&r, 100);
  assert_int_equal(r.port.num_opens, 2);
  rig_deinit(&r);
}

static void says_whether_it_was_resumed(void **state) {
  (void)state;
  gw_welcome w = {.version = 1, .connection = 5, .client = RIG_CLIENT_ID};
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  assert_false(rig_info(&r).resumed);
  for (int i = 0; i < 2; i++) {
    gw_test_close(&r.port, 1006);
    rig_until_try(&r);
    rig_open(&r);
    w.resumed = i == 0;
    rig_welcome_with(&r, &w);
    assert_int_equal(rig_info(&r).resumed, i == 0);
  }
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_message_holds_hello_and_all_that_is_wanted),
      cmocka_unit_test(commands_only_queue),
      cmocka_unit_test(instance_is_the_same_on_each_connection),
      cmocka_unit_test(options_are_checked),
      cmocka_unit_test(unwelcome_is_given_up_in_time),
      cmocka_unit_test(a_refusal_is_never_retried_without_delay),
      cmocka_unit_test(retry_after_is_obeyed_also_when_the_application_hurries),
      cmocka_unit_test(terminal_refusal_fails),
      cmocka_unit_test(an_expired_token_is_tried_again_only_when_it_is_another),
      cmocka_unit_test(attempts_run_out),
      cmocka_unit_test(attempts_are_forgotten_after_a_stable_time),
      cmocka_unit_test(endpoints_take_turns_and_a_close_may_name_another),
      cmocka_unit_test(news_of_an_old_transport_are_ignored),
      cmocka_unit_test(says_whether_it_was_resumed),
      cmocka_unit_test(close_then_connect_makes_a_new_connection),
      cmocka_unit_test(answers_pings_and_measures_the_round_trip),
      cmocka_unit_test(silence_degrades_then_ends_the_link),
      cmocka_unit_test(deadlines_are_compared_with_the_clock_after_sleep),
      cmocka_unit_test(a_wake_probes_a_silent_link),
      cmocka_unit_test(a_wake_cuts_a_wait_short),
      cmocka_unit_test(offline_suspends_and_keeps_an_open_link),
      cmocka_unit_test(offline_counts_no_more_after_an_answer),
      cmocka_unit_test(offline_counts_no_more_after_an_end),
      cmocka_unit_test(a_long_loss_suspends),
      cmocka_unit_test(broken_bytes_end_the_link_and_it_comes_back),
      cmocka_unit_test(requests_before_welcome_are_a_fault),
      cmocka_unit_test(nothing_of_a_message_is_told_after_a_close),
      cmocka_unit_test(frames_may_come_byte_by_byte),
      cmocka_unit_test(contrary_handlers_do_not_hang_the_host),
      cmocka_unit_test(connect_from_the_handler_of_a_loss),
      cmocka_unit_test(news_from_inside_a_handler_cost_the_link_only),
      cmocka_unit_test(a_wait_is_drawn_again_with_a_new_policy),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
