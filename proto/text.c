/* SPDX-License-Identifier: MIT */
/* text.c - whether bytes are text: UTF-8 without NUL. */
#include <string.h>

#include "godwit/wire.h"

/** Whether eight bytes are all ASCII and none is NUL. */
static bool is_ascii_word(const uint8_t *p) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  const uint64_t highs = UINT64_C(0x8080808080808080);
  uint64_t word;
  memcpy(&word, p, sizeof word);
  /* Subtracting one borrows into the high bit where a byte was 0. */
  return ((word | (word - ones)) & highs) == 0;
}

static bool is_tail(uint8_t byte) {
  return (byte & 0xC0u) == 0x80u;
}

/**
 * Length of the character at p, which has left bytes; 0 if it is malformed.
 * The second byte's range is what keeps out overlong forms, surrogates and
 * numbers above U+10FFFF (RFC 3629, section 4).
 */
static size_t char_len(const uint8_t *p, size_t left) {
  uint8_t lead = p[0];
  if (lead < 0x80) return lead != 0 ? 1 : 0;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  size_t len = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (left < len) return 0;
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < len; i++) {
    if (!is_tail(p[i])) return 0;
  }
  return len;
}

bool gw_view_is_text(gw_view v) {
  size_t i = 0;
  while (i < v.len) {
    if (v.len - i >= 8 && is_ascii_word(v.data + i)) {
      i += 8;
      continue;
    }
    size_t len = char_len(v.data + i, v.len - i);
    if (len == 0) return false;
    i += len;
  }
  return true;
}
