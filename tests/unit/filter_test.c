/* SPDX-License-Identifier: MIT */
/* filter_test.c - filters over tags: what passes, and what is no filter. */
#include "support/filter_text.h"
#include "support/hub_rig.h"

#include <stdio.h>

#include "server/core/filter.h"

static hubs node;

static int start(void **state) {
  (void)state;
  hubs_init(&node, 1);
  hubs_start(&node);
  return 0;
}

static int stop(void **state) {
  (void)state;
  assert_int_equal(node.hub[0]->filters.num, 0);
  hubs_stop(&node);
  return 0;
}

static gw_filter *compile(const char *text, gws_problem *p) {
  static uint8_t space[8192];
  gw_out out = {space, 0, sizeof space};
  return gws_filter_get(node.hub[0], filter_of(text, &out), p);
}

static gw_buf *publication(const char *tags, bool removed) {
  uint8_t space[4096], bytes[4096];
  gw_out list = {space, 0, sizeof space}, out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = 3};
  gw_publication m = {.offset = 1, .tags = tags_of(tags, &list)};
  assert_int_equal(gw_encode_publication(&out, &head, &m), 0);
  gw_buf *b = gw_buf_new((gw_view){bytes, out.len}, false);
  assert_non_null(b);
  b->removed = removed;
  return b;
}

static bool passes(const char *filter, const char *tags) {
  gws_problem p;
  gws_tags t;
  gw_filter *f = compile(filter, &p);
  if (f == NULL) fail_msg("%s: %s", p.field, p.why);
  gw_buf *b = publication(tags, false);
  gws_tags_of(b, &t);
  bool answer = gws_filter_passes(f, &t);
  gw_buf_unref(b);
  gws_filter_unref(node.hub[0], f);
  return answer;
}

static void test_conditions(void **state) {
  (void)state;
  static const struct {
    const char *filter, *yes, *no;
  } rows[] = {
      {"a=x", "a=x", "a=y"},
      {"a=x", "b=y a=x", "b=x"},
      {"a=x", "a=x", ""},
      {"a!=x", "a=y", "a=x"},
      {"a!=x", "", "b=y a=x"},
      {"a?", "a=", "b=1"},
      {"a@x,y,z", "a=y", "a=xy"},
      {"a@x,y", "a=x", ""},
      {"a^ab", "a=abc", "a=a"},
      {"a^ab", "a=ab", "a=cab"},
      {"a=", "a=", "a=x"},
      {"a^", "a=", "b="},
      {"a<5", "a=4.9", "a=5"},
      {"a<=5", "a=5.0", "a=5.1"},
      {"a>5", "a=1e1", "a=5"},
      {"a>=-2.5", "a=-2.5", "a=-2.6"},
      {"a<5", "a=-1e3", "a=x"},
      {"a<5", "a=0", "a="},
      {"a<5", "a=0", ""},
      {"a>=0.1", "a=0.10", "a=0.09999"},
      {"a>1e300", "a=1e301", "a=1"},
      {"a<1e-300", "a=0", "a=1e-299"},
      {"a<12345678901234567890", "a=1", "a=12345678901234567891000"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!passes(rows[i].filter, rows[i].yes))
      fail_msg("%s: %s does not pass", rows[i].filter, rows[i].yes);
    if (passes(rows[i].filter, rows[i].no))
      fail_msg("%s: %s passes", rows[i].filter, rows[i].no);
  }
}

