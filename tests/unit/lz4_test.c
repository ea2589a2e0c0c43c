/* SPDX-License-Identifier: MIT */
/* lz4_test.c - blocks that liblz4 makes are read, and nothing that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <lz4.h>
#include <lz4hc.h>
#include <sodium.h>

#include "godwit/lz4.h"
#include "tests/unit/support/exact.h"

#define MAX_BYTES (300u * 1024u)

static uint8_t made[MAX_BYTES];

static int unpack(gw_view block, size_t len) {
  gw_view copy = exact(block.data, block.len);
  /* Of its size, so that a byte too much is seen. */
  uint8_t *to = malloc(len + (len == 0));
  assert_non_null(to);
  int err = gw_lz4_unpack(copy, to, len);
  if (len != 0) memcpy(made, to, len);
  free(to);
  exact_free(copy);
  return err;
}

/** A block of bytes given as text, to be len bytes long. */
#define UNPACK(text, len) \
  unpack((gw_view){(const uint8_t *)(text), sizeof(text) - 1}, (len))

#define REFUSED(text, len) assert_int_equal(UNPACK(text, len), GW_ERR_PROTOCOL)

/* ---- the format, by hand --------------------------------------------------- */

static void test_literals(void **state) {
  (void)state;
  assert_int_equal(UNPACK("\x30one", 3), 0);
  assert_memory_equal(made, "one", 3);
  assert_int_equal(UNPACK("\x00", 0), 0);
}

/** 15 in the token goes on in bytes, up to the first that is not 255. */
static void test_long_lengths(void **state) {
  (void)state;
  assert_int_equal(UNPACK("\xF0\x00"
                          "123456789012345",
                          15),
                   0);
  assert_int_equal(UNPACK("\xF0\x02"
                          "12345678901234567",
                          17),
                   0);
  assert_memory_equal(made, "12345678901234567", 17);
  /* One byte, and 4 + 15 + 255 + 1 copies of it. */
  assert_int_equal(UNPACK("\x1F=\x01\x00\xFF\x01\x00", 276), 0);
  for (int i = 0; i < 276; i++)
    assert_int_equal(made[i], '=');
}

static void test_copies_that_run_into_themselves(void **state) {
  (void)state;
  assert_int_equal(UNPACK("\x35"
                          "abc\x03\x00\x10.",
                          13),
                   0);
  assert_memory_equal(made, "abcabcabcabc.", 13);
  assert_int_equal(UNPACK("\x20"
                          "xy\x02\x00\x10z",
                          7),
                   0);
  assert_memory_equal(made, "xyxyxyz", 7);
}

static void test_what_is_no_block(void **state) {
  (void)state;
  REFUSED("", 0);
  REFUSED("", 4);
  REFUSED("\x30on", 3);            /* literals are cut */
  REFUSED("\x30one", 2);           /* more than there is room for */
  REFUSED("\x30one", 4);           /* less than it should be */
  REFUSED("\xF0", 15);             /* the length is cut */
  REFUSED("\xF0\xFF\xFF", 525);    /* the same */
  REFUSED("\x10=\x01", 9);         /* the offset is cut */
  REFUSED("\x1F=\x01\x00\xFF", 9); /* the length of a copy is */
  REFUSED("\x10=\x00\x00\x00", 5); /* offset 0 */
  REFUSED("\x10=\x02\x00\x00", 5); /* in front of the first byte */
  REFUSED("\x10=\xFF\xFF\x00", 5);
  REFUSED("\x10=\x01\x00\x00", 4); /* a copy that is too long */
  REFUSED("\x10=\x01\x00", 5);     /* it ends with a copy */
  REFUSED("\x10=\x01\x00\x00", 6); /* it makes less */
  REFUSED("\x00\x01\x00\x00", 4);  /* a copy of nothing */
  REFUSED("\x10=x", 1);            /* something behind the end */
}

