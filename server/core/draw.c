/* SPDX-License-Identifier: MIT */
/* draw.c - serves a cursor from the channel's history: the chunks of a recovery,
 * and what a lagging reader missed. */
#include "proto/guard.h"
#include "server/core/channel.h"
#include "server/core/filter.h"
#include "server/core/session.h"

/*
 * A cursor is the last offset that the subscriber has, or was told it will not
 * get. One chunk is drawn each time that the session's queue is empty, so a
 * reader gets history at its own speed and holds no memory for it.
 *
 *    history     [ oldest ........................ top ]
 *    cursor              ^ next chunk ->
 *    cursor   ^ has been trimmed away: the gap is told first
 *
 * Each offset behind the cursor is sent, or is in a run of those that are not,
 * which is told in its place: by Lagged, or by Recovery where a recovery has lost
 * something.
 */

/** Records that one draw looks at: what it skips is told then, and the reader
 * has its turn. */
#define LOOK_MAX 1024u

/** A draw under way. */
typedef struct draw {
  gw_sub *sub;
  gw_channel *ch;
  uint64_t next; /**< first offset that nothing was decided about */
  const gw_filter *filter;
  uint64_t run_from;  /**< of the run that is being skipped */
  uint32_t reason;    /**< why it is; GW_GAP_NONE: there is no run */
  uint64_t sent_from; /**< first offset of the chunk */
  bool has_sent;
  bool has_told_loss;
  size_t bytes;
} draw;

/* ---- telling ---------------------------------------------------------------- */

static void push_recovery(gw_sub *sub, const gw_recovery *msg) {
  gw_session *s = sub->session;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_RECOVERY, .channel = sub->channel->number};
  gws_session_put(s, gws_sub_lane(sub), out,
                  gw_encode_recovery(out, &head, msg));
}

void gws_push_lagged(gw_sub *sub, uint64_t from, uint64_t to, uint32_t why) {
  gw_session *s = sub->session;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_LAGGED, .channel = sub->channel->number};
  gw_lagged msg = {
      .from = from, .to = to, .count = to - from + 1, .reason = why};
  if (why == GW_GAP_SLOW_READER)
    gw_stat_add(&s->hub->stats.lagged_total, msg.count);
  gws_session_put(s, gws_sub_lane(sub), out,
                  gw_encode_lagged(out, &head, &msg));
}

static bool is_loss(uint32_t reason) {
  return reason == GW_GAP_TRIMMED || reason == GW_GAP_EXPIRED;
}

/** Tell the run, if there is one. A recovery's loss is told alone, so that
 * nothing was sent before it in this draw. */
static void end_run(draw *d) {
  gw_catchup *c = d->sub->catchup;
  if (d->reason == GW_GAP_NONE) return;
  c->cursor = d->next - 1;
  if (d->sub->feed == GWS_FEED_RECOVERING && is_loss(d->reason)) {
    gw_recovery msg = {.from = d->next,
                       .to = d->next - 1,
                       .live = c->cursor == d->ch->top,
                       .gap = d->reason,
                       .gap_from = d->run_from,
                       .gap_to = d->next - 1};
    gw_stat_add(&d->ch->hub->stats.gaps_total, 1);
    push_recovery(d->sub, &msg);
    d->has_told_loss = true;
  } else {
    gws_push_lagged(d->sub, d->run_from, d->next - 1, d->reason);
  }
  d->reason = GW_GAP_NONE;
}

/* ---- deciding --------------------------------------------------------------- */

/** Why what is not in the history is not, in front of a record or at the end. */
static uint32_t reason_of_hole(const draw *d, bool is_end) {
  const gw_history *h = &d->ch->history;
  if (d->sub->feed == GWS_FEED_LAGGING) return GW_GAP_SLOW_READER;
  if (h->mode == GW_HISTORY_MAP || (h->mode == GW_HISTORY_LATEST && !is_end))
    return GW_GAP_SUPERSEDED;
  return h->trimmed_by != GW_GAP_NONE ? h->trimmed_by
                                      : (uint32_t)GW_GAP_TRIMMED;
}

static bool passes(const draw *d, const gw_buf *b) {
  gws_tags tags;
  if (d->filter == NULL || !GW_GUARD(DRAW_FILTER)) return true;
  gws_tags_of(b, &tags);
  return gws_filter_passes(d->filter, &tags);
}

/** Why a record is not sent; GW_GAP_NONE: it is. */
static uint32_t reason_to_skip(const draw *d, uint32_t i) {
  const gw_history *h = &d->ch->history;
  const gw_record *r = gw_history_at(h, i);
  bool is_lagging = d->sub->feed == GWS_FEED_LAGGING;
  bool is_over =
      h->mode != GW_HISTORY_MAP && r->expires_ms <= d->ch->hub->now_ms;
  if (is_over) return is_lagging ? GW_GAP_SLOW_READER : GW_GAP_EXPIRED;
  if (is_lagging && d->sub->overflow == GW_OVERFLOW_CONFLATE &&
      !gw_history_is_newest(h, i))
    return GW_GAP_SLOW_READER;
  return passes(d, r->buf) ? GW_GAP_NONE : GW_GAP_FILTERED;
}

