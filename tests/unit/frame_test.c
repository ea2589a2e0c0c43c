/* SPDX-License-Identifier: MIT */
/* frame_test.c - one frame at a time: parse and put. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "godwit/wire.h"

#define MAX GW_MAX_FRAME_BYTES

/** Parses an exact copy, so that a read past the end is caught. */
static int64_t parse(const void *bytes, size_t len, gw_frame *frame) {
  uint8_t *copy = malloc(len != 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  int64_t used = gw_frame_parse((gw_view){copy, len}, MAX, frame);
  free(copy);
  return used;
}

#define PARSE(text, frame) parse(text, sizeof(text) - 1, frame)

static void put_and_parse_give_the_same(void **state) {
  (void)state;
  static const uint32_t ids[] = {0,         1,          127,       128,
                                 16383,     16384,      0x1FFFFF,  0x200000,
                                 0xFFFFFFF, 0x10000000, UINT32_MAX};
  static const size_t lens[] = {0, 1, 123, 124, 16379, 16380, MAX - 12};
  static uint8_t body[MAX];
  static uint8_t space[MAX + GW_FRAME_HEAD_MAX];
  for (size_t i = 0; i < sizeof body; i++)
    body[i] = (uint8_t)(i * 7);
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    for (size_t j = 0; j < sizeof lens / sizeof *lens; j++) {
      gw_out out = {space, 0, sizeof space};
      gw_head head = {14, 0xA5, ids[i], ids[10 - i]};
      gw_frame frame;
      assert_int_equal(0, gw_frame_put(&out, &head, (gw_view){body, lens[j]}));
      gw_view in = {space, out.len};
      assert_int_equal(out.len, gw_frame_parse(in, MAX, &frame));
      assert_int_equal(out.len, frame.len);
      assert_int_equal(head.type, frame.head.type);
      assert_int_equal(head.flags, frame.head.flags);
      assert_int_equal(head.request, frame.head.request);
      assert_int_equal(head.channel, frame.head.channel);
      assert_int_equal(lens[j], frame.body.len);
      assert_memory_equal(body, frame.body.data, lens[j]);
    }
  }
}

static void the_bytes_are_those_of_the_drawing(void **state) {
  (void)state;
  uint8_t space[32];
  gw_out out = {space, 0, sizeof space};
  gw_head head = {GW_FRAME_PUBLISH, GW_FLAG_ALIAS, 300, 4};
  assert_int_equal(0, gw_frame_put(&out, &head, gw_view_of("hi")));
  assert_int_equal(8, out.len);
  assert_memory_equal("\x07\x0c\x01\xac\x02\x04hi", space, 8);
}

static void a_cut_frame_needs_more(void **state) {
  (void)state;
  const char whole[] = "\x07\x0c\x01\xac\x02\x04hi";
  gw_frame frame;
  for (size_t len = 0; len < 8; len++)
    assert_int_equal(0, parse(whole, len, &frame));
  assert_int_equal(8, parse(whole, 8, &frame));
}

static void bytes_after_the_frame_are_left(void **state) {
  (void)state;
  gw_frame frame;
  assert_int_equal(5, PARSE("\x04\x07\x00\x01\x00\xFF\xFF", &frame));
  assert_int_equal(0, frame.body.len);
}

static void a_frame_shorter_than_its_header_is_refused(void **state) {
  (void)state;
  gw_frame frame;
  assert_int_equal(GW_ERR_PROTOCOL, PARSE("\x00", &frame));
  assert_int_equal(GW_ERR_PROTOCOL, PARSE("\x03\x00\x00\x00", &frame));
  /* The ids' varints go on where the frame ends, although bytes follow. */
  assert_int_equal(GW_ERR_PROTOCOL, PARSE("\x04\x00\x00\x80\x80\x01", &frame));
  assert_int_equal(GW_ERR_PROTOCOL, PARSE("\x04\x00\x00\x00\x80\x01", &frame));
}

