/* SPDX-License-Identifier: MIT */
/* event_name.c - names of events and patterns of them. */
#include <string.h>

#include "godwit/wire.h"

#define SEPARATOR '.'
#define OWN       '$'

/** Take the first part off a name. */
static gw_view take_part(gw_view *rest) {
  const uint8_t *end = memchr(rest->data, SEPARATOR, rest->len);
  size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
  gw_view part = {rest->data, len};
  size_t used = end != NULL ? len + 1 : len;
  *rest = (gw_view){rest->data + used, rest->len - used};
  return part;
}

static bool is(gw_view part, char c) {
  return part.len == 1 && part.data[0] == (uint8_t)c;
}

static bool is_own(gw_view name) {
  return name.len != 0 && name.data[0] == OWN;
}

bool gw_event_is_good_pattern(gw_view pattern) {
  if (pattern.len == 0 || pattern.data[pattern.len - 1] == SEPARATOR)
    return false;
  while (pattern.len != 0) {
    gw_view part = take_part(&pattern);
    if (part.len == 0 || (is(part, '>') && pattern.len != 0)) return false;
  }
  return true;
}

bool gw_event_matches(gw_view pattern, gw_view name) {
  if (is_own(name) && !is_own(pattern)) return false;
  while (pattern.len != 0 && name.len != 0) {
    gw_view wanted = take_part(&pattern);
    if (is(wanted, '>')) return true;
    gw_view part = take_part(&name);
    if (!is(wanted, '*') && !gw_view_eq(wanted, part)) return false;
  }
  return pattern.len == 0 && name.len == 0;
}

gw_view gw_event_name(const gw_publication *p) {
  gw_list list = p->tags;
  gw_view item;
  gw_tag tag;
  while (gw_list_next(&list, &item)) {
    if (gw_decode_tag(item, &tag) == 0 &&
        gw_view_eq(tag.name, gw_view_of(GW_EVENT_TAG)))
      return is_own(tag.value) ? (gw_view){NULL, 0} : tag.value;
  }
  return (gw_view){NULL, 0};
}
