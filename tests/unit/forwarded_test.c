/* SPDX-License-Identifier: MIT */
/* forwarded_test.c - who is behind the proxies: nobody but who is trusted is
 * believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "server/edge/forwarded.h"
#include "support/exact.h"

#define X   GW_FORWARDED_X_FOR
#define RFC GW_FORWARDED_RFC7239

typedef struct row {
  enum gw_forwarded_by by;
  const char *header, *socket, *client;
  bool is_secure;
} row;

static void try(const row *r) {
  char text[GW_PEER_TEXT_MAX];
  gw_networks trusted;
  gw_view bad, header = exact_text(r->header);
  gw_peer peer;
  bool is_secure = false;
  assert_int_equal(gw_networks_init(&trusted, "10.0.0.0/8, fd00::/8", &bad), 0);
  assert_true(gw_peer_read(&peer, gw_view_of(r->socket)));
  gw_forwarded_read(r->by, header, &trusted, &peer, &is_secure);
  if (strcmp(gw_peer_text(&peer, text), r->client) != 0 ||
      is_secure != r->is_secure)
    fail_msg("'%s' from %s: %s %d", r->header, r->socket, text, is_secure);
  exact_free(header);
  gw_networks_deinit(&trusted);
}

static void test_both_headers(void **state) {
  (void)state;
  static const row rows[] = {
      {X, "192.0.2.1", "10.0.0.1", "192.0.2.1", false},
      {X, "192.0.2.1:99", "10.0.0.1", "192.0.2.1", false},
      {X, "2001:db8::1", "fd00::1", "2001:db8::1", false},
      /* The client's own word in front of what the proxy saw. */
      {X, "1.1.1.1, 192.0.2.1", "10.0.0.1", "192.0.2.1", false},
      /* A chain of proxies. */
      {X, "192.0.2.1, 10.0.0.3, 10.0.0.2", "10.0.0.1", "192.0.2.1", false},
      {X, "9.9.9.9, 192.0.2.1,10.0.0.2", "10.0.0.1", "192.0.2.1", false},
      /* All of them are ours: the first is the client. */
      {X, "10.0.0.3, 10.0.0.2", "10.0.0.1", "10.0.0.3", false},
      /* From somebody who is not trusted it is only a claim. */
      {X, "1.1.1.1", "192.0.2.7", "192.0.2.7", false},
      /* What cannot be read ends it. */
      {X, "", "10.0.0.1", "10.0.0.1", false},
      {X, "192.0.2.1, unknown", "10.0.0.1", "10.0.0.1", false},
      {X, "192.0.2.1, , 10.0.0.2", "10.0.0.1", "10.0.0.2", false},
      {X, ",,,", "10.0.0.1", "10.0.0.1", false},
      {RFC, "for=192.0.2.1", "10.0.0.1", "192.0.2.1", false},
      {RFC, "For=\"[2001:db8::1]:99\"; Proto=HTTPS", "10.0.0.1", "2001:db8::1",
       true},
      {RFC, "proto=https;for=192.0.2.1;by=10.0.0.1", "10.0.0.1", "192.0.2.1",
       true},
      {RFC, "for=1.1.1.1;proto=https, for=192.0.2.1;proto=http", "10.0.0.1",
       "192.0.2.1", false},
      {RFC, "for=192.0.2.1;proto=wss, for=10.0.0.2", "10.0.0.1", "192.0.2.1",
       true},
      {RFC, "for=_hidden", "10.0.0.1", "10.0.0.1", false},
      {RFC, "for=unknown", "10.0.0.1", "10.0.0.1", false},
      /* A comma in quotes does not begin another hop. */
      {RFC, "for=\"1.1.1.1, for=2.2.2.2\"", "10.0.0.1", "10.0.0.1", false},
      {RFC, "for=\"a\\\", for=2.2.2.2\", for=192.0.2.1", "10.0.0.1",
       "192.0.2.1", false},
      {RFC, "for=\"192.0.2.1", "10.0.0.1", "10.0.0.1", false},
      {RFC, "192.0.2.1", "10.0.0.1", "10.0.0.1", false},
      {RFC, "\"\\", "10.0.0.1", "10.0.0.1", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    try(&rows[i]);
}

/** Beyond the last so many hops nothing is looked at, however long it is. */
static void test_a_long_chain(void **state) {
  (void)state;
  char header[4096];
  size_t len = (size_t)snprintf(header, sizeof header, "192.0.2.1");
  for (unsigned i = 0; i < 2 * GW_FORWARDED_MAX_HOPS; i++)
    len += (size_t)snprintf(header + len, sizeof header - len, ",10.0.1.%u", i);
  const row r = {X, header, "10.0.0.1", "10.0.1.32", false};
  try(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_both_headers),
      cmocka_unit_test(test_a_long_chain),
  };
  return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}
