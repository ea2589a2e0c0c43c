/* SPDX-License-Identifier: MIT */
/* api_history.c - what is kept in channels: publications, and items of maps. */
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/api_record.h"
#include "server/core/channel.h"
#include "server/core/filter.h"
#include "server/core/mail.h"
#include "server/core/mem.h"

#define NUM_DEFAULT 100u
#define NUM_MAX     10000u

typedef Godwit__Api__V1__Record record;
typedef Godwit__Api__V1__Position position;

/* ---- history ---------------------------------------------------------------- */

/** What is asked for. */
typedef struct selection {
  const Godwit__Api__V1__HistoryRequest *q;
  gw_channel *ch;
  gw_filter *filter; /**< NULL: everything passes */
  uint32_t left;
} selection;

static bool is_old(const gw_buf *b, uint64_t since_time_ms) {
  gw_frame f;
  gw_publication p;
  return gw_frame_parse(gw_buf_payload(b), GW_MAX_FRAME_BYTES_HARD, &f) <= 0 ||
         gw_decode_publication(f.body, &p) < 0 || p.time_ms < since_time_ms;
}

static bool is_selected(const selection *s, const gw_record *r) {
  bool is_map = s->ch->history.mode == GW_HISTORY_MAP;
  gws_tags tags;
  if (r->buf == NULL) return false;
  if (!is_map && r->expires_ms <= s->ch->hub->now_ms) return false;
  if (s->q->since_time_ms != 0 && is_old(r->buf, s->q->since_time_ms))
    return false;
  if (s->filter == NULL) return true;
  gws_tags_of(r->buf, &tags);
  return gws_filter_passes(s->filter, &tags);
}

static void add_record(const gw_buf *buf, gws_reply *r) {
  gws_record w;
  record *records[] = {&w.one};
  Godwit__Api__V1__HistoryReply reply = GODWIT__API__V1__HISTORY_REPLY__INIT;
  if (!gws_record_write(buf, &w)) {
    r->failed = true;
    return;
  }
  reply.publications = records;
  reply.n_publications = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(w.space);
}

/** Where the channel is, and whether all that was asked for is there. */
static void add_position(const gw_channel *ch, bool incomplete, gws_reply *r) {
  position at = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__HistoryReply reply = GODWIT__API__V1__HISTORY_REPLY__INIT;
  at.epoch = ch->epoch;
  at.offset = ch->top;
  reply.position = &at;
  reply.incomplete = incomplete;
  gws_reply_add(r, &reply.base);
}

/** Whether something after a position is not known any more. */
static bool is_incomplete(gw_channel *ch, const position *since) {
  if (since == NULL) return false;
  if (since->epoch != ch->epoch) return true;
  if (ch->history.mode == GW_HISTORY_LATEST) return false;
  return ch->history.mode == GW_HISTORY_MAP
             ? since->offset < ch->history.floor
             : since->offset + 1 < gws_channel_oldest(ch);
}

static void add_selected(selection *s, gws_reply *r) {
  const gw_history *h = &s->ch->history;
  const position *since = s->q->since;
  bool is_same = since != NULL && since->epoch == s->ch->epoch;
  uint32_t from = is_same ? gw_history_seek(h, since->offset) : 0;
  for (uint32_t i = from; i < h->len && s->left != 0; i++) {
    uint32_t at = s->q->newest_first ? h->len - 1 - (i - from) : i;
    const gw_record *one = gw_history_at(h, at);
    if (!is_selected(s, one)) continue;
    add_record(one->buf, r);
    s->left--;
  }
}

/** The terms of a request; GW_CODE_OK with *filter, which may be NULL. */
static uint32_t get_filter(gw_hub *h, const Godwit__Api__V1__HistoryRequest *q,
                           gw_filter **filter, gws_problem *p) {
  uint8_t space[2 * GW_MAX_FILTER_BYTES];
  gw_out out = {space, 0, sizeof space};
  gw_list list = {.num = 0};
  *filter = NULL;
  if (q->n_filter == 0) return GW_CODE_OK;
  for (size_t i = 0; i < q->n_filter; i++) {
    if (gws_api_add(&out, &list, &q->filter[i]->base) < 0)
      return gws_problem_set(p, GW_CODE_TOO_BIG, "filter", NULL);
  }
  *filter = gws_filter_get(h, list, p);
  return *filter != NULL ? GW_CODE_OK : p->code;
}

static gw_channel *find(const gw_hub *h, const char *channel) {
  gw_view name = gw_view_of(channel);
  return gws_channel_find(h, name, gws_hub_hash(h, name.data, name.len));
}

uint32_t gws_api_history(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r) {
  selection s = {.q = (const void *)request};
  gws_problem p;
  (void)caller;
  if (get_filter(h, s.q, &s.filter, &p) != GW_CODE_OK)
    return gws_api_refuse(r, &p);
  s.ch = find(h, s.q->channel);
  s.left = s.q->limit != 0 ? s.q->limit : NUM_DEFAULT;
  if (s.ch != NULL) {
    gw_history_trim(&s.ch->history, h->now_ms);
    add_selected(&s, r);
    add_position(s.ch, is_incomplete(s.ch, s.q->since), r);
  }
  gws_filter_unref(h, s.filter);
  return GW_CODE_OK; /* without a channel nothing was ever published */
}

/* ---- maps ------------------------------------------------------------------- */

static void add_item(const gw_buf *buf, gws_reply *r) {
  gws_record w;
  record *records[] = {&w.one};
  Godwit__Api__V1__MapGetReply reply = GODWIT__API__V1__MAP_GET_REPLY__INIT;
  if (!gws_record_write(buf, &w)) {
    r->failed = true;
    return;
  }
  reply.items = records;
  reply.n_items = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(w.space);
}

static void add_named(const gw_channel *ch,
                      const Godwit__Api__V1__MapGetRequest *q, gws_reply *r) {
  for (size_t i = 0; i < q->n_items; i++) {
    gw_view item = gw_view_of(q->items[i]);
    const gw_buf *b =
        gw_history_find(&ch->history, gws_item_hash(ch->hub, item));
    if (b != NULL && !b->removed && b->offset > q->after) add_item(b, r);
  }
}

static void add_page(const gw_channel *ch,
                     const Godwit__Api__V1__MapGetRequest *q, gws_reply *r) {
  const gw_history *h = &ch->history;
  uint32_t left = gws_api_limit(q->limit);
  for (uint32_t i = gw_history_seek(h, q->after); i < h->len && left != 0;
       i++) {
    const gw_buf *b = gw_history_at(h, i)->buf;
    if (b == NULL || b->removed) continue;
    add_item(b, r);
    left--;
  }
}

uint32_t gws_api_map_get(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__MapGetRequest *q = (const void *)request;
  const gw_namespace *ns =
      gw_settings_namespace(h->settings, gw_view_of(q->channel));
  gw_channel *ch = find(h, q->channel);
  position at = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__MapGetReply reply = GODWIT__API__V1__MAP_GET_REPLY__INIT;
  (void)caller;
  if (ns->history_mode != GW_HISTORY_MAP) {
    r->why = "the channel keeps no items";
    return GW_CODE_UNSUPPORTED;
  }
  if (q->n_items > NUM_MAX) {
    r->why = "items: 10,000 at most";
    return GW_CODE_TOO_BIG;
  }
  if (ch == NULL) return GW_CODE_OK;
  if (q->n_items != 0)
    add_named(ch, q, r);
  else
    add_page(ch, q, r);
  at.epoch = ch->epoch;
  at.offset = ch->top;
  reply.position = &at;
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}
