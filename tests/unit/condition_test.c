/* SPDX-License-Identifier: MIT */
/* condition_test.c - which values meet which conditions. */
#include "server/core/condition.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char data[] =
    "{\"team\":\"red\",\"level\":3,\"share\":2.5,\"mic\":false,\"none\":null,"
    "\"at\":{\"x\":{\"y\":\"deep\"}},\"list\":[1,2]}";

static void expect(const char *field, uint32_t is, const char *value,
                   bool holds) {
  json_t *all = gws_json_read(gw_view_of(data));
  json_t *with = value != NULL ? gws_json_read(gw_view_of(value)) : NULL;
  gws_condition c = {field, is, with};
  assert_non_null(all);
  if (gws_conditions_hold(&c, 1, all) != holds)
    fail_msg("%s %u %s", field, is, value != NULL ? value : "");
  gws_json_free(with);
  gws_json_free(all);
}

static void equality(void **state) {
  (void)state;
  expect("team", GWS_EQUAL, "\"red\"", true);
  expect("team", GWS_EQUAL, "\"Red\"", false);
  expect("team", GWS_NOT_EQUAL, "\"blue\"", true);
  expect("level", GWS_EQUAL, "3", true);
  expect("level", GWS_EQUAL, "3.0", true);
  expect("level", GWS_EQUAL, "\"3\"", false);
  expect("level", GWS_NOT_EQUAL, "\"3\"", true);
  expect("mic", GWS_EQUAL, "false", true);
  expect("none", GWS_EQUAL, "null", true);
  expect("none", GWS_EQUAL, "false", false);
  expect("list", GWS_EQUAL, "[1,2]", true);
  expect("list", GWS_EQUAL, "[2,1]", false);
}

static void order(void **state) {
  (void)state;
  expect("level", GWS_LESS, "4", true);
  expect("level", GWS_LESS, "3", false);
  expect("level", GWS_AT_MOST, "3", true);
  expect("level", GWS_GREATER, "2.9", true);
  expect("share", GWS_AT_LEAST, "2.5", true);
  expect("share", GWS_GREATER, "2.5", false);
  expect("team", GWS_LESS, "\"redder\"", true);
  expect("team", GWS_GREATER, "\"blue\"", true);
  expect("team", GWS_GREATER, "1", false);
  expect("team", GWS_LESS, "1", false);
  expect("mic", GWS_LESS, "true", false);
}

static void fields_that_are_not_there(void **state) {
  (void)state;
  expect("team", GWS_EXISTS, NULL, true);
  expect("team", GWS_ABSENT, NULL, false);
  expect("none", GWS_EXISTS, NULL, true);
  expect("rank", GWS_EXISTS, NULL, false);
  expect("rank", GWS_ABSENT, NULL, true);
  expect("rank", GWS_EQUAL, "null", false);
  expect("rank", GWS_NOT_EQUAL, "1", true);
  expect("rank", GWS_LESS, "1", false);
}

static void paths(void **state) {
  (void)state;
  expect("at.x.y", GWS_EQUAL, "\"deep\"", true);
  expect("at.x.z", GWS_ABSENT, NULL, true);
  expect("team.x", GWS_ABSENT, NULL, true);
  expect("at.x", GWS_EXISTS, NULL, true);
  expect("", GWS_EXISTS, NULL, true);
  expect(".", GWS_EXISTS, NULL, false);
}

static void all_have_to_hold(void **state) {
  (void)state;
  json_t *all = gws_json_read(gw_view_of(data));
  json_t *red = gws_json_read(gw_view_of("\"red\""));
  gws_condition c[] = {{"team", GWS_EQUAL, red}, {"level", GWS_EXISTS, NULL}};
  assert_true(gws_conditions_hold(c, 2, all));
  assert_true(gws_conditions_hold(c, 0, all));
  c[1].is = GWS_ABSENT;
  assert_false(gws_conditions_hold(c, 2, all));
  assert_false(gws_conditions_hold(c, 1, NULL)); /* nothing has no fields */
  assert_true(gws_conditions_hold(c + 1, 1, NULL));
  gws_json_free(red);
  gws_json_free(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equality),
      cmocka_unit_test(order),
      cmocka_unit_test(fields_that_are_not_there),
      cmocka_unit_test(paths),
      cmocka_unit_test(all_have_to_hold),
  };
  return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
