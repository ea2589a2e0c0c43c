/* SPDX-License-Identifier: MIT */
/* pattern_test.c - which paths fit a pattern, which says more, and what templates
 * make of the values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "server/edge/pattern.h"
#include "support/exact.h"

static gw_pattern made(const char *text) {
  gw_pattern p;
  const char *why;
  if (gw_pattern_init(&p, text, &why) < 0) fail_msg("%s %s", text, why);
  return p;
}

static void test_paths_that_fit(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *path, *values; /* NULL: it does not fit */
  } cases[] = {
      {"/", "/", ""},
      {"/", "/x", NULL},
      {"/v1/ws", "/v1/ws", ""},
      {"/v1/ws", "/v1/ws/", NULL},
      {"/v1/ws", "/v1", NULL},
      {"/v1/ws", "/V1/ws", NULL},
      {"/v1/ws", "v1/ws", NULL},
      {"/v1/ws", "", NULL},
      {"/rooms/:id", "/rooms/42", "42|"},
      {"/rooms/:id", "/rooms/a b", "a b|"},
      {"/rooms/:id", "/rooms/\xc3\xbc", "\xc3\xbc|"},
      {"/rooms/:id", "/rooms/", NULL},
      {"/rooms/:id", "/rooms/1/2", NULL},
      {"/rooms/:id", "/rooms/*", NULL},
      {"/rooms/:id", "/rooms/a>b", NULL},
      {"/rooms/:id", "/rooms/{id}", NULL},
      {"/rooms/:id", "/rooms/a\nb", NULL},
      {"/rooms/:id", "/rooms/\xff", NULL},
      {"/:a/x/:b", "/1/x/2", "1|2|"},
      {"/:a/x/:b", "/1/y/2", NULL},
      {"/files/*", "/files/a/b/c", "a/b/c|"},
      {"/files/*", "/files/a", "a|"},
      {"/files/*", "/files/", NULL},
      {"/files/*", "/files", NULL},
      {"/:a/*", "/x//y", "x|/y|"},
      {"/*", "/", NULL},
      {"/*", "/a", "a|"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_pattern p = made(cases[i].pattern);
    gw_view path = exact_text(cases[i].path);
    gw_values values;
    char text[64] = "";
    bool fits = gw_pattern_match(&p, path, &values);
    for (size_t k = 0; fits && k < values.num; k++)
      snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s|",
               (int)values.of[k].len, (const char *)values.of[k].data);
    if (fits != (cases[i].values != NULL) ||
        (fits && strcmp(text, cases[i].values) != 0))
      fail_msg("%s on %s: %s", cases[i].path, cases[i].pattern, text);
    exact_free(path);
    gw_pattern_deinit(&p);
  }
}

