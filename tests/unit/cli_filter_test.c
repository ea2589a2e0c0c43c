/* SPDX-License-Identifier: MIT */
/* cli_filter_test.c - filters as people write them. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "server/cli/filter.h"

static uint8_t space[GW_FILTER_SPACE];

static void put_values(char *to, size_t cap, gw_list values) {
  gw_view v;
  while (gw_list_next(&values, &v)) {
    size_t len = strlen(to);
    (void)snprintf(to + len, cap - len, " %.*s", (int)v.len,
                   (const char *)v.data);
  }
}

/** "op tag values;" for each term, or ":N" behind the op of an operator. */
static void reads(const char *text, const char *want) {
  char got[1024] = "";
  size_t at;
  gw_list list;
  gw_view item;
  const char *why = gw_filter_read(text, space, &list, &at);
  if (why != NULL) fail_msg("%s: %s at %zu", text, why, at);
  while (gw_list_next(&list, &item)) {
    gw_filter_term t;
    size_t len = strlen(got);
    assert_int_equal(gw_decode_filter_term(item, &t), 0);
    if (t.op <= GW_FILTER_NOT)
      (void)snprintf(got + len, sizeof got - len, "%u:%u", t.op, t.count);
    else
      (void)snprintf(got + len, sizeof got - len, "%u %.*s", t.op,
                     (int)t.tag.len, (const char *)t.tag.data);
    put_values(got, sizeof got, t.values);
    strcat(got, ";");
  }
  assert_string_equal(got, want);
}

static void refuses(const char *text, const char *want, size_t want_at) {
  size_t at;
  gw_list list;
  const char *why = gw_filter_read(text, space, &list, &at);
  assert_non_null(why);
  assert_string_equal(why, want);
  assert_int_equal(at, want_at);
}

static void test_conditions(void **state) {
  (void)state;
  reads("a=b", "4 a b;");
  reads(" a != \"New York\" ", "5 a New York;");
  reads("a<1", "9 a 1;");
  reads("a<=1", "10 a 1;");
  reads("a > -1.5e3", "11 a -1.5e3;");
  reads("a>=1", "12 a 1;");
  reads("a ^= z", "8 a z;");
  reads("a exists", "7 a;");
  reads("a in (b,c , \"d e\")", "6 a b c d e;");
  reads("a = \"\"", "4 a ;");
}

static void test_operators(void **state) {
  (void)state;
  reads("a=1 and b=2 and c=3", "4 a 1;4 b 2;4 c 3;1:3;");
  reads("a=1 or b=2 and c=3", "4 a 1;4 b 2;4 c 3;1:2;2:2;");
  reads("(a=1 or b=2) and not c exists", "4 a 1;4 b 2;2:2;7 c;3:0;1:2;");
  reads("not not (a=1)", "4 a 1;3:0;3:0;");
  /* Where a tag is called as a word of the language, quotes help. */
  reads("\"not\" = 1 and order = 2", "4 not 1;4 order 2;1:2;");
}

static void test_mistakes(void **state) {
  char deep[400];
  (void)state;
  refuses("", "the name of a tag is missing", 0);
  refuses("a", "a comparison, in or exists is missing", 1);
  refuses("a =", "a value is missing", 3);
  refuses("a = b c", "something follows that does not fit", 6);
  refuses("(a = b", "a bracket has no end", 6);
  refuses("a in b", "in needs (values)", 5);
  refuses("a in (b", "a bracket has no end", 7);
  refuses("a = \"b", "a quote has no end", 4);
  refuses("a=b and", "the name of a tag is missing", 7);
  memset(deep, '(', sizeof deep - 1);
  deep[sizeof deep - 1] = 0;
  refuses(deep, "it is nested too deep", 64);
}

static void test_too_many(void **state) {
  char text[8 * (GW_MAX_FILTER_TERMS + 2)] = "a=b";
  size_t at;
  gw_list list;
  (void)state;
  for (unsigned i = 1; i < GW_MAX_FILTER_TERMS; i++)
    strcat(text, " or a=b");
  assert_string_equal(gw_filter_read(text, space, &list, &at),
                      "there are too many conditions");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_conditions),
      cmocka_unit_test(test_operators),
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_too_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
