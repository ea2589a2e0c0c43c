/* SPDX-License-Identifier: MIT */
/* presence_test.c - members of a channel as its subscribers see them: on the
 * owner's worker, and alike on a follower's. */
#include <stdio.h>

#include "support/hub_rig.h"

static hubs node;
static char name[32];
static uint32_t here;

static int start_owned(void **state) {
  (void)state;
  hubs_init(&node, 1);
  here = 0;
  hubs_start(&node);
  hubs_channel(&node, 0, name);
  return 0;
}

static int start_followed(void **state) {
  (void)state;
  hubs_init(&node, 3);
  here = 1;
  hubs_start(&node);
  hubs_channel(&node, 2, name);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/** Subscribe with presence; the snapshot's version is returned. */
static uint64_t watch(peer *p, uint32_t alias, size_t num_members) {
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  gw_presence_snapshot snapshot;
  peer_subscribe_with(p, alias, &m);
  peer_subscribed(p);
  gw_frame f = peer_expect(p, GW_FRAME_PRESENCE_SNAPSHOT);
  assert_int_equal(gw_decode_presence_snapshot(f.body, &snapshot), 0);
  assert_int_equal(f.head.request, 0);
  assert_true(f.head.channel != 0);
  assert_int_equal(snapshot.members.num, num_members);
  assert_false(snapshot.more);
  return snapshot.version;
}

static void enter(peer *p, uint32_t alias, const char *state) {
  uint32_t request = peer_presence(p, alias, state);
  assert_int_equal(peer_await(p, GW_FRAME_OK).head.request, request);
}

static void leave(peer *p, uint32_t alias) {
  uint32_t request = peer_send_empty(p, GW_FRAME_PRESENCE_LEAVE, alias);
  assert_int_equal(peer_await(p, GW_FRAME_OK).head.request, request);
}

static gw_presence_diff expect_diff(peer *p, uint64_t version, size_t num) {
  gw_presence_diff diff;
  gw_frame f = peer_expect(p, GW_FRAME_PRESENCE_DIFF);
  assert_int_equal(gw_decode_presence_diff(f.body, &diff), 0);
  assert_int_equal(diff.version, version);
  assert_int_equal(diff.changes.num, num);
  return diff;
}

static gw_presence_change change_of(gw_presence_diff *diff) {
  gw_view item;
  gw_presence_change c;
  assert_true(gw_list_next(&diff->changes, &item));
  assert_int_equal(gw_decode_presence_change(item, &c), 0);
  return c;
}

static void expect_change(peer *p, uint64_t version, uint32_t kind,
                          const peer *who, const char *state) {
  gw_presence_diff diff = expect_diff(p, version, 1);
  gw_presence_change c = change_of(&diff);
  assert_int_equal(c.kind, kind);
  assert_true(c.member.client == who->client);
  assert_true(gw_view_eq(c.member.state, gw_view_of(state)));
}

#define GATHERED (GW_PRESENCE_COALESCE_MS + 1)

/** A client that comes to a worker and enters. */
static peer *come(uint32_t worker, unsigned client, const char *state) {
  peer *p = peer_join(&node, worker, client);
  peer_subscribe(p, 1, name);
  enter(p, 1, state);
  return p;
}

static void test_enter_update_leave(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  assert_int_equal(watch(a, 1, 0), 0);
  peer_subscribe(b, 1, name);
  peer_subscribed(b);
  enter(b, 1, "online");
  hubs_pass(&node, GATHERED);
  gw_presence_diff diff = expect_diff(a, 1, 1);
  gw_presence_change c = change_of(&diff);
  assert_int_equal(c.kind, GW_PRESENCE_ENTER);
  assert_true(c.member.client == b->client);
  assert_true(gw_view_eq(c.member.user, gw_view_of("user2")));
  assert_true(gw_view_eq(c.member.state, gw_view_of("online")));
  assert_true(c.member.since_ms > 1700000000000u);
  enter(b, 1, "busy");
  hubs_pass(&node, GATHERED);
  expect_change(a, 2, GW_PRESENCE_UPDATE, b, "busy");
  leave(b, 1);
  hubs_pass(&node, GATHERED);
  expect_change(a, 3, GW_PRESENCE_LEAVE, b, "");
  peer_expect_nothing(a);
  peer_expect_nothing(b); /* did not ask for the presence */
  assert_int_equal(HUBS_STAT(&node, members), 0);
}

static void test_a_snapshot_has_who_is_there(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer_subscribe(a, 1, name);
  peer_subscribed(a);
  enter(a, 1, "away");
  hubs_pass(&node, GATHERED);
  peer *b = peer_join(&node, here, 2);
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  peer_subscribe_with(b, 1, &m);
  peer_subscribed(b);
  gw_frame f = peer_expect(b, GW_FRAME_PRESENCE_SNAPSHOT);
  gw_presence_snapshot snapshot;
  gw_presence_member member;
  gw_view item;
  assert_int_equal(gw_decode_presence_snapshot(f.body, &snapshot), 0);
  assert_int_equal(snapshot.version, 1);
  assert_true(gw_list_next(&snapshot.members, &item));
  assert_int_equal(gw_decode_presence_member(item, &member), 0);
  assert_true(member.client == a->client);
  assert_true(gw_view_eq(member.state, gw_view_of("away")));
  assert_false(gw_list_next(&snapshot.members, &item));
}

static void test_changes_are_gathered(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  watch(a, 1, 0);
  peer *b[5];
  for (unsigned i = 0; i < 5; i++) {
    b[i] = peer_join(&node, here, 10 + i);
    peer_subscribe(b[i], 1, name);
    enter(b[i], 1, "x");
    enter(b[i], 1, "y");
  }
  hubs_pass(&node, GATHERED);
  gw_presence_diff diff = expect_diff(a, 1, 5);
  for (unsigned i = 0; i < 5; i++) {
    gw_presence_change c = change_of(&diff);
    assert_int_equal(c.kind, GW_PRESENCE_ENTER);
    assert_true(gw_view_eq(c.member.state, gw_view_of("y")));
  }
  peer_expect_nothing(a);
}

static void test_who_comes_and_goes_at_once_is_never_told(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  watch(a, 1, 0);
  peer_subscribe(b, 1, name);
  enter(b, 1, "x");
  leave(b, 1);
  hubs_pass(&node, GATHERED);
  peer_expect_nothing(a);
  enter(b, 1, "x");
  hubs_pass(&node, GATHERED);
  expect_change(a, 1, GW_PRESENCE_ENTER, b, "x");
  leave(b, 1);
  enter(b, 1, "x");
  hubs_pass(&node, GATHERED);
  peer_expect_nothing(a);
}

static void test_saying_the_same_again_is_silent(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  watch(a, 1, 0);
  enter(a, 1, "x");
  hubs_pass(&node, GATHERED);
  expect_change(a, 1, GW_PRESENCE_ENTER, a, "x");
  enter(a, 1, "x");
  hubs_pass(&node, GATHERED);
  peer_expect_nothing(a);
}

static void test_unsubscribing_leaves(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  watch(a, 1, 0);
  peer_subscribe(b, 1, name);
  enter(b, 1, "x");
  hubs_pass(&node, GATHERED);
  peer_forget(a);
  peer_send_empty(b, GW_FRAME_UNSUBSCRIBE, 1);
  hubs_pass(&node, GATHERED);
  expect_change(a, 2, GW_PRESENCE_LEAVE, b, "");
}

static void test_a_goodbye_leaves(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  watch(a, 1, 0);
  peer_subscribe(b, 1, name);
  enter(b, 1, "x");
  hubs_pass(&node, GATHERED);
  peer_forget(a);
  gw_head head = {.type = GW_FRAME_CLOSE};
  gw_close m = {.code = GW_CODE_CLOSED};
  PEER_SEND(b, close, &head, &m);
  hubs_pass(&node, GATHERED);
  expect_change(a, 2, GW_PRESENCE_LEAVE, b, "");
}

static void test_who_is_lost_stays_for_the_grace_time(void **state) {
  (void)state;
  node.spaces[1].presence_grace_ms = 5000;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  watch(a, 1, 0);
  peer_subscribe(b, 1, name);
  enter(b, 1, "x");
  hubs_pass(&node, GATHERED);
  peer_forget(a);
  peer_drop(b, 1006);
  hubs_pass(&node, 4990);
  peer_expect_nothing(a);
  hubs_pass(&node, 10 + GATHERED);
  expect_change(a, 2, GW_PRESENCE_LEAVE, b, "");
  assert_int_equal(HUBS_STAT(&node, members), 0);
}

static void test_who_comes_back_in_time_is_not_mentioned(void **state) {
  (void)state;
  node.spaces[1].presence_grace_ms = 5000;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  watch(a, 1, 0);
  peer_subscribe(b, 1, name);
  enter(b, 1, "x");
  hubs_pass(&node, GATHERED);
  peer_forget(a);
  peer_drop(b, 0);
  hubs_pass(&node, 3000);
  b = peer_join(&node, (here + 1) % node.num, 2); /* on another worker */
  peer_subscribe(b, 1, name);
  enter(b, 1, "x");
  hubs_pass(&node, 10000);
  peer_expect_nothing(a);
  enter(b, 1, "y");
  hubs_pass(&node, GATHERED);
  expect_change(a, 2, GW_PRESENCE_UPDATE, b, "y");
}

static void
test_the_old_connection_cannot_end_the_new_ones_presence(void **state) {
  (void)state;
  node.spaces[1].presence_grace_ms = 1000;
  peer *a = peer_join(&node, here, 1);
  watch(a, 1, 0);
  peer *b = come(here, 2, "x");
  hubs_pass(&node, 10);
  peer *c = come(here, 2, "y");
  hubs_pass(&node, GATHERED);
  expect_change(a, 1, GW_PRESENCE_ENTER, b, "y");
  leave(b, 1);
  enter(b, 1, "late"); /* said before, heard after */
  peer_drop(b, 0);
  hubs_pass(&node, 5000);
  peer_expect_nothing(a);
  peer_drop(c, 0);
  hubs_pass(&node, 2000);
  expect_change(a, 2, GW_PRESENCE_LEAVE, b, "");
}

/** Workers look at the clock once in a turn. */
static void test_a_newer_connection_whose_clock_is_behind(void **state) {
  (void)state;
  node.spaces[1].presence_grace_ms = 1000;
  peer *a = peer_join(&node, here, 1);
  watch(a, 1, 0);
  gw_hub_set_time(node.hub[here], node.now_ms + 50, 1700000000000u);
  peer *b = come(here, 2, "x");
  peer *c = come((here + 1) % node.num, 2, "y");
  hubs_pass(&node, 2 * GATHERED);
  peer_forget(a);
  peer_drop(b, 0);
  hubs_pass(&node, 5000);
  peer_expect_nothing(a);
  enter(c, 1, "z");
  hubs_pass(&node, GATHERED);
  expect_change(a, 2, GW_PRESENCE_UPDATE, c, "z");
  peer_drop(c, 0);
  hubs_pass(&node, 5000);
  expect_change(a, 3, GW_PRESENCE_LEAVE, c, "");
}

static void test_one_of_two_connections_is_enough(void **state) {
  (void)state;
  node.spaces[1].presence_grace_ms = 1000;
  peer *a = peer_join(&node, here, 1);
  watch(a, 1, 0);
  peer *b = come(here, 2, "x");
  peer *c = come((here + 1) % node.num, 2, "x");
  hubs_pass(&node, GATHERED);
  peer_forget(a);
  peer_drop(c, 0); /* the latest */
  hubs_pass(&node, 5000);
  peer_expect_nothing(a);
  peer_drop(b, 0);
  hubs_pass(&node, 5000);
  expect_change(a, 2, GW_PRESENCE_LEAVE, b, "");
}

static void test_a_bad_request_is_refused(void **state) {
  (void)state;
  static const char long_state[GW_MAX_STATE_BYTES + 2] =
      "0123456789012345678901234567890123456789012345678901234567890123x";
  peer *p = peer_join(&node, here, 1);
  assert_int_equal(peer_error(p, peer_presence(p, 1, "x")),
                   GW_CODE_NOT_SUBSCRIBED);
  assert_int_equal(peer_error(p, peer_presence(p, 0, "x")),
                   GW_CODE_BAD_REQUEST);
  peer_subscribe(p, 1, name);
  peer_subscribed(p);
  assert_int_equal(peer_error(p, peer_presence(p, 1, long_state)),
                   GW_CODE_TOO_BIG);
  assert_int_equal(peer_error(p, peer_presence(p, 1, "\xff")),
                   GW_CODE_BAD_TEXT);
  static const uint8_t big[GW_MAX_PRESENCE_BYTES + 1];
  gw_head head = {.type = GW_FRAME_PRESENCE_SET,
                  .flags = GW_FLAG_ALIAS,
                  .request = 77,
                  .channel = 1};
  gw_presence_set m = {.data = {big, sizeof big}};
  PEER_SEND(p, presence_set, &head, &m);
  assert_int_equal(peer_error(p, 77), GW_CODE_TOO_BIG);
  peer_subscribe(p, 2, "none:x");
  peer_subscribed(p);
  assert_int_equal(peer_error(p, peer_presence(p, 2, "x")),
                   GW_CODE_PERMISSION_DENIED);
}

/* ---- get ----------------------------------------------------------------- */

static uint32_t get(peer *p, const char *channel) {
  gw_head head = {.type = GW_FRAME_PRESENCE_GET, .request = ++p->last_request};
  gw_presence_get m = {.channel = gw_view_of(channel)};
  PEER_SEND(p, presence_get, &head, &m);
  return head.request;
}

static size_t expect_members(peer *p, uint32_t request) {
  gw_presence_snapshot m;
  size_t num = 0;
  do {
    gw_frame f = peer_expect(p, GW_FRAME_PRESENCE_SNAPSHOT);
    assert_int_equal(f.head.request, request);
    assert_int_equal(gw_decode_presence_snapshot(f.body, &m), 0);
    num += m.members.num;
  } while (m.more);
  return num;
}

static void test_get(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  peer *b = peer_join(&node, here, 2);
  assert_int_equal(expect_members(b, get(b, name)), 0);
  assert_int_equal(HUBS_STAT(&node, channels), 0); /* asking makes none */
  peer_subscribe(a, 1, name);
  enter(a, 1, "x");
  hubs_pass(&node, GATHERED);
  for (uint32_t w = 0; w < node.num; w++) {
    peer *p = peer_join(&node, w, 3);
    assert_int_equal(expect_members(p, get(p, name)), 1);
    peer_expect_nothing(p);
  }
  assert_int_equal(peer_error(b, get(b, "none:x")), GW_CODE_PERMISSION_DENIED);
  assert_int_equal(peer_error(b, get(b, "")), GW_CODE_BAD_CHANNEL);
}

/* ---- large --------------------------------------------------------------- */

static void say_much(peer *p, uint8_t what) {
  static uint8_t data[1500];
  memset(data, what, sizeof data);
  gw_head head = {.type = GW_FRAME_PRESENCE_SET,
                  .flags = GW_FLAG_ALIAS,
                  .request = 5,
                  .channel = 1};
  gw_presence_set m = {.data = {data, sizeof data}};
  PEER_SEND(p, presence_set, &head, &m);
  peer_await(p, GW_FRAME_OK);
}

/** Members with 1.5 kB each: a snapshot of several parts. The last of them. */
static peer *fill(unsigned num) {
  peer *p = NULL;
  for (unsigned i = 0; i < num; i++) {
    p = peer_join(&node, here, 1000 + i);
    peer_subscribe(p, 1, name);
    say_much(p, 0);
  }
  hubs_pass(&node, GATHERED);
  return p;
}

static void test_a_large_snapshot_comes_in_parts(void **state) {
  (void)state;
  fill(50);
  peer *a = peer_join(&node, here, 1);
  assert_int_equal(expect_members(a, get(a, name)), 50);
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  a->is_stalled = true;
  peer_subscribe_with(a, 1, &m);
  a->is_stalled = false;
  /* The parts are drawn one by one; what changes meanwhile comes after. */
  gw_buf *bufs[2];
  assert_int_equal(gw_session_take(a->session, bufs, 2, 1000000), 2);
  gw_view part = gw_buf_payload(bufs[1]);
  gw_frame f;
  gw_presence_snapshot snapshot;
  assert_true(gw_frame_parse(part, GW_MAX_FRAME_BYTES_HARD, &f) > 0);
  assert_int_equal(f.head.type, GW_FRAME_PRESENCE_SNAPSHOT);
  assert_int_equal(gw_decode_presence_snapshot(f.body, &snapshot), 0);
  assert_true(snapshot.more);
  size_t num = snapshot.members.num;
  uint64_t version = snapshot.version;
  gw_buf_unref(bufs[0]);
  gw_buf_unref(bufs[1]);
  a->is_stalled = true;
  peer *b = come(here, 2, "x");
  hubs_pass(&node, GATHERED);
  peer_read_again(a);
  do {
    f = peer_expect(a, GW_FRAME_PRESENCE_SNAPSHOT);
    assert_int_equal(gw_decode_presence_snapshot(f.body, &snapshot), 0);
    assert_true(snapshot.version == version);
    num += snapshot.members.num;
  } while (snapshot.more);
  assert_int_equal(num, 50);
  expect_change(a, version + 1, GW_PRESENCE_ENTER, b, "x");
  peer_expect_nothing(a);
}

static void test_many_changes_come_in_several_diffs(void **state) {
  (void)state;
  peer *a = peer_join(&node, here, 1);
  uint64_t version = watch(a, 1, 0);
  fill(50);
  size_t num = 0;
  unsigned diffs = 0;
  gw_frame f;
  while (peer_next(a, &f)) {
    gw_presence_diff diff;
    assert_int_equal(f.head.type, GW_FRAME_PRESENCE_DIFF);
    assert_int_equal(gw_decode_presence_diff(f.body, &diff), 0);
    assert_int_equal(diff.version, ++version);
    assert_true(f.body.len < GW_MAX_FRAME_BYTES);
    num += diff.changes.num;
    diffs++;
  }
  assert_int_equal(num, 50);
  assert_true(diffs > 1);
}

#define SMALL_QUEUE 4000u

static void start_small(void) {
  node.settings.limits.max_queue_bytes = SMALL_QUEUE;
  hubs_stop(&node);
  hubs_start(&node);
}

/** Who reads slowly gets the outcome instead of each change. */
static void test_a_slow_reader_is_sent_a_snapshot_later(void **state) {
  (void)state;
  start_small();
  peer *a = peer_join(&node, here, 1);
  watch(a, 1, 0);
  a->is_stalled = true;
  peer *b = peer_join(&node, here, 2);
  peer_subscribe(b, 1, name);
  for (unsigned i = 0; i < 200; i++) {
    enter(b, 1, i % 2 ? "x" : "y");
    hubs_pass(&node, GATHERED);
  }
  assert_false(a->is_closing);
  peer_read_again(a);
  uint64_t version = 0;
  gw_frame f;
  gw_presence_diff diff;
  while (peer_next(a, &f) && f.head.type == GW_FRAME_PRESENCE_DIFF) {
    assert_int_equal(gw_decode_presence_diff(f.body, &diff), 0);
    assert_int_equal(diff.version, ++version);
  }
  assert_int_equal(f.head.type, GW_FRAME_PRESENCE_SNAPSHOT);
  gw_presence_snapshot snapshot;
  assert_int_equal(gw_decode_presence_snapshot(f.body, &snapshot), 0);
  assert_int_equal(snapshot.version, 200);
  enter(b, 1, "y");
  hubs_pass(&node, GATHERED);
  expect_change(a, 201, GW_PRESENCE_UPDATE, b, "y");
}

/** The next message that is sent to it, which is one frame; nothing beyond the cap
 * waits behind. */
static bool take_one(peer *p, gw_frame *f, uint8_t kept[SMALL_QUEUE]) {
  gw_buf *b;
  if (gw_session_take(p->session, &b, 1, 1) == 0) return false;
  gw_view bytes = gw_buf_payload(b);
  assert_true(bytes.len <= SMALL_QUEUE);
  memcpy(kept, bytes.data, bytes.len);
  assert_int_equal(
      gw_frame_parse((gw_view){kept, bytes.len}, GW_MAX_FRAME_BYTES_HARD, f),
      bytes.len);
  gw_buf_unref(b);
  assert_true(HUBS_STAT(&node, queue_bytes) <= SMALL_QUEUE);
  return true;
}

/** What changes while a list is sent is held back, and sent as it is read. */
static void test_what_is_held_back_does_not_come_at_once(void **state) {
  (void)state;
  uint8_t kept[SMALL_QUEUE];
  gw_frame f = {.body = {NULL, 0}};
  gw_presence_snapshot list = {.more = true};
  gw_presence_diff diff;
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  start_small();
  peer *b = fill(6);
  peer *a = peer_join(&node, here, 1);
  a->is_stalled = true;
  peer_subscribe_with(a, 1, &m);
  assert_true(take_one(a, &f, kept));
  assert_int_equal(f.head.type, GW_FRAME_SUBSCRIBED);
  assert_true(take_one(a, &f, kept));
  for (uint8_t i = 1; i <= 20; i++) {
    say_much(b, i);
    hubs_pass(&node, GATHERED);
  }
  for (; list.more; assert_true(take_one(a, &f, kept))) {
    assert_int_equal(f.head.type, GW_FRAME_PRESENCE_SNAPSHOT);
    assert_int_equal(gw_decode_presence_snapshot(f.body, &list), 0);
  }
  for (uint8_t i = 1; i <= 20; i++) {
    assert_int_equal(f.head.type, GW_FRAME_PRESENCE_DIFF);
    assert_int_equal(gw_decode_presence_diff(f.body, &diff), 0);
    assert_int_equal(diff.version, list.version + i);
    if (i == 10) {
      say_much(b, 21); /* comes behind what still waits */
      hubs_pass(&node, GATHERED);
    }
    assert_true(take_one(a, &f, kept));
  }
  assert_int_equal(gw_decode_presence_diff(f.body, &diff), 0);
  assert_int_equal(diff.version, list.version + 21);
  assert_false(take_one(a, &f, kept));
}

static uint32_t get_by_alias(peer *p) {
  return peer_send_empty(p, GW_FRAME_PRESENCE_GET, 1);
}

/** As a client does that has waited for it, and may be about to get it. */
static void
test_a_subscriber_may_ask_for_more_than_its_queue_holds(void **state) {
  (void)state;
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  start_small();
  peer *b = fill(6);
  peer *a = peer_join(&node, here, 1);
  assert_int_equal(peer_error(a, get(a, name)), GW_CODE_LIMIT_REACHED);
  peer_subscribe_with(a, 1, &m);
  peer_subscribed(a);
  assert_int_equal(expect_members(a, 0), 6);
  assert_int_equal(peer_error(a, get_by_alias(a)), GW_CODE_OVERLOADED);
  assert_int_equal(expect_members(a, 0), 6);
  say_much(b, 1);
  hubs_pass(&node, GATHERED);
  (void)peer_expect(a, GW_FRAME_PRESENCE_DIFF);
  peer_expect_nothing(a);
}

/** An answer between its parts would be taken for one of them. */
static void test_a_list_that_is_coming_is_not_begun_again(void **state) {
  (void)state;
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  gw_buf *bufs[2];
  fill(50);
  peer *a = peer_join(&node, here, 1);
  a->is_stalled = true;
  peer_subscribe_with(a, 1, &m);
  /* Subscribed and the first part. */
  assert_int_equal(gw_session_take(a->session, bufs, 2, 1000000), 2);
  gw_buf_unref(bufs[0]);
  gw_buf_unref(bufs[1]);
  uint32_t request = get_by_alias(a);
  peer_read_again(a);
  assert_int_equal(peer_error(a, request), GW_CODE_OVERLOADED);
  size_t num = expect_members(a, 0);
  assert_true(num > 0 && num < 50);
  peer_expect_nothing(a);
  assert_int_equal(expect_members(a, get_by_alias(a)), 50);
}

static void test_members_keep_a_channel(void **state) {
  (void)state;
  node.spaces[1].idle_ms = 100;
  node.spaces[1].presence_grace_ms = 8000;
  peer *a = come(here, 1, "x");
  peer_drop(a, 0);
  hubs_pass(&node, 7000);
  assert_int_equal(HUBS_STAT(&node, channels), 1);
  hubs_pass(&node, 9000);
  assert_int_equal(HUBS_STAT(&node, channels), 0);
}

#define BOTH(test)                                        \
  {#test " (owned)", test, start_owned, stop, NULL}, {    \
#test " (followed)", test, start_followed, stop, NULL \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_enter_update_leave),
      BOTH(test_a_snapshot_has_who_is_there),
      BOTH(test_changes_are_gathered),
      BOTH(test_who_comes_and_goes_at_once_is_never_told),
      BOTH(test_saying_the_same_again_is_silent),
      BOTH(test_unsubscribing_leaves),
      BOTH(test_a_goodbye_leaves),
      BOTH(test_who_is_lost_stays_for_the_grace_time),
      BOTH(test_who_comes_back_in_time_is_not_mentioned),
      BOTH(test_the_old_connection_cannot_end_the_new_ones_presence),
      BOTH(test_a_newer_connection_whose_clock_is_behind),
      BOTH(test_one_of_two_connections_is_enough),
      BOTH(test_a_bad_request_is_refused),
      BOTH(test_get),
      BOTH(test_a_large_snapshot_comes_in_parts),
      BOTH(test_many_changes_come_in_several_diffs),
      BOTH(test_a_slow_reader_is_sent_a_snapshot_later),
      BOTH(test_what_is_held_back_does_not_come_at_once),
      BOTH(test_a_subscriber_may_ask_for_more_than_its_queue_holds),
      BOTH(test_a_list_that_is_coming_is_not_begun_again),
      BOTH(test_members_keep_a_channel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
