/* SPDX-License-Identifier: MIT */
/* groups_test.c - groups on a node of several workers: changed by whom, known
 * where, and what rests on them. */
#include "server/core/groups.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/api_rig.h"

static hubs node;

static void prepare(uint32_t num_workers) {
  hubs_init(&node, num_workers);
  node.settings.trusts_names = true; /* peers are user1, user2, ... */
  (void)strcpy(node.spaces[1].group, "team:{1}");
}

static int start_three(void **state) {
  (void)state;
  prepare(3);
  hubs_start(&node);
  return 0;
}

static int prepare_three(void **state) {
  (void)state;
  prepare(3);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void ask_good(const char *method, const char *json) {
  static uint32_t turn;
  api_ask(&node, turn++ % node.num, method, json);
  if (api_told.code != GW_CODE_OK)
    fail_msg("%s: %s: %s", json, gw_code_name(api_told.code), api_told.message);
}

static void ask_bad(const char *method, const char *json, uint32_t code) {
  api_ask(&node, 0, method, json);
  if (api_told.code != code)
    fail_msg("%s: %s, not %s", json, gw_code_name(api_told.code),
             gw_code_name(code));
}

static const char team[] =
    "{\"group\":\"team:a\",\"roles\":["
    "{\"role\":\"lead\",\"permissions\":[\"read\",\"publish\",\"manage\","
    "\"members\",\"app:sign\"]},"
    "{\"role\":\"guest\",\"permissions\":[\"read\"]}],"
    "\"members\":[{\"user\":\"user1\",\"role\":\"lead\"},"
    "{\"user\":\"user2\",\"role\":\"guest\"}]}";

static bool may(uint32_t worker, const char *user, enum gw_permission what) {
  return gws_groups_may(node.hub[worker], gw_view_of("team:a"),
                        gw_view_of(user), what);
}

/* ---- by the application ------------------------------------------------------- */

static void test_every_worker_knows_a_group(void **state) {
  (void)state;
  gw_words roles = {0};
  assert_true(gw_words_add(&roles, gw_view_of("lead")));
  ask_good("group_create", team);
  for (uint32_t w = 0; w < node.num; w++) {
    assert_true(may(w, "user1", GW_MAY_MANAGE));
    assert_true(may(w, "user2", GW_MAY_READ));
    assert_false(may(w, "user2", GW_MAY_PUBLISH));
    assert_false(may(w, "user3", GW_MAY_READ));
    assert_true(gws_groups_has_role(node.hub[w], gw_view_of("team:a"),
                                    gw_view_of("user1"), &roles));
    assert_false(gws_groups_has_role(node.hub[w], gw_view_of("team:a"),
                                     gw_view_of("user2"), &roles));
  }
  assert_int_equal(HUBS_STAT(&node, groups), 1);
  assert_int_equal(HUBS_STAT(&node, memberships), 2);
  ask_bad("group_create", team, GW_CODE_GROUP_EXISTS);
  ask_good("group_delete", "{\"group\":\"team:a\"}");
  for (uint32_t w = 0; w < node.num; w++)
    assert_false(may(w, "user1", GW_MAY_READ));
  assert_int_equal(HUBS_STAT(&node, groups), 0);
  assert_int_equal(HUBS_STAT(&node, memberships), 0);
  ask_bad("group_delete", "{\"group\":\"team:a\"}", GW_CODE_NO_SUCH_GROUP);
}

static void test_members_come_go_and_change(void **state) {
  (void)state;
  ask_good("group_create", team);
  ask_good("group_add", "{\"group\":\"team:a\",\"users\":[\"user3\",\"user2\"],"
                        "\"role\":\"lead\"}");
  api_assert_json("\"members\":3");
  for (uint32_t w = 0; w < node.num; w++) {
    assert_true(may(w, "user2", GW_MAY_MANAGE));
    assert_true(may(w, "user3", GW_MAY_MANAGE));
  }
  ask_good("group_remove",
           "{\"group\":\"team:a\",\"users\":[\"user1\",\"nobody\"]}");
  api_assert_json("\"members\":2");
  ask_good("group_get", "{\"group\":\"team:a\"}");
  api_assert_json("\"version\":\"3\"");
  api_assert_json("\"numMembers\":2");
  api_assert_json("\"members\":[{\"user\":\"user2\",\"role\":\"lead\"},"
                  "{\"user\":\"user3\",\"role\":\"lead\"}]");
  api_assert_json("{\"role\":\"lead\",\"permissions\":[\"read\",\"publish\","
                  "\"members\",\"manage\",\"app:sign\"]}");
  ask_bad("group_add",
          "{\"group\":\"team:a\",\"users\":[\"x\"],\"role\":\"king\"}",
          GW_CODE_NO_SUCH_ROLE);
  ask_bad("group_add",
          "{\"group\":\"team:x\",\"users\":[\"x\"],\"role\":\"lead\"}",
          GW_CODE_NO_SUCH_GROUP);
  ask_bad("group_add",
          "{\"group\":\"team:a\",\"users\":[\"\"],\"role\":\"lead\"}",
          GW_CODE_BAD_TEXT);
}

/** Whoever was told of a change finds it on any worker, however late that one is. */
static void test_a_change_is_answered_when_all_have_it(void **state) {
  char json[128];
  (void)state;
  ask_good("group_create", team);
  for (uint32_t i = 0; i < 2 * node.num * node.num; i++) {
    uint32_t asked = i % node.num, slow = i / 2 % node.num;
    (void)snprintf(json, sizeof json,
                   "{\"group\":\"team:a\",\"users\":[\"late%u\"],"
                   "\"role\":\"guest\"}",
                   i);
    node.holds_mail = true;
    api_begin(&node, asked, "group_add", json);
    hubs_deliver_to_others(&node, slow);
    (void)snprintf(json, sizeof json, "late%u", i);
    if (api_told.num != 0) assert_true(may(slow, json, GW_MAY_READ));
    node.holds_mail = false;
    hubs_settle(&node);
    assert_int_equal(api_told.num, 1);
    assert_int_equal(api_told.code, GW_CODE_OK);
    for (uint32_t w = 0; w < node.num; w++)
      assert_true(may(w, json, GW_MAY_READ));
  }
}

static void test_roles_are_defined_and_removed(void **state) {
  (void)state;
  ask_good("group_create", team);
  ask_good("group_set_role", "{\"group\":\"team:a\",\"role\":\"guest\","
                             "\"permissions\":[\"read\",\"publish\"]}");
  for (uint32_t w = 0; w < node.num; w++)
    assert_true(may(w, "user2", GW_MAY_PUBLISH));
  ask_good("group_set_role", "{\"group\":\"team:a\",\"role\":\"bot\","
                             "\"permissions\":[\"send\"]}");
  ask_good("group_add",
           "{\"group\":\"team:a\",\"users\":[\"r2\"],\"role\":\"bot\"}");
  ask_bad("group_set_role",
          "{\"group\":\"team:a\",\"role\":\"lead\",\"remove\":true}",
          GW_CODE_ROLE_IN_USE);
  ask_good("group_remove", "{\"group\":\"team:a\",\"users\":[\"user1\"]}");
  /* Others move into its place, and keep their roles. */
  ask_good("group_set_role",
           "{\"group\":\"team:a\",\"role\":\"lead\",\"remove\":true}");
  for (uint32_t w = 0; w < node.num; w++) {
    assert_true(may(w, "r2", GW_MAY_SEND));
    assert_false(may(w, "r2", GW_MAY_PUBLISH));
    assert_true(may(w, "user2", GW_MAY_PUBLISH));
  }
  ask_bad("group_set_role",
          "{\"group\":\"team:a\",\"role\":\"x\",\"permissions\":[\"fly\"]}",
          GW_CODE_BAD_REQUEST);
  ask_bad("group_set_role",
          "{\"group\":\"team:a\",\"role\":\"x y\",\"permissions\":[]}",
          GW_CODE_BAD_REQUEST);
  ask_bad("group_set_role",
          "{\"group\":\"team:a\",\"role\":\"king\",\"remove\":true}",
          GW_CODE_NO_SUCH_ROLE);
}

static void test_limits_hold(void **state) {
  (void)state;
  node.settings.limits.max_group_members = 3;
  node.settings.limits.max_group_roles = 2;
  node.settings.max_memberships = 4;
  node.settings.max_groups = 1;
  hubs_start(&node);
  ask_good("group_create", team);
  ask_bad("group_set_role",
          "{\"group\":\"team:a\",\"role\":\"x\",\"permissions\":[]}",
          GW_CODE_LIMIT_REACHED);
  ask_bad("group_add",
          "{\"group\":\"team:a\",\"users\":[\"x\",\"y\"],"
          "\"role\":\"lead\"}",
          GW_CODE_LIMIT_REACHED);
  for (uint32_t w = 0; w < node.num; w++)
    assert_false(may(w, "x", GW_MAY_READ)); /* all or nothing */
  uint32_t refused = 0;
  for (unsigned i = 0; i < 10; i++) {
    char json[64];
    (void)snprintf(json, sizeof json, "{\"group\":\"g:%u\"}", i);
    api_ask(&node, 0, "group_create", json);
    refused += api_told.code == GW_CODE_LIMIT_REACHED;
  }
  assert_int_equal(refused, 10 - (3 - 1)); /* one for each worker */
}

static void test_groups_are_listed(void **state) {
  (void)state;
  for (unsigned i = 0; i < 9; i++) {
    char json[128];
    (void)snprintf(json, sizeof json,
                   "{\"group\":\"g:%u\",\"members\":[{\"user\":\"%s\","
                   "\"role\":\"member\"}]}",
                   i, i % 2 ? "ada" : "bob");
    ask_good("group_create", json);
  }
  ask_good("groups", "{\"user\":\"ada\"}");
  assert_null(strstr(api_told.json, "g:2"));
  api_assert_json("{\"group\":\"g:3\",\"version\":");
  api_assert_json("\"role\":\"member\"");
  ask_good("groups", "{\"limit\":2,\"after\":\"g:3\",\"prefix\":\"g:\"}");
  const char *first = strstr(api_told.json, "g:4");
  const char *second = strstr(api_told.json, "g:5");
  assert_true(first != NULL && second != NULL && first < second);
  assert_null(strstr(api_told.json, "g:6"));
  ask_good("group_get", "{\"group\":\"g:1\",\"user\":\"ada\"}");
  api_assert_json("\"members\":[{\"user\":\"ada\",\"role\":\"member\"}]");
  ask_good("group_get", "{\"group\":\"g:1\",\"user\":\"bob\"}");
  assert_null(strstr(api_told.json, "\"members\":["));
  ask_bad("group_get", "{}", GW_CODE_BAD_REQUEST);
  ask_bad("group_get", "{\"group\":\"none\"}", GW_CODE_NO_SUCH_GROUP);
}

/* ---- by clients ------------------------------------------------------------------ */

static uint32_t call(peer *p, const char *method, const char *json) {
  char name[64];
  (void)snprintf(name, sizeof name, "godwit.%s", method);
  gw_head head = {.type = GW_FRAME_RPC, .request = ++p->last_request};
  gw_rpc m = {.method = gw_view_of(name), .json = gw_view_of(json)};
  PEER_SEND(p, rpc, &head, &m);
  return head.request;
}

static void call_good(peer *p, const char *method, const char *json) {
  uint32_t request = call(p, method, json);
  gw_frame f;
  assert_true(peer_next(p, &f));
  gw_error e = {.code = 0};
  if (f.head.type == GW_FRAME_ERROR)
    assert_int_equal(gw_decode_error(f.body, &e), 0);
  if (f.head.type != GW_FRAME_RPC_RESULT)
    fail_msg("%s: %s", json, gw_code_name(e.code));
  assert_int_equal(f.head.request, request);
}

static void call_denied(peer *p, const char *method, const char *json) {
  assert_int_equal(peer_error(p, call(p, method, json)),
                   GW_CODE_PERMISSION_DENIED);
}

static void test_clients_change_what_their_role_lets_them(void **state) {
  (void)state;
  ask_good("group_create", team);
  peer *lead = peer_join(&node, 0, 1), *guest = peer_join(&node, 1, 2);
  peer *other = peer_join(&node, 2, 3);
  call_good(lead, "group_add",
            "{\"group\":\"team:a\",\"users\":[\"user4\"],"
            "\"role\":\"guest\"}");
  call_good(lead, "group_get", "{\"group\":\"team:a\"}");
  static const char *const calls[][2] = {
      {"group_add",
       "{\"group\":\"team:a\",\"users\":[\"user3\"],\"role\":\"lead\"}"},
      {"group_remove", "{\"group\":\"team:a\",\"users\":[\"user1\"]}"},
      {"group_set_role", "{\"group\":\"team:a\",\"role\":\"guest\","
                         "\"permissions\":[\"manage\"]}"},
      {"group_delete", "{\"group\":\"team:a\"}"},
      {"group_get", "{\"group\":\"team:a\"}"},
      {"groups", "{}"},
      {"groups", "{\"user\":\"user1\"}"},
      {"group_create", "{\"group\":\"team:b\"}"},
      {"send", "{\"group\":\"team:a\"}"}};
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    call_denied(guest, calls[i][0], calls[i][1]);
    call_denied(other, calls[i][0], calls[i][1]);
  }
  call_good(guest, "groups", "{\"user\":\"user2\"}");
  call_good(guest, "group_get", "{\"group\":\"team:a\",\"user\":\"user2\"}");
  call_good(guest, "group_remove",
            "{\"group\":\"team:a\",\"users\":[\"user2\"]}"); /* leaves */
  assert_false(may(0, "user2", GW_MAY_READ));
}

