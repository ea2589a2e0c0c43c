/* SPDX-License-Identifier: MIT */
/* api_methods_test.c - what the application does by the API: publications,
 * connections, presence, calls. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

static void ask(const char *method, const char *json) {
  api_ask(&node, 1, method, json);
}

/** JSON with a 64-bit id in it. */
static const char *with_id(const char *format, uint64_t id) {
  static char json[256];
  char number[24];
  (void)snprintf(number, sizeof number, "%" PRIu64, id);
  (void)snprintf(json, sizeof json, format, number);
  return json;
}

/* ---- publications --------------------------------------------------------- */

static void test_a_publication_reaches_subscribers_everywhere(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1), *q = peer_join(&node, 2, 2);
  peer_subscribe(p, 1, "room:a");
  peer_subscribe(q, 1, "room:a");
  peer_forget(p);
  peer_forget(q);
  ask("publish",
      "{\"channel\":\"room:a\",\"json\":{\"n\":1},\"user\":\"app\"}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  api_assert_json("\"offset\":\"1\"");
  gw_publication m = peer_publication(p);
  assert_true(gw_view_eq(m.json, gw_view_of("{\"n\":1}")));
  assert_true(gw_view_eq(m.user, gw_view_of("app")));
  assert_int_equal(m.client, 0);
  assert_int_equal(peer_publication(q).offset, 1);
}

static void test_a_repeat_is_told_by_its_key(void **state) {
  (void)state;
  static const char json[] =
      "{\"channel\":\"room:a\",\"data\":\"AP8=\",\"idempotencyKey\":\"order 7\"}";
  ask("publish", json);
  api_assert_json("\"offset\":\"1\"");
  api_ask(&node, 2, "publish", json);
  api_assert_json("\"offset\":\"1\"");
  api_assert_json("\"duplicate\":true");
  ask("publish",
      "{\"channel\":\"room:a\",\"data\":\"AP8=\",\"idempotencyKey\":\"order 8\"}");
  api_assert_json("\"offset\":\"2\"");
  hubs_pass(&node, GW_DEDUP_WINDOW_MS + 10000);
  ask("publish", json);
  api_assert_json("\"offset\":\"3\"");
}

