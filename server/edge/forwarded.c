/* SPDX-License-Identifier: MIT */
/* forwarded.c - walks the list of hops from its end. */
#include "server/edge/forwarded.h"

#include <string.h>
#include <strings.h>

/** The last hops of a list, in its order. */
typedef struct hops {
  gw_view of[GW_FORWARDED_MAX_HOPS];
  size_t num;
} hops;

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t';
}

static gw_view trim(gw_view v) {
  while (v.len != 0 && is_blank(v.data[0])) {
    v.data++;
    v.len--;
  }
  while (v.len != 0 && is_blank(v.data[v.len - 1]))
    v.len--;
  return v;
}

/** Up to a separator that is in no quotes; takes it off the front of rest. */
static gw_view take(gw_view *rest, uint8_t separator) {
  bool is_quoted = false;
  size_t i = 0;
  for (; i < rest->len && (is_quoted || rest->data[i] != separator); i++) {
    if (rest->data[i] == '"') is_quoted = !is_quoted;
    if (is_quoted && rest->data[i] == '\\' && i + 1 < rest->len) i++;
  }
  gw_view part = trim((gw_view){rest->data, i});
  size_t used = i < rest->len ? i + 1 : i;
  *rest = (gw_view){rest->data + used, rest->len - used};
  return part;
}

static void add(hops *h, gw_view hop) {
  if (h->num == GW_FORWARDED_MAX_HOPS) {
    memmove(h->of, h->of + 1, (h->num - 1) * sizeof h->of[0]);
    h->num--;
  }
  h->of[h->num++] = hop;
}

static gw_view unquote(gw_view v) {
  bool is_quoted = v.len >= 2 && v.data[0] == '"' && v.data[v.len - 1] == '"';
  return is_quoted ? (gw_view){v.data + 1, v.len - 2} : v;
}

static bool is(gw_view v, const char *text) {
  return v.len == strlen(text) &&
         strncasecmp((const char *)v.data, text, v.len) == 0;
}

/** A parameter of one element of Forwarded; empty when it is not there. */
static gw_view parameter(gw_view element, const char *name) {
  while (element.len != 0) {
    gw_view pair = take(&element, ';');
    const uint8_t *equals =
        pair.len != 0 ? memchr(pair.data, '=', pair.len) : NULL;
    if (equals == NULL) continue;
    size_t at = (size_t)(equals - pair.data);
    if (!is((gw_view){pair.data, at}, name)) continue;
    return unquote((gw_view){equals + 1, pair.len - at - 1});
  }
  return (gw_view){NULL, 0};
}

void gw_forwarded_read(enum gw_forwarded_by by, gw_view header,
                       const gw_networks *trusted, gw_peer *peer,
                       bool *is_secure) {
  hops h = {.num = 0};
  while (header.len != 0)
    add(&h, take(&header, ','));
  while (h.num != 0 && gw_networks_has(trusted, peer)) {
    gw_view hop = h.of[--h.num], address = hop;
    gw_peer next;
    if (by == GW_FORWARDED_RFC7239) address = parameter(hop, "for");
    /* "unknown", or a name that hides it (RFC 7239, 6.3). */
    if (!gw_peer_read(&next, address)) return;
    *peer = next;
    gw_view proto = {NULL, 0};
    if (by == GW_FORWARDED_RFC7239) proto = parameter(hop, "proto");
    if (proto.len != 0) *is_secure = is(proto, "https") || is(proto, "wss");
  }
}