/** Who may manage a group is not above who stands before it. */
static void test_a_moderator_is_no_match_for_the_owner(void **state) {
  (void)state;
  ask_good("group_create",
           "{\"group\":\"team:a\",\"roles\":["
           "{\"role\":\"bot\",\"permissions\":[\"read\"]},"
           "{\"role\":\"owner\",\"permissions\":[\"manage\"]},"
           "{\"role\":\"moderator\",\"permissions\":[\"manage\"]},"
           "{\"role\":\"guest\",\"permissions\":[\"read\"]}],"
           "\"members\":[{\"user\":\"user1\",\"role\":\"owner\"},"
           "{\"user\":\"user2\",\"role\":\"moderator\"},"
           "{\"user\":\"user3\",\"role\":\"guest\"}]}");
  peer *owner = peer_join(&node, 0, 1), *moderator = peer_join(&node, 1, 2);
  static const char *const calls[][2] = {
      {"group_remove", "{\"group\":\"team:a\",\"users\":[\"user1\"]}"},
      {"group_remove",
       "{\"group\":\"team:a\",\"users\":[\"user2\",\"user1\"]}"},
      {"group_add",
       "{\"group\":\"team:a\",\"users\":[\"user1\"],\"role\":\"guest\"}"},
      {"group_add",
       "{\"group\":\"team:a\",\"users\":[\"user2\"],\"role\":\"owner\"}"},
      {"group_set_role",
       "{\"group\":\"team:a\",\"role\":\"owner\",\"permissions\":[]}"},
      {"group_delete", "{\"group\":\"team:a\"}"}};
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
    call_denied(moderator, calls[i][0], calls[i][1]);
  /* A role that goes leaves the order of the others as it is. */
  ask_good("group_set_role",
           "{\"group\":\"team:a\",\"role\":\"bot\",\"remove\":true}");
  call_denied(moderator, calls[0][0], calls[0][1]);
  call_good(moderator, "group_add",
            "{\"group\":\"team:a\",\"users\":[\"user3\"],"
            "\"role\":\"moderator\"}");
  call_good(moderator, "group_remove",
            "{\"group\":\"team:a\",\"users\":[\"user3\"]}");
  call_good(owner, "group_remove",
            "{\"group\":\"team:a\",\"users\":[\"user2\"]}");
  assert_true(may(2, "user1", GW_MAY_MANAGE));
  assert_false(may(2, "user2", GW_MAY_MANAGE));
}

