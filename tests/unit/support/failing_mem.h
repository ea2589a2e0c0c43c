/* SPDX-License-Identifier: MIT */
/* failing_mem.h - the server core's heap, which fails where a test says. It
 * defines what mem.c does: one file of a program includes it, and mem.c is not
 * linked. */
#ifndef GODWIT_TEST_FAILING_MEM_H
#define GODWIT_TEST_FAILING_MEM_H

#include <stdbool.h>
#include <stdlib.h>

#include "server/core/mem.h"

static unsigned long num_allocs; /**< since the script began */
static unsigned long fail_at;    /**< the first that fails; 0: none does */
static unsigned long fail_len;   /**< how many in a row */

static bool fails(void) {
  num_allocs++;
  return fail_at != 0 && num_allocs >= fail_at &&
         num_allocs < fail_at + fail_len;
}

void *gw_mem_alloc(size_t size) {
  return fails() ? NULL : malloc(size);
}

void *gw_mem_zalloc(size_t size) {
  return fails() ? NULL : calloc(1, size);
}

void *gw_mem_realloc(void *ptr, size_t size) {
  return fails() ? NULL : realloc(ptr, size);
}

void gw_mem_free(void *ptr) {
  free(ptr);
}

static void *resize(void *user, void *ptr, size_t size) {
  (void)user;
  if (size != 0) return gw_mem_realloc(ptr, size);
  gw_mem_free(ptr);
  return NULL;
}

const gw_alloc gw_mem = {resize, NULL};

#endif
