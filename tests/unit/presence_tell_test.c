/* SPDX-License-Identifier: MIT */
/* presence_tell_test.c - what subscribers are told of a presence in each of its
 * modes, how many bytes that costs them, and how it moves between the modes. */
#include <stdio.h>
#include <stdlib.h>

#include "server/core/channel.h"
#include "server/core/presence.h"
#include "support/hub_rig.h"

static hubs node;
static char name[32];
static uint32_t owner, here;

static int start(uint32_t num_workers, uint32_t of_owner, uint32_t of_reader) {
  hubs_init(&node, num_workers);
  owner = of_owner;
  here = of_reader;
  return 0;
}

static int prepare_owned(void **state) {
  (void)state;
  return start(1, 0, 0);
}

static int prepare_followed(void **state) {
  (void)state;
  return start(3, 2, 1);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static gw_namespace *space(void) {
  return &node.spaces[1];
}

static void begin(void) {
  hubs_start(&node);
  hubs_channel(&node, owner, name);
}

/* ---- members that are not connections: many are cheap ---------------------- */

static gw_channel *channel_there(void) {
  uint32_t code;
  gw_hub *h = node.hub[owner];
  return gws_channel_get(h, gw_view_of(name),
                         gws_hub_hash(h, name, strlen(name)), &code);
}

static void set_as(uint64_t client, const char *user, const char *state,
                   const char *json) {
  gw_presence_command cmd = {
      .client = client,
      .connection = client,
      .opened_ms = 1,
      .user = gw_view_of(user),
      .msg = {.state = gw_view_of(state), .json = gw_view_of(json)}};
  assert_int_equal(gws_presence_set(channel_there(), &cmd), GW_CODE_OK);
}

static void enter(uint64_t client, const char *user) {
  set_as(client, user, "online", "");
}

static void leave(uint64_t client) {
  gws_presence_leave(channel_there(), client, client);
}

static void enter_many(uint64_t first, uint32_t num) {
  char user[32];
  for (uint32_t i = 0; i < num; i++) {
    (void)snprintf(user, sizeof user, "user-%u", (unsigned)(first + i));
    enter(first + i, user);
  }
}

static void leave_many(uint64_t first, uint32_t num) {
  for (uint32_t i = 0; i < num; i++)
    leave(first + i);
}

/* ---- a reader that keeps what it is told ------------------------------------ */

typedef struct view {
  uint64_t version;
  uint32_t mode;
  uint32_t clients;
  uint32_t users;
  uint32_t num_members;
  uint64_t members[4096];
  uint32_t num_firsts;
  uint32_t num_lasts;
  uint32_t num_updates;
  bool is_partial;
} view;

static void add(view *v, uint64_t client) {
  for (uint32_t i = 0; i < v->num_members; i++) {
    if (v->members[i] == client) return;
  }
  assert_true(v->num_members < 4096);
  v->members[v->num_members++] = client;
}

static void drop(view *v, uint64_t client) {
  for (uint32_t i = 0; i < v->num_members; i++) {
    if (v->members[i] == client) v->members[i--] = v->members[--v->num_members];
  }
}

static void take_snapshot(view *v, gw_view body) {
  gw_presence_snapshot s;
  gw_presence_member m;
  gw_view item;
  assert_int_equal(gw_decode_presence_snapshot(body, &s), 0);
  if (!v->is_partial) v->num_members = 0;
  v->is_partial = s.more;
  v->version = s.version;
  v->mode = s.mode;
  v->clients = s.clients;
  v->users = s.users;
  while (gw_list_next(&s.members, &item)) {
    assert_int_equal(gw_decode_presence_member(item, &m), 0);
    add(v, m.client);
  }
}

static void take_diff(view *v, gw_view body) {
  gw_presence_diff d;
  gw_presence_change c;
  gw_view item;
  assert_int_equal(gw_decode_presence_diff(body, &d), 0);
  assert_int_equal(d.version, ++v->version); /* contiguous */
  v->clients = d.clients;
  v->users = d.users;
  while (gw_list_next(&d.changes, &item)) {
    assert_int_equal(gw_decode_presence_change(item, &c), 0);
    if (c.kind == GW_PRESENCE_LEAVE)
      drop(v, c.member.client);
    else
      add(v, c.member.client);
    v->num_firsts += c.first;
    v->num_lasts += c.last;
    v->num_updates += c.kind == GW_PRESENCE_UPDATE;
    assert_true(!c.first || c.kind == GW_PRESENCE_ENTER);
    assert_true(!c.last || c.kind == GW_PRESENCE_LEAVE);
  }
}

/** Take in all that came; the bytes of it, WebSocket headers included. */
static size_t read_all(peer *p, view *v) {
  size_t bytes = 0;
  gw_frame f;
  while (peer_next(p, &f)) {
    bytes += f.body.len + 4 + (f.body.len < 120 ? 2 : 4);
    if (f.head.type == GW_FRAME_PRESENCE_SNAPSHOT)
      take_snapshot(v, f.body);
    else if (f.head.type == GW_FRAME_PRESENCE_DIFF)
      take_diff(v, f.body);
    else
      fail_msg("%s came", gw_type_name(f.head.type));
  }
  return bytes;
}

static peer *watch(view *v) {
  peer *p = peer_join(&node, here, 1);
  gw_subscribe m = {.channel = gw_view_of(name), .presence = true};
  *v = (view){.version = UINT64_MAX};
  peer_subscribe_with(p, 1, &m);
  peer_subscribed(p);
  (void)read_all(p, v);
  assert_true(v->version != UINT64_MAX);
  return p;
}

static void pass(uint64_t ms) {
  hubs_pass(&node, ms);
}

#define GATHERED (GW_PRESENCE_COALESCE_MS + 1)

/* ---- users ------------------------------------------------------------------- */

static void test_a_user_enters_once_and_leaves_once(void **state) {
  (void)state;
  begin();
  view v;
  peer *p = watch(&v);
  enter(1, "ada");
  enter(2, "ada");
  enter(3, "bob");
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.clients, 3);
  assert_int_equal(v.users, 2);
  assert_int_equal(v.num_firsts, 2);
  enter(4, "ada");
  leave(1);
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.users, 2);
  assert_int_equal(v.num_firsts, 2);
  assert_int_equal(v.num_lasts, 0);
  leave(2);
  leave(4);
  leave(3);
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.clients, 0);
  assert_int_equal(v.users, 0);
  assert_int_equal(v.num_lasts, 2);
}

