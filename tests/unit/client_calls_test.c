/* SPDX-License-Identifier: MIT */
/* client_calls_test.c - requests with an answer, in both directions. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const gw_payload none = {GW_PAYLOAD_BYTES, {NULL, 0}};

static uint32_t call(rig *r, const char *method,
                     const gw_call_options *options) {
  int64_t id = gw_client_call(r->c, gw_view_of(method), none, options);
  assert_true(id > 0);
  return (uint32_t)id;
}

static void ready_rig(rig *r) {
  rig_init(r, NULL);
  rig_ready(r);
  rig_forget(r);
}

/* ---- ours ---------------------------------------------------------------- */

static void asks_and_is_answered(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  gw_call_options o = {.timeout_ms = 700, .to = 9};
  gw_payload json = {GW_PAYLOAD_JSON, gw_view_of("[1]")};
  int64_t id = gw_client_call(r.c, gw_view_of("add"), json, &o);
  rig_go(&r);
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_RPC);
  gw_rpc m;
  assert_int_equal(gw_decode_rpc(f->body, &m), 0);
  assert_int_equal(f->head.request, id);
  assert_true(rig_view_is(m.method, "add") && rig_view_is(m.json, "[1]"));
  assert_int_equal(m.timeout_ms, 700);
  assert_int_equal(m.to, 9);
  rig_result(&r, (uint32_t)id, "3");
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.request, id);
  assert_int_equal(e->u.reply.code, GW_CODE_OK);
  assert_true(rig_view_is(e->u.reply.payload.bytes, "3"));
  rig_result(&r, (uint32_t)id, "4");
  rig_run(&r, 1000);
  assert_null(gw_test_take_event(&r.port, GW_EVENT_REPLY));
  rig_deinit(&r);
}

static void refused_and_timed_out(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  gw_call_options o = {.timeout_ms = 700};
  uint32_t a = call(&r, "a", NULL), b = call(&r, "b", &o);
  rig_go(&r);
  rig_error(&r, a, GW_CODE_RATE_LIMITED, 50);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.code, GW_CODE_RATE_LIMITED);
  assert_int_equal(e->u.reply.retry_after_ms, 50);
  assert_true(rig_view_is(e->u.reply.reason, "no"));
  rig_run(&r, 699);
  assert_null(gw_test_take_event(&r.port, GW_EVENT_REPLY));
  rig_run(&r, 1);
  e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.request, b);
  assert_int_equal(e->u.reply.code, GW_CODE_TIMEOUT);
  rig_result(&r, b, "late");
  assert_null(gw_test_take_event(&r.port, GW_EVENT_REPLY));
  rig_deinit(&r);
}

static void waits_for_a_connection_but_is_never_sent_twice(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  gw_call_options o = {.timeout_ms = 60000};
  uint32_t a = call(&r, "a", &o);
  rig_run(&r, 1000);
  rig_ready(&r);
  gw_rpc m;
  assert_int_equal(gw_decode_rpc(rig_sent(&r, GW_FRAME_RPC)->body, &m), 0);
  assert_int_equal(m.timeout_ms, 59000); /* what is left */
  rig_forget(&r);
  gw_test_close(&r.port, 1006);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.request, a);
  assert_int_equal(e->u.reply.code, GW_CODE_CONNECTION_LOST);
  uint32_t b = call(&r, "b", &o);
  rig_back(&r);
  assert_int_equal(rig_sent(&r, GW_FRAME_RPC)->head.request, b);
  rig_not_sent(&r, GW_FRAME_RPC);
  rig_deinit(&r);
}

static void close_and_failure_end_all(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  call(&r, "a", NULL);
  gw_client_close(r.c);
  rig_go(&r);
  rig_expect(&r, "closed reply1:515 ");
  assert_int_equal(gw_client_call(r.c, gw_view_of("b"), none, NULL),
                   GW_ERR_STATE);
  rig_ready(&r);
  uint32_t c = call(&r, "c", NULL);
  rig_go(&r);
  rig_forget(&r);
  gw_test_close(&r.port, 4514);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.request, c);
  assert_int_equal(e->u.reply.code, GW_CODE_FORCED);
  rig_deinit(&r);
}