static void a_number_over_32_bits_is_refused(void **state) {
  (void)state;
  gw_frame frame;
  assert_int_equal(GW_ERR_PROTOCOL, PARSE("\xFF\xFF\xFF\xFF\x10", &frame));
  assert_int_equal(GW_ERR_PROTOCOL, PARSE("\x80\x80\x80\x80\x80\x00", &frame));
  assert_int_equal(GW_ERR_PROTOCOL,
                   PARSE("\x08\x01\x00\xFF\xFF\xFF\xFF\x1F\x00", &frame));
  assert_int_equal(GW_ERR_PROTOCOL,
                   PARSE("\x08\x01\x00\x00\x80\x80\x80\x80\x80", &frame));
}

static void a_length_over_the_limit_is_refused_at_once(void **state) {
  (void)state;
  gw_frame frame;
  gw_view in = {(const uint8_t *)"\xFF\xFF\xFF\xFF\x0F", 5};
  assert_int_equal(GW_ERR_PEER_TOO_BIG, gw_frame_parse(in, MAX, &frame));
  in = gw_view_of("\x65");
  assert_int_equal(GW_ERR_PEER_TOO_BIG, gw_frame_parse(in, 100, &frame));
  assert_int_equal(0, gw_frame_parse(in, 101, &frame));
}

static void put_without_room_changes_nothing(void **state) {
  (void)state;
  uint8_t space[32];
  gw_head head = {GW_FRAME_PUBLISH, 0, 300, 4};
  for (size_t cap = 3; cap < 3 + 8; cap++) {
    gw_out out = {space, 3, cap};
    memset(space, 0xEE, sizeof space);
    assert_int_equal(GW_ERR_FULL, gw_frame_put(&out, &head, gw_view_of("hi")));
    assert_int_equal(3, out.len);
    assert_int_equal(0xEE, space[cap]);
  }
  gw_out none = {NULL, 0, 0};
  assert_int_equal(GW_ERR_FULL, gw_frame_put(&none, &head, gw_view_of("hi")));
}

static void put_refuses_what_no_reader_takes(void **state) {
  (void)state;
  uint8_t space[32];
  gw_out out = {space, 0, sizeof space};
  gw_head head = {GW_FRAME_PUBLISH, 0, 1, 1};
  /* With the four bytes of its header it is one over. */
  gw_view huge = {space, GW_MAX_FRAME_BYTES_HARD - 3};
  assert_int_equal(GW_ERR_TOO_BIG, gw_frame_put(&out, &head, huge));
  assert_int_equal(0, out.len);
}

static void data_is_what_waits_for_credit(void **state) {
  (void)state;
  assert_true(gw_type_is_data(GW_FRAME_PUBLICATION));
  assert_true(gw_type_is_data(GW_FRAME_RPC));
  assert_true(gw_type_is_data(GW_FRAME_MESSAGE));
  assert_true(gw_type_is_data(GW_FRAME_SERVER_SUBSCRIBED));
  assert_false(gw_type_is_data(GW_FRAME_SENT));
  assert_false(gw_type_is_data(GW_FRAME_RPC_RESULT));
  assert_false(gw_type_is_data(GW_FRAME_PUBLISHED));
  assert_false(gw_type_is_data(GW_FRAME_PING));
  assert_false(gw_type_is_data(GW_FRAME_CLOSE));
  /* Types that are not numbers of a bit in 32 bits. */
  assert_false(gw_type_is_data(GW_FRAME_PUBLICATION + 64));
  assert_false(gw_type_is_data(GW_FRAME_CREDIT));
  assert_false(gw_type_is_data(255));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(put_and_parse_give_the_same),
      cmocka_unit_test(the_bytes_are_those_of_the_drawing),
      cmocka_unit_test(a_cut_frame_needs_more),
      cmocka_unit_test(bytes_after_the_frame_are_left),
      cmocka_unit_test(a_frame_shorter_than_its_header_is_refused),
      cmocka_unit_test(a_number_over_32_bits_is_refused),
      cmocka_unit_test(a_length_over_the_limit_is_refused_at_once),
      cmocka_unit_test(put_without_room_changes_nothing),
      cmocka_unit_test(put_refuses_what_no_reader_takes),
      cmocka_unit_test(data_is_what_waits_for_credit),
  };
  return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
