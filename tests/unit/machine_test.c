/* SPDX-License-Identifier: MIT */
/* machine_test.c - state machines: which changes there are, for whom, and those
 * that happen by themselves. */
#include <stdio.h>

#include "support/state_rig.h"

#include "server/core/machine.h"

#define DOC   "$state:free:doc"
#define ORDER "machine/order"

enum { CART, PAID, SHIPPED, LOST };

static const gw_machine machines[] = {
    {.name = "order",
     .scope = GWS_SCOPE_FREE,
     .num_states = 4,
     .states = {"cart", "paid", "shipped", "lost"},
     .initial = CART,
     .num_transitions = 5,
     .transitions = {{CART, PAID, GW_WHO_ANYONE, 0},
                     {PAID, CART, 0, 1000},
                     {PAID, SHIPPED, 0, 0},
                     {SHIPPED, LOST, 0, 3000},
                     {GW_MACHINE_ANY, CART, GW_WHO_USER, 0}}},
    {.name = "turn",
     .scope = GWS_SCOPE_CHANNEL,
     .space = "$state",
     .num_states = 1,
     .states = {"on"},
     .num_transitions = 0},
};

static hubs node;
static gw_namespace spaces[2];

static int start_three(void **state) {
  (void)state;
  state_init(&node, spaces, 3);
  node.settings.machines = machines;
  node.settings.num_machines = 2;
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/** As the application; the code. */
static uint32_t move(const char *to) {
  char json[128];
  (void)snprintf(json, sizeof json,
                 "{\"scope\":\"free\",\"id\":\"doc\",\"key\":\"" ORDER
                 "\",\"json\":\"%s\"}",
                 to);
  api_ask(&node, 1, "state_set", json);
  return api_told.code;
}

static void expect_state(peer *p, const char *json, bool is_by_itself) {
  gw_publication m = peer_publication(p);
  assert_true(gw_view_eq(m.item, gw_view_of(ORDER)));
  assert_true(gw_view_eq(m.json, gw_view_of(json)));
  assert_int_equal(m.client == 0, is_by_itself);
}

static peer *join_watching(uint32_t worker, unsigned who) {
  peer *p = peer_join(&node, worker, who);
  peer_subscribe(p, 1, DOC);
  peer_subscribed(p);
  return p;
}

/* ---- transitions ----------------------------------------------------------- */

static void test_transitions_there_are(void **state) {
  (void)state;
  const gw_machine *m = &machines[0];
  assert_non_null(gws_machine_transition(m, CART, PAID));
  assert_null(gws_machine_transition(m, CART, SHIPPED));
  assert_null(gws_machine_transition(m, CART, CART));
  assert_non_null(gws_machine_transition(m, LOST, CART));
  assert_int_equal(gws_machine_automatic(m, PAID)->to, CART);
  assert_null(gws_machine_automatic(m, CART));
  assert_int_equal(gws_machine_read(m, gw_view_of("\"paid\"")), PAID);
  assert_int_equal(gws_machine_read(m, gw_view_of("paid")), -1);
  assert_int_equal(gws_machine_read(m, gw_view_of("\"")), -1);
  assert_int_equal(gws_machine_read(m, gw_view_of("")), -1);
}

static void test_the_explanation_fits(void **state) {
  (void)state;
  char words[GW_MAX_REASON_BYTES + 1];
  gws_mover all = {.is_trusted = true}, some = {.ways = GW_WHO_ANYONE};
  gws_machine_explain(&machines[0], PAID, all, words);
  assert_string_equal(words, "order is paid; allowed: cart, shipped");
  gws_machine_explain(&machines[0], PAID, some, words);
  assert_string_equal(words, "order is paid; allowed: nothing");
  gw_machine long_one = {.name = "m", .num_states = GW_MACHINE_STATES_MAX};
  for (uint8_t i = 0; i < GW_MACHINE_STATES_MAX; i++) {
    (void)snprintf(long_one.states[i], sizeof long_one.states[i],
                   "a-state-with-a-long-name-%02u", i);
    long_one.transitions[i] = (gw_machine_transition){0, i, 0, 0};
  }
  long_one.num_transitions = GW_MACHINE_STATES_MAX;
  gws_machine_explain(&long_one, 0, all, words);
  assert_true(strlen(words) <= GW_MAX_REASON_BYTES);
  assert_non_null(strstr(words, ", ..."));
}

static void
test_a_change_that_there_is_not_names_those_there_are(void **state) {
  (void)state;
  for (uint32_t worker = 0; worker < 3; worker++) {
    peer *p = peer_join(&node, worker, 1 + worker);
    state_set(p, DOC, ORDER, "\"shipped\"", (gw_publish){.key = 0});
    gw_error e = state_error(p);
    assert_int_equal(e.code, GW_CODE_ILLEGAL_TRANSITION);
    assert_true(
        gw_view_eq(e.message, gw_view_of("order is cart; allowed: paid")));
    assert_true(gw_view_eq(e.field, gw_view_of(ORDER)));
    peer_drop(p, 1000);
  }
  peer *p = join_watching(0, 1);
  state_put(p, DOC, ORDER, "\"paid\"");
  expect_state(p, "\"paid\"", false);
  assert_int_equal(state_refused(p, DOC, ORDER, "\"shipped\""),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(state_refused(p, DOC, ORDER, "\"gone\""),
                   GW_CODE_ILLEGAL_TRANSITION);
  assert_int_equal(state_refused(p, DOC, ORDER, "{\"a\":1}"),
                   GW_CODE_ILLEGAL_TRANSITION);
  assert_int_equal(state_refused(p, DOC, ORDER, NULL),
                   GW_CODE_PERMISSION_DENIED);
  assert_int_equal(state_refused(p, DOC, "machine/none", "\"a\""),
                   GW_CODE_UNKNOWN_MACHINE);
  assert_int_equal(state_refused(p, "$state:user:user1", ORDER, "\"paid\""),
                   GW_CODE_UNKNOWN_MACHINE);
  assert_int_equal(move("shipped"), GW_CODE_OK);
  expect_state(p, "\"shipped\"", true);
  assert_int_equal(move("paid"), GW_CODE_ILLEGAL_TRANSITION);
  assert_string_equal(api_told.message,
                      "machine/order: order is shipped; allowed: cart, lost");
}

/** What the machine has not refused is not told in its words. */
static void test_a_full_map_is_no_fault_of_the_move(void **state) {
  (void)state;
  static const char *const keys[] = {"a", "b", "c", "d"};
  peer *p = peer_join(&node, 0, 1);
  for (unsigned i = 0; i < 4; i++)
    state_put(p, DOC, keys[i], "1");
  state_set(p, DOC, ORDER, "\"paid\"", (gw_publish){.key = 0});
  gw_error e = state_error(p);
  assert_int_equal(e.code, GW_CODE_LIMIT_REACHED);
  assert_int_equal(e.field.len, 0);
}

static void test_keys_beside_it_are_free(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  state_put(p, DOC, "machine", "1");
  state_put(p, DOC, "machines/order", "1");
  state_put(p, DOC, "machine/", "1");
}

static void test_compared_versions_come_first(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  gw_published at = state_put(p, DOC, ORDER, "\"paid\"");
  uint32_t id =
      state_set(p, DOC, ORDER, "\"shipped\"",
                (gw_publish){.compare_item = true, .epoch = at.epoch});
  assert_int_equal(peer_error(p, id), GW_CODE_CONFLICT);
}

static void test_only_the_application_takes_it_back(void **state) {
  (void)state;
  peer *p = join_watching(2, 1);
  state_put(p, DOC, ORDER, "\"paid\"");
  expect_state(p, "\"paid\"", false);
  api_ask(&node, 1, "state_remove",
          "{\"scope\":\"free\",\"id\":\"doc\",\"key\":\"" ORDER "\"}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  assert_true(peer_publication(p).removed);
  hubs_pass(&node, 5000);
  peer_forget(p);
  state_put(p, DOC, ORDER, "\"cart\"");
}

/* ---- by itself ------------------------------------------------------------- */

static void test_a_state_leaves_by_itself_once(void **state) {
  (void)state;
  peer *p = join_watching(0, 1), *q = join_watching(2, 2);
  state_put(p, DOC, ORDER, "\"paid\"");
  expect_state(p, "\"paid\"", false);
  expect_state(q, "\"paid\"", false);
  hubs_pass(&node, 900);
  peer_expect_nothing(q);
  hubs_pass(&node, 200);
  expect_state(p, "\"cart\"", true);
  expect_state(q, "\"cart\"", true);
  hubs_pass(&node, 10000);
  peer_expect_nothing(q);
}

static void test_a_state_that_was_left_does_not_leave_again(void **state) {
  (void)state;
  peer *p = join_watching(0, 1);
  state_put(p, DOC, ORDER, "\"paid\"");
  hubs_pass(&node, 500);
  assert_int_equal(move("shipped"), GW_CODE_OK);
  peer_forget(p);
  hubs_pass(&node, 2000);
  peer_expect_nothing(p);
  hubs_pass(&node, 1100);
  expect_state(p, "\"lost\"", true);
}

static void test_a_time_to_live_does_not_end_a_machine(void **state) {
  (void)state;
  peer *p = join_watching(0, 1);
  assert_int_equal(move("paid"), GW_CODE_OK);
  assert_int_equal(move("shipped"), GW_CODE_OK);
  peer_forget(p);
  state_set(p, DOC, "x", "1", (gw_publish){.ttl_ms = 100});
  peer_published(p);
  hubs_pass(&node, 200);
  peer_forget(p);
  hubs_pass(&node, 2500);
  peer_expect_nothing(p);
  hubs_pass(&node, 400);
  expect_state(p, "\"lost\"", true);
}

/* ---- asking ---------------------------------------------------------------- */

static void test_what_may_become_of_it_is_told(void **state) {
  (void)state;
  static const char ask[] =
      "{\"scope\":\"free\",\"id\":\"doc\",\"machine\":\"order\"}";
  api_ask(&node, 1, "machine_get", ask);
  assert_string_equal(api_told.json,
                      "{\"state\":\"cart\",\"allowed\":[\"paid\"]}");
  peer *p = peer_join(&node, 0, 1);
  state_put(p, DOC, ORDER, "\"paid\"");
  api_ask(&node, 1, "machine_get", ask);
  api_assert_json("{\"state\":\"paid\",\"allowed\":[\"cart\",\"shipped\"],"
                  "\"version\":{");
  api_assert_json("\"user\":\"user1\"");
  api_ask(&node, 1, "machine_get",
          "{\"scope\":\"user\",\"id\":\"a\",\"machine\":\"order\"}");
  assert_int_equal(api_told.code, GW_CODE_UNKNOWN_MACHINE);
}

static void test_a_machine_is_for_one_namespace_of_channels(void **state) {
  (void)state;
  assert_null(gws_machine_find(&node.settings,
                               gw_view_of("$state:channel:room:a"),
                               gw_view_of("machine/turn")));
  assert_non_null(gws_machine_find(&node.settings,
                                   gw_view_of("$state:channel:$state:a"),
                                   gw_view_of("machine/turn")));
}

/* ---- main ------------------------------------------------------------------ */

#define TEST(f) cmocka_unit_test_setup_teardown(f, start_three, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_transitions_there_are),
      cmocka_unit_test(test_the_explanation_fits),
      TEST(test_a_change_that_there_is_not_names_those_there_are),
      TEST(test_a_full_map_is_no_fault_of_the_move),
      TEST(test_keys_beside_it_are_free),
      TEST(test_compared_versions_come_first),
      TEST(test_only_the_application_takes_it_back),
      TEST(test_a_state_leaves_by_itself_once),
      TEST(test_a_state_that_was_left_does_not_leave_again),
      TEST(test_a_time_to_live_does_not_end_a_machine),
      TEST(test_what_may_become_of_it_is_told),
      TEST(test_a_machine_is_for_one_namespace_of_channels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
