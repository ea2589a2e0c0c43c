/* SPDX-License-Identifier: MIT */
/* mem.c - the C library's heap. A test that defines these functions itself is
 * linked without this file. */
#include "server/core/mem.h"

#include <stdlib.h>

void *gw_mem_alloc(size_t size) {
  return malloc(size);
}

void *gw_mem_zalloc(size_t size) {
  return calloc(1, size);
}

void *gw_mem_realloc(void *ptr, size_t size) {
  return realloc(ptr, size);
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
