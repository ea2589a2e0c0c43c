/* SPDX-License-Identifier: MIT */
/* filtered_test.c - subscribers that want only some of a channel: live, from the
 * history, when they are slow; on a worker that owns it, and alike on one that
 * follows it. */
#include <stdio.h>

#include "support/filter_text.h"
#include "support/stream_text.h"

static hubs node;
static char name[32];
static uint32_t here, owner;
static peer *writer;
static uint64_t epoch;

static int start(uint32_t num, uint32_t peers_at, uint32_t owned_by) {
  hubs_init(&node, num);
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

/** A publication for each letter, which is its tag "kind". */
static void publish(const char *kinds) {
  for (; *kinds != 0; kinds++) {
    uint8_t bytes[64];
    char text[] = {'k', 'i', 'n', 'd', '=', *kinds, 0};
    gw_out out = {bytes, 0, sizeof bytes};
    gw_publish m = {.channel = gw_view_of(name),
                    .data = gw_view_of("x"),
                    .tags = tags_of(text, &out)};
    peer_publish_with(writer, &m);
    epoch = peer_published(writer).epoch;
  }
}

static void publish_many(const char *kind, unsigned num) {
  for (unsigned i = 0; i < num; i++)
    publish(kind);
}

static void subscribe_with(peer *p, const char *filter, gw_subscribe m,
                           const char *want) {
  uint8_t bytes[512];
  gw_out out = {bytes, 0, sizeof bytes};
  m.channel = gw_view_of(name);
  m.filter = filter_of(filter, &out);
  peer_subscribe_with(p, 1, &m);
  epoch = expect_subscribed(p, want);
}

static peer *subscribe(unsigned who, const char *filter, const char *want) {
  peer *p = peer_join(&node, here, who);
  subscribe_with(p, filter, (gw_subscribe){.recover = false}, want);
  return p;
}

static peer *recover(unsigned who, const char *filter, uint64_t offset,
                     const char *want) {
  peer *p = peer_join(&node, here, who);
  gw_subscribe m = {.recover = true, .epoch = epoch, .offset = offset};
  subscribe_with(p, filter, m, want);
  return p;
}

static void test_only_what_passes_comes(void **state) {
  (void)state;
  peer *a = subscribe(2, "kind=a", "0 CONTINUOUS live");
  peer *b = subscribe(3, "kind@b,c", "0 CONTINUOUS live");
  peer *all = peer_join(&node, here, 4);
  peer_subscribe(all, 1, name);
  expect_subscribed(all, "0 CONTINUOUS live");
  publish("ab.acb");
  expect_stream(a, "1 L2-3:F 4 ");
  expect_stream(b, "L1-1:F 2 L3-4:F 5 6 ");
  expect_stream(all, "1 2 3 4 5 6 ");
}

static void test_what_is_left_out_is_told_in_time(void **state) {
  (void)state;
  peer *a = subscribe(2, "kind=a", "0 CONTINUOUS live");
  publish("bb");
  peer_expect_nothing(a);
  hubs_pass(&node, GW_FILTERED_MAX_MS);
  expect_stream(a, "L1-2:F ");
  hubs_pass(&node, 2 * GW_FILTERED_MAX_MS);
  peer_expect_nothing(a);
  publish("a");
  expect_stream(a, "3 ");
}

static void test_what_is_left_out_is_told_by_number(void **state) {
  (void)state;
  peer *a = subscribe(2, "kind=a", "0 CONTINUOUS live");
  publish_many("b", GW_FILTERED_MAX - 1);
  peer_expect_nothing(a);
  publish("b");
  expect_stream(a, "L1-256:F ");
}

static void test_recovery_leaves_out_as_well(void **state) {
  (void)state;
  publish("abbaab");
  expect_stream(recover(2, "kind=a", 1, "1 RECOVERED"),
                "L2-3:F 4 5 L6-6:F R2-6! ");
  expect_stream(recover(3, "kind=x", 0, "0 RECOVERED"), "L1-6:F R1-6! ");
  epoch = 0;
  expect_stream(recover(4, "kind=b", 0, "0 RECOVERED"),
                "L1-1:F 2 3 L4-5:F 6 R1-6! ");
}

static void test_losses_are_told_among_what_is_left_out(void **state) {
  (void)state;
  node.spaces[1].history_size = 4;
  publish("aaabbaba");
  expect_stream(recover(2, "kind=a", 1, "4 GAP:T2-4"),
                "L5-5:F 6 L7-7:F 8 R5-8! ");
}

/** A loss in the middle, and then nothing but what does not pass: the end of the
 * recovery has to be told all the same. */
static void test_loss_in_front_of_what_is_left_out(void **state) {
  (void)state;
  uint8_t bytes[64];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_publish m = {.channel = gw_view_of(name),
                  .data = gw_view_of("x"),
                  .ttl_ms = 50,
                  .tags = tags_of("kind=a", &out)};
  publish("a");
  peer_publish_with(writer, &m);
  (void)peer_published(writer);
  publish("b");
  hubs_pass(&node, 1000);
  expect_stream(recover(2, "kind=a", 0, "0 RECOVERED"),
                "1 R1-1 G2-2:E L3-3:F R3-3! ");
}

static void test_slow_reader_with_a_filter(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 150;
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
  peer *p = peer_join(&node, here, 2);
  gw_subscribe m = {.overflow = GW_OVERFLOW_DROP};
  subscribe_with(p, "kind=a", m, "0 CONTINUOUS live");
  p->is_stalled = true;
  publish("abbaabba");
  peer_read_again(p);
  expect_stream(p, "1 L2-3:F 4 5 L6-7:F 8 ");
  publish("ba");
  expect_stream(p, "L9-9:F 10 ");
}

static void test_sample_with_a_filter(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 150;
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
  peer *p = peer_join(&node, here, 2);
  gw_subscribe m = {.overflow = GW_OVERFLOW_SAMPLE};
  subscribe_with(p, "kind=a", m, "0 CONTINUOUS live");
  p->is_stalled = true;
  publish("aabbaab");
  peer_read_again(p);
  expect_stream(p, "1 L2-5:S 6 L7-7:F ");
}

/** A reader that takes nothing is not told again and again. */
static void test_stalled_reader_costs_nothing(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 100;
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
  peer *a = subscribe(2, "kind=a", "0 CONTINUOUS live");
  a->is_stalled = true;
  publish("a");
  publish_many("b", 10 * GW_FILTERED_MAX);
  assert_false(a->is_closing);
  assert_true(HUBS_STAT(&node, queue_bytes) < 200);
  peer_read_again(a);
  hubs_pass(&node, GW_FILTERED_MAX_MS);
  gw_frame f;
  uint64_t to = 0;
  while (peer_next(a, &f)) {
    gw_lagged lag;
    if (f.head.type != GW_FRAME_LAGGED) continue;
    assert_int_equal(gw_decode_lagged(f.body, &lag), 0);
    to = lag.to;
  }
  assert_int_equal(to, 2561);
}

static void test_no_echo_with_a_filter(void **state) {
  (void)state;
  subscribe_with(writer, "kind=a", (gw_subscribe){.recover = false},
                 "0 CONTINUOUS live");
  uint8_t bytes[64];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_publish m = {.channel = gw_view_of(name),
                  .data = gw_view_of("x"),
                  .no_echo = true,
                  .tags = tags_of("kind=a", &out)};
  peer_publish_with(writer, &m);
  peer_published(writer);
  expect_stream(writer, "o1 ");
}

static void test_another_filter_by_subscribing_again(void **state) {
  (void)state;
  peer *a = subscribe(2, "kind=a", "0 CONTINUOUS live");
  publish("ab");
  expect_stream(a, "1 ");
  gw_subscribe m = {.recover = true, .epoch = epoch, .offset = 1};
  subscribe_with(a, "kind=b", m, "1 RECOVERED");
  expect_stream(a, "2 R2-2! ");
  publish("ab");
  expect_stream(a, "L3-3:F 4 ");
  subscribe_with(a, "", (gw_subscribe){.recover = false}, "4 CONTINUOUS live");
  publish("ab");
  expect_stream(a, "5 6 ");
  peer_send_empty(a, GW_FRAME_UNSUBSCRIBE, 1);
  expect_stream(a, "U521 ");
}

static void test_with_others_that_gather(void **state) {
  (void)state;
  node.spaces[1].batch_delay_ms = 50;
  peer *a = subscribe(2, "kind=a", "0 CONTINUOUS live");
  peer *all = peer_join(&node, here, 4);
  peer_subscribe(all, 1, name);
  expect_subscribed(all, "0 CONTINUOUS live");
  publish("aba");
  peer_expect_nothing(all);
  expect_stream(a, "1 L2-2:F 3 ");
  hubs_pass(&node, 50);
  expect_stream(all, "1 2 3 ");
}

/** One with a filter falls behind, which lets go what others gather, by which
 * one of these falls behind as well, and seats move: nobody is passed over. */
static void test_seats_that_move_in_between(void **state) {
  (void)state;
  node.spaces[1].batch_delay_ms = 1000;
  node.spaces[1].batch_bytes = 200; /* four, of which `all` is full */
  node.settings.limits.max_queue_bytes = 300;
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
  peer *all = peer_join(&node, here, 2);
  gw_subscribe m = {.overflow = GW_OVERFLOW_DROP};
  subscribe_with(all, "", m, "0 CONTINUOUS live");
  peer *slow = peer_join(&node, here, 3);
  subscribe_with(slow, "kind=a", m, "0 CONTINUOUS live");
  peer *b = subscribe(4, "kind=a", "0 CONTINUOUS live");
  peer *c = subscribe(5, "kind=a", "0 CONTINUOUS live");
  all->is_stalled = slow->is_stalled = true;
  publish("bbaaaaaa");
  expect_stream(b, "L1-2:F 3 4 5 6 7 8 ");
  expect_stream(c, "L1-2:F 3 4 5 6 7 8 ");
}

static void test_bad_filter_is_refused(void **state) {
  (void)state;
  uint8_t bytes[64];
  gw_out out = {bytes, 0, sizeof bytes};
  peer *p = peer_join(&node, here, 2);
  gw_subscribe m = {.channel = gw_view_of(name),
                    .filter = filter_of("a? b? &3", &out)};
  peer_subscribe_with(p, 1, &m);
  gw_error e;
  gw_frame f = peer_expect(p, GW_FRAME_ERROR);
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_int_equal(e.code, GW_CODE_BAD_REQUEST);
  assert_true(gw_view_eq(e.field, gw_view_of("filter[2].op")));
  assert_int_equal(HUBS_STAT(&node, subscriptions), 0);
}

static uint32_t refused(const char *tags, const char *field) {
  uint8_t bytes[8192];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_publish m = {.channel = gw_view_of(name), .tags = tags_of(tags, &out)};
  peer_publish_with(writer, &m);
  gw_error e;
  gw_frame f = peer_expect(writer, GW_FRAME_ERROR);
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_true(gw_view_eq(e.field, gw_view_of(field)));
  return e.code;
}

static void test_bad_tags_are_refused(void **state) {
  (void)state;
  char text[512] = "";
  assert_int_equal(refused("=x", "tags.name"), GW_CODE_BAD_REQUEST);
  assert_int_equal(refused("a=x b=x a=y", "tags.name"), GW_CODE_BAD_REQUEST);
  assert_int_equal(refused("a=\xff", "tags.value"), GW_CODE_BAD_TEXT);
  for (int i = 0; i < 17; i++)
    (void)sprintf(text + strlen(text), "t%d=x ", i);
  assert_int_equal(refused(text, "tags"), GW_CODE_TOO_BIG);
  memset(text, 'n', sizeof text);
  memcpy(text + GW_MAX_TAG_NAME_BYTES + 1, "=x", 3);
  assert_int_equal(refused(text, "tags.name"), GW_CODE_TOO_BIG);
  memset(text, 'n', sizeof text);
  text[1] = '=';
  text[GW_MAX_TAG_VALUE_BYTES + 3] = 0;
  assert_int_equal(refused(text, "tags.value"), GW_CODE_TOO_BIG);
}

#define BOTH(test)                                        \
  {#test " (owned)", test, start_owned, stop, NULL}, {    \
#test " (followed)", test, start_followed, stop, NULL \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_only_what_passes_comes),
      BOTH(test_what_is_left_out_is_told_in_time),
      BOTH(test_what_is_left_out_is_told_by_number),
      BOTH(test_recovery_leaves_out_as_well),
      BOTH(test_losses_are_told_among_what_is_left_out),
      BOTH(test_loss_in_front_of_what_is_left_out),
      BOTH(test_slow_reader_with_a_filter),
      BOTH(test_sample_with_a_filter),
      BOTH(test_stalled_reader_costs_nothing),
      BOTH(test_no_echo_with_a_filter),
      BOTH(test_another_filter_by_subscribing_again),
      BOTH(test_with_others_that_gather),
      BOTH(test_seats_that_move_in_between),
      BOTH(test_bad_filter_is_refused),
      BOTH(test_bad_tags_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
