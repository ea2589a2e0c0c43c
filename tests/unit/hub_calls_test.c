/* SPDX-License-Identifier: MIT */
/* hub_calls_test.c - calls to the server, between clients, and by the server,
 * also from worker to worker. */
#include <stdio.h>

#include "support/hub_rig.h"

static hubs node;
static gw_call held;
static unsigned num_replies;
static uint32_t reply_code;
static char reply_text[64];

/** echo answers at once, hold later, fail with an error; others are unknown. */
static bool on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                    uint64_t client, gw_view client_user) {
  (void)user;
  assert_true(client != 0);
  assert_true(gw_view_eq(client_user, gw_view_of("user1")));
  gw_rpc_result result = {rpc->data, rpc->json};
  if (gw_view_eq(rpc->method, gw_view_of("hold"))) {
    held = call;
    return true;
  }
  if (gw_view_eq(rpc->method, gw_view_of("fail"))) {
    gw_hub_answer(h, call, 900, gw_view_of("no luck"), NULL);
    return true;
  }
  if (!gw_view_eq(rpc->method, gw_view_of("echo"))) return false;
  gw_hub_answer(h, call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  return true;
}

static void on_reply(void *arg, uint32_t code, gw_view message,
                     const gw_rpc_result *result) {
  assert_ptr_equal(arg, &node);
  num_replies++;
  reply_code = code;
  gw_view text = code == GW_CODE_OK ? result->data : message;
  assert_true(text.len < sizeof reply_text);
  if (text.len != 0) memcpy(reply_text, text.data, text.len);
  reply_text[text.len] = 0;
}

static int start(uint32_t num) {
  num_replies = 0;
  hubs_init(&node, num);
  hubs_start(&node);
  for (uint32_t i = 0; i < num; i++)
    gw_hub_set_on_call(node.hub[i], on_call, NULL);
  return 0;
}

static int start_one(void **state) {
  (void)state;
  return start(1);
}

static int start_three(void **state) {
  (void)state;
  return start(3);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static uint32_t away(void) {
  return node.num - 1;
}

static uint32_t call_with(peer *p, const gw_rpc *m) {
  gw_head head = {.type = GW_FRAME_RPC, .request = ++p->last_request};
  PEER_SEND(p, rpc, &head, m);
  return head.request;
}

static void expect_result(peer *p, uint32_t request, const char *data) {
  gw_rpc_result m;
  gw_frame f = peer_expect(p, GW_FRAME_RPC_RESULT);
  assert_int_equal(f.head.request, request);
  assert_int_equal(gw_decode_rpc_result(f.body, &m), 0);
  assert_true(gw_view_eq(m.data, gw_view_of(data)));
}

static uint32_t expect_call(peer *p, gw_rpc *m) {
  gw_frame f = peer_expect(p, GW_FRAME_RPC);
  assert_true(f.head.request != 0);
  assert_int_equal(gw_decode_rpc(f.body, m), 0);
  return f.head.request;
}

static void answer(peer *p, uint32_t request, const char *data) {
  gw_head head = {.type = GW_FRAME_RPC_RESULT, .request = request};
  gw_rpc_result m = {.data = gw_view_of(data)};
  PEER_SEND(p, rpc_result, &head, &m);
}

static void answer_error(peer *p, uint32_t request, uint32_t code,
                         const char *message) {
  gw_head head = {.type = GW_FRAME_ERROR, .request = request};
  gw_error m = {.code = code, .message = gw_view_of(message)};
  PEER_SEND(p, error, &head, &m);
}

/* ---- to the server ------------------------------------------------------- */

static void test_the_server_answers(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_rpc m = {.method = gw_view_of("echo"), .data = gw_view_of("hi")};
  uint32_t request = call_with(p, &m);
  expect_result(p, request, "hi");
  request = peer_call(p, 0, "nothing");
  assert_int_equal(peer_error(p, request), GW_CODE_UNKNOWN_METHOD);
  request = peer_call(p, 0, "fail");
  gw_frame f = peer_expect(p, GW_FRAME_ERROR);
  gw_error e;
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_int_equal(e.code, 900);
  assert_true(gw_view_eq(e.message, gw_view_of("no luck")));
}

static void test_an_answer_may_come_later(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  uint32_t request = peer_call(p, 0, "hold");
  peer_expect_nothing(p);
  gw_rpc_result result = {.data = gw_view_of("late")};
  gw_hub_answer(node.hub[0], held, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  expect_result(p, request, "late");
  gw_hub_answer(node.hub[0], held, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  peer_expect_nothing(p); /* once is enough */
}

static void test_an_answer_to_one_who_left(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer_call(p, 0, "hold");
  peer_free(p);
  p = peer_join(&node, 0, 1);
  gw_hub_answer(node.hub[0], held, GW_CODE_OK, (gw_view){NULL, 0}, NULL);
  peer_expect_nothing(p);
}

static void test_a_call_that_is_never_answered(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_rpc m = {.method = gw_view_of("hold"), .timeout_ms = 500};
  uint32_t request = call_with(p, &m);
  hubs_pass(&node, 499);
  peer_expect_nothing(p);
  hubs_pass(&node, 1);
  assert_int_equal(peer_error(p, request), GW_CODE_TIMEOUT);
  gw_hub_answer(node.hub[0], held, GW_CODE_OK, (gw_view){NULL, 0}, NULL);
  peer_expect_nothing(p);
}

static void test_a_bad_call_is_refused(void **state) {
  (void)state;
  static const char long_method[GW_MAX_METHOD_BYTES + 1] = {1};
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(peer_error(p, peer_call(p, 0, "")), GW_CODE_BAD_REQUEST);
  gw_rpc m = {.method = {(const uint8_t *)long_method, sizeof long_method}};
  assert_int_equal(peer_error(p, call_with(p, &m)), GW_CODE_TOO_BIG);
  m = (gw_rpc){.method = gw_view_of("\xff")};
  assert_int_equal(peer_error(p, call_with(p, &m)), GW_CODE_BAD_TEXT);
  m = (gw_rpc){.method = gw_view_of("echo"), .json = gw_view_of("\xff")};
  assert_int_equal(peer_error(p, call_with(p, &m)), GW_CODE_BAD_TEXT);
  uint32_t request = peer_call(p, 0, "hold");
  p->last_request--;
  assert_int_equal(peer_error(p, peer_call(p, 0, "echo")), GW_CODE_BAD_REQUEST);
  assert_int_equal(p->last_request, request); /* in use */
}

static void test_too_many_calls(void **state) {
  (void)state;
  node.settings.limits.max_calls = 3;
  peer *p = peer_join(&node, 0, 1);
  for (int i = 0; i < 3; i++)
    peer_call(p, 0, "hold");
  assert_int_equal(peer_error(p, peer_call(p, 0, "echo")),
                   GW_CODE_LIMIT_REACHED);
  gw_hub_answer(node.hub[0], held, GW_CODE_OK, (gw_view){NULL, 0}, NULL);
  peer_expect(p, GW_FRAME_RPC_RESULT);
  expect_result(p, peer_call(p, 0, "echo"), "");
}

/* ---- between clients ----------------------------------------------------- */

static void test_a_client_answers(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  gw_rpc m = {.method = gw_view_of("ask"),
              .data = gw_view_of("question"),
              .to = b->client,
              .from = 12345}; /* the server knows better */
  uint32_t request = call_with(a, &m);
  uint32_t id = expect_call(b, &m);
  assert_true(m.from == a->client);
  assert_true(gw_view_eq(m.from_user, gw_view_of("user1")));
  assert_true(gw_view_eq(m.method, gw_view_of("ask")));
  assert_true(gw_view_eq(m.data, gw_view_of("question")));
  assert_int_equal(m.timeout_ms, GW_REQUEST_TIMEOUT_MS);
  answer(b, id, "answer");
  expect_result(a, request, "answer");
  answer(b, id, "again");
  answer(b, id + 1, "to nobody");
  peer_expect_nothing(a);
}

static void test_a_client_refuses(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  gw_rpc m;
  uint32_t request = peer_call(a, b->client, "ask");
  answer_error(b, expect_call(b, &m), 901, "busy");
  gw_frame f = peer_expect(a, GW_FRAME_ERROR);
  gw_error e;
  assert_int_equal(f.head.request, request);
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_int_equal(e.code, 901);
  assert_true(gw_view_eq(e.message, gw_view_of("busy")));
  request = peer_call(a, b->client, "ask");
  answer_error(b, expect_call(b, &m), 0, "");
  assert_int_equal(peer_error(a, request), GW_CODE_HANDLER_FAILED);
}

static void test_an_answer_that_is_not_sound(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  gw_rpc m;
  uint32_t request = peer_call(a, b->client, "ask");
  gw_head head = {.type = GW_FRAME_RPC_RESULT, .request = expect_call(b, &m)};
  gw_rpc_result result = {.json = gw_view_of("\xff")};
  PEER_SEND(b, rpc_result, &head, &result);
  assert_int_equal(peer_error(a, request), GW_CODE_HANDLER_FAILED);
}

static void test_nobody_of_this_id(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  assert_int_equal(peer_error(a, peer_call(a, 4711, "ask")), GW_CODE_NOT_FOUND);
}

static void test_the_callee_goes(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  uint32_t request = peer_call(a, b->client, "ask");
  peer_free(b);
  assert_int_equal(peer_error(a, request), GW_CODE_PEER_GONE);
}

static void test_the_caller_goes(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  gw_rpc m;
  peer_call(a, b->client, "ask");
  uint32_t id = expect_call(b, &m);
  peer_free(a);
  answer(b, id, "too late");
  peer_expect_nothing(b);
}

static void test_nobody_answers_in_time(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  gw_rpc m = {.method = gw_view_of("ask"), .to = b->client, .timeout_ms = 1000};
  uint32_t request = call_with(a, &m);
  uint32_t id = expect_call(b, &m);
  hubs_pass(&node, 1000);
  assert_int_equal(peer_error(a, request), GW_CODE_TIMEOUT);
  hubs_pass(&node, 10);
  answer(b, id, "too late");
  peer_expect_nothing(a);
}

static void test_the_latest_connection_is_called(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *old = peer_join(&node, 0, 2);
  hubs_pass(&node, 10);
  peer *young = peer_join(&node, 0, 2);
  peer_call(a, old->client, "ask");
  peer_expect_nothing(old);
  peer_expect(young, GW_FRAME_RPC);
  peer_free(young);
  peer_expect(a, GW_FRAME_ERROR);
  peer_call(a, old->client, "ask");
  peer_expect(old, GW_FRAME_RPC);
}

static void test_a_callee_with_too_much_to_answer(void **state) {
  (void)state;
  node.settings.limits.max_calls = 2;
  peer *b = peer_join(&node, away(), 2);
  for (unsigned i = 0; i < 2; i++) {
    peer *a = peer_join(&node, 0, 10 + i);
    peer_call(a, b->client, "ask");
    peer_expect_nothing(a);
  }
  peer *c = peer_join(&node, 0, 3);
  assert_int_equal(peer_error(c, peer_call(c, b->client, "ask")),
                   GW_CODE_LIMIT_REACHED);
}

static void test_relaying_may_be_forbidden(void **state) {
  (void)state;
  node.settings.relay_calls = false;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  assert_int_equal(peer_error(a, peer_call(a, b->client, "ask")),
                   GW_CODE_PERMISSION_DENIED);
}

static void test_calling_oneself(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  gw_rpc m;
  uint32_t request = peer_call(a, a->client, "ask");
  answer(a, expect_call(a, &m), "me");
  expect_result(a, request, "me");
  peer_call(a, a->client, "ask");
  peer_free(a);
}

/* ---- by the server ------------------------------------------------------- */

static void test_the_server_calls(void **state) {
  (void)state;
  peer *b = peer_join(&node, away(), 2);
  gw_rpc m = {.method = gw_view_of("ask"), .data = gw_view_of("q")};
  assert_int_equal(gw_hub_call(node.hub[0], b->client, &m, on_reply, &node), 0);
  uint32_t id = expect_call(b, &m);
  assert_int_equal(m.from, 0);
  assert_int_equal(num_replies, 0);
  answer(b, id, "a");
  assert_int_equal(num_replies, 1);
  assert_int_equal(reply_code, GW_CODE_OK);
  assert_string_equal(reply_text, "a");
}

static void test_the_server_calls_nobody(void **state) {
  (void)state;
  gw_rpc m = {.method = gw_view_of("ask")};
  int err = gw_hub_call(node.hub[0], 4711, &m, on_reply, &node);
  if (node.num == 1) {
    assert_int_equal(err, GW_ERR_NOT_FOUND);
    return;
  }
  assert_int_equal(err, 0);
  assert_int_equal(num_replies, 0);
  hubs_settle(&node);
  assert_int_equal(num_replies, 1);
  assert_int_equal(reply_code, GW_CODE_NOT_FOUND);
}

static void test_the_server_calls_one_who_goes_or_sleeps(void **state) {
  (void)state;
  gw_rpc m = {.method = gw_view_of("ask"), .timeout_ms = 100};
  peer *b = peer_join(&node, away(), 2);
  assert_int_equal(gw_hub_call(node.hub[0], b->client, &m, on_reply, &node), 0);
  hubs_pass(&node, 100);
  assert_int_equal(num_replies, 1);
  assert_int_equal(reply_code, GW_CODE_TIMEOUT);
  assert_int_equal(gw_hub_call(node.hub[0], b->client, &m, on_reply, &node), 0);
  hubs_settle(&node);
  peer_free(b);
  hubs_settle(&node);
  assert_int_equal(num_replies, 2);
  assert_int_equal(reply_code, GW_CODE_PEER_GONE);
}

static void test_a_bad_call_of_the_server(void **state) {
  (void)state;
  gw_rpc m = {.method = gw_view_of("")};
  assert_int_equal(gw_hub_call(node.hub[0], 1, &m, on_reply, NULL),
                   GW_ERR_INVALID);
  m.method = gw_view_of("\xff");
  assert_int_equal(gw_hub_call(node.hub[0], 1, &m, on_reply, NULL),
                   GW_ERR_TEXT);
  m.method = gw_view_of("x");
  assert_int_equal(gw_hub_call(node.hub[0], 0, &m, on_reply, NULL),
                   GW_ERR_INVALID);
}

static void test_a_hub_that_ends_says_nothing(void **state) {
  (void)state;
  peer *a = peer_join(&node, 0, 1);
  peer *b = peer_join(&node, away(), 2);
  gw_rpc m = {.method = gw_view_of("ask")};
  assert_int_equal(gw_hub_call(node.hub[0], b->client, &m, on_reply, &node), 0);
  peer_call(a, b->client, "ask");
  peer_call(a, 0, "hold");
  hubs_settle(&node);
}

#define BOTH(test)                                          \
  {#test " (one worker)", test, start_one, stop, NULL}, {   \
#test " (three workers)", test, start_three, stop, NULL \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_the_server_answers),
      BOTH(test_an_answer_may_come_later),
      BOTH(test_an_answer_to_one_who_left),
      BOTH(test_a_call_that_is_never_answered),
      BOTH(test_a_bad_call_is_refused),
      BOTH(test_too_many_calls),
      BOTH(test_a_client_answers),
      BOTH(test_a_client_refuses),
      BOTH(test_an_answer_that_is_not_sound),
      BOTH(test_nobody_of_this_id),
      BOTH(test_the_callee_goes),
      BOTH(test_the_caller_goes),
      BOTH(test_nobody_answers_in_time),
      BOTH(test_the_latest_connection_is_called),
      BOTH(test_a_callee_with_too_much_to_answer),
      BOTH(test_relaying_may_be_forbidden),
      BOTH(test_calling_oneself),
      BOTH(test_the_server_calls),
      BOTH(test_the_server_calls_nobody),
      BOTH(test_the_server_calls_one_who_goes_or_sleeps),
      BOTH(test_a_bad_call_of_the_server),
      BOTH(test_a_hub_that_ends_says_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
