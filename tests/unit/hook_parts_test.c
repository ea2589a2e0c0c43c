/* SPDX-License-Identifier: MIT */
/* hook_parts_test.c - what hooks are made of: breaker, signature, backoff and the
 * cache of replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/hooks/breaker.h"
#include "server/hooks/cache.h"
#include "server/hooks/retry.h"
#include "server/hooks/sign.h"

/* ---- breaker -------------------------------------------------------------- */

/** Fail so often that it opens, at time 1000. */
static void open_it(gw_breaker *b) {
  for (unsigned i = 1; i <= GW_BREAKER_FAILURES; i++) {
    assert_true(gw_breaker_permits(b, 1000));
    assert_int_equal(gw_breaker_tell(b, false, 1000, 0),
                     i == GW_BREAKER_FAILURES);
  }
  assert_int_equal(b->state, GW_BREAKER_OPEN);
}

static void test_failures_in_a_row_open_it(void **state) {
  (void)state;
  gw_breaker b = {0};
  for (unsigned i = 0; i < 20; i++) {
    assert_true(gw_breaker_permits(&b, i));
    (void)gw_breaker_tell(&b, i % GW_BREAKER_FAILURES == 0, i, 0);
  }
  assert_int_equal(b.state, GW_BREAKER_CLOSED);
  b = (gw_breaker){0};
  open_it(&b);
  assert_false(gw_breaker_permits(&b, 1000));
  assert_int_equal(gw_breaker_wait_ms(&b, 1000), GW_BREAKER_OPEN_MS);
  assert_int_equal(b.num_opened, 1);
}

static void test_one_probe_decides(void **state) {
  (void)state;
  gw_breaker b = {0};
  open_it(&b);
  uint64_t later = 1000 + GW_BREAKER_OPEN_MS;
  assert_false(gw_breaker_permits(&b, later - 1));
  assert_true(gw_breaker_permits(&b, later));
  assert_false(gw_breaker_permits(&b, later)); /* one at a time */
  assert_true(gw_breaker_tell(&b, true, later, 0));
  assert_int_equal(b.state, GW_BREAKER_CLOSED);
  assert_true(gw_breaker_permits(&b, later));
  assert_true(gw_breaker_permits(&b, later));
}

static void test_each_failed_probe_doubles_the_time(void **state) {
  (void)state;
  gw_breaker b = {0};
  open_it(&b);
  uint64_t now = 1000, expected = GW_BREAKER_OPEN_MS;
  for (unsigned i = 0; i < 10; i++) {
    assert_int_equal(gw_breaker_wait_ms(&b, now), expected);
    now += expected;
    assert_true(gw_breaker_permits(&b, now));
    assert_true(gw_breaker_tell(&b, false, now, 0));
    expected = expected * 2 < GW_BREAKER_OPEN_MAX_MS ? expected * 2
                                                     : GW_BREAKER_OPEN_MAX_MS;
  }
}

static void test_what_was_sent_before_it_opened_does_not_count(void **state) {
  (void)state;
  gw_breaker b = {0};
  open_it(&b);
  assert_false(gw_breaker_tell(&b, true, 1001, 0));
  assert_false(gw_breaker_tell(&b, false, 1001, 0));
  assert_int_equal(b.state, GW_BREAKER_OPEN);
}

static void test_a_probe_that_came_to_nothing_frees_its_place(void **state) {
  (void)state;
  gw_breaker b = {0};
  open_it(&b);
  assert_true(gw_breaker_permits(&b, 5000));
  gw_breaker_forget(&b);
  assert_true(gw_breaker_permits(&b, 5000));
}

/* ---- signature ------------------------------------------------------------ */

