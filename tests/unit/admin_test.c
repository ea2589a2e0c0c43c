/* SPDX-License-Identifier: MIT */
/* admin_test.c - the login of administrators: users, failures, sessions, and the
 * token against other pages. Time is what the tests say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/admin/admin.h"

#define HASH                              \
  "scrypt$14$8$3$MDEyMzQ1Njc4OWFiY2RlZg$" \
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define IDLE_MS     1000u
#define LIFETIME_MS 5000u
#define SESSIONS    3u

static gw_admin admin;
static const uint8_t id[8][GW_ADMIN_ID_BYTES] = {{0}, {1}, {2}, {3},
                                                 {4}, {5}, {6}, {7}};

static const gw_admin_options options = {
    .sessions = {.idle_ms = IDLE_MS,
                 .lifetime_ms = LIFETIME_MS,
                 .max = SESSIONS},
    .failures = {.num = 60, .per_ms = 60000, .burst = 3},
    .secret = "a secret, random elsewhere"};

static void add(gw_admin_users *users, const char *name) {
  char why[GW_ADMIN_WHY_MAX];
  assert_int_equal(gw_admin_users_add(users, name, HASH, why), 0);
}

static int start(void **state) {
  gw_admin_users users = {.num = 0};
  (void)state;
  add(&users, "ada");
  add(&users, "grace");
  assert_int_equal(gw_admin_init(&admin, &users, &options), 0);
  return 0;
}

static int stop(void **state) {
  (void)state;
  gw_admin_deinit(&admin);
  return 0;
}

static const gw_admin_user *user(const char *name) {
  const gw_admin_user *u = NULL;
  (void)gw_admin_password_of(&admin, gw_view_of(name), &u);
  return u;
}

static const gw_admin_user *enter(unsigned n, const char *name, uint64_t now) {
  return gw_admin_enter(&admin, user(name), gw_view_of("192.0.2.1"), id[n],
                        now);
}

static const gw_admin_user *find(unsigned n, bool is_use, uint64_t now) {
  return gw_admin_sessions_find(&admin.sessions, id[n], is_use, now);
}

/* ---- users -------------------------------------------------------------------- */

static void test_users_that_cannot_be(void **state) {
  (void)state;
  gw_admin_users u = {.num = 0};
  char why[GW_ADMIN_WHY_MAX], name[GW_ADMIN_NAME_MAX + 2];
  memset(name, 'a', sizeof name);
  name[sizeof name - 1] = '\0';
  const char *bad[] = {"", name, "a\nb", " a", "a ", "\x7f", "a\xff"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(gw_admin_users_add(&u, bad[i], HASH, why), GW_ERR_INVALID);
    assert_non_null(strstr(why, "must be a name"));
  }
  add(&u, name + 1);
  assert_int_equal(gw_admin_users_add(&u, name + 1, HASH, why), GW_ERR_INVALID);
  assert_non_null(strstr(why, "is there twice"));
  assert_int_equal(gw_admin_users_add(&u, "b", "correct horse battery", why),
                   GW_ERR_INVALID);
  assert_string_equal(why, "'b' has a password that is not a line of `godwit "
                           "hash-password`");
  for (size_t i = u.num; i < GW_ADMIN_USERS_MAX; i++) {
    snprintf(name, sizeof name, "user %zu", i);
    add(&u, name);
  }
  assert_int_equal(gw_admin_users_add(&u, "one more", HASH, why),
                   GW_ERR_INVALID);
  gw_admin_users_deinit(&u);
}

static void test_unknown_names_cost_as_much_as_known_ones(void **state) {
  (void)state;
  const gw_admin_user *u;
  const gw_password *known =
      gw_admin_password_of(&admin, gw_view_of("ada"), &u);
  assert_non_null(u);
  const gw_password *unknown =
      gw_admin_password_of(&admin, gw_view_of("Ada"), &u);
  assert_null(u);
  assert_int_equal(unknown->cost, known->cost);
  assert_int_equal(unknown->r, known->r);
  assert_int_equal(unknown->p, known->p);
  assert_memory_not_equal(unknown->hash, known->hash, sizeof known->hash);
}

/* ---- failures ------------------------------------------------------------------ */

