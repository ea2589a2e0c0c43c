/* SPDX-License-Identifier: MIT */
/* channel_life_test.c - what is known about a channel, how long there is one, and
 * what is told of that. */
#include <stdio.h>

#include "support/api_rig.h"
#include "support/stream_text.h"

static hubs node;
static gw_namespace spaces[3]; /* "$events", "tmp", the rest */

static int start(uint32_t num) {
  hubs_init(&node, num);
  spaces[0] = spaces[1] = spaces[2] = node.spaces[1];
  spaces[0].name = "$events";
  spaces[1].name = "tmp";
  spaces[1].events = true;
  node.settings.namespaces = spaces;
  node.settings.num_namespaces = 3;
  return 0;
}

static int start_one(void **state) {
  (void)state;
  return start(1);
}

static int start_three(void **state) {
  (void)state;
  return start(3);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static peer *join(unsigned who) {
  return peer_join(&node, who % node.num, who);
}

static peer *subscribe(unsigned who, const char *channel) {
  peer *p = join(who);
  peer_subscribe(p, 1, channel);
  (void)peer_subscribed(p);
  return p;
}

static void publish(peer *p, const char *channel, const char *meta) {
  gw_publish m = {.channel = gw_view_of(channel),
                  .data = gw_view_of("x"),
                  .meta = gw_view_of(meta)};
  peer_publish_with(p, &m);
}

/* ---- metadata -------------------------------------------------------------- */

static void test_metadata_are_told_at_once_and_when_they_change(void **state) {
  (void)state;
  hubs_start(&node);
  peer *a = subscribe(1, "room"), *b = subscribe(2, "room");
  api_ask(&node, 0, "channel_set",
          "{\"channel\":\"room\",\"meta\":{\"topic\":\"birds\"}}");
  assert_int_equal(api_told.code, GW_CODE_OK);
  expect_stream(a, "M{\"topic\":\"birds\"} ");
  expect_stream(b, "M{\"topic\":\"birds\"} ");
  peer *c = join(3);
  peer_subscribe(c, 1, "room");
  gw_subscribed m = peer_subscribed(c);
  assert_true(gw_view_eq(m.meta, gw_view_of("{\"topic\":\"birds\"}")));
  api_ask(&node, node.num - 1, "channel_set", "{\"channel\":\"room\"}");
  expect_stream(a, "M ");
  expect_stream(c, "M ");
  api_ask(&node, 0, "channel_get", "{\"channel\":\"room\"}");
  api_assert_json("\"subscribers\":3");
  assert_null(strstr(api_told.json, "meta"));
}

static void test_the_same_metadata_are_told_once(void **state) {
  (void)state;
  hubs_start(&node);
  peer *a = subscribe(1, "room");
  for (int i = 0; i < 3; i++)
    api_ask(&node, 0, "channel_set", "{\"channel\":\"room\",\"meta\":[1]}");
  expect_stream(a, "M[1] ");
}

static void test_the_first_publisher_may_say_what_it_is(void **state) {
  (void)state;
  spaces[2].allow[GW_ACTION_CHANNEL].who = GW_WHO_ANYONE;
  hubs_start(&node);
  peer *a = join(1);
  publish(a, "room", "{\"by\":1}");
  peer_published(a);
  publish(a, "room", "{\"by\":2}");
  peer_published(a);
  api_ask(&node, 0, "channel_get", "{\"channel\":\"room\"}");
  api_assert_json("\"meta\":{\"by\":1}");
}

static void test_who_may_not_say_it_is_refused(void **state) {
  (void)state;
  hubs_start(&node);
  peer *a = join(1);
  publish(a, "room", "{}");
  gw_error e;
  gw_frame f = peer_expect(a, GW_FRAME_ERROR);
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_int_equal(e.code, GW_CODE_PERMISSION_DENIED);
  publish(a, "room", "");
  assert_int_equal(peer_published(a).offset, 1);
}

static void test_metadata_have_to_be_json(void **state) {
  (void)state;
  spaces[2].allow[GW_ACTION_CHANNEL].who = GW_WHO_ANYONE;
  hubs_start(&node);
  peer *a = join(1);
  gw_error e;
  publish(a, "room", "{no");
  gw_frame f = peer_expect(a, GW_FRAME_ERROR);
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_int_equal(e.code, GW_CODE_BAD_REQUEST);
  assert_true(gw_view_eq(e.field, gw_view_of("meta")));
}

static void test_slow_reader_is_told_the_last(void **state) {
  (void)state;
  hubs_start(&node);
  peer *a = join(1), *w = join(2);
  gw_subscribe how = {.channel = gw_view_of("room"),
                      .overflow = GW_OVERFLOW_SAMPLE};
  peer_subscribe_with(a, 1, &how);
  (void)peer_subscribed(a);
  a->is_stalled = true;
  char big[4001];
  memset(big, 'x', sizeof big - 1);
  big[sizeof big - 1] = 0;
  for (unsigned sent = 0; sent < GW_MAX_QUEUE_BYTES; sent += 4000)
    peer_publish(w, "room", big, 0, 0);
  char json[3200];
  for (int i = 1; i <= 9; i++) {
    (void)snprintf(json, sizeof json,
                   "{\"channel\":\"room\",\"meta\":\"%d%.2900s\"}", i, big);
    api_ask(&node, 0, "channel_set", json);
  }
  a->is_stalled = false;
  hubs_settle(&node);
  unsigned num = 0;
  uint8_t last = 0;
  for (gw_frame f; peer_next(a, &f);) {
    gw_channel_meta m;
    if (f.head.type != GW_FRAME_CHANNEL_META) continue;
    assert_int_equal(gw_decode_channel_meta(f.body, &m), 0);
    last = m.meta.data[1];
    num++;
  }
  assert_int_equal(last, '9');
  assert_true(num < 9);
}

/** Take some of what waits for one whose socket takes nothing else. */
static void read_a_little(peer *p, size_t bytes) {
  gw_buf *bufs[8];
  for (size_t num; bytes != 0;) {
    num = gw_session_take(p->session, bufs, 8, 8000);
    assert_true(num != 0);
    for (size_t i = 0; i < num; i++) {
      bytes -= bufs[i]->len < bytes ? bufs[i]->len : bytes;
      gw_buf_unref(bufs[i]);
    }
  }
}

/** One who is due metadata when it reads, and reads a little, is told newer ones at
 * once: nothing is left to be drawn then. */
static void test_newer_metadata_overtake_those_that_are_due(void **state) {
  (void)state;
  hubs_start(&node);
  peer *a = subscribe(1, "room"), *w = join(2);
  char big[4001];
  memset(big, 'x', sizeof big - 1);
  big[sizeof big - 1] = 0;
  a->is_stalled = true;
  for (unsigned sent = 0; sent < GW_MAX_QUEUE_BYTES * 3 / 4; sent += 4000)
    peer_publish(w, "room", big, 0, 0);
  api_ask(&node, 0, "channel_set", "{\"channel\":\"room\",\"meta\":1}");
  read_a_little(a, GW_MAX_QUEUE_BYTES / 2);
  api_ask(&node, 0, "channel_set", "{\"channel\":\"room\",\"meta\":2}");
  peer_read_again(a);
  hubs_settle(&node);
  unsigned num = 0;
  for (gw_frame f; peer_next(a, &f);) {
    gw_channel_meta m;
    if (f.head.type != GW_FRAME_CHANNEL_META) continue;
    assert_int_equal(gw_decode_channel_meta(f.body, &m), 0);
    assert_true(gw_view_eq(m.meta, gw_view_of("2")));
    num++;
  }
  assert_int_equal(num, 1);
}

/* ---- about subscriptions ---------------------------------------------------- */

static void test_subscribers_are_listed_with_their_metadata(void **state) {
  (void)state;
  hubs_start(&node);
  for (unsigned who = 1; who <= 3; who++) {
    peer *p = join(who);
    gw_subscribe m = {.channel = gw_view_of("room")};
    if (who == 2) m.meta = gw_view_of("{\"tab\":7}");
    peer_subscribe_with(p, 1, &m);
  }
  api_ask(&node, 0, "subscribers", "{\"channel\":\"room\"}");
  api_assert_json("\"user\":\"user1\"");
  api_assert_json("\"user\":\"user2\",\"meta\":{\"tab\":7}");
  api_assert_json("\"user\":\"user3\"");
  api_ask(&node, 0, "subscribers", "{\"channel\":\"room\",\"limit\":1}");
  assert_null(strstr(strstr(api_told.json, "connection") + 1, "connection"));
  api_ask(&node, 0, "is_subscribed",
          "{\"channel\":\"room\",\"user\":\"user2\"}");
  api_assert_json("\"subscribed\":true");
  api_ask(&node, 0, "is_subscribed",
          "{\"channel\":\"room\",\"user\":\"user9\"}");
  assert_string_equal(api_told.json, "{}");
  api_ask(&node, 0, "is_subscribed",
          "{\"channel\":\"nowhere\",\"user\":\"user2\"}");
  assert_string_equal(api_told.json, "{}");
  api_ask(&node, 0, "is_subscribed", "{\"channel\":\"room\"}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
}

static void test_subscriptions_of_a_connection_are_listed(void **state) {
  (void)state;
  hubs_start(&node);
  peer *p = subscribe(1, "room");
  peer_subscribe(p, 2, "other");
  char json[96];
  (void)snprintf(json, sizeof json, "{\"connection\":\"%llu\"}",
                 (unsigned long long)p->connection);
  api_ask(&node, 0, "subscriptions", json);
  api_assert_json("\"channel\":\"room\"");
  api_assert_json("\"channel\":\"other\"");
}

/* ---- maps and histories over the API ---------------------------------------- */

static void test_items_of_a_map_by_page_and_by_name(void **state) {
  (void)state;
  spaces[2].history_mode = GW_HISTORY_MAP;
  hubs_start(&node);
  peer *w = join(1);
  static const char *const items[] = {"a", "b", "c"};
  for (int i = 0; i < 3; i++) {
    gw_publish m = {.channel = gw_view_of("map"),
                    .json = gw_view_of("1"),
                    .item = gw_view_of(items[i])};
    peer_publish_with(w, &m);
  }
  gw_publish gone = {
      .channel = gw_view_of("map"), .item = gw_view_of("b"), .removed = true};
  peer_publish_with(w, &gone);
  api_ask(&node, 0, "map_get", "{\"channel\":\"map\",\"limit\":1}");
  api_assert_json("\"item\":\"a\"");
  assert_null(strstr(api_told.json, "\"item\":\"c\""));
  api_ask(&node, 0, "map_get", "{\"channel\":\"map\",\"after\":\"1\"}");
  api_assert_json("\"item\":\"c\"");
  assert_null(strstr(api_told.json, "\"item\":\"b\""));
  api_ask(&node, 0, "map_get",
          "{\"channel\":\"map\",\"items\":[\"b\",\"a\",\"x\"]}");
  api_assert_json("\"item\":\"a\"");
  assert_null(strstr(api_told.json, "\"item\":\"c\""));
  api_assert_json("\"offset\":\"4\"");
}

static void test_history_from_a_time_and_by_tags(void **state) {
  (void)state;
  hubs_start(&node);
  api_ask(&node, 0, "publish",
          "{\"channel\":\"room\",\"json\":1,\"tags\":[{\"name\":\"a\","
          "\"value\":\"1\"}]}");
  hubs_pass(&node, 5000);
  api_ask(&node, 0, "publish", "{\"channel\":\"room\",\"json\":2}");
  api_ask(&node, 0, "history",
          "{\"channel\":\"room\",\"filter\":[{\"op\":7,\"tag\":\"a\"}]}");
  api_assert_json("\"offset\":\"1\",\"json\":1");
  assert_null(strstr(api_told.json, "\"json\":2"));
  const char *at = strstr(api_told.json, "\"timeMs\":\"");
  assert_non_null(at);
  unsigned long long first = 0;
  assert_int_equal(sscanf(at, "\"timeMs\":\"%llu", &first), 1);
  char json[96];
  (void)snprintf(json, sizeof json,
                 "{\"channel\":\"room\",\"sinceTimeMs\":\"%llu\"}", first + 1);
  api_ask(&node, 0, "history", json);
  api_assert_json("\"json\":2");
  assert_null(strstr(api_told.json, "\"json\":1,"));
  api_ask(&node, 0, "history",
          "{\"channel\":\"room\",\"filter\":[{\"op\":1}]}");
  assert_int_equal(api_told.code, GW_CODE_BAD_REQUEST);
}

/* ---- the end of channels ---------------------------------------------------- */

static bool is_there(const char *channel) {
  char json[64];
  (void)snprintf(json, sizeof json, "{\"channel\":\"%s\"}", channel);
  api_ask(&node, 0, "channel_get", json);
  return strcmp(api_told.json, "{}") != 0;
}

static void test_a_channel_ends_after_its_lifetime(void **state) {
  (void)state;
  spaces[1].lifetime_ms = 20000;
  hubs_start(&node);
  peer *a = subscribe(1, "tmp:x"), *b = subscribe(2, "tmp:x");
  publish(a, "tmp:x", "");
  hubs_pass(&node, 19000);
  peer_forget(a);
  peer_forget(b);
  hubs_pass(&node, 3000);
  expect_stream(a, "U531 ");
  expect_stream(b, "U531 ");
  assert_false(is_there("tmp:x"));
  peer_subscribe(b, 2, "tmp:x");
  assert_int_equal(peer_subscribed(b).offset, 0);
}

static void test_a_channel_ends_with_its_last_subscriber(void **state) {
  (void)state;
  spaces[1].ends_with_last = true;
  spaces[1].idle_ms = 1000;
  hubs_start(&node);
  peer *a = subscribe(1, "tmp:x"), *b = subscribe(2, "tmp:x");
  publish(a, "tmp:x", "");
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  hubs_pass(&node, 20000);
  assert_true(is_there("tmp:x"));
  peer_send_empty(b, GW_FRAME_UNSUBSCRIBE, 1);
  hubs_pass(&node, 20000);
  assert_false(is_there("tmp:x"));
}

/* ---- events ------------------------------------------------------------------ */

static unsigned told[GW_CHANNEL_DESTROYED + 1];

static void on_channel(void *user, const gw_notice *n) {
  (void)user;
  assert_int_equal(n->kind, GW_NOTICE_CHANNEL);
  told[n->event]++;
}

static void test_what_happens_is_told_and_published(void **state) {
  (void)state;
  memset(told, 0, sizeof told);
  spaces[1].idle_ms = 1000;
  hubs_start(&node);
  for (uint32_t i = 0; i < node.num; i++)
    gw_hub_set_on_channel(node.hub[i], on_channel, NULL);
  peer *watcher = subscribe(9, "$events:channels");
  peer *a = subscribe(1, "tmp:x");
  hubs_settle(&node);
  assert_int_equal(told[GW_CHANNEL_CREATED], 1);
  assert_int_equal(told[GW_CHANNEL_SUBSCRIBED], 1);
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  hubs_pass(&node, 20000);
  assert_int_equal(told[GW_CHANNEL_UNSUBSCRIBED], 1);
  assert_int_equal(told[GW_CHANNEL_DESTROYED], 1);
  static const char *const events[] = {"created", "subscribed", "unsubscribed",
                                       "destroyed"};
  unsigned seen = 0;
  for (int i = 0; i < 4; i++) {
    gw_publication m = peer_publication(watcher);
    assert_true(gw_view_eq(m.item, gw_view_of("tmp:x")));
    for (unsigned e = 0; e < 4; e++) {
      char want[32];
      (void)snprintf(want, sizeof want, "{\"event\":\"%s\",", events[e]);
      if (m.json.len > strlen(want) &&
          memcmp(m.json.data, want, strlen(want)) == 0)
        seen |= 1u << e;
    }
  }
  assert_int_equal(seen, 15);
  /* The channel of events is no news itself. */
  subscribe(8, "$events:channels");
  peer_expect_nothing(watcher);
}

static void test_clients_do_not_publish_to_the_server_s_channels(void **state) {
  (void)state;
  hubs_start(&node);
  peer *a = join(1);
  publish(a, "$events:channels", "");
  assert_int_equal(peer_error(a, a->last_request), GW_CODE_PERMISSION_DENIED);
}

#define BOTH(test)                                        \
  cmocka_unit_test_setup_teardown(test, start_one, stop), \
      cmocka_unit_test_setup_teardown(test, start_three, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_metadata_are_told_at_once_and_when_they_change),
      BOTH(test_the_same_metadata_are_told_once),
      BOTH(test_the_first_publisher_may_say_what_it_is),
      BOTH(test_who_may_not_say_it_is_refused),
      BOTH(test_metadata_have_to_be_json),
      BOTH(test_slow_reader_is_told_the_last),
      BOTH(test_newer_metadata_overtake_those_that_are_due),
      BOTH(test_subscribers_are_listed_with_their_metadata),
      BOTH(test_subscriptions_of_a_connection_are_listed),
      BOTH(test_items_of_a_map_by_page_and_by_name),
      BOTH(test_history_from_a_time_and_by_tags),
      BOTH(test_a_channel_ends_after_its_lifetime),
      BOTH(test_a_channel_ends_with_its_last_subscriber),
      BOTH(test_what_happens_is_told_and_published),
      BOTH(test_clients_do_not_publish_to_the_server_s_channels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
