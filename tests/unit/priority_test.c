/* SPDX-License-Identifier: MIT */
/* priority_test.c - of what waits for a slow reader, channels of a high priority
 * go first and those of a low one last, each in its own order. */
#include <stdio.h>

#include "server/core/channel.h"
#include "server/core/session.h"
#include "support/hub_rig.h"

#define CAP 10000u

static hubs node;
static gw_namespace spaces[4]; /* none, low, high, the rest */
static peer *writer;
static char payload[501];

static int start(void **state) {
  (void)state;
  hubs_init(&node, 1);
  node.settings.limits.max_queue_bytes = CAP;
  spaces[0] = node.spaces[0];
  spaces[1] = spaces[2] = spaces[3] = node.spaces[1];
  spaces[1].name = "low";
  spaces[1].priority = GW_PRIORITY_LOW;
  spaces[2].name = "high";
  spaces[2].priority = GW_PRIORITY_HIGH;
  node.settings.namespaces = spaces;
  node.settings.num_namespaces = 4;
  hubs_start(&node);
  writer = peer_join(&node, 0, 1);
  memset(payload, 'x', 500);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void subscribe(peer *p, uint32_t alias, const char *channel,
                      uint32_t overflow) {
  gw_subscribe m = {.channel = gw_view_of(channel), .overflow = overflow};
  peer_subscribe_with(p, alias, &m);
}

static void publish(const char *channel, unsigned num) {
  for (unsigned i = 0; i < num; i++) {
    peer_publish(writer, channel, payload, 0, 0);
    peer_published(writer);
  }
}

/** low:a, a and high:a, live. */
static void subscribe_all(peer *p, uint32_t overflow) {
  static const char *const names[] = {"low:a", "a", "high:a"};
  for (uint32_t i = 0; i < 3; i++) {
    subscribe(p, i + 1, names[i], overflow);
    peer_subscribed(p);
  }
}

/** L, N or H: the priority of the channel that a frame is of. */
static char letter_of(const gw_frame *f) {
  const gw_channel *ch = gws_channel_by_number(node.hub[0], f->head.channel);
  if (f->head.type == GW_FRAME_CLOSE) return '.';
  assert_non_null(ch);
  const char letters[] = {'N', 'H', 'L'};
  return letters[ch->ns->priority];
}

/** What came, in short: "H1 Hs L3 Lu": publications with their offsets; s and u:
 * subscribed, unsubscribed; p: members. */
static void expect_order(peer *p, const char *want) {
  char got[1000] = "";
  size_t len = 0;
  gw_frame f;
  while (peer_next(p, &f) && len < sizeof got - 20) {
    gw_publication pub = {.offset = 0};
    const char *mark = f.head.type == GW_FRAME_SUBSCRIBED          ? "s "
                       : f.head.type == GW_FRAME_UNSUBSCRIBED      ? "u "
                       : f.head.type == GW_FRAME_PRESENCE_SNAPSHOT ? "p "
                                                                   : " ";
    got[len++] = letter_of(&f);
    if (f.head.type == GW_FRAME_PUBLICATION) {
      assert_int_equal(gw_decode_publication(f.body, &pub), 0);
      len += (size_t)sprintf(got + len, "%u", (unsigned)pub.offset);
    }
    len += (size_t)sprintf(got + len, "%s", mark);
  }
  assert_string_equal(got, want);
}

static void test_high_before_normal_before_low(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe_all(slow, GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  for (unsigned i = 0; i < 2; i++) {
    publish("low:a", 1);
    publish("a", 1);
    publish("high:a", 2);
  }
  peer_read_again(slow);
  expect_order(slow, "H1 H2 H3 H4 N1 N2 L1 L2 ");
  publish("low:a", 1); /* who reads is kept waiting by nothing */
  publish("high:a", 1);
  expect_order(slow, "L3 H5 ");
}

/** The queue is full to half of its cap with what is low; what is sent from the
 * history comes in its turn all the same. */
static void test_also_where_a_cursor_is_drawn_from(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe_all(slow, GW_OVERFLOW_DROP);
  slow->is_stalled = true;
  publish("low:a", 9);
  publish("a", 2);
  publish("high:a", 3);
  publish("low:a", 2);
  peer_read_again(slow);
  expect_order(slow, "H1 H2 H3 N1 N2 "
                     "L1 L2 L3 L4 L5 L6 L7 L8 L9 L10 L11 ");
  publish("high:a", 1);
  publish("a", 1);
  expect_order(slow, "H4 N3 ");
}

/** Several that are high are drawn from in turn, before any other. */
static void test_those_of_a_priority_take_turns(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe_all(slow, GW_OVERFLOW_SAMPLE);
  subscribe(slow, 4, "high:b", GW_OVERFLOW_SAMPLE);
  peer_subscribed(slow);
  slow->is_stalled = true;
  for (unsigned i = 0; i < 30; i++) {
    publish("low:a", 1);
    publish("a", 1);
    publish("high:b", 1);
    publish("high:a", 1);
  }
  peer_read_again(slow);
  char order[8] = "";
  gw_frame f;
  for (unsigned num = 0; peer_next(slow, &f);) {
    gw_publication pub;
    if (f.head.type != GW_FRAME_PUBLICATION) continue;
    assert_int_equal(gw_decode_publication(f.body, &pub), 0);
    if (pub.offset == 30) order[num++] = letter_of(&f);
  }
  assert_string_equal(order, "HHNL");
}

static void test_an_end_stays_behind_its_channel(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe_all(slow, GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  publish("low:a", 2);
  publish("a", 1);
  peer_send_empty(slow, GW_FRAME_UNSUBSCRIBE, 1);
  subscribe(slow, 1, "high:b", GW_OVERFLOW_CLOSE); /* by the same alias */
  publish("high:b", 1);
  peer_read_again(slow);
  expect_order(slow, "Hs H1 N1 L1 L2 Lu ");
}

static void test_members_come_with_their_channel(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe_all(slow, GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  publish("a", 1);
  gw_subscribe m = {.channel = gw_view_of("low:b"), .presence = true};
  peer_subscribe_with(slow, 5, &m);
  m.channel = gw_view_of("high:b");
  peer_subscribe_with(slow, 6, &m);
  gw_head head = {.type = GW_FRAME_PRESENCE_GET, .request = 99};
  gw_presence_get get = {.channel = gw_view_of("high:a")};
  PEER_SEND(slow, presence_get, &head, &get);
  peer_read_again(slow);
  expect_order(slow, "Hs Hp Hp N1 Ls Lp ");
}

static void test_the_close_is_last(void **state) {
  (void)state;
  peer *slow = peer_join(&node, 0, 2);
  subscribe_all(slow, GW_OVERFLOW_CLOSE);
  slow->is_stalled = true;
  publish("low:a", 2);
  publish("high:a", 1);
  gw_session_close(slow->session, GW_CODE_SHUTDOWN, "come again", 0, 0);
  peer_read_again(slow);
  expect_order(slow, "H1 L1 L2 . ");
}

static void test_credit_is_for_all_priorities(void **state) {
  (void)state;
  peer *p = peer_join_with_credit(&node, 0, 2, 900);
  subscribe_all(p, GW_OVERFLOW_CLOSE);
  publish("low:a", 4);
  publish("high:a", 1);
  expect_order(p, "L1 L2 ");
  peer_grant(p, p->data - 900 + 1);
  expect_order(p, "H1 ");
  peer_grant(p, 100000);
  expect_order(p, "L3 L4 ");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
  const struct CMUnitTest tests[] = {
      CASE(test_high_before_normal_before_low),
      CASE(test_also_where_a_cursor_is_drawn_from),
      CASE(test_those_of_a_priority_take_turns),
      CASE(test_an_end_stays_behind_its_channel),
      CASE(test_members_come_with_their_channel),
      CASE(test_the_close_is_last),
      CASE(test_credit_is_for_all_priorities),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
