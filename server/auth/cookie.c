/* SPDX-License-Identifier: MIT */
/* cookie.c - finds a cookie in its header (RFC 6265, section 4.2.1). */
#include "server/auth/cookie.h"

#include <string.h>

static gw_view trim(gw_view v) {
  while (v.len != 0 && (v.data[0] == ' ' || v.data[0] == '\t')) {
    v.data++;
    v.len--;
  }
  while (v.len != 0 && (v.data[v.len - 1] == ' ' || v.data[v.len - 1] == '\t'))
    v.len--;
  return v;
}

static gw_view unquote(gw_view v) {
  bool is_quoted = v.len >= 2 && v.data[0] == '"' && v.data[v.len - 1] == '"';
  return is_quoted ? (gw_view){v.data + 1, v.len - 2} : v;
}

gw_view gw_cookie_find(gw_view header, const char *name) {
  while (header.len != 0) {
    const uint8_t *end = memchr(header.data, ';', header.len);
    gw_view pair = {header.data,
                    end != NULL ? (size_t)(end - header.data) : header.len};
    size_t used = pair.len + (end != NULL);
    header.data += used;
    header.len -= used;
    const uint8_t *equals =
        pair.len != 0 ? memchr(pair.data, '=', pair.len) : NULL;
    if (equals == NULL) continue;
    size_t at = (size_t)(equals - pair.data);
    if (!gw_view_eq(trim((gw_view){pair.data, at}), gw_view_of(name))) continue;
    return unquote(trim((gw_view){equals + 1, pair.len - at - 1}));
  }
  return (gw_view){NULL, 0};
}