/** By: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'key' */
static void test_signatures_are_hmac_sha256(void **state) {
  (void)state;
  char mac[GW_HOOK_SIGNATURE_CHARS];
  gw_hook_sign("key", 1700000000, gw_view_of("{\"a\":1}"), mac);
  assert_string_equal(
      mac, "a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
  gw_hook_sign("", 0, gw_view_of(""), mac);
  assert_string_equal(
      mac, "b849d5a581847b281957065739df36df2463d1977ea8d6e1e4e6cf33fadc68c3");
}

/* ---- backoff -------------------------------------------------------------- */

static void test_delays_grow_and_are_jittered(void **state) {
  (void)state;
  assert_int_equal(gw_hook_retry_delay(1, 0), 1);
  assert_int_equal(gw_hook_retry_delay(1, GW_HOOK_RETRY_BASE_MS - 1),
                   GW_HOOK_RETRY_BASE_MS);
  assert_int_equal(gw_hook_retry_delay(3, 4 * GW_HOOK_RETRY_BASE_MS - 1),
                   4 * GW_HOOK_RETRY_BASE_MS);
  for (uint32_t attempt = 0; attempt < 100; attempt++) {
    uint32_t delay = gw_hook_retry_delay(attempt, UINT32_MAX);
    assert_true(delay >= 1 && delay <= GW_HOOK_RETRY_CAP_MS);
  }
}

/* ---- cache ---------------------------------------------------------------- */

static gw_hook_key key_of(const char *a, const char *b) {
  gw_view parts[] = {gw_view_of(a), gw_view_of(b)};
  return gw_hook_key_of(parts, 2);
}

static void test_replies_are_kept_for_a_time(void **state) {
  (void)state;
  gw_hook_cache *c = gw_hook_cache_new(1000);
  gw_hook_key k = key_of("a", "b"), other = key_of("ab", "");
  gw_view reply;
  assert_false(gw_hook_cache_get(c, &k, 0, &reply));
  gw_hook_cache_put(c, &k, gw_view_of("first"), 0);
  gw_hook_cache_put(c, &k, gw_view_of("second"), 100);
  assert_true(gw_hook_cache_get(c, &k, 1100, &reply));
  assert_true(gw_view_eq(reply, gw_view_of("second")));
  assert_false(gw_hook_cache_get(c, &k, 1101, &reply));
  assert_false(gw_hook_cache_get(c, &other, 100, &reply));
  gw_hook_cache_free(c);
}

static void test_the_oldest_reply_makes_room(void **state) {
  (void)state;
  static uint8_t large[GW_HOOK_CACHE_BYTES + 1];
  gw_hook_cache *c = gw_hook_cache_new(1000);
  gw_view reply;
  char name[16];
  for (unsigned i = 0; i <= GW_HOOK_CACHE_MAX; i++) {
    (void)snprintf(name, sizeof name, "%u", i);
    gw_hook_key k = key_of(name, "");
    gw_hook_cache_put(c, &k, gw_view_of(name), 0);
  }
  gw_hook_key first = key_of("0", ""), second = key_of("1", "");
  assert_false(gw_hook_cache_get(c, &first, 0, &reply));
  assert_true(gw_hook_cache_get(c, &second, 0, &reply));
  gw_hook_cache_put(c, &second, (gw_view){large, sizeof large}, 0);
  assert_false(gw_hook_cache_get(c, &second, 0, &reply));
  gw_hook_cache_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_failures_in_a_row_open_it),
      cmocka_unit_test(test_one_probe_decides),
      cmocka_unit_test(test_each_failed_probe_doubles_the_time),
      cmocka_unit_test(test_what_was_sent_before_it_opened_does_not_count),
      cmocka_unit_test(test_a_probe_that_came_to_nothing_frees_its_place),
      cmocka_unit_test(test_signatures_are_hmac_sha256),
      cmocka_unit_test(test_delays_grow_and_are_jittered),
      cmocka_unit_test(test_replies_are_kept_for_a_time),
      cmocka_unit_test(test_the_oldest_reply_makes_room),
  };
  return cmocka_run_group_tests_name("hook_parts", tests, NULL, NULL);
}