static uint32_t try_as(const char *name, const char *address, uint64_t now) {
  return gw_admin_try(&admin, gw_view_of(name), gw_view_of(address), now);
}

static void test_failures_of_an_address_are_limited(void **state) {
  (void)state;
  assert_int_equal(try_as("a", "192.0.2.1", 0), 0);
  assert_int_equal(try_as("b", "192.0.2.1", 0), 0);
  assert_int_equal(try_as("c", "192.0.2.1", 0), 0);
  assert_int_equal(try_as("d", "192.0.2.1", 0), 1000);
  assert_int_equal(try_as("d", "192.0.2.1", 600), 400);
  assert_int_equal(try_as("d", "192.0.2.2", 600), 0);
  assert_int_equal(try_as("d", "192.0.2.1", 1000), 0);
  assert_int_equal(admin.stats.admin_logins_limited_total, 2);
}

static void test_failures_of_a_name_are_limited_from_anywhere(void **state) {
  (void)state;
  assert_int_equal(try_as("ada", "192.0.2.1", 0), 0);
  assert_int_equal(try_as("ada", "192.0.2.2", 0), 0);
  assert_int_equal(try_as("ada", "192.0.2.3", 0), 0);
  assert_int_equal(try_as("ada", "192.0.2.4", 0), 1000);
  assert_int_equal(try_as("nobody", "192.0.2.4", 0), 0);
}

static void test_an_address_is_not_taken_for_a_name(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_int_equal(try_as("x", "same", 0), 0);
  assert_int_equal(try_as("same", "192.0.2.1", 0), 0);
}

