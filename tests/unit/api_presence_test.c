/* SPDX-License-Identifier: MIT */
/* api_presence_test.c - who is in a channel by state, user and data, page by page;
 * how many; and where somebody is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/core/channel.h"
#include "server/core/presence.h"
#include "support/api_rig.h"

static hubs node;

static int start(void **state) {
  (void)state;
  hubs_init(&node, 3);
  node.settings.trusts_names = true;
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void set(const char *channel, uint64_t client, const char *user,
                const char *state, const char *json) {
  gw_view name = gw_view_of(channel);
  gw_hub *h = node.hub[hubs_owner(&node, channel)];
  uint32_t code = GW_CODE_OK;
  gw_channel *ch =
      gws_channel_get(h, name, gws_hub_hash(h, name.data, name.len), &code);
  gw_presence_command cmd = {
      .client = client,
      .connection = client,
      .opened_ms = 1,
      .user = gw_view_of(user),
      .msg = {.state = gw_view_of(state), .json = gw_view_of(json)}};
  assert_int_equal(gws_presence_set(ch, &cmd), GW_CODE_OK);
}

static void ask(const char *method, const char *json) {
  static uint32_t turn;
  api_ask(&node, turn++ % node.num, method, json);
  if (api_told.code != GW_CODE_OK)
    fail_msg("%s: %s %s", json, gw_code_name(api_told.code), api_told.message);
}

/** The clients in the reply, in its order: "1 2 3". */
static const char *clients(void) {
  static char text[256];
  size_t len = 0;
  text[0] = '\0';
  for (const char *at = api_told.json;
       (at = strstr(at, "{\"client\":\"")) != NULL; at++) {
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%d",
                            len != 0 ? " " : "", atoi(at + 11));
  }
  return text;
}

static void expect(const char *query, const char *ids) {
  char json[256];
  (void)snprintf(json, sizeof json, "{\"channel\":\"room:a\",%s}", query);
  ask("presence", json);
  if (strcmp(clients(), ids) != 0)
    fail_msg("%s: %s, not %s", query, clients(), ids);
}

static void fill(void) {
  set("room:a", 1, "ada", "online", "{\"team\":\"red\",\"level\":3}");
  set("room:a", 2, "ada", "busy", "{\"team\":\"blue\",\"level\":5}");
  set("room:a", 3, "bob", "", "{\"team\":\"red\",\"level\":5,\"hand\":true}");
  set("room:a", 4, "", "away", "");
  hubs_pass(&node, 100);
}

static void test_members_are_selected(void **state) {
  (void)state;
  fill();
  expect("\"limit\":10", "1 2 3 4");
  expect("\"state\":\"online\"", "1 3");
  expect("\"user\":\"ada\"", "1 2");
  expect("\"user\":\"ada\",\"state\":\"busy\"", "2");
  expect("\"where\":[{\"field\":\"team\",\"value\":\"red\"}]", "1 3");
  expect("\"where\":[{\"field\":\"level\",\"is\":\"GREATER\",\"value\":3}]",
         "2 3");
  expect("\"where\":[{\"field\":\"level\",\"is\":\"AT_LEAST\",\"value\":5},"
         "{\"field\":\"hand\",\"is\":\"EXISTS\"}]",
         "3");
  expect("\"where\":[{\"field\":\"hand\",\"is\":\"ABSENT\"}]", "1 2 4");
  expect("\"where\":[{\"field\":\"team\",\"is\":\"NOT_EQUAL\","
         "\"value\":\"red\"}]",
         "2 4");
}

static void test_members_come_in_pages(void **state) {
  (void)state;
  fill();
  expect("\"limit\":2", "1 2");
  api_assert_json("\"next\":\"2\"");
  expect("\"limit\":2,\"after\":\"2\"", "3 4");
  assert_null(strstr(api_told.json, "\"next\""));
  expect("\"limit\":1,\"user\":\"ada\"", "1");
  api_assert_json("\"next\":\"1\"");
  for (unsigned i = 0; i < 250; i++)
    set("room:a", 100 + i, "", "", "");
  hubs_pass(&node, 100);
  ask("presence", "{\"channel\":\"room:a\"}");
  api_assert_json("\"next\":\"195\""); /* 100 by default */
}

