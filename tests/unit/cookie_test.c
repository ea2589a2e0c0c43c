/* SPDX-License-Identifier: MIT */
/* cookie_test.c - the one cookie that holds a token, among others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/cookie.h"

static void test_finds_only_the_one(void **state) {
  (void)state;
  static const struct {
    const char *header, *value;
  } cases[] = {
      {"session=abc", "abc"},
      {"a=1; session=abc; b=2", "abc"},
      {"a=1;session=abc", "abc"},
      {"session = abc ;x=1", "abc"},
      {"session=\"abc\"", "abc"},
      {"session=a=b==", "a=b=="},
      {"session=first; session=second", "first"},
      {"evilsession=x; session=abc", "abc"},
      {"evilsession=x", ""},
      {"session.x=1", ""},
      {"Session=x", ""},
      {"a=session=x", ""},
      {"session", ""},
      {"session=", ""},
      {"", ""},
      {";;;", ""},
      {"=x", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    /* A block of its own, so that reading past its end is seen. */
    size_t len = strlen(cases[i].header);
    uint8_t *copy = malloc(len + 1);
    memcpy(copy + 1, cases[i].header, len);
    gw_view found = gw_cookie_find((gw_view){copy + 1, len}, "session");
    if (!gw_view_eq(found, gw_view_of(cases[i].value)))
      fail_msg("%s", cases[i].header);
    free(copy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_finds_only_the_one),
  };
  return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
