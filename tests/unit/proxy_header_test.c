/* SPDX-License-Identifier: MIT */
/* proxy_header_test.c - PROXY headers of both versions: whole, cut anywhere, and
 * those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "server/edge/proxy_header.h"
#include "support/exact.h"

static int read_exact(const void *data, size_t len, gw_proxy_header *h) {
  gw_view copy = exact(data, len);
  int used = gw_proxy_header_read(copy.data, copy.len, h);
  exact_free(copy);
  return used;
}

/** Each shorter beginning wants more; what is behind is not looked at. Returns
 * the peer's text. */
static const char *read_whole(const void *data, size_t len,
                              gw_proxy_header *h) {
  static char text[GW_PEER_TEXT_MAX];
  uint8_t more[GW_PROXY_HEADER_MAX + 8];
  for (size_t part = 0; part < len; part++) {
    int used = read_exact(data, part, h);
    if (used != 0) fail_msg("%zu of %zu bytes: %d", part, len, used);
  }
  assert_int_equal(read_exact(data, len, h), len);
  memcpy(more, data, len);
  memcpy(more + len, "GET / HT", 8);
  assert_int_equal(read_exact(more, len + 8, h), len);
  return gw_peer_text(&h->peer, text);
}

static void test_version_1(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"PROXY TCP4 192.0.2.1 192.0.2.9 1 65535\r\n", "192.0.2.1"},
      {"PROXY TCP6 2001:db8::1 ::1 0 443\r\n", "2001:db8::1"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  gw_proxy_header h;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *text = read_whole(cases[i][0], strlen(cases[i][0]), &h);
    assert_string_equal(text, cases[i][1]);
    assert_false(h.is_local || h.is_secure);
  }
}

static void test_version_1_of_somebody_unknown(void **state) {
  (void)state;
  static const char *const lines[] = {"PROXY UNKNOWN\r\n",
                                      "PROXY UNKNOWN whatever it is 1 2 3\r\n"};
  gw_proxy_header h;
  for (size_t i = 0; i < 2; i++) {
    (void)read_whole(lines[i], strlen(lines[i]), &h);
    assert_true(h.is_local);
  }
}

static void test_lines_that_are_none(void **state) {
  (void)state;
  static const char *const lines[] = {
      "GET / HTTP/1.1\r\n",
      "PROXX TCP4",
      "PROXY\r\n",
      "PROXY \r\n",
      "PROXY TCP4\r\n",
      "PROXY tcp4 192.0.2.1 192.0.2.9 1 2\r\n",
      "PROXY TCP5 192.0.2.1 192.0.2.9 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.9 1\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.9 1 2 3\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.9 1 2 \r\n",
      "PROXY TCP4  192.0.2.1 192.0.2.9 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.9 1 65536\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.9 1 02\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.9 -1 2\r\n",
      "PROXY TCP4 192.0.2.256 192.0.2.9 1 2\r\n",
      "PROXY TCP4 192.0.2.1:80 192.0.2.9 1 2\r\n",
      "PROXY TCP4 ::1 192.0.2.9 1 2\r\n",
      "PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
      "PROXY TCP6 [::1] ::1 1 2\r\n",
      "PROXY TCP6 ::1 nonsense 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.9 1 2\n",
      "\r\n",
  };
  gw_proxy_header h;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    int used = read_exact(lines[i], strlen(lines[i]), &h);
    /* "\r\n" is how version 2 begins: it is not refused yet. */
    int wanted = strcmp(lines[i], "\r\n") == 0 ? 0 : GW_ERR_PROTOCOL;
    if (used != wanted) fail_msg("'%s': %d", lines[i], used);
  }
}

static void test_a_line_without_end(void **state) {
  (void)state;
  char line[108];
  gw_proxy_header h;
  memset(line, 'x', sizeof line);
  memcpy(line, "PROXY UNKNOWN ", 14);
  assert_int_equal(read_exact(line, 106, &h), 0);
  assert_int_equal(read_exact(line, 107, &h), GW_ERR_PROTOCOL);
  assert_int_equal(read_exact(line, 108, &h), GW_ERR_PROTOCOL);
}

/* ---- version 2 ------------------------------------------------------------- */

typedef struct bytes {
  uint8_t of[GW_PROXY_HEADER_MAX + 64];
  size_t len;
} bytes;

static void put(bytes *b, const void *data, size_t len) {
  memcpy(b->of + b->len, data, len);
  b->len += len;
}

/** A header with so many bytes of addresses and fields behind its 16. */
static bytes v2(uint8_t command, uint8_t family, const void *rest, size_t len) {
  static const uint8_t sign[] = "\r\n\r\n\0\r\nQUIT\n";
  const uint8_t fixed[] = {command, family, (uint8_t)(len >> 8), (uint8_t)len};
  bytes b = {.len = 0};
  put(&b, sign, 12);
  put(&b, fixed, sizeof fixed);
  put(&b, rest, len);
  return b;
}