static void test_a_client_that_creates_a_group_owns_it(void **state) {
  (void)state;
  node.settings.group_create.who = GW_WHO_USER;
  hubs_start(&node);
  peer *p = peer_join(&node, 1, 7);
  call_good(p, "group_create", "{\"group\":\"team:a\"}");
  for (uint32_t w = 0; w < node.num; w++)
    assert_true(may(w, "user7", GW_MAY_MANAGE));
  call_good(p, "group_add",
            "{\"group\":\"team:a\",\"users\":[\"user8\"],"
            "\"role\":\"member\"}");
  assert_int_equal(
      peer_error(p, call(p, "group_create",
                         "{\"group\":\"g:x\",\"roles\":[{\"role\":\"a\","
                         "\"permissions\":[\"read\"]}]}")),
      GW_CODE_BAD_REQUEST);
  call_good(p, "group_delete", "{\"group\":\"team:a\"}");
}

/** A name that is only claimed is nobody's. */
static void test_a_claimed_name_is_no_member(void **state) {
  (void)state;
  node.settings.trusts_names = false;
  node.spaces[1].allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_MEMBER;
  hubs_start(&node);
  ask_good("group_create", team);
  peer *p = peer_join(&node, 0, 1);
  call_denied(p, "group_delete", "{\"group\":\"team:a\"}");
  assert_int_equal(peer_error(p, peer_subscribe(p, 1, "doc:a:title")),
                   GW_CODE_PERMISSION_DENIED);
}

