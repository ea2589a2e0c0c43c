/* SPDX-License-Identifier: MIT */
/* path.c - checks paths part by part. */
#include "server/edge/path.h"

#include <ctype.h>
#include <string.h>

/** RFC 8615: the one hidden name that is meant for others. */
static const gw_view well_known = {(const uint8_t *)".well-known", 11};

static bool is_plain_part(gw_view part, bool is_first, bool is_last) {
  if (part.len == 0) return is_last;
  if (part.data[0] == '.' && !(is_first && gw_view_eq(part, well_known)))
    return false;
  for (size_t i = 0; i < part.len; i++) {
    if (part.data[i] < 0x20 || part.data[i] == 0x7f || part.data[i] == '\\')
      return false;
  }
  return true;
}

bool gw_path_is_plain(gw_view path) {
  if (path.len == 0 || path.data[0] != '/' || !gw_view_is_text(path))
    return false;
  gw_view rest = {path.data + 1, path.len - 1};
  for (bool is_first = true;; is_first = false) {
    const uint8_t *slash =
        rest.len != 0 ? memchr(rest.data, '/', rest.len) : NULL;
    gw_view part = {rest.data,
                    slash != NULL ? (size_t)(slash - rest.data) : rest.len};
    if (!is_plain_part(part, is_first, slash == NULL)) return false;
    if (slash == NULL) return true;
    rest = (gw_view){slash + 1, rest.len - part.len - 1};
  }
}

static bool is_unreserved(uint8_t c) {
  return isalnum(c) || (c != '\0' && strchr("-._~/@:!$'()*,=", c) != NULL);
}

size_t gw_path_encode(gw_view path, char *to, size_t cap) {
  static const char digits[] = "0123456789ABCDEF";
  size_t len = 0;
  for (size_t i = 0; i < path.len; i++) {
    uint8_t c = path.data[i];
    if (cap - len < 4) return 0;
    if (is_unreserved(c)) {
      to[len++] = (char)c;
    } else {
      to[len++] = '%';
      to[len++] = digits[c >> 4];
      to[len++] = digits[c & 15];
    }
  }
  if (len == cap) return 0;
  to[len] = '\0';
  return len;
}
