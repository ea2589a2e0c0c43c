/* SPDX-License-Identifier: MIT */
/* client_presence_test.c - who is there: snapshots, diffs in any order of their
 * coming, and what this client tells about itself. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const gw_sub_options with_presence = {.presence = true};

/** Live in one channel with presence, number 9; no snapshot yet. */
static uint32_t live_rig_with(rig *r, const gw_client_options *o) {
  rig_init(r, o);
  uint32_t sub = rig_sub(r, "a", &with_presence);
  rig_ready(r);
  rig_live(r, 9, 0);
  rig_forget(r);
  return sub;
}

static uint32_t live_rig(rig *r) {
  return live_rig_with(r, NULL);
}

static bool collect(void *arg, const gw_presence_member *m) {
  char *text = arg;
  size_t len = strlen(text);
  text[len] = (char)('0' + m->client);
  text[len + 1] = '\0';
  return true;
}

static void expect_members(rig *r, uint32_t sub, const char *ids) {
  char have[64] = "";
  gw_client_members(r->c, sub, collect, have);
  assert_string_equal(have, ids);
}

/* ---- the list ------------------------------------------------------------ */

static void snapshot_then_diffs(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "312", false);
  rig_expect(&r, "enter1:1 enter1:2 enter1:3 sync1 ");
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_PRESENCE);
  assert_true(rig_view_is(e->u.presence.member.state, "s1"));
  assert_true(rig_view_is(e->u.presence.member.user, "u"));
  e = gw_test_take_event(&r.port, GW_EVENT_PRESENCE_SYNC);
  assert_int_equal(e->u.presence_sync.version, 10);
  assert_int_equal(e->u.presence_sync.num_members, 3);
  rig_diff(&r, 9, 11, "+4 *2 -1");
  rig_expect(&r, "enter1:4 update1:2 leave1:1 ");
  expect_members(&r, sub, "234");
  rig_diff(&r, 9, 11, "-4");       /* old */
  rig_diff(&r, 9, 12, "+2 *7 -5"); /* odd, but the list decides */
  rig_expect(&r, "update1:2 enter1:7 ");
  expect_members(&r, sub, "2347");
  rig_diff(&r, 9, 13, "+5 *5 -5 +5");
  rig_expect(&r, "enter1:5 update1:5 leave1:5 enter1:5 ");
  rig_deinit(&r);
}

static void a_snapshot_in_parts_is_told_when_it_is_whole(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "12", true);
  rig_snapshot(&r, 0, 9, 10, "34", true);
  rig_expect(&r, "");
  rig_diff(&r, 9, 11, "+6 -1"); /* between the parts */
  rig_expect(&r, "");
  rig_snapshot(&r, 0, 9, 10, "5", false);
  rig_expect(&r, "enter1:1 enter1:2 enter1:3 enter1:4 enter1:5 enter1:6 "
                 "leave1:1 sync1 ");
  expect_members(&r, sub, "23456");
  rig_deinit(&r);
}

static void a_diff_before_its_snapshot_waits(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_diff(&r, 9, 9, "+8");
  rig_diff(&r, 9, 10, "+9");
  rig_diff(&r, 9, 11, "-1");
  rig_diff(&r, 9, 12, "+7");
  rig_expect(&r, "");
  rig_snapshot(&r, 0, 9, 10, "19", false); /* knows of 9 and 10 */
  rig_expect(&r, "enter1:1 enter1:9 leave1:1 enter1:7 sync1 ");
  expect_members(&r, sub, "79");
  rig_deinit(&r);
}

static void parts_that_arrive_are_not_late(void **state) {
  (void)state;
  gw_client_options o = {.request_timeout_ms = 2000};
  rig r;
  live_rig_with(&r, &o);
  rig_run(&r, 1500);
  rig_snapshot(&r, 0, 9, 10, "1", true);
  rig_run(&r, 1999);
  rig_not_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_run(&r, 1);
  uint32_t request = rig_sent(&r, GW_FRAME_PRESENCE_GET)->head.request;
  rig_forget(&r);
  rig_run(&r, 1500);
  rig_snapshot(&r, request, 9, 10, "1", true);
  rig_run(&r, 1999);
  rig_not_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_snapshot(&r, request, 9, 10, "2", false);
  rig_expect(&r, "enter1:1 enter1:2 sync1 ");
  rig_run(&r, 5000);
  rig_not_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_deinit(&r);
}

