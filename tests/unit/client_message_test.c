/* SPDX-License-Identifier: MIT */
/* client_message_test.c - messages to people: sent once, answered with a number,
 * and handed over as they come. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void ready_rig(rig *r) {
  rig_init(r, NULL);
  rig_ready(r);
  rig_forget(r);
}

static uint32_t send_to(rig *r, const gw_send *m) {
  int64_t id = gw_client_send(r->c, m);
  assert_true(id > 0);
  return (uint32_t)id;
}

static gw_send sent_message(rig *r, uint32_t request) {
  const gw_test_frame *f = rig_sent(r, GW_FRAME_SEND);
  gw_send m;
  assert_int_equal(f->head.request, request);
  assert_int_equal(gw_decode_send(f->body, &m), 0);
  return m;
}

static void is_sent_and_answered(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  gw_view names[] = {gw_view_of("a"), gw_view_of("b")};
  gw_send m = {.channels = {.items = names, .num = 2},
               .no_echo = true,
               .event = gw_view_of("kind"),
               .json = gw_view_of("[1]")};
  uint32_t id = send_to(&r, &m);
  names[0] = names[1] = gw_view_of("z"); /* a copy was taken */
  rig_go(&r);
  gw_send have = sent_message(&r, id);
  gw_view name;
  assert_true(gw_list_next(&have.channels, &name) && rig_view_is(name, "a"));
  assert_true(gw_list_next(&have.channels, &name) && rig_view_is(name, "b"));
  assert_true(rig_view_is(have.event, "kind") && have.no_echo);
  assert_true(rig_view_is(have.json, "[1]"));
  rig_receivers(&r, id, 3);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.request, id);
  assert_int_equal(e->u.reply.code, GW_CODE_OK);
  assert_int_equal(e->u.reply.receivers, 3);
  rig_receivers(&r, id, 4); /* nobody asked */
  assert_null(gw_test_take_event(&r.port, GW_EVENT_REPLY));
  rig_deinit(&r);
}

static void an_answer_has_to_be_of_the_kind(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  uint32_t id = send_to(&r, &(gw_send){.everybody = true});
  int64_t call =
      gw_client_call(r.c, gw_view_of("m"), (gw_payload){0, {NULL, 0}}, NULL);
  rig_go(&r);
  rig_result(&r, id, "x");
  rig_receivers(&r, (uint32_t)call, 1);
  rig_snapshot(&r, id, 0, 1, "1", false);
  rig_expect(&r, "");
  rig_error(&r, id, GW_CODE_PERMISSION_DENIED, 0);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.request, id);
  assert_int_equal(e->u.reply.code, GW_CODE_PERMISSION_DENIED);
  rig_deinit(&r);
}

static void waits_for_a_connection_but_is_sent_once(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t id = send_to(&r, &(gw_send){.user = gw_view_of("u")});
  rig_ready(&r);
  assert_true(rig_view_is(sent_message(&r, id).user, "u"));
  rig_forget(&r);
  gw_test_close(&r.port, 1006);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.code, GW_CODE_CONNECTION_LOST);
  rig_back(&r);
  rig_not_sent(&r, GW_FRAME_SEND);
  rig_deinit(&r);
}

static void one_address_and_good_texts(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  static char big[GW_MAX_FRAME_BYTES_HARD];
  gw_view no_text = gw_view_of("\xFF"), a = gw_view_of("a"), none = {0};
  const struct {
    gw_send m;
    int err;
  } bad[] = {
      {{.event = a}, GW_ERR_INVALID},
      {{.user = a, .client = 3}, GW_ERR_INVALID},
      {{.group = a, .everybody = true}, GW_ERR_INVALID},
      {{.user = no_text}, GW_ERR_TEXT},
      {{.group = no_text}, GW_ERR_TEXT},
      {{.user = a, .event = no_text}, GW_ERR_TEXT},
      {{.user = a, .json = no_text}, GW_ERR_TEXT},
      {{.channels = {.items = &no_text, .num = 1}}, GW_ERR_TEXT},
      {{.channels = {.items = &none, .num = 1}}, GW_ERR_INVALID},
      {{.user = a, .data = {(uint8_t *)big, sizeof big}}, GW_ERR_TOO_BIG},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(gw_client_send(r.c, &bad[i].m), bad[i].err);
  rig_go(&r);
  rig_not_sent(&r, GW_FRAME_SEND);
  gw_client_close(r.c);
  rig_go(&r);
  assert_int_equal(gw_client_send(r.c, &(gw_send){.user = a}), GW_ERR_STATE);
  rig_deinit(&r);
}

static void what_comes_is_handed_over(void **state) {
  (void)state;
  rig r;
  ready_rig(&r);
  rig_message(&r, 3, "kind", "{\"a\":1}");
  rig_message(&r, RIG_CLIENT_ID, "", "1");
  rig_expect(&r, "msg3 msg77 ");
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_MESSAGE);
  assert_int_equal(e->u.message.client, 3);
  assert_true(rig_view_is(e->u.message.user, "u"));
  assert_true(rig_view_is(e->u.message.event, "kind"));
  assert_int_equal(e->u.message.to, GW_ADDRESS_USER);
  assert_int_equal(e->u.message.payload.type, GW_PAYLOAD_JSON);
  assert_true(rig_view_is(e->u.message.payload.bytes, "{\"a\":1}"));
  assert_int_equal(e->u.message.time_ms, 5);
  assert_false(e->u.message.own);
  e = gw_test_take_event(&r.port, GW_EVENT_MESSAGE);
  assert_true(e->u.message.own);
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_sent_and_answered),
      cmocka_unit_test(an_answer_has_to_be_of_the_kind),
      cmocka_unit_test(waits_for_a_connection_but_is_sent_once),
      cmocka_unit_test(one_address_and_good_texts),
      cmocka_unit_test(what_comes_is_handed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
