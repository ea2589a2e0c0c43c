/* SPDX-License-Identifier: MIT */
/* cli_text_test.c - what peers wrote is safe on a terminal and means the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/text.h"

typedef void (*put_fn)(FILE *to, gw_view text);

static void check_put(put_fn put, gw_view text, const char *want) {
  char *got = NULL;
  size_t len;
  FILE *to = open_memstream(&got, &len);
  put(to, text);
  fclose(to);
  assert_string_equal(want, got);
  free(got);
}

static void check_text(const char *text, const char *want) {
  check_put(gw_text_put, gw_view_of(text), want);
}

static void check_json(const char *text, const char *want) {
  check_put(gw_text_put_json, gw_view_of(text), want);
}

static void put_bytes_payload(FILE *to, gw_view bytes) {
  gw_text_put_payload(to, (gw_payload){GW_PAYLOAD_BYTES, bytes});
}

static void put_bytes_member(FILE *to, gw_view bytes) {
  gw_text_put_payload_member(to, (gw_payload){GW_PAYLOAD_BYTES, bytes});
}

static void put_json_member(FILE *to, gw_view json) {
  gw_text_put_payload_member(to, (gw_payload){GW_PAYLOAD_JSON, json});
}

static void test_text_keeps_what_is_harmless(void **state) {
  (void)state;
  check_text("", "");
  check_text("Grüße, 日本語 🐦 \"x\" \\", "Grüße, 日本語 🐦 \"x\" \\");
}

static void test_text_escapes_controls_and_directions(void **state) {
  (void)state;
  check_text("a\x1b[31mb\x07\r\n\t\x7f",
             "a\\u001b[31mb\\u0007\\u000d\\n\\t\\u007f");
  check_text("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
             "\\u0080\\u009b\\u009f\xc2\xa0");
  check_text("\u202e\u2066\u200f\u061c\u2028\ufeff",
             "\\u202e\\u2066\\u200f\\u061c\\u2028\\ufeff");
}

static void test_bytes_that_are_no_text(void **state) {
  (void)state;
  check_text("a\xff\x1b", "a\\xff\\x1b");
  check_text("\xe2\x80", "\\xe2\\x80");
  check_put(gw_text_put, (gw_view){(const uint8_t *)"a\0b", 3}, "a\\x00b");
  check_put(put_bytes_payload, gw_view_of("a\xff"), "base64 Yf8=");
  check_put(put_bytes_payload, gw_view_of("a b"), "a b");
}

static void test_json_means_the_same(void **state) {
  (void)state;
  check_json(" {\n \"a\":\t1\r\n}\n", "{  \"a\": 1  }");
  check_json("\"\x7f\xc2\x9b\u202e\"", "\"\\u007f\\u009b\\u202e\"");
  check_json("\"\x1b\"", "\"\\u001b\"");
  check_put(gw_text_put_string, gw_view_of("a\"\n\x7f"), "\"a\\\"\\n\\u007f\"");
}

static void test_payload_members(void **state) {
  (void)state;
  check_put(put_json_member, gw_view_of(""), "");
  check_put(put_json_member, gw_view_of("{\"n\":1e400}"),
            ",\"json\":\"{\\\"n\\\":1e400}\"");
  check_put(put_json_member, gw_view_of("123456789012345678901234567890"),
            ",\"json\":123456789012345678901234567890");
  check_put(put_json_member, gw_view_of("\"\\u0000\""),
            ",\"json\":\"\\u0000\"");
  check_put(put_json_member, gw_view_of("{no"), ",\"json\":\"{no\"");
  check_put(put_bytes_member, gw_view_of("\x01"), ",\"data\":\"AQ==\"");
}

static void test_is_json(void **state) {
  (void)state;
  static const char *const good[] = {
      "1",          " null ", "\"x\"", "[1e2]", "12345678901234567890123",
      "\"\\u0000\""};
  static const char *const bad[] = {"",    "x",      "{",   "1 2",
                                    "'x'", "\"\n\"", "\xff"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    if (!gw_text_is_json(gw_view_of(good[i]))) fail_msg("%s", good[i]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (gw_text_is_json(gw_view_of(bad[i]))) fail_msg("%s", bad[i]);
  }
}

static void test_ids_and_positions(void **state) {
  (void)state;
  char space[GW_TEXT_POSITION_MAX];
  gw_position p = {0xFEDCBA9876543210u, UINT64_MAX}, read;
  assert_string_equal("fedcba9876543210:18446744073709551615",
                      gw_text_position(p, space));
  assert_true(gw_text_read_position(space, &read));
  assert_int_equal(p.epoch, read.epoch);
  assert_int_equal(p.offset, read.offset);
  uint64_t id;
  assert_true(gw_text_read_id("aF", &id));
  assert_int_equal(0xAF, id);
  static const char *const bad[] = {"",
                                    "1",
                                    ":1",
                                    "1:",
                                    "0:1",
                                    "g:1",
                                    "1:a",
                                    "1:-1",
                                    "1: 1",
                                    "1:1:1",
                                    "10000000000000000:1",
                                    "1:18446744073709551616"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (gw_text_read_position(bad[i], &read)) fail_msg("%s", bad[i]);
  }
  assert_false(gw_text_read_id("0", &id));
  assert_false(gw_text_read_id("0x1", &id));
}

static void test_times(void **state) {
  (void)state;
  char space[GW_TEXT_TIME_MAX];
  assert_string_equal("2026-01-31T23:59:59.007Z",
                      gw_text_iso(1769903999007u, space));
  assert_string_equal("", gw_text_iso(UINT64_MAX, space));
  assert_string_equal("--:--:--", gw_text_clock(UINT64_MAX, space));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_text_keeps_what_is_harmless),
      cmocka_unit_test(test_text_escapes_controls_and_directions),
      cmocka_unit_test(test_bytes_that_are_no_text),
      cmocka_unit_test(test_json_means_the_same),
      cmocka_unit_test(test_payload_members),
      cmocka_unit_test(test_is_json),
      cmocka_unit_test(test_ids_and_positions),
      cmocka_unit_test(test_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
