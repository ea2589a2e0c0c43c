/* SPDX-License-Identifier: MIT */
/* addresses_test.c - connections by address: rates, caps, and a table that an
 * attacker with many addresses cannot make grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>

#include "server/net/addresses.h"

static gw_addresses *table;
static uint32_t code, retry_after_ms;

static void use(uint32_t num, uint32_t burst, uint32_t max) {
  table = gw_addresses_new(&(gw_addresses_options){
      .rate = {num, 1000, burst}, .max_connections = max, .hash_key = {7}});
  assert_non_null(table);
}

static int tear_down(void **state) {
  (void)state;
  gw_addresses_free(table);
  table = NULL;
  return 0;
}

static gw_source address(const char *text) {
  gw_peer peer;
  gw_source a;
  assert_true(gw_peer_read(&peer, gw_view_of(text)));
  assert_true(gw_source_of(&a, &peer));
  return a;
}

static enum gw_entry enter(const char *text, uint64_t now_ms) {
  gw_source a = address(text);
  code = retry_after_ms = 0;
  return gw_addresses_enter(table, &a, now_ms, &code, &retry_after_ms);
}

static void leave(const char *text, uint64_t now_ms) {
  gw_source a = address(text);
  gw_addresses_leave(table, &a, now_ms);
}

static gw_addresses_stats stats(void) {
  gw_addresses_stats s;
  gw_addresses_stats_get(table, &s);
  return s;
}

static bool is_same(const char *a, const char *b) {
  gw_source x = address(a), y = address(b);
  return memcmp(&x, &y, sizeof x) == 0;
}

static void test_what_counts_as_one_address(void **state) {
  (void)state;
  assert_true(is_same("2001:db8:1:2::1", "2001:db8:1:2:ffff:1:2:3"));
  assert_false(is_same("2001:db8:1:2::1", "2001:db8:1:3::1"));
  assert_true(is_same("::ffff:10.0.0.1", "10.0.0.1"));
  assert_false(is_same("10.0.0.1", "10.0.0.2"));
  assert_false(is_same("::ffff:10.0.0.1", "::ffff:10.0.0.2"));
  gw_source a;
  gw_peer other = {.family = GW_PEER_UNIX};
  assert_false(gw_source_of(&a, &other));
}

static void test_over_the_rate_one_is_told_then_cut(void **state) {
  (void)state;
  use(10, 3, 0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(enter("10.0.0.1", 1000), GW_ENTRY_IN);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(enter("10.0.0.1", 1000), GW_ENTRY_TELL);
    assert_int_equal(code, GW_CODE_RATE_LIMITED);
    assert_int_equal(retry_after_ms, 100 * (i + 2));
  }
  for (int i = 0; i < 100; i++)
    assert_int_equal(enter("10.0.0.1", 1000), GW_ENTRY_CUT);
  assert_int_equal(enter("10.0.0.2", 1000), GW_ENTRY_IN);
  /* However long it went on, it is in again at the time that it was told. */
  assert_int_equal(enter("10.0.0.1", 1000 + 400), GW_ENTRY_IN);
  assert_int_equal(stats().num_limited, 103);
  assert_int_equal(stats().num_cut, 100);
}

static void test_a_cap_of_connections(void **state) {
  (void)state;
  use(0, 0, 2);
  assert_int_equal(enter("10.0.0.1", 1), GW_ENTRY_IN);
  assert_int_equal(enter("::ffff:10.0.0.1", 1), GW_ENTRY_IN);
  for (unsigned i = 0; i < GW_ADDRESSES_TOLD; i++) {
    assert_int_equal(enter("10.0.0.1", 1), GW_ENTRY_TELL);
    assert_int_equal(code, GW_CODE_CONNECTION_LIMIT);
    assert_true(retry_after_ms > 0);
  }
  assert_int_equal(enter("10.0.0.1", 1), GW_ENTRY_CUT);
  for (unsigned i = 0; i < GW_ADDRESSES_TOLD + 1; i++)
    leave("10.0.0.1", 1);
  assert_int_equal(enter("10.0.0.1", 1), GW_ENTRY_IN);
  assert_int_equal(enter("10.0.0.1", 1), GW_ENTRY_TELL);
}

static void test_who_is_gone_is_forgotten(void **state) {
  (void)state;
  use(10, 3, 5);
  assert_int_equal(enter("10.0.0.1", 1000), GW_ENTRY_IN);
  leave("10.0.0.1", 1000);
  assert_int_equal(stats().num, 1); /* for its rate */
  assert_int_equal(enter("10.0.0.2", 2000), GW_ENTRY_IN);
  assert_int_equal(stats().num, 1);
  leave("10.0.0.2", 9000);
  assert_int_equal(stats().num, 0);
}

static void test_many_addresses_do_not_make_it_grow(void **state) {
  (void)state;
  char text[INET6_ADDRSTRLEN];
  use(1, 1, 10);
  assert_int_equal(enter("10.0.0.1", 1000), GW_ENTRY_IN); /* stays */
  for (uint32_t i = 0; i < GW_ADDRESSES_MAX_IDLE + 5000; i++) {
    struct in6_addr v6 = {.s6_addr = {0x20, 0x01, 0, 0, (uint8_t)(i >> 16),
                                      (uint8_t)(i >> 8), (uint8_t)i, 1}};
    assert_non_null(inet_ntop(AF_INET6, &v6, text, sizeof text));
    assert_int_equal(enter(text, 1000), GW_ENTRY_IN);
    leave(text, 1000);
  }
  assert_true(stats().num <= GW_ADDRESSES_MAX_IDLE + 1);
  assert_int_equal(stats().num_forgotten, 5000);
  /* Who is connected is not forgotten. */
  assert_int_equal(enter("10.0.0.1", 1000), GW_ENTRY_TELL);
  /* When they are all over, they go. */
  assert_int_equal(enter("10.0.0.3", 60000), GW_ENTRY_IN);
  assert_int_equal(stats().num, 2);
}

/** Of two workers, one is in the midst of a long turn of its loop. */
static void test_a_clock_that_is_behind(void **state) {
  (void)state;
  use(10, 3, 0);
  assert_int_equal(enter("10.0.0.1", 2000), GW_ENTRY_IN);
  assert_int_equal(enter("10.0.0.1", 1600), GW_ENTRY_IN);
  assert_int_equal(enter("10.0.0.1", 1900), GW_ENTRY_IN);
  assert_int_equal(enter("10.0.0.1", 1700), GW_ENTRY_TELL);
  assert_int_equal(retry_after_ms, 200);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(what_counts_as_one_address),
      TEST(over_the_rate_one_is_told_then_cut),
      TEST(a_cap_of_connections),
      TEST(who_is_gone_is_forgotten),
      TEST(many_addresses_do_not_make_it_grow),
      TEST(a_clock_that_is_behind),
  };
#undef TEST
  return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
