/* SPDX-License-Identifier: MIT */
/* names_test.c - which patterns a name matches, beside a plain comparison. */
#include "support/hub_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/core/hub_state.h"
#include "server/core/names.h"

static hubs node;
static gw_hub *hub;
static const gw_namespace *space, *other;

static int start(void **state) {
  (void)state;
  hubs_init(&node, 1);
  node.spaces[0].name = "x";
  node.spaces[0].wildcards = node.spaces[1].wildcards = true;
  hubs_start(&node);
  hub = node.hub[0];
  space = &node.spaces[1];
  other = &node.spaces[0];
  return 0;
}

static int stop(void **state) {
  (void)state;
  hubs_stop(&node);
  return 0;
}

static void add(const char *pattern, uint64_t handle) {
  assert_int_equal(gws_names_add(hub, space, gw_view_of(pattern),
                                 (gw_name_target){1, handle}),
                   0);
}

static void take_away(const char *pattern, uint64_t handle) {
  gws_names_remove(hub, space, gw_view_of(pattern),
                   (gw_name_target){1, handle});
}

static char found[4096];

static void note(void *user, const gw_name_target *target) {
  (void)user;
  (void)sprintf(found + strlen(found), "%u ", (unsigned)target->handle);
}

static void expect(const char *name, const char *want) {
  found[0] = 0;
  gws_names_match(hub, space, gw_view_of(name), note, NULL);
  assert_string_equal(found, want);
}

static void test_one_part(void **state) {
  (void)state;
  add("stock.*", 1);
  expect("stock.a", "1 ");
  expect("stock.", "1 "); /* an empty part is one */
  expect("stock", "");
  expect("stock.a.b", "");
  expect("stocks.a", "");
  expect("x.stock.a", "");
}

static void test_the_rest(void **state) {
  (void)state;
  add("log.>", 1);
  add(">", 2);
  expect("log.a", "2 1 ");
  expect("log.a.b.c", "2 1 ");
  expect("log", "2 ");
  expect("other", "2 ");
}

static void test_several(void **state) {
  (void)state;
  add("a.b.c", 1);
  add("a.*.c", 2);
  add("a.>", 3);
  add("*.b.*", 4);
  add("*.*.*", 5);
  add("*.*.>", 6);
  expect("a.b.c", "3 1 2 4 6 5 ");
  expect("a.x.c", "3 2 6 5 ");
  expect("x.b.y.z", "6 ");
  expect("x.y", "");
}

static void test_several_who_want_the_same(void **state) {
  (void)state;
  add("a.*", 1);
  add("a.*", 2);
  expect("a.x", "1 2 ");
  take_away("a.*", 1);
  expect("a.x", "2 ");
  take_away("a.*", 1); /* gone already */
  take_away("b.*", 2);
  expect("a.x", "2 ");
  take_away("a.*", 2);
  expect("a.x", "");
  assert_int_equal(hub->names.nodes.num, 0);
  assert_int_equal(hub->names.num, 0);
}

static void test_namespaces_are_apart(void **state) {
  (void)state;
  gw_name_target t = {1, 7};
  assert_int_equal(gws_names_add(hub, other, gw_view_of("x:*"), t), 0);
  expect("a", "");
  found[0] = 0;
  gws_names_match(hub, other, gw_view_of("x:a"), note, NULL);
  assert_string_equal(found, "7 ");
  gws_names_remove(hub, other, gw_view_of("x:*"), t);
}

static void test_slashes(void **state) {
  (void)state;
  node.spaces[1].separator = GW_SEPARATOR_SLASH;
  add("a/*", 1);
  expect("a/b.c", "1 ");
  expect("a.b", "");
  take_away("a/*", 1);
}

