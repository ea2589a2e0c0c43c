/* SPDX-License-Identifier: MIT */
/* view.c - bytes that belong to somebody else. */
#include <string.h>

#include "godwit/wire.h"

gw_view gw_view_of(const char *text) {
  return (gw_view){(const uint8_t *)text, strlen(text)};
}

bool gw_view_eq(gw_view a, gw_view b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
