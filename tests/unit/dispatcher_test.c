/* SPDX-License-Identifier: MIT */
/* dispatcher_test.c - the way of named events through the handlers of a host. */
#include "godwit/dispatcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/rig.h"

static rig r;
static gw_dispatcher *d;
static char told[1024];

static int start(void **state) {
  (void)state;
  rig_init(&r, NULL);
  d = gw_dispatcher_new(NULL);
  told[0] = '\0';
  return d != NULL ? 0 : -1;
}

static int stop(void **state) {
  (void)state;
  gw_dispatcher_free(d);
  rig_deinit(&r);
  return 0;
}

static void expect_told(const char *text) {
  assert_string_equal(told, text);
  told[0] = '\0';
}

/* ---- handlers -------------------------------------------------------------- */

static void note(const char *who, const gw_named_event *e) {
  size_t len = strlen(told);
  (void)snprintf(told + len, sizeof told - len, "%s:%.*s@%.*s ", who,
                 (int)e->name.len, (const char *)e->name.data,
                 (int)e->channel.len, (const char *)e->channel.data);
}

static enum gw_event_flow go_on(void *user, const gw_named_event *e) {
  note(user, e);
  return GW_EVENT_GO_ON;
}

static enum gw_event_flow stop_it(void *user, const gw_named_event *e) {
  note(user, e);
  return GW_EVENT_STOP;
}

static enum gw_event_flow stop_now(void *user, const gw_named_event *e) {
  note(user, e);
  return GW_EVENT_STOP_NOW;
}

static uint32_t on(const char *pattern, gw_handler_place place,
                   gw_on_named_event handler, const char *who) {
  int64_t id = gw_dispatcher_on(d, gw_view_of(pattern), &place, handler,
                                (void *)(uintptr_t)who);
  assert_true(id > 0);
  return (uint32_t)id;
}

static gw_handler_place everywhere(void) {
  return (gw_handler_place){.client = NULL};
}

static gw_handler_place client(void) {
  return (gw_handler_place){.client = r.c};
}

static gw_handler_place space(const char *name) {
  return (gw_handler_place){.client = r.c, .space = gw_view_of(name)};
}

static gw_handler_place channel(const char *name) {
  return (gw_handler_place){.client = r.c, .channel = gw_view_of(name)};
}

static gw_handler_place down(gw_handler_place p) {
  p.capture = true;
  return p;
}

/* ---- events ---------------------------------------------------------------- */

/** A publication with one tag comes to a subscription. */
static bool publish(uint32_t sub, const char *tag, const char *value) {
  uint8_t tags_space[128], body_space[256];
  gw_out tags = {tags_space, 0, sizeof tags_space};
  gw_out body = {body_space, 0, sizeof body_space};
  gw_publication p = {.offset = 1, .json = gw_view_of("1")};
  gw_tag one = {gw_view_of(tag), gw_view_of(value)};
  gw_head head = {.type = GW_FRAME_PUBLICATION};
  gw_frame f;
  assert_int_equal(gw_list_add(&tags, &p.tags, GW_MESSAGE_tag, &one), 0);
  assert_int_equal(gw_encode_publication(&body, &head, &p), 0);
  gw_view whole = {body.data, body.len};
  assert_true(gw_frame_parse(whole, UINT32_MAX, &f) > 0);
  gw_event e = {.type = GW_EVENT_PUBLICATION};
  e.u.publication.sub = sub;
  e.u.publication.num_tags = 1;
  e.u.publication.body = f.body;
  return gw_dispatcher_tell(d, r.c, &e);
}

static bool publish_event(uint32_t sub, const char *name) {
  return publish(sub, GW_EVENT_TAG, name);
}

/* ---- cases ----------------------------------------------------------------- */

static void test_an_event_goes_down_and_up_again(void **state) {
  (void)state;
  uint32_t sub = rig_sub(&r, "chat:1", NULL);
  on("m", everywhere(), go_on, "all");
  on("m", client(), go_on, "client");
  on("m", space("chat"), go_on, "space");
  on("m", channel("chat:1"), go_on, "channel");
  on("m", down(channel("chat:1")), go_on, "Channel");
  on("m", down(space("chat")), go_on, "Space");
  on("m", down(client()), go_on, "Client");
  on("m", down(everywhere()), go_on, "All");
  on("m", channel("chat:2"), go_on, "other");
  on("m", space("news"), go_on, "other");
  assert_true(publish_event(sub, "m"));
  expect_told("All:m@chat:1 Client:m@chat:1 Space:m@chat:1 Channel:m@chat:1 "
              "channel:m@chat:1 space:m@chat:1 client:m@chat:1 all:m@chat:1 ");
}

