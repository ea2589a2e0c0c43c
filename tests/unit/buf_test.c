/* SPDX-License-Identifier: MIT */
/* buf_test.c - headers, counting, sharing. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/buf.h"
#include "server/core/json.h"

static gw_buf *of_len(size_t len) {
  uint8_t *bytes = malloc(len + 1);
  assert_non_null(bytes);
  memset(bytes, 'x', len);
  gw_buf *b = gw_buf_new((gw_view){bytes, len}, false);
  assert_non_null(b);
  free(bytes);
  return b;
}

static void test_websocket_header(void **state) {
  (void)state;
  static const struct {
    size_t len;
    uint8_t header[GW_BUF_PREFIX_MAX];
    size_t header_len;
  } cases[] = {
      {0, {0x82, 0}, 2},
      {125, {0x82, 125}, 2},
      {126, {0x82, 126, 0, 126}, 4},
      {65535, {0x82, 126, 0xFF, 0xFF}, 4},
      {65536, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_buf *b = of_len(cases[i].len);
    gw_view framed = gw_buf_framed(b);
    gw_view payload = gw_buf_payload(b);
    assert_int_equal(payload.len, cases[i].len);
    assert_int_equal(framed.len, cases[i].len + cases[i].header_len);
    assert_memory_equal(framed.data, cases[i].header, cases[i].header_len);
    assert_ptr_equal(framed.data + cases[i].header_len, payload.data);
    gw_buf_unref(b);
  }
}

static void test_text(void **state) {
  (void)state;
  gw_buf *b = gw_buf_new(gw_view_of("{}"), true);
  assert_int_equal(gw_buf_framed(b).data[0], 0x81);
  assert_true(b->is_text);
  gw_buf_unref(b);
  gw_buf_unref(NULL);
}

static void test_counts(void **state) {
  (void)state;
  gw_buf *b = of_len(10);
  assert_ptr_equal(gw_buf_ref(b), b);
  gw_buf_ref_many(b, 5);
  gw_buf_unref_many(b, 4);
  gw_buf_unref_many(b, 0);
  gw_buf_unref(b);
  gw_buf_unref(b);
  assert_int_equal(gw_buf_payload(b).data[9], 'x'); /* alive */
  gw_buf_unref(b);
}

static void test_the_json_twin_goes_with_it(void **state) {
  (void)state;
  static const uint8_t ping[] = {4, GW_FRAME_PING, 0, 0, 0};
  gw_buf *b = gw_buf_new((gw_view){ping, sizeof ping}, false);
  gw_buf *json = gw_buf_json(b);
  assert_non_null(json);
  assert_true(json->is_text);
  assert_ptr_equal(gw_buf_json(b), json);
  gw_buf_unref(b);
}

static void *use(void *arg) {
  gw_buf *b = arg;
  for (int i = 0; i < 10000; i++) {
    gw_buf_ref_many(b, 3);
    gw_buf_unref(b);
    gw_buf_unref_many(b, 2);
  }
  gw_buf_unref(b);
  return NULL;
}

static void test_on_several_threads(void **state) {
  (void)state;
  gw_buf *b = of_len(100);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, use, gw_buf_ref(b)), 0);
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&b->refs), 1);
  gw_buf_unref(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_websocket_header),
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_counts),
      cmocka_unit_test(test_the_json_twin_goes_with_it),
      cmocka_unit_test(test_on_several_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
