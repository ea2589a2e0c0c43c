/* SPDX-License-Identifier: MIT */
/* filtered.c - a fan-out that asks. */
#include "server/core/filtered.h"

#include "proto/guard.h"
#include "server/core/batch.h"
#include "server/core/delta.h"
#include "server/core/filter.h"
#include "server/core/mem.h"
#include "server/core/session.h"

/** NULL when out of memory. */
static gw_filtered *get_filtered(gw_channel *ch) {
  if (ch->filtered != NULL) return ch->filtered;
  gw_filtered *x = gw_mem_zalloc(sizeof *x);
  if (x == NULL) {
    gws_hub_nomem(ch->hub);
    return NULL;
  }
  x->channel = ch;
  x->timer.kind = GWS_TIMER_FILTERED;
  ch->filtered = x;
  return x;
}

/* ---- what is skipped ------------------------------------------------------- */

/** Without memory for the timer only the number limits how old a position is. */
static void set_timer(gw_channel *ch) {
  gw_filtered *x = get_filtered(ch);
  if (x != NULL && !gw_timer_is_set(&x->timer))
    gws_hub_set_timer(ch->hub, &x->timer, GW_FILTERED_MAX_MS);
}

/** Tell what was skipped up to an offset, unless the reader has enough to do. */
static void tell(gw_sub *sub, uint64_t to) {
  gw_sub_more *more = sub->more;
  const gw_session *s = sub->session;
  if (more->told >= to || s->out.bytes > s->hub->low_water) return;
  gws_push_lagged(sub, more->told + 1, to, GW_GAP_FILTERED);
  more->told = to;
}

static void skip(gw_sub *sub, uint64_t offset) {
  if (gws_channel_is_pattern(sub->channel)) {
    sub->more->told = offset; /* there is no position to follow */
    return;
  }
  if (offset - sub->more->told >= GW_FILTERED_MAX)
    tell(sub, offset);
  else
    set_timer(sub->channel);
}

void gws_filtered_on_timer(gw_filtered *x) {
  gw_channel *ch = x->channel;
  uint32_t end = ch->num_live + ch->num_choosy;
  for (uint32_t i = ch->num_live; i < end; i++) {
    gw_sub *sub = ch->seats[i].sub;
    if (sub->session->state != GWS_SESSION_OPEN) continue;
    tell(sub, ch->top);
    if (sub->more->told < ch->top) set_timer(ch);
  }
}

void gws_filtered_free(gw_channel *ch) {
  if (ch->filtered == NULL) return;
  gw_wheel_cancel(&ch->hub->wheel, &ch->filtered->timer);
  gws_filtered_forget(ch);
  gw_mem_free(ch->filtered);
  ch->filtered = NULL;
}

/* ---- what deltas are made to ----------------------------------------------- */

void gws_filtered_forget(gw_channel *ch) {
  if (ch->filtered == NULL) return;
  gw_buf_unref(ch->filtered->last);
  ch->filtered->last = NULL;
}

void gws_filtered_keep(gw_channel *ch, gw_buf *b) {
  gw_filtered *x = get_filtered(ch);
  if (x == NULL) return;
  gws_filtered_forget(ch);
  x->last = gw_buf_ref(b);
}

/* ---- what passes ----------------------------------------------------------- */

static void queue(gw_sub *sub, const gw_fanout *f, gws_step *step) {
  gw_session *s = sub->session;
  if (!gws_channel_is_pattern(sub->channel) && sub->more->told + 1 < f->first)
    gws_push_lagged(sub, sub->more->told + 1, f->first - 1, GW_GAP_FILTERED);
  sub->more->told = f->first;
  gw_stat_add(&s->hub->stats.deliveries_total, 1);
  if (s == f->quiet) {
    gws_fanout_own(sub->channel, f);
    return;
  }
  gw_buf *b = sub->more->delta ? gws_step_give(step, sub) : f->buf;
  gws_session_push(s, gws_sub_lane(sub), gw_buf_ref(b));
}

/** What filters look at; read when the first one does. */
typedef struct looked_at {
  uint64_t stamp;
  bool has_tags;
  gws_tags tags; /* large */
} looked_at;

static bool passes(const gw_sub *sub, const gw_fanout *f, looked_at *l) {
  gw_filter *filter = sub->more->filter;
  if (filter == NULL) return true;
  if (!l->has_tags) gws_tags_of(f->buf, &l->tags);
  l->has_tags = true;
  return gws_filter_passes_once(filter, &l->tags, l->stamp);
}

/**
 * Before anybody falls behind, what the others gather has to go: some of these
 * may fall behind by it, over the border of their seats, and then seats of those
 * who are asked change places, also of one who was not yet. True: that may be
 * so, begin again. From then on nothing is gathered, and who falls behind leaves
 * the seat to the last.
 */
static bool lets_batch_go(gw_channel *ch, const gw_sub *sub,
                          const gw_fanout *f) {
  const gw_session *s = sub->session;
  bool has_batch = ch->batch != NULL && ch->batch->num != 0;
  if (!has_batch || s->out.bytes + (uint64_t)f->buf->len <= s->hub->low_water)
    return false;
  gws_batch_flush(ch);
  return true;
}

void gws_filtered_publication(gw_channel *ch, const gw_fanout *f) {
  gw_hub *h = ch->hub;
  gws_step step;
  looked_at l;
  l.stamp = ++h->filter_stamp;
  l.has_tags = false;
  gws_step_begin(&step, ch, f);
  for (uint32_t i = ch->num_live; i < ch->num_live + ch->num_choosy;) {
    gw_sub *sub = ch->seats[i].sub;
    if (sub->session->state != GWS_SESSION_OPEN || sub->more->told >= f->first)
      i++;
    else if (GW_GUARD(LIVE_FILTER) && !passes(sub, f, &l)) {
      skip(sub, f->first);
      i++;
    } else if (lets_batch_go(ch, sub, f)) {
      i = ch->num_live;
    } else if (gws_fanout_admits(sub, f)) {
      queue(sub, f, &step);
      i++;
    } else if (ch->seats[i].sub == sub) {
      i++; /* closed; else it fell behind and left the seat to another */
    }
  }
  gws_step_end(&step);
}