static void test_clients_without_a_name_count_for_themselves(void **state) {
  (void)state;
  begin();
  view v;
  peer *p = watch(&v);
  enter(1, "");
  enter(2, "");
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.users, 2);
  assert_int_equal(v.num_firsts, 2);
  leave(1);
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.users, 1);
  assert_int_equal(v.num_lasts, 1);
}

static void test_a_client_that_becomes_another_user(void **state) {
  (void)state;
  begin();
  view v;
  peer *p = watch(&v);
  enter(1, "ada");
  enter(2, "bob");
  pass(GATHERED);
  (void)read_all(p, &v);
  enter(1, "bob");
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.clients, 2);
  assert_int_equal(v.users, 1);
  assert_int_equal(v.num_firsts, 2); /* bob was here before */
  assert_int_equal(v.num_lasts, 1);  /* ada is gone */
  assert_int_equal(v.num_members, 2);
}

static void test_a_snapshot_has_the_numbers(void **state) {
  (void)state;
  begin();
  enter(1, "ada");
  enter(2, "ada");
  pass(GATHERED);
  view v;
  (void)watch(&v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_FULL);
  assert_int_equal(v.clients, 2);
  assert_int_equal(v.users, 1);
}

/* ---- merge ------------------------------------------------------------------- */

static gw_presence_member only_member(peer *p) {
  gw_presence_get get = {.channel = gw_view_of(name)};
  gw_head head = {.type = GW_FRAME_PRESENCE_GET, .request = ++p->last_request};
  gw_presence_snapshot s;
  gw_presence_member m;
  gw_view item;
  PEER_SEND(p, presence_get, &head, &get);
  gw_frame f = peer_await(p, GW_FRAME_PRESENCE_SNAPSHOT);
  assert_int_equal(gw_decode_presence_snapshot(f.body, &s), 0);
  assert_true(gw_list_next(&s.members, &item));
  assert_int_equal(gw_decode_presence_member(item, &m), 0);
  return m;
}

