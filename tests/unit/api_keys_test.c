/* SPDX-License-Identifier: MIT */
/* api_keys_test.c - keys of the server API, as they stand and as hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/auth/api_keys.h"

static void test_keys_and_hashes(void **state) {
  (void)state;
  gw_api_keys k;
  size_t bad;
  char key[64], hash[80], words[256];
  gw_api_key_make(key, hash);
  snprintf(words, sizeof words, "correct-horse-battery, %s", hash);
  assert_int_equal(gw_api_keys_init(&k, words, &bad), 0);
  assert_int_equal(k.num, 2);
  assert_true(gw_api_keys_has(&k, gw_view_of("correct-horse-battery")));
  assert_true(gw_api_keys_has(&k, gw_view_of(key)));
  assert_false(gw_api_keys_has(&k, gw_view_of(hash)));
  assert_false(gw_api_keys_has(&k, gw_view_of("correct-horse-batterx")));
  assert_false(gw_api_keys_has(&k, gw_view_of("")));
  gw_api_keys_deinit(&k);
}

static void test_made_keys_differ(void **state) {
  (void)state;
  char a[64], b[64], hash[80];
  gw_api_key_make(a, hash);
  gw_api_key_make(b, hash);
  assert_string_not_equal(a, b);
  assert_int_equal(strlen(a), 43);
  assert_int_equal(strlen(hash), strlen(GW_API_KEY_HASH_PREFIX) + 64);
}

static void test_no_keys_let_nobody_in(void **state) {
  (void)state;
  gw_api_keys k;
  size_t bad;
  assert_int_equal(gw_api_keys_init(&k, "  ", &bad), 0);
  assert_int_equal(k.num, 0);
  assert_false(gw_api_keys_has(&k, gw_view_of("")));
}

static void test_words_that_are_no_keys(void **state) {
  (void)state;
  static const char *const words[] = {"0123456789abcdef, short",
                                      "0123456789abcdef sha256:00",
                                      "0123456789abcdef sha256:g0"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    gw_api_keys k;
    size_t bad;
    assert_int_equal(gw_api_keys_init(&k, words[i], &bad), GW_ERR_INVALID);
    assert_int_equal(bad, 2);
    gw_api_keys_deinit(&k);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keys_and_hashes),
      cmocka_unit_test(test_made_keys_differ),
      cmocka_unit_test(test_no_keys_let_nobody_in),
      cmocka_unit_test(test_words_that_are_no_keys),
  };
  return cmocka_run_group_tests_name("api_keys", tests, NULL, NULL);
}
