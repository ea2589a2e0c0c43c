/* SPDX-License-Identifier: MIT */
/* client_server_subs_test.c - subscriptions that the server begins: taken up,
 * recovered, and forgotten when it says so. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void push_subscribed(rig *r, const char *channel, uint32_t number,
                            uint64_t offset) {
  uint8_t space[256];
  gw_out out = {space, 0, sizeof space};
  gw_head head = {.type = GW_FRAME_SERVER_SUBSCRIBED, .channel = number};
  gw_server_subscribed m = {
      .channel = gw_view_of(channel), .epoch = RIG_EPOCH, .offset = offset};
  assert_int_equal(gw_encode_server_subscribed(&out, &head, &m), 0);
  rig_bytes(r, out.data, out.len);
}

/** Ready, and subscribed by the server: sub 1, number 9, offset 5. */
static void begin(rig *r) {
  rig_init(r, NULL);
  rig_ready(r);
  rig_forget(r);
  push_subscribed(r, "feed:1", 9, 5);
  rig_expect(r, "sub1:subscribing sub1:live ");
  rig_run(r, 6000);
  rig_forget(r);
}

static void it_receives_at_once(void **state) {
  (void)state;
  rig r;
  begin(&r);
  rig_publication(&r, 9, 6, 0, 0);
  rig_expect(&r, "pub1:6 ");
  assert_int_equal(gw_client_sub_position(r.c, 1).offset, 6);
  push_subscribed(&r, "feed:1", 9, 6); /* again: nothing new */
  rig_expect(&r, "");
  rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  rig_deinit(&r);
}

static void it_is_left_by_its_number(void **state) {
  (void)state;
  rig r;
  begin(&r);
  assert_int_equal(gw_client_unsubscribe(r.c, 1), 0);
  rig_go(&r);
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_UNSUBSCRIBE);
  assert_int_equal(f->head.channel, 9);
  assert_int_equal(f->head.flags, 0);
  rig_expect(&r, "sub1:ended ");
  rig_deinit(&r);
}

static void it_recovers_while_the_server_grants_it(void **state) {
  (void)state;
  rig r;
  begin(&r);
  rig_publication(&r, 9, 6, 0, 0);
  rig_close(&r, &(gw_close){.code = GW_CODE_SHUTDOWN});
  rig_back(&r);
  gw_head head;
  gw_subscribe m = rig_sent_subscribe(&r, &head);
  assert_true(m.by_server && m.recover);
  assert_int_equal(m.offset, 6);
  assert_int_equal(head.flags, GW_FLAG_ALIAS);
  /* The push of the new connection is of no news: it was asked for. */
  push_subscribed(&r, "feed:1", 3, 8);
  gw_subscribed a = {
      .epoch = RIG_EPOCH, .offset = 6, .result = GW_RECOVERY_RECOVERED};
  rig_subscribed(&r, head.request, 3, &a);
  rig_forget(&r);
  rig_publication(&r, 3, 7, 0, 0);
  rig_publication(&r, 3, 8, 0, 0);
  rig_expect(&r, "pub1:7 pub1:8 ");
  rig_deinit(&r);
}

static void it_is_forgotten_when_it_is_withdrawn(void **state) {
  (void)state;
  rig r;
  begin(&r);
  rig_close(&r, &(gw_close){.code = GW_CODE_SHUTDOWN});
  rig_back(&r);
  gw_head head;
  (void)rig_sent_subscribe(&r, &head);
  rig_forget(&r);
  rig_error(&r, head.request, GW_CODE_SUBSCRIPTION_WITHDRAWN, 0);
  rig_expect_within(&r, "sub1:ended");
  assert_int_equal(rig_info(&r).num_subs, 0);
  /* And begins anew, without a past, when it is granted again. */
  push_subscribed(&r, "feed:1", 4, 50);
  rig_expect_within(&r, "sub2:live");
  assert_int_equal(gw_client_sub_position(r.c, 2).offset, 50);
  rig_deinit(&r);
}

static void it_ends_when_the_server_ends_it(void **state) {
  (void)state;
  rig r;
  begin(&r);
  rig_unsubscribed(&r, 9, GW_CODE_FORCED);
  rig_expect_within(&r, "sub1:ended");
  rig_not_sent(&r, GW_FRAME_SUBSCRIBE);
  rig_deinit(&r);
}

/** A stream that began anew is invalidated here as anywhere: the epoch that was
 * is given up together with its offset, by a gap that is told. */
static void a_new_epoch_invalidates_it(void **state) {
  (void)state;
  rig r;
  begin(&r);
  rig_unsubscribed(&r, 9, GW_CODE_EPOCH_CHANGED);
  rig_run(&r, 1500);
  gw_head head;
  gw_subscribe m = rig_sent_subscribe(&r, &head);
  assert_true(m.by_server);
  gw_subscribed a = {.epoch = 0xE2,
                     .offset = 0,
                     .result = GW_RECOVERY_GAP,
                     .gap = GW_GAP_EPOCH_CHANGED,
                     .gap_from = 6,
                     .live = true};
  rig_forget(&r);
  rig_subscribed(&r, head.request, 11, &a);
  rig_expect_within(&r, "gap1:");
  gw_position p = gw_client_sub_position(r.c, 1);
  assert_int_equal(p.epoch, 0xE2);
  assert_int_equal(p.offset, 0);
  rig_deinit(&r);
}

static void a_hole_is_asked_for_under_a_new_name(void **state) {
  (void)state;
  rig r;
  begin(&r);
  rig_publication(&r, 9, 8, 0, 0);
  assert_int_equal(rig_sent(&r, GW_FRAME_UNSUBSCRIBE)->head.channel, 9);
  gw_head head;
  gw_subscribe m = rig_sent_subscribe(&r, &head);
  assert_int_equal(m.offset, 5);
  assert_int_equal(head.flags, GW_FLAG_ALIAS);
  rig_deinit(&r);
}

static void the_application_may_want_it_too(void **state) {
  (void)state;
  rig r;
  begin(&r);
  assert_int_equal(rig_sub(&r, "feed:1", NULL), 1);
  rig_close(&r, &(gw_close){.code = GW_CODE_SHUTDOWN});
  rig_back(&r);
  gw_head head;
  assert_false(rig_sent_subscribe(&r, &head).by_server);
  rig_deinit(&r);
}

static void what_makes_no_sense_ends_the_connection(void **state) {
  (void)state;
  rig r;
  begin(&r);
  push_subscribed(&r, "feed:2", 9, 0); /* the number of another */
  assert_false(rig_is_up(&r));
  rig_deinit(&r);
  begin(&r);
  push_subscribed(&r, "feed:2", 0, 0);
  assert_false(rig_is_up(&r));
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_receives_at_once),
      cmocka_unit_test(it_is_left_by_its_number),
      cmocka_unit_test(it_recovers_while_the_server_grants_it),
      cmocka_unit_test(it_is_forgotten_when_it_is_withdrawn),
      cmocka_unit_test(it_ends_when_the_server_ends_it),
      cmocka_unit_test(a_new_epoch_invalidates_it),
      cmocka_unit_test(a_hole_is_asked_for_under_a_new_name),
      cmocka_unit_test(the_application_may_want_it_too),
      cmocka_unit_test(what_makes_no_sense_ends_the_connection),
  };
  return cmocka_run_group_tests_name("client_server_subs", tests, NULL, NULL);
}