static uint32_t set(peer *p, const gw_presence_set *m) {
  gw_head head = {.type = GW_FRAME_PRESENCE_SET,
                  .flags = GW_FLAG_ALIAS,
                  .request = ++p->last_request,
                  .channel = 1};
  PEER_SEND(p, presence_set, &head, m);
  return head.request;
}

static peer *member(void) {
  peer *p = peer_join(&node, here, 1);
  peer_subscribe(p, 1, name);
  peer_subscribed(p);
  return p;
}

static void test_fields_are_merged(void **state) {
  (void)state;
  begin();
  peer *p = member();
  set(p,
      &(gw_presence_set){.state = gw_view_of("busy"),
                         .json = gw_view_of("{\"name\":\"Ada\",\"mic\":1}")});
  set(p, &(gw_presence_set){.json = gw_view_of("{\"mic\":null,\"hand\":true}"),
                            .merge = true});
  pass(GATHERED);
  gw_presence_member m = only_member(p);
  assert_true(
      gw_view_eq(m.json, gw_view_of("{\"name\":\"Ada\",\"hand\":true}")));
  assert_true(gw_view_eq(m.state, gw_view_of("busy")));
  set(p, &(gw_presence_set){.state = gw_view_of("away"), .merge = true});
  pass(GATHERED);
  m = only_member(p);
  assert_true(
      gw_view_eq(m.json, gw_view_of("{\"name\":\"Ada\",\"hand\":true}")));
  assert_true(gw_view_eq(m.state, gw_view_of("away")));
}

static void test_a_merge_into_nothing_enters(void **state) {
  (void)state;
  begin();
  peer *p = member();
  set(p, &(gw_presence_set){.json = gw_view_of("{\"a\":1,\"b\":null}"),
                            .merge = true});
  pass(GATHERED);
  assert_true(gw_view_eq(only_member(p).json, gw_view_of("{\"a\":1}")));
}

static void test_a_merge_that_cannot_be(void **state) {
  (void)state;
  node.settings.limits.max_presence_bytes = 30;
  begin();
  peer *p = member();
  uint32_t request =
      set(p, &(gw_presence_set){.data = gw_view_of("x"), .merge = true});
  assert_int_equal(peer_error(p, request), GW_CODE_BAD_REQUEST);
  request =
      set(p, &(gw_presence_set){.json = gw_view_of("{\"a\":"), .merge = true});
  assert_int_equal(peer_error(p, request), GW_CODE_BAD_REQUEST);
  set(p, &(gw_presence_set){.json = gw_view_of("{\"a\":\"123456789\"}")});
  peer_expect(p, GW_FRAME_OK);
  request =
      set(p, &(gw_presence_set){.json = gw_view_of("{\"b\":\"123456789\"}"),
                                .merge = true});
  assert_int_equal(peer_error(p, request), GW_CODE_TOO_BIG);
  pass(GATHERED);
  assert_true(
      gw_view_eq(only_member(p).json, gw_view_of("{\"a\":\"123456789\"}")));
}

static void test_only_states_of_the_namespace(void **state) {
  (void)state;
  assert_true(gw_words_add(&space()->presence_states, gw_view_of("online")));
  assert_true(gw_words_add(&space()->presence_states, gw_view_of("busy")));
  begin();
  peer *p = member();
  uint32_t request = set(p, &(gw_presence_set){.state = gw_view_of("bus")});
  assert_int_equal(peer_error(p, request), GW_CODE_UNKNOWN_STATE);
  set(p, &(gw_presence_set){.state = gw_view_of("busy")});
  peer_expect(p, GW_FRAME_OK);
  set(p, &(gw_presence_set){.json = gw_view_of("{}"), .merge = true});
  peer_expect(p, GW_FRAME_OK);
  set(p, &(gw_presence_set){.json = gw_view_of("{}")}); /* online */
  peer_expect(p, GW_FRAME_OK);
}

/* ---- ids -------------------------------------------------------------------- */