static void test_operators(void **state) {
  (void)state;
  static const struct {
    const char *filter, *yes, *no;
  } rows[] = {
      {"a? b? &", "a=1 b=1", "a=1"},
      {"a? b? |", "b=1", "c=1"},
      {"a? !", "b=1", "a=1"},
      {"a? ! b? &", "b=1", "a=1 b=1"},
      {"a? b? & !", "a=1", "a=1 b=1"},
      {"a? b? c? &3", "a=1 b=1 c=1", "a=1 c=1"},
      {"a? b? c? |3", "c=1", "d=1"},
      {"a? b? c? | &", "a=1 c=1", "b=1 c=1"},
      {"a? b? & c? |", "c=1", "b=1"},
      {"a? &1 b? |1 &", "a=1 b=1", "a=1"},
      /* What is left at the end has to hold, all of it. */
      {"a? b?", "a=1 b=1", "b=1"},
      {"a? b? | c?", "b=1 c=1", "a=1 b=1"},
      {"a? b? c?", "a=1 b=1 c=1", "b=1 c=1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!passes(rows[i].filter, rows[i].yes))
      fail_msg("%s: %s does not pass", rows[i].filter, rows[i].yes);
    if (passes(rows[i].filter, rows[i].no))
      fail_msg("%s: %s passes", rows[i].filter, rows[i].no);
  }
}

static void test_removals_pass(void **state) {
  (void)state;
  gws_problem p;
  gws_tags t;
  gw_filter *f = compile("a=x", &p);
  gw_buf *b = publication("", true);
  gws_tags_of(b, &t);
  assert_true(gws_filter_passes(f, &t));
  gw_buf_unref(b);
  gws_filter_unref(node.hub[0], f);
}

static void test_deepest_stack(void **state) {
  (void)state;
  char text[512] = "";
  for (int i = 0; i < 32; i++)
    strcat(text, "a? ");
  strcat(text, "&32");
  assert_true(passes(text, "a=1"));
  assert_false(passes(text, "b=1"));
}

static void expect_refused(const char *text, uint32_t code, const char *field) {
  gws_problem p;
  assert_null(compile(text, &p));
  assert_int_equal(p.code, code);
  assert_string_equal(p.field, field);
}

static void test_what_is_no_filter(void **state) {
  (void)state;
  expect_refused("&", GW_CODE_BAD_REQUEST, "filter[0].op");
  expect_refused("a? &", GW_CODE_BAD_REQUEST, "filter[1].op");
  expect_refused("a? b? &3", GW_CODE_BAD_REQUEST, "filter[2].op");
  expect_refused("!", GW_CODE_BAD_REQUEST, "filter[0].op");
  expect_refused("=x", GW_CODE_BAD_REQUEST, "filter[0].tag");
  expect_refused("a? a<x", GW_CODE_BAD_REQUEST, "filter[1].values");
  expect_refused("a<", GW_CODE_BAD_REQUEST, "filter[0].values");
  expect_refused("a<1e2000", GW_CODE_BAD_REQUEST, "filter[0].values");
  expect_refused("a<0x10", GW_CODE_BAD_REQUEST, "filter[0].values");
  expect_refused("a=\xff", GW_CODE_BAD_TEXT, "filter[0].values");
  expect_refused("\xff?", GW_CODE_BAD_TEXT, "filter[0].tag");
  char text[4096] = "";
  for (int i = 0; i < 33; i++)
    strcat(text, "a? ");
  expect_refused(text, GW_CODE_TOO_BIG, "filter[32].op");
  for (int i = 0; i < 32; i++)
    strcat(text, "a? ");
  expect_refused(text, GW_CODE_TOO_BIG, "filter"); /* 65 terms */
  memset(text, 'n', sizeof text);
  memcpy(text + GW_MAX_TAG_NAME_BYTES + 1, "?", 2);
  expect_refused(text, GW_CODE_TOO_BIG, "filter[0].tag");
  memset(text, 'n', sizeof text);
  text[1] = '=';
  text[GW_MAX_TAG_VALUE_BYTES + 3] = 0;
  expect_refused(text, GW_CODE_TOO_BIG, "filter[0].values");
}

static void test_a_term_of_one_value_has_one(void **state) {
  (void)state;
  uint8_t values[64], bytes[256];
  gw_out list = {values, 0, sizeof values}, out = {bytes, 0, sizeof bytes};
  gw_filter_term t = {.op = GW_FILTER_EQ, .tag = gw_view_of("a")};
  gw_list terms = {.num = 0};
  gws_problem p;
  assert_int_equal(gw_list_add(&out, &terms, GW_MESSAGE_filter_term, &t), 0);
  assert_null(gws_filter_get(node.hub[0], terms, &p));
  assert_string_equal(p.field, "filter[0].values");
  assert_int_equal(gw_list_add_text(&list, &t.values, gw_view_of("x")), 0);
  assert_int_equal(gw_list_add_text(&list, &t.values, gw_view_of("y")), 0);
  out.len = 0;
  terms = (gw_list){.num = 0};
  assert_int_equal(gw_list_add(&out, &terms, GW_MESSAGE_filter_term, &t), 0);
  assert_null(gws_filter_get(node.hub[0], terms, &p));
  t.op = 99;
  out.len = 0;
  terms = (gw_list){.num = 0};
  assert_int_equal(gw_list_add(&out, &terms, GW_MESSAGE_filter_term, &t), 0);
  assert_null(gws_filter_get(node.hub[0], terms, &p));
  assert_int_equal(p.code, GW_CODE_UNSUPPORTED);
}

static void test_same_filters_are_one(void **state) {
  (void)state;
  gws_problem p;
  gw_filter *a = compile("a=x b? &", &p), *b = compile("a=x b? &", &p);
  gw_filter *c = compile("a=x b? |", &p);
  assert_ptr_equal(a, b);
  assert_ptr_not_equal(a, c);
  assert_int_equal(node.hub[0]->filters.num, 2);
  gws_filter_unref(node.hub[0], a);
  gws_filter_unref(node.hub[0], c);
  assert_int_equal(node.hub[0]->filters.num, 1);
  gws_filter_unref(node.hub[0], b);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_conditions),           TEST(test_operators),
      TEST(test_removals_pass),        TEST(test_deepest_stack),
      TEST(test_what_is_no_filter),    TEST(test_a_term_of_one_value_has_one),
      TEST(test_same_filters_are_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
