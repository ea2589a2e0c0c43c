/* SPDX-License-Identifier: MIT */
/* networks_test.c - who is in a list of networks, and which lists are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/edge/networks.h"

static void test_who_is_in(void **state) {
  (void)state;
  static const struct {
    const char *list, *peer;
    bool is_in;
  } cases[] = {
      {"10.0.0.0/8", "10.255.0.1", true},
      {"10.0.0.0/8", "11.0.0.1", false},
      {"10.0.0.0/9", "10.127.0.1", true},
      {"10.0.0.0/9", "10.128.0.1", false},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"192.0.2.1, 192.0.2.3 192.0.2.5", "192.0.2.5", true},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "203.0.113.9", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::ffff:10.0.0.1", "10.0.0.1", true},
      {"", "10.0.0.1", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_networks n;
    gw_view bad;
    gw_peer p;
    assert_int_equal(gw_networks_init(&n, cases[i].list, &bad), 0);
    assert_true(gw_peer_read(&p, gw_view_of(cases[i].peer)));
    if (gw_networks_has(&n, &p) != cases[i].is_in)
      fail_msg("%s in %s", cases[i].peer, cases[i].list);
    gw_networks_deinit(&n);
  }
}

static void test_peers_of_this_machine(void **state) {
  (void)state;
  gw_networks n;
  gw_view bad;
  gw_peer local = {.family = GW_PEER_UNIX}, unknown = {GW_PEER_UNKNOWN, {0}};
  assert_int_equal(gw_networks_init(&n, "unix", &bad), 0);
  assert_true(gw_networks_has(&n, &local));
  assert_false(gw_networks_has(&n, &unknown));
  gw_networks_deinit(&n);
  assert_int_equal(gw_networks_init(&n, "0.0.0.0/0 ::/0", &bad), 0);
  assert_false(gw_networks_has(&n, &local));
  assert_false(gw_networks_has(&n, &unknown));
  gw_networks_deinit(&n);
}

static void test_lists_that_cannot_be_read(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "example.org", "10.0.0.0/33", "::/129", "10.0.0.0/",    "10.0.0.0/x",
      "10.0.0",      "[::1]",       "/8",     "10.0.0.1:80",  "10.0.0.1:80/8",
      "unix/0",      "10.0.0.0/-1", "*",      "10.0.0.0/0008"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    gw_networks n;
    gw_view bad;
    char list[64] = "127.0.0.1, ";
    strcat(list, wrong[i]);
    if (gw_networks_init(&n, list, &bad) != GW_ERR_INVALID)
      fail_msg("%s", wrong[i]);
    assert_true(gw_view_eq(bad, gw_view_of(wrong[i])));
    assert_int_equal(n.num, 0);
  }
}

static void test_as_many_as_may_be(void **state) {
  (void)state;
  char *list = malloc((GW_NETWORKS_MAX + 1) * 4 + 1);
  gw_networks n;
  gw_view bad;
  list[0] = '\0';
  for (unsigned i = 0; i < GW_NETWORKS_MAX; i++)
    strcat(list, "::1 ");
  assert_int_equal(gw_networks_init(&n, list, &bad), 0);
  assert_int_equal(n.num, GW_NETWORKS_MAX);
  gw_networks_deinit(&n);
  strcat(list, "::2 ");
  assert_int_equal(gw_networks_init(&n, list, &bad), GW_ERR_INVALID);
  assert_true(gw_view_eq(bad, gw_view_of("::2")));
  free(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_who_is_in),
      cmocka_unit_test(test_peers_of_this_machine),
      cmocka_unit_test(test_lists_that_cannot_be_read),
      cmocka_unit_test(test_as_many_as_may_be),
  };
  return cmocka_run_group_tests_name("networks", tests, NULL, NULL);
}
