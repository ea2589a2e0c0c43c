/* SPDX-License-Identifier: MIT */
/* origin_test.c - which pages may connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/auth/origin.h"
#include "tests/unit/support/exact.h"

typedef struct row {
  const char *list, *origin, *host;
  bool is_allowed;
} row;

static void try(const row *rows, size_t num) {
  for (size_t i = 0; i < num; i++) {
    const row *r = &rows[i];
    gw_view origin = exact_text(r->origin), host = exact_text(r->host);
    bool is_allowed = gw_origin_is_allowed(r->list, origin, host);
    exact_free(origin);
    exact_free(host);
    if (is_allowed != r->is_allowed)
      fail_msg("'%s' from %s to %s", r->list, r->origin, r->host);
  }
}
#define TRY(rows) try((rows), sizeof(rows) / sizeof(rows)[0])

static void test_exact_origins(void **state) {
  (void)state;
  static const row rows[] = {
      {"https://a.org", "https://a.org", "x", true},
      {"https://a.org", "HTTPS://A.org", "x", true},
      {"https://a.org", "https://a.org:443", "x", true},
      {"https://a.org:443", "https://a.org", "x", true},
      {"https://a.org", "http://a.org", "x", false},
      {"https://a.org", "https://a.org:8443", "x", false},
      {"https://a.org", "https://b.a.org", "x", false},
      {"https://a.org", "https://a.org.evil.com", "x", false},
      {"https://a.org", "https://evil.com/https://a.org", "x", false},
      {"https://a.org", "https://a.org@evil.com", "x", false},
      {"https://a.org, http://[::1]:3000", "http://[::1]:3000", "x", true},
      {"https://a.org http://[::1]:3000", "http://[::1]:3001", "x", false},
      {"app://local", "app://local", "x", true},
      {"app://local", "https://local", "x", false},
      {"", "https://a.org", "a.org", false},
  };
  TRY(rows);
}

static void test_names_below_a_name(void **state) {
  (void)state;
  static const row rows[] = {
      {"https://*.a.org", "https://b.a.org", "x", true},
      {"https://*.a.org", "https://c.b.a.org", "x", true},
      {"https://*.a.org", "https://a.org", "x", false},
      {"https://*.a.org", "https://evila.org", "x", false},
      {"https://*.a.org", "https://.a.org", "x", false},
      {"https://*.a.org", "http://b.a.org", "x", false},
      {"https://*.a.org", "https://*.a.org", "x", false},
      {"*.a.org", "http://b.a.org", "x", true},
      {"*.a.org", "https://b.a.org", "x", true},
      {"*.a.org", "https://b.a.org:8443", "x", false},
      {"*.a.org:8443", "https://b.a.org:8443", "x", true},
      {"*.a.org", "ftp://b.a.org", "x", false},
      {"a.org", "https://a.org", "x", true},
  };
  TRY(rows);
}

static void test_the_same_host(void **state) {
  (void)state;
  static const row rows[] = {
      {"same", "http://a.org", "a.org", true},
      {"same", "https://a.org", "a.org", true}, /* TLS ended by a proxy */
      {"same", "http://a.org:8000", "a.org:8000", true},
      {"same", "http://A.org:8000", "a.ORG:8000", true},
      {"same", "http://a.org:3000", "a.org:8000", false},
      {"same", "http://a.org:3000", "a.org", false},
      {"same", "http://a.org", "a.org:8000", false},
      {"same", "http://b.org", "a.org", false},
      {"same", "http://[::1]:8000", "[::1]:8000", true},
      {"same", "http://a.org", "", false},
      {"same", "null", "null", false},
      {"same", "http://a.org", "a.org, b.org", false},
  };
  TRY(rows);
}

static void test_this_machine(void **state) {
  (void)state;
  static const row rows[] = {
      {"localhost", "http://localhost:5173", "x", true},
      {"localhost", "https://localhost", "x", true},
      {"localhost", "http://app.localhost:1", "x", true},
      {"localhost", "http://127.0.0.1:9", "x", true},
      {"localhost", "http://127.255.0.1", "x", true},
      {"localhost", "http://[::1]:80", "x", true},
      {"localhost", "http://127.0.0.1.evil.com", "x", false},
      {"localhost", "http://localhost.evil.com", "x", false},
      {"localhost", "http://notlocalhost", "x", false},
  };
  TRY(rows);
}

static void test_everybody_and_nobody_in_particular(void **state) {
  (void)state;
  static const row rows[] = {
      {"*", "https://a.org", "x", true},
      {"*", "null", "x", true},
      {"null", "null", "x", true},
      {"null", "https://a.org", "x", false},
      {"same localhost https://a.org", "null", "x", false},
      {"same", "garbage", "garbage", false},
      {"same", "://", "", false},
      {"same", "http://", "", false},
      {"same", "http://a.org:0", "a.org:0", false},
      {"same", "http://a.org:99999", "a.org:99999", false},
  };
  TRY(rows);
}

static void test_lists_that_cannot_be_read(void **state) {
  (void)state;
  gw_view bad;
  static const char *const good[] = {"",
                                     "*",
                                     "same",
                                     "localhost, null",
                                     "https://a.org",
                                     "https://*.a.org:8443 b.org, *.c.org",
                                     "http://[::1]:3000",
                                     "app://x"};
  static const char *const wrong[] = {"https://",
                                      "https://a.org/path",
                                      "https://a.*.org",
                                      "*.org",
                                      "a*.b.org",
                                      "https://a.org:x",
                                      "**",
                                      "https://user@a.org",
                                      "*.*.a.org",
                                      "https://a.org:70000"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_int_equal(gw_origins_check(good[i], &bad), 0);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    if (gw_origins_check(wrong[i], &bad) == 0) fail_msg("%s", wrong[i]);
  }
  assert_true(gw_origins_has("a.org, *", "*"));
  assert_false(gw_origins_has("*.a.org", "*"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact_origins),
      cmocka_unit_test(test_names_below_a_name),
      cmocka_unit_test(test_the_same_host),
      cmocka_unit_test(test_this_machine),
      cmocka_unit_test(test_everybody_and_nobody_in_particular),
      cmocka_unit_test(test_lists_that_cannot_be_read),
  };
  return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