static void keeps_to_the_number_of_calls(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  for (int i = 0; i < 5; i++)
    call(&r, "a", NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  gw_welcome w = {.version = 1, .limits = {.max_calls = 3}};
  rig_welcome_with(&r, &w);
  uint32_t first = rig_sent(&r, GW_FRAME_RPC)->head.request;
  rig_sent(&r, GW_FRAME_RPC);
  rig_sent(&r, GW_FRAME_RPC);
  rig_not_sent(&r, GW_FRAME_RPC);
  assert_int_equal(gw_client_call(r.c, gw_view_of("b"), none, NULL),
                   GW_ERR_FULL);
  rig_result(&r, first, "");
  rig_sent(&r, GW_FRAME_RPC);
  rig_deinit(&r);
}

static void checks_what_it_is_given(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  gw_payload bad = {GW_PAYLOAD_JSON, gw_view_of("\xFE")};
  char name[300];
  memset(name, 'm', sizeof name);
  gw_view m = gw_view_of("m");
  assert_int_equal(gw_client_call(r.c, (gw_view){NULL, 0}, none, NULL),
                   GW_ERR_INVALID);
  assert_int_equal(
      gw_client_call(r.c, (gw_view){(uint8_t *)name, 256}, none, NULL),
      GW_ERR_TOO_BIG);
  assert_int_equal(gw_client_call(r.c, gw_view_of("\xFE"), none, NULL),
                   GW_ERR_TEXT);
  assert_int_equal(gw_client_call(r.c, m, bad, NULL), GW_ERR_TEXT);
  rig_deinit(&r);
}

static void a_call_has_to_fit_the_announced_frame(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  rig_welcome_with(
      &r, &(gw_welcome){.version = 1, .limits = {.max_frame_bytes = 500}});
  static const uint8_t bytes[500];
  gw_payload too_big = {GW_PAYLOAD_BYTES, {bytes, 500}};
  gw_payload fits = {GW_PAYLOAD_BYTES, {bytes, 400}};
  gw_view m = gw_view_of("m");
  assert_int_equal(gw_client_call(r.c, m, too_big, NULL), GW_ERR_TOO_BIG);
  assert_true(gw_client_call(r.c, m, fits, NULL) > 0);
  rig_go(&r);
  assert_in_range(rig_sent(&r, GW_FRAME_RPC)->body.len, 400, 500);
  rig_deinit(&r);
}

static uint32_t to_cancel;

static void cancel_other(gw_test_port *p, const gw_event *e) {
  if (e->type == GW_EVENT_REPLY) gw_client_cancel(p->client, to_cancel);
}

static void cancelled_is_silent_also_when_its_reply_waits(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  uint32_t a = call(&r, "a", NULL);
  call(&r, "b", NULL);
  to_cancel = call(&r, "c", NULL);
  rig_go(&r);
  gw_client_cancel(r.c, a);
  gw_client_cancel(r.c, a);
  rig_result(&r, a, "x");
  rig_expect(&r, "");
  r.port.hooks.event = cancel_other;
  rig_forget(&r);
  gw_test_close(&r.port, 1006); /* would end both */
  assert_non_null(gw_test_take_event(&r.port, GW_EVENT_REPLY));
  assert_null(gw_test_take_event(&r.port, GW_EVENT_REPLY));
  rig_deinit(&r);
}

/* ---- members of any channel ---------------------------------------------- */

static uint32_t num_parts, num_members;

static void count_members(gw_test_port *p, const gw_event *e) {
  (void)p;
  if (e->type != GW_EVENT_REPLY || e->u.reply.members == NULL) return;
  gw_list list = *e->u.reply.members;
  gw_view item;
  gw_presence_member m;
  num_parts++;
  while (gw_list_next(&list, &item)) {
    assert_int_equal(gw_decode_presence_member(item, &m), 0);
    num_members++;
  }
}

static void members_come_in_parts(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  r.port.hooks.event = count_members;
  int64_t id = gw_client_presence_get(r.c, gw_view_of("far"));
  assert_true(id > 0);
  rig_go(&r);
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_PRESENCE_GET);
  gw_presence_get m;
  assert_int_equal(gw_decode_presence_get(f->body, &m), 0);
  assert_true(rig_view_is(m.channel, "far"));
  assert_int_equal(f->head.channel, 0);
  num_parts = num_members = 0;
  rig_snapshot(&r, (uint32_t)id, 0, 3, "123", true);
  assert_true(gw_test_take_event(&r.port, GW_EVENT_REPLY)->u.reply.more);
  rig_snapshot(&r, (uint32_t)id, 0, 3, "45", false);
  assert_false(gw_test_take_event(&r.port, GW_EVENT_REPLY)->u.reply.more);
  rig_snapshot(&r, (uint32_t)id, 0, 3, "6", false);
  assert_int_equal(num_parts, 2);
  assert_int_equal(num_members, 5);
  assert_int_equal(gw_client_presence_get(r.c, (gw_view){NULL, 0}),
                   GW_ERR_INVALID);
  rig_deinit(&r);
}

/* ---- theirs -------------------------------------------------------------- */

static void answer_at_once(gw_test_port *p, const gw_event *e) {
  if (e->type != GW_EVENT_CALL) return;
  assert_true(rig_view_is(e->u.call.method, "hi"));
  assert_int_equal(e->u.call.from, 9);
  assert_int_equal(e->u.call.timeout_ms, 5000);
  gw_payload json = {GW_PAYLOAD_JSON, gw_view_of("42")};
  gw_view reason = {NULL, 0};
  assert_int_equal(
      gw_client_answer(p->client, e->u.call.call, GW_CODE_OK, reason, json), 0);
  assert_int_equal(
      gw_client_answer(p->client, e->u.call.call, GW_CODE_OK, reason, json),
      GW_ERR_NOT_FOUND);
}

