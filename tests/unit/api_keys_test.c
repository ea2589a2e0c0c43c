/* SPDX-License-Identifier: MIT */
/* api_keys_test.c - keys of the API, and codes as statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/net/api_keys.h"
#include "server/net/api_status.h"

static bool fits(const char *list, const char *key) {
  return gw_api_keys_fit(list, gw_view_of(key));
}

static void test_a_key_is_one_of_the_list(void **state) {
  (void)state;
  static const char list[] = " first, second\tthird ";
  assert_true(fits(list, "first"));
  assert_true(fits(list, "second"));
  assert_true(fits(list, "third"));
  assert_false(fits(list, "firs"));
  assert_false(fits(list, "first,"));
  assert_false(fits(list, "first, second"));
  assert_false(fits(list, ""));
  assert_false(fits("", ""));
  assert_false(fits(" , ", ""));
}

static void test_whether_there_is_any(void **state) {
  (void)state;
  assert_true(gw_api_keys_exist("a"));
  assert_false(gw_api_keys_exist(""));
  assert_false(gw_api_keys_exist(" ,\t"));
  assert_true(gw_api_list_has("https://a, https://b", gw_view_of("https://b")));
  assert_false(gw_api_list_has("https://a", gw_view_of("https://")));
}

static void test_each_code_has_a_status(void **state) {
  (void)state;
  static const struct {
    uint32_t code;
    unsigned status, after_s;
  } rows[] = {{GW_CODE_OK, 200, 0},
              {GW_CODE_BAD_REQUEST, 400, 0},
              {GW_CODE_TOKEN_INVALID, 401, 0},
              {GW_CODE_PERMISSION_DENIED, 403, 0},
              {GW_CODE_NOT_FOUND, 404, 0},
              {GW_CODE_CONFLICT, 409, 0},
              {GW_CODE_TOO_BIG, 413, 0},
              {GW_CODE_RATE_LIMITED, 429, 1},
              {GW_CODE_INTERNAL, 500, 0},
              {GW_CODE_OVERLOADED, 503, 1},
              {GW_CODE_TIMEOUT, 504, 0},
              {942, 422, 0},
              {599, 400, 0},
              {199, 503, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(gw_api_status(rows[i].code), rows[i].status);
    assert_int_equal(gw_api_retry_after_s(rows[i].code), rows[i].after_s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_key_is_one_of_the_list),
      cmocka_unit_test(test_whether_there_is_any),
      cmocka_unit_test(test_each_code_has_a_status),
  };
  return cmocka_run_group_tests_name("api_keys", tests, NULL, NULL);
}
