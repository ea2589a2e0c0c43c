/* SPDX-License-Identifier: MIT */
/* settings_test.c - defaults, and the namespace of a channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/settings.h"

static const gw_namespace spaces[] = {
    {.name = "room"}, {.name = "room:vip"}, {.name = ""}};
static const gw_settings settings = {.namespaces = spaces, .num_namespaces = 3};

static const char *name_of(const char *channel) {
  return gw_settings_namespace(&settings, gw_view_of(channel))->name;
}

static void test_the_namespace_is_before_the_colon(void **state) {
  (void)state;
  assert_string_equal(name_of("room:lobby"), "room");
  assert_string_equal(name_of("room:"), "room");
  assert_string_equal(name_of("room"), "");
  assert_string_equal(name_of("roomy:x"), "");
  assert_string_equal(name_of("x:room:"), "");
  assert_string_equal(name_of(":x"), "");
  assert_string_equal(name_of(""), "");
  assert_string_equal(name_of("room:vip:x"), "room"); /* the first that fits */
}

static void test_defaults_are_those_of_limits_h(void **state) {
  (void)state;
  const gw_settings *s = &gw_settings_default;
  assert_int_equal(s->limits.max_frame_bytes, GW_MAX_FRAME_BYTES);
  assert_int_equal(s->limits.max_queue_bytes, GW_MAX_QUEUE_BYTES);
  assert_int_equal(s->ping_interval_ms, GW_PING_INTERVAL_MS);
  assert_int_equal(s->dedup_window_ms, GW_DEDUP_WINDOW_MS);
  assert_int_equal(s->num_namespaces, 1);
  assert_string_equal(s->namespaces[0].name, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_namespace_is_before_the_colon),
      cmocka_unit_test(test_defaults_are_those_of_limits_h),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
