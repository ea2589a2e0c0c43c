/* SPDX-License-Identifier: MIT */
/* event_test.c - named events: patterns of names, handlers, and the owner that
 * tells them. */
#include <stdio.h>

#include "support/state_rig.h"

#include "server/core/event.h"
#include "server/net/events.h"

/* ---- patterns -------------------------------------------------------------- */

static bool matches(const char *pattern, const char *name) {
  assert_true(gw_event_is_good_pattern(gw_view_of(pattern)));
  return gw_event_matches(gw_view_of(pattern), gw_view_of(name));
}

static void test_patterns_match_by_parts(void **state) {
  (void)state;
  assert_true(matches("order.paid", "order.paid"));
  assert_false(matches("order.paid", "order.paid.now"));
  assert_false(matches("order.paid", "order"));
  assert_true(matches("order.*", "order.paid"));
  assert_false(matches("order.*", "order"));
  assert_false(matches("order.*", "order.paid.now"));
  assert_true(matches("order.>", "order.paid.now"));
  assert_false(matches("order.>", "order"));
  assert_true(matches("*.paid", "order.paid"));
  assert_true(matches(">", "order"));
  assert_true(matches("*", "order"));
  assert_false(matches("*", "order.paid"));
  assert_false(matches("orde", "order"));
}

static void test_the_servers_own_names_are_asked_for_by_name(void **state) {
  (void)state;
  assert_false(matches(">", "$channel.created"));
  assert_false(matches("*.created", "$channel.created"));
  assert_true(matches("$channel.*", "$channel.created"));
  assert_true(matches("$channel.>", "$channel.created"));
}

static void test_bad_patterns(void **state) {
  (void)state;
  static const char *const bad[] = {"",     ".",   "a.",   ".a",
                                    "a..b", ">.a", "a.>.b"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_false(gw_event_is_good_pattern(gw_view_of(bad[i])));
    gw_event_handlers e = {NULL, 0};
    assert_int_equal(gw_events_add(&e, bad[i], NULL, NULL), GW_ERR_INVALID);
    gw_events_deinit(&e);
  }
}

/* ---- handlers -------------------------------------------------------------- */

static char told[512];

static void note(const char *who, const gw_server_event *e) {
  size_t len = strlen(told);
  (void)snprintf(told + len, sizeof told - len, "%s:%.*s ", who,
                 (int)e->name.len, (const char *)e->name.data);
}

static bool go_on(void *user, const gw_server_event *e) {
  note(user, e);
  return true;
}

static bool stop_it(void *user, const gw_server_event *e) {
  note(user, e);
  return false;
}

static void expect_told(const char *text) {
  assert_string_equal(told, text);
  told[0] = '\0';
}

static void test_handlers_are_told_in_order_until_one_stops(void **state) {
  (void)state;
  gw_event_handlers e = {NULL, 0};
  told[0] = '\0';
  assert_int_equal(gw_events_add(&e, "a.*", go_on, "1"), 0);
  assert_int_equal(gw_events_add(&e, "a.x", stop_it, "2"), 0);
  assert_int_equal(gw_events_add(&e, ">", go_on, "3"), 0);
  static const char *const names[] = {"a.y", "a.x", "b"};
  for (size_t i = 0; i < 3; i++) {
    gw_server_event event = {.name = gw_view_of(names[i])};
    gw_events_tell(&e, &event);
  }
  expect_told("1:a.y 3:a.y 1:a.x 2:a.x 3:b ");
  gw_events_deinit(&e);
}

static void test_news_have_names(void **state) {
  (void)state;
  gw_event_handlers e = {NULL, 0};
  told[0] = '\0';
  assert_int_equal(gw_events_add(&e, "$channel.>", go_on, "c"), 0);
  assert_int_equal(gw_events_add(&e, "$connection.idle", go_on, "i"), 0);
  gw_notice n = {.kind = GW_NOTICE_CHANNEL, .event = GW_CHANNEL_SUBSCRIBED};
  gw_events_tell_notice(&e, &n);
  n = (gw_notice){.kind = GW_NOTICE_CONNECTION,
                  .from = GW_CONN_CONNECTED,
                  .to = GW_CONN_IDLE};
  gw_events_tell_notice(&e, &n);
  n.to = GW_CONN_ERROR;
  gw_events_tell_notice(&e, &n);
  expect_told("c:$channel.subscribed i:$connection.idle ");
  gw_events_deinit(&e);
}

/* ---- the owner ------------------------------------------------------------- */

static hubs node;
static gw_namespace spaces[2];

static void on_event(void *user, gw_view name, gw_view channel, uint64_t epoch,
                     const gw_publication *p) {
  size_t len = strlen(told);
  (void)snprintf(told + len, sizeof told - len, "%s%.*s %.*s %u ",
                 epoch != 0 ? "" : "!", (int)name.len, (const char *)name.data,
                 (int)channel.len, (const char *)channel.data,
                 (unsigned)p->offset);
  assert_int_equal((uintptr_t)user, hubs_owner(&node, "room"));
}

/** Publish with one tag. */
static void publish(peer *p, const char *channel, const char *tag,
                    const char *value) {
  uint8_t space[128];
  gw_out out = {space, 0, sizeof space};
  gw_publish m = {.channel = gw_view_of(channel), .json = gw_view_of("1")};
  gw_tag one = {gw_view_of(tag), gw_view_of(value)};
  assert_int_equal(gw_list_add(&out, &m.tags, GW_MESSAGE_tag, &one), 0);
  peer_publish_with(p, &m);
  peer_published(p);
}

static void test_the_owner_tells_events_once(void **state) {
  (void)state;
  told[0] = '\0';
  state_init(&node, spaces, 3);
  hubs_start(&node);
  for (uint32_t i = 0; i < 3; i++)
    gw_hub_set_on_event(node.hub[i], on_event, (void *)(uintptr_t)i);
  for (uint32_t worker = 0; worker < 3; worker++) {
    peer *p = peer_join(&node, worker, 1 + worker);
    peer_subscribe(p, 1, "room");
    peer_subscribed(p);
  }
  for (uint32_t worker = 0; worker < 3; worker++) {
    peer *p = peer_join(&node, worker, 10 + worker);
    publish(p, "room", "event", "moved");
    publish(p, "room", "events", "moved");
    publish(p, "room", "event", "$own");
  }
  expect_told("moved room 1 moved room 4 moved room 7 ");
  hubs_stop(&node);
}

/* ---- main ------------------------------------------------------------------ */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_patterns_match_by_parts),
      cmocka_unit_test(test_the_servers_own_names_are_asked_for_by_name),
      cmocka_unit_test(test_bad_patterns),
      cmocka_unit_test(test_handlers_are_told_in_order_until_one_stops),
      cmocka_unit_test(test_news_have_names),
      cmocka_unit_test(test_the_owner_tells_events_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