static void test_compare_and_bad_requests(void **state) {
  (void)state;
  ask("publish", "{\"channel\":\"room:a\",\"json\":1,\"compare\":"
                 "{\"epoch\":\"1\",\"offset\":\"0\"}}");
  assert_int_equal(api_told.code, GW_CODE_CONFLICT);
  ask("publish", "{\"channel\":\"room:a\",\"json\":1,\"data\":\"AA==\"}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  assert_string_equal(api_told.message, "json: there are data as well");
  ask("publish", "{\"json\":1}");
  assert_int_equal(api_told.code, GW_CODE_BAD_CHANNEL);
  node.settings.limits.max_frame_bytes = 600;
  ask("publish", "{\"channel\":\"room:a\",\"json\":\""
                 "0123456789012345678901234567890123456789"
                 "0123456789012345678901234567890123456789"
                 "0123456789012345678901234567890123456789\"}");
  assert_int_equal(api_told.code, GW_CODE_TOO_BIG);
}

static void test_a_broadcast_tells_each_outcome_in_order(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "b:3");
  peer_forget(p);
  ask("broadcast", "{\"channels\":[\"b:1\",\"bad\\u0001\",\"b:3\",\"b:2\","
                   "\"b:1\"],\"json\":\"x\"}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  const char *at = api_told.json;
  static const char *const names[] = {"b:1", "bad", "b:3", "b:2", "b:1"};
  for (unsigned i = 0; i < 5; i++) {
    at = strstr(at, "\"channel\":\"");
    assert_non_null(at);
    at += strlen("\"channel\":\"");
    assert_int_equal(strncmp(at, names[i], 3), 0);
  }
  api_assert_json("\"code\":509");
  assert_int_equal(peer_publication(p).offset, 1);
  ask("broadcast", "{\"json\":1}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
}

/* ---- connections ---------------------------------------------------------- */

static void test_connections_are_listed_in_pages(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  (void)peer_join(&node, 1, 2);
  (void)peer_join(&node, 2, 3);
  peer_subscribe(p, 1, "room:a");
  peer_subscribe(p, 2, "room:b");
  ask("connections", "{\"user\":\"user1\",\"withChannels\":true}");
  api_assert_json(with_id("\"connection\":\"%s\"", p->connection));
  api_assert_json("\"user\":\"user1\",\"peer\":\"10.0.0.1\"");
  api_assert_json("\"state\":\"connected\",\"subscriptions\":2,\"channels\":"
                  "[\"room:a\",\"room:b\"]");
  unsigned seen = 0;
  uint64_t after = 0;
  for (unsigned page = 0; page < 5; page++) {
    ask("connections", with_id("{\"limit\":1,\"after\":\"%s\"}", after));
    const char *id = strstr(api_told.json, "\"connection\":\"");
    if (id == NULL) break;
    uint64_t next = strtoull(id + strlen("\"connection\":\""), NULL, 10);
    assert_true(next > after);
    after = next;
    seen++;
  }
  assert_int_equal(seen, 3);
}

static void test_disconnect_ends_connections_of_a_user(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1), *q = peer_join(&node, 2, 1);
  peer *other = peer_join(&node, 2, 2);
  ask("disconnect", "{}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  ask("disconnect", "{\"user\":\"user1\",\"reason\":\"enough\"}");
  assert_string_equal(api_told.json, "{\"connections\":2}");
  assert_int_equal(peer_close_code(p), GW_CODE_FORCED);
  assert_int_equal(peer_close_code(q), GW_CODE_FORCED);
  assert_false(other->is_closing);
  ask("disconnect",
      with_id("{\"connection\":\"%s\",\"code\":942}", other->connection));
  assert_int_equal(peer_close_code(other), 942);
}

/* ---- presence ------------------------------------------------------------- */

static void test_presence_and_its_numbers(void **state) {
  (void)state;
  static const unsigned who[] = {1, 2, 3};
  for (unsigned i = 0; i < 3; i++) {
    peer *p = peer_join(&node, i, who[i]);
    peer_subscribe(p, 1, "room:a");
    peer_presence(p, 1, i == 0 ? "busy" : "online");
  }
  hubs_pass(&node, 1000);
  ask("presence", "{\"channel\":\"room:a\"}");
  api_assert_json("\"user\":\"user1\",\"state\":\"busy\"");
  api_assert_json("\"user\":\"user3\",\"state\":\"online\"");
  ask("presence_stats", "{\"channel\":\"room:a\"}");
  api_assert_json("\"clients\":3,\"users\":3");
  ask("presence", "{\"channel\":\"room:nobody\"}");
  assert_string_equal(api_told.json, "{}");
}

/* ---- calls ---------------------------------------------------------------- */

static uint32_t next_call(peer *p, const char *method) {
  gw_rpc m;
  gw_frame f = peer_await(p, GW_FRAME_RPC);
  assert_int_equal(gw_decode_rpc(f.body, &m), 0);
  assert_true(gw_view_eq(m.method, gw_view_of(method)));
  assert_int_equal(m.from, 0);
  return f.head.request;
}

static void test_a_client_is_called_and_awaited(void **state) {
  (void)state;
  peer *p = peer_join(&node, 2, 1);
  api_begin(&node, 0, "rpc",
            with_id("{\"client\":\"%s\",\"method\":\"ask\","
                    "\"json\":{\"q\":1}}",
                    p->client));
  assert_int_equal(api_told.num, 0);
  gw_head head = {.type = GW_FRAME_RPC_RESULT, .request = next_call(p, "ask")};
  gw_rpc_result result = {.json = gw_view_of("[1,2]")};
  PEER_SEND(p, rpc_result, &head, &result);
  assert_int_equal(api_told.num, 1);
  assert_string_equal(api_told.json, "{\"json\":[1,2]}");
}

static void test_a_call_fails_with_the_clients_words(void **state) {
  (void)state;
  peer *p = peer_join(&node, 2, 1);
  api_begin(&node, 2, "rpc",
            with_id("{\"client\":\"%s\",\"method\":\"ask\"}", p->client));
  gw_head head = {.type = GW_FRAME_ERROR, .request = next_call(p, "ask")};
  gw_error error = {.code = 942, .message = gw_view_of("no idea")};
  PEER_SEND(p, error, &head, &error);
  assert_int_equal(api_told.num, 1);
  assert_int_equal(api_told.code, 942);
  assert_string_equal(api_told.message, "no idea");
}

static void test_a_call_to_nobody_and_one_too_late(void **state) {
  (void)state;
  ask("rpc", "{\"client\":\"77\",\"method\":\"ask\"}");
  assert_int_equal(api_told.code, GW_CODE_NOT_FOUND);
  ask("rpc", "{\"method\":\"ask\"}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  peer *p = peer_join(&node, 0, 1);
  api_begin(&node, 0, "rpc",
            with_id("{\"client\":\"%s\",\"method\":\"ask\",\"timeoutMs\":500}",
                    p->client));
  assert_int_equal(api_told.num, 0);
  hubs_pass(&node, 1000);
  assert_int_equal(api_told.num, 1);
  assert_int_equal(api_told.code, GW_CODE_TIMEOUT);
}

static void test_the_end_answers_a_call_that_waits(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  api_begin(&node, 0, "rpc",
            with_id("{\"client\":\"%s\",\"method\":\"ask\"}", p->client));
  gw_hub_free(node.hub[0]);
  node.hub[0] = NULL;
  p->session = NULL;
  assert_int_equal(api_told.num, 1);
  assert_int_equal(api_told.code, GW_CODE_SHUTDOWN);
}

int main(void) {
#define TEST(name) \
  cmocka_unit_test_setup_teardown(test_##name, start_three, stop)
  const struct CMUnitTest tests[] = {
      TEST(a_publication_reaches_subscribers_everywhere),
      TEST(a_repeat_is_told_by_its_key),
      TEST(compare_and_bad_requests),
      TEST(a_broadcast_tells_each_outcome_in_order),
      TEST(connections_are_listed_in_pages),
      TEST(disconnect_ends_connections_of_a_user),
      TEST(presence_and_its_numbers),
      TEST(a_client_is_called_and_awaited),
      TEST(a_call_fails_with_the_clients_words),
      TEST(a_call_to_nobody_and_one_too_late),
      TEST(the_end_answers_a_call_that_waits),
  };
#undef TEST
  return cmocka_run_group_tests_name("api_methods", tests, NULL, NULL);
}