static void test_what_has_no_name_is_no_event(void **state) {
  (void)state;
  uint32_t sub = rig_sub(&r, "room", NULL);
  on(">", everywhere(), go_on, "all");
  on("$x", everywhere(), go_on, "own");
  assert_false(publish(sub, "other", "m"));
  assert_false(publish_event(sub, "$x"));
  gw_event plain = {.type = GW_EVENT_PUBLICATION};
  plain.u.publication.sub = sub;
  assert_false(gw_dispatcher_tell(d, r.c, &plain));
  gw_event rtt = {.type = GW_EVENT_RTT};
  assert_false(gw_dispatcher_tell(d, r.c, &rtt));
  expect_told("");
}

static void test_handlers_stop_an_event(void **state) {
  (void)state;
  uint32_t sub = rig_sub(&r, "chat:1", NULL);
  on("a", channel("chat:1"), stop_it, "1");
  on("a", channel("chat:1"), go_on, "2");
  on("a", client(), go_on, "3");
  on("b", channel("chat:1"), stop_now, "4");
  on("b", channel("chat:1"), go_on, "5");
  on("b", client(), go_on, "6");
  on("c", down(everywhere()), stop_it, "7");
  on("c", channel("chat:1"), go_on, "8");
  publish_event(sub, "a");
  expect_told("1:a@chat:1 2:a@chat:1 ");
  publish_event(sub, "b");
  expect_told("4:b@chat:1 ");
  publish_event(sub, "c");
  expect_told("7:c@chat:1 ");
}

static void test_the_clients_own_have_names(void **state) {
  (void)state;
  uint32_t sub = rig_sub(&r, "chat:1", NULL);
  on(">", everywhere(), go_on, "no");
  on("$connection.*", client(), go_on, "c");
  on("$subscription.>", channel("chat:1"), go_on, "s");
  on("$presence.*", space("chat"), go_on, "p");
  gw_event e = {.type = GW_EVENT_STATE};
  e.u.state.to = GW_STATE_READY;
  assert_true(gw_dispatcher_tell(d, r.c, &e));
  e = (gw_event){.type = GW_EVENT_SUB_STATE};
  e.u.sub.sub = sub;
  e.u.sub.channel = gw_view_of("chat:1");
  e.u.sub.to = GW_SUB_LIVE;
  assert_true(gw_dispatcher_tell(d, r.c, &e));
  e = (gw_event){.type = GW_EVENT_GAP};
  e.u.gap.sub = sub;
  assert_true(gw_dispatcher_tell(d, r.c, &e));
  e = (gw_event){.type = GW_EVENT_PRESENCE};
  e.u.presence.sub = sub;
  for (uint32_t kind = 0; kind <= GW_PRESENCE_LEAVE; kind++) {
    e.u.presence.kind = kind;
    assert_true(gw_dispatcher_tell(d, r.c, &e));
  }
  expect_told("c:$connection.ready@ s:$subscription.live@chat:1 "
              "s:$subscription.gap@chat:1 p:$presence.enter@chat:1 "
              "p:$presence.update@chat:1 p:$presence.leave@chat:1 ");
}

static void test_a_message_is_an_event_of_the_client(void **state) {
  (void)state;
  on("hi", client(), go_on, "client");
  on("hi", channel("room"), go_on, "room");
  on("$x", client(), go_on, "own");
  gw_event e = {.type = GW_EVENT_MESSAGE};
  assert_false(gw_dispatcher_tell(d, r.c, &e));
  e.u.message.event = gw_view_of("$x");
  assert_false(gw_dispatcher_tell(d, r.c, &e));
  e.u.message.event = gw_view_of("hi");
  assert_true(gw_dispatcher_tell(d, r.c, &e));
  expect_told("client:hi@ ");
}

