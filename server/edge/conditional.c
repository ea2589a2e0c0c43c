/* SPDX-License-Identifier: MIT */
/* conditional.c - lists of tags and codings, and one range. */
#include "server/edge/conditional.h"

#include <string.h>
#include <strings.h>

static gw_view trim(gw_view v) {
  while (v.len != 0 && (v.data[0] == ' ' || v.data[0] == '\t')) {
    v.data++;
    v.len--;
  }
  while (v.len != 0 && (v.data[v.len - 1] == ' ' || v.data[v.len - 1] == '\t'))
    v.len--;
  return v;
}

/** Up to the separator; takes it off the front of rest. */
static gw_view take(gw_view *rest, uint8_t separator) {
  const uint8_t *end =
      rest->len != 0 ? memchr(rest->data, separator, rest->len) : NULL;
  size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
  gw_view part = trim((gw_view){rest->data, len});
  size_t used = len + (end != NULL);
  *rest = (gw_view){rest->data + used, rest->len - used};
  return part;
}

static bool is(gw_view v, const char *text) {
  return v.len == strlen(text) &&
         strncasecmp((const char *)v.data, text, v.len) == 0;
}

/** q=0, q=0.0, q=0.000 */
static bool is_zero_weight(gw_view v) {
  gw_view name = take(&v, '=');
  if (!is(name, "q") || v.len == 0 || v.data[0] != '0') return false;
  for (size_t i = 1; i < v.len; i++) {
    if (v.data[i] != '0' && v.data[i] != '.') return false;
  }
  return true;
}

bool gw_accepts_coding(gw_view header, const char *coding) {
  while (header.len != 0) {
    gw_view item = take(&header, ',');
    gw_view name = take(&item, ';');
    if (!is(name, coding)) continue;
    return !is_zero_weight(item);
  }
  return false;
}

bool gw_etag_matches(gw_view header, const char *etag) {
  gw_view wanted = gw_view_of(etag);
  if (is(trim(header), "*")) return true;
  while (header.len != 0) {
    gw_view tag = take(&header, ',');
    if (tag.len > 2 && tag.data[0] == 'W' && tag.data[1] == '/')
      tag = (gw_view){tag.data + 2, tag.len - 2};
    if (gw_view_eq(tag, wanted)) return true;
  }
  return false;
}

/** Digits; false when there are none, or too many. */
static bool read_number(gw_view v, uint64_t *number) {
  *number = 0;
  if (v.len == 0 || v.len > 18) return false;
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] < '0' || v.data[i] > '9') return false;
    *number = *number * 10 + (uint64_t)(v.data[i] - '0');
  }
  return true;
}

enum gw_range gw_range_read(gw_view header, uint64_t size, uint64_t *first,
                            uint64_t *last) {
  gw_view rest = trim(header);
  gw_view unit = take(&rest, '=');
  if (!is(unit, "bytes") || rest.len == 0 ||
      memchr(rest.data, ',', rest.len) != NULL ||
      memchr(rest.data, '-', rest.len) == NULL)
    return GW_RANGE_NONE;
  gw_view from = take(&rest, '-'), to = trim(rest);
  if (from.len == 0) {
    /* The last so many bytes. */
    uint64_t num;
    if (!read_number(to, &num)) return GW_RANGE_NONE;
    if (num == 0 || size == 0) return GW_RANGE_BAD;
    *first = num < size ? size - num : 0;
    *last = size - 1;
    return GW_RANGE_PART;
  }
  if (!read_number(from, first)) return GW_RANGE_NONE;
  *last = UINT64_MAX;
  if (to.len != 0 && (!read_number(to, last) || *last < *first))
    return GW_RANGE_NONE;
  if (*first >= size) return GW_RANGE_BAD;
  if (*last >= size) *last = size - 1;
  return GW_RANGE_PART;
}
