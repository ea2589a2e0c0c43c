/* SPDX-License-Identifier: MIT */
/* api_status_test.c - codes as statuses of HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/net/api_status.h"

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
      cmocka_unit_test(test_each_code_has_a_status),
  };
  return cmocka_run_group_tests_name("api_status", tests, NULL, NULL);
}
