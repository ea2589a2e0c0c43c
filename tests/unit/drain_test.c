/* SPDX-License-Identifier: MIT */
/* drain_test.c - clients are sent away in batches and told when to return. */
#include <stdio.h>

#include "support/hub_rig.h"

static hubs node;

static int start(void **state) {
  (void)state;
  hubs_init(&node, 1);
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static unsigned num_closing(void) {
  unsigned num = 0;
  for (peer *p = node.peers; p != NULL; p = p->next)
    num += p->is_closing;
  return num;
}

static void test_in_batches_over_the_window(void **state) {
  (void)state;
  for (unsigned i = 0; i < 100; i++)
    peer_join(&node, 0, i);
  gw_hub_drain(node.hub[0], 1000);
  unsigned before = 0;
  for (unsigned i = 0; i < 10; i++) {
    unsigned now = num_closing();
    assert_true(now - before <= 15);
    before = now;
    hubs_pass(&node, 100);
  }
  assert_int_equal(num_closing(), 100);
  assert_int_equal(gw_hub_num_sessions(node.hub[0]), 100);
  while (node.peers != NULL)
    peer_free(node.peers);
  assert_int_equal(gw_hub_num_sessions(node.hub[0]), 0);
  assert_true(gw_hub_deadline(node.hub[0]) == UINT64_MAX);
}

static void test_clients_are_told_when_to_return(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer *q = peer_join(&node, 0, 2);
  gw_hub_drain(node.hub[0], 200);
  gw_frame f = peer_expect(p, GW_FRAME_CLOSE);
  gw_close m;
  assert_int_equal(gw_decode_close(f.body, &m), 0);
  assert_int_equal(m.code, GW_CODE_SHUTDOWN);
  assert_int_equal(m.retry_after_ms, 200);
  assert_int_equal(m.spread_ms, 200);
  hubs_pass(&node, 100);
  f = peer_expect(q, GW_FRAME_CLOSE);
  assert_int_equal(gw_decode_close(f.body, &m), 0);
  assert_int_equal(m.retry_after_ms, 100);
}

static void test_all_at_once(void **state) {
  (void)state;
  for (unsigned i = 0; i < 30; i++)
    peer_join(&node, 0, i);
  gw_hub_drain(node.hub[0], 0);
  assert_int_equal(num_closing(), 30);
}

static void test_new_ones_are_refused(void **state) {
  (void)state;
  gw_hub_drain(node.hub[0], 500);
  gw_hub_drain(node.hub[0], 5000); /* once is enough */
  peer *p = peer_open(&node, 0);
  assert_int_equal(peer_close_code(p), GW_CODE_SHUTDOWN);
}

static void test_what_waits_is_written_first(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  peer_subscribed(p);
  p->is_stalled = true;
  peer_publish(p, "room:a", "x", 1, 0);
  gw_hub_drain(node.hub[0], 0);
  p->is_stalled = false;
  peer_published(p);
  assert_int_equal(peer_publication(p).offset, 1);
  assert_int_equal(peer_close_code(p), GW_CODE_SHUTDOWN);
  peer_expect_nothing(p);
}

static void test_the_presence_of_who_is_sent_away_is_kept(void **state) {
  (void)state;
  peer *p = peer_join(&node, 0, 1);
  peer_subscribe(p, 1, "room:a");
  peer_subscribed(p);
  peer_presence(p, 1, "x");
  peer_expect(p, GW_FRAME_OK);
  gw_hub_drain(node.hub[0], 0);
  peer_free(p);
  hubs_pass(&node, GW_PRESENCE_GRACE_MS - 100);
  assert_int_equal(HUBS_STAT(&node, members), 1);
  hubs_pass(&node, 200);
  assert_int_equal(HUBS_STAT(&node, members), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_in_batches_over_the_window),
      T(test_clients_are_told_when_to_return),
      T(test_all_at_once),
      T(test_new_ones_are_refused),
      T(test_what_waits_is_written_first),
      T(test_the_presence_of_who_is_sent_away_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
