/* SPDX-License-Identifier: MIT */
/* delta.c - makes the delta of a publication, at most once, and hands it out. */
#include "server/core/delta.h"

#include "godwit/delta.h"
#include "server/core/filtered.h"
#include "server/core/mem.h"
#include "server/core/pack.h"
#include "server/core/session.h"

/** Beside the payload and what the whole message has: the base. */
#define OVERHEAD 32u

/** What a delta has to be shorter than to be worth the work of applying it, and
 * the memory for a base: four fifths. */
static size_t worth(size_t whole) {
  return whole / 5 * 4;
}

/* ---- making one ------------------------------------------------------------ */

static bool read_publication(const gw_buf *b, gw_head *head,
                             gw_publication *m) {
  gw_frame f;
  if (gw_frame_parse(gw_buf_payload(b), GW_MAX_FRAME_BYTES_HARD, &f) <= 0 ||
      gw_decode_publication(f.body, m) < 0)
    return false;
  *head = f.head;
  return true;
}

/** NULL when out of memory. */
static gw_delta_table *get_table(gw_hub *h) {
  if (h->delta_table == NULL)
    h->delta_table = gw_mem_alloc(sizeof *h->delta_table);
  if (h->delta_table == NULL) gws_hub_nomem(h);
  return h->delta_table;
}

/** The message m with changes to a payload in place of its own. */
static gw_buf *encode(gw_hub *h, const gws_step *t, const gw_head *head,
                      gw_publication *m, gw_view from) {
  gw_view to = m->json.len != 0 ? m->json : m->data;
  size_t room = t->whole->len + OVERHEAD;
  gw_delta_table *table = get_table(h);
  gw_out *out = gws_hub_scratch(h, 2 * room);
  if (out == NULL || table == NULL) return NULL;
  gw_out delta = {out->data, 0, worth(to.len)},
         frame = {out->data + room, 0, worth(t->whole->len)};
  if (gw_delta_make(from, to, table, &delta) < 0) return NULL;
  m->data = m->json = (gw_view){NULL, 0};
  m->delta = (gw_view){delta.data, delta.len};
  m->delta_base = t->base->offset;
  if (gw_encode_publication(&frame, head, m) < 0) return NULL;
  gw_buf *b = gw_buf_new((gw_view){frame.data, frame.len}, false);
  if (b == NULL) gws_hub_nomem(h);
  return gws_may_pack(b, &t->channel->ns->packing);
}

/** NULL: it is not worth it, or there is no memory. */
static gw_buf *make(const gws_step *t) {
  const gw_channel *ch = t->channel;
  gw_publication was, m;
  gw_head head;
  if (!read_publication(t->base, &head, &was) ||
      !read_publication(t->whole, &head, &m))
    return NULL;
  gw_view from = m.json.len != 0 ? was.json : was.data;
  if (from.len == 0 || m.json.len + m.data.len < ch->ns->delta_min_bytes)
    return NULL;
  return encode(ch->hub, t, &head, &m, from);
}

/* ---- handing it out -------------------------------------------------------- */

void gws_step_begin(gws_step *t, gw_channel *ch, const gw_fanout *f) {
  gw_buf *last = ch->filtered != NULL ? ch->filtered->last : NULL;
  bool follows = last != NULL && last->offset + 1 == f->first;
  *t =
      (gws_step){.channel = ch, .whole = f->buf, .base = follows ? last : NULL};
}

gw_buf *gws_step_give(gws_step *t, gw_sub *sub) {
  gw_stats *stats = &t->channel->hub->stats;
  gw_sub_more *more = sub->more;
  bool holds_base = t->base != NULL && more->held == t->base->offset;
  more->held = t->whole->offset;
  t->is_held = true;
  if (!holds_base) return t->whole;
  if (!t->is_tried) t->delta = make(t);
  t->is_tried = true;
  if (t->delta == NULL) return t->whole;
  gw_stat_add(&stats->deltas_total, 1);
  gw_stat_add(&stats->delta_saved_bytes_total, t->whole->len - t->delta->len);
  return t->delta;
}

void gws_step_end(gws_step *t) {
  gw_channel *ch = t->channel;
  gw_buf_unref(t->delta);
  if (t->is_held)
    gws_filtered_keep(ch, t->whole);
  else
    gws_filtered_forget(ch);
}