/* ---- rights in channels ------------------------------------------------------------- */

static void allow(enum gw_action action, uint32_t who) {
  node.spaces[1].allow[action].who = who;
}

static void allow_role(enum gw_action action, const char *role) {
  gw_rule *rule = &node.spaces[1].allow[action];
  rule->who = GW_WHO_ROLE;
  assert_true(gw_words_add(&rule->roles, gw_view_of(role)));
}

static void test_members_get_in_by_their_role(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_MEMBER);
  allow(GW_ACTION_PUBLISH, GW_WHO_MEMBER);
  hubs_start(&node);
  ask_good("group_create", team);
  peer *lead = peer_join(&node, 0, 1), *guest = peer_join(&node, 1, 2);
  peer *other = peer_join(&node, 2, 3);
  peer_subscribe(lead, 1, "doc:a:title");
  (void)peer_subscribed(lead);
  peer_subscribe(guest, 1, "doc:a:title");
  (void)peer_subscribed(guest);
  assert_int_equal(peer_error(other, peer_subscribe(other, 1, "doc:a:title")),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(peer_error(lead, peer_subscribe(lead, 2, "doc:b:title")),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(peer_error(lead, peer_subscribe(lead, 2, "doc")),
                   GW_CODE_PERMISSION_DENIED); /* of no group */
  (void)peer_publish(lead, "doc:a:title", "x", 1, 0);
  (void)peer_await(lead, GW_FRAME_PUBLISHED);
  assert_int_equal(
      peer_error(other, peer_publish(other, "doc:a:title", "x", 1, 0)),
      GW_CODE_PERMISSION_DENIED);
  (void)peer_publication(guest);
  assert_int_equal(
      peer_error(guest, peer_publish(guest, "doc:a:title", "x", 1, 0)),
      GW_CODE_PERMISSION_DENIED);
}

static void test_a_rule_may_name_roles(void **state) {
  (void)state;
  allow_role(GW_ACTION_SUBSCRIBE, "king");
  allow_role(GW_ACTION_SUBSCRIBE, "guest");
  hubs_start(&node);
  ask_good("group_create", team);
  peer *lead = peer_join(&node, 0, 1), *guest = peer_join(&node, 1, 2);
  assert_int_equal(peer_error(lead, peer_subscribe(lead, 1, "doc:a:x")),
                   GW_CODE_PERMISSION_DENIED);
  peer_subscribe(guest, 1, "doc:a:x");
  (void)peer_subscribed(guest);
}

static uint32_t expect_ended(peer *p) {
  gw_unsubscribed m;
  gw_frame f = peer_expect(p, GW_FRAME_UNSUBSCRIBED);
  assert_int_equal(f.head.request, 0);
  assert_int_equal(gw_decode_unsubscribed(f.body, &m), 0);
  return m.code;
}

static void test_a_lost_right_ends_what_rests_on_it(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_MEMBER);
  hubs_start(&node);
  ask_good("group_create", team);
  peer *p[3];
  for (uint32_t w = 0; w < 3; w++) {
    p[w] = peer_join(&node, w, 2); /* one user on all workers */
    peer_subscribe(p[w], 1, "doc:a:x");
    (void)peer_subscribed(p[w]);
  }
  peer *lead = peer_join(&node, 1, 1);
  peer_subscribe(lead, 1, "doc:a:x");
  (void)peer_subscribed(lead);
  ask_good("group_add", "{\"group\":\"team:a\",\"users\":[\"user2\"],"
                        "\"role\":\"lead\"}"); /* loses nothing */
  for (uint32_t w = 0; w < 3; w++)
    peer_expect_nothing(p[w]);
  ask_good("group_remove", "{\"group\":\"team:a\",\"users\":[\"user2\"]}");
  for (uint32_t w = 0; w < 3; w++)
    assert_int_equal(expect_ended(p[w]), GW_CODE_PERMISSION_DENIED);
  peer_expect_nothing(lead);
  ask_good("group_set_role", "{\"group\":\"team:a\",\"role\":\"lead\","
                             "\"permissions\":[\"publish\"]}");
  assert_int_equal(expect_ended(lead), GW_CODE_PERMISSION_DENIED);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

static void test_the_end_of_a_group_ends_what_rests_on_it(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_MEMBER);
  hubs_start(&node);
  ask_good("group_create", team);
  peer *p = peer_join(&node, 2, 1);
  peer_subscribe(p, 1, "doc:a:x");
  (void)peer_subscribed(p);
  ask_good("group_delete", "{\"group\":\"team:a\"}");
  assert_int_equal(expect_ended(p), GW_CODE_PERMISSION_DENIED);
}

