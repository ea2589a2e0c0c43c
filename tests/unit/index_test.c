/* SPDX-License-Identifier: MIT */
/* index_test.c - found, removed, and found no more, also when hashes meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/core/index.h"

#define MAX 500

static int things[MAX];
static bool is_in[MAX];

static unsigned count(const gw_index *ix, uint32_t hash, const void *item) {
  gw_index_walk walk = {.hash = hash};
  unsigned num = 0;
  for (void *found; (found = gw_index_next(ix, &walk)) != NULL;)
    num += found == item;
  return num;
}

/** With few different hashes all that matters is the probing. */
static void run(uint32_t num_hashes) {
  gw_index ix = {0};
  uint32_t seed = num_hashes;
  memset(is_in, 0, sizeof is_in);
  for (int i = 0; i < 20000; i++) {
    seed = seed * 1664525 + 1013904223;
    uint32_t k = (seed >> 8) % MAX;
    uint32_t hash = k % num_hashes * 0x9E3779B1u;
    assert_int_equal(count(&ix, hash, &things[k]), is_in[k]);
    if (is_in[k])
      gw_index_remove(&ix, hash, &things[k]);
    else
      assert_int_equal(gw_index_add(&ix, hash, &things[k]), 0);
    is_in[k] = !is_in[k];
  }
  for (uint32_t k = 0; k < MAX; k++) {
    uint32_t hash = k % num_hashes * 0x9E3779B1u;
    assert_int_equal(count(&ix, hash, &things[k]), is_in[k]);
    gw_index_remove(&ix, hash, &things[k]); /* whether there or not */
  }
  assert_int_equal(ix.num, 0);
  gw_index_deinit(&ix);
}

static void test_many_hashes(void **state) {
  (void)state;
  run(MAX);
}

static void test_hashes_that_meet(void **state) {
  (void)state;
  run(7);
}

static void test_memory_is_given_back(void **state) {
  (void)state;
  gw_index ix = {0};
  for (uint32_t i = 0; i < MAX; i++)
    assert_int_equal(gw_index_add(&ix, i, &things[i]), 0);
  uint32_t mask = ix.mask;
  for (uint32_t i = 0; i < MAX; i++)
    gw_index_remove(&ix, i, &things[i]);
  assert_true(ix.mask < mask / 8);
  gw_index_deinit(&ix);
}

static void test_empty(void **state) {
  (void)state;
  gw_index ix = {0};
  assert_int_equal(count(&ix, 5, &things[0]), 0);
  gw_index_remove(&ix, 5, &things[0]);
  gw_index_deinit(&ix);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_many_hashes),
      cmocka_unit_test(test_hashes_that_meet),
      cmocka_unit_test(test_memory_is_given_back),
      cmocka_unit_test(test_empty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