static void a_hole_asks_for_the_list_and_tells_the_difference(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "123", false);
  rig_forget(&r);
  rig_diff(&r, 9, 12, "+5"); /* 11 is missing */
  rig_diff(&r, 9, 13, "+6");
  rig_expect(&r, "");
  expect_members(&r, sub, "123"); /* stale, but whole */
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_PRESENCE_GET);
  assert_int_equal(f->head.channel, sub);
  assert_int_equal(f->head.flags, GW_FLAG_ALIAS);
  uint32_t request = f->head.request;
  rig_not_sent(&r, GW_FRAME_PRESENCE_GET); /* once */
  rig_publication(&r, 9, 1, 0, 0);         /* goes on meanwhile */
  rig_snapshot(&r, request, 0, 12, "235", false);
  rig_expect(&r, "pub1:1 leave1:1 enter1:5 enter1:6 sync1 ");
  expect_members(&r, sub, "2356");
  rig_deinit(&r);
}

static void a_list_that_does_not_come_is_asked_for(void **state) {
  (void)state;
  gw_client_options o = {.request_timeout_ms = 2000};
  rig r;
  live_rig_with(&r, &o);
  rig_run(&r, 1999);
  rig_not_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_run(&r, 1);
  uint32_t request = rig_sent(&r, GW_FRAME_PRESENCE_GET)->head.request;
  rig_error(&r, request, GW_CODE_INTERNAL, 0);
  rig_run(&r, 499);
  rig_not_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_run(&r, 1);
  rig_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_run(&r, 2500); /* no answer at all */
  request = rig_sent(&r, GW_FRAME_PRESENCE_GET)->head.request;
  rig_forget(&r);
  rig_error(&r, request, GW_CODE_PERMISSION_DENIED, 0);
  rig_expect(&r, "reply0:507 ");
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.sub, 1);
  rig_run(&r, 10000);
  rig_not_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_deinit(&r);
}

static void too_many_diffs_may_not_wait(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  for (uint64_t v = 11; v < 5000; v++)
    rig_diff(&r, 9, v, "+1 +2 +3 +4");
  rig_run(&r, 600);
  uint32_t request = rig_sent(&r, GW_FRAME_PRESENCE_GET)->head.request;
  rig_snapshot(&r, request, 0, 5000, "1", false);
  expect_members(&r, sub, "1");
  rig_deinit(&r);
}

static void after_a_reconnect_only_differences_are_told(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "123", false);
  gw_test_close(&r.port, 1006);
  expect_members(&r, sub, "123"); /* kept, stale */
  rig_back(&r);
  gw_head head;
  assert_true(rig_sent_subscribe(&r, &head).presence);
  gw_subscribed m = {.epoch = RIG_EPOCH, .live = true};
  rig_subscribed(&r, head.request, 4, &m);
  rig_forget(&r);
  rig_diff(&r, 4, 2, "+6");
  rig_snapshot(&r, 0, 4, 1, "134", false); /* versions may begin anew */
  rig_expect(&r, "leave1:2 enter1:4 enter1:6 sync1 ");
  expect_members(&r, sub, "1346");
  rig_deinit(&r);
}

static void a_half_snapshot_dies_with_its_connection(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "12", true);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  rig_live(&r, 4, 0);
  rig_forget(&r);
  rig_snapshot(&r, 0, 4, 10, "3", false);
  rig_expect(&r, "enter1:3 sync1 ");
  expect_members(&r, sub, "3");
  rig_deinit(&r);
}

static void leave_on_enter(gw_test_port *p, const gw_event *e) {
  if (e->type == GW_EVENT_PRESENCE && e->u.presence.member.client == 2)
    assert_int_equal(gw_client_unsubscribe(p->client, e->u.presence.sub), 0);
}

static void unsubscribing_in_a_handler_ends_the_telling(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  r.port.hooks.event = leave_on_enter;
  rig_snapshot(&r, 0, 9, 10, "1234", false);
  rig_expect(&r, "enter1:1 enter1:2 sub1:ended ");
  rig_deinit(&r);
}

static void not_wanted_is_not_kept(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t sub = rig_sub(&r, "a", NULL);
  rig_ready(&r);
  rig_live(&r, 9, 0);
  rig_forget(&r);
  rig_snapshot(&r, 0, 9, 10, "1", false);
  rig_diff(&r, 9, 11, "+2");
  rig_expect(&r, "");
  expect_members(&r, sub, "");
  rig_deinit(&r);
}

/* ---- modes --------------------------------------------------------------- */

