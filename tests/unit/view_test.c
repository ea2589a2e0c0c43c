/* SPDX-License-Identifier: MIT */
/* view_test.c - comparing views, and which bytes count as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "godwit/wire.h"

/** Asks about an exact copy, so that a read past the end is caught. */
static bool is_text(const void *bytes, size_t len) {
  uint8_t *copy = malloc(len != 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  bool answer = gw_view_is_text((gw_view){copy, len});
  free(copy);
  return answer;
}

/** The slow way, straight from RFC 3629: decode, then ask for the length. */
static bool is_one_char(const uint8_t *b, size_t len) {
  static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
  static const uint8_t lead_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  static const uint8_t lead_bits[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
  if ((b[0] & ~lead_mask[len] & 0xFF) != lead_bits[len]) return false;
  uint32_t c = b[0] & lead_mask[len];
  for (size_t i = 1; i < len; i++) {
    if ((b[i] & 0xC0) != 0x80) return false;
    c = c << 6 | (b[i] & 0x3Fu);
  }
  bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
  return c >= least[len] && c <= 0x10FFFF && !is_surrogate;
}

static void views_are_equal_by_bytes(void **state) {
  (void)state;
  assert_true(gw_view_eq(gw_view_of("abc"), gw_view_of("abc")));
  assert_false(gw_view_eq(gw_view_of("abc"), gw_view_of("abd")));
  assert_false(gw_view_eq(gw_view_of("abc"), gw_view_of("ab")));
  assert_true(gw_view_eq(gw_view_of(""), (gw_view){NULL, 0}));
}

static void text_may_be_empty(void **state) {
  (void)state;
  assert_true(gw_view_is_text((gw_view){NULL, 0}));
  assert_true(is_text("", 0));
}

static void every_sequence_of_one_and_two_bytes(void **state) {
  (void)state;
  for (unsigned a = 0; a < 256; a++) {
    uint8_t b[2] = {(uint8_t)a, 0};
    assert_int_equal(is_one_char(b, 1), is_text(b, 1));
    for (unsigned c = 0; c < 256; c++) {
      b[1] = (uint8_t)c;
      bool want =
          is_one_char(b, 2) || (is_one_char(b, 1) && is_one_char(b + 1, 1));
      assert_int_equal(want, gw_view_is_text((gw_view){b, 2}));
    }
  }
}

static void every_sequence_of_three_bytes_at_the_borders(void **state) {
  (void)state;
  static const uint8_t tails[] = {0x00, 0x7F, 0x80, 0x8F, 0x90,
                                  0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
  for (unsigned lead = 0xC0; lead < 256; lead++) {
    for (size_t i = 0; i < sizeof tails; i++) {
      for (size_t j = 0; j < sizeof tails; j++) {
        uint8_t b[4] = {(uint8_t)lead, tails[i], tails[j], 0};
        bool two_and_one = is_one_char(b, 2) && is_one_char(b + 2, 1);
        assert_int_equal(is_one_char(b, 3) || two_and_one, is_text(b, 3));
        for (size_t k = 0; k < sizeof tails; k++) {
          b[3] = tails[k];
          bool parts = (is_one_char(b, 3) && is_one_char(b + 3, 1)) ||
                       (is_one_char(b, 2) && is_one_char(b + 2, 2)) ||
                       (two_and_one && is_one_char(b + 3, 1));
          assert_int_equal(is_one_char(b, 4) || parts, is_text(b, 4));
        }
      }
    }
  }
}

static void every_character_is_text(void **state) {
  (void)state;
  for (uint32_t c = 0x80; c <= 0x10FFFF; c++) {
    uint8_t b[4];
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1;)
      b[i] = (uint8_t)(0x80 | (c >> (6 * (len - 1 - i)) & 0x3F));
    b[0] = (uint8_t)((0xF00u >> len & 0xF0u) | c >> (6 * (len - 1)));
    bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
    assert_int_equal(!is_surrogate, gw_view_is_text((gw_view){b, len}));
  }
}

static void a_bad_byte_is_found_at_each_place(void **state) {
  (void)state;
  static const uint8_t bad[] = {0x00, 0x80, 0xC0, 0xC1, 0xC3, 0xF5, 0xFF};
  char text[40];
  for (size_t len = 1; len <= sizeof text; len++) {
    memset(text, 'a', sizeof text);
    assert_true(is_text(text, len));
    for (size_t at = 0; at < len; at++) {
      for (size_t i = 0; i < sizeof bad; i++) {
        text[at] = (char)bad[i];
        assert_false(is_text(text, len));
      }
      text[at] = '\x01'; /* a control character is text, and no NUL */
      assert_true(is_text(text, len));
    }
  }
}

static void a_cut_character_is_no_text(void **state) {
  (void)state;
  const char *text = "0123456789 \xF0\x9F\x90\xA6";
  size_t len = strlen(text);
  assert_true(is_text(text, len));
  for (size_t cut = 1; cut <= 3; cut++)
    assert_false(is_text(text, len - cut));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(views_are_equal_by_bytes),
      cmocka_unit_test(text_may_be_empty),
      cmocka_unit_test(every_sequence_of_one_and_two_bytes),
      cmocka_unit_test(every_sequence_of_three_bytes_at_the_borders),
      cmocka_unit_test(every_character_is_text),
      cmocka_unit_test(a_bad_byte_is_found_at_each_place),
      cmocka_unit_test(a_cut_character_is_no_text),
  };
  return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
