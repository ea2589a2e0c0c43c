/* SPDX-License-Identifier: MIT */
/* peer_test.c - addresses as people and proxies write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "server/edge/peer.h"
#include "support/exact.h"

static void test_texts(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1:80", "192.0.2.1"},
      {"2001:DB8::1", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"[2001:db8::1]:443", "2001:db8::1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::", "::"},
      {"", NULL},
      {"unknown", NULL},
      {"_hidden", NULL},
      {"192.0.2", NULL},
      {"192.0.2.1:", NULL},
      {"192.0.2.1:x", NULL},
      {"192.0.2.1:65536", NULL},
      {"192.0.2.1 ", NULL},
      {"[::1", NULL},
      {"[::1]x", NULL},
      {"[::1]:", NULL},
      {"::1]", NULL},
      {"fe80::1%eth0", NULL},
      {"1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[GW_PEER_TEXT_MAX];
    gw_view in = exact_text(cases[i][0]);
    gw_peer p;
    bool is_good = gw_peer_read(&p, in);
    if (is_good != (cases[i][1] != NULL)) fail_msg("%s", cases[i][0]);
    if (is_good) assert_string_equal(gw_peer_text(&p, text), cases[i][1]);
    exact_free(in);
  }
}

static void test_sockets_addresses(void **state) {
  (void)state;
  char text[GW_PEER_TEXT_MAX];
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  struct sockaddr local = {.sa_family = AF_UNIX};
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.1", &v6.sin6_addr), 1);
  gw_peer p = gw_peer_of((const struct sockaddr *)(const void *)&v6);
  assert_string_equal(gw_peer_text(&p, text), "10.0.0.1");
  p = gw_peer_of(&local);
  assert_string_equal(gw_peer_text(&p, text), "unix");
  p = gw_peer_of(&none);
  assert_string_equal(gw_peer_text(&p, text), "unknown");
  p = gw_peer_of_socket(-1);
  assert_int_equal(p.family, GW_PEER_UNKNOWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_sockets_addresses),
  };
  return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
