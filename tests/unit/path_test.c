/* SPDX-License-Identifier: MIT */
/* path_test.c - which paths may be looked for, and how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/edge/path.h"
#include "support/exact.h"

static void test_plain_paths(void **state) {
  (void)state;
  static const struct {
    const char *path;
    bool is_plain;
  } cases[] = {
      {"/", true},
      {"/a", true},
      {"/a/b.js", true},
      {"/a/", true},
      {"/a b/\xc3\xbc", true},
      {"/a..b", true},
      {"/...a", false},
      {"/.well-known/x", true},
      {"/.well-known", true},
      {"/a/.well-known/x", false},
      {"/.well-knownx", false},
      {"", false},
      {"a", false},
      {"//", false},
      {"//a", false},
      {"/a//b", false},
      {"/.", false},
      {"/..", false},
      {"/a/..", false},
      {"/a/../b", false},
      {"/.git/config", false},
      {"/a\\..\\b", false},
      {"/a\nb", false},
      {"/a\x7f", false},
      {"/\xff", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_view path = exact_text(cases[i].path);
    if (gw_path_is_plain(path) != cases[i].is_plain)
      fail_msg("'%s'", cases[i].path);
    exact_free(path);
  }
  assert_false(gw_path_is_plain((gw_view){(const uint8_t *)"/a\0b", 4}));
}

static void test_paths_in_urls(void **state) {
  (void)state;
  char to[64];
  assert_int_equal(
      gw_path_encode(gw_view_of("/a b/\xc3\xbc?#%\"<"), to, sizeof to), 28);
  assert_string_equal(to, "/a%20b/%C3%BC%3F%23%25%22%3C");
  assert_int_equal(gw_path_encode(gw_view_of("/a\r\nb"), to, sizeof to), 9);
  assert_string_equal(to, "/a%0D%0Ab");
}

static void test_a_long_path_does_not_overflow(void **state) {
  (void)state;
  for (size_t cap = 1; cap < 16; cap++) {
    char *to = malloc(cap);
    size_t len = gw_path_encode(gw_view_of("/ a "), to, cap);
    assert_true(len == 0 || (len == 8 && len < cap));
    if (cap >= 12) assert_int_equal(len, 8);
    free(to);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain_paths),
      cmocka_unit_test(test_paths_in_urls),
      cmocka_unit_test(test_a_long_path_does_not_overflow),
  };
  return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
