/* SPDX-License-Identifier: MIT */
/* client_publish_test.c - publications: in order, again when in doubt, settled
 * once. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** The requests of the next num Publishes, which must have these keys. */
static void expect_sent(rig *r, const uint64_t *keys, const uint64_t *afters,
                        uint32_t *requests, size_t num) {
  for (size_t i = 0; i < num; i++) {
    gw_head head;
    gw_publish m = rig_sent_publish(r, &head);
    assert_int_equal(m.key, keys[i]);
    assert_int_equal(m.after, afters[i]);
    requests[i] = head.request;
  }
  rig_not_sent(r, GW_FRAME_PUBLISH);
}

static void acknowledged_with_its_position(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint64_t key = rig_publish(&r, "a", "hello", NULL); /* before connecting */
  assert_int_equal(key, 1);
  assert_int_equal(rig_info(&r).outbox_count, 1);
  assert_true(rig_info(&r).outbox_bytes > 5);
  rig_ready(&r);
  gw_head head;
  gw_publish m = rig_sent_publish(&r, &head);
  assert_int_equal(head.channel, 0);
  assert_true(rig_view_is(m.channel, "a") && rig_view_is(m.data, "hello"));
  assert_int_equal(m.key, key);
  rig_published(&r, head.request, 12, false);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_PUBLISHED);
  assert_int_equal(e->u.published.key, key);
  assert_int_equal(e->u.published.code, GW_CODE_OK);
  assert_int_equal(e->u.published.position.offset, 12);
  assert_int_equal(e->u.published.position.epoch, RIG_EPOCH);
  assert_int_equal(rig_info(&r).outbox_count, 0);
  assert_int_equal(rig_info(&r).outbox_bytes, 0);
  rig_published(&r, head.request, 12, false);
  assert_null(gw_test_take_event(&r.port, GW_EVENT_PUBLISHED));
  rig_deinit(&r);
}

static void options_reach_the_wire(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t sub = rig_sub(&r, "a", NULL);
  rig_ready(&r);
  rig_live(&r, 9, 5);
  gw_publish_options o = {.no_echo = true,
                          .compare = true,
                          .expected = {RIG_EPOCH, 5},
                          .ttl_ms = 700,
                          .item = gw_view_of("bus 7")};
  gw_payload json = {GW_PAYLOAD_JSON, gw_view_of("{\"a\":1}")};
  uint64_t key;
  assert_int_equal(gw_client_publish(r.c, gw_view_of("a"), json, &o, &key), 0);
  rig_go(&r);
  gw_head head;
  gw_publish m = rig_sent_publish(&r, &head);
  assert_int_equal(head.channel, sub); /* by alias, without the name */
  assert_int_equal(head.flags, GW_FLAG_ALIAS);
  assert_int_equal(m.channel.len, 0);
  assert_true(rig_view_is(m.json, "{\"a\":1}") && m.data.len == 0);
  assert_true(m.no_echo && m.compare && m.epoch == RIG_EPOCH && m.offset == 5 &&
              m.ttl_ms == 700 && rig_view_is(m.item, "bus 7"));
  rig_error(&r, head.request, GW_CODE_CONFLICT, 0);
  rig_expect_within(&r, "nack1:511 ");
  rig_deinit(&r);
}

static void an_item_is_a_short_text(void **state) {
  (void)state;
  uint8_t item[GW_MAX_ITEM_BYTES + 1];
  memset(item, 'i', sizeof item);
  rig r;
  rig_init(&r, NULL);
  uint64_t key;
  gw_payload none = {GW_PAYLOAD_BYTES, {NULL, 0}};
  gw_publish_options o = {.item = {item, GW_MAX_ITEM_BYTES}};
  assert_int_equal(gw_client_publish(r.c, gw_view_of("a"), none, &o, &key), 0);
  o.item.len++;
  assert_int_equal(gw_client_publish(r.c, gw_view_of("a"), none, &o, &key),
                   GW_ERR_TOO_BIG);
  o.item = gw_view_of("\xff");
  assert_int_equal(gw_client_publish(r.c, gw_view_of("a"), none, &o, &key),
                   GW_ERR_TEXT);
  assert_int_equal(rig_info(&r).outbox_count, 1);
  rig_deinit(&r);
}

