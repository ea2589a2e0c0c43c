/* SPDX-License-Identifier: MIT */
/* client_reentry_test.c - commands from inside every handler there is: nothing
 * gets stuck, and events stay in order. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef void (*act_fn)(gw_client *c, uint32_t sub);

static void do_close(gw_client *c, uint32_t sub) {
  (void)sub;
  gw_client_close(c);
}

static void do_connect(gw_client *c, uint32_t sub) {
  (void)sub;
  assert_int_equal(gw_client_connect(c), 0);
}

static void do_reconnect(gw_client *c, uint32_t sub) {
  do_close(c, sub);
  do_connect(c, sub);
}

static void do_unsubscribe(gw_client *c, uint32_t sub) {
  (void)gw_client_unsubscribe(c, sub);
}

static void do_subscribe_again(gw_client *c, uint32_t sub) {
  do_unsubscribe(c, sub);
  gw_sub_options o = {.presence = true};
  assert_true(gw_client_subscribe(c, gw_view_of("a"), &o) > 0);
}

static void do_much(gw_client *c, uint32_t sub) {
  gw_payload payload = {GW_PAYLOAD_BYTES, gw_view_of("x")};
  uint64_t key;
  (void)!gw_client_publish(c, gw_view_of("a"), payload, NULL, &key);
  (void)!gw_client_call(c, gw_view_of("m"), payload, NULL);
  (void)!gw_client_presence_set(c, sub, gw_view_of("busy"), payload);
  (void)!gw_client_presence_leave(c, sub);
}

/** Acts at event number `at` of a life; checks the order of all events. */
typedef struct actor {
  act_fn act;
  uint32_t at;
  uint32_t seen;
  uint32_t sub;
  enum gw_state state;
  bool ended;
} actor;

static void on_event(gw_test_port *p, const gw_event *e) {
  actor *a = p->arg;
  if (e->type == GW_EVENT_STATE) {
    assert_int_equal(e->u.state.from, a->state); /* none left out */
    a->state = e->u.state.to;
  } else if (e->type == GW_EVENT_SUB_STATE && e->u.sub.sub == a->sub) {
    assert_false(a->ended);
    a->ended = e->u.sub.to == GW_SUB_ENDED;
  } else if (e->type == GW_EVENT_PUBLICATION) {
    assert_false(a->ended && e->u.publication.sub == a->sub);
  }
  if (a->seen++ == a->at) a->act(p->client, a->sub);
}

/** Returns whether the life had so many events. */
static bool life(act_fn act, uint32_t at) {
  rig r;
  actor a = {.act = act, .at = at};
  rig_init(&r, NULL);
  r.port.arg = &a;
  r.port.hooks.event = on_event;
  gw_sub_options o = {.presence = true};
  a.sub = rig_sub(&r, "a", &o);
  do_much(r.c, a.sub);
  do_connect(r.c, 0);
  rig_serve(&r, 30);
  if (rig_is_up(&r)) rig_publication(&r, a.sub, 1, 3, 1);
  if (rig_is_up(&r)) rig_diff(&r, a.sub, 4, "+1 -2 *3");
  if (rig_is_up(&r)) rig_lagged(&r, a.sub, 2, 3);
  if (rig_is_up(&r)) rig_call(&r, 9, "m");
  if (r.port.wanted) gw_test_close(&r.port, 4103);
  rig_serve(&r, 1000);
  gw_close gone = {.code = GW_CODE_FORCED};
  if (rig_is_up(&r)) rig_close(&r, &gone);
  rig_serve(&r, 10);
  bool reached = a.seen > at;
  a.at = UINT32_MAX; /* from here on it only looks */
  do_connect(r.c, 0);
  rig_serve(&r, 1000);
  assert_int_equal(a.state, GW_STATE_READY);
  gw_client_info info = rig_info(&r);
  assert_int_equal(info.state, GW_STATE_READY);
  assert_int_equal(info.outbox_count, 0);
  gw_client_close(r.c);
  rig_run(&r, 10);
  assert_int_equal(a.state, GW_STATE_CLOSED);
  rig_deinit(&r);
  return reached;
}

static void sweep(act_fn act) {
  uint32_t at = 0;
  while (life(act, at))
    at++;
  assert_true(at > 10);
}

#define SWEEP(name)                                 \
  static void name##_in_any_handler(void **state) { \
    (void)state;                                    \
    sweep(do_##name);                               \
  }
SWEEP(close)
SWEEP(connect)
SWEEP(reconnect)
SWEEP(unsubscribe)
SWEEP(subscribe_again)
SWEEP(much)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(close_in_any_handler),
      cmocka_unit_test(connect_in_any_handler),
      cmocka_unit_test(reconnect_in_any_handler),
      cmocka_unit_test(unsubscribe_in_any_handler),
      cmocka_unit_test(subscribe_again_in_any_handler),
      cmocka_unit_test(much_in_any_handler),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