static void test_sizes(void **state) {
  (void)state;
  gw_view body = {(const uint8_t *)"\xAC\x02....", 6};
  assert_int_equal(gw_lz4_size(&body), 300);
  assert_int_equal(body.len, 4);
  body = (gw_view){(const uint8_t *)"\xFF\x03.", 3};
  assert_int_equal(gw_lz4_size(&body), GW_ERR_PROTOCOL); /* one makes 255 */
  body = (gw_view){(const uint8_t *)"\xFF\x01.", 3};
  assert_int_equal(gw_lz4_size(&body), 255);
  body = (gw_view){(const uint8_t *)"\xAC", 1};
  assert_int_equal(gw_lz4_size(&body), GW_ERR_PROTOCOL);
  body = (gw_view){(const uint8_t *)"\xFF\xFF\xFF\xFF\x1F.", 6};
  assert_int_equal(gw_lz4_size(&body), GW_ERR_PROTOCOL);
  body = (gw_view){(const uint8_t *)"\xFF\xFF\xFF\xFF\x0F.", 6};
  assert_int_equal(gw_lz4_size(&body), GW_ERR_PROTOCOL);
  body = (gw_view){NULL, 0};
  assert_int_equal(gw_lz4_size(&body), GW_ERR_PROTOCOL);
}

/* ---- against liblz4 -------------------------------------------------------- */

static uint32_t seed;

static unsigned draw(size_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (unsigned)((seed >> 8) % below);
}

/** Bytes of a kind: noise, few letters, rows of the same, JSON. */
static void fill(uint8_t *to, size_t len, unsigned kind) {
  char row[64];
  for (size_t i = 0; i < len;) {
    if (kind == 0) {
      to[i++] = (uint8_t)draw(256);
    } else if (kind == 1) {
      to[i++] = (uint8_t)('a' + draw(4));
    } else if (kind == 2) {
      size_t num = 1 + draw(1000);
      for (uint8_t same = (uint8_t)draw(3); num > 0 && i < len; num--)
        to[i++] = same;
    } else {
      int num = snprintf(row, sizeof row, "{\"id\":%u,\"price\":%u},",
                         draw(100000), draw(1000));
      for (int at = 0; at < num && i < len; at++)
        to[i++] = (uint8_t)row[at];
    }
  }
}

static size_t pack(const uint8_t *bytes, size_t len, int level, uint8_t *to,
                   size_t room) {
  int got = level == 0 ? LZ4_compress_default((const char *)bytes, (char *)to,
                                              (int)len, (int)room)
                       : LZ4_compress_HC((const char *)bytes, (char *)to,
                                         (int)len, (int)room, level);
  assert_true(got > 0);
  return (size_t)got;
}

static void test_what_liblz4_makes(void **state) {
  (void)state;
  static uint8_t bytes[MAX_BYTES], block[MAX_BYTES + MAX_BYTES / 200];
  seed = 1;
  for (unsigned round = 0; round < 400; round++) {
    size_t len = 1 + draw(round % 40 == 0 ? 250000 : 3000);
    fill(bytes, len, round % 4);
    size_t num = pack(bytes, len, round % 3 == 0 ? 9 : 0, block, sizeof block);
    gw_view b = {block, num};
    assert_true(num * GW_LZ4_RATIO_MAX >= len);
    assert_int_equal(unpack(b, len), 0);
    assert_memory_equal(made, bytes, len);
    assert_int_equal(unpack(b, len + 1), GW_ERR_PROTOCOL);
    assert_int_equal(unpack(b, len - 1), GW_ERR_PROTOCOL);
  }
}

/** The best ratio that there is does not look like a lie. */
static void test_the_best_ratio(void **state) {
  (void)state;
  static uint8_t bytes[MAX_BYTES], block[MAX_BYTES];
  size_t num = pack(bytes, sizeof bytes, 12, block, sizeof block);
  assert_true(num * GW_LZ4_RATIO_MAX >= sizeof bytes);
  assert_int_equal(unpack((gw_view){block, num}, sizeof bytes), 0);
  assert_memory_equal(made, bytes, sizeof bytes);
}

