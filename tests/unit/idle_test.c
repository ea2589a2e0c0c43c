/* SPDX-License-Identifier: MIT */
/* idle_test.c - what time makes of members whose users do nothing: on the owner's
 * worker, and alike on another. */
#include <stdio.h>

#include "support/hub_rig.h"

static hubs node;
static char name[32];
static uint32_t here;

#define MINUTE_MS 60000u

static void add(const char *from, uint32_t after_ms, const char *to) {
  gw_transitions *all = &node.spaces[1].presence_transitions;
  gw_transition *t = &all->items[all->num++];
  t->after_ms = after_ms;
  (void)snprintf(t->from, sizeof t->from, "%s", from);
  (void)snprintf(t->to, sizeof t->to, "%s", to);
}

static int start(uint32_t num_workers, uint32_t owner, uint32_t reader) {
  hubs_init(&node, num_workers);
  here = reader;
  node.settings.ping_interval_ms = 1u << 29; /* six days */
  add("online", 5 * MINUTE_MS, "away");
  add("away", 30 * MINUTE_MS, "offline");
  hubs_start(&node);
  hubs_channel(&node, owner, name);
  return 0;
}

static int start_owned(void **state) {
  (void)state;
  return start(1, 0, 0);
}

static int start_followed(void **state) {
  (void)state;
  return start(3, 2, 1);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static peer *watcher(void) {
  peer *p = peer_join(&node, here, 1);
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  peer_subscribe_with(p, 1, &m);
  peer_forget(p);
  return p;
}

static peer *member(unsigned who) {
  peer *p = peer_join(&node, here, who);
  peer_subscribe(p, 1, name);
  peer_subscribed(p);
  return p;
}

static void set(peer *p, const gw_presence_set *m) {
  gw_head head = {.type = GW_FRAME_PRESENCE_SET,
                  .flags = GW_FLAG_ALIAS,
                  .request = ++p->last_request,
                  .channel = 1};
  PEER_SEND(p, presence_set, &head, m);
  (void)peer_await(p, GW_FRAME_OK);
}

static void set_state(peer *p, const char *state) {
  set(p, &(gw_presence_set){.state = gw_view_of(state)});
}

static void expect(peer *p, uint32_t kind, const char *state) {
  gw_presence_diff d;
  gw_presence_change c;
  gw_view item;
  gw_frame f = peer_expect(p, GW_FRAME_PRESENCE_DIFF);
  assert_int_equal(gw_decode_presence_diff(f.body, &d), 0);
  assert_int_equal(d.changes.num, 1);
  assert_true(gw_list_next(&d.changes, &item));
  assert_int_equal(gw_decode_presence_change(item, &c), 0);
  assert_int_equal(c.kind, kind);
  if (!gw_view_eq(c.member.state, gw_view_of(state)))
    fail_msg("%.*s, not %s", (int)c.member.state.len,
             (const char *)c.member.state.data, state);
}

static void pass(uint64_t ms) {
  hubs_pass(&node, ms);
}

#define GATHERED (GW_PRESENCE_COALESCE_MS + 1)

static void test_who_does_nothing_is_away_then_gone(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set_state(p, "online");
  pass(GATHERED);
  expect(w, GW_PRESENCE_ENTER, "online");
  pass(5 * MINUTE_MS - 2 * GATHERED);
  peer_expect_nothing(w);
  pass(3 * GATHERED);
  expect(w, GW_PRESENCE_UPDATE, "away");
  pass(24 * MINUTE_MS);
  peer_expect_nothing(w);
  pass(MINUTE_MS + GATHERED);
  expect(w, GW_PRESENCE_LEAVE, "");
  assert_int_equal(HUBS_STAT(&node, members), 0);
  assert_int_equal(HUBS_STAT(&node, transitions_total), 2);
  pass(120 * MINUTE_MS);
  peer_expect_nothing(w);
}

static void test_an_act_puts_it_off(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set_state(p, "");
  pass(GATHERED);
  expect(w, GW_PRESENCE_ENTER, "");
  for (unsigned i = 0; i < 4; i++) {
    pass(4 * MINUTE_MS);
    if (i == 0) (void)peer_publish(p, "room:else", "x", 1, 0);
    if (i == 1) (void)peer_call(p, 0, "nothing");
    if (i == 2) set_state(p, "");
    if (i == 3) peer_send_empty(p, GW_FRAME_PING, 0); /* is no act */
    hubs_settle(&node);
    peer_expect_nothing(w);
  }
  pass(MINUTE_MS + GATHERED);
  expect(w, GW_PRESENCE_UPDATE, "away");
}

static void test_an_act_brings_it_back(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set(p, &(gw_presence_set){.state = gw_view_of("online"),
                            .json = gw_view_of("{\"a\":1}")});
  pass(6 * MINUTE_MS);
  expect(w, GW_PRESENCE_ENTER, "online");
  expect(w, GW_PRESENCE_UPDATE, "away");
  (void)peer_publish(p, "room:else", "x", 1, 0);
  pass(GATHERED);
  expect(w, GW_PRESENCE_UPDATE, "online");
  pass(6 * MINUTE_MS); /* and it begins anew */
  expect(w, GW_PRESENCE_UPDATE, "away");
  pass(30 * MINUTE_MS);
  expect(w, GW_PRESENCE_LEAVE, "");
  (void)peer_publish(p, "room:else", "x", 2, 0);
  pass(GATHERED);
  expect(w, GW_PRESENCE_ENTER, "online");
  assert_int_equal(HUBS_STAT(&node, members), 1);
}

static void test_a_state_without_a_transition_stays(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set_state(p, "busy");
  pass(600 * MINUTE_MS);
  expect(w, GW_PRESENCE_ENTER, "busy");
  peer_expect_nothing(w);
}

static void test_a_state_that_is_set_counts(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set_state(p, "online");
  pass(4 * MINUTE_MS);
  set_state(p, "away");
  pass(GATHERED);
  expect(w, GW_PRESENCE_ENTER, "online");
  expect(w, GW_PRESENCE_UPDATE, "away");
  pass(29 * MINUTE_MS);
  peer_expect_nothing(w);
  /* What the client said itself is not left by an act. */
  (void)peer_publish(p, "room:else", "x", 1, 0);
  pass(GATHERED);
  peer_expect_nothing(w);
}

/** A client that comes back tells how long its user has been away. */
static void test_coming_back_is_no_act(void **state) {
  (void)state;
  node.spaces[1].presence_grace_ms = 60000;
  peer *w = watcher(), *p = member(2);
  set_state(p, "online");
  pass(6 * MINUTE_MS);
  expect(w, GW_PRESENCE_ENTER, "online");
  expect(w, GW_PRESENCE_UPDATE, "away");
  peer_drop(p, 1006);
  pass(1000);
  p = member(2);
  set(p, &(gw_presence_set){.state = gw_view_of("online"),
                            .idle_ms = 6 * MINUTE_MS + 1000});
  pass(GATHERED);
  peer_expect_nothing(w); /* away as before */
  pass(24 * MINUTE_MS);
  expect(w, GW_PRESENCE_LEAVE, "");
}

static void test_the_next_transition_is_counted_from_the_act(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set(p, &(gw_presence_set){.idle_ms = 40 * MINUTE_MS});
  pass(GATHERED);
  peer_expect_nothing(w); /* came and went in one */
  set(p, &(gw_presence_set){.idle_ms = 10 * MINUTE_MS});
  pass(GATHERED);
  expect(w, GW_PRESENCE_ENTER, "away");
}

static void test_one_that_left_by_time_is_lost_without_a_word(void **state) {
  (void)state;
  node.spaces[1].idle_ms = 100;
  peer *p = member(2);
  set_state(p, "online");
  pass(40 * MINUTE_MS);
  assert_int_equal(HUBS_STAT(&node, members), 0);
  peer_drop(p, 1006);
  pass(2 * MINUTE_MS);
  assert_int_equal(HUBS_STAT(&node, channels), 0); /* nothing holds it */
}

static void test_a_merge_keeps_state_and_its_transition(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set_state(p, "busy");
  set(p, &(gw_presence_set){.json = gw_view_of("{\"a\":1}"), .merge = true});
  pass(60 * MINUTE_MS);
  expect(w, GW_PRESENCE_ENTER, "busy");
  peer_expect_nothing(w);
}

static void test_leaving_ends_it(void **state) {
  (void)state;
  peer *w = watcher(), *p = member(2);
  set_state(p, "online");
  pass(6 * MINUTE_MS);
  (void)peer_send_empty(p, GW_FRAME_PRESENCE_LEAVE, 1);
  pass(GATHERED);
  expect(w, GW_PRESENCE_ENTER, "online");
  expect(w, GW_PRESENCE_UPDATE, "away");
  expect(w, GW_PRESENCE_LEAVE, "");
  (void)peer_publish(p, "room:else", "x", 1, 0);
  pass(60 * MINUTE_MS);
  peer_expect_nothing(w);
}

/** A circle is refused by the configuration; should one come, it does no harm. */
static void test_a_circle_does_not_hang(void **state) {
  (void)state;
  node.spaces[1].presence_transitions.num = 1;
  add("away", 5 * MINUTE_MS, "online");
  peer *p = member(2);
  set_state(p, "online");
  pass(20 * MINUTE_MS);
  assert_true(HUBS_STAT(&node, transitions_total) > 0);
}

#define BOTH(test)                                        \
  {#test " (owned)", test, start_owned, stop, NULL}, {    \
#test " (followed)", test, start_followed, stop, NULL \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_who_does_nothing_is_away_then_gone),
      BOTH(test_an_act_puts_it_off),
      BOTH(test_an_act_brings_it_back),
      BOTH(test_a_state_without_a_transition_stays),
      BOTH(test_a_state_that_is_set_counts),
      BOTH(test_coming_back_is_no_act),
      BOTH(test_the_next_transition_is_counted_from_the_act),
      BOTH(test_one_that_left_by_time_is_lost_without_a_word),
      BOTH(test_a_merge_keeps_state_and_its_transition),
      BOTH(test_leaving_ends_it),
      BOTH(test_a_circle_does_not_hang),
  };
  return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
