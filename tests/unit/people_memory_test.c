/* SPDX-License-Identifier: MIT */
/* people_memory_test.c - each allocation fails once while people come, go, change
 * and are sent messages, and their groups with them: nothing breaks, nothing
 * leaks, and with memory again all workers say the same. */
#include <stdio.h>

#include "server/core/groups.h"
#include "support/api_rig.h"
#include "support/sweep.h"

/* ---- the script ---------------------------------------------------------- */

#define NUM_PEERS 6u

static hubs node;
static peer *peers[NUM_PEERS];
static char here[32], there[32];

static void try_join(unsigned i) {
  peer *p = peer_try_open(&node, i % node.num);
  if (p == NULL) return;
  peers[i] = p;
  peer_hello(p, i / 2); /* two connections of each client */
}

static void try_subscribe(unsigned i, const char *name, uint32_t alias) {
  gw_head head = {.type = GW_FRAME_SUBSCRIBE,
                  .flags = GW_FLAG_ALIAS,
                  .request = 10 + alias,
                  .channel = alias};
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  SEND_IF_UP(peers[i], subscribe, &head, &m);
}

static void try_set(unsigned i, uint32_t alias, const char *state,
                    const char *json, bool merge) {
  gw_head head = {.type = GW_FRAME_PRESENCE_SET,
                  .flags = GW_FLAG_ALIAS,
                  .request = 30,
                  .channel = alias};
  gw_presence_set m = {
      .state = gw_view_of(state), .json = gw_view_of(json), .merge = merge};
  SEND_IF_UP(peers[i], presence_set, &head, &m);
}

static void try_send(unsigned i, const gw_send *m) {
  gw_head head = {.type = GW_FRAME_SEND, .request = 40};
  SEND_IF_UP(peers[i], send, &head, m);
}

static void try_publish(unsigned i) {
  gw_head head = {.type = GW_FRAME_PUBLISH, .request = 20};
  gw_publish m = {.channel = gw_view_of("room:else")};
  SEND_IF_UP(peers[i], publish, &head, &m);
}

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  unsigned *num = arg;
  (void)code, (void)message, (void)reply;
  (*num)++;
}

/** As the application; it is answered once, whatever comes of it. */
static void try_api(const char *method, const char *json) {
  uint8_t space[1024];
  gw_out out = {space, 0, sizeof space};
  gw_caller caller = {.is_trusted = true};
  static unsigned num;
  const gw_api_method *m = gw_api_find(gw_view_of(method));
  /* To write the question is not what is tried here. */
  unsigned long at = fail_at, counted = num_allocs;
  fail_at = 0;
  assert_int_equal(gw_api_request_from_json(m, gw_view_of(json), &out, NULL),
                   0);
  fail_at = at;
  num_allocs = counted;
  num = 0;
  gw_hub_api(node.hub[0], gw_view_of(method), &caller,
             (gw_view){space, out.len}, on_reply, &num);
  hubs_settle(&node);
  /* A worker that has no room for the news of a change is waited for. */
  if (num == 0) hubs_pass(&node, 1000);
  assert_int_equal(num, 1);
}

static void forget_all(void) {
  for (unsigned i = 0; i < NUM_PEERS; i++) {
    if (peers[i] != NULL) peer_forget(peers[i]);
  }
}

static void script_presence(void) {
  for (unsigned i = 0; i < NUM_PEERS; i++) {
    try_subscribe(i, here, 1);
    try_subscribe(i, there, 2);
    try_set(i, 1, "online", "{\"a\":1}", false);
    try_set(i, 2, "busy", "", false);
    if (i == 2) hubs_pass(&node, 100); /* three are too many to list */
  }
  hubs_pass(&node, 100);
  try_set(0, 1, "", "{\"b\":{\"c\":2},\"a\":null}", true);
  try_set(1, 2, "online", "", true);
  hubs_pass(&node, 1000); /* away */
  try_publish(0);         /* and back */
  hubs_pass(&node, 1000);
  for (unsigned i = 3; i < NUM_PEERS; i++) {
    if (peers[i] != NULL) peer_drop(peers[i], 0);
  }
  hubs_pass(&node, 1000);
  forget_all();
}

static void script_groups(void) {
  try_api("group_create",
          "{\"group\":\"g:a\",\"members\":[{\"user\":\"user0\",\"role\":"
          "\"owner\"},{\"user\":\"user1\",\"role\":\"member\"}]}");
  try_api("group_create", "{\"group\":\"g:b\"}");
  try_api("group_add", "{\"group\":\"g:b\",\"users\":[\"user0\",\"user1\"],"
                       "\"role\":\"member\"}");
  for (unsigned i = 0; i < NUM_PEERS; i++) { /* the last user is of no group */
    try_subscribe(i, "doc:a", 3);
    try_subscribe(i, "doc:b", 4);
    try_send(i, &(gw_send){.group = gw_view_of("g:a"), .no_echo = true});
    try_send(i,
             &(gw_send){.user = gw_view_of("user0"), .json = gw_view_of("{}")});
  }
  try_api("send", "{\"everybody\":true,\"json\":1}");
  try_api("group_remove", "{\"group\":\"g:b\",\"users\":[\"user0\"]}");
  try_api("group_set_role", "{\"group\":\"g:a\",\"role\":\"member\","
                            "\"permissions\":[\"app:x\"]}");
  try_api("groups", "{}");
  try_api("group_get", "{\"group\":\"g:a\"}");
  try_api("presence_of", "{\"group\":\"g:a\"}");
  try_api("group_delete", "{\"group\":\"g:a\"}");
  try_api("group_create", "{\"group\":\"g:a\"}");
  forget_all();
}

