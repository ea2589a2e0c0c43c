/* SPDX-License-Identifier: MIT */
/* merge_patch_test.c - the examples of RFC 7396, and what is beside them. */
#include "server/core/merge_patch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *target, const char *patch, const char *result) {
  char *text = NULL;
  int err = gws_merge_patch(gw_view_of(target), gw_view_of(patch), &text);
  assert_int_equal(err, 0);
  assert_string_equal(text, result);
  free(text);
}

/** RFC 7396, appendix A. */
static void the_rfcs_examples(void **state) {
  (void)state;
  static const char *const rows[][3] = {
      {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
      {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
      {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
      {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
      {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
      {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
      {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
       "{\"a\":{\"b\":\"d\"}}"},
      {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
      {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
      {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
      {"{\"a\":\"foo\"}", "null", "null"},
      {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
      {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
      {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
      {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    expect(rows[i][0], rows[i][1], rows[i][2]);
}

static void what_is_no_object_is_an_empty_one(void **state) {
  (void)state;
  expect("", "{\"a\":1}", "{\"a\":1}");
  expect("{\"a\":", "{\"b\":1}", "{\"b\":1}");
}

static void a_patch_that_is_not_json(void **state) {
  (void)state;
  static const char *const patches[] = {"", "{", "{\"a\":1} x", "nul",
                                        "{\"a\":\"\xff\"}"};
  for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++) {
    char *text = NULL;
    int err = gws_merge_patch(gw_view_of("{}"), gw_view_of(patches[i]), &text);
    assert_int_equal(err, GW_ERR_INVALID);
  }
}

static void depth_is_bounded(void **state) {
  (void)state;
  enum { DEPTH = 30000 };
  char *patch = malloc(DEPTH * 6 + 1), *text = NULL;
  assert_non_null(patch);
  for (int i = 0; i < DEPTH; i++)
    memcpy(patch + i * 5, "{\"a\":", 5);
  memset(patch + DEPTH * 5, '}', DEPTH);
  gw_view v = {(uint8_t *)patch, DEPTH * 6};
  assert_int_equal(gws_merge_patch(v, v, &text), GW_ERR_INVALID);
  free(patch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_rfcs_examples),
      cmocka_unit_test(what_is_no_object_is_an_empty_one),
      cmocka_unit_test(a_patch_that_is_not_json),
      cmocka_unit_test(depth_is_bounded),
  };
  return cmocka_run_group_tests_name("merge_patch", tests, NULL, NULL);
}
