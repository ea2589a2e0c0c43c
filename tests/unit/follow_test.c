/* SPDX-License-Identifier: MIT */
/* follow_test.c - three hubs and slow mail between them: attachments that cross
 * each other, order, and answers. */
#include <stdio.h>

#include "support/hub_rig.h"

#define OWNER 2u
#define HERE  1u
#define THERE 0u

static hubs node;
static char name[32];

static int start(void **state) {
  (void)state;
  hubs_init(&node, 3);
  hubs_start(&node);
  hubs_channel(&node, OWNER, name);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void hold(bool held) {
  node.holds_mail = held;
  hubs_settle(&node);
}

static void test_subscribers_wait_for_the_attachment(void **state) {
  (void)state;
  hold(true);
  peer *a = peer_join(&node, HERE, 1);
  peer *b = peer_join(&node, HERE, 2);
  peer_subscribe(a, 1, name);
  peer_subscribe(b, 1, name);
  peer_expect_nothing(a);
  assert_int_equal(hubs_deliver(&node, HERE, OWNER, 9), 1); /* asked once */
  assert_int_equal(hubs_deliver(&node, OWNER, HERE, 9), 1);
  assert_true(peer_subscribed(a).live);
  assert_true(peer_subscribed(b).live);
  peer *c = peer_join(&node, HERE, 3);
  peer_subscribe(c, 1, name);
  assert_true(peer_subscribed(c).live); /* at once */
  assert_int_equal(hubs_deliver(&node, HERE, OWNER, 9), 0);
}

static void test_requests_follow_a_pending_subscribe(void **state) {
  (void)state;
  hold(true);
  peer *a = peer_join(&node, HERE, 1);
  peer_subscribe(a, 7, name);
  gw_head head = {.type = GW_FRAME_PUBLISH,
                  .flags = GW_FLAG_ALIAS,
                  .request = 50,
                  .channel = 7};
  gw_publish m = {.data = gw_view_of("x"), .key = 1};
  PEER_SEND(a, publish, &head, &m);
  peer_presence(a, 7, "here");
  hold(false);
  /* The publication came to the owner after the attachment. */
  assert_int_equal(peer_published(a).offset, 1);
  peer_expect(a, GW_FRAME_OK);
  assert_int_equal(peer_subscribed(a).offset, 0);
  assert_int_equal(peer_publication(a).offset, 1);
}

static void test_unsubscribed_while_waiting(void **state) {
  (void)state;
  hold(true);
  peer *a = peer_join(&node, HERE, 1);
  uint32_t request = peer_subscribe(a, 1, name);
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  assert_int_equal(peer_error(a, request), GW_CODE_UNSUBSCRIBED);
  peer_expect(a, GW_FRAME_UNSUBSCRIBED);
  hold(false);
  peer_expect_nothing(a);
  hubs_pass(&node, 10000);
  assert_int_equal(HUBS_STAT(&node, channels_followed), 0);
}

static void test_subscribed_again_while_waiting(void **state) {
  (void)state;
  hold(true);
  peer *a = peer_join(&node, HERE, 1);
  uint32_t first = peer_subscribe(a, 1, name);
  uint32_t second = peer_subscribe(a, 2, name);
  assert_int_equal(peer_error(a, first), GW_CODE_UNSUBSCRIBED);
  hold(false);
  assert_int_equal(peer_expect(a, GW_FRAME_SUBSCRIBED).head.request, second);
}

static void test_nobody_waits_for_ever(void **state) {
  (void)state;
  hold(true);
  peer *a = peer_join(&node, HERE, 1);
  uint32_t request = peer_subscribe(a, 1, name);
  hubs_pass(&node, GW_REQUEST_TIMEOUT_MS - 1);
  peer_expect_nothing(a);
  hubs_pass(&node, 1);
  assert_int_equal(peer_error(a, request), GW_CODE_OVERLOADED);
  hold(false); /* the state comes after all */
  peer_subscribe(a, 1, name);
  assert_true(peer_subscribed(a).live);
}

static void
test_a_channel_is_given_up_some_time_after_its_last_user(void **state) {
  (void)state;
  peer *a = peer_join(&node, HERE, 1);
  peer_subscribe(a, 1, name);
  peer_subscribed(a);
  assert_int_equal(HUBS_STAT(&node, channels_followed), 1);
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  hubs_pass(&node, 4000);
  assert_int_equal(HUBS_STAT(&node, channels_followed), 1);
  hubs_pass(&node, 2000);
  assert_int_equal(HUBS_STAT(&node, channels_followed), 0);
  uint64_t mail = HUBS_STAT(&node, mail_total);
  peer *b = peer_join(&node, OWNER, 2);
  peer_publish(b, name, "x", 1, 0);
  assert_int_equal(HUBS_STAT(&node, mail_total), mail); /* nobody follows */
}

/** Detach and attach cross what the owner sends meanwhile. */
static void test_attaching_again_at_once(void **state) {
  (void)state;
  peer *a = peer_join(&node, HERE, 1);
  peer *b = peer_join(&node, OWNER, 2);
  peer_subscribe(a, 1, name);
  peer_subscribed(a);
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  peer_forget(a);
  hold(true);
  peer_publish(b, name, "1", 1, 0); /* to the old attachment */
  hubs_pass(&node, 6000);           /* which is given up meanwhile */
  peer_subscribe(a, 1, name);
  peer_publish(b, name, "2", 2, 0);
  /* DETACH and ATTACH come to the owner between two publications. */
  assert_int_equal(hubs_deliver(&node, HERE, OWNER, 9), 2);
  peer_publish(b, name, "3", 3, 0);
  hold(false);
  assert_int_equal(peer_subscribed(a).offset, 2);
  assert_int_equal(peer_publication(a).offset, 3);
  peer_expect_nothing(a);
}

static void test_order_across_workers(void **state) {
  (void)state;
  peer *a = peer_join(&node, HERE, 1);
  peer *b = peer_join(&node, THERE, 2);
  peer *c = peer_join(&node, OWNER, 3);
  peer *all[] = {a, b, c};
  for (unsigned i = 0; i < 3; i++) {
    peer_subscribe(all[i], 1, name);
    peer_subscribed(all[i]);
  }
  hold(true);
  for (uint64_t k = 1; k <= 20; k++) {
    for (unsigned i = 0; i < 3; i++)
      peer_publish(all[i], name, "x", k, k - 1);
    if (k % 3 == 0) hubs_deliver(&node, HERE, OWNER, 1);
    if (k % 5 == 0) hubs_deliver(&node, THERE, OWNER, 2);
    if (k % 4 == 0) hubs_deliver(&node, OWNER, HERE, 3);
  }
  hold(false);
  for (unsigned i = 0; i < 3; i++) {
    uint64_t offset = 0, last[3] = {0, 0, 0};
    gw_frame f;
    unsigned acks = 0;
    while (peer_next(all[i], &f)) {
      gw_publication m;
      acks += f.head.type == GW_FRAME_PUBLISHED;
      if (f.head.type != GW_FRAME_PUBLICATION) continue;
      assert_int_equal(gw_decode_publication(f.body, &m), 0);
      assert_int_equal(m.offset, ++offset);
      for (unsigned j = 0; j < 3; j++) {
        if (m.client != all[j]->client) continue;
        assert_int_equal(m.key, ++last[j]); /* of each in its order */
      }
    }
    assert_int_equal(offset, 60);
    assert_int_equal(acks, 20);
  }
}

/** One who was told up to an offset elsewhere, and comes HERE before any of the
 * three publications that the owner has. */
static peer *come_ahead(uint64_t offset) {
  gw_subscribe m = {.channel = gw_view_of(name), .recover = true};
  peer *writer = peer_join(&node, OWNER, 1), *b = peer_join(&node, HERE, 2);
  peer_subscribe(b, 1, name);
  m.epoch = peer_subscribed(b).epoch;
  hold(true);
  for (uint64_t key = 1; key <= 3; key++) {
    peer_publish(writer, name, "x", key, key - 1);
    assert_int_equal(peer_published(writer).offset, key);
  }
  m.offset = offset;
  peer *a = peer_join(&node, HERE, 3);
  peer_subscribe_with(a, 1, &m);
  peer_expect_nothing(a);
  return a;
}

static void test_a_position_that_is_on_its_way_is_waited_for(void **state) {
  (void)state;
  peer *a = come_ahead(2);
  hold(false);
  gw_subscribed s = peer_subscribed(a);
  assert_int_equal(s.result, GW_RECOVERY_RECOVERED);
  assert_int_equal(s.offset, 2);
  assert_int_equal(peer_publication(a).offset, 3);
}

static void test_a_position_that_nobody_has_is_told(void **state) {
  (void)state;
  peer *a = come_ahead(4);
  hold(false);
  gw_subscribed s = peer_subscribed(a);
  assert_int_equal(s.result, GW_RECOVERY_GAP);
  assert_int_equal(s.gap, GW_GAP_EPOCH_CHANGED);
  assert_int_equal(s.offset, 0);
}

/** What is answered is the last Subscribe, once. */
static void test_subscribed_again_while_a_position_is_waited_for(void **state) {
  (void)state;
  peer *a = come_ahead(2), *b = peer_join(&node, HERE, 4);
  gw_subscribe m = {.channel = gw_view_of(name)};
  peer_subscribe_with(b, 1, &m);
  assert_true(peer_subscribed(b).live); /* it has no position */
  m = (gw_subscribe){
      .channel = gw_view_of(name), .recover = true, .epoch = 1, .offset = 9};
  peer_subscribe_with(a, 2, &m);
  assert_int_equal(peer_error(a, a->last_request - 1), GW_CODE_UNSUBSCRIBED);
  assert_int_equal(peer_subscribed(a).gap, GW_GAP_EPOCH_CHANGED);
  hold(false);
  for (uint64_t offset = 1; offset <= 3; offset++)
    assert_int_equal(peer_publication(a).offset, offset);
  peer_expect_nothing(a);
}

static void test_gone_while_a_position_is_waited_for(void **state) {
  (void)state;
  peer_drop(come_ahead(2), 0);
  hold(false);
  assert_int_equal(HUBS_STAT(&node, subscriptions), 1);
}

static void test_a_worker_that_does_not_follow_gets_its_answer(void **state) {
  (void)state;
  peer *a = peer_join(&node, HERE, 1);
  for (uint64_t key = 1; key <= 3; key++) {
    peer_publish(a, name, "x", key, 0);
    assert_int_equal(peer_published(a).offset, key);
  }
  assert_int_equal(HUBS_STAT(&node, channels_followed), 0);
}

static void test_a_publisher_that_went_away(void **state) {
  (void)state;
  peer *a = peer_join(&node, HERE, 1);
  peer *b = peer_join(&node, HERE, 2);
  peer_subscribe(b, 1, name);
  peer_subscribed(b);
  hold(true);
  peer_publish(a, name, "x", 1, 0);
  peer_free(a);
  hold(false);
  assert_int_equal(peer_publication(b).offset, 1);
}

/* ---- refusals that keep the order ---------------------------------------- */

static void test_overload_keeps_the_order(void **state) {
  (void)state;
  node.settings.max_forwarded = 2;
  char other[32];
  hubs_channel(&node, OWNER, other);
  peer *a = peer_join(&node, HERE, 1);
  hold(true);
  peer_publish(a, name, "1", 1, 0);
  peer_publish(a, name, "2", 2, 1);
  uint32_t r3 = peer_publish(a, name, "3", 3, 2);
  gw_error e;
  gw_frame f = peer_expect(a, GW_FRAME_ERROR);
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_int_equal(f.head.request, r3);
  assert_int_equal(e.code, GW_CODE_OVERLOADED);
  assert_true(e.retry_after_ms > 0);
  hold(false); /* there is room again, but 4 was sent before 3 came back */
  uint32_t r4 = peer_publish(a, name, "4", 4, 3);
  assert_int_equal(peer_published(a).offset, 1);
  assert_int_equal(peer_published(a).offset, 2);
  assert_int_equal(peer_error(a, r4), GW_CODE_PRECEDING_REFUSED);
  uint32_t r5 = peer_publish(a, name, "5", 5, 4);
  assert_int_equal(peer_error(a, r5), GW_CODE_PRECEDING_REFUSED);
  peer_publish(a, other, "6", 6, 0); /* another channel is not concerned */
  assert_int_equal(peer_published(a).offset, 1);
  peer_publish(a, name, "3", 3, 0);
  peer_publish(a, name, "4", 4, 3);
  peer_publish(a, name, "5", 5, 4);
  for (uint64_t offset = 3; offset <= 5; offset++)
    assert_int_equal(peer_published(a).offset, offset);
}

static void test_overload_of_presence(void **state) {
  (void)state;
  node.settings.max_forwarded = 1;
  peer *a = peer_join(&node, HERE, 1);
  peer_subscribe(a, 1, name);
  peer_subscribed(a);
  hold(true);
  peer_publish(a, name, "1", 1, 0);
  assert_int_equal(peer_error(a, peer_presence(a, 1, "x")), GW_CODE_OVERLOADED);
  hold(false);
  peer_published(a);
  peer_publication(a);
  peer_presence(a, 1, "x");
  peer_expect(a, GW_FRAME_OK);
}

#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_subscribers_wait_for_the_attachment),
      T(test_requests_follow_a_pending_subscribe),
      T(test_unsubscribed_while_waiting),
      T(test_subscribed_again_while_waiting),
      T(test_nobody_waits_for_ever),
      T(test_a_channel_is_given_up_some_time_after_its_last_user),
      T(test_attaching_again_at_once),
      T(test_order_across_workers),
      T(test_a_position_that_is_on_its_way_is_waited_for),
      T(test_a_position_that_nobody_has_is_told),
      T(test_subscribed_again_while_a_position_is_waited_for),
      T(test_gone_while_a_position_is_waited_for),
      T(test_a_worker_that_does_not_follow_gets_its_answer),
      T(test_a_publisher_that_went_away),
      T(test_overload_keeps_the_order),
      T(test_overload_of_presence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
