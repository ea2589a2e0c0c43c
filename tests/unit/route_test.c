/* SPDX-License-Identifier: MIT */
/* route_test.c - the table of routes: what is refused, which one a path takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/edge/route.h"

static void add(gw_routes *r, const char *path) {
  char why[GW_ROUTE_WHY_MAX];
  if (gw_routes_add(r, &(gw_route_options){.path = path}, why) < 0)
    fail_msg("%s", why);
}

static void test_the_route_that_says_more_is_taken(void **state) {
  (void)state;
  /* In any order of configuration. */
  static const char *const paths[] = {"/*", "/rooms/:id", "/rooms/lobby",
                                      "/rooms/:id/log", "/v1/ws"};
  static const char *const cases[][2] = {{"/rooms/lobby", "/rooms/lobby"},
                                         {"/rooms/x", "/rooms/:id"},
                                         {"/rooms/lobby/log", "/rooms/:id/log"},
                                         {"/rooms/lobby/x", "/*"},
                                         {"/v1/ws", "/v1/ws"},
                                         {"/else", "/*"}};
  size_t num = sizeof paths / sizeof paths[0];
  for (size_t first = 0; first < num; first++) {
    gw_routes r = {.num = 0};
    gw_values values;
    for (size_t i = 0; i < num; i++)
      add(&r, paths[(first + i) % num]);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      const gw_route *found =
          gw_routes_find(&r, gw_view_of(cases[i][0]), &values);
      assert_non_null(found);
      assert_string_equal(found->pattern.text, cases[i][1]);
    }
    assert_null(gw_routes_find(&r, gw_view_of("/"), &values));
    assert_true(gw_routes_has(&r, "/rooms/:id"));
    assert_false(gw_routes_has(&r, "/rooms/:name"));
    gw_routes_deinit(&r);
  }
}

static void test_what_a_route_has(void **state) {
  (void)state;
  gw_routes r = {.num = 0};
  char why[GW_ROUTE_WHY_MAX];
  const gw_route_options o = {.path = "/rooms/:id",
                              .channels = "room:{id}, lobby news:{id}",
                              .space = "room",
                              .origins = "https://a.org",
                              .subprotocols = "godwit.v1.json",
                              .needs_user = true,
                              .keeps_request = true,
                              .handlers = 3};
  assert_int_equal(gw_routes_add(&r, &o, why), 0);
  const gw_route *route = r.items[0];
  assert_int_equal(route->num_templates, 3);
  assert_true(gw_view_eq(route->templates[1], gw_view_of("lobby")));
  assert_int_equal(route->speaks, GW_SPEAKS_JSON);
  assert_true(route->needs_user && route->keeps_request);
  assert_int_equal(route->handlers, 3);
  add(&r, "/plain");
  gw_values values;
  route = gw_routes_find(&r, gw_view_of("/plain"), &values);
  assert_int_equal(route->speaks, GW_SPEAKS_BINARY | GW_SPEAKS_JSON);
  assert_string_equal(route->space, "");
  gw_routes_deinit(&r);
}

static void test_routes_that_cannot_be(void **state) {
  (void)state;
  static const struct {
    gw_route_options o;
    int err;
    const char *why;
  } cases[] = {
      {{.path = "rooms"}, GW_ERR_INVALID, "slash"},
      {{.path = "/v1/mine"}, GW_ERR_INVALID, "server's own"},
      {{.path = "/a", .channels = "room:{id}"}, GW_ERR_INVALID, "parameter"},
      {{.path = "/a", .channels = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"},
       GW_ERR_INVALID,
       "16 channels"},
      {{.path = "/a", .space = "a:b"}, GW_ERR_INVALID, "namespace"},
      {{.path = "/:x", .space = "{y}"}, GW_ERR_INVALID, "parameter"},
      {{.path = "/a", .subprotocols = "mqtt"}, GW_ERR_INVALID, "speak"},
      {{.path = "/a", .origins = "https://a.org b.org/x"},
       GW_ERR_INVALID,
       "b.org/x"},
      {{.path = "/rooms/:other"}, GW_ERR_EXISTS, "/rooms/:id"},
  };
  gw_routes r = {.num = 0};
  add(&r, "/rooms/:id");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char why[GW_ROUTE_WHY_MAX] = "";
    int err = gw_routes_add(&r, &cases[i].o, why);
    if (err != cases[i].err || strstr(why, cases[i].why) == NULL)
      fail_msg("%s: %d %s", cases[i].o.path, err, why);
  }
  assert_int_equal(r.num, 1);
  gw_routes_deinit(&r);
}

static void test_as_many_as_may_be(void **state) {
  (void)state;
  gw_routes r = {.num = 0};
  char path[32], why[GW_ROUTE_WHY_MAX];
  for (unsigned i = 0; i < GW_ROUTES_MAX; i++) {
    snprintf(path, sizeof path, "/r%u", i);
    add(&r, path);
  }
  assert_int_equal(gw_routes_add(&r, &(gw_route_options){.path = "/x"}, why),
                   GW_ERR_FULL);
  assert_non_null(strstr(why, "256"));
  gw_routes_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_route_that_says_more_is_taken),
      cmocka_unit_test(test_what_a_route_has),
      cmocka_unit_test(test_routes_that_cannot_be),
      cmocka_unit_test(test_as_many_as_may_be),
  };
  return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