static void test_what_has_another_right_stays(void **state) {
  (void)state;
  allow(GW_ACTION_SUBSCRIBE, GW_WHO_MEMBER | GW_WHO_USER);
  hubs_start(&node);
  ask_good("group_create", team);
  peer *p = peer_join(&node, 2, 1);
  peer_subscribe(p, 1, "doc:a:x");
  (void)peer_subscribed(p);
  ask_good("group_delete", "{\"group\":\"team:a\"}");
  peer_expect_nothing(p);
}

static void test_the_right_to_see_who_is_there_may_be_lost(void **state) {
  (void)state;
  allow(GW_ACTION_PRESENCE, GW_WHO_MEMBER);
  hubs_start(&node);
  ask_good("group_create", team);
  ask_good("group_set_role", "{\"group\":\"team:a\",\"role\":\"guest\","
                             "\"permissions\":[\"presence\"]}");
  peer *p = peer_join(&node, 2, 2), *q = peer_join(&node, 2, 2);
  gw_subscribe m = {.channel = gw_view_of("doc:a:x"), .presence = true};
  peer_subscribe_with(p, 1, &m);
  (void)peer_subscribed(p);
  peer_forget(p);
  peer_subscribe(q, 1, "doc:a:x"); /* without presence: anybody may */
  (void)peer_subscribed(q);
  ask_good("group_remove", "{\"group\":\"team:a\",\"users\":[\"user2\"]}");
  assert_int_equal(expect_ended(p), GW_CODE_PERMISSION_DENIED);
  peer_expect_nothing(q);
}