static void answers_a_call(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  r.port.hooks.event = answer_at_once;
  rig_call(&r, 71, "hi");
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_RPC_RESULT);
  gw_rpc_result m;
  assert_int_equal(gw_decode_rpc_result(f->body, &m), 0);
  assert_int_equal(f->head.request, 71);
  assert_true(rig_view_is(m.json, "42"));
  rig_deinit(&r);
}

static void answers_later_with_an_error(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  rig_call(&r, 71, "hi");
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_CALL);
  uint32_t id = e->u.call.call;
  rig_run(&r, 100);
  char text[200];
  memset(text, 'x', sizeof text);
  gw_view too_long = {(uint8_t *)text, GW_MAX_REASON_BYTES + 1};
  assert_int_equal(gw_client_answer(r.c, id, 1, too_long, none),
                   GW_ERR_TOO_BIG);
  assert_int_equal(gw_client_answer(r.c, id, GW_CODE_HANDLER_FAILED,
                                    gw_view_of("oops"), none),
                   0);
  rig_go(&r);
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_ERROR);
  gw_error m;
  assert_int_equal(gw_decode_error(f->body, &m), 0);
  assert_int_equal(f->head.request, 71);
  assert_int_equal(m.code, GW_CODE_HANDLER_FAILED);
  assert_true(rig_view_is(m.message, "oops"));
  assert_int_equal(m.retry_after_ms, 0);
  rig_deinit(&r);
}

static void refuses_with_when_to_come_again(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  rig_call(&r, 71, "hi");
  uint32_t id = gw_test_take_event(&r.port, GW_EVENT_CALL)->u.call.call;
  assert_int_equal(gw_client_refuse(r.c, id, GW_CODE_OK, gw_view_of("fine"), 5),
                   GW_ERR_INVALID);
  assert_int_equal(
      gw_client_refuse(r.c, id, GW_CODE_OVERLOADED, gw_view_of("busy"), 3000),
      0);
  rig_go(&r);
  gw_error m;
  assert_int_equal(gw_decode_error(rig_sent(&r, GW_FRAME_ERROR)->body, &m), 0);
  assert_int_equal(m.code, GW_CODE_OVERLOADED);
  assert_int_equal(m.retry_after_ms, 3000);
  rig_deinit(&r);
}

static void a_call_ends_with_its_caller(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  gw_view reason = {NULL, 0};
  rig_call(&r, 1, "hi");
  uint32_t a = gw_test_take_event(&r.port, GW_EVENT_CALL)->u.call.call;
  rig_run(&r, 5000);
  assert_int_equal(gw_client_answer(r.c, a, GW_CODE_OK, reason, none),
                   GW_ERR_NOT_FOUND);
  rig_call(&r, 2, "hi");
  uint32_t b = gw_test_take_event(&r.port, GW_EVENT_CALL)->u.call.call;
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  rig_call(&r, 2, "hi"); /* the same number, another call */
  uint32_t c = gw_test_take_event(&r.port, GW_EVENT_CALL)->u.call.call;
  assert_true(a != b && b != c);
  assert_int_equal(gw_client_answer(r.c, b, GW_CODE_OK, reason, none),
                   GW_ERR_NOT_FOUND);
  assert_int_equal(gw_client_answer(r.c, c, GW_CODE_OK, reason, none), 0);
  rig_deinit(&r);
}

static void refuses_calls_over_its_limit(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  for (uint32_t i = 1; i <= GW_MAX_CALLS; i++)
    rig_call(&r, i, "hi");
  rig_not_sent(&r, GW_FRAME_ERROR);
  rig_call(&r, GW_MAX_CALLS + 1, "hi");
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_ERROR);
  gw_error m;
  assert_int_equal(gw_decode_error(f->body, &m), 0);
  assert_int_equal(f->head.request, GW_MAX_CALLS + 1);
  assert_int_equal(m.code, GW_CODE_LIMIT_REACHED);
  rig_call(&r, 0, "hi"); /* a request without a number */
  assert_int_equal(rig_info(&r).code, GW_CODE_PROTOCOL);
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asks_and_is_answered),
      cmocka_unit_test(refused_and_timed_out),
      cmocka_unit_test(waits_for_a_connection_but_is_never_sent_twice),
      cmocka_unit_test(close_and_failure_end_all),
      cmocka_unit_test(keeps_to_the_number_of_calls),
      cmocka_unit_test(checks_what_it_is_given),
      cmocka_unit_test(a_call_has_to_fit_the_announced_frame),
      cmocka_unit_test(cancelled_is_silent_also_when_its_reply_waits),
      cmocka_unit_test(members_come_in_parts),
      cmocka_unit_test(answers_a_call),
      cmocka_unit_test(answers_later_with_an_error),
      cmocka_unit_test(refuses_with_when_to_come_again),
      cmocka_unit_test(a_call_ends_with_its_caller),
      cmocka_unit_test(refuses_calls_over_its_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
