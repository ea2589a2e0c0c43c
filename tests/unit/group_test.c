/* SPDX-License-Identifier: MIT */
/* group_test.c - values of groups: that each is what a simple model says, that
 * older ones stay as they were, and what differs between two. */
#include "server/core/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NUM_USERS 400u
#define NUM_OLD   8u

/** Role of each user; GWS_NO_ROLE: none. */
typedef struct model {
  uint32_t role[NUM_USERS];
  uint32_t num;
} model;

static char names[NUM_USERS][16];
static uint64_t random_state = 1;

static uint32_t next_random(uint32_t below) {
  random_state = random_state * UINT64_C(6364136223846793005) + 1442695041u;
  return (uint32_t)(random_state >> 33) % below;
}

static gw_view name_of(uint32_t user) {
  return gw_view_of(names[user]);
}

static gw_roles *roles(void) {
  gw_roles *r = gws_roles_new(3);
  assert_non_null(r);
  r->num = 3;
  (void)snprintf(r->items[0].name, sizeof r->items[0].name, "owner");
  (void)snprintf(r->items[1].name, sizeof r->items[1].name, "editor");
  (void)snprintf(r->items[2].name, sizeof r->items[2].name, "reader");
  return r;
}

static int set_up(void **state) {
  gw_roles *r = roles();
  for (uint32_t i = 0; i < NUM_USERS; i++)
    (void)snprintf(names[i], sizeof names[i], "%x", i * 2654435761u);
  *state = gws_group_new(r);
  gws_roles_unref(r);
  return *state != NULL ? 0 : -1;
}

static int tear_down(void **state) {
  gws_group_unref(*state);
  return 0;
}

static void init_model(model *m) {
  m->num = 0;
  for (uint32_t i = 0; i < NUM_USERS; i++)
    m->role[i] = GWS_NO_ROLE;
}

static void check(const gw_group *g, const model *m) {
  gw_group_walk walk = {0, 0};
  gw_group_member member, last = {.user = {NULL, 0}};
  uint32_t num = 0;
  assert_int_equal(g->num_members, m->num);
  for (uint32_t i = 0; i < NUM_USERS; i++)
    assert_int_equal(gws_group_find(g, name_of(i)), m->role[i]);
  while (gws_group_next(g, &walk, &member)) {
    if (num != 0) {
      size_t len =
          last.user.len < member.user.len ? last.user.len : member.user.len;
      int order = memcmp(last.user.data, member.user.data, len);
      assert_true(order < 0 || (order == 0 && last.user.len < member.user.len));
    }
    last = member;
    num++;
  }
  assert_int_equal(num, m->num);
}

/** A random change of both. */
static void change(gw_group **g, model *m, bool grows) {
  uint32_t user = next_random(NUM_USERS), role = next_random(3);
  gw_group *next;
  if (m->role[user] != GWS_NO_ROLE && !grows) {
    next = gws_group_without(*g, name_of(user));
    m->role[user] = GWS_NO_ROLE;
    m->num--;
  } else {
    next = gws_group_with(*g, name_of(user), role);
    m->num += m->role[user] == GWS_NO_ROLE;
    m->role[user] = role;
  }
  assert_non_null(next);
  gws_group_unref(*g);
  *g = next;
}

static void values_are_what_a_model_says(void **state) {
  gw_group *g = *state, *old[NUM_OLD] = {NULL};
  model m, old_m[NUM_OLD];
  init_model(&m);
  for (uint32_t i = 0; i < 6000; i++) {
    change(&g, &m, i / 1500 % 2 == 0 ? next_random(10) != 0 : false);
    if (i % 100 == 0) check(g, &m);
    if (i % 700 != 0) continue;
    uint32_t at = i / 700 % NUM_OLD;
    gws_group_unref(old[at]);
    old[at] = gws_group_ref(g);
    old_m[at] = m;
  }
  check(g, &m);
  for (uint32_t i = 0; i < NUM_OLD; i++) {
    check(old[i], &old_m[i]); /* has not changed since */
    gws_group_unref(old[i]);
  }
  *state = g;
}

