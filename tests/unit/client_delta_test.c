/* SPDX-License-Identifier: MIT */
/* client_delta_test.c - publications that come as changes to the one before:
 * handed on whole, or not at all. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "godwit/delta.h"

#define NUMBER 9u

static const char *const docs[] = {
    "{\"who\":\"left pump\",\"rpm\":1520,\"on\":true}",
    "{\"who\":\"left pump\",\"rpm\":1633,\"on\":true}",
    "{\"who\":\"right pump\",\"rpm\":7,\"on\":false}",
};

static void answer_subscribe(rig *r, uint64_t offset, bool delta) {
  gw_head head;
  gw_subscribe asked = rig_sent_subscribe(r, &head);
  assert_true(asked.delta);
  gw_subscribed m = {
      .epoch = RIG_EPOCH, .offset = offset, .live = true, .delta = delta};
  rig_subscribed(r, head.request, NUMBER, &m);
}

/** Live at offset 5. */
static uint32_t live_rig(rig *r, const gw_client_options *options) {
  gw_sub_options o = {.delta = true};
  rig_init(r, options);
  uint32_t sub = rig_sub(r, "pump:1", &o);
  rig_ready(r);
  answer_subscribe(r, 5, true);
  rig_run(r, 6000); /* stable */
  rig_forget(r);
  return sub;
}

static void say(rig *r, const gw_publication *m) {
  uint8_t bytes[2048];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = NUMBER};
  assert_int_equal(gw_encode_publication(&out, &head, m), 0);
  rig_bytes(r, bytes, out.len);
}

static void say_whole(rig *r, uint64_t offset, const char *json) {
  gw_publication m = {.offset = offset, .json = gw_view_of(json)};
  say(r, &m);
}

static void say_delta(rig *r, uint64_t offset, uint64_t base, const char *from,
                      const char *to) {
  static gw_delta_table table;
  uint8_t bytes[1024];
  gw_out out = {bytes, 0, sizeof bytes};
  assert_int_equal(
      gw_delta_make(gw_view_of(from), gw_view_of(to), &table, &out), 0);
  gw_publication m = {
      .offset = offset, .delta = {out.data, out.len}, .delta_base = base};
  say(r, &m);
}

static void expect_json(rig *r, const char *json) {
  const gw_event *e = gw_test_take_event(&r->port, GW_EVENT_PUBLICATION);
  assert_non_null(e);
  assert_int_equal(e->u.publication.payload.type, GW_PAYLOAD_JSON);
  assert_true(rig_view_is(e->u.publication.payload.bytes, json));
}

static void expect_resync(rig *r) {
  rig_expect(r, "sub1:idle degraded sub1:subscribing ");
  assert_int_equal(rig_info(r).num_bad_deltas, 1);
  rig_not_sent(r, GW_FRAME_HELLO); /* the connection stands */
}

/* ---- what is right --------------------------------------------------------- */

static void says_that_it_can(void **state) {
  (void)state;
  rig r;
  gw_hello hello;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_HELLO);
  assert_int_equal(gw_decode_hello(f->body, &hello), 0);
  assert_true((hello.features & GW_FEATURE_DELTA) != 0);
  rig_deinit(&r);
}

static void asks_and_is_told(void **state) {
  (void)state;
  gw_sub_options o = {.delta = true};
  for (int on = 0; on < 2; on++) {
    rig r;
    rig_init(&r, NULL);
    rig_sub(&r, "pump:1", &o);
    rig_ready(&r);
    answer_subscribe(&r, 5, on != 0);
    const gw_event *e;
    do {
      e = gw_test_take_event(&r.port, GW_EVENT_SUB_STATE);
      assert_non_null(e);
    } while (e->u.sub.to != GW_SUB_LIVE);
    assert_int_equal(e->u.sub.delta, on);
    rig_deinit(&r);
  }
}

static void hands_on_what_it_made(void **state) {
  (void)state;
  rig r;
  uint32_t sub = live_rig(&r, NULL);
  say_whole(&r, 6, docs[0]);
  say_delta(&r, 7, 6, docs[0], docs[1]);
  say_delta(&r, 8, 7, docs[1], docs[2]);
  rig_expect(&r, "pub1:6 pub1:7 pub1:8 ");
  for (int i = 0; i < 3; i++)
    expect_json(&r, docs[i]);
  assert_int_equal(gw_client_sub_position(r.c, sub).offset, 8);
  assert_int_equal(rig_info(&r).num_bad_deltas, 0);
  rig_deinit(&r);
}

static void bytes_stay_bytes(void **state) {
  (void)state;
  static gw_delta_table table;
  rig r;
  live_rig(&r, NULL);
  uint8_t bytes[64];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_publication first = {.offset = 6, .data = gw_view_of("\1\2\3 and so on")};
  gw_view next = gw_view_of("\1\2\4 and so on");
  assert_int_equal(gw_delta_make(first.data, next, &table, &out), 0);
  gw_publication second = {
      .offset = 7, .delta = {out.data, out.len}, .delta_base = 6};
  say(&r, &first);
  say(&r, &second);
  gw_test_take_event(&r.port, GW_EVENT_PUBLICATION);
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_PUBLICATION);
  assert_int_equal(e->u.publication.payload.type, GW_PAYLOAD_BYTES);
  assert_true(gw_view_eq(e->u.publication.payload.bytes, next));
  rig_deinit(&r);
}

