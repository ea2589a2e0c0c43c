/* SPDX-License-Identifier: MIT */
/* json_lines_test.c - lines from input cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/json_lines.h"

static char got[512];

static int on_line(void *user, gw_view line) {
  (void)user;
  if (gw_view_eq(line, gw_view_of("stop"))) return GW_ERR_STATE;
  strncat(got, (const char *)line.data, line.len);
  strcat(got, "|");
  return 0;
}

static int feed(gw_json_lines *l, const char *text, bool end) {
  return gw_json_lines_feed(l, gw_view_of(text), end, 10, on_line, NULL);
}

static void test_cut_at_each_byte(void **state) {
  (void)state;
  static const char text[] = "{a}\n\n {b}\r\n \t\n{c}";
  for (size_t cut = 0; cut < sizeof text; cut++) {
    gw_json_lines l = {0};
    got[0] = 0;
    gw_view first = {(const uint8_t *)text, cut};
    assert_int_equal(gw_json_lines_feed(&l, first, false, 10, on_line, NULL),
                     0);
    assert_int_equal(feed(&l, text + cut, true), 0);
    assert_string_equal(got, "{a}| {b}\r|{c}|");
    assert_null(l.partial);
  }
}

static void test_a_message_ends_a_line(void **state) {
  (void)state;
  gw_json_lines l = {0};
  got[0] = 0;
  assert_int_equal(feed(&l, "{a}", true), 0);
  assert_int_equal(feed(&l, "{b}\n", true), 0);
  assert_int_equal(feed(&l, "", true), 0);
  assert_string_equal(got, "{a}|{b}|");
}

static void test_a_line_too_long(void **state) {
  (void)state;
  gw_json_lines l = {0};
  assert_int_equal(feed(&l, "0123456789\n", false), 0);
  assert_int_equal(feed(&l, "0123456789x\n", false), GW_ERR_PEER_TOO_BIG);
  assert_int_equal(feed(&l, "01234567", false), 0);
  assert_int_equal(feed(&l, "89x", false), GW_ERR_PEER_TOO_BIG);
  gw_json_lines_deinit(&l);
  assert_int_equal(feed(&l, "01234567", false), 0);
  assert_int_equal(feed(&l, "89x\n", false), GW_ERR_PEER_TOO_BIG);
  gw_json_lines_deinit(&l);
}

static void test_stops_when_told(void **state) {
  (void)state;
  gw_json_lines l = {0};
  got[0] = 0;
  assert_int_equal(feed(&l, "{a}\nstop\n{b}\n", false), GW_ERR_STATE);
  assert_string_equal(got, "{a}|");
  gw_json_lines_deinit(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cut_at_each_byte),
      cmocka_unit_test(test_a_message_ends_a_line),
      cmocka_unit_test(test_a_line_too_long),
      cmocka_unit_test(test_stops_when_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
