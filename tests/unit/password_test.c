/* SPDX-License-Identifier: MIT */
/* password_test.c - hashes of passwords: against RFC 7914's function, as text, and
 * texts that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/admin/password.h"

static const uint8_t salt[GW_PASSWORD_SALT_BYTES] = "0123456789abcdef";

/* hashlib.scrypt(b'correct horse battery', salt=b'0123456789abcdef', n=2**14,
 * r=8, p=3, dklen=32) of Python, in base64url. */
static const char known[] = "scrypt$14$8$3$MDEyMzQ1Njc4OWFiY2RlZg$"
                            "8U8tg4UhdqsJ_m5mfUx7-t1QG6-u3y1gOCZ7JKXhK68";

static void test_it_is_scrypt_as_others_compute_it(void **state) {
  (void)state;
  gw_password p;
  char text[GW_PASSWORD_TEXT_MAX];
  assert_int_equal(
      gw_password_make(&p, 14, salt, gw_view_of("correct horse battery")), 0);
  gw_password_write(&p, text);
  assert_string_equal(text, known);
}

static void test_only_the_password_is_right(void **state) {
  (void)state;
  gw_password p;
  assert_int_equal(gw_password_read(&p, known), 0);
  assert_int_equal(gw_password_check(&p, gw_view_of("correct horse battery")),
                   1);
  assert_int_equal(gw_password_check(&p, gw_view_of("correct horse batterz")),
                   0);
  assert_int_equal(gw_password_check(&p, gw_view_of("correct horse batter")),
                   0);
  assert_int_equal(gw_password_check(&p, (gw_view){NULL, 0}), 0);
}

static void test_another_salt_is_another_hash(void **state) {
  (void)state;
  gw_password p;
  assert_int_equal(gw_password_read(&p, known), 0);
  p.salt[15] ^= 1;
  assert_int_equal(gw_password_check(&p, gw_view_of("correct horse battery")),
                   0);
}

static void test_parameters_within_their_limits_are_read(void **state) {
  (void)state;
  gw_password p;
  char text[GW_PASSWORD_TEXT_MAX];
  static const char *const good[] = {"14$8$1", "18$8$16", "17$16$1"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    snprintf(text, sizeof text, "scrypt$%s%s", good[i],
             known + strlen("scrypt$14$8$3"));
    assert_int_equal(gw_password_read(&p, text), 0);
  }
}

static void test_texts_that_are_none(void **state) {
  (void)state;
  gw_password p;
  char text[2 * GW_PASSWORD_TEXT_MAX];
  /* Too little, too much time, too much memory, or written in another way. */
  static const char *const bad[] = {"13$8$3",  "19$8$3", "14$4$3",  "14$8$0",
                                    "14$8$17", "18$9$1", "014$8$3", "+14$8$3",
                                    "14$8$ 3", "",       "14$8"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(text, sizeof text, "scrypt$%s%s", bad[i],
             known + strlen("scrypt$14$8$3"));
    assert_int_equal(gw_password_read(&p, text), GW_ERR_INVALID);
  }
  snprintf(text, sizeof text, "%s=", known);
  assert_int_equal(gw_password_read(&p, text), GW_ERR_INVALID);
  for (size_t len = 0; len < strlen(known); len++) {
    snprintf(text, sizeof text, "%.*s", (int)len, known);
    assert_int_equal(gw_password_read(&p, text), GW_ERR_INVALID);
  }
  assert_int_equal(gw_password_read(&p, "correct horse battery"),
                   GW_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_it_is_scrypt_as_others_compute_it),
      cmocka_unit_test(test_only_the_password_is_right),
      cmocka_unit_test(test_another_salt_is_another_hash),
      cmocka_unit_test(test_parameters_within_their_limits_are_read),
      cmocka_unit_test(test_texts_that_are_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
