/* SPDX-License-Identifier: MIT */
/* delta_test.c - deltas: what they make, how long they are, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "godwit/delta.h"

#define MAX_BYTES (256u * 1024u)

static uint8_t space[MAX_BYTES];
static uint8_t made[MAX_BYTES];
static gw_delta_table table;

/** A delta in heap memory of exactly its size, so that a read beyond it shows. */
typedef struct delta {
  uint8_t *bytes;
  size_t len;
} delta;

static delta make(gw_view base, gw_view target) {
  gw_out out = {space, 0, sizeof space};
  assert_int_equal(gw_delta_make(base, target, &table, &out), 0);
  delta d = {malloc(out.len), out.len};
  assert_non_null(d.bytes);
  memcpy(d.bytes, out.data, out.len);
  return d;
}

static int apply(gw_view base, gw_view d, gw_view *target) {
  gw_out out = {made, 0, sizeof made};
  int err = gw_delta_apply(base, d, &out);
  *target = (gw_view){out.data, out.len};
  if (err != 0) assert_int_equal(out.len, 0);
  return err;
}

/** Make a delta, see that it leads there; returns its length. */
static size_t there(gw_view base, gw_view target) {
  gw_view got;
  delta d = make(base, target);
  assert_int_equal(gw_delta_target_len((gw_view){d.bytes, d.len}), target.len);
  assert_int_equal(apply(base, (gw_view){d.bytes, d.len}, &got), 0);
  assert_int_equal(got.len, target.len);
  if (target.len != 0) assert_memory_equal(got.data, target.data, target.len);
  free(d.bytes);
  return d.len;
}

static size_t of_texts(const char *base, const char *target) {
  return there(gw_view_of(base), gw_view_of(target));
}

/* ---- what it makes --------------------------------------------------------- */

static void test_the_same_takes_a_copy(void **state) {
  (void)state;
  assert_int_equal(of_texts("nothing has changed", "nothing has changed"), 7);
}

static void test_empty_and_short_ones(void **state) {
  (void)state;
  assert_int_equal(of_texts("", ""), 5);
  assert_int_equal(of_texts("something", ""), 5);
  assert_int_equal(of_texts("", "something"), 15);
  assert_int_equal(of_texts("abc", "abd"), 9);
}

static void test_a_number_that_changed(void **state) {
  (void)state;
  const char *base =
      "{\"id\":7,\"name\":\"left pump\",\"rpm\":1520,\"on\":true}";
  const char *next =
      "{\"id\":7,\"name\":\"left pump\",\"rpm\":1633,\"on\":true}";
  assert_in_range(of_texts(base, next), 5, 14);
}

static void test_what_moved_is_found(void **state) {
  (void)state;
  const char *base = "the first half stands here, the second half stands there";
  const char *next = "the second half stands there; the first half stands here";
  assert_in_range(of_texts(base, next), 5, 20);
}

static void test_a_list_that_grows_in_front(void **state) {
  (void)state;
  char base[4000], next[4000];
  size_t len = 0, num = 0;
  for (int i = 0; i < 60; i++)
    len += (size_t)snprintf(base + len, sizeof base - len,
                            "{\"id\":%d,\"bid\":%d,\"ask\":%d},", i * 37 + 1000,
                            i * 7919 % 977, i * 104729 % 977);
  num = (size_t)snprintf(next, sizeof next, "{\"id\":9,\"bid\":1,\"ask\":2},%s",
                         base);
  assert_in_range(
      there((gw_view){(uint8_t *)base, len}, (gw_view){(uint8_t *)next, num}),
      20, 60);
}

static uint32_t seed;

static unsigned draw(size_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (unsigned)((seed >> 8) % below);
}

/** Random edits of random bytes, of lengths over all steps between places. */
static void test_any_bytes(void **state) {
  (void)state;
  static uint8_t base[MAX_BYTES / 2], next[MAX_BYTES / 2];
  seed = 1;
  for (unsigned round = 0; round < 300; round++) {
    size_t len = draw(round % 10 == 0 ? sizeof base : 2000);
    unsigned kinds = 1 + draw(250);
    for (size_t i = 0; i < len; i++)
      base[i] = (uint8_t)draw(kinds);
    size_t from = len != 0 ? draw(len) : 0, num = len - from;
    memcpy(next, base + from, num);
    for (unsigned edits = draw(20); edits > 0 && num != 0; edits--)
      next[draw(num)] ^= (uint8_t)(1 + draw(255));
    there((gw_view){base, len}, (gw_view){next, num});
  }
}

static void test_the_worst_is_little_longer(void **state) {
  (void)state;
  uint8_t base[4096], next[4096];
  randombytes_buf_deterministic(base, sizeof base,
                                (const uint8_t[randombytes_SEEDBYTES]){1});
  randombytes_buf_deterministic(next, sizeof next,
                                (const uint8_t[randombytes_SEEDBYTES]){2});
  size_t len =
      there((gw_view){base, sizeof base}, (gw_view){next, sizeof next});
  assert_in_range(len, sizeof next, sizeof next + 16);
}

