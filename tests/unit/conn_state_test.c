/* SPDX-License-Identifier: MIT */
/* conn_state_test.c - the server's view of connections. */
#include <inttypes.h>
#include <stdio.h>

#include "support/state_rig.h"

#include "server/core/conn_state.h"

#define GRACE_MS 15000u

static hubs node;
static gw_namespace spaces[2];

/** What was told, as "client:from>to/code " one behind the other. */
static char told[1024];
static uint64_t first_client;

static void on_connection(void *user, const gw_notice *n) {
  (void)user;
  size_t len = strlen(told);
  (void)snprintf(told + len, sizeof told - len, "%s%s>%s/%u ",
                 n->client == first_client ? "" : "*",
                 gw_conn_state_name(n->from), gw_conn_state_name(n->to),
                 n->code);
}

static void expect_told(const char *text) {
  assert_string_equal(told, text);
  told[0] = '\0';
}

static int start(uint32_t num) {
  state_init(&node, spaces, num);
  node.settings.idle_after_ms = 60000;
  node.settings.conn_log_size = 4;
  hubs_start(&node);
  for (uint32_t i = 0; i < num; i++)
    gw_hub_set_on_connection(node.hub[i], on_connection, NULL);
  told[0] = '\0';
  first_client = 0;
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

/** The first client there is. */
static peer *join(uint32_t worker) {
  peer *p = peer_join(&node, worker, 1);
  first_client = p->client;
  /* Told before its id was known here. */
  for (char *star; (star = strchr(told, '*')) != NULL;)
    memmove(star, star + 1, strlen(star));
  return p;
}

/** Let it live for a time by answering pings. */
static void live(peer *p, uint64_t ms) {
  for (uint64_t end = node.now_ms + ms; node.now_ms < end;) {
    hubs_pass(&node, 1000);
    gw_frame f;
    while (peer_next(p, &f)) {
      if (f.head.type != GW_FRAME_PING) continue;
      gw_head head = {.type = GW_FRAME_PONG};
      gw_ping m = {.time = 1};
      PEER_SEND(p, ping, &head, &m);
    }
  }
}

static void ask(const char *method, const char *json) {
  api_ask(&node, 0, method, json);
}

/* ---- open ------------------------------------------------------------------ */

static void
test_a_connection_is_idle_when_it_sends_nothing_but_pings(void **state) {
  (void)state;
  peer *p = join(0);
  expect_told("none>connected/0 ");
  live(p, 50000);
  expect_told("");
  live(p, 60000);
  expect_told("connected>idle/0 ");
  assert_int_equal(HUBS_STAT(&node, connections_idle), 1);
  assert_int_equal(HUBS_STAT(&node, connections_connected), 0);
  peer_subscribe(p, 1, "room");
  expect_told("idle>connected/0 ");
  live(p, 100000);
  expect_told("connected>idle/0 ");
  peer_drop(p, 4515);
  expect_told("idle>disconnected/515 ");
  assert_int_equal(HUBS_STAT(&node, connections_idle), 0);
}

static void test_zero_turns_idleness_off(void **state) {
  (void)state;
  node.settings.idle_after_ms = 0;
  peer *p = join(0);
  live(p, 200000);
  expect_told("none>connected/0 ");
}

/* ---- lost ------------------------------------------------------------------ */

static void test_a_page_that_is_left_is_not_waited_for(void **state) {
  (void)state;
  peer *p = join(0);
  peer_drop(p, 1001);
  expect_told("none>connected/0 connected>disconnected/515 ");
  p = join(0);
  peer_drop(p, 1000);
  expect_told("none>connected/0 connected>reconnecting/0 ");
}

static void test_a_lost_client_is_waited_for(void **state) {
  (void)state;
  peer *p = join(0);
  peer_drop(p, 0);
  expect_told("none>connected/0 connected>reconnecting/0 ");
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 1);
  hubs_pass(&node, GRACE_MS - 1000);
  (void)join(0);
  expect_told("reconnecting>connected/0 ");
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
  hubs_pass(&node, 2 * GRACE_MS);
  expect_told("");
}

static void test_the_wait_ends(void **state) {
  (void)state;
  peer_drop(join(0), 0);
  hubs_pass(&node, GRACE_MS + 1000);
  expect_told("none>connected/0 connected>reconnecting/0 "
              "reconnecting>disconnected/0 ");
  (void)join(0);
  expect_told("none>connected/0 ");
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
  assert_int_equal(HUBS_STAT(&node, connections_connected), 1);
}

