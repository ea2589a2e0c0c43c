/* SPDX-License-Identifier: MIT */
/* alloc.c - the C library's allocator behind gw_alloc; linked only where used.
 */
#include <stdlib.h>

#include "godwit/wire.h"

static void *libc_realloc(void *user, void *ptr, size_t size) {
  (void)user;
  if (size == 0) {
    free(ptr);
    return NULL;
  }
  return realloc(ptr, size);
}

const gw_alloc gw_alloc_libc = {libc_realloc, NULL};