static void test_what_cannot_be_asked(void **state) {
  (void)state;
  fill();
  char json[2048] = "{\"channel\":\"room:a\",\"where\":[";
  for (unsigned i = 0; i < 17; i++)
    (void)strcat(json, i == 0 ? "{\"field\":\"a\",\"value\":1}"
                              : ",{\"field\":\"a\",\"value\":1}");
  (void)strcat(json, "]}");
  api_ask(&node, 0, "presence", json);
  assert_int_equal(api_told.code, GW_CODE_TOO_BIG);
  api_ask(&node, 0, "presence",
          "{\"channel\":\"room:a\",\"where\":[{\"field\":\"a\",\"is\":9}]}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  ask("presence", "{\"channel\":\"room:nobody\"}");
  assert_string_equal(api_told.json, "{}");
}

static void test_numbers_by_state(void **state) {
  (void)state;
  fill();
  set("room:a", 5, "eve", "busy", "");
  set("room:a", 6, "eve", "busy", "");
  hubs_pass(&node, 100);
  ask("presence_stats", "{\"channel\":\"room:a\"}");
  api_assert_json("\"clients\":6,\"users\":4,\"states\":["
                  "{\"state\":\"busy\",\"clients\":3},"
                  "{\"state\":\"online\",\"clients\":2},"
                  "{\"state\":\"away\",\"clients\":1}],\"mode\":\"full\"");
}

static void test_where_somebody_is(void **state) {
  (void)state;
  fill();
  char channel[16];
  for (unsigned i = 0; i < 6; i++) {
    (void)snprintf(channel, sizeof channel, "hall:%u", i);
    set(channel, 1, "ada", "", "");
  }
  hubs_pass(&node, 100);
  ask("presence_of", "{\"user\":\"ada\"}");
  api_assert_json("{\"user\":\"ada\",\"channel\":\"hall:0\",\"clients\":1}");
  api_assert_json("{\"user\":\"ada\",\"channel\":\"hall:5\",\"clients\":1},"
                  "{\"user\":\"ada\",\"channel\":\"room:a\",\"clients\":2}]");
  ask("presence_of", "{\"user\":\"nobody\"}");
  assert_string_equal(api_told.json, "{}");
  api_ask(&node, 0, "presence_of", "{}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  api_ask(&node, 0, "presence_of", "{\"group\":\"none\"}");
  assert_int_equal(api_told.code, GW_CODE_NO_SUCH_GROUP);
}

/* ---- by clients ------------------------------------------------------------------ */

static uint32_t call(peer *p, const char *method, const char *json) {
  gw_head head = {.type = GW_FRAME_RPC, .request = ++p->last_request};
  gw_rpc m = {.method = gw_view_of(method), .json = gw_view_of(json)};
  PEER_SEND(p, rpc, &head, &m);
  return head.request;
}

static void test_clients_ask_what_the_rule_lets_them(void **state) {
  (void)state;
  fill();
  set("room:b", 7, "user1", "", "");
  hubs_pass(&node, 100);
  peer *p = peer_join(&node, 1, 1);
  (void)call(p, "godwit.presence_stats", "{\"channel\":\"room:a\"}");
  (void)peer_expect(p, GW_FRAME_RPC_RESULT);
  (void)call(p, "godwit.presence_of", "{\"user\":\"user1\"}");
  (void)peer_expect(p, GW_FRAME_RPC_RESULT);
  assert_int_equal(
      peer_error(p, call(p, "godwit.presence_of", "{\"user\":\"ada\"}")),
      GW_CODE_PERMISSION_DENIED);
  assert_int_equal(peer_error(p, call(p, "godwit.presence",
                                      "{\"channel\":\"room:a\",\"group\":"
                                      "\"g\"}")),
                   GW_CODE_PERMISSION_DENIED);
  node.spaces[1].allow[GW_ACTION_PRESENCE].who = 0;
  assert_int_equal(peer_error(p, call(p, "godwit.presence_stats",
                                      "{\"channel\":\"room:a\"}")),
                   GW_CODE_PERMISSION_DENIED);
}

/** Where subscribers are told ids only, a client's question gets no more. */
static void test_ids_are_all_that_clients_get(void **state) {
  (void)state;
  node.spaces[1].presence_mode = GW_PRESENCE_MODE_IDS;
  fill();
  peer *p = peer_join(&node, 1, 1);
  (void)call(p, "godwit.presence", "{\"channel\":\"room:a\"}");
  gw_rpc_result m;
  gw_frame f = peer_expect(p, GW_FRAME_RPC_RESULT);
  assert_int_equal(gw_decode_rpc_result(f.body, &m), 0);
  char text[1024];
  assert_true(m.json.len < sizeof text);
  memcpy(text, m.json.data, m.json.len);
  text[m.json.len] = '\0';
  assert_non_null(strstr(text, "\"user\":\"bob\""));
  assert_null(strstr(text, "red"));
  assert_null(strstr(text, "busy"));
  ask("presence", "{\"channel\":\"room:a\"}"); /* the application gets all */
  api_assert_json("red");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)
  const struct CMUnitTest tests[] = {
      TEST(members_are_selected),
      TEST(members_come_in_pages),
      TEST(what_cannot_be_asked),
      TEST(numbers_by_state),
      TEST(where_somebody_is),
      TEST(clients_ask_what_the_rule_lets_them),
      TEST(ids_are_all_that_clients_get),
  };
#undef TEST
  return cmocka_run_group_tests_name("api_presence", tests, NULL, NULL);
}