/** A repeat is handed to nobody, and is the base of the next all the same. */
static void a_repeat_is_a_base(void **state) {
  (void)state;
  rig r;
  live_rig(&r, NULL);
  gw_publication m = {
      .offset = 6, .json = gw_view_of(docs[0]), .client = 3, .key = 1};
  say(&r, &m);
  m.offset = 7;
  m.json = gw_view_of(docs[1]);
  say(&r, &m);
  say_delta(&r, 8, 7, docs[1], docs[2]);
  rig_expect(&r, "pub1:6 pub1:8 ");
  expect_json(&r, docs[0]);
  expect_json(&r, docs[2]);
  rig_deinit(&r);
}

/* ---- what is not ----------------------------------------------------------- */

static void another_base_is_not_handed_on(void **state) {
  (void)state;
  rig r;
  live_rig(&r, NULL);
  say_whole(&r, 6, docs[0]);
  say_delta(&r, 7, 5, docs[0], docs[1]);
  gw_test_take_event(&r.port, GW_EVENT_PUBLICATION);
  assert_null(gw_test_take_event(&r.port, GW_EVENT_PUBLICATION));
  const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_SUB_STATE);
  assert_int_equal(e->u.sub.code, GW_CODE_BAD_DELTA);
  rig_expect(&r, "pub1:6 sub1:idle degraded sub1:subscribing ");
  assert_int_equal(rig_info(&r).num_bad_deltas, 1);
  gw_head head;
  gw_subscribe m = rig_sent_subscribe(&r, &head);
  assert_true(m.recover && m.delta && m.offset == 6);
  rig_deinit(&r);
}

static void a_wrong_base_is_noticed(void **state) {
  (void)state;
  rig r;
  live_rig(&r, NULL);
  say_whole(&r, 6, docs[0]);
  rig_forget(&r);
  say_delta(&r, 7, 6, docs[1], docs[1]); /* by a server that is mistaken */
  expect_resync(&r);
  rig_deinit(&r);
}

static void no_base_at_all(void **state) {
  (void)state;
  rig r;
  live_rig(&r, NULL);
  say_delta(&r, 6, 5, docs[0], docs[1]);
  expect_resync(&r);
  rig_deinit(&r);
}

/** What it had before is no base on the next connection. */
static void forgets_with_the_subscription(void **state) {
  (void)state;
  rig r;
  live_rig(&r, NULL);
  say_whole(&r, 6, docs[0]);
  gw_test_close(&r.port, 1006);
  rig_back(&r);
  answer_subscribe(&r, 6, true);
  rig_forget(&r);
  say_delta(&r, 7, 6, docs[0], docs[1]);
  expect_resync(&r);
  rig_deinit(&r);
}

static void broken_bytes(void **state) {
  (void)state;
  rig r;
  live_rig(&r, NULL);
  say_whole(&r, 6, docs[0]);
  rig_forget(&r);
  gw_publication m = {
      .offset = 7, .delta = gw_view_of("nonsense, is it?"), .delta_base = 6};
  say(&r, &m);
  expect_resync(&r);
  rig_deinit(&r);
}

/** No more memory than a frame may have, whatever a delta says. */
static void a_target_over_the_limit(void **state) {
  (void)state;
  rig r;
  gw_client_options options = {.max_frame_bytes = 2000};
  live_rig(&r, &options);
  say_whole(&r, 6, docs[0]);
  rig_forget(&r);
  const uint8_t bomb[] = {1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0x7F, 0x03, 0x00};
  gw_publication m = {
      .offset = 7, .delta = {bomb, sizeof bomb}, .delta_base = 6};
  say(&r, &m);
  expect_resync(&r);
  rig_deinit(&r);
}

/** At any place: then the connection is begun anew, and nothing leaks. */
static void out_of_memory(void **state) {
  (void)state;
  for (uint64_t fail_at = 1; fail_at < 12; fail_at++) {
    rig r;
    gw_test_alloc memory = {.fail_at = 0};
    gw_client_options options = {.alloc = gw_test_alloc_use(&memory)};
    live_rig(&r, &options);
    say_whole(&r, 6, docs[0]);
    memory.num_calls = 0;
    memory.fail_at = fail_at;
    say_delta(&r, 7, 6, docs[0], docs[1]);
    const gw_event *e = gw_test_take_event(&r.port, GW_EVENT_PUBLICATION);
    e = gw_test_take_event(&r.port, GW_EVENT_PUBLICATION);
    if (e != NULL)
      assert_true(rig_view_is(e->u.publication.payload.bytes, docs[1]));
    rig_deinit(&r);
    assert_int_equal(memory.num_blocks, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_that_it_can),
      cmocka_unit_test(asks_and_is_told),
      cmocka_unit_test(hands_on_what_it_made),
      cmocka_unit_test(bytes_stay_bytes),
      cmocka_unit_test(a_repeat_is_a_base),
      cmocka_unit_test(another_base_is_not_handed_on),
      cmocka_unit_test(a_wrong_base_is_noticed),
      cmocka_unit_test(no_base_at_all),
      cmocka_unit_test(forgets_with_the_subscription),
      cmocka_unit_test(broken_bytes),
      cmocka_unit_test(a_target_over_the_limit),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests_name("client deltas", tests, NULL, NULL);
}