static void script(void) {
  char json[96];
  for (unsigned i = 0; i < NUM_PEERS; i++)
    try_join(i);
  script_groups();
  script_presence();
  (void)snprintf(
      json, sizeof json,
      "{\"channel\":\"%s\",\"where\":[{\"field\":\"a\",\"value\":1}]}", here);
  try_api("presence", json);
  (void)snprintf(json, sizeof json, "{\"channel\":\"%s\"}", there);
  try_api("presence_stats", json);
  forget_all();
}

/* ---- afterwards ------------------------------------------------------------ */

static void check_groups(const char *name) {
  gw_view group = gw_view_of(name);
  const gw_group *a = gws_groups_find(node.hub[0], group);
  const gw_group *b = gws_groups_find(node.hub[1], group);
  assert_ptr_equal(a, b);
}

static gw_presence_snapshot look(uint32_t worker, unsigned who,
                                 const char *channel) {
  peer *p = peer_join(&node, worker, who);
  gw_presence_snapshot m;
  gw_presence_get get = {.channel = gw_view_of(channel)};
  gw_head head = {.type = GW_FRAME_PRESENCE_GET, .request = 7};
  PEER_SEND(p, presence_get, &head, &get);
  gw_frame f = peer_expect(p, GW_FRAME_PRESENCE_SNAPSHOT);
  assert_int_equal(gw_decode_presence_snapshot(f.body, &m), 0);
  return m;
}

static void check_presence(const char *channel) {
  gw_presence_snapshot a = look(0, 100, channel), b = look(1, 101, channel);
  assert_int_equal(a.version, b.version);
  assert_int_equal(a.mode, b.mode);
  assert_int_equal(a.clients, b.clients);
  assert_int_equal(a.users, b.users);
  assert_int_equal(a.members.num, b.members.num);
  if (a.mode == GW_PRESENCE_MODE_FULL)
    assert_int_equal(a.members.num, a.clients);
}

static void check_health(void) {
  fail_at = 0;
  hubs_pass(&node, 3000);
  forget_all();
  check_groups("g:a");
  check_groups("g:b");
  check_presence(here);
  check_presence(there);
}

static void add_transition(void) {
  gw_transitions *all = &node.spaces[1].presence_transitions;
  all->num = 1;
  all->items[0] =
      (gw_transition){.from = "online", .to = "away", .after_ms = 500};
}

static void begin(void) {
  hubs_init(&node, 2);
  node.settings.trusts_names = true;
  node.settings.send[GW_ADDRESS_USER].who = GW_WHO_USER;
  node.spaces[0].name = "doc";
  node.spaces[0].allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_MEMBER;
  (void)strcpy(node.spaces[0].group, "g:{1}");
  node.spaces[1].presence_full_limit = 2;
  node.spaces[1].presence_sample = 1;
  node.spaces[1].presence_grace_ms = 200;
  node.spaces[1].presence_counts_ms = 100;
  add_transition();
  memset(peers, 0, sizeof peers);
  fail_at = 0;
  hubs_start(&node);
  hubs_channel(&node, 0, here);
  hubs_channel(&node, 1, there);
  num_allocs = 0;
}

/** With memory, the script gets everywhere. */
static void test_no_failure(void **state) {
  (void)state;
  begin();
  script();
  check_health();
  assert_true(HUBS_STAT(&node, presence_modes_total) >= 4);
  assert_true(HUBS_STAT(&node, transitions_total) >= 3);
  assert_true(HUBS_STAT(&node, group_changes_total) >= 7);
  assert_true(HUBS_STAT(&node, messages_sent_total) >= 8);
  assert_true(HUBS_STAT(&node, refused_total) >= 3);
  hubs_stop(&node);
}

static const sweep_script all = {&node, begin, script, check_health};

static void test_one_failure(void **state) {
  (void)state;
  assert_true(sweep(&all, 1) > 500);
}

static void test_several_failures_in_a_row(void **state) {
  (void)state;
  sweep(&all, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_failure),
      cmocka_unit_test(test_one_failure),
      cmocka_unit_test(test_several_failures_in_a_row),
  };
  return cmocka_run_group_tests_name("people_memory", tests, NULL, NULL);
}