static void test_a_fault_is_told_apart(void **state) {
  (void)state;
  peer *p = join(0);
  (void)peer_feed(p, "\x02\x63\x00", 3);
  expect_told("none>connected/0 connected>error/501 ");
  assert_int_equal(HUBS_STAT(&node, connections_error), 1);
  hubs_pass(&node, GRACE_MS + 1000);
  expect_told("error>disconnected/501 ");
}

static void test_without_grace_nobody_is_waited_for(void **state) {
  (void)state;
  node.settings.conn_grace_ms = 0;
  peer_drop(join(0), 0);
  expect_told("none>connected/0 connected>disconnected/0 ");
}

static void test_a_second_connection_makes_the_first_end_at_once(void **state) {
  (void)state;
  peer *p = join(0);
  (void)join(0);
  peer_drop(p, 0);
  expect_told("none>connected/0 none>connected/0 "
              "connected>disconnected/513 ");
  assert_int_equal(HUBS_STAT(&node, connections_connected), 1);
}

/* ---- several workers ------------------------------------------------------- */

static void test_a_client_comes_back_to_another_worker(void **state) {
  (void)state;
  peer_drop(join(0), 0);
  (void)join(2);
  hubs_settle(&node);
  expect_told("none>connected/0 connected>reconnecting/0 "
              "reconnecting>connected/0 ");
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
  assert_int_equal(HUBS_STAT(&node, connections_connected), 1);
  hubs_pass(&node, 2 * GRACE_MS);
  expect_told("");
}

static void test_a_loss_is_seen_after_the_return(void **state) {
  (void)state;
  peer *p = join(0);
  (void)join(2);
  peer_drop(p, 0);
  expect_told("none>connected/0 none>connected/0 "
              "connected>reconnecting/0 reconnecting>connected/0 ");
  hubs_pass(&node, 2 * GRACE_MS);
  expect_told("");
  assert_int_equal(HUBS_STAT(&node, connections_connected), 1);
}

static void test_a_return_that_crosses_the_end_of_the_wait(void **state) {
  (void)state;
  peer_drop(join(0), 0);
  node.holds_mail = true;
  peer *p = peer_open(&node, 2);
  peer_hello(p, 1);
  hubs_pass(&node, GRACE_MS + 1000);
  node.holds_mail = false;
  hubs_settle(&node);
  expect_told("none>connected/0 connected>reconnecting/0 "
              "reconnecting>disconnected/0 none>connected/0 ");
  assert_int_equal(HUBS_STAT(&node, connections_connected), 1);
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
}

/** Each of two workers lost it before it heard of the other. */
static void lose_twice(uint32_t first, uint32_t second) {
  peer *p = join(first);
  node.holds_mail = true;
  peer_drop(p, 0);
  p = peer_open(&node, second);
  peer_hello(p, 1);
  peer_drop(p, 0);
  node.holds_mail = false;
  hubs_settle(&node);
  expect_told("none>connected/0 connected>reconnecting/0 "
              "none>connected/0 connected>reconnecting/0 "
              "reconnecting>disconnected/513 ");
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 1);
}

static void test_one_of_two_workers_waits(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 3; worker++) {
    lose_twice(worker, (worker + 1) % 3);
    (void)join((worker + 2) % 3);
    hubs_settle(&node);
    expect_told("reconnecting>connected/0 ");
    assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
    hubs_pass(&node, 2 * GRACE_MS);
    expect_told("");
    hubs_stop(&node);
    start(3);
  }
  lose_twice(2, 0);
  hubs_pass(&node, 2 * GRACE_MS);
  expect_told("reconnecting>disconnected/0 ");
  assert_int_equal(HUBS_STAT(&node, connections_reconnecting), 0);
}

/* ---- the state of a connection --------------------------------------------- */

static void test_the_state_of_a_connection_goes_with_its_client(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 3; worker++) {
    char name[64];
    peer *p = join(worker);
    (void)snprintf(name, sizeof name, "$state:connection:%016" PRIx64,
                   p->client);
    state_put(p, name, "a", "1");
    peer_drop(p, 0);
    hubs_pass(&node, GRACE_MS / 2);
    p = join((worker + 1) % 3);
    assert_int_equal(state_put(p, name, "b", "1").offset, 2);
    peer_drop(p, 0);
    hubs_pass(&node, GRACE_MS + 1000);
    p = join(worker);
    assert_int_equal(state_put(p, name, "a", "1").offset, 1);
    peer_drop(p, 4515);
  }
}

