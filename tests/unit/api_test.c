/* SPDX-License-Identifier: MIT */
/* api_test.c - what an application asks of a node, whichever worker it asks. */
#include <stdio.h>

#include "support/api_rig.h"

static hubs node;

static int start_three(void **state) {
  (void)state;
  hubs_init(&node, 3);
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void ask(uint32_t worker, const char *method, const char *json) {
  api_ask(&node, worker, method, json);
}

#define told        api_told
#define assert_json api_assert_json
#define on_reply    api_on_reply

static void test_info_is_of_all_workers(void **state) {
  (void)state;
  peer_join(&node, 0, 1);
  peer_join(&node, 2, 2);
  ask(1, "info", "{}");
  assert_int_equal(told.code, GW_CODE_OK);
  assert_json("\"node\":\"godwit\"");
  assert_json("\"connections\":1");
  assert_json("{\"worker\":1}");
  assert_json("\"worker\":2,\"connections\":1");
}

static void test_info_counts_since_the_start(void **state) {
  (void)state;
  ask(0, "publish", "{\"channel\":\"room:a\",\"json\":1}");
  peer_join(&node, 0, 1);
  hubs_pass(&node, 1500);
  ask(0, "info", "{}");
  assert_json("\"accepted\":\"1\"");
  assert_json("\"published\":\"1\"");
  assert_json("\"uptimeMs\":\"1");
}

/* ---- what a request is about, for a log ------------------------------------- */

static void add_name(void *arg, const char *field, gw_view text) {
  char *all = arg;
  size_t len = strlen(all);
  snprintf(all + len, 512 - len, "%s=%.*s;", field, (int)text.len,
           (const char *)text.data);
}

static void expect_names(const char *method, const char *json,
                         const char *names) {
  uint8_t bytes[1024];
  char why[GW_MAX_REASON_BYTES + 1] = "", all[512] = "";
  gw_out out = {.data = bytes, .cap = sizeof bytes};
  const gw_api_method *m = gw_api_find(gw_view_of(method));
  assert_int_equal(gw_api_request_from_json(m, gw_view_of(json), &out, why), 0);
  gw_api_each_name(m, (gw_view){bytes, out.len}, add_name, all);
  assert_string_equal(all, names);
}

static void test_names_of_a_request_without_its_payload(void **state) {
  (void)state;
  expect_names("info", "{}", "");
  expect_names("publish",
               "{\"channel\":\"room:a\",\"json\":{\"secret\":1},"
               "\"user\":\"ada\",\"ttlMs\":5}",
               "channel=room:a;user=ada;");
  expect_names("disconnect", "{\"connection\":\"12\",\"reason\":\"rude\"}",
               "connection=12;reason=rude;");
  expect_names("broadcast", "{\"channels\":[\"a\",\"b\"],\"json\":1}",
               "channels=a,b;");
  expect_names("revoke", "{\"user\":\"ada\",\"token\":\"eyJ.eyJ.sig\"}",
               "user=ada;");
  char all[512] = "";
  gw_api_each_name(gw_api_find(gw_view_of("publish")), gw_view_of("\x0a\x09"),
                   add_name, all);
  assert_string_equal(all, "");
}

static void test_a_method_that_is_not_there(void **state) {
  (void)state;
  ask(0, "dance", "");
  assert_int_equal(told.code, GW_CODE_UNKNOWN_METHOD);
}

static void test_a_request_that_cannot_be_read(void **state) {
  (void)state;
  gw_caller caller = {.is_trusted = true};
  told.num = 0;
  gw_hub_api(node.hub[0], gw_view_of("history"), &caller,
             gw_view_of("\x0a\x09"), on_reply, "history");
  assert_int_equal(told.num, 1);
  assert_int_equal(told.code, GW_CODE_BAD_REQUEST);
  ask(0, "history", "{\"channel\":\"\"}");
  assert_int_equal(told.code, GW_CODE_BAD_CHANNEL);
}

static void test_channels_come_sorted_and_in_pages(void **state) {
  (void)state;
  static const char *const names[] = {"b:2", "a:1", "b:1", "c:1"};
  peer *p = peer_join(&node, 0, 1), *q = peer_join(&node, 1, 2);
  for (unsigned i = 0; i < 4; i++) {
    peer_subscribe(p, i + 1, names[i]);
    peer_subscribe(q, i + 1, names[i]);
  }
  hubs_settle(&node);
  ask(2, "channels", "{\"prefix\":\"b:\"}");
  const char *first = strstr(told.json, "b:1"),
             *second = strstr(told.json, "b:2");
  assert_true(first != NULL && second != NULL && first < second);
  assert_null(strstr(told.json, "a:1"));
  assert_json("\"channel\":\"b:1\",\"subscribers\":2,\"position\"");
  ask(2, "channels", "{\"limit\":2,\"after\":\"a:1\"}");
  assert_json("b:1");
  assert_json("b:2");
  assert_null(strstr(told.json, "c:1"));
}

static void test_history_is_read_at_the_owner(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_publish m = {.channel = gw_view_of("room:a"),
                  .json = gw_view_of("{\"n\":1}"),
                  .key = 1};
  (void)peer_publish_with(p, &m);
  m.json = gw_view_of("no JSON");
  m.key = 2;
  (void)peer_publish_with(p, &m);
  hubs_settle(&node);
  for (uint32_t w = 0; w < 3; w++) {
    ask(w, "history", "{\"channel\":\"room:a\"}");
    assert_int_equal(told.code, GW_CODE_OK);
    assert_json("{\"offset\":\"1\",\"json\":{\"n\":1},");
    assert_json("{\"offset\":\"2\",\"json\":\"no JSON\",");
  }
  ask(0, "history",
      "{\"channel\":\"room:a\",\"limit\":1,\"newestFirst\":true}");
  assert_null(strstr(told.json, "\"offset\":\"1\""));
  ask(0, "history",
      "{\"channel\":\"room:a\",\"since\":{\"epoch\":\"1\",\"offset\":\"1\"}}");
  assert_json("\"incomplete\":true");
  ask(0, "history", "{\"channel\":\"room:nobody\"}");
  assert_string_equal(told.json, "{}");
}

static void test_an_end_in_between_is_told(void **state) {
  (void)state;
  gw_caller caller = {.is_trusted = true};
  told.num = 0;
  node.holds_mail = true;
  gw_hub_api(node.hub[0], gw_view_of("info"), &caller, (gw_view){NULL, 0},
             on_reply, "info");
  assert_int_equal(told.num, 0);
  gw_hub_free(node.hub[0]);
  node.hub[0] = NULL;
  assert_int_equal(told.num, 1);
  assert_int_equal(told.code, GW_CODE_SHUTDOWN);
}

/* ---- clients --------------------------------------------------------------- */

static uint32_t call_json(peer *p, const char *method, const char *json) {
  gw_head head = {.type = GW_FRAME_RPC, .request = ++p->last_request};
  gw_rpc m = {.method = gw_view_of(method), .json = gw_view_of(json)};
  PEER_SEND(p, rpc, &head, &m);
  return head.request;
}

static void test_clients_read_history_if_the_rule_lets_them(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  ask(1, "publish", "{\"channel\":\"room:a\",\"json\":7}");
  uint32_t request = call_json(p, "godwit.history", "{\"channel\":\"room:a\"}");
  gw_rpc_result result;
  gw_frame f = peer_expect(p, GW_FRAME_RPC_RESULT);
  assert_int_equal(f.head.request, request);
  assert_int_equal(gw_decode_rpc_result(f.body, &result), 0);
  assert_true(result.data.len == 0 && result.json.len > 10);
  node.spaces[1].allow[GW_ACTION_HISTORY].who = 0;
  assert_int_equal(
      peer_error(p, call_json(p, "godwit.history", "{\"channel\":\"room:a\"}")),
      GW_CODE_PERMISSION_DENIED);
  assert_int_equal(
      peer_error(p, call_json(p, "godwit.presence", "{\"channel\":1}")),
      GW_CODE_BAD_REQUEST);
}

static void test_clients_may_not_what_no_rule_opens(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  static const char *const closed[] = {"godwit.publish", "godwit.disconnect",
                                       "godwit.connections", "godwit.info",
                                       "godwit.rpc"};
  for (unsigned i = 0; i < 5; i++)
    assert_int_equal(peer_error(p, call_json(p, closed[i], "{}")),
                     GW_CODE_PERMISSION_DENIED);
  assert_int_equal(peer_error(p, call_json(p, "godwit.dance", "{}")),
                   GW_CODE_UNKNOWN_METHOD);
}

static bool hold_history(const gw_question *q, gw_verdict *v) {
  v->user = q->user;
  return q->kind != GW_ASK_HISTORY;
}

static int start_asking(void **state) {
  (void)state;
  hubs_init(&node, 3);
  node.asks = true;
  node.ask = hold_history;
  node.spaces[1].allow[GW_ACTION_HISTORY].who = GW_WHO_HOOK;
  hubs_start(&node);
  return 0;
}

static void test_a_call_waits_for_who_is_asked(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  uint32_t request = call_json(p, "godwit.history", "{\"channel\":\"room:a\"}");
  peer_expect_nothing(p);
  gw_verdict v = {.code = GW_CODE_OK};
  gw_hub_decide(node.hub[0], node.asked.session, node.asked.ticket, &v);
  hubs_settle(&node);
  assert_int_equal(peer_expect(p, GW_FRAME_RPC_RESULT).head.request, request);
}

int main(void) {
#define TEST(name) \
  cmocka_unit_test_setup_teardown(test_##name, start_three, stop)
  const struct CMUnitTest tests[] = {
      TEST(info_is_of_all_workers),
      TEST(info_counts_since_the_start),
      TEST(names_of_a_request_without_its_payload),
      TEST(a_method_that_is_not_there),
      TEST(a_request_that_cannot_be_read),
      TEST(channels_come_sorted_and_in_pages),
      TEST(history_is_read_at_the_owner),
      TEST(an_end_in_between_is_told),
      TEST(clients_read_history_if_the_rule_lets_them),
      TEST(clients_may_not_what_no_rule_opens),
      cmocka_unit_test_setup_teardown(test_a_call_waits_for_who_is_asked,
                                      start_asking, stop),
  };
#undef TEST
  return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
