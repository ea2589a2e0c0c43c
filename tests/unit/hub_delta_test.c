/* SPDX-License-Identifier: MIT */
/* hub_delta_test.c - who is sent publications as changes to the one before, and
 * who is not; on a worker that owns the channel, and on one that follows it. */
#include <stdio.h>

#include "godwit/delta.h"
#include "support/filter_text.h"
#include "support/stream_text.h"

static hubs node;
static char name[32];
static uint32_t here, owner;
static peer *writer;

static int start(uint32_t num, uint32_t peers_at, uint32_t owned_by) {
  hubs_init(&node, num);
  for (int i = 0; i < 2; i++)
    node.spaces[i].delta = true;
  hubs_start(&node);
  here = peers_at;
  owner = owned_by;
  hubs_channel(&node, owner, name);
  writer = peer_join(&node, here, 1);
  return 0;
}

static int start_owned(void **state) {
  (void)state;
  return start(1, 0, 0);
}

static int start_followed(void **state) {
  (void)state;
  return start(3, 1, 2);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/** With other settings. */
static void restart(void) {
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
}

/** A document of some 200 bytes, a few of which are the number. */
static gw_view document(unsigned number) {
  static char text[256];
  int len = snprintf(text, sizeof text, "{\"number\":%u,\"what\":\"%0160d\"}",
                     number, 7);
  return (gw_view){(const uint8_t *)text, (size_t)len};
}

static void publish_by(peer *p, gw_publish m) {
  static unsigned number;
  m.channel = gw_view_of(name);
  if (m.data.len == 0 && !m.removed) m.json = document(number++);
  peer_publish_with(p, &m);
}

static void publish(gw_publish m) {
  publish_by(writer, m);
  (void)peer_published(writer);
}

static void publish_many(unsigned num) {
  while (num-- > 0)
    publish((gw_publish){.key = 0});
}

static const gw_subscribe wanted = {.delta = true};

static bool subscribe_with(peer *p, gw_subscribe m) {
  m.channel = gw_view_of(name);
  peer_subscribe_with(p, 1, &m);
  return peer_subscribed(p).delta;
}

static peer *subscribe(unsigned who) {
  peer *p = peer_join_with_delta(&node, here, who);
  assert_true((p->features & GW_FEATURE_DELTA) != 0);
  assert_true(subscribe_with(p, wanted));
  return p;
}

/* ---- who is ---------------------------------------------------------------- */

static void test_the_first_is_whole(void **state) {
  (void)state;
  peer *a = subscribe(2), *plain = peer_join(&node, here, 3);
  assert_false(subscribe_with(plain, (gw_subscribe){.delta = false}));
  publish_many(2);
  peer *b = subscribe(4);
  publish_many(2);
  expect_stream(a, "1 d2 d3 d4 ");
  expect_stream(b, "3 d4 ");
  expect_stream(plain, "1 2 3 4 ");
  assert_int_equal(HUBS_STAT(&node, deltas_total), 4);
  assert_true(HUBS_STAT(&node, delta_saved_bytes_total) > 4 * 120);
}

/** Two hold the same base: they are sent the same bytes, which make the same. */
static void test_what_it_makes(void **state) {
  (void)state;
  peer *peers[] = {subscribe(2), subscribe(3)};
  publish((gw_publish){.json = document(1000)});
  publish((gw_publish){.data = document(1000)});
  publish((gw_publish){.data = document(2345), .item = gw_view_of("a")});
  for (int i = 0; i < 2; i++) {
    (void)peer_publication(peers[i]);
    gw_publication was = peer_publication(peers[i]);
    assert_int_equal(was.delta.len, 0); /* of another kind */
    uint8_t base[256], made[256];
    memcpy(base, was.data.data, was.data.len);
    gw_publication m = peer_publication(peers[i]);
    gw_out out = {made, 0, sizeof made};
    assert_int_equal(m.data.len + m.json.len, 0);
    assert_int_equal(m.delta_base, 2);
    assert_int_equal(m.item.len, 1);
    assert_int_equal(
        gw_delta_apply((gw_view){base, was.data.len}, m.delta, &out), 0);
    assert_true(gw_view_eq((gw_view){out.data, out.len}, document(2345)));
  }
}

static void test_who_must_not_be(void **state) {
  (void)state;
  peer *unable = peer_join(&node, here, 2);
  assert_int_equal(unable->features, 0);
  assert_false(subscribe_with(unable, wanted));
  publish_many(2);
  expect_stream(unable, "1 2 ");
  for (int i = 0; i < 2; i++)
    node.spaces[i].delta = false;
  restart();
  peer *p = peer_join_with_delta(&node, here, 2);
  assert_false(subscribe_with(p, wanted));
  publish_many(2);
  expect_stream(p, "1 2 ");
}

/** It is told so, and the same publications. */
static void test_a_pattern_has_none(void **state) {
  (void)state;
  node.spaces[1].wildcards = true;
  restart();
  peer *p = peer_join_with_delta(&node, here, 2);
  gw_subscribe m = {.channel = gw_view_of("some.*"), .delta = true};
  peer_subscribe_with(p, 1, &m);
  hubs_pass(&node, 10);
  gw_subscribed told = peer_subscribed(p);
  assert_true(told.wildcard);
  assert_false(told.delta);
  for (unsigned i = 0; i < 2; i++) {
    gw_publish one = {.channel = gw_view_of("some.thing"), .json = document(i)};
    peer_publish_with(writer, &one);
    (void)peer_published(writer);
    gw_publication got = peer_publication(p);
    assert_int_equal(got.delta.len, 0);
    assert_true(gw_view_eq(got.json, document(i)));
  }
}

static void test_what_is_not_worth_it(void **state) {
  (void)state;
  peer *a = subscribe(2);
  uint8_t noise[2][200];
  publish((gw_publish){.data = gw_view_of("short and the same")});
  publish((gw_publish){.data = gw_view_of("short and the same")});
  for (unsigned i = 0; i < sizeof noise; i++)
    noise[i / 200][i % 200] = (uint8_t)(i * i * 31 >> 3);
  for (int i = 0; i < 2; i++)
    publish((gw_publish){.data = {noise[i], sizeof noise[i]}});
  publish((gw_publish){.data = {noise[1], sizeof noise[1]}});
  expect_stream(a, "1 2 3 4 d5 ");
}

/* ---- what breaks the chain ------------------------------------------------- */

static void test_a_filter_leaves_one_out(void **state) {
  (void)state;
  uint8_t bytes[512], tags[64];
  gw_out out = {bytes, 0, sizeof bytes};
  peer *a = peer_join_with_delta(&node, here, 2);
  gw_subscribe m = wanted;
  m.filter = filter_of("kind=a", &out);
  assert_true(subscribe_with(a, m));
  for (const char *kinds = "aabaa"; *kinds != 0; kinds++) {
    char text[] = {'k', 'i', 'n', 'd', '=', *kinds, 0};
    out = (gw_out){tags, 0, sizeof tags};
    publish((gw_publish){.tags = tags_of(text, &out)});
  }
  expect_stream(a, "1 d2 L3-3:F 4 d5 ");
}

static void test_no_echo_is_no_base(void **state) {
  (void)state;
  peer *a = subscribe(2), *b = subscribe(3);
  publish_many(2);
  publish_by(a, (gw_publish){.no_echo = true});
  publish_many(2);
  gw_publication m;
  for (unsigned i = 1; i <= 5; i++) {
    gw_frame f = peer_await(a, GW_FRAME_PUBLICATION);
    assert_int_equal(gw_decode_publication(f.body, &m), 0);
    assert_int_equal(m.offset, i);
    assert_int_equal(m.delta.len != 0, i == 2 || i == 5);
  }
  expect_stream(b, "1 d2 d3 d4 d5 ");
}

static void test_a_slow_reader_begins_anew(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 2000;
  restart();
  peer *a = peer_join_with_delta(&node, here, 2);
  gw_subscribe m = wanted;
  m.overflow = GW_OVERFLOW_DROP;
  assert_true(subscribe_with(a, m));
  publish_many(2);
  expect_stream(a, "1 d2 ");
  a->is_stalled = true;
  publish_many(30);
  peer_read_again(a);
  gw_frame f;
  gw_publication pub;
  bool was_whole = false;
  for (unsigned i = 3; i <= 32; i++) {
    f = peer_expect(a, GW_FRAME_PUBLICATION);
    assert_int_equal(gw_decode_publication(f.body, &pub), 0);
    assert_int_equal(pub.offset, i);
    was_whole |= pub.delta.len == 0;
    assert_int_equal(was_whole, pub.delta.len == 0); /* from there on */
  }
  assert_true(was_whole);
  publish_many(2);
  expect_stream(a, "33 d34 ");
}

static void test_recovery_is_whole(void **state) {
  (void)state;
  publish_many(3);
  peer *a = peer_join_with_delta(&node, here, 2);
  gw_subscribe m = wanted;
  m.recover = true;
  assert_true(subscribe_with(a, m));
  expect_stream(a, "1 2 3 R1-3! ");
  publish_many(2);
  expect_stream(a, "4 d5 ");
  assert_true(subscribe_with(a, wanted)); /* anew */
  publish_many(2);
  expect_stream(a, "6 d7 ");
  assert_false(subscribe_with(a, (gw_subscribe){.delta = false}));
  publish_many(2);
  expect_stream(a, "8 9 ");
}

static void test_a_removal_is_no_base(void **state) {
  (void)state;
  peer *a = subscribe(2);
  publish_many(2);
  publish((gw_publish){.item = gw_view_of("x"), .removed = true});
  publish_many(2);
  expect_stream(a, "1 d2 -3x 4 d5 ");
}

/** Nobody holds what was published while nobody took deltas. */
static void test_after_all_have_left(void **state) {
  (void)state;
  peer *a = subscribe(2);
  publish_many(2);
  expect_stream(a, "1 d2 ");
  peer_drop(a, 0);
  publish_many(1);
  peer *b = subscribe(3);
  publish_many(2);
  expect_stream(b, "4 d5 ");
}

static void test_batches_leave_deltas_alone(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++)
    node.spaces[i].batch_delay_ms = 100;
  restart();
  peer *a = subscribe(2), *plain = peer_join(&node, here, 3);
  assert_false(subscribe_with(plain, (gw_subscribe){.delta = false}));
  publish_many(3);
  expect_stream(a, "1 d2 d3 ");
  peer_expect_nothing(plain);
  hubs_pass(&node, 200);
  expect_stream(plain, "1 2 3 ");
}

#define ON(test, where) \
  cmocka_unit_test_setup_teardown(test, start_##where, stop)
#define BOTH(test) ON(test, owned), ON(test, followed)

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_the_first_is_whole),   BOTH(test_what_it_makes),
      BOTH(test_who_must_not_be),      BOTH(test_a_pattern_has_none),
      BOTH(test_what_is_not_worth_it), BOTH(test_a_filter_leaves_one_out),
      BOTH(test_no_echo_is_no_base),   BOTH(test_a_slow_reader_begins_anew),
      BOTH(test_recovery_is_whole),    BOTH(test_a_removal_is_no_base),
      BOTH(test_after_all_have_left),  BOTH(test_batches_leave_deltas_alone),
  };
  return cmocka_run_group_tests_name("hub deltas", tests, NULL, NULL);
}