static void first_and_last_of_a_user(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "1", false);
  assert_false(gw_test_take_event(&r.port, GW_EVENT_PRESENCE)
                   ->u.presence.first); /* was there before */
  rig_diff(&r, 9, 11, "+2! +3 *2! -3! -2");
  static const struct {
    bool first, last;
  } told[] = {{true, false},
              {false, false},
              {false, false},
              {false, true},
              {false, false}};
  for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
    const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_PRESENCE);
    assert_int_equal(e->u.presence.first, told[i].first);
    assert_int_equal(e->u.presence.last, told[i].last);
  }
  rig_deinit(&r);
}

static const gw_event *expect_sync(rig *r, uint64_t version, uint32_t mode,
                                   uint32_t num) {
  const gw_event *e = gw_test_take_event(&r->port, GW_EVENT_PRESENCE_SYNC);
  assert_non_null(e);
  assert_int_equal(e->u.presence_sync.version, version);
  assert_int_equal(e->u.presence_sync.numbers.mode, mode);
  assert_int_equal(e->u.presence_sync.num_members, num);
  return e;
}

static void counts_are_told_as_they_change(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  r.mode = GW_PRESENCE_MODE_COUNTS;
  r.clients = 5000, r.users = 4000;
  rig_snapshot(&r, 0, 9, 10, "", false);
  rig_expect(&r, "sync1 ");
  const gw_event *e = expect_sync(&r, 10, GW_PRESENCE_MODE_COUNTS, 0);
  assert_int_equal(e->u.presence_sync.numbers.clients, 5000);
  assert_int_equal(e->u.presence_sync.numbers.users, 4000);
  r.clients = 5002, r.users = 4001;
  rig_diff(&r, 9, 11, "");
  rig_expect(&r, "sync1 ");
  e = expect_sync(&r, 11, GW_PRESENCE_MODE_COUNTS, 0);
  assert_int_equal(e->u.presence_sync.numbers.clients, 5002);
  assert_int_equal(e->u.presence_sync.numbers.users, 4001);
  rig_diff(&r, 9, 13, ""); /* a hole here, too */
  rig_sent(&r, GW_FRAME_PRESENCE_GET);
  rig_expect(&r, "");
  expect_members(&r, sub, "");
  rig_deinit(&r);
}

static void a_sample_is_a_list_without_changes(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  r.mode = GW_PRESENCE_MODE_SAMPLED;
  r.clients = 50;
  rig_snapshot(&r, 0, 9, 10, "123", false);
  rig_expect(&r, "sync1 ");
  expect_members(&r, sub, "123");
  rig_diff(&r, 9, 11, "-2 +7 *3");
  rig_expect(&r, "sync1 ");
  expect_members(&r, sub, "137");
  rig_deinit(&r);
}

static void a_mode_changes_without_false_news(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "123", false);
  rig_forget(&r);
  r.mode = GW_PRESENCE_MODE_COUNTS;
  rig_snapshot(&r, 0, 9, 11, "", false); /* nobody left */
  rig_expect(&r, "sync1 ");
  expect_sync(&r, 11, GW_PRESENCE_MODE_COUNTS, 0);
  expect_members(&r, sub, "");
  rig_diff(&r, 9, 12, "");
  rig_forget(&r);
  r.mode = GW_PRESENCE_MODE_FULL;
  rig_snapshot(&r, 0, 9, 13, "12", true); /* and nobody came */
  rig_diff(&r, 9, 14, "+6");              /* between the parts */
  rig_expect(&r, "");
  rig_snapshot(&r, 0, 9, 13, "4", false);
  rig_expect(&r, "enter1:6 sync1 ");
  assert_true(
      expect_sync(&r, 14, GW_PRESENCE_MODE_FULL, 4)->u.presence_sync.anew);
  expect_members(&r, sub, "1246");
  r.mode = GW_PRESENCE_MODE_IDS;
  rig_snapshot(&r, 0, 9, 15, "126", false);
  rig_expect_within(&r, "leave1:4 ");
  assert_false(
      expect_sync(&r, 15, GW_PRESENCE_MODE_IDS, 3)->u.presence_sync.anew);
  rig_deinit(&r);
}

