/* SPDX-License-Identifier: MIT */
/* event.c - names of events, and telling them. */
#include "server/core/event.h"

#include <string.h>

#include "server/core/channel.h"
#include "server/core/news.h"

#define SEPARATOR '.'

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
  bool is_own = gws_name_is_own(name);
  if (is_own && !gws_name_is_own(pattern)) return false;
  while (pattern.len != 0 && name.len != 0) {
    gw_view wanted = take_part(&pattern);
    if (is(wanted, '>')) return true;
    gw_view part = take_part(&name);
    if (!is(wanted, '*') && !gw_view_eq(wanted, part)) return false;
  }
  return pattern.len == 0 && name.len == 0;
}

/** The name of the event that a publication is; empty: it is none. */
static gw_view name_of(const gw_publication *p) {
  gw_list list = p->tags;
  gw_view item;
  gw_tag tag;
  while (gw_list_next(&list, &item)) {
    if (gw_decode_tag(item, &tag) == 0 &&
        gw_view_eq(tag.name, gw_view_of(GW_EVENT_TAG)))
      return tag.value;
  }
  return (gw_view){NULL, 0};
}

void gws_event(const gw_channel *ch, const gw_buf *b) {
  gw_hub *h = ch->hub;
  gw_frame f;
  gw_publication p;
  gw_view channel = gws_channel_name(ch);
  /* The server's own are news, which are told as what they are. */
  if (gws_name_is_own(channel) ||
      gw_frame_parse(gw_buf_payload(b), GW_MAX_FRAME_BYTES_HARD, &f) <= 0 ||
      gw_decode_publication(f.body, &p) < 0)
    return;
  gw_view name = name_of(&p);
  if (name.len != 0 && !gws_name_is_own(name))
    h->on_event(h->on_event_user, name, channel, ch->epoch, &p);
}