static void test_ids_tell_who_and_no_more(void **state) {
  (void)state;
  space()->presence_mode = GW_PRESENCE_MODE_IDS;
  begin();
  view v;
  peer *p = watch(&v);
  set_as(1, "ada", "busy", "{\"secret\":1}");
  pass(GATHERED);
  gw_frame f = peer_expect(p, GW_FRAME_PRESENCE_DIFF);
  gw_presence_diff d;
  gw_presence_change c;
  gw_view item;
  assert_int_equal(gw_decode_presence_diff(f.body, &d), 0);
  assert_true(gw_list_next(&d.changes, &item));
  assert_int_equal(gw_decode_presence_change(item, &c), 0);
  assert_true(gw_view_eq(c.member.user, gw_view_of("ada")));
  assert_int_equal(c.member.state.len + c.member.json.len, 0);
  assert_int_equal(c.member.since_ms, 0);
  set_as(1, "ada", "away", "{\"secret\":2}");
  pass(GATHERED);
  peer_expect_nothing(p); /* an update is nothing new here */
  gw_presence_member m = only_member(p);
  assert_true(m.client == 1 && m.json.len == 0 && m.state.len == 0);
}

/* ---- counts ------------------------------------------------------------------ */

static void test_counts_are_told_at_intervals(void **state) {
  (void)state;
  space()->presence_mode = GW_PRESENCE_MODE_COUNTS;
  space()->presence_counts_ms = 400;
  begin();
  view v;
  peer *p = watch(&v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_COUNTS);
  uint64_t before = v.version;
  for (unsigned i = 0; i < 10; i++) {
    enter_many(100 + i * 10, 10);
    pass(40);
  }
  pass(100);
  (void)read_all(p, &v);
  assert_true(v.version - before <= 2);
  pass(400);
  (void)read_all(p, &v);
  assert_int_equal(v.clients, 100);
  assert_int_equal(v.users, 100);
  assert_int_equal(v.num_members, 0);
  before = v.version;
  set_as(100, "user-100", "busy", "");
  pass(1000);
  (void)read_all(p, &v);
  assert_int_equal(v.version, before); /* no number has changed */
}

static void test_a_late_reader_gets_the_same_numbers(void **state) {
  (void)state;
  space()->presence_mode = GW_PRESENCE_MODE_COUNTS;
  begin();
  enter_many(1, 50);
  pass(1000);
  view v;
  (void)watch(&v);
  assert_int_equal(v.clients, 50);
  assert_int_equal(v.num_members, 0);
}

/* ---- samples ----------------------------------------------------------------- */

static bool shows(const view *v, uint64_t client) {
  for (uint32_t i = 0; i < v->num_members; i++) {
    if (v->members[i] == client) return true;
  }
  return false;
}

static bool is_there(const view *v, uint64_t first, uint64_t last) {
  for (uint32_t i = 0; i < v->num_members; i++) {
    if (v->members[i] < first || v->members[i] > last) return false;
  }
  return true;
}

static void test_a_sample_is_of_those_who_are_there(void **state) {
  (void)state;
  space()->presence_mode = GW_PRESENCE_MODE_SAMPLED;
  space()->presence_sample = 8;
  begin();
  view v;
  peer *p = watch(&v);
  enter_many(1, 5);
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.num_members, 5);
  enter_many(6, 195);
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.clients, 200);
  assert_int_equal(v.num_members, 8);
  leave_many(1, 150);
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.clients, 50);
  assert_int_equal(v.num_members, 8);
  assert_true(is_there(&v, 151, 200));
  view late;
  peer_free(p);
  (void)watch(&late);
  assert_int_equal(late.num_members, 8);
  for (uint32_t i = 0; i < 8; i++)
    assert_true(shows(&v, late.members[i])); /* everybody is shown the same */
}

static void test_what_drawn_members_tell_is_told(void **state) {
  (void)state;
  space()->presence_mode = GW_PRESENCE_MODE_SAMPLED;
  space()->presence_sample = 4;
  begin();
  enter_many(1, 100);
  pass(600);
  view v;
  peer *p = watch(&v);
  uint64_t drawn = v.members[0], other = 1;
  while (shows(&v, other))
    other++;
  set_as(other, "user-x", "busy", "");
  char user[32];
  (void)snprintf(user, sizeof user, "user-%u", (unsigned)drawn);
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.num_updates, 0);
  set_as(drawn, user, "busy", "");
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.num_updates, 1);
}