/** A list that nobody was told of is no ground for differences. */
static void a_hole_right_after_a_change_of_mode(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  r.mode = GW_PRESENCE_MODE_COUNTS;
  rig_snapshot(&r, 0, 9, 10, "", false);
  rig_forget(&r);
  r.mode = GW_PRESENCE_MODE_FULL;
  rig_snapshot(&r, 0, 9, 13, "12", true);
  rig_diff(&r, 9, 15, "+6"); /* 14 is missing */
  rig_snapshot(&r, 0, 9, 13, "4", false);
  rig_expect(&r, "");
  rig_snapshot(&r, rig_sent(&r, GW_FRAME_PRESENCE_GET)->head.request, 0, 15,
               "1246", false);
  rig_expect(&r, "sync1 ");
  assert_true(
      expect_sync(&r, 15, GW_PRESENCE_MODE_FULL, 4)->u.presence_sync.anew);
  expect_members(&r, sub, "1246");
  rig_diff(&r, 9, 16, "-6");
  rig_expect(&r, "leave1:6 ");
  rig_deinit(&r);
}

/* ---- oneself ------------------------------------------------------------- */

static gw_presence_set sent_set(rig *r, uint32_t *request) {
  const gw_test_frame *f = rig_sent(r, GW_FRAME_PRESENCE_SET);
  gw_presence_set m;
  assert_int_equal(gw_decode_presence_set(f->body, &m), 0);
  *request = f->head.request;
  return m;
}

static void set(rig *r, uint32_t sub, const char *state) {
  gw_payload json = {GW_PAYLOAD_JSON, gw_view_of("{}")};
  assert_int_equal(gw_client_presence_set(r->c, sub, gw_view_of(state), json),
                   0);
}

static void enters_updates_and_leaves(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  set(&r, sub, "online");
  set(&r, sub, "away"); /* the last one counts */
  rig_go(&r);
  uint32_t request;
  gw_presence_set m = sent_set(&r, &request);
  assert_true(rig_view_is(m.state, "away") && rig_view_is(m.json, "{}"));
  rig_not_sent(&r, GW_FRAME_PRESENCE_SET);
  set(&r, sub, "busy");
  set(&r, sub, "online");
  rig_go(&r);
  rig_not_sent(&r, GW_FRAME_PRESENCE_SET); /* one at a time */
  rig_ok(&r, request);
  assert_true(rig_view_is(sent_set(&r, &request).state, "online"));
  rig_ok(&r, request);
  assert_int_equal(gw_client_presence_leave(r.c, sub), 0);
  assert_int_equal(gw_client_presence_leave(r.c, sub), 0);
  rig_go(&r);
  rig_ok(&r, rig_sent(&r, GW_FRAME_PRESENCE_LEAVE)->head.request);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  rig_not_sent(&r, GW_FRAME_PRESENCE_SET);
  rig_not_sent(&r, GW_FRAME_PRESENCE_LEAVE);
  rig_deinit(&r);
}

static void enters_again_with_each_connection(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  set(&r, sub, "busy");
  rig_go(&r);
  uint32_t request;
  sent_set(&r, &request);
  rig_ok(&r, request);
  for (int i = 0; i < 2; i++) {
    gw_test_close(&r.port, 1006);
    rig_until_try(&r);
    rig_open(&r); /* with the first message, behind the Subscribe */
    assert_true(rig_view_is(sent_set(&r, &request).state, "busy"));
    rig_welcome(&r);
    rig_live(&r, 9, 0);
  }
  /* Left while there was no connection: the server still has to hear it. */
  gw_test_close(&r.port, 1006);
  assert_int_equal(gw_client_presence_leave(r.c, sub), 0);
  rig_back(&r);
  rig_not_sent(&r, GW_FRAME_PRESENCE_SET);
  rig_sent(&r, GW_FRAME_PRESENCE_LEAVE);
  rig_deinit(&r);
}

/** The server shall not think that somebody who is away came back because a
 * connection did. */
static void tells_how_long_its_user_was_idle(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  rig_run(&r, 5000);
  set(&r, sub, "online");
  rig_go(&r);
  uint32_t request;
  assert_int_equal(sent_set(&r, &request).idle_ms, 0);
  rig_ok(&r, request);
  uint64_t since = r.now;
  rig_run(&r, 7000);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  assert_int_equal(sent_set(&r, &request).idle_ms, r.now - since);
  rig_ok(&r, request);
  (void)rig_publish(&r, "a", "x", NULL); /* an act */
  since = r.now;
  rig_run(&r, 3000);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  assert_int_equal(sent_set(&r, &request).idle_ms, r.now - since);
  rig_deinit(&r);
}

