/* SPDX-License-Identifier: MIT */
/* client_unpack_test.c - frames with compressed bodies: handled as if they had come
 * whole, and refused when they are none. */
#include "tests/unit/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <lz4.h>

#define NUMBER    9u
#define MAX_FRAME 4000u

static const gw_welcome welcome = {.version = 1,
                                   .features = GW_FEATURE_COMPRESSION |
                                               GW_FEATURE_CREDIT,
                                   .connection = 5,
                                   .client = RIG_CLIENT_ID};

/** Live at offset 0. */
static void live_rig(rig *r) {
  gw_client_options options = {.max_frame_bytes = MAX_FRAME,
                               .credit_bytes = 1000};
  rig_init(r, &options);
  rig_sub(r, "room:1", NULL);
  assert_int_equal(gw_client_connect(r->c), 0);
  rig_go(r);
  rig_open(r);
  rig_welcome_with(r, &welcome);
  rig_live(r, NUMBER, 0);
  rig_forget(r);
}

static gw_view text_of(size_t len) {
  static char text[MAX_FRAME * 2];
  for (size_t i = 0; i < len; i++)
    text[i] = "all of these rows are alike, row "[i % 33];
  return (gw_view){(const uint8_t *)text, len};
}

/** The body of a publication, encoded. */
static gw_view body_of(uint64_t offset, size_t len) {
  static uint8_t bytes[MAX_FRAME * 2];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_publication m = {.offset = offset, .data = text_of(len)};
  assert_int_equal(gw_encode_publication(&out, NULL, &m), 0);
  return (gw_view){bytes, out.len};
}

/** A frame that says that its body was `size` bytes, and has this block. */
static size_t say(rig *r, uint8_t type, uint32_t size, gw_view block) {
  uint8_t bytes[MAX_FRAME], body[MAX_FRAME];
  gw_out out = {bytes, 0, sizeof bytes};
  size_t len = 0;
  for (; size >= 0x80; size >>= 7)
    body[len++] = (uint8_t)(size | 0x80u);
  body[len++] = (uint8_t)size;
  memcpy(body + len, block.data, block.len);
  gw_head head = {.type = type, .flags = GW_FLAG_COMPRESSED, .channel = NUMBER};
  assert_int_equal(gw_frame_put(&out, &head, (gw_view){body, len + block.len}),
                   0);
  rig_bytes(r, bytes, out.len);
  return out.len;
}

static gw_view pack(gw_view body) {
  static uint8_t block[MAX_FRAME];
  int len = LZ4_compress_default((const char *)body.data, (char *)block,
                                 (int)body.len, sizeof block);
  assert_true(len > 0);
  return (gw_view){block, (size_t)len};
}

static size_t say_publication(rig *r, uint64_t offset, size_t len) {
  gw_view body = body_of(offset, len);
  return say(r, GW_FRAME_PUBLICATION, (uint32_t)body.len, pack(body));
}

static void expect_publication(rig *r, uint64_t offset) {
  const gw_event *e = gw_test_take_event(&r->port, GW_EVENT_PUBLICATION);
  assert_non_null(e);
  assert_int_equal(e->u.publication.position.offset, offset);
}

static void expect_refused(rig *r) {
  assert_int_equal(rig_info(r).code, GW_CODE_PROTOCOL);
  assert_null(gw_test_take_event(&r->port, GW_EVENT_PUBLICATION));
  assert_int_equal(r->port.close_code, 4000 + GW_CODE_PROTOCOL);
}

/* ---- what is right --------------------------------------------------------- */

static void says_which_it_reads(void **state) {
  (void)state;
  rig r;
  gw_hello hello;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  const gw_test_frame *f = rig_sent(&r, GW_FRAME_HELLO);
  assert_int_equal(gw_decode_hello(f->body, &hello), 0);
  assert_true((hello.features & GW_FEATURE_COMPRESSION) != 0);
  assert_int_equal(hello.codec, GW_CODEC_LZ4);
  rig_deinit(&r);
}

static size_t seen_len;
static bool seen_same;

static void look_at(gw_test_port *port, const gw_event *e) {
  (void)port;
  if (e->type != GW_EVENT_PUBLICATION) return;
  gw_view got = e->u.publication.payload.bytes;
  seen_len = got.len;
  seen_same = gw_view_eq(got, text_of(got.len));
}

