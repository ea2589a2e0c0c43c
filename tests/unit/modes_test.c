/* SPDX-License-Identifier: MIT */
/* modes_test.c - channels that keep the newest publication, or the newest of each
 * item: on a worker that owns the channel, and alike on one that follows it. */
#include <stdio.h>

#include "support/stream_text.h"

static hubs node;
static char name[32];
static uint32_t here, owner;
static peer *writer;
static uint64_t epoch;

static int start(uint32_t num, uint32_t peers_at, uint32_t owned_by,
                 enum gw_history_mode mode) {
  hubs_init(&node, num);
  node.spaces[1].history_mode = mode;
  node.spaces[1].history_size = 20;
  hubs_start(&node);
  here = peers_at;
  owner = owned_by;
  hubs_channel(&node, owner, name);
  writer = peer_join(&node, here, 1);
  return 0;
}

static int start_owned_map(void **state) {
  (void)state;
  return start(1, 0, 0, GW_HISTORY_MAP);
}

static int start_followed_map(void **state) {
  (void)state;
  return start(3, 1, 2, GW_HISTORY_MAP);
}

static int start_owned_latest(void **state) {
  (void)state;
  return start(1, 0, 0, GW_HISTORY_LATEST);
}

static int start_followed_latest(void **state) {
  (void)state;
  return start(3, 1, 2, GW_HISTORY_LATEST);
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

/** About items named by letters, '.' being none; a minus before one removes
 * it. */
static void publish(const char *items) {
  for (; *items != 0; items++) {
    gw_publish m = {.channel = gw_view_of(name)};
    m.removed = *items == '-';
    if (m.removed) items++;
    if (*items != '.') m.item = (gw_view){(const uint8_t *)items, 1};
    if (!m.removed) m.data = gw_view_of("x");
    peer_publish_with(writer, &m);
    epoch = peer_published(writer).epoch;
  }
}

static peer *subscribe_from(unsigned who, uint64_t from_epoch, uint64_t offset,
                            const char *want) {
  peer *p = peer_join(&node, here, who);
  gw_subscribe m = {.channel = gw_view_of(name),
                    .recover = true,
                    .epoch = from_epoch,
                    .offset = offset};
  peer_subscribe_with(p, 1, &m);
  epoch = expect_subscribed(p, want);
  return p;
}

static uint32_t refused(const gw_publish *m, const char *field) {
  gw_error e;
  peer_publish_with(writer, m);
  gw_frame f = peer_expect(writer, GW_FRAME_ERROR);
  assert_int_equal(gw_decode_error(f.body, &e), 0);
  assert_true(gw_view_eq(e.field, gw_view_of(field)));
  return e.code;
}

static gw_publish about(const char *item) {
  return (gw_publish){.channel = gw_view_of(name),
                      .data = gw_view_of("x"),
                      .item = gw_view_of(item)};
}

/* ---- maps ------------------------------------------------------------------ */

static void test_map_from_nothing_is_all_items(void **state) {
  (void)state;
  peer *live = subscribe_from(2, 0, 0, "0 ANEW:A1-0 live");
  publish("abac-b");
  expect_stream(live, "1a 2b 3a 4c -5b ");
  peer *p = subscribe_from(3, 0, 0, "2 ANEW:A1-0");
  expect_stream(p, "3a 4c -5b R3-5! ");
  publish("a-xd");
  expect_stream(p, "6a -7x 8d ");
  expect_stream(subscribe_from(4, 0, 0, "3 ANEW:A1-0"),
                "4c -5b 6a L7-7:s 8d R4-8! ");
}

static void test_map_from_a_position_is_what_changed(void **state) {
  (void)state;
  publish("abcd");
  subscribe_from(2, epoch, 4, "4 CONTINUOUS live");
  publish("ab-ca");
  expect_stream(subscribe_from(3, epoch, 4, "4 RECOVERED"),
                "L5-5:s 6b -7c 8a R5-8! ");
  expect_stream(subscribe_from(4, epoch, 2, "2 RECOVERED"),
                "L3-3:s 4d L5-5:s 6b -7c 8a R3-8! ");
  expect_stream(subscribe_from(5, epoch, 7, "7 RECOVERED"), "8a R8-8! ");
}

static void test_map_of_forgotten_removals_starts_anew(void **state) {
  (void)state;
  node.spaces[1].history_size = 4;
  publish("a");
  for (int i = 0; i < 17; i++) { /* one more than are remembered */
    char items[] = {(char)('b' + i), '-', (char)('b' + i), 0};
    publish(items);
  }
  /* The removal at 3 is forgotten. */
  expect_stream(subscribe_from(2, epoch, 3, "3 RECOVERED"),
                "L4-4:s -5c L6-6:s -7d L8-8:s -9e L10-10:s -11f L12-12:s -13g "
                "L14-14:s -15h L16-16:s -17i L18-18:s -19j L20-20:s -21k "
                "L22-22:s -23l L24-24:s -25m L26-26:s -27n L28-28:s -29o "
                "L30-30:s -31p L32-32:s -33q L34-34:s -35r R4-35! ");
  peer *p = subscribe_from(3, epoch, 2, "0 ANEW:A3-0");
  gw_publication m = peer_publication(p);
  assert_true(gw_view_eq(m.item, gw_view_of("a")));
}

static void test_map_of_another_epoch_starts_anew(void **state) {
  (void)state;
  publish("ab");
  expect_stream(subscribe_from(2, epoch + 1, 70, "0 ANEW:A71-0"),
                "1a 2b R1-2! ");
  expect_stream(subscribe_from(3, epoch, 70, "0 ANEW:A71-0"), "1a 2b R1-2! ");
}

static void test_map_goes_to_who_joins_from_now_on(void **state) {
  (void)state;
  publish("ab");
  peer *p = peer_join(&node, here, 2);
  peer_subscribe(p, 1, name);
  expect_subscribed(p, "2 CONTINUOUS live");
  publish("-b");
  expect_stream(p, "-3b ");
}

static void test_map_needs_items(void **state) {
  (void)state;
  gw_publish m = {.channel = gw_view_of(name), .data = gw_view_of("x")};
  assert_int_equal(refused(&m, "item"), GW_CODE_BAD_REQUEST);
  m.item = gw_view_of("a");
  m.removed = true;
  assert_int_equal(refused(&m, "removed"), GW_CODE_BAD_REQUEST);
  m.item = gw_view_of("a\xff");
  assert_int_equal(refused(&m, "item"), GW_CODE_BAD_TEXT);
}

static void test_full_map_takes_no_new_items(void **state) {
  (void)state;
  node.spaces[1].history_size = 2;
  publish("ab");
  gw_publish c = about("c");
  c.key = 1;
  assert_int_equal(refused(&c, ""), GW_CODE_LIMIT_REACHED);
  publish("a-b");
  peer_publish_with(writer, &c);
  assert_int_equal(peer_published(writer).offset, 5);
  node.spaces[1].history_bytes = 200;
  static const char big[300];
  c.key = 0;
  c.data = (gw_view){(const uint8_t *)big, sizeof big};
  assert_int_equal(refused(&c, ""), GW_CODE_LIMIT_REACHED);
}

static void test_compare_and_set_of_an_item(void **state) {
  (void)state;
  gw_publish m = about("a");
  m.compare_item = true;
  peer_publish_with(writer, &m); /* there is none */
  gw_published was = peer_published(writer);
  assert_int_equal(was.offset, 1);
  assert_int_equal(refused(&m, ""), GW_CODE_CONFLICT);
  publish("b"); /* another item is nothing to it */
  m.epoch = was.epoch;
  m.offset = 1;
  m.key = 7;
  peer_publish_with(writer, &m);
  assert_int_equal(peer_published(writer).offset, 3);
  peer_publish_with(writer, &m); /* a repeat has succeeded */
  was = peer_published(writer);
  assert_int_equal(was.offset, 3);
  assert_true(was.duplicate);
  m.key = 0;
  assert_int_equal(refused(&m, ""), GW_CODE_CONFLICT);
  m.offset = 3;
  m.epoch++;
  assert_int_equal(refused(&m, ""), GW_CODE_CONFLICT);
  m.epoch--;
  m.removed = true;
  m.data.len = 0;
  peer_publish_with(writer, &m);
  assert_int_equal(peer_published(writer).offset, 4);
  m = about("a");
  m.compare_item = true;
  m.offset = 4; /* that is gone, so it is no item's */
  m.epoch = was.epoch;
  assert_int_equal(refused(&m, ""), GW_CODE_CONFLICT);
  m.offset = 0;
  peer_publish_with(writer, &m);
  assert_int_equal(peer_published(writer).offset, 5);
}

static void test_end_of_an_item_is_told(void **state) {
  (void)state;
  peer *live = subscribe_from(2, 0, 0, "0 ANEW:A1-0 live");
  gw_publish m = about("a");
  m.ttl_ms = 1000;
  peer_publish_with(writer, &m);
  peer_published(writer);
  m.item = gw_view_of("b");
  m.ttl_ms = 3000;
  peer_publish_with(writer, &m);
  peer_published(writer);
  expect_stream(live, "1a 2b ");
  hubs_pass(&node, 999);
  peer_expect_nothing(live);
  hubs_pass(&node, 1);
  expect_stream(live, "-3a ");
  m.ttl_ms = 0; /* said anew, without an end */
  peer_publish_with(writer, &m);
  peer_published(writer);
  hubs_pass(&node, 10000);
  expect_stream(live, "4b ");
  expect_stream(subscribe_from(3, epoch, 2, "2 RECOVERED"), "-3a 4b R3-4! ");
}

static void test_namespace_ends_items(void **state) {
  (void)state;
  node.spaces[1].item_ttl_ms = 500;
  peer *live = subscribe_from(2, 0, 0, "0 ANEW:A1-0 live");
  gw_publish m = about("a");
  m.ttl_ms = 60000;
  peer_publish_with(writer, &m);
  peer_published(writer);
  expect_stream(live, "1a ");
  hubs_pass(&node, 500);
  expect_stream(live, "-2a ");
}

static void test_many_words_about_the_end_cost_little(void **state) {
  (void)state;
  gw_publish m = about("a");
  for (uint32_t i = 0; i < 1000; i++) {
    m.ttl_ms = 1000 + i;
    peer_publish_with(writer, &m);
    peer_published(writer);
  }
  peer *live = subscribe_from(2, 0, 0, "999 ANEW:A1-0");
  expect_stream(live, "1000a R1000-1000! ");
  hubs_pass(&node, 1998);
  peer_expect_nothing(live);
  hubs_pass(&node, 1);
  expect_stream(live, "-1001a ");
}

/** A slow reader of a map is sent what it has become. */
static void test_slow_reader_of_a_map(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 200;
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
  peer *p = peer_join(&node, here, 2);
  gw_subscribe m = {.channel = gw_view_of(name),
                    .overflow = GW_OVERFLOW_CONFLATE};
  peer_subscribe_with(p, 1, &m);
  epoch = expect_subscribed(p, "0 CONTINUOUS live");
  p->is_stalled = true;
  publish("abababab-bac");
  peer_read_again(p);
  expect_stream(p, "1a 2b L3-8:S -9b 10a 11c ");
}

/** Removals that a slow reader has not heard of may be forgotten meanwhile: then
 * it has to begin anew. */
static void test_very_slow_reader_of_a_map_is_sent_back(void **state) {
  (void)state;
  node.settings.limits.max_queue_bytes = 200;
  hubs_stop(&node);
  hubs_start(&node);
  writer = peer_join(&node, here, 1);
  peer *p = peer_join(&node, here, 2);
  gw_subscribe m = {.channel = gw_view_of(name), .overflow = GW_OVERFLOW_DROP};
  peer_subscribe_with(p, 1, &m);
  epoch = expect_subscribed(p, "0 CONTINUOUS live");
  p->is_stalled = true;
  publish("abcde");
  for (char c = 'f'; c <= 'z'; c++) {
    char items[] = {c, '-', c, 0};
    publish(items);
  }
  peer_read_again(p);
  expect_stream(p, "1a 2b U401 ");
  m = (gw_subscribe){.channel = gw_view_of(name),
                     .recover = true,
                     .epoch = epoch,
                     .offset = 2};
  peer_subscribe_with(p, 1, &m);
  expect_subscribed(p, "0 ANEW:A3-0");
}

/* ---- the latest ------------------------------------------------------------ */

static void test_latest_is_all_that_is_recovered(void **state) {
  (void)state;
  peer *live = subscribe_from(2, 0, 0, "0 RECOVERED live");
  publish("...");
  expect_stream(live, "1 2 3 ");
  expect_stream(subscribe_from(3, 0, 0, "2 RECOVERED"), "3 R3-3! ");
  expect_stream(subscribe_from(4, epoch, 1, "1 RECOVERED"), "L2-2:s 3 R2-3! ");
  expect_stream(subscribe_from(5, epoch, 2, "2 RECOVERED"), "3 R3-3! ");
  subscribe_from(6, epoch, 3, "3 CONTINUOUS live");
  publish(".......");
  expect_stream(subscribe_from(7, epoch, 1, "1 RECOVERED"),
                "L2-9:s 10 R2-10! ");
}

static void test_latest_of_another_epoch_starts_anew(void **state) {
  (void)state;
  publish("..");
  expect_stream(subscribe_from(2, epoch + 1, 70, "1 ANEW:A71-0"), "2 R2-2! ");
}

static void test_latest_that_is_over_is_a_loss(void **state) {
  (void)state;
  publish("..");
  gw_publish m = {.channel = gw_view_of(name), .ttl_ms = 100};
  peer_publish_with(writer, &m);
  peer_published(writer);
  hubs_pass(&node, 3000);
  expect_stream(subscribe_from(2, epoch, 1, "1 RECOVERED"), "G2-3:E! ");
  publish("."); /* which takes the place of them all */
  expect_stream(subscribe_from(3, epoch, 1, "1 RECOVERED"), "L2-3:s 4 R2-4! ");
}

#define TEST(test, kind)                                         \
  {#test " (owned)", test, start_owned_##kind, stop, NULL}, {    \
#test " (followed)", test, start_followed_##kind, stop, NULL \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_map_from_nothing_is_all_items, map),
      TEST(test_map_from_a_position_is_what_changed, map),
      TEST(test_map_of_forgotten_removals_starts_anew, map),
      TEST(test_map_of_another_epoch_starts_anew, map),
      TEST(test_map_goes_to_who_joins_from_now_on, map),
      TEST(test_map_needs_items, map),
      TEST(test_full_map_takes_no_new_items, map),
      TEST(test_compare_and_set_of_an_item, map),
      TEST(test_end_of_an_item_is_told, map),
      TEST(test_namespace_ends_items, map),
      TEST(test_many_words_about_the_end_cost_little, map),
      TEST(test_slow_reader_of_a_map, map),
      TEST(test_very_slow_reader_of_a_map_is_sent_back, map),
      TEST(test_latest_is_all_that_is_recovered, latest),
      TEST(test_latest_of_another_epoch_starts_anew, latest),
      TEST(test_latest_that_is_over_is_a_loss, latest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