static void refusals_of_presence(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  uint32_t request;
  set(&r, sub, "busy");
  rig_go(&r);
  sent_set(&r, &request);
  rig_error(&r, request, GW_CODE_RATE_LIMITED, 1000);
  rig_run(&r, 999);
  rig_not_sent(&r, GW_FRAME_PRESENCE_SET);
  rig_run(&r, 1);
  sent_set(&r, &request);
  rig_forget(&r);
  rig_error(&r, request, GW_CODE_PERMISSION_DENIED, 0);
  rig_expect(&r, "reply0:507 ");
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  rig_live(&r, 9, 0);
  rig_not_sent(&r, GW_FRAME_PRESENCE_SET);

  set(&r, sub, "busy");
  rig_go(&r);
  sent_set(&r, &request);
  rig_run(&r, 10000); /* no answer */
  sent_set(&r, &request);
  rig_deinit(&r);
}

static void a_refused_subscribe_takes_its_presence_along(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  uint32_t sub = rig_sub(&r, "a", NULL);
  set(&r, sub, "busy");
  rig_ready(&r);
  uint32_t request, subscribe = rig_sent(&r, GW_FRAME_SUBSCRIBE)->head.request;
  sent_set(&r, &request);
  rig_error(&r, subscribe, GW_CODE_OVERLOADED, 100);
  rig_error(&r, request, GW_CODE_NOT_SUBSCRIBED, 0);
  rig_expect_within(&r, "sub1:idle ready ");
  rig_run(&r, 700);
  rig_sent(&r, GW_FRAME_SUBSCRIBE);
  sent_set(&r, &request); /* again, with the next Subscribe */
  rig_deinit(&r);
}

/** The end of a subscription comes behind what was queued before it, an error
 * does not. */
static void a_subscription_that_lapses_takes_its_presence_along(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r), request;
  gw_head head;
  set(&r, sub, "busy");
  rig_go(&r);
  sent_set(&r, &request);
  rig_forget(&r);
  rig_error(&r, request, GW_CODE_NOT_SUBSCRIBED, 0);
  rig_expect(&r, "");
  rig_unsubscribed(&r, 9, GW_CODE_OVERLOADED);
  rig_run(&r, 2000);
  (void)rig_sent_subscribe(&r, &head);
  sent_set(&r, &request);
  rig_deinit(&r);
}

static void a_subscription_that_lapses_takes_its_list_along(void **state) {
  (void)state;
  rig r;
  gw_head head;
  (void)live_rig(&r);
  rig_snapshot(&r, 0, 9, 10, "123", false);
  rig_forget(&r);
  rig_diff(&r, 9, 12, "+5"); /* 11 is missing */
  uint32_t request = rig_sent(&r, GW_FRAME_PRESENCE_GET)->head.request;
  rig_error(&r, request, GW_CODE_NOT_SUBSCRIBED, 0);
  rig_expect(&r, "");
  rig_unsubscribed(&r, 9, GW_CODE_OVERLOADED);
  rig_run(&r, 2000);
  assert_true(rig_sent_subscribe(&r, &head).presence); /* it is still wanted */
  rig_deinit(&r);
}

/* ---- more than it keeps -------------------------------------------------- */

#define PART 1024u

/** A part of a snapshot: members with the ids from first on. */
static void many(rig *r, uint64_t first, uint32_t num, bool more) {
  static uint8_t block[PART][16], whole[PART * 20];
  static gw_view items[PART];
  for (uint32_t i = 0; i < num; i++) {
    gw_presence_member m = {.client = first + i};
    gw_out item = {block[i], 0, sizeof block[i]};
    assert_int_equal(gw_encode_presence_member(&item, NULL, &m), 0);
    items[i] = (gw_view){item.data, item.len};
  }
  gw_head head = {.type = GW_FRAME_PRESENCE_SNAPSHOT, .channel = 9};
  gw_presence_snapshot s = {
      .version = 10, .more = more, .members = {.items = items, .num = num}};
  gw_out out = {whole, 0, sizeof whole};
  assert_int_equal(gw_encode_presence_snapshot(&out, &head, &s), 0);
  rig_bytes(r, out.data, out.len);
}

static bool count(void *arg, const gw_presence_member *m) {
  (void)m;
  (*(uint32_t *)arg)++;
  return true;
}

