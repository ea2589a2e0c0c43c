/* SPDX-License-Identifier: MIT */
/* scope_test.c - shared state: whose it is, and what the API does with it. */
#include <inttypes.h>
#include <stdio.h>

#include "support/state_rig.h"

#include "server/core/scope.h"

static hubs node;
static gw_namespace spaces[2];

static int start_three(void **state) {
  (void)state;
  state_init(&node, spaces, 3);
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

/* ---- names ----------------------------------------------------------------- */

static void test_a_name_says_whose_state_it_holds(void **state) {
  (void)state;
  char space[GW_MAX_CHANNEL_BYTES + 1];
  gws_scope s;
  assert_true(gws_scope_of(gw_view_of("$state:channel:room:a"), &s));
  assert_int_equal(s.kind, GWS_SCOPE_CHANNEL);
  assert_true(gw_view_eq(s.id, gw_view_of("room:a")));
  gw_view name = gws_scope_channel(&s, space);
  assert_true(gw_view_eq(name, gw_view_of("$state:channel:room:a")));
  static const char *const bad[] = {
      "$state",       "$state:",        "$state:user", "$state:user:",
      "$state:usr:a", "$states:user:a", "user:a"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false(gws_scope_of(gw_view_of(bad[i]), &s));
}

static void test_an_id_that_is_too_long_names_nothing(void **state) {
  (void)state;
  char space[GW_MAX_CHANNEL_BYTES + 1], id[GW_MAX_CHANNEL_BYTES];
  memset(id, 'x', sizeof id);
  size_t most = GW_MAX_CHANNEL_BYTES - strlen("$state:user:");
  gws_scope s = {GWS_SCOPE_USER, {(const uint8_t *)id, most}};
  assert_int_equal(gws_scope_channel(&s, space).len, GW_MAX_CHANNEL_BYTES);
  s.id.len++;
  assert_int_equal(gws_scope_channel(&s, space).len, 0);
  s.id.len = 0;
  assert_int_equal(gws_scope_channel(&s, space).len, 0);
}

/* ---- who may --------------------------------------------------------------- */

static void test_a_user_and_a_connection_have_their_own(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  char own[64];
  (void)snprintf(own, sizeof own, "$state:connection:%016" PRIx64, p->client);
  assert_int_equal(state_put(p, "$state:user:user1", "a", "1").offset, 1);
  assert_int_equal(state_put(p, own, "a", "1").offset, 1);
  assert_int_equal(state_refused(p, "$state:user:user2", "a", "1"),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(
      state_refused(p, "$state:connection:0000000000000000", "a", "1"),
      GW_CODE_PERMISSION_DENIED);
  assert_int_equal(state_refused(p, "$state:group:g", "a", "1"),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(state_refused(p, "$state:nothing:x", "a", "1"),
                   GW_CODE_PERMISSION_DENIED);
  uint32_t id = peer_subscribe(p, 1, "$state:user:user2");
  assert_int_equal(peer_error(p, id), GW_CODE_PERMISSION_DENIED);
  peer_subscribe(p, 2, "$state:user:user1");
  peer_subscribed(p);
}

static void test_subscribers_share_the_state_of_a_channel(void **state) {
  (void)state;
  spaces[1].allow[GW_ACTION_PUBLISH] = (gw_rule){.who = GW_WHO_SUBSCRIBER};
  peer *p = peer_join(&node, 0, 1), *q = peer_join(&node, 2, 2);
  assert_int_equal(state_refused(p, "$state:channel:room", "a", "1"),
                   GW_CODE_PERMISSION_DENIED);
  peer_subscribe(p, 1, "room");
  peer_subscribe(q, 1, "room");
  peer_forget(p);
  peer_forget(q);
  peer_subscribe(q, 2, "$state:channel:room");
  peer_subscribed(q);
  assert_int_equal(state_put(p, "$state:channel:room", "a", "1").offset, 1);
  assert_true(gw_view_eq(peer_publication(q).item, gw_view_of("a")));
  spaces[1].allow[GW_ACTION_PUBLISH] = (gw_rule){.who = 0};
  assert_int_equal(state_refused(p, "$state:channel:room", "a", "2"),
                   GW_CODE_PERMISSION_DENIED);
}

static uint32_t unsubscribed_code(peer *p) {
  gw_unsubscribed m;
  gw_frame f = peer_await(p, GW_FRAME_UNSUBSCRIBED);
  assert_int_equal(gw_decode_unsubscribed(f.body, &m), 0);
  return m.code;
}

static void test_who_leaves_a_channel_leaves_its_state(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room");
  peer_subscribed(p);
  peer_subscribe(p, 2, "$state:channel:room");
  peer_subscribed(p);
  assert_int_equal(state_put(p, "$state:channel:room", "a", "1").offset, 1);
  peer_forget(p);
  peer_send_empty(p, GW_FRAME_UNSUBSCRIBE, 1);
  (void)unsubscribed_code(p); /* the room */
  assert_int_equal(unsubscribed_code(p), GW_CODE_PERMISSION_DENIED);
  peer_forget(p);
  ask("state_set", "{\"scope\":\"channel\",\"id\":\"room\",\"key\":\"a\","
                   "\"json\":2}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  peer_expect_nothing(p);
  /* And back again. */
  peer_subscribe(p, 3, "room");
  peer_subscribed(p);
  peer_subscribe(p, 4, "$state:channel:room");
  peer_subscribed(p);
}

static void test_the_end_of_a_channel_ends_its_state_for_all(void **state) {
  (void)state;
  peer *p[3];
  for (uint32_t i = 0; i < 3; i++) {
    p[i] = peer_join(&node, i, 1 + i);
    peer_subscribe(p[i], 1, "room");
    peer_subscribed(p[i]);
    peer_subscribe(p[i], 2, "$state:channel:room");
    peer_subscribed(p[i]);
    peer_forget(p[i]);
  }
  ask("unsubscribe", "{\"channel\":\"room\",\"user\":\"user2\"}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  (void)unsubscribed_code(p[1]); /* the room */
  assert_int_equal(unsubscribed_code(p[1]), GW_CODE_PERMISSION_DENIED);
  peer_expect_nothing(p[0]);
  peer_drop(p[0], 1006);
  peer_expect_nothing(p[2]);
}

static void test_who_leaves_a_group_leaves_its_state(void **state) {
  (void)state;
  node.settings.trusts_names = true; /* peers are user1, user2, ... */
  ask("group_create",
      "{\"group\":\"g\",\"roles\":[{\"role\":\"reader\",\"permissions\":"
      "[\"read\"]}],\"members\":[{\"user\":\"user1\",\"role\":\"reader\"},"
      "{\"user\":\"user2\",\"role\":\"reader\"}]}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  peer *p = peer_join(&node, 0, 1), *q = peer_join(&node, 2, 2);
  peer_subscribe(p, 1, "$state:group:g");
  peer_subscribe(q, 1, "$state:group:g");
  peer_subscribed(p);
  peer_subscribed(q);
  ask("group_remove", "{\"group\":\"g\",\"users\":[\"user2\"]}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  assert_int_equal(unsubscribed_code(q), GW_CODE_PERMISSION_DENIED);
  peer_expect_nothing(p);
  uint32_t id = peer_subscribe(q, 2, "$state:group:g");
  assert_int_equal(peer_error(q, id), GW_CODE_PERMISSION_DENIED);
}

static void test_the_rules_of_the_namespace_come_first(void **state) {
  (void)state;
  spaces[0].allow[GW_ACTION_PUBLISH] = (gw_rule){.who = 0};
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(state_refused(p, "$state:user:user1", "a", "1"),
                   GW_CODE_PERMISSION_DENIED);
  ask("state_set", "{\"scope\":\"user\",\"id\":\"user1\",\"key\":\"a\","
                   "\"json\":1}");
  assert_int_equal(api_told.code, GW_CODE_OK);
}

static void test_without_the_namespace_there_is_no_state(void **state) {
  (void)state;
  node.settings.namespaces = spaces + 1;
  node.settings.num_namespaces = 1;
  peer *p = peer_join(&node, 0, 1);
  assert_int_equal(state_refused(p, "$state:user:user1", "a", "1"),
                   GW_CODE_PERMISSION_DENIED);
  ask("state_get", "{\"scope\":\"free\",\"id\":\"x\",\"key\":\"a\"}");
  assert_int_equal(api_told.code, GW_CODE_UNSUPPORTED);
  assert_string_equal(api_told.message, "there is no namespace $state");
}

/* ---- the API --------------------------------------------------------------- */

#define DOC "\"scope\":\"free\",\"id\":\"doc\","

static void test_keys_are_set_compared_and_removed(void **state) {
  (void)state;
  ask("state_set", "{" DOC "\"key\":\"a\",\"json\":{\"n\":1},"
                   "\"version\":{\"offset\":\"0\"},\"user\":\"app\"}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  api_assert_json("\"offset\":\"1\"");
  char version[128];
  const char *from = strstr(api_told.json, "{\"epoch\"");
  assert_non_null(from);
  (void)snprintf(version, sizeof version, "%.*s",
                 (int)(strchr(from, '}') - from + 1), from);
  ask("state_set", "{" DOC "\"key\":\"a\",\"json\":2,"
                   "\"version\":{\"offset\":\"0\"}}");
  assert_int_equal(api_told.code, GW_CODE_CONFLICT);
  char request[256];
  (void)snprintf(request, sizeof request,
                 "{" DOC "\"key\":\"a\",\"json\":2,\"version\":%s}", version);
  ask("state_set", request);
  assert_int_equal(api_told.code, GW_CODE_OK);
  ask("state_set", request);
  assert_int_equal(api_told.code, GW_CODE_CONFLICT);
  ask("state_get", "{" DOC "\"key\":\"a\"}");
  api_assert_json("\"key\":\"a\",\"json\":2");
  ask("state_remove", "{" DOC "\"key\":\"a\"}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  ask("state_get", "{" DOC "\"key\":\"a\"}");
  assert_string_equal(api_told.json, "{}");
}

static void test_a_key_inherits_from_what_it_is_in(void **state) {
  (void)state;
  ask("state_set", "{" DOC "\"key\":\"a\",\"json\":\"far\"}");
  ask("state_set", "{" DOC "\"key\":\"a/b\",\"json\":\"near\"}");
  ask("state_get", "{" DOC "\"key\":\"a/b/c/d\",\"inherit\":true}");
  api_assert_json("\"key\":\"a/b\",\"json\":\"near\"");
  ask("state_get", "{" DOC "\"key\":\"a/bc\",\"inherit\":true}");
  api_assert_json("\"key\":\"a\",\"json\":\"far\"");
  ask("state_get", "{" DOC "\"key\":\"b/c\",\"inherit\":true}");
  assert_string_equal(api_told.json, "{}");
  ask("state_get", "{" DOC "\"key\":\"a/b/c/d\"}");
  assert_string_equal(api_told.json, "{}");
}

static void test_keys_are_listed_by_prefix_and_page(void **state) {
  (void)state;
  ask("state_list", "{" DOC "\"prefix\":\"\"}");
  assert_string_equal(api_told.json, "{}");
  ask("state_set", "{" DOC "\"key\":\"x/1\",\"json\":1}");
  ask("state_set", "{" DOC "\"key\":\"y\",\"json\":1}");
  ask("state_set", "{" DOC "\"key\":\"x/2\",\"json\":1,\"ttlMs\":500}");
  ask("state_list", "{" DOC "\"prefix\":\"x/\",\"limit\":1}");
  api_assert_json("\"key\":\"x/1\"");
  assert_null(strstr(api_told.json, "x/2"));
  ask("state_list", "{" DOC "\"prefix\":\"x/\",\"after\":\"1\"}");
  api_assert_json("\"key\":\"x/2\"");
  hubs_pass(&node, 600);
  ask("state_list", "{" DOC "\"after\":\"1\"}");
  api_assert_json("\"key\":\"y\"");
  assert_null(strstr(api_told.json, "x/2"));
}

static void test_bad_requests_are_told(void **state) {
  (void)state;
  ask("state_get", "{\"scope\":\"usr\",\"id\":\"x\",\"key\":\"a\"}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  ask("state_get", "{\"scope\":\"user\",\"key\":\"a\"}");
  assert_int_equal(api_told.code, GW_CODE_BAD_CHANNEL);
  ask("state_set", "{" DOC "\"json\":1}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  assert_string_equal(api_told.message, "item: is missing");
  for (char key = 'a'; key <= 'e'; key++) {
    char request[64];
    (void)snprintf(request, sizeof request,
                   "{" DOC "\"key\":\"%c\",\"json\":1}", key);
    ask("state_set", request);
  }
  assert_int_equal(api_told.code, GW_CODE_LIMIT_REACHED);
}

/* ---- main ------------------------------------------------------------------ */

#define TEST(f) cmocka_unit_test_setup_teardown(f, start_three, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_name_says_whose_state_it_holds),
      cmocka_unit_test(test_an_id_that_is_too_long_names_nothing),
      TEST(test_a_user_and_a_connection_have_their_own),
      TEST(test_subscribers_share_the_state_of_a_channel),
      TEST(test_who_leaves_a_channel_leaves_its_state),
      TEST(test_the_end_of_a_channel_ends_its_state_for_all),
      TEST(test_who_leaves_a_group_leaves_its_state),
      TEST(test_the_rules_of_the_namespace_come_first),
      TEST(test_without_the_namespace_there_is_no_state),
      TEST(test_keys_are_set_compared_and_removed),
      TEST(test_a_key_inherits_from_what_it_is_in),
      TEST(test_keys_are_listed_by_prefix_and_page),
      TEST(test_bad_requests_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
