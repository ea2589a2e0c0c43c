/* SPDX-License-Identifier: MIT */
/* config_edge_test.c - the settings of what stands in front of connections:
 * listeners, routes, files, plugins, administrators. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/unit/support/config_rig.h"

/* ---- the edge ---------------------------------------------------------------
 */

static void test_lists_at_the_edge(void **state) {
  fixture *f = *state;
  load_good(f,
            "listen: {public: ['*:80', 'unix:/run/g.sock'],\n"
            "  trusted_proxies: [10.0.0.0/8, unix], proxy_protocol: on}\n"
            "middleware: [access_log, metrics]\n"
            "routes:\n"
            "  - {path: '/rooms/:id', channels: ['room:{id}', lobby]}\n"
            "  - {path: /app, anonymous: false, keep: true}\n"
            "static: {/: /srv/www, /app: /srv/app}\n"
            "plugins: [{path: ./a.so, settings: a b}]\n",
            "");
  const gw_config *c = &f->config;
  assert_string_equal("*:80, unix:/run/g.sock", c->listen_public);
  assert_string_equal("10.0.0.0/8, unix", c->trusted_proxies);
  assert_true(c->proxy_protocol);
  assert_string_equal("access_log, metrics", c->middleware);
  assert_int_equal(2, c->num_routes);
  assert_string_equal("room:{id}, lobby", c->routes[0].channels);
  assert_true(c->routes[0].anonymous && !c->routes[0].keep);
  assert_true(!c->routes[1].anonymous && c->routes[1].keep);
  assert_int_equal(2, c->num_statics);
  assert_string_equal("/app", c->statics[1].path);
  assert_string_equal("/srv/app", c->statics[1].folder);
  assert_int_equal(1, c->num_plugins);
  assert_string_equal("a b", c->plugins[0].settings);
}

/** As for every list: the last one given counts, whole. */
static void test_lists_by_flags_replace_those_of_the_file(void **state) {
  fixture *f = *state;
  load_good(f, "routes: [{path: /a}, {path: /b}]\nstatic: {/: /srv}\n",
            "--routes [{\"path\":\"/c\"}]");
  assert_int_equal(1, f->config.num_routes);
  assert_string_equal("/c", f->config.routes[0].path);
  assert_int_equal(1, f->config.num_statics);
}

/* ---- administrators ---------------------------------------------------------
 */

#define PASSWORD                          \
  "scrypt$14$8$3$MDEyMzQ1Njc4OWFiY2RlZg$" \
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void test_administrators(void **state) {
  fixture *f = *state;
  load_good(f,
            "admin:\n"
            "  users:\n"
            "    - {name: ada, password: " PASSWORD "}\n"
            "    - {name: grace, password_file: /etc/grace}\n"
            "  idle: 5m\n"
            "  failures: 1/m burst 2\n",
            "");
  const gw_config_admin *a = &f->config.admin;
  assert_int_equal(2, a->num_users);
  assert_string_equal("ada", a->users[0].name);
  assert_string_equal(PASSWORD, a->users[0].password);
  assert_string_equal("/etc/grace", a->users[1].password_file);
  assert_int_equal(300000, a->idle_ms);
  assert_int_equal(12 * 3600 * 1000, a->lifetime_ms);
  assert_int_equal(2, a->failures.burst);
  load_good(f, "admin: {users: {eve: " PASSWORD "}}\n", "");
  assert_int_equal(1, a->num_users);
  assert_string_equal("eve", a->users[0].name);
  load_good(f, "",
            "--admin.users [{\"name\":\"bob\",\"password_file\":\"p\"}]");
  assert_string_equal("bob", a->users[0].name);
}

static void test_administrators_that_cannot_be(void **state) {
  fixture *f = *state;
  load_bad(f, "admin: {users: [ada]}\n", "",
           "admin.users: 'ada' needs a password: godwit hash-password makes "
           "one");
  load_bad(f,
           "admin: {users: [{name: ada, password: " PASSWORD
           ", password_file: p}]}\n",
           "", "admin.users: 'ada' needs password or password_file, not both");
  load_bad(f, "admin: {users: {ada: correct horse battery}}\n", "",
           "admin.users: 'ada' has a password that is not a line of `godwit "
           "hash-password`");
  load_bad(f,
           "admin: {users: [{name: a, password_file: p}, {name: a, "
           "password_file: p}]}\n",
           "", "admin.users: 'a' is there twice");
  load_bad(f, "admin: {users: ada}\n", "", "$:1: admin.users: must be a list");
  load_bad(f, "admin: {origins: '*'}\n", "",
           "admin.origins: must not be * or null: any page could act as an "
           "administrator who is logged in");
  load_bad(f, "admin: {uses: []}\n", "",
           "$:1: admin.uses: there is no such key; the nearest is admin.users");
}

static void test_an_edge_that_makes_no_sense(void **state) {
  fixture *f = *state;
  load_bad(f, "listen: {proxy_protocol: on}\n", "",
           "listen.proxy_protocol: needs listen.trusted_proxies: nobody else's "
           "header counts");
  load_bad(
      f, "listen: {trusted_proxies: 10.0.0.0/40}\n", "",
      "listen.trusted_proxies: '10.0.0.0/40' must be an address, a network "
      "such as 10.0.0.0/8, or unix");
  load_bad(
      f, "listen: {unix_mode: 888}\n", "",
      "listen.unix_mode: '888' must be permissions in octal, such as 0660");
  load_bad(f, "routes: [{path: '/rooms/:id', channels: 'room:{name}'}]\n", "",
           "routes: /rooms/:id names a parameter that the path does not have");
  load_bad(f, "routes: [{path: /a}, {path: /a}]\n", "",
           "routes: /a: the same paths as /a");
  load_bad(f, "routes: {path: /a}\n", "", "$:1: routes: must be a list");
  load_bad(f, "routes:\n  - {pth: /a}\n", "",
           "$:2: routes[0].pth: there is no such key; the nearest is path");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_administrators),
      TEST(test_administrators_that_cannot_be),
      TEST(test_lists_at_the_edge),
      TEST(test_lists_by_flags_replace_those_of_the_file),
      TEST(test_an_edge_that_makes_no_sense),
  };
  /* What the surroundings say is not what is tested. */
  unsetenv("GODWIT_CONFIG");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
