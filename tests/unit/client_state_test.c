/* SPDX-License-Identifier: MIT */
/* client_state_test.c - the table of moves, names, hooks, and what a state
 * tells. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Rows: from; columns: to, in the order of the enum. */
static const char table[GW_STATE_COUNT][GW_STATE_COUNT + 1] = {
    /*                IcasrdwSCF */
    /* idle */ "-x------x-",
    /* connecting */ "--x---xxxx",
    /* authenticating */ "---x--xxxx",
    /* syncing */ "----xxxxxx",
    /* ready */ "-----xxxxx",
    /* degraded */ "----x-xxxx",
    /* waiting */ "-x-----xxx",
    /* suspended */ "-x----x-xx",
    /* closed */ "-x--------",
    /* failed */ "-x------x-",
};

static void moves_are_those_of_the_table(void **state) {
  (void)state;
  for (int from = 0; from < GW_STATE_COUNT; from++) {
    for (int to = 0; to < GW_STATE_COUNT; to++) {
      bool want = table[from][to] == 'x';
      if (gw_state_may_move((enum gw_state)from, (enum gw_state)to) != want)
        fail_msg("%s -> %s", gw_state_name((enum gw_state)from),
                 gw_state_name((enum gw_state)to));
    }
  }
  assert_false(gw_state_may_move(GW_STATE_COUNT, GW_STATE_IDLE));
  assert_false(gw_state_may_move(GW_STATE_IDLE, GW_STATE_COUNT));
}

static void names_are_the_enum_s(void **state) {
  (void)state;
  assert_string_equal(gw_state_name(GW_STATE_IDLE), "idle");
  assert_string_equal(gw_state_name(GW_STATE_FAILED), "failed");
  assert_string_equal(gw_state_name(GW_STATE_COUNT), "unknown");
  assert_string_equal(gw_sub_state_name(GW_SUB_LIVE), "live");
  assert_string_equal(gw_sub_state_name(GW_SUB_COUNT), "unknown");
}

static void a_life_from_idle_to_closed(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  assert_int_equal(rig_info(&r).state, GW_STATE_IDLE);
  rig_ready(&r);
  rig_expect(&r, "connecting authenticating syncing ready ");
  gw_client_info info = rig_info(&r);
  assert_int_equal(info.state, GW_STATE_READY);
  assert_int_equal(info.client, RIG_CLIENT_ID);
  assert_int_equal(info.connection, 5);
  assert_true(rig_view_is(info.user, "ann"));
  gw_client_close(r.c);
  assert_int_equal(rig_info(&r).state, GW_STATE_READY); /* only queued */
  rig_go(&r);
  rig_expect(&r, "closed ");
  rig_sent(&r, GW_FRAME_CLOSE);
  assert_int_equal(r.port.close_code, 1000);
  assert_int_equal(rig_info(&r).code, GW_CODE_CLOSED);
  assert_int_equal(rig_info(&r).connection, 0);
  rig_run(&r, 3600 * 1000);
  rig_expect(&r, "");
  assert_int_equal(r.port.timer_ms, UINT64_MAX);
  rig_ready(&r);
  rig_expect(&r, "connecting authenticating syncing ready ");
  rig_deinit(&r);
}

static void events_carry_time_code_and_attempt(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  rig_ready(&r);
  rig_forget(&r);
  rig_run(&r, 100);
  gw_test_close(&r.port, 4103);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_STATE);
  assert_int_equal(e->at_ms, 1100);
  assert_int_equal(e->u.state.from, GW_STATE_READY);
  assert_int_equal(e->u.state.to, GW_STATE_WAITING);
  assert_int_equal(e->u.state.code, GW_CODE_SLOW_READER);
  assert_int_equal(e->u.state.attempt, 1);
  assert_in_range(e->u.state.retry_at_ms, 1101, 1600);
  assert_int_equal(rig_info(&r).since_ms, 1100);
  assert_int_equal(rig_info(&r).retry_at_ms, e->u.state.retry_at_ms);
  rig_deinit(&r);
}

static bool forbid_connecting;

static bool may_move(gw_test_port *p, enum gw_state from, enum gw_state to,
                     uint32_t code) {
  (void)p;
  (void)code;
  assert_true(gw_state_may_move(from, to));
  if (to != GW_STATE_CONNECTING) return false; /* asked in vain */
  return !forbid_connecting;
}

static void an_application_may_forbid_to_connect(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  r.port.hooks.may_move = may_move;
  forbid_connecting = true;
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_run(&r, 60000);
  assert_int_equal(rig_info(&r).state, GW_STATE_IDLE);
  assert_int_equal(r.port.num_opens, 0);
  forbid_connecting = false;
  rig_ready(&r);
  assert_int_equal(rig_info(&r).state, GW_STATE_READY);

  forbid_connecting = true;
  gw_test_close(&r.port, 1006);
  rig_run(&r, 60000); /* the retry is refused: stays, and not by itself */
  assert_int_equal(rig_info(&r).state, GW_STATE_WAITING);
  assert_int_equal(rig_info(&r).retry_at_ms, 0);
  gw_client_on_wake(r.c, GW_WAKE_VISIBLE);
  rig_run(&r, 60000);
  assert_int_equal(r.port.num_opens, 1);
  forbid_connecting = false;
  rig_ready(&r);
  assert_int_equal(rig_info(&r).state, GW_STATE_READY);
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(moves_are_those_of_the_table),
      cmocka_unit_test(names_are_the_enum_s),
      cmocka_unit_test(a_life_from_idle_to_closed),
      cmocka_unit_test(events_carry_time_code_and_attempt),
      cmocka_unit_test(an_application_may_forbid_to_connect),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