static void each_follows_the_one_before_in_its_channel(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_publish(&r, "a", "1", NULL);
  rig_publish(&r, "b", "2", NULL);
  rig_publish(&r, "a", "3", NULL);
  rig_publish(&r, "b", "4", NULL);
  rig_go(&r);
  uint32_t req[4];
  expect_sent(&r, (uint64_t[]){1, 2, 3, 4}, (uint64_t[]){0, 0, 1, 2}, req, 4);
  rig_published(&r, req[0], 1, false);
  rig_publish(&r, "a", "5", NULL);
  rig_go(&r);
  expect_sent(&r, (uint64_t[]){5}, (uint64_t[]){3}, req, 1);
  rig_deinit(&r);
}

static void a_refusal_resends_from_there_in_order(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  for (int i = 0; i < 4; i++)
    rig_publish(&r, "a", "x", NULL);
  rig_publish(&r, "b", "x", NULL);
  rig_go(&r);
  uint32_t req[5], again[5];
  expect_sent(&r, (uint64_t[]){1, 2, 3, 4, 5}, (uint64_t[]){0, 1, 2, 3, 0}, req,
              5);
  rig_error(&r, req[1], GW_CODE_RATE_LIMITED, 2000);
  rig_error(&r, req[2], GW_CODE_PRECEDING_REFUSED, 0);
  rig_error(&r, req[3], GW_CODE_PRECEDING_REFUSED, 0);
  rig_published(&r, req[4], 1, false); /* another channel goes on */
  rig_publish(&r, "a", "x", NULL);
  rig_run(&r, 1999);
  rig_not_sent(&r, GW_FRAME_PUBLISH);
  rig_run(&r, 1);
  expect_sent(&r, (uint64_t[]){2, 3, 4, 6}, (uint64_t[]){1, 2, 3, 4}, again, 4);
  rig_published(&r, req[0], 1, false);
  rig_expect_within(&r, "ack5 ack1 ");
  rig_published(&r, again[0], 2, false);
  rig_expect(&r, "ack2 ");
  rig_deinit(&r);
}

static void a_terminal_refusal_does_not_hold_up_those_behind(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_forget(&r);
  for (int i = 0; i < 3; i++)
    rig_publish(&r, "a", "x", NULL);
  rig_go(&r);
  uint32_t req[3];
  expect_sent(&r, (uint64_t[]){1, 2, 3}, (uint64_t[]){0, 1, 2}, req, 3);
  rig_error(&r, req[1], GW_CODE_TOO_BIG, 0);
  rig_expect(&r, "nack2:502 ");
  rig_not_sent(&r, GW_FRAME_PUBLISH);
  /* A server that cannot tell why the one before was refused. */
  rig_error(&r, req[2], GW_CODE_PRECEDING_REFUSED, 0);
  rig_run(&r, 500);
  expect_sent(&r, (uint64_t[]){3}, (uint64_t[]){1}, req, 1);
  rig_deinit(&r);
}

static void a_loss_resends_what_is_not_acknowledged(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_publish(&r, "a", "1", NULL);
  rig_publish(&r, "b", "2", NULL);
  rig_publish(&r, "a", "3", NULL);
  rig_publish(&r, "a", "4", NULL);
  rig_go(&r);
  uint32_t req[4];
  expect_sent(&r, (uint64_t[]){1, 2, 3, 4}, (uint64_t[]){0, 0, 1, 3}, req, 4);
  rig_published(&r, req[0], 1, false);
  gw_test_close(&r.port, 1006);
  rig_expect_within(&r, "ack1 waiting ");
  rig_publish(&r, "a", "5", NULL);
  rig_back(&r);
  expect_sent(&r, (uint64_t[]){2, 3, 4, 5}, (uint64_t[]){0, 0, 3, 4}, req, 4);
  rig_published(&r, req[1], 3, true);
  gw_test_take_event(&r.port, GW_EVENT_PUBLISHED);
  assert_true(
      gw_test_take_event(&r.port, GW_EVENT_PUBLISHED)->u.published.duplicate);
  rig_deinit(&r);
}

static void no_answer_means_again_after_the_timeout(void **state) {
  (void)state;
  gw_client_options o = {.request_timeout_ms = 3000};
  rig r;
  rig_init(&r, &o);
  rig_ready(&r);
  rig_publish(&r, "a", "1", NULL);
  rig_publish(&r, "a", "2", NULL);
  rig_go(&r);
  uint32_t req[2], again[2];
  expect_sent(&r, (uint64_t[]){1, 2}, (uint64_t[]){0, 1}, req, 2);
  rig_run(&r, 2999);
  rig_not_sent(&r, GW_FRAME_PUBLISH);
  rig_run(&r, 1);
  expect_sent(&r, (uint64_t[]){1, 2}, (uint64_t[]){0, 1}, again, 2);
  rig_published(&r, req[0], 1, false); /* late: known by the new one only */
  rig_published(&r, again[0], 1, true);
  rig_expect_within(&r, "ready ack1 ");
  rig_deinit(&r);
}