static void all_may_go(void **state) {
  gw_group *g = *state;
  model m;
  init_model(&m);
  for (uint32_t i = 0; i < NUM_USERS; i++) {
    gw_group *next = gws_group_with(g, name_of(i), i % 3);
    gws_group_unref(g);
    g = next;
  }
  for (uint32_t i = 0; i < NUM_USERS; i++) {
    gw_group *next = gws_group_without(g, name_of(i));
    gws_group_unref(g);
    g = next;
  }
  check(g, &m);
  assert_int_equal(g->num_pages, 0);
  *state = g;
}

/** A page after any name. */
static void a_walk_begins_behind_a_name(void **state) {
  gw_group *g = *state;
  model m;
  init_model(&m);
  for (uint32_t i = 0; i < 300; i++)
    change(&g, &m, true);
  gw_group_walk walk = {0, 0}, from;
  gw_group_member member, next;
  while (gws_group_next(g, &walk, &member)) {
    from = gws_group_after(g, member.user);
    gw_group_walk copy = walk;
    bool has_next = gws_group_next(g, &copy, &next);
    gw_group_member found;
    assert_int_equal(gws_group_next(g, &from, &found), has_next);
    if (has_next) assert_true(gw_view_eq(found.user, next.user));
  }
  from = gws_group_after(g, gw_view_of(""));
  walk = (gw_group_walk){0, 0};
  assert_true(gws_group_next(g, &from, &member));
  assert_true(gws_group_next(g, &walk, &next));
  assert_true(gw_view_eq(member.user, next.user));
  from = gws_group_after(g, gw_view_of("\x7f"));
  assert_false(gws_group_next(g, &from, &member));
  *state = g;
}

/* ---- differences --------------------------------------------------------------- */

static bool is_told[NUM_USERS];
static uint32_t num_told;

static void on_user(void *arg, gw_view user) {
  (void)arg;
  num_told++;
  for (uint32_t i = 0; i < NUM_USERS; i++) {
    if (!gw_view_eq(name_of(i), user)) continue;
    assert_false(is_told[i]);
    is_told[i] = true;
    return;
  }
  fail_msg("nobody of this name");
}

static void tell(const gw_group *before, const gw_group *after) {
  memset(is_told, 0, sizeof is_told);
  num_told = 0;
  gws_group_diff(before, after, on_user, NULL);
}

static void differences_are_those_of_the_models(void **state) {
  gw_group *g = *state;
  model m;
  init_model(&m);
  for (uint32_t round = 0; round < 60; round++) {
    model before_m = m;
    gw_group *before = gws_group_ref(g);
    uint32_t num = next_random(60), differ = 0;
    for (uint32_t i = 0; i < num; i++)
      change(&g, &m, next_random(3) != 0);
    tell(before, g);
    for (uint32_t i = 0; i < NUM_USERS; i++) {
      assert_int_equal(is_told[i], m.role[i] != before_m.role[i]);
      differ += m.role[i] != before_m.role[i];
    }
    assert_int_equal(num_told, differ);
    tell(NULL, g);
    assert_int_equal(num_told, m.num);
    tell(g, NULL);
    assert_int_equal(num_told, m.num);
    gws_group_unref(before);
  }
  *state = g;
}

static void other_roles_concern_everybody(void **state) {
  gw_group *g = *state;
  model m;
  init_model(&m);
  for (uint32_t i = 0; i < 200; i++)
    change(&g, &m, true);
  gw_roles *r = roles();
  gw_group *other = gws_group_with_roles(g, r);
  gws_roles_unref(r);
  assert_non_null(other);
  check(other, &m);
  tell(g, other);
  assert_int_equal(num_told, m.num);
  gws_group_unref(other);
  *state = g;
}

static void permissions_have_names(void **state) {
  (void)state;
  uint32_t all = 0;
  for (uint32_t i = 0; gws_permission_name(i) != NULL; i++)
    all |= gws_permission_of(gw_view_of(gws_permission_name(i)));
  assert_int_equal(all, GW_MAY_ALL);
  assert_int_equal(gws_permission_of(gw_view_of("read")), GW_MAY_READ);
  assert_int_equal(gws_permission_of(gw_view_of("send")), GW_MAY_SEND);
  assert_int_equal(gws_permission_of(gw_view_of("reads")), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(values_are_what_a_model_says),
      TEST(all_may_go),
      TEST(a_walk_begins_behind_a_name),
      TEST(differences_are_those_of_the_models),
      TEST(other_roles_concern_everybody),
      TEST(permissions_have_names),
  };
#undef TEST
  return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