/** Handlers are shown views into what was made whole. */
static void hands_on_what_was_before(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  r.port.hooks.event = look_at;
  for (uint64_t i = 1; i < 4; i++) {
    size_t len = 400 * i;
    assert_true(say_publication(&r, i, len) < len / 2);
    expect_publication(&r, i);
    assert_int_equal(seen_len, len);
    assert_true(seen_same);
  }
  rig_deinit(&r);
}

static void grants_what_came(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  size_t sum = 0, made = 0;
  gw_credit m = {0};
  for (uint64_t i = 1; m.bytes == 0; i++) {
    assert_true(i < 50);
    sum += say_publication(&r, i, 1500);
    made += 1500;
    const gw_test_frame *f = gw_test_take_frame(&r.port, GW_FRAME_CREDIT);
    if (f != NULL) assert_int_equal(gw_decode_credit(f->body, &m), 0);
  }
  assert_in_range(m.bytes, sum, sum + 100); /* and the answer to Subscribe */
  assert_true(m.bytes < made / 4);
  rig_deinit(&r);
}

/* ---- what is not ----------------------------------------------------------- */

static void refuses_what_is_no_block(void **state) {
  (void)state;
  for (size_t cut = 1; cut < 30; cut++) {
    rig r;
    live_rig(&r);
    gw_view body = body_of(1, 900), block = pack(body);
    block.len -= cut < block.len ? cut : block.len;
    say(&r, GW_FRAME_PUBLICATION, (uint32_t)body.len, block);
    expect_refused(&r);
    rig_deinit(&r);
  }
}

static void refuses_a_wrong_size(void **state) {
  (void)state;
  static const int wrong[] = {-1, 1, 100000, -909};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    rig r;
    live_rig(&r);
    gw_view body = body_of(1, 900);
    assert_true(body.len < 1000);
    uint32_t size = (uint32_t)((int)body.len + wrong[i]);
    say(&r, GW_FRAME_PUBLICATION, size, pack(body));
    expect_refused(&r);
    rig_deinit(&r);
  }
}

/** It may be a good block. */
static void refuses_more_than_a_frame_may_be(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  say_publication(&r, 1, MAX_FRAME - 100);
  expect_publication(&r, 1);
  say_publication(&r, 2, MAX_FRAME + 1);
  expect_refused(&r);
  rig_deinit(&r);
}

static void refuses_it_before_welcome(void **state) {
  (void)state;
  rig r;
  rig_init(&r, NULL);
  assert_int_equal(gw_client_connect(r.c), 0);
  rig_go(&r);
  rig_open(&r);
  uint8_t bytes[200];
  gw_out out = {bytes, 0, sizeof bytes};
  assert_int_equal(gw_encode_welcome(&out, NULL, &welcome), 0);
  say(&r, GW_FRAME_WELCOME, (uint32_t)out.len,
      pack((gw_view){out.data, out.len}));
  expect_refused(&r);
  rig_deinit(&r);
}

static void a_body_inside_that_is_broken(void **state) {
  (void)state;
  rig r;
  live_rig(&r);
  gw_view text = text_of(500);
  say(&r, GW_FRAME_PUBLICATION, 500, pack(text));
  expect_refused(&r);
  rig_deinit(&r);
}

/** It comes back: there may be memory then. */
static void without_memory(void **state) {
  (void)state;
  gw_test_alloc a = {.fail_at = 0};
  gw_client_options o = {.alloc = gw_test_alloc_use(&a)};
  rig r;
  rig_init(&r, &o);
  rig_sub(&r, "room:1", NULL);
  rig_ready(&r);
  rig_live(&r, NUMBER, 0);
  a.fail_at = a.num_calls + 1;
  say_publication(&r, 1, 1500);
  assert_int_equal(rig_info(&r).code, GW_CODE_CONNECTION_LOST);
  assert_int_equal(rig_info(&r).state, GW_STATE_WAITING);
  a.fail_at = 0;
  rig_back(&r);
  rig_deinit(&r);
  assert_int_equal(a.num_blocks, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_which_it_reads),
      cmocka_unit_test(hands_on_what_was_before),
      cmocka_unit_test(grants_what_came),
      cmocka_unit_test(refuses_what_is_no_block),
      cmocka_unit_test(refuses_a_wrong_size),
      cmocka_unit_test(refuses_more_than_a_frame_may_be),
      cmocka_unit_test(refuses_it_before_welcome),
      cmocka_unit_test(a_body_inside_that_is_broken),
      cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