static const uint8_t v4[12] = {192, 0, 2, 1, 192, 0, 2, 9, 0, 1, 0, 2};

static void test_version_2(void **state) {
  (void)state;
  uint8_t v6[36] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
  const uint8_t mapped[36] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
  uint8_t local_path[216] = "/run/x.sock";
  gw_proxy_header h;
  bytes b = v2(0x21, 0x11, v4, sizeof v4);
  assert_string_equal(read_whole(b.of, b.len, &h), "192.0.2.1");
  b = v2(0x21, 0x21, v6, sizeof v6);
  assert_string_equal(read_whole(b.of, b.len, &h), "2001:db8::7");
  b = v2(0x21, 0x21, mapped, sizeof mapped);
  assert_string_equal(read_whole(b.of, b.len, &h), "10.0.0.1");
  b = v2(0x21, 0x31, local_path, sizeof local_path);
  assert_string_equal(read_whole(b.of, b.len, &h), "unix");
  assert_false(h.is_local || h.is_secure);
}

static void test_version_2_of_the_proxy_itself(void **state) {
  (void)state;
  gw_proxy_header h;
  bytes b = v2(0x20, 0x00, "", 0);
  (void)read_whole(b.of, b.len, &h);
  assert_true(h.is_local);
  b = v2(0x20, 0x11, v4, sizeof v4);
  (void)read_whole(b.of, b.len, &h);
  assert_true(h.is_local);
  /* A family that is not known, or datagrams: no address to take. */
  b = v2(0x21, 0x12, v4, sizeof v4);
  (void)read_whole(b.of, b.len, &h);
  assert_true(h.is_local);
}

static void test_fields_of_version_2(void **state) {
  (void)state;
  gw_proxy_header h;
  uint8_t rest[64];
  size_t len = sizeof v4;
  static const uint8_t fields[] = {0x01, 0, 2, 'h',  '2', /* ALPN */
                                   0x04, 0, 0,            /* NOOP */
                                   0x20, 0, 5, 0x01, 0,   0, 0, 0};
  memcpy(rest, v4, len);
  memcpy(rest + len, fields, sizeof fields);
  len += sizeof fields;
  bytes b = v2(0x21, 0x11, rest, len);
  assert_string_equal(read_whole(b.of, b.len, &h), "192.0.2.1");
  assert_true(h.is_secure);
  rest[len - 5] = 0; /* the client did not speak TLS */
  b = v2(0x21, 0x11, rest, len);
  (void)read_whole(b.of, b.len, &h);
  assert_false(h.is_secure);
  b = v2(0x21, 0x11, rest, len - 1); /* the last field is cut */
  assert_int_equal(read_exact(b.of, b.len, &h), GW_ERR_PROTOCOL);
  b = v2(0x21, 0x11, rest, sizeof v4 + 2); /* not even a head */
  assert_int_equal(read_exact(b.of, b.len, &h), GW_ERR_PROTOCOL);
}

static void test_what_version_2_does_not_take(void **state) {
  (void)state;
  gw_proxy_header h;
  bytes b = v2(0x21, 0x11, v4, 11);
  assert_int_equal(read_exact(b.of, b.len, &h), GW_ERR_PROTOCOL);
  b = v2(0x21, 0x21, v4, sizeof v4);
  assert_int_equal(read_exact(b.of, b.len, &h), GW_ERR_PROTOCOL);
  b = v2(0x11, 0x11, v4, sizeof v4); /* another version */
  assert_int_equal(read_exact(b.of, b.len, &h), GW_ERR_PROTOCOL);
  b = v2(0x22, 0x11, v4, sizeof v4); /* another command */
  assert_int_equal(read_exact(b.of, b.len, &h), GW_ERR_PROTOCOL);
  /* Longer than any: refused by its length, before it came. */
  b = v2(0x21, 0x11, v4, sizeof v4);
  b.of[14] = 0xff;
  assert_int_equal(read_exact(b.of, 16, &h), GW_ERR_PROTOCOL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_version_1),
      cmocka_unit_test(test_version_1_of_somebody_unknown),
      cmocka_unit_test(test_lines_that_are_none),
      cmocka_unit_test(test_a_line_without_end),
      cmocka_unit_test(test_version_2),
      cmocka_unit_test(test_version_2_of_the_proxy_itself),
      cmocka_unit_test(test_fields_of_version_2),
      cmocka_unit_test(test_what_version_2_does_not_take),
  };
  return cmocka_run_group_tests_name("proxy_header", tests, NULL, NULL);
}