/** Each of 50 has the same chance, while others come and go: over 400 drawings of
 * 5, a member is drawn 40 times on average, with a deviation of 6. */
static void test_each_has_the_same_chance(void **state) {
  (void)state;
  space()->presence_mode = GW_PRESENCE_MODE_SAMPLED;
  space()->presence_sample = 5;
  uint32_t times[51] = {0};
  hubs_start(&node);
  for (unsigned round = 0; round < 400; round++) {
    hubs_channel(&node, owner, name);
    enter_many(1, 20);
    pass(600);
    enter_many(1000, 30);
    enter_many(21, 30);
    pass(600);
    leave_many(1000, 30);
    pass(600);
    gw_roster *r = gws_presence_roster(channel_there());
    assert_int_equal(r->num, 5);
    for (uint32_t i = 0; i < r->num; i++)
      times[r->entries[i].client]++;
    gws_roster_unref(r);
    leave_many(1, 50);
    pass(600);
  }
  for (unsigned i = 1; i <= 50; i++)
    assert_in_range(times[i], 40 - 5 * 6, 40 + 5 * 6);
}

/* ---- from mode to mode --------------------------------------------------------- */

static void test_many_turn_into_numbers_and_back(void **state) {
  (void)state;
  space()->presence_full_limit = 100;
  space()->presence_large = GW_PRESENCE_MODE_COUNTS;
  begin();
  view v;
  peer *p = watch(&v);
  enter_many(1, 100);
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_FULL);
  assert_int_equal(v.num_members, 100);
  uint64_t version = v.version;
  enter_many(101, 1);
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_COUNTS);
  assert_int_equal(v.version, version + 1); /* contiguous here, too */
  assert_int_equal(v.clients, 101);
  assert_int_equal(v.num_members, 0);
  leave_many(1, 20); /* 81 are left: not few enough */
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_COUNTS);
  assert_int_equal(v.clients, 81);
  version = v.version;
  leave_many(21, 1);
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_FULL);
  assert_int_equal(v.version, version + 1);
  assert_int_equal(v.clients, 80);
  assert_int_equal(v.num_members, 80);
  assert_true(is_there(&v, 22, 101));
  enter(22, "user-22"); /* nothing new */
  set_as(23, "user-23", "busy", "");
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.num_updates, 1);
  assert_int_equal(HUBS_STAT(&node, presence_modes_total), 2);
}

static void test_many_turn_into_a_sample_and_back(void **state) {
  (void)state;
  space()->presence_full_limit = 50;
  space()->presence_large = GW_PRESENCE_MODE_SAMPLED;
  space()->presence_sample = 10;
  begin();
  view v;
  peer *p = watch(&v);
  enter_many(1, 60);
  pass(GATHERED);
  (void)read_all(p, &v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_SAMPLED);
  assert_int_equal(v.clients, 60);
  assert_int_equal(v.num_members, 10);
  leave_many(1, 59);
  pass(600);
  (void)read_all(p, &v);
  assert_int_equal(v.mode, GW_PRESENCE_MODE_FULL);
  assert_int_equal(v.num_members, 1);
  assert_int_equal(v.members[0], 60);
}

/* ---- who is told outside --------------------------------------------------------- */

static char outside[256];

/** "+1.u", "=1.u" or "-1.u" for each; a ! is for the first or the last. */
static void note(const gw_notice *n) {
  if (n->kind != GW_NOTICE_PRESENCE) return;
  assert_true(gw_view_eq(n->channel, gw_view_of(name)));
  assert_int_equal(n->member.client, n->client);
  size_t len = strlen(outside);
  (void)snprintf(outside + len, sizeof outside - len, "%c%u.%.*s%s ",
                 "+=-"[n->change], (unsigned)n -> client, (int)n -> user.len,
                 (const char *)n->user.data, n->first || n->last ? "!" : "");
}

static void expect_outside(const char *what) {
  pass(600);
  assert_string_equal(outside, what);
  outside[0] = '\0';
}