/** Take up to an offset into the run of those that are skipped for a reason.
 * False: the draw has to end before it. */
static bool skip(draw *d, uint64_t to, uint32_t reason) {
  bool is_alone = d->sub->feed == GWS_FEED_RECOVERING && is_loss(reason);
  if (d->reason != reason) {
    end_run(d);
    /* What is told alone has nothing behind it either: the mark of a chunk would
     * be missing. */
    if (d->has_told_loss || (is_alone && d->has_sent)) return false;
    d->run_from = d->next;
    d->reason = reason;
  }
  d->next = to + 1;
  return true;
}

/** False: the draw has to end here. */
static bool send(draw *d, gw_buf *b) {
  end_run(d);
  if (d->has_told_loss) return false;
  if (!gws_session_push(d->sub->session, gws_sub_lane(d->sub), gw_buf_ref(b)))
    return false;
  d->has_sent = true;
  if (d->sub->feed == GWS_FEED_RECOVERING)
    gw_stat_add(&d->ch->hub->stats.recovered_publications_total, 1);
  d->bytes += b->len;
  d->sub->catchup->cursor = b->offset;
  d->next = b->offset + 1;
  return true;
}

static bool decide(draw *d, uint32_t i) {
  gw_buf *b = gw_history_at(&d->ch->history, i)->buf;
  if (b == NULL) return true;
  if (GW_GUARD(DRAW_HOLE) && b->offset > d->next &&
      !skip(d, b->offset - 1, reason_of_hole(d, false)))
    return false;
  uint32_t reason = reason_to_skip(d, i);
  return reason == GW_GAP_NONE ? send(d, b) : skip(d, b->offset, reason);
}

/** Where to begin: one who samples is sent the newest only. */
static uint32_t first_place(const draw *d) {
  const gw_history *h = &d->ch->history;
  uint32_t i = gw_history_seek(h, d->sub->catchup->cursor);
  bool samples = d->sub->feed == GWS_FEED_LAGGING &&
                 d->sub->overflow == GW_OVERFLOW_SAMPLE;
  if (!samples || i == h->len) return i;
  for (uint32_t at = h->len - 1, looked = 0; looked < LOOK_MAX; looked++) {
    const gw_buf *b = gw_history_at(h, at)->buf;
    if (b != NULL && passes(d, b)) return at;
    if (at-- == i) break;
  }
  return h->len - 1;
}

/** Go through the records; returns the place that was not looked at. */
static void go(draw *d) {
  const gw_history *h = &d->ch->history;
  size_t max = gws_hub_chunk_bytes(d->ch->hub);
  uint32_t i = first_place(d), looked = 0;
  for (; i < h->len && d->bytes < max && looked < LOOK_MAX; i++, looked++) {
    if (!decide(d, i)) return;
  }
  if (i == h->len && d->next <= d->ch->top &&
      !skip(d, d->ch->top, reason_of_hole(d, true)))
    return;
  end_run(d);
}

/* ---- drawing ---------------------------------------------------------------- */

/** Whether a removal that the subscriber has to hear of is forgotten. One who
 * was begun anew need not hear of those before. */
static bool is_lost(const gw_sub *sub) {
  const gw_catchup *c = sub->catchup;
  uint64_t floor = sub->channel->history.floor;
  return GW_GUARD(MAP_FLOOR) && floor > c->floor && floor > c->cursor;
}

static void mark_chunk(draw *d) {
  gw_catchup *c = d->sub->catchup;
  gw_recovery msg = {
      .from = d->sent_from, .to = c->cursor, .live = c->cursor == d->ch->top};
  if (!d->has_told_loss) push_recovery(d->sub, &msg);
}

/** What a pattern was given meanwhile is not kept. */
static bool draw_pattern(gw_sub *sub) {
  uint64_t top = sub->channel->top;
  gws_push_lagged(sub, sub->catchup->cursor + 1, top, GW_GAP_SLOW_READER);
  sub->catchup->cursor = top;
  gws_sub_set_feed(sub, GWS_FEED_LIVE);
  return true;
}

bool gws_draw_stream(gw_sub *sub) {
  gw_channel *ch = sub->channel;
  gw_catchup *c = sub->catchup;
  if (gws_channel_is_pattern(ch)) return draw_pattern(sub);
  gw_history_trim(&ch->history, ch->hub->now_ms);
  if (is_lost(sub)) {
    /* It comes back at once, and is begun anew. */
    gws_sub_end(sub, GW_CODE_POSITION_LOST, NULL, GWS_FAREWELL_LOST);
    return false;
  }
  draw d = {.sub = sub,
            .ch = ch,
            .filter = gws_sub_filter(sub),
            .next = c->cursor + 1,
            .sent_from = c->cursor + 1};
  go(&d);
  if (sub->feed == GWS_FEED_RECOVERING) mark_chunk(&d);
  if (c->cursor == ch->top) gws_sub_set_feed(sub, GWS_FEED_LIVE);
  return true;
}
