/* SPDX-License-Identifier: MIT */
/* exact.h - a text in a block of just its size, so that reading past its end is
 * found by the sanitizer. */
#ifndef GODWIT_TEST_EXACT_H
#define GODWIT_TEST_EXACT_H

#include <stdlib.h>
#include <string.h>

#include "godwit/wire.h"

/** A copy, to be freed by exact_free. */
static inline gw_view exact(const void *data, size_t len) {
  uint8_t *copy = malloc(len + (len == 0));
  if (copy == NULL) abort();
  if (len != 0) memcpy(copy, data, len);
  return (gw_view){copy, len};
}

static inline gw_view exact_text(const char *text) {
  return exact(text, strlen(text));
}

static inline void exact_free(gw_view v) {
  free((void *)(uintptr_t)v.data);
}

#endif
