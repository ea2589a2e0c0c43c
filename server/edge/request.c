/* SPDX-License-Identifier: MIT */
/* request.c - a request is one block: the struct, its items, their texts. */
#include "server/edge/request.h"

#include <stdlib.h>
#include <string.h>

#include "server/auth/cookie.h"

typedef struct item {
  enum gw_request_part part;
  gw_view name;
  gw_view value;
} item;

struct gw_request {
  gw_view path;
  const char *route;
  const gw_hub *hub;
  gw_view peer;
  bool is_secure;
  bool is_upgrade;
  size_t bytes; /* of the whole block */
  size_t num_items;
  item items[];
};

/* ---- making ----------------------------------------------------------------- */

void gw_request_begin(gw_request_maker *m, char *bytes, size_t cap) {
  *m = (gw_request_maker){.bytes = bytes, .cap = cap};
}

static uint32_t keep(gw_request_maker *m, gw_view v) {
  uint32_t at = (uint32_t)m->len;
  if (v.len != 0) memcpy(m->bytes + m->len, v.data, v.len);
  m->len += v.len;
  return at;
}

int gw_request_add(gw_request_maker *m, enum gw_request_part part, gw_view name,
                   gw_view value) {
  if (m->num_items == GW_REQUEST_ITEMS_MAX ||
      name.len + value.len > m->cap - m->len)
    return GW_ERR_FULL;
  size_t i = m->num_items++;
  m->items[i].part = (uint8_t)part;
  m->items[i].name_len = (uint32_t)name.len;
  m->items[i].value_len = (uint32_t)value.len;
  m->items[i].name_at = keep(m, name);
  m->items[i].value_at = keep(m, value);
  return 0;
}

static gw_request *new_request(size_t num_items, size_t text_len) {
  size_t bytes = sizeof(gw_request) + num_items * sizeof(item) + text_len;
  gw_request *r = malloc(bytes);
  if (r == NULL) return NULL;
  *r = (gw_request){.bytes = bytes, .num_items = num_items};
  return r;
}

static gw_view put(uint8_t **at, gw_view v) {
  gw_view kept = {*at, v.len};
  if (v.len != 0) memcpy(*at, v.data, v.len);
  *at += v.len;
  return kept;
}

gw_request *gw_request_build(const gw_request_maker *m) {
  char text[GW_PEER_TEXT_MAX];
  gw_view peer = gw_view_of(gw_peer_text(&m->peer, text));
  gw_request *r = new_request(m->num_items, m->path.len + peer.len + m->len);
  if (r == NULL) return NULL;
  uint8_t *at = (uint8_t *)&r->items[r->num_items];
  r->path = put(&at, m->path);
  r->peer = put(&at, peer);
  r->route = m->route != NULL ? m->route->pattern.text : "";
  r->hub = m->hub;
  r->is_secure = m->is_secure;
  r->is_upgrade = m->is_upgrade;
  gw_view all = put(&at, (gw_view){(const uint8_t *)m->bytes, m->len});
  for (size_t i = 0; i < m->num_items; i++)
    r->items[i] =
        (item){m->items[i].part,
               {all.data + m->items[i].name_at, m->items[i].name_len},
               {all.data + m->items[i].value_at, m->items[i].value_len}};
  return r;
}

gw_request *gw_request_slim(const gw_request *from) {
  size_t num = 0, len = from->peer.len;
  for (size_t i = 0; i < from->num_items; i++) {
    if (from->items[i].part != GW_REQUEST_PARAM) continue;
    num++;
    len += from->items[i].name.len + from->items[i].value.len;
  }
  gw_request *r = new_request(num, len);
  if (r == NULL) return NULL;
  uint8_t *at = (uint8_t *)&r->items[num];
  r->route = from->route;
  r->is_secure = from->is_secure;
  r->is_upgrade = from->is_upgrade;
  r->peer = put(&at, from->peer);
  for (size_t i = 0, k = 0; k < num; i++) {
    const item *one = &from->items[i];
    if (one->part != GW_REQUEST_PARAM) continue;
    r->items[k].part = GW_REQUEST_PARAM;
    r->items[k].name = put(&at, one->name);
    r->items[k++].value = put(&at, one->value);
  }
  return r;
}

void gw_request_free(gw_request *r) {
  free(r);
}

size_t gw_request_bytes(const gw_request *r) {
  return r->bytes;
}

const gw_hub *gw_request_hub(const gw_request *r) {
  return r->hub;
}

/* ---- reading ---------------------------------------------------------------- */

gw_view gw_request_path(const gw_request *r) {
  return r->path;
}

const char *gw_request_route(const gw_request *r) {
  return r->route;
}

gw_view gw_request_peer(const gw_request *r) {
  return r->peer;
}

bool gw_request_is_secure(const gw_request *r) {
  return r->is_secure;
}

bool gw_request_is_upgrade(const gw_request *r) {
  return r->is_upgrade;
}

bool gw_request_item(const gw_request *r, enum gw_request_part part, size_t i,
                     gw_view *name, gw_view *value) {
  for (size_t k = 0; k < r->num_items; k++) {
    if (r->items[k].part != part || i-- != 0) continue;
    *name = r->items[k].name;
    *value = r->items[k].value;
    return true;
  }
  return false;
}

gw_view gw_request_get(const gw_request *r, enum gw_request_part part,
                       const char *name) {
  gw_view wanted = gw_view_of(name);
  for (size_t i = 0; i < r->num_items; i++) {
    if (r->items[i].part == part && gw_view_eq(r->items[i].name, wanted))
      return r->items[i].value;
  }
  return (gw_view){NULL, 0};
}

gw_view gw_request_cookie(const gw_request *r, const char *name) {
  return gw_cookie_find(gw_request_get(r, GW_REQUEST_HEADER, "cookie"), name);
}
