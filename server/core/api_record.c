/* SPDX-License-Identifier: MIT */
/* api_record.c - a publication of a history, as the API tells it. */
#include "server/core/api_record.h"

#include "server/core/api_method.h"
#include "server/core/mem.h"

static void write_tags(const gw_publication *p, gws_record *w, char **at) {
  gw_list list = p->tags;
  gw_view item;
  gw_tag tag;
  w->one.tags = w->all_tags;
  while (w->one.n_tags < GW_MAX_TAGS && gw_list_next(&list, &item)) {
    if (gw_decode_tag(item, &tag) < 0) continue;
    Godwit__Api__V1__Tag *t = &w->tags[w->one.n_tags];
    *t = (Godwit__Api__V1__Tag)GODWIT__API__V1__TAG__INIT;
    t->name = gws_api_text(tag.name, at);
    t->value = gws_api_text(tag.value, at);
    w->all_tags[w->one.n_tags++] = t;
  }
}

bool gws_record_write(const gw_buf *buf, gws_record *w) {
  gw_frame f;
  gw_publication p = {.offset = 0};
  if (gw_frame_parse(gw_buf_payload(buf), GW_MAX_FRAME_BYTES_HARD, &f) > 0)
    (void)!gw_decode_publication(f.body, &p);
  /* Each text ends with a NUL here. */
  size_t room = p.json.len + p.user.len + p.item.len + gw_list_bytes(p.tags) +
                2 * GW_MAX_TAGS + 3;
  char *at = w->space = gw_mem_alloc(room);
  if (at == NULL) return false;
  w->one = (Godwit__Api__V1__Record)GODWIT__API__V1__RECORD__INIT;
  w->json = (Godwit__Api__V1__Json)GODWIT__API__V1__JSON__INIT;
  w->json.text = gws_api_text(p.json, &at);
  w->one.offset = p.offset;
  w->one.data =
      (ProtobufCBinaryData){p.data.len, (uint8_t *)(uintptr_t)p.data.data};
  if (p.json.len != 0) w->one.json = &w->json;
  w->one.client = p.client;
  w->one.user = gws_api_text(p.user, &at);
  w->one.item = gws_api_text(p.item, &at);
  w->one.removed = p.removed;
  w->one.time_ms = p.time_ms;
  write_tags(&p, w, &at);
  return true;
}