/* ---- the API --------------------------------------------------------------- */

static void test_connections_are_listed_by_state(void **state) {
  (void)state;
  peer *p = join(0), *q = peer_join(&node, 1, 2);
  ask("connections", "{\"state\":\"connected\"}");
  api_assert_json("\"user\":\"user1\"");
  api_assert_json("\"user\":\"user2\"");
  api_assert_json("\"stateSinceMs\":");
  ask("connections", "{\"state\":\"idle\"}");
  assert_string_equal(api_told.json, "{}");
  uint64_t lost = p->connection;
  peer_drop(p, 0);
  ask("connections", "{\"state\":\"reconnecting\"}");
  char id[64];
  (void)snprintf(id, sizeof id, "\"connection\":\"%" PRIu64 "\"", lost);
  api_assert_json(id);
  api_assert_json("\"user\":\"user1\"");
  assert_null(strstr(api_told.json, "user2"));
  ask("connections", "{\"state\":\"reconnecting\",\"user\":\"user2\"}");
  assert_string_equal(api_told.json, "{}");
  ask("connections", "{}");
  assert_null(strstr(api_told.json, "user1"));
  ask("connections", "{\"state\":\"gone\"}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
  (void)q;
}

static void test_the_log_keeps_whole_characters_of_a_name(void **state) {
  (void)state;
  char name[70];
  memset(name, 'x', sizeof name);
  memcpy(name + 62, "\xc3\xbc", 2);
  gw_view kept = gws_conn_log_name((gw_view){(uint8_t *)name, sizeof name});
  assert_int_equal(kept.len, 62);
  assert_int_equal(gws_conn_log_name(gw_view_of("ann")).len, 3);
}

static void test_the_log_has_the_last_changes(void **state) {
  (void)state;
  peer_drop(join(0), 0);
  hubs_pass(&node, 10);
  peer *p = peer_join(&node, 1, 2);
  ask("connection_log", "{}");
  const char *newest = strstr(api_told.json, "user2");
  const char *older = strstr(api_told.json, "\"to\":\"reconnecting\"");
  assert_non_null(newest);
  assert_non_null(older);
  assert_true(newest < older);
  ask("connection_log", "{\"user\":\"user1\",\"limit\":1}");
  api_assert_json("\"from\":\"connected\",\"to\":\"reconnecting\"");
  assert_null(strstr(api_told.json, "none"));
  (void)peer_feed(p, "\x02\x63\x00", 3);
  ask("connection_log", "{\"user\":\"user2\",\"limit\":1}");
  api_assert_json("\"to\":\"error\",\"code\":501,\"reason\":\"PROTOCOL\"");
  /* A worker remembers four. */
  for (unsigned who = 10; who < 20; who++)
    (void)peer_join(&node, 0, who);
  uint64_t num = 0;
  while (gws_conn_change_at(node.hub[0], num) != NULL)
    num++;
  assert_int_equal(num, 4);
  ask("connection_log", "{\"user\":\"user1\"}");
  assert_string_equal(api_told.json, "{}");
}

/* ---- main ------------------------------------------------------------------ */

#define ONE(f)   cmocka_unit_test_setup_teardown(f, start_one, stop)
#define THREE(f) cmocka_unit_test_setup_teardown(f, start_three, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      ONE(test_a_connection_is_idle_when_it_sends_nothing_but_pings),
      ONE(test_zero_turns_idleness_off),
      ONE(test_a_page_that_is_left_is_not_waited_for),
      ONE(test_a_lost_client_is_waited_for),
      ONE(test_the_wait_ends),
      ONE(test_a_fault_is_told_apart),
      ONE(test_without_grace_nobody_is_waited_for),
      ONE(test_a_second_connection_makes_the_first_end_at_once),
      THREE(test_a_client_comes_back_to_another_worker),
      THREE(test_a_loss_is_seen_after_the_return),
      THREE(test_a_return_that_crosses_the_end_of_the_wait),
      THREE(test_one_of_two_workers_waits),
      THREE(test_the_state_of_a_connection_goes_with_its_client),
      THREE(test_connections_are_listed_by_state),
      ONE(test_the_log_keeps_whole_characters_of_a_name),
      THREE(test_the_log_has_the_last_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