static void tell_outside_in(uint32_t mode) {
  space()->presence_mode = mode;
  node.tell = note;
  outside[0] = '\0';
  begin();
  enter(1, "u");
  enter(2, "u");
  expect_outside("+1.u! +2.u ");
  set_as(1, "u", "busy", "");
  set_as(2, "u", "online", ""); /* as before */
  expect_outside("=1.u ");
  leave(1);
  enter(3, "u");
  leave(3);
  expect_outside("-1.u ");
  set_as(2, "w", "online", "");
  expect_outside("-2.u! +2.w! ");
  leave(2);
  expect_outside("-2.w! ");
}

static void test_all_of_it_is_told_outside(void **state) {
  (void)state;
  tell_outside_in(GW_PRESENCE_MODE_FULL);
}

static void test_ids_change_nothing_outside(void **state) {
  (void)state;
  tell_outside_in(GW_PRESENCE_MODE_IDS);
}

static void test_counts_change_nothing_outside(void **state) {
  (void)state;
  tell_outside_in(GW_PRESENCE_MODE_COUNTS);
}

/* ---- bytes --------------------------------------------------------------------- */

/**
 * 10,000 members, 200 of them come and 200 go each second, for ten seconds.
 * Returns the bytes that one subscriber is sent a second.
 */
static size_t bytes_a_second(uint32_t mode) {
  space()->presence_full_limit = 1000;
  space()->presence_large = mode;
  begin();
  enter_many(1, 10000);
  pass(1000);
  view v;
  peer *p = watch(&v);
  assert_int_equal(v.clients, 10000);
  assert_int_equal(v.mode, mode);
  size_t bytes = 0;
  uint64_t next = 10001, oldest = 1;
  for (unsigned i = 0; i < 10 * 20; i++) {
    uint32_t num = i % 20 < 10 ? 15 : 5; /* so that the number moves */
    enter_many(next, num);
    leave_many(oldest, 20 - num);
    next += num;
    oldest += 20 - num;
    pass(50);
    bytes += read_all(p, &v);
  }
  pass(1000);
  bytes += read_all(p, &v);
  assert_int_equal(v.mode, mode);
  assert_int_equal(v.clients, 10000);
  return bytes / 11;
}

/** docs/presence.md says these numbers. */
static void test_numbers_cost_a_subscriber_little(void **state) {
  (void)state;
  size_t bytes = bytes_a_second(GW_PRESENCE_MODE_COUNTS);
  print_message("counts: %zu bytes a second\n", bytes);
  assert_in_range(bytes, 1, 50);
}

static void test_a_sample_costs_a_subscriber_little(void **state) {
  (void)state;
  size_t bytes = bytes_a_second(GW_PRESENCE_MODE_SAMPLED);
  print_message("sampled: %zu bytes a second\n", bytes);
  assert_in_range(bytes, 1, 300);
}

#define ON(test, prepare, where) \
  { #test " (" where ")", test, prepare, stop, NULL }
#define BOTH(test) \
  ON(test, prepare_owned, "owned"), ON(test, prepare_followed, "followed")

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_a_user_enters_once_and_leaves_once),
      BOTH(test_clients_without_a_name_count_for_themselves),
      BOTH(test_a_client_that_becomes_another_user),
      BOTH(test_a_snapshot_has_the_numbers),
      BOTH(test_fields_are_merged),
      BOTH(test_a_merge_into_nothing_enters),
      BOTH(test_a_merge_that_cannot_be),
      BOTH(test_only_states_of_the_namespace),
      BOTH(test_ids_tell_who_and_no_more),
      BOTH(test_counts_are_told_at_intervals),
      BOTH(test_a_late_reader_gets_the_same_numbers),
      BOTH(test_a_sample_is_of_those_who_are_there),
      BOTH(test_what_drawn_members_tell_is_told),
      ON(test_each_has_the_same_chance, prepare_owned, "owned"),
      BOTH(test_many_turn_into_numbers_and_back),
      BOTH(test_many_turn_into_a_sample_and_back),
      ON(test_all_of_it_is_told_outside, prepare_owned, "owned"),
      ON(test_ids_change_nothing_outside, prepare_owned, "owned"),
      ON(test_counts_change_nothing_outside, prepare_owned, "owned"),
      BOTH(test_numbers_cost_a_subscriber_little),
      BOTH(test_a_sample_costs_a_subscriber_little),
  };
  return cmocka_run_group_tests_name("presence_tell", tests, NULL, NULL);
}