static void test_presence_is_asked_by_group(void **state) {
  (void)state;
  ask_good("group_create", team);
  for (unsigned i = 1; i <= 3; i++) {
    peer *p = peer_join(&node, i - 1, i);
    peer_subscribe(p, 1, i == 2 ? "room:two" : "room:one");
    (void)peer_subscribed(p);
    peer_presence(p, 1, "online");
  }
  hubs_pass(&node, 200);
  ask_good("presence", "{\"channel\":\"room:one\",\"group\":\"team:a\"}");
  api_assert_json("user1");
  assert_null(strstr(api_told.json, "user3"));
  ask_good("presence_of", "{\"group\":\"team:a\"}");
  api_assert_json("{\"places\":[{\"user\":\"user1\",\"channel\":\"room:one\","
                  "\"clients\":1},{\"user\":\"user2\",\"channel\":\"room:two\","
                  "\"clients\":1}]}");
}

int main(void) {
#define ON(name, prepare) \
  cmocka_unit_test_setup_teardown(test_##name, prepare, stop)
  const struct CMUnitTest tests[] = {
      ON(every_worker_knows_a_group, start_three),
      ON(members_come_go_and_change, start_three),
      ON(a_change_is_answered_when_all_have_it, start_three),
      ON(roles_are_defined_and_removed, start_three),
      ON(limits_hold, prepare_three),
      ON(groups_are_listed, start_three),
      ON(clients_change_what_their_role_lets_them, start_three),
      ON(a_moderator_is_no_match_for_the_owner, start_three),
      ON(a_client_that_creates_a_group_owns_it, prepare_three),
      ON(a_claimed_name_is_no_member, prepare_three),
      ON(members_get_in_by_their_role, prepare_three),
      ON(a_rule_may_name_roles, prepare_three),
      ON(a_lost_right_ends_what_rests_on_it, prepare_three),
      ON(the_end_of_a_group_ends_what_rests_on_it, prepare_three),
      ON(what_has_another_right_stays, prepare_three),
      ON(the_right_to_see_who_is_there_may_be_lost, prepare_three),
      ON(presence_is_asked_by_group, start_three),
  };
#undef ON
  return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