static void keeps_to_the_limit_in_flight(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  for (int i = 0; i < 100; i++)
    rig_publish(&r, "a", "x", NULL);
  rig_publish(&r, "b", "x", NULL);
  rig_go(&r);
  gw_head head;
  uint32_t first = 0;
  for (uint64_t i = 1; i <= GW_MAX_INFLIGHT; i++) {
    assert_int_equal(rig_sent_publish(&r, &head).key, i);
    if (i == 1) first = head.request;
  }
  assert_int_equal(rig_sent_publish(&r, &head).key, 101); /* not held up */
  rig_not_sent(&r, GW_FRAME_PUBLISH);
  rig_published(&r, first, 1, false);
  assert_int_equal(rig_sent_publish(&r, &head).key, GW_MAX_INFLIGHT + 1);
  rig_deinit(&r);
}

static void paces_to_the_announced_rate(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  for (int i = 0; i < 50; i++)
    rig_publish(&r, "a", "x", NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  gw_welcome w = {.version = 1, .limits = {.publish_per_second = 10}};
  rig_welcome_with(&r, &w);
  uint32_t sent = 0;
  gw_head head;
  while (gw_test_take_frame(&r.port, GW_FRAME_PUBLISH) != NULL)
    sent++;
  assert_int_equal(sent, 10);
  rig_run(&r, 99);
  rig_not_sent(&r, GW_FRAME_PUBLISH);
  rig_run(&r, 1);
  rig_sent_publish(&r, &head);
  rig_not_sent(&r, GW_FRAME_PUBLISH);
  rig_run(&r, 2000);
  for (sent = 0; gw_test_take_frame(&r.port, GW_FRAME_PUBLISH) != NULL;)
    sent++;
  assert_int_equal(sent, 20);
  rig_deinit(&r);
}

static void refuses_what_is_over_the_limits(void **state) {
  (void)state;
  gw_client_options o = {.outbox_max_count = 3, .outbox_max_bytes = 1000};
  rig r;
  rig_init(&r, &o);
  static uint8_t zeros[2000];
  uint64_t key;
  gw_view a = gw_view_of("a");
  gw_payload big = {GW_PAYLOAD_BYTES, {zeros, 950}};
  gw_payload small = {GW_PAYLOAD_BYTES, {zeros, 10}};
  gw_payload not_text = {GW_PAYLOAD_JSON, {zeros, 10}};
  assert_int_equal(gw_client_publish(r.c, a, big, NULL, &key), GW_ERR_FULL);
  assert_int_equal(gw_client_publish(r.c, a, not_text, NULL, &key),
                   GW_ERR_TEXT);
  assert_int_equal(
      gw_client_publish(r.c, (gw_view){NULL, 0}, small, NULL, &key),
      GW_ERR_INVALID);
  gw_publish_options once = {.at_most_once = true};
  assert_int_equal(gw_client_publish(r.c, a, small, &once, &key), GW_ERR_STATE);
  for (int i = 0; i < 3; i++)
    assert_int_equal(gw_client_publish(r.c, a, small, NULL, &key), 0);
  assert_int_equal(gw_client_publish(r.c, a, small, NULL, &key), GW_ERR_FULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  gw_welcome w = {.version = 1, .limits = {.max_frame_bytes = 300}};
  rig_welcome_with(&r, &w);
  gw_payload over = {GW_PAYLOAD_BYTES, {zeros, 290}};
  assert_int_equal(gw_client_publish(r.c, a, over, NULL, &key), GW_ERR_TOO_BIG);
  gw_client_close(r.c);
  assert_int_equal(gw_client_publish(r.c, a, small, NULL, &key), GW_ERR_STATE);
  rig_deinit(&r);
}

static void what_is_over_a_limit_learnt_later_is_told(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  static uint8_t zeros[2000];
  uint64_t key;
  gw_payload big = {GW_PAYLOAD_BYTES, {zeros, 900}};
  assert_int_equal(gw_client_publish(r.c, gw_view_of("a"), big, NULL, &key), 0);
  rig_publish(&r, "a", "small", NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  gw_welcome w = {.version = 1, .limits = {.max_frame_bytes = 300}};
  rig_welcome_with(&r, &w);
  rig_expect_within(&r, "nack1:502 ");
  uint32_t req;
  expect_sent(&r, (uint64_t[]){2}, (uint64_t[]){0}, &req, 1);
  rig_deinit(&r);
}

static void messages_keep_to_the_announced_size(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  static uint8_t zeros[900];
  uint64_t key;
  gw_payload big = {GW_PAYLOAD_BYTES, {zeros, sizeof zeros}};
  for (int i = 0; i < 10; i++)
    assert_int_equal(gw_client_publish(r.c, gw_view_of("a"), big, NULL, &key),
                     0);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  uint32_t before = r.port.num_messages;
  gw_welcome w = {.version = 1, .limits = {.max_message_bytes = 2000}};
  rig_welcome_with(&r, &w);
  assert_int_equal(r.port.num_messages - before, 5); /* two in each */
  rig_deinit(&r);
}

/* ---- echo ---------------------------------------------------------------- */

static uint32_t live_rig(rig *r) {
  rig_init(r, NULL);
  uint32_t sub = rig_sub(r, "a", NULL);
  rig_ready(r);
  rig_live(r, 9, 0);
  rig_forget(r);
  return sub;
}

static void its_echo_acknowledges(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  rig_publish(&r, "a", "x", NULL);
  rig_go(&r);
  gw_head head;
  rig_sent_publish(&r, &head);
  rig_publication(&r, 9, 1, RIG_CLIENT_ID, 1);
  rig_expect(&r, "pub1:1 ack1 ");
  assert_true(
      gw_test_take_event(&r.port, GW_EVENT_PUBLICATION)->u.publication.own);
  rig_published(&r, head.request, 1, false);
  rig_expect(&r, "");
  rig_deinit(&r);
}

/** A server that gathers publications answers before the echo. */
static void its_echo_may_come_after_the_answer(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  rig_publish(&r, "a", "x", NULL);
  rig_publish(&r, "a", "y", NULL);
  rig_go(&r);
  gw_head head[2];
  rig_sent_publish(&r, &head[0]);
  rig_sent_publish(&r, &head[1]);
  rig_published(&r, head[1].request, 2, false);
  rig_published(&r, head[0].request, 1, false);
  rig_expect(&r, "ack2 ack1 ");
  rig_publication(&r, 9, 1, RIG_CLIENT_ID, 1);
  rig_publication(&r, 9, 2, RIG_CLIENT_ID, 2);
  rig_expect(&r, "pub1:1 pub1:2 ");
  rig_deinit(&r);
}

/** The Published was lost with the connection: recovery settles it, and only
 * what it does not bring is sent again. */
static void recovery_acknowledges(void **state) {
  (void)state;
  rig r;
  /* All in one message, as a server sends it. */
  live_rig(&r);
  rig_publish(&r, "a", "1", NULL);
  rig_publish(&r, "a", "2", NULL);
  rig_go(&r);
  rig_forget(&r);
  gw_test_close(&r.port, 1006);
  rig_until_try(&r);
  rig_open(&r);
  uint8_t block[512];
  gw_out out = {block, 0, sizeof block};
  gw_head head = {.type = GW_FRAME_WELCOME};
  gw_welcome w = {.version = 1, .client = RIG_CLIENT_ID};
  assert_int_equal(gw_encode_welcome(&out, &head, &w), 0);
  gw_head asked;
  rig_sent_subscribe(&r, &asked);
  head = (gw_head){
      .type = GW_FRAME_SUBSCRIBED, .request = asked.request, .channel = 9};
  gw_subscribed s = {.epoch = RIG_EPOCH, .result = GW_RECOVERY_RECOVERED};
  assert_int_equal(gw_encode_subscribed(&out, &head, &s), 0);
  head = (gw_head){.type = GW_FRAME_PUBLICATION, .channel = 9};
  gw_publication p = {.offset = 1, .client = RIG_CLIENT_ID, .key = 1};
  assert_int_equal(gw_encode_publication(&out, &head, &p), 0);
  r.port.trace[0] = '\0';
  rig_bytes(&r, out.data, out.len);
  rig_expect(&r, "syncing sub1:recovering pub1:1 ack1 ");
  uint32_t req;
  expect_sent(&r, (uint64_t[]){2}, (uint64_t[]){0}, &req, 1);
  rig_deinit(&r);
}

static void without_echo_only_the_position_moves(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  gw_publish_options quiet = {.no_echo = true};
  rig_publish(&r, "a", "x", &quiet);
  rig_go(&r);
  rig_own_stub(&r, 9, 1, 1);
  rig_expect(&r, "ack1 ");
  assert_int_equal(gw_client_sub_position(r.c, sub).offset, 1);
  rig_deinit(&r);
}

static void without_echo_recovery_brings_none_either(void **state) {
  (void)state;
  for (int acked = 0; acked < 2; acked++) {
    rig r;
    uint32_t sub = live_rig(&r);
    gw_publish_options quiet = {.no_echo = true};
    rig_publish(&r, "a", "x", &quiet);
    rig_go(&r);
    gw_head head;
    rig_sent_publish(&r, &head);
    if (acked) rig_published(&r, head.request, 2, false);
    gw_test_close(&r.port, 1006);
    rig_back(&r);
    rig_sent_subscribe(&r, &head);
    gw_subscribed m = {.epoch = RIG_EPOCH, .result = GW_RECOVERY_RECOVERED};
    rig_subscribed(&r, head.request, 9, &m);
    rig_forget(&r);
    rig_publication(&r, 9, 1, 3, 1);
    rig_publication_quiet(&r, 9, 2, 1);
    rig_publication(&r, 9, 3, RIG_CLIENT_ID, 900); /* of another life */
    rig_expect(&r, acked ? "pub1:1 pub1:3 " : "pub1:1 ack1 pub1:3 ");
    assert_int_equal(gw_client_sub_position(r.c, sub).offset, 3);
    rig_deinit(&r);
  }
}

/* ---- ends ---------------------------------------------------------------- */

static void waits_only_so_long(void **state) {
  (void)state;
  gw_client_options o = {.outbox_max_age_ms = 60000,
                         .retry = {.base_ms = 120000}};
  rig r;
  rig_init(&r, &o);
  rig_ready(&r);
  rig_publish(&r, "a", "sent", NULL);
  rig_go(&r);
  gw_test_close(&r.port, 1006);
  rig_publish(&r, "a", "not sent", NULL);
  rig_forget(&r);
  rig_run(&r, 59999);
  assert_null(gw_test_take_event(&r.port, GW_EVENT_PUBLISHED));
  rig_run(&r, 1);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_PUBLISHED);
  assert_int_equal(e->u.published.code, GW_CODE_OUTBOX_EXPIRED);
  assert_true(
      rig_view_is(e->u.published.reason, "sent, but the outcome is not known"));
  e = gw_test_take_event(&r.port, GW_EVENT_PUBLISHED);
  assert_true(rig_view_is(e->u.published.reason, "never sent"));
  assert_int_equal(rig_info(&r).outbox_count, 0);
  rig_deinit(&r);
}

static void at_most_once_has_no_key_and_no_second_try(void **state) {
  (void)state;
  gw_client_options o = {.request_timeout_ms = 3000};
  rig r;
  rig_init(&r, &o);
  rig_ready(&r);
  rig_forget(&r);
  gw_publish_options once = {.at_most_once = true};
  rig_publish(&r, "a", "1", NULL);
  uint64_t lost = rig_publish(&r, "a", "2", &once);
  rig_publish(&r, "a", "3", NULL);
  assert_int_equal(lost, 2);
  rig_go(&r);
  uint32_t req[4];
  expect_sent(&r, (uint64_t[]){1, 0, 3}, (uint64_t[]){0, 0, 1}, req, 3);
  gw_test_close(&r.port, 1006);
  rig_expect(&r, "waiting nack2:100 ");
  rig_back(&r);
  rig_publish(&r, "a", "4", &once);
  rig_publish(&r, "a", "5", &once);
  rig_go(&r);
  expect_sent(&r, (uint64_t[]){1, 3, 0, 0}, (uint64_t[]){0, 1, 0, 0}, req, 4);
  rig_published(&r, req[3], 4, false);
  rig_error(&r, req[2], GW_CODE_RATE_LIMITED, 100);
  rig_expect_within(&r, "ack5 nack4:202 ");
  rig_publish(&r, "a", "6", &once);
  rig_run(&r, 3000);
  rig_expect(&r, "nack6:101 ");
  rig_deinit(&r);
}

static void the_outbox_outlives_close_and_failure(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_publish(&r, "a", "1", NULL);
  rig_go(&r);
  gw_client_close(r.c);
  rig_go(&r);
  rig_forget(&r);
  rig_ready(&r);
  uint32_t req;
  expect_sent(&r, (uint64_t[]){1}, (uint64_t[]){0}, &req, 1);
  gw_test_close(&r.port, 4514);
  assert_int_equal(rig_info(&r).state, GW_STATE_FAILED);
  assert_int_equal(rig_info(&r).outbox_count, 1);
  rig_ready(&r);
  expect_sent(&r, (uint64_t[]){1}, (uint64_t[]){0}, &req, 1);
  rig_deinit(&r);
}

/* ---- storage ------------------------------------------------------------- */

static uint8_t stored[8][200];
static size_t stored_len[8];

static void put(gw_test_port *p, uint64_t key, gw_view entry) {
  (void)p;
  assert_true(key < 8 && entry.len <= sizeof stored[0]);
  memcpy(stored[key], entry.data, entry.len);
  stored_len[key] = entry.len;
}

static void remove_(gw_test_port *p, uint64_t key) {
  (void)p;
  stored_len[key] = 0;
}

static void stored_entries_come_back_in_another_process(void **state) {
  (void)state;
  static const uint8_t id[GW_INSTANCE_BYTES] = "0123456789abcdef";
  gw_client_options o = {.instance = {id, sizeof id}};
  rig r;
  rig_init(&r, &o);
  r.port.hooks.store_put = put;
  r.port.hooks.store_remove = remove_;
  rig_ready(&r);
  gw_publish_options once = {.at_most_once = true};
  rig_publish(&r, "a", "1", NULL);
  rig_publish(&r, "b", "2", NULL);
  rig_publish(&r, "b", "3", &once); /* is not worth storing */
  rig_publish(&r, "a", "4", NULL);
  assert_true(stored_len[1] && stored_len[2] && !stored_len[3]);
  rig_go(&r);
  gw_head head;
  rig_sent_publish(&r, &head);
  rig_published(&r, head.request, 1, false);
  assert_int_equal(stored_len[1], 0);
  rig_deinit(&r);

  o.first_key = 100;
  rig_init(&r, &o);
  gw_view two = {stored[2], stored_len[2]}, four = {stored[4], stored_len[4]};
  assert_int_equal(gw_client_restore(r.c, four), 0);
  assert_int_equal(gw_client_restore(r.c, two), 0); /* order does not matter */
  assert_int_equal(gw_client_restore(r.c, two), GW_ERR_EXISTS);
  assert_int_equal(gw_client_restore(r.c, gw_view_of("\xFFnonsense")),
                   GW_ERR_INVALID);
  assert_int_equal(gw_client_restore(r.c, (gw_view){NULL, 0}), GW_ERR_INVALID);
  assert_int_equal(rig_publish(&r, "a", "5", NULL), 100);
  rig_ready(&r);
  assert_int_equal(gw_client_restore(r.c, two), GW_ERR_STATE);
  uint32_t req[3];
  expect_sent(&r, (uint64_t[]){2, 4, 100}, (uint64_t[]){0, 0, 4}, req, 3);
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(acknowledged_with_its_position),
      cmocka_unit_test(options_reach_the_wire),
      cmocka_unit_test(an_item_is_a_short_text),
      cmocka_unit_test(each_follows_the_one_before_in_its_channel),
      cmocka_unit_test(a_refusal_resends_from_there_in_order),
      cmocka_unit_test(a_terminal_refusal_does_not_hold_up_those_behind),
      cmocka_unit_test(a_loss_resends_what_is_not_acknowledged),
      cmocka_unit_test(no_answer_means_again_after_the_timeout),
      cmocka_unit_test(keeps_to_the_limit_in_flight),
      cmocka_unit_test(paces_to_the_announced_rate),
      cmocka_unit_test(refuses_what_is_over_the_limits),
      cmocka_unit_test(what_is_over_a_limit_learnt_later_is_told),
      cmocka_unit_test(messages_keep_to_the_announced_size),
      cmocka_unit_test(its_echo_acknowledges),
      cmocka_unit_test(its_echo_may_come_after_the_answer),
      cmocka_unit_test(recovery_acknowledges),
      cmocka_unit_test(without_echo_only_the_position_moves),
      cmocka_unit_test(without_echo_recovery_brings_none_either),
      cmocka_unit_test(waits_only_so_long),
      cmocka_unit_test(at_most_once_has_no_key_and_no_second_try),
      cmocka_unit_test(the_outbox_outlives_close_and_failure),
      cmocka_unit_test(stored_entries_come_back_in_another_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