static void test_too_little_room(void **state) {
  (void)state;
  gw_view base = gw_view_of("the quick brown fox jumps"), got;
  gw_view next = gw_view_of("the quick green fox jumps over the lazy dog");
  delta d = make(base, next);
  for (size_t cap = 0; cap < d.len; cap++) {
    uint8_t *room = malloc(cap + (cap == 0));
    assert_non_null(room);
    gw_out out = {room, 0, cap};
    int err = gw_delta_make(base, next, &table, &out);
    /* Whether it fits is decided with a few bytes in reserve. */
    if (err != 0) assert_int_equal(err, GW_ERR_FULL);
    if (err != 0) assert_int_equal(out.len, 0);
    free(room);
  }
  gw_out out = {made, 0, next.len - 1};
  assert_int_equal(gw_delta_apply(base, (gw_view){d.bytes, d.len}, &out),
                   GW_ERR_FULL);
  assert_int_equal(out.len, 0);
  assert_int_equal(apply(base, (gw_view){d.bytes, d.len}, &got), 0);
  free(d.bytes);
}

/* ---- what is none ---------------------------------------------------------- */

static void test_another_base(void **state) {
  (void)state;
  gw_view base = gw_view_of("{\"x\":100,\"y\":200}"), got;
  gw_view other = gw_view_of("{\"x\":101,\"y\":200}");
  delta d = make(base, gw_view_of("{\"x\":100,\"y\":201}"));
  assert_int_equal(apply(other, (gw_view){d.bytes, d.len}, &got),
                   GW_ERR_PROTOCOL);
  assert_int_equal(apply((gw_view){NULL, 0}, (gw_view){d.bytes, d.len}, &got),
                   GW_ERR_PROTOCOL);
  free(d.bytes);
}

/** Cut anywhere and with any one byte changed it is refused, or makes the same. */
static void test_broken_ones(void **state) {
  (void)state;
  gw_view base = gw_view_of("one two three four five six seven eight"), got;
  gw_view next = gw_view_of("one two 333 four five seven eight six nine");
  delta d = make(base, next);
  for (size_t len = 0; len < d.len; len++) {
    uint8_t *cut = malloc(len + 1);
    assert_non_null(cut);
    memcpy(cut + 1, d.bytes, len);
    assert_int_equal(apply(base, (gw_view){cut + 1, len}, &got),
                     GW_ERR_PROTOCOL);
    free(cut);
  }
  for (size_t i = 0; i < d.len; i++) {
    for (unsigned flip = 1; flip < 256; flip++) {
      d.bytes[i] ^= (uint8_t)flip;
      int err = apply(base, (gw_view){d.bytes, d.len}, &got);
      if (err == 0) assert_memory_equal(got.data, next.data, next.len);
      d.bytes[i] ^= (uint8_t)flip;
    }
  }
  free(d.bytes);
}

/* ---- golden vectors -------------------------------------------------------- */

static size_t unhex(json_t *vector, const char *name, uint8_t *to, size_t cap) {
  json_t *hex = json_object_get(vector, name);
  size_t len;
  assert_int_equal(sodium_hex2bin(to, cap, json_string_value(hex),
                                  json_string_length(hex), NULL, &len, NULL),
                   0);
  return len;
}

/** check.py reads the same file with a decoder of its own. */
static void test_vectors(void **state) {
  (void)state;
  const char *folder = getenv("GODWIT_VECTORS");
  char path[512];
  snprintf(path, sizeof path, "%s/delta/deltas.json",
           folder != NULL ? folder : "tests/vectors");
  json_t *all = json_load_file(path, 0, NULL), *vector;
  assert_non_null(all);
  assert_true(json_array_size(all) > 5);
  size_t i;
  json_array_foreach(all, i, vector) {
    uint8_t base[512], bytes[512], want[512];
    size_t base_len = unhex(vector, "base", base, sizeof base);
    size_t len = unhex(vector, "delta", bytes, sizeof bytes);
    gw_view got;
    int err = apply((gw_view){base, base_len}, (gw_view){bytes, len}, &got);
    if (json_object_get(vector, "error") != NULL) {
      assert_int_equal(err, GW_ERR_PROTOCOL);
      continue;
    }
    assert_int_equal(err, 0);
    assert_int_equal(got.len, unhex(vector, "target", want, sizeof want));
    if (got.len != 0) assert_memory_equal(got.data, want, got.len);
  }
  json_decref(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_same_takes_a_copy),
      cmocka_unit_test(test_empty_and_short_ones),
      cmocka_unit_test(test_a_number_that_changed),
      cmocka_unit_test(test_what_moved_is_found),
      cmocka_unit_test(test_a_list_that_grows_in_front),
      cmocka_unit_test(test_any_bytes),
      cmocka_unit_test(test_the_worst_is_little_longer),
      cmocka_unit_test(test_too_little_room),
      cmocka_unit_test(test_another_base),
      cmocka_unit_test(test_broken_ones),
      cmocka_unit_test(test_vectors),
  };
  return cmocka_run_group_tests_name("delta", tests, NULL, NULL);
}