static void test_who_gets_in_is_forgiven(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_int_equal(try_as("ada", "192.0.2.1", 0), 0);
  assert_true(try_as("ada", "192.0.2.1", 0) > 0);
  enter(0, "ada", 0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(try_as("ada", "192.0.2.1", 0), 0);
}

static void test_the_table_forgets_who_owes_least(void **state) {
  (void)state;
  gw_attempts *a = &admin.attempts;
  char name[32];
  for (int i = 0; i < 3; i++)
    assert_int_equal(
        gw_attempts_take(a, GW_ATTEMPTS_NAME, gw_view_of("ada"), 0), 0);
  for (unsigned i = 0; i < 3 * GW_ATTEMPTS_MAX; i++) {
    snprintf(name, sizeof name, "%u", i);
    assert_int_equal(gw_attempts_take(a, GW_ATTEMPTS_NAME, gw_view_of(name), 0),
                     0);
  }
  assert_int_equal(a->num, GW_ATTEMPTS_MAX);
  assert_true(gw_attempts_take(a, GW_ATTEMPTS_NAME, gw_view_of("ada"), 0) > 0);
}

/* ---- sessions ------------------------------------------------------------------ */

static void test_a_session_is_found_by_its_id_only(void **state) {
  (void)state;
  assert_null(find(0, true, 0));
  assert_null(enter(0, "ada", 10));
  assert_null(enter(1, "grace", 10));
  assert_string_equal(find(0, true, 20)->name, "ada");
  assert_string_equal(find(1, true, 20)->name, "grace");
  assert_null(find(2, true, 20));
  /* What is kept is not what opens. */
  for (size_t i = 0; i < admin.sessions.num; i++)
    assert_memory_not_equal(admin.sessions.items[i].hash, id[0], 32);
}

static void test_a_session_ends_when_it_is_not_used(void **state) {
  (void)state;
  enter(0, "ada", 0);
  assert_non_null(find(0, true, IDLE_MS - 1));
  assert_non_null(find(0, true, 2 * IDLE_MS - 2));
  assert_null(find(0, true, 3 * IDLE_MS - 2));
  assert_int_equal(admin.sessions.num, 0);
}

static void test_what_a_page_asks_by_itself_is_no_use(void **state) {
  (void)state;
  enter(0, "ada", 0);
  for (uint64_t now = 100; now < IDLE_MS; now += 100)
    assert_non_null(find(0, false, now));
  assert_null(find(0, false, IDLE_MS));
}

static void test_a_session_ends_however_much_it_is_used(void **state) {
  (void)state;
  enter(0, "ada", 0);
  for (uint64_t now = 0; now < LIFETIME_MS; now += IDLE_MS / 2)
    assert_non_null(find(0, true, now));
  assert_null(find(0, true, LIFETIME_MS));
}

static void test_one_too_many_ends_the_one_unused_for_longest(void **state) {
  (void)state;
  enter(0, "ada", 0);
  enter(1, "grace", 1);
  enter(2, "ada", 2);
  find(0, true, 3);
  assert_string_equal(enter(3, "ada", 4)->name, "grace");
  assert_null(find(1, true, 5));
  assert_non_null(find(0, true, 5));
  assert_non_null(find(3, true, 5));
  assert_int_equal(admin.sessions.num, SESSIONS);
  assert_int_equal(admin.stats.admin_sessions_displaced_total, 1);
}

static void test_those_that_are_over_make_room_first(void **state) {
  (void)state;
  enter(0, "ada", 0);
  enter(1, "ada", 900);
  enter(2, "ada", 900);
  assert_null(enter(3, "grace", IDLE_MS));
  assert_non_null(find(1, true, IDLE_MS));
  assert_int_equal(gw_admin_sessions_expire(&admin.sessions, 10000), 0);
}

static void test_a_session_that_was_ended_is_gone(void **state) {
  (void)state;
  enter(0, "ada", 0);
  enter(1, "ada", 0);
  assert_true(gw_admin_sessions_end(&admin.sessions, id[0]));
  assert_false(gw_admin_sessions_end(&admin.sessions, id[0]));
  assert_null(find(0, true, 1));
  assert_non_null(find(1, true, 1));
}

/* ---- texts --------------------------------------------------------------------- */

static void test_ids_as_text(void **state) {
  (void)state;
  char text[GW_ADMIN_TOKEN_MAX], longer[GW_ADMIN_TOKEN_MAX + 1];
  uint8_t back[GW_ADMIN_ID_BYTES];
  gw_admin_id_write(id[7], text);
  assert_int_equal(strlen(text), 43);
  assert_true(gw_admin_id_read(gw_view_of(text), back));
  assert_memory_equal(back, id[7], sizeof back);
  for (size_t len = 0; len < strlen(text); len++)
    assert_false(gw_admin_id_read((gw_view){(const uint8_t *)text, len}, back));
  snprintf(longer, sizeof longer, "%sA", text);
  assert_false(gw_admin_id_read(gw_view_of(longer), back));
  text[0] = '=';
  assert_false(gw_admin_id_read(gw_view_of(text), back));
}

static void test_the_token_is_of_one_session_and_one_start(void **state) {
  (void)state;
  char token[GW_ADMIN_TOKEN_MAX], other[GW_ADMIN_TOKEN_MAX];
  gw_admin_csrf(&admin, id[1], token);
  assert_true(gw_admin_csrf_is(&admin, id[1], gw_view_of(token)));
  assert_false(gw_admin_csrf_is(&admin, id[2], gw_view_of(token)));
  assert_false(gw_admin_csrf_is(&admin, id[1], (gw_view){NULL, 0}));
  gw_admin_id_write(id[1], other);
  assert_false(gw_admin_csrf_is(&admin, id[1], gw_view_of(other)));
  admin.secret[0] ^= 1;
  assert_false(gw_admin_csrf_is(&admin, id[1], gw_view_of(token)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_users_that_cannot_be),
      TEST(test_unknown_names_cost_as_much_as_known_ones),
      TEST(test_failures_of_an_address_are_limited),
      TEST(test_failures_of_a_name_are_limited_from_anywhere),
      TEST(test_an_address_is_not_taken_for_a_name),
      TEST(test_who_gets_in_is_forgiven),
      TEST(test_the_table_forgets_who_owes_least),
      TEST(test_a_session_is_found_by_its_id_only),
      TEST(test_a_session_ends_when_it_is_not_used),
      TEST(test_what_a_page_asks_by_itself_is_no_use),
      TEST(test_a_session_ends_however_much_it_is_used),
      TEST(test_one_too_many_ends_the_one_unused_for_longest),
      TEST(test_those_that_are_over_make_room_first),
      TEST(test_a_session_that_was_ended_is_gone),
      TEST(test_ids_as_text),
      TEST(test_the_token_is_of_one_session_and_one_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
