/* SPDX-License-Identifier: MIT */
/* hook_message_test.c - questions as JSON, and replies read: what they say, and
 * what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/hooks/message.h"

static void assert_text(char *json, const char *expected) {
  assert_non_null(json);
  assert_string_equal(json, expected);
  free(json);
}

static void test_questions(void **state) {
  (void)state;
  size_t len;
  gw_question q = {.kind = GW_ASK_CONNECT,
                   .client = 7,
                   .user = gw_view_of("ada"),
                   .peer = gw_view_of("::1"),
                   .agent = gw_view_of("test/1"),
                   .token = gw_view_of("a\"b")};
  assert_text(gw_hook_question_json(&q, NULL, "n1", &len),
              "{\"who\":{\"client\":\"7\",\"user\":\"ada\",\"peer\":\"::1\"},"
              "\"token\":\"a\\\"b\",\"agent\":\"test/1\",\"node\":\"n1\"}");
  q.kind = GW_ASK_HISTORY;
  q.channel = gw_view_of("room:a");
  assert_text(gw_hook_question_json(&q, NULL, "n1", &len),
              "{\"who\":{\"client\":\"7\",\"user\":\"ada\",\"peer\":\"::1\"},"
              "\"channel\":\"room:a\",\"action\":\"history\",\"node\":\"n1\"}");
  gw_publish p = {.json = gw_view_of("{\"n\":[1,2]}")};
  q.kind = GW_ASK_PUBLISH;
  q.publish = &p;
  assert_text(gw_hook_question_json(&q, NULL, "n1", &len),
              "{\"who\":{\"client\":\"7\",\"user\":\"ada\",\"peer\":\"::1\"},"
              "\"channel\":\"room:a\",\"json\":{\"n\":[1,2]},\"node\":\"n1\"}");
}

static void test_calls_and_notices(void **state) {
  (void)state;
  size_t len;
  gw_rpc rpc = {.method = gw_view_of("sum"), .timeout_ms = 500};
  gw_hook_rpc call = {.client = 7, .rpc = &rpc};
  assert_text(gw_hook_rpc_json(&call, "n1", &len),
              "{\"who\":{\"client\":\"7\"},\"method\":\"sum\","
              "\"timeoutMs\":500,\"node\":\"n1\"}");
  gw_notice gone = {.kind = GW_NOTICE_DISCONNECT,
                    .client = 7,
                    .connection = 9,
                    .code = GW_CODE_FORCED,
                    .duration_ms = 10};
  char *json = gw_hook_notice_json(&gone, "n1", &len);
  assert_non_null(strstr(json, "\"connection\":\"9\",\"code\":514,"));
  free(json);
  gw_notice left = {.kind = GW_NOTICE_PRESENCE,
                    .client = 7,
                    .channel = gw_view_of("room:a"),
                    .change = GW_PRESENCE_LEAVE,
                    .version = 3};
  json = gw_hook_notice_json(&left, "n1", &len);
  assert_non_null(strstr(json, "\"event\":\"leave\",\"version\":\"3\""));
  free(json);
}

static int read_reply(gw_hook_reply *r, enum gw_config_hook hook,
                      const char *json) {
  char why[GW_MAX_REASON_BYTES + 1];
  return gw_hook_reply_read(r, hook, gw_view_of(json), why);
}

static void test_replies_that_allow(void **state) {
  (void)state;
  gw_hook_reply r;
  assert_int_equal(read_reply(&r, GW_HOOK_SUBSCRIBE, "{}"), 0);
  assert_int_equal(r.verdict.code, GW_CODE_OK);
  gw_hook_reply_deinit(&r);
  assert_int_equal(
      read_reply(&r, GW_HOOK_CONNECT,
                 "{\"user\":\"ada\",\"info\":{\"a\":1},\"ttlMs\":\"5000\","
                 "\"channels\":[\"a\",\"b\"]}"),
      0);
  assert_true(gw_view_eq(r.verdict.user, gw_view_of("ada")));
  assert_true(gw_view_eq(r.verdict.info, gw_view_of("{\"a\":1}")));
  assert_int_equal(r.verdict.ttl_ms, 5000);
  assert_int_equal(r.verdict.num_channels, 2);
  assert_true(gw_view_eq(r.verdict.channels[1], gw_view_of("b")));
  gw_hook_reply_deinit(&r);
  assert_int_equal(read_reply(&r, GW_HOOK_PUBLISH, "{\"json\":null}"), 0);
  gw_hook_reply_deinit(&r);
  assert_int_equal(read_reply(&r, GW_HOOK_PUBLISH, "{\"json\":[]}"), 0);
  assert_true(r.verdict.replaces);
  gw_hook_reply_deinit(&r);
  assert_int_equal(read_reply(&r, GW_HOOK_RPC, "{\"data\":\"AP8=\"}"), 0);
  assert_int_equal(r.result.data.len, 2);
  gw_hook_reply_deinit(&r);
}

static void test_replies_that_refuse(void **state) {
  (void)state;
  gw_hook_reply r;
  assert_int_equal(read_reply(&r, GW_HOOK_CONNECT, "{\"refuse\":{}}"), 0);
  assert_int_equal(r.verdict.code, GW_CODE_PERMISSION_DENIED);
  gw_hook_reply_deinit(&r);
  assert_int_equal(read_reply(&r, GW_HOOK_RPC,
                              "{\"refuse\":{\"code\":942,\"message\":\"no\","
                              "\"retryAfterMs\":5}}"),
                   0);
  assert_int_equal(r.verdict.code, 942);
  assert_int_equal(r.verdict.retry_after_ms, 5);
  assert_true(gw_view_eq(r.verdict.message, gw_view_of("no")));
  gw_hook_reply_deinit(&r);
}

static void test_what_is_no_reply(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "{",
      "[]",
      "null",
      "\"ok\"",
      "{} {}",
      "{\"user\":7}",
      "{\"user\":\"a\\u0000b\"}",
      "{\"allow\":true}",
      "{\"ttlMs\":-1}",
      "{\"refuse\":{\"code\":1000}}",
      "{\"refuse\":true}",
      "{\"channels\":[1]}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    gw_hook_reply r;
    if (read_reply(&r, GW_HOOK_CONNECT, texts[i]) != GW_ERR_PROTOCOL)
      fail_msg("%s was read", texts[i]);
  }
  gw_hook_reply r;
  assert_int_equal(
      read_reply(&r, GW_HOOK_RPC, "{\"data\":\"AA==\",\"json\":1}"),
      GW_ERR_PROTOCOL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_questions),
      cmocka_unit_test(test_calls_and_notices),
      cmocka_unit_test(test_replies_that_allow),
      cmocka_unit_test(test_replies_that_refuse),
      cmocka_unit_test(test_what_is_no_reply),
  };
  return cmocka_run_group_tests_name("hook_message", tests, NULL, NULL);
}