/** The list is given up, which is told; the subscription goes on. */
static void expect_given_up(rig *r, uint32_t sub) {
  uint32_t num = 0;
  rig_expect(r, "reply0:508 ");
  const gw_event *e = gw_test_take_event(&r->port, GW_EVENT_REPLY);
  assert_int_equal(e->u.reply.sub, sub);
  assert_int_equal(e->u.reply.code, GW_CODE_LIMIT_REACHED);
  assert_true(rig_view_is(e->u.reply.reason, "too many members"));
  gw_client_members(r->c, sub, count, &num);
  assert_int_equal(num, 0);
  rig_diff(r, 9, 12, "+1"); /* of a list that is not kept */
  for (unsigned i = 0; i < 12; i++) {
    rig_run(r, 5000);
    rig_ping(r, i);
  }
  rig_not_sent(r, GW_FRAME_PRESENCE_GET);
  rig_forget(r);
  rig_publication(r, 9, 1, 0, 0);
  rig_expect(r, "pub1:1 ");
}

static void a_snapshot_of_too_many_is_given_up(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  for (uint64_t id = 1; id < GW_MAX_PRESENCE_FULL; id += PART)
    many(&r, id, PART, true);
  rig_expect(&r, "");
  many(&r, GW_MAX_PRESENCE_FULL + 1, 1, false);
  expect_given_up(&r, sub);
  rig_deinit(&r);
}

static void one_too_many_gives_the_list_up(void **state) {
  (void)state;
  rig r;
  uint32_t num = 0, sub = live_rig(&r);
  r.port.keep_records = false;
  for (uint64_t id = 10; id < GW_MAX_PRESENCE_FULL; id += PART)
    many(&r, id, PART, id + PART < GW_MAX_PRESENCE_FULL);
  gw_client_members(r.c, sub, count, &num);
  assert_int_equal(num, GW_MAX_PRESENCE_FULL);
  r.port.keep_records = true;
  rig_diff(&r, 9, 11, "+1");
  expect_given_up(&r, sub);
  rig_deinit(&r);
}

static void limits_of_presence(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r);
  static char text[4000];
  memset(text, 'x', sizeof text);
  gw_payload none = {0},
             big = {GW_PAYLOAD_BYTES, {(uint8_t *)text, GW_MAX_PRESENCE_BYTES}};
  gw_view long_state = {(uint8_t *)text, GW_MAX_STATE_BYTES + 1};
  gw_view one = gw_view_of("x");
  assert_int_equal(gw_client_presence_set(r.c, sub, long_state, none),
                   GW_ERR_TOO_BIG);
  assert_int_equal(gw_client_presence_set(r.c, sub, one, big), GW_ERR_TOO_BIG);
  assert_int_equal(gw_client_presence_set(r.c, sub, gw_view_of("\xFF"), none),
                   GW_ERR_TEXT);
  assert_int_equal(gw_client_presence_set(r.c, 99, one, none),
                   GW_ERR_NOT_FOUND);
  assert_int_equal(gw_client_presence_leave(r.c, 99), GW_ERR_NOT_FOUND);
  rig_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(snapshot_then_diffs),
      cmocka_unit_test(a_snapshot_in_parts_is_told_when_it_is_whole),
      cmocka_unit_test(a_diff_before_its_snapshot_waits),
      cmocka_unit_test(parts_that_arrive_are_not_late),
      cmocka_unit_test(a_hole_asks_for_the_list_and_tells_the_difference),
      cmocka_unit_test(a_list_that_does_not_come_is_asked_for),
      cmocka_unit_test(too_many_diffs_may_not_wait),
      cmocka_unit_test(after_a_reconnect_only_differences_are_told),
      cmocka_unit_test(a_half_snapshot_dies_with_its_connection),
      cmocka_unit_test(unsubscribing_in_a_handler_ends_the_telling),
      cmocka_unit_test(not_wanted_is_not_kept),
      cmocka_unit_test(first_and_last_of_a_user),
      cmocka_unit_test(counts_are_told_as_they_change),
      cmocka_unit_test(a_sample_is_a_list_without_changes),
      cmocka_unit_test(a_mode_changes_without_false_news),
      cmocka_unit_test(a_hole_right_after_a_change_of_mode),
      cmocka_unit_test(enters_updates_and_leaves),
      cmocka_unit_test(enters_again_with_each_connection),
      cmocka_unit_test(tells_how_long_its_user_was_idle),
      cmocka_unit_test(refusals_of_presence),
      cmocka_unit_test(a_refused_subscribe_takes_its_presence_along),
      cmocka_unit_test(a_subscription_that_lapses_takes_its_presence_along),
      cmocka_unit_test(a_subscription_that_lapses_takes_its_list_along),
      cmocka_unit_test(a_snapshot_of_too_many_is_given_up),
      cmocka_unit_test(one_too_many_gives_the_list_up),
      cmocka_unit_test(limits_of_presence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
