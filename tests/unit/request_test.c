/* SPDX-License-Identifier: MIT */
/* request_test.c - what handlers read of a request, its cap, and what is left of
 * it when nobody wants the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/edge/request.h"

static gw_routes routes;

static int start(void **state) {
  char why[GW_ROUTE_WHY_MAX];
  (void)state;
  return gw_routes_add(&routes, &(gw_route_options){.path = "/rooms/:id"}, why);
}

static int stop(void **state) {
  (void)state;
  gw_routes_deinit(&routes);
  return 0;
}

static void add(gw_request_maker *m, enum gw_request_part part,
                const char *name, const char *value) {
  assert_int_equal(gw_request_add(m, part, gw_view_of(name), gw_view_of(value)),
                   0);
}

/** What was given to the maker may go as soon as it is built. */
static gw_request *made(void) {
  static const uint8_t v6[16] = {[15] = 1};
  char *bytes = malloc(256), *path = strdup("/rooms/42");
  gw_request_maker m;
  gw_request_begin(&m, bytes, 256);
  m.path = gw_view_of(path);
  m.route = routes.items[0];
  m.peer.family = GW_PEER_IPV6;
  memcpy(m.peer.bytes, v6, sizeof v6);
  m.is_secure = m.is_upgrade = true;
  add(&m, GW_REQUEST_PARAM, "id", "42");
  add(&m, GW_REQUEST_TLS, "version", "TLSv1.3");
  add(&m, GW_REQUEST_HEADER, "cookie", "a=1; sid=x=y");
  add(&m, GW_REQUEST_QUERY, "q", "1");
  add(&m, GW_REQUEST_QUERY, "q", "2");
  add(&m, GW_REQUEST_QUERY, "empty", "");
  gw_request *r = gw_request_build(&m);
  memset(bytes, 'x', 256);
  free(bytes);
  free(path);
  assert_non_null(r);
  return r;
}

static void assert_view(gw_view v, const char *text) {
  if (!gw_view_eq(v, gw_view_of(text)))
    fail_msg("'%.*s' is not '%s'", (int)v.len, (const char *)v.data, text);
}

static void test_what_handlers_read(void **state) {
  (void)state;
  gw_view name, value;
  gw_request *r = made();
  assert_view(gw_request_path(r), "/rooms/42");
  assert_string_equal(gw_request_route(r), "/rooms/:id");
  assert_view(gw_request_peer(r), "::1");
  assert_true(gw_request_is_secure(r) && gw_request_is_upgrade(r));
  assert_view(gw_request_get(r, GW_REQUEST_PARAM, "id"), "42");
  assert_view(gw_request_get(r, GW_REQUEST_QUERY, "q"), "1");
  assert_view(gw_request_get(r, GW_REQUEST_QUERY, "id"), "");
  assert_view(gw_request_get(r, GW_REQUEST_TLS, "version"), "TLSv1.3");
  assert_view(gw_request_cookie(r, "sid"), "x=y");
  assert_view(gw_request_cookie(r, "id"), "");
  assert_true(gw_request_item(r, GW_REQUEST_QUERY, 1, &name, &value));
  assert_view(value, "2");
  assert_true(gw_request_item(r, GW_REQUEST_QUERY, 2, &name, &value));
  assert_view(name, "empty");
  assert_false(gw_request_item(r, GW_REQUEST_QUERY, 3, &name, &value));
  gw_request_free(r);
}

static void test_what_is_left_of_it(void **state) {
  (void)state;
  gw_request *r = made(), *slim = gw_request_slim(r);
  assert_non_null(slim);
  assert_true(gw_request_bytes(slim) < gw_request_bytes(r));
  gw_request_free(r);
  assert_view(gw_request_get(slim, GW_REQUEST_PARAM, "id"), "42");
  assert_view(gw_request_get(slim, GW_REQUEST_QUERY, "q"), "");
  assert_view(gw_request_cookie(slim, "sid"), "");
  assert_view(gw_request_peer(slim), "::1");
  assert_string_equal(gw_request_route(slim), "/rooms/:id");
  assert_view(gw_request_path(slim), "");
  gw_request_free(slim);
}

static void test_its_cap(void **state) {
  (void)state;
  char *bytes = malloc(10);
  gw_request_maker m;
  gw_request_begin(&m, bytes, 10);
  add(&m, GW_REQUEST_QUERY, "12345", "6789");
  assert_int_equal(
      gw_request_add(&m, GW_REQUEST_QUERY, gw_view_of("a"), gw_view_of("b")),
      GW_ERR_FULL);
  add(&m, GW_REQUEST_QUERY, "a", "");
  gw_request *r = gw_request_build(&m);
  free(bytes);
  assert_view(gw_request_get(r, GW_REQUEST_QUERY, "12345"), "6789");
  assert_string_equal(gw_request_route(r), "");
  assert_view(gw_request_peer(r), "unknown");
  gw_request_free(r);
}

static void test_as_many_as_may_be(void **state) {
  (void)state;
  char bytes[1024];
  gw_view x = gw_view_of("x");
  gw_request_maker m;
  gw_request_begin(&m, bytes, sizeof bytes);
  for (unsigned i = 0; i < GW_REQUEST_ITEMS_MAX; i++)
    assert_int_equal(gw_request_add(&m, GW_REQUEST_QUERY, x, x), 0);
  assert_int_equal(gw_request_add(&m, GW_REQUEST_QUERY, x, x), GW_ERR_FULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_handlers_read),
      cmocka_unit_test(test_what_is_left_of_it),
      cmocka_unit_test(test_its_cap),
      cmocka_unit_test(test_as_many_as_may_be),
  };
  return cmocka_run_group_tests_name("request", tests, start, stop);
}