static void test_what_is_a_pattern(void **state) {
  (void)state;
  static const char *const patterns[] = {"*",   ">",     "a.*",
                                         "*.a", "a.*.b", "a.>"};
  static const char *const plain[] = {"a", "a*", "a.b*", "**", "a.>>", "a..b"};
  for (int i = 0; i < 6; i++) {
    assert_true(gw_name_is_pattern(space, gw_view_of(patterns[i])));
    assert_true(gw_name_is_good_pattern(space, gw_view_of(patterns[i])));
    assert_false(gw_name_is_pattern(space, gw_view_of(plain[i])));
  }
  assert_true(gw_name_is_pattern(other, gw_view_of("x:*")));
  assert_false(gw_name_is_good_pattern(space, gw_view_of("a.>.b")));
  assert_false(gw_name_is_good_pattern(space, gw_view_of(">.>")));
  assert_true(gw_name_is_good_pattern(
      space, gw_view_of("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.*")));
  assert_false(gw_name_is_good_pattern(
      space, gw_view_of("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.*")));
  node.spaces[1].wildcards = false;
  assert_false(gw_name_is_pattern(space, gw_view_of("a.*")));
}

static void test_names_of_many_parts(void **state) {
  (void)state;
  char name[256] = "a";
  for (int i = 0; i < 120; i++)
    strcat(name, ".b");
  add("a.>", 1);
  add("a.b.*", 2);
  expect(name, "1 ");
}

/* ---- beside a comparison --------------------------------------------------- */

static bool matches(const char *pattern, const char *name) {
  for (;;) {
    size_t p = strcspn(pattern, "."), n = strcspn(name, ".");
    if (strcmp(pattern, ">") == 0) return true;
    bool is_any = p == 1 && *pattern == '*';
    if (!is_any && (p != n || memcmp(pattern, name, p) != 0)) return false;
    if (pattern[p] == 0 || name[n] == 0) return pattern[p] == name[n];
    pattern += p + 1;
    name += n + 1;
  }
}

static uint32_t seed = 1;

static uint32_t draw(uint32_t num) {
  seed = seed * 1103515245u + 12345u;
  return (seed >> 16) % num;
}

static void make_name(char *text, const char *const *parts, uint32_t num) {
  uint32_t len = 1 + draw(4);
  text[0] = 0;
  for (uint32_t i = 0; i < len; i++) {
    if (i != 0) strcat(text, ".");
    const char *part = parts[draw(num)];
    if (part[0] == '>' && i + 1 < len) part = "*";
    strcat(text, part);
  }
}

#define NUM_PATTERNS 60

static void test_agrees_with_a_comparison(void **state) {
  (void)state;
  static const char *const parts[] = {"a", "b", "cc", "*", ">"};
  char patterns[NUM_PATTERNS][32] = {{0}};
  for (int round = 0; round < 3000; round++) {
    uint32_t i = draw(NUM_PATTERNS);
    if (patterns[i][0] != 0) take_away(patterns[i], i + 1);
    make_name(patterns[i], parts, 5);
    add(patterns[i], i + 1);
    char name[32], want[16];
    make_name(name, parts, 3);
    found[0] = 0;
    gws_names_match(hub, space, gw_view_of(name), note, NULL);
    uint32_t num = 0, got = 0;
    for (uint32_t k = 0; k < NUM_PATTERNS; k++) {
      if (patterns[k][0] == 0 || !matches(patterns[k], name)) continue;
      num++;
      (void)sprintf(want, " %u ", k + 1);
      char padded[4096] = " ";
      strcat(padded, found);
      if (strstr(padded, want) == NULL)
        fail_msg("%s does not get %s: %s", patterns[k], name, found);
    }
    for (const char *p = found; *p != 0; p++)
      got += *p == ' ';
    assert_int_equal(got, num);
  }
  for (uint32_t i = 0; i < NUM_PATTERNS; i++) {
    if (patterns[i][0] != 0) take_away(patterns[i], i + 1);
  }
  assert_int_equal(hub->names.nodes.num, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_one_part),
      TEST(test_the_rest),
      TEST(test_several),
      TEST(test_several_who_want_the_same),
      TEST(test_namespaces_are_apart),
      TEST(test_slashes),
      TEST(test_what_is_a_pattern),
      TEST(test_names_of_many_parts),
      TEST(test_agrees_with_a_comparison),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
