/* SPDX-License-Identifier: MIT */
/* lws_test.c - the client's port on libwebsockets, as far as it needs no server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/ports/lws.h"

static void ignore(void *user, const gw_event *event) {
  (void)user;
  (void)event;
}

static void on_other(uv_timer_t *timer) {
  *(bool *)timer->data = true;
  uv_close((uv_handle_t *)timer, NULL);
}

static void a_client_that_cannot_be_made_leaves_the_loop_alone(void **state) {
  (void)state;
  static uint8_t token[GW_MAX_TOKEN_BYTES + 1];
  memset(token, 't', sizeof token);
  uv_loop_t loop;
  uv_timer_t other; /* of somebody else, as another client's */
  bool has_run = false;
  assert_int_equal(uv_loop_init(&loop), 0);
  assert_int_equal(uv_timer_init(&loop, &other), 0);
  other.data = &has_run;
  assert_int_equal(uv_timer_start(&other, on_other, 50, 0), 0);
  gw_view endpoint = gw_view_of("ws://localhost:1/v1/ws");
  gw_lws_options options = {.loop = &loop,
                            .client = {.endpoints = &endpoint,
                                       .num_endpoints = 1,
                                       .token = {token, sizeof token}},
                            .event = ignore};
  assert_null(gw_lws_new(&options));
  assert_false(has_run);
  assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  assert_true(has_run);
  assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_client_that_cannot_be_made_leaves_the_loop_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
