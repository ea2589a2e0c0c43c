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
    assert_int_equal(gw_events_add(&e, bad[i], NULL, NULL, NULL),
                     GW_ERR_INVALID);
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
  assert_int_equal(gw_events_add(&e, "a.*", NULL, go_on, "1"), 0);
  assert_int_equal(gw_events_add(&e, "a.x", NULL, stop_it, "2"), 0);
  assert_int_equal(gw_events_add(&e, ">", NULL, go_on, "3"), 0);
  static const char *const names[] = {"a.y", "a.x", "b"};
  for (size_t i = 0; i < 3; i++) {
    gw_server_event event = {.name = gw_view_of(names[i])};
    gw_events_tell(&e, &event);
  }
  expect_told("1:a.y 3:a.y 1:a.x 2:a.x 3:b ");
  gw_events_deinit(&e);
}

static void test_an_event_goes_down_and_up_again(void **state) {
  (void)state;
  static const struct {
    gw_server_event_place place;
    const char *who;
  } handlers[] = {
      {{NULL, NULL, false}, "all"},         {{"chat", NULL, false}, "space"},
      {{NULL, "chat:1", false}, "channel"}, {{NULL, "chat:1", true}, "Channel"},
      {{"chat", NULL, true}, "Space"},      {{NULL, NULL, true}, "All"},
      {{NULL, "chat:2", false}, "other"},   {{"cha", NULL, true}, "other"}};
  gw_event_handlers e = {NULL, 0};
  told[0] = '\0';
  for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
    assert_int_equal(gw_events_add(&e, "m", &handlers[i].place, go_on,
                                   (void *)(uintptr_t)handlers[i].who),
                     0);
  gw_server_event event = {.name = gw_view_of("m"),
                           .channel = gw_view_of("chat:1")};
  gw_events_tell(&e, &event);
  expect_told("All:m Space:m Channel:m channel:m space:m all:m ");
  gw_server_event_place first = {.space = "chat", .capture = true};
  assert_int_equal(gw_events_add(&e, "m", &first, stop_it, "stop"), 0);
  gw_events_tell(&e, &event);
  expect_told("All:m Space:m stop:m ");
  event.channel = (gw_view){NULL, 0};
  gw_events_tell(&e, &event);
  expect_told("All:m all:m ");
  gw_events_deinit(&e);
}

static void test_news_have_names(void **state) {
  (void)state;
  gw_event_handlers e = {NULL, 0};
  told[0] = '\0';
  assert_int_equal(gw_events_add(&e, "$channel.>", NULL, go_on, "c"), 0);
  assert_int_equal(gw_events_add(&e, "$connection.idle", NULL, go_on, "i"), 0);
  gw_notice n = {.kind = GW_NOTICE_CHANNEL, .event = GW_CHANNEL_SUBSCRIBED};
  gw_events_tell_notice(&e, &n);
  n = (gw_notice){.kind = GW_NOTICE_CONNECTION,
                  .from = GW_CONN_CONNECTED,
                  .to = GW_CONN_IDLE};
  gw_events_tell_notice(&e, &n);
  n.to = GW_CONN_ERROR;
  gw_events_tell_notice(&e, &n);
  n = (gw_notice){.kind = GW_NOTICE_PRESENCE, .change = GW_PRESENCE_LEAVE};
  gw_events_tell_notice(&e, &n);
  expect_told("c:$channel.subscribed i:$connection.idle ");
  gw_events_deinit(&e);
}

static bool takes_presence(void *user, const gw_server_event *e) {
  (void)user;
  size_t len = strlen(told);
  (void)snprintf(told + len, sizeof told - len, "%.*s %.*s %.*s%s%s ",
                 (int)e->name.len, (const char *)e->name.data,
                 (int)e->state.len, (const char *)e->state.data,
                 (int)e->json.len, (const char *)e->json.data,
                 e->first ? " first" : "", e->last ? " last" : "");
  return true;
}

static void test_presence_is_told_to_who_asks_for_it(void **state) {
  (void)state;
  gw_event_handlers e = {NULL, 0};
  told[0] = '\0';
  assert_int_equal(gw_events_add(&e, ">", NULL, go_on, "all"), 0);
  assert_int_equal(gw_events_add(&e, "$connection.>", NULL, go_on, "c"), 0);
  assert_false(gw_events_want_presence(&e));
  assert_int_equal(
      gw_events_add(&e, "$presence.leave", NULL, takes_presence, NULL), 0);
  assert_true(gw_events_want_presence(&e));
  gw_notice n = {
      .kind = GW_NOTICE_PRESENCE,
      .change = GW_PRESENCE_ENTER,
      .first = true,
      .member = {.state = gw_view_of("busy"), .json = gw_view_of("7")}};
  gw_events_tell_notice(&e, &n);
  n.change = GW_PRESENCE_LEAVE;
  n.first = false;
  n.last = true;
  gw_events_tell_notice(&e, &n);
  expect_told("$presence.leave busy 7 last ");
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
      cmocka_unit_test(test_an_event_goes_down_and_up_again),
      cmocka_unit_test(test_news_have_names),
      cmocka_unit_test(test_presence_is_told_to_who_asks_for_it),
      cmocka_unit_test(test_the_owner_tells_events_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