static void test_a_pattern_of_channels_tells_which_one(void **state) {
  (void)state;
  uint32_t sub = rig_sub(&r, "stock:*", NULL);
  on("m", channel("stock:*"), go_on, "c");
  on("m", space("stock"), go_on, "s");
  uint8_t space_of_it[256];
  gw_out out = {space_of_it, 0, sizeof space_of_it};
  uint8_t tags_space[64];
  gw_out tags = {tags_space, 0, sizeof tags_space};
  gw_publication p = {.offset = 1};
  gw_tag one = {gw_view_of(GW_EVENT_TAG), gw_view_of("m")};
  gw_head head = {.type = GW_FRAME_PUBLICATION};
  gw_frame f;
  assert_int_equal(gw_list_add(&tags, &p.tags, GW_MESSAGE_tag, &one), 0);
  assert_int_equal(gw_encode_publication(&out, &head, &p), 0);
  assert_true(gw_frame_parse((gw_view){out.data, out.len}, UINT32_MAX, &f) > 0);
  gw_event e = {.type = GW_EVENT_PUBLICATION};
  e.u.publication.sub = sub;
  e.u.publication.num_tags = 1;
  e.u.publication.body = f.body;
  e.u.publication.channel = gw_view_of("stock:a");
  assert_true(gw_dispatcher_tell(d, r.c, &e));
  expect_told("c:m@stock:a s:m@stock:a ");
}

static enum gw_event_flow changes(void *user, const gw_named_event *e) {
  uint32_t *id = user;
  note("changes", e);
  assert_int_equal(gw_dispatcher_off(d, *id), 0);
  assert_int_equal(gw_dispatcher_off(d, *id), GW_ERR_NOT_FOUND);
  on("m", client(), go_on, "new");
  return GW_EVENT_GO_ON;
}

static void test_handlers_change_while_an_event_is_told(void **state) {
  (void)state;
  uint32_t sub = rig_sub(&r, "room", NULL);
  uint32_t ended = 0;
  gw_handler_place once = client();
  once.once = true;
  assert_true(gw_dispatcher_on(d, gw_view_of("m"), &once, changes, &ended) > 0);
  ended = on("m", client(), go_on, "ended");
  on("m", client(), go_on, "stays");
  publish_event(sub, "m");
  expect_told("changes:m@room stays:m@room ");
  publish_event(sub, "m");
  expect_told("stays:m@room new:m@room ");
}

static void test_a_client_is_forgotten(void **state) {
  (void)state;
  uint32_t sub = rig_sub(&r, "room", NULL);
  on("m", client(), go_on, "client");
  on("m", channel("room"), go_on, "channel");
  on("m", everywhere(), go_on, "all");
  gw_dispatcher_forget(d, r.c);
  publish_event(sub, "m");
  expect_told("all:m@room ");
}

static void test_what_cannot_be_added(void **state) {
  (void)state;
  char name[GW_MAX_CHANNEL_BYTES + 2];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  gw_handler_place homeless = {.channel = gw_view_of("a")};
  gw_handler_place long_one = channel(name);
  assert_int_equal(gw_dispatcher_on(d, gw_view_of("a..b"), NULL, go_on, NULL),
                   GW_ERR_INVALID);
  assert_int_equal(gw_dispatcher_on(d, gw_view_of("a"), &homeless, go_on, NULL),
                   GW_ERR_INVALID);
  assert_int_equal(gw_dispatcher_on(d, gw_view_of("a"), &long_one, go_on, NULL),
                   GW_ERR_TOO_BIG);
  for (uint32_t i = 0; i < GW_DISPATCHER_MAX; i++)
    on("a", everywhere(), go_on, "x");
  assert_int_equal(gw_dispatcher_on(d, gw_view_of("a"), NULL, go_on, NULL),
                   GW_ERR_FULL);
}

/* ---- main ------------------------------------------------------------------ */

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_an_event_goes_down_and_up_again),
      TEST(test_what_has_no_name_is_no_event),
      TEST(test_handlers_stop_an_event),
      TEST(test_the_clients_own_have_names),
      TEST(test_a_message_is_an_event_of_the_client),
      TEST(test_a_pattern_of_channels_tells_which_one),
      TEST(test_handlers_change_while_an_event_is_told),
      TEST(test_a_client_is_forgotten),
      TEST(test_what_cannot_be_added),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
