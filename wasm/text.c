/* SPDX-License-Identifier: MIT */
/* text.c - stands in for proto/text.c: JavaScript has written each text here as
 * UTF-8 and cannot do otherwise, so that only NUL is left to be looked for. */
#include <string.h>

#include "godwit/wire.h"

/** The library's is made for long texts, and four times as long as this. Here only
 * lines of the log are measured. */
size_t strlen(const char *text) {
  const char *end = text;
  while (*end != '\0')
    end++;
  return (size_t)(end - text);
}

bool gw_view_is_text(gw_view v) {
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] == 0) return false;
  }
  return true;
}