static void test_patterns_that_cannot_be(void **state) {
  (void)state;
  static const struct {
    const char *text, *why;
  } cases[] = {
      {"", "slash"},
      {"rooms", "slash"},
      {"/rooms/", "parts"},
      {"/a//b", "parts"},
      {"/.well-known", "parts"},
      {"/a/../b", "parts"},
      {"/a b", "parts"},
      {"/a%20b", "parts"},
      {"/:", "name"},
      {"/:1", "name"},
      {"/:a-b", "name"},
      {"/:a/:a", "two parameters"},
      {"/*/a", "not at its end"},
      {"/a*", "parts"},
      {"/:a/:b/:c/:d/:e/:f/:g/:h/:i", "8 parameters"},
      {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "16 parts"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_pattern p;
    const char *why = "";
    int err = gw_pattern_init(&p, cases[i].text, &why);
    if (err != GW_ERR_INVALID || strstr(why, cases[i].why) == NULL)
      fail_msg("'%s': %d %s", cases[i].text, err, why);
  }
}

static void test_a_long_pattern_is_refused(void **state) {
  (void)state;
  char text[GW_PATTERN_MAX + 1];
  gw_pattern p;
  const char *why;
  memset(text, 'a', sizeof text);
  text[0] = '/';
  text[GW_PATTERN_MAX] = '\0';
  assert_int_equal(gw_pattern_init(&p, text, &why), GW_ERR_INVALID);
  text[GW_PATTERN_MAX - 1] = '\0';
  assert_int_equal(gw_pattern_init(&p, text, &why), 0);
  gw_pattern_deinit(&p);
}

static void test_what_says_more_comes_first(void **state) {
  (void)state;
  /* In their order; no two are the same. */
  static const char *const sorted[] = {"/a/b/c", "/a/b", "/a/:x/c", "/a/:x",
                                       "/a/*",   "/a",   "/b",      "/:x/a",
                                       "/:x",    "/*",   "/"};
  size_t num = sizeof sorted / sizeof sorted[0];
  for (size_t i = 0; i < num; i++) {
    for (size_t k = 0; k < num; k++) {
      gw_pattern a = made(sorted[i]), b = made(sorted[k]);
      int order = gw_pattern_compare(&a, &b);
      bool is_right = i == k ? order == 0 : (order < 0) == (i < k);
      if (!is_right || (i != k && order == 0))
        fail_msg("%s and %s: %d", sorted[i], sorted[k], order);
      gw_pattern_deinit(&a);
      gw_pattern_deinit(&b);
    }
  }
}

static void test_names_of_parameters_make_no_difference(void **state) {
  (void)state;
  gw_pattern a = made("/rooms/:id"), b = made("/rooms/:name");
  assert_int_equal(gw_pattern_compare(&a, &b), 0);
  gw_pattern_deinit(&a);
  gw_pattern_deinit(&b);
}

static void test_templates(void **state) {
  (void)state;
  static const struct {
    const char *text, *result; /* NULL: it cannot be */
  } cases[] = {
      {"room:{id}", "room:42"},     {"{id}", "42"},
      {"{id}{id}-{*}", "4242-x/y"}, {"lobby", "lobby"},
      {"room:{name}", NULL},        {"room:{id", NULL},
      {"room:id}", NULL},           {"room:{}", NULL},
      {"room:{{id}}", NULL},
  };
  gw_pattern p = made("/rooms/:id/*");
  gw_values values;
  assert_true(gw_pattern_match(&p, gw_view_of("/rooms/42/x/y"), &values));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *why;
    char to[32];
    bool is_good = gw_template_check(cases[i].text, &p, &why);
    if (is_good != (cases[i].result != NULL)) fail_msg("%s", cases[i].text);
    if (!is_good) continue;
    size_t len =
        gw_template_fill(gw_view_of(cases[i].text), &p, &values, to, sizeof to);
    assert_true(gw_view_eq(gw_view_of(cases[i].result),
                           (gw_view){(const uint8_t *)to, len}));
  }
  gw_pattern_deinit(&p);
}

static void test_a_template_does_not_overflow(void **state) {
  (void)state;
  gw_pattern p = made("/rooms/:id");
  gw_values values;
  assert_true(gw_pattern_match(&p, gw_view_of("/rooms/12345"), &values));
  for (size_t cap = 0; cap < 12; cap++) {
    char *to = malloc(cap + (cap == 0));
    size_t len =
        gw_template_fill(gw_view_of("room:{id}"), &p, &values, to, cap);
    assert_int_equal(len, cap >= 10 ? 10 : 0);
    free(to);
  }
  gw_pattern_deinit(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paths_that_fit),
      cmocka_unit_test(test_patterns_that_cannot_be),
      cmocka_unit_test(test_a_long_pattern_is_refused),
      cmocka_unit_test(test_what_says_more_comes_first),
      cmocka_unit_test(test_names_of_parameters_make_no_difference),
      cmocka_unit_test(test_templates),
      cmocka_unit_test(test_a_template_does_not_overflow),
  };
  return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
