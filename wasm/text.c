/* SPDX-License-Identifier: MIT */
/* text.c - stands in for proto/text.c: JavaScript has written each text here as
 * UTF-8 and cannot do otherwise, so that only NUL is left to be looked for. */
#include <string.h>

#include "godwit/wire.h"

/** Whether one of eight bytes is NUL: taking one away borrows into its high bit,
 * which was not set. */
static bool has_nul(const uint8_t *p) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return ((word - ones) & ~word & ones << 7) != 0;
}

bool gw_view_is_text(gw_view v) {
  size_t i = 0;
  for (; v.len - i >= 8; i += 8) {
    if (has_nul(v.data + i)) return false;
  }
  for (; i < v.len; i++) {
    if (v.data[i] == 0) return false;
  }
  return true;
}