static void test_cut_at_each_byte(void **state) {
  (void)state;
  static uint8_t bytes[2000], block[3000];
  for (unsigned kind = 0; kind < 4; kind++) {
    seed = kind;
    fill(bytes, sizeof bytes, kind);
    size_t num = pack(bytes, sizeof bytes, 0, block, sizeof block);
    for (size_t len = 0; len < num; len++)
      assert_int_equal(unpack((gw_view){block, len}, sizeof bytes),
                       GW_ERR_PROTOCOL);
  }
}

/** Blocks with a byte or two that are others: whatever liblz4 reads of them is
 * read here as well, and nothing is touched that should not be. */
static void test_broken_at_any_byte(void **state) {
  (void)state;
  static uint8_t bytes[600], block[1000], theirs[600];
  unsigned num_read = 0;
  seed = 3;
  for (unsigned round = 0; round < 20000; round++) {
    fill(bytes, sizeof bytes, round % 4);
    size_t num = pack(bytes, sizeof bytes, 0, block, sizeof block);
    for (unsigned i = 0; i <= round % 2; i++)
      block[draw(num)] = (uint8_t)draw(256);
    int err = unpack((gw_view){block, num}, sizeof bytes);
    int got = LZ4_decompress_safe((const char *)block, (char *)theirs, (int)num,
                                  (int)sizeof theirs);
    if (err < 0 || got != (int)sizeof theirs) continue;
    assert_memory_equal(made, theirs, sizeof theirs);
    num_read++;
  }
  assert_true(num_read > 100);
}

/* ---- golden vectors -------------------------------------------------------- */

static gw_frame frame_of(json_t *vector, const char *name, uint8_t *to,
                         size_t cap) {
  json_t *hex = json_object_get(vector, name);
  size_t len;
  gw_frame f;
  assert_int_equal(sodium_hex2bin(to, cap, json_string_value(hex),
                                  json_string_length(hex), NULL, &len, NULL),
                   0);
  assert_int_equal(gw_frame_parse((gw_view){to, len}, 4096, &f), len);
  return f;
}

/** check.py reads the same file with a decoder of its own. */
static void test_vectors(void **state) {
  (void)state;
  const char *folder = getenv("GODWIT_VECTORS");
  char path[512];
  snprintf(path, sizeof path, "%s/lz4/frames.json",
           folder != NULL ? folder : "tests/vectors");
  json_t *all = json_load_file(path, 0, NULL), *vector;
  assert_non_null(all);
  assert_true(json_array_size(all) > 8);
  size_t i;
  json_array_foreach(all, i, vector) {
    uint8_t bytes[4096], want[4096];
    gw_frame f = frame_of(vector, "hex", bytes, sizeof bytes);
    assert_int_equal(f.head.flags & GW_FLAG_COMPRESSED, GW_FLAG_COMPRESSED);
    int64_t len = gw_lz4_size(&f.body);
    int err = len < 0 ? (int)len : unpack(f.body, (size_t)len);
    if (json_object_get(vector, "error") != NULL) {
      assert_int_equal(err, GW_ERR_PROTOCOL);
      continue;
    }
    gw_frame whole = frame_of(vector, "whole", want, sizeof want);
    assert_int_equal(err, 0);
    assert_int_equal(len, whole.body.len);
    assert_memory_equal(made, whole.body.data, whole.body.len);
  }
  json_decref(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_literals),
      cmocka_unit_test(test_long_lengths),
      cmocka_unit_test(test_copies_that_run_into_themselves),
      cmocka_unit_test(test_what_is_no_block),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_what_liblz4_makes),
      cmocka_unit_test(test_the_best_ratio),
      cmocka_unit_test(test_cut_at_each_byte),
      cmocka_unit_test(test_broken_at_any_byte),
      cmocka_unit_test(test_vectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
