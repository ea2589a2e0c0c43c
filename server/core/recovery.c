/* SPDX-License-Identifier: MIT */
/* recovery.c - serves a subscription from the channel's history: what Subscribe
 * is answered, the chunks of a recovery, and what a lagging reader missed. */
#include <string.h>

#include "server/core/channel.h"
#include "server/core/identity.h"
#include "server/core/presence.h"
#include "server/core/session.h"

/*
 * A cursor is the last offset that the subscriber has, or was told it will not
 * get. One chunk is drawn each time that the session's queue is empty, so a
 * reader gets history at its own speed and holds no memory for it.
 *
 *    history     [ oldest ........................ top ]
 *    cursor              ^ next chunk ->
 *    cursor   ^ has been trimmed away: the gap is told first
 */

/* ---- the answer to Subscribe --------------------------------------------- */

/** The same for one who may not read what was before. */
static gw_subscribed start_now(const gw_channel *ch, const gw_catchup *c) {
  gw_subscribed a = {.epoch = ch->epoch, .offset = ch->top};
  bool is_same = c->epoch == ch->epoch;
  if (is_same ? c->offset == ch->top : c->epoch == 0 && ch->top == 0) return a;
  a.result = GW_RECOVERY_GAP;
  a.gap = GW_GAP_PERMISSION_LOST;
  a.gap_from = c->offset + 1;
  a.gap_to = is_same || c->epoch == 0 ? ch->top : 0;
  return a;
}

/** Where the stream goes on, given what the subscriber has. */
static gw_subscribed find_start(gw_channel *ch, const gw_catchup *c) {
  uint64_t first = gws_channel_oldest(ch);
  gw_subscribed a = {.epoch = ch->epoch, .offset = ch->top};
  if (!c->recover) return a;
  if (!c->may_recover) return start_now(ch, c);
  if (c->epoch == 0) {
    a.offset = first - 1;
    a.result = GW_RECOVERY_RECOVERED;
  } else if (c->epoch != ch->epoch || c->offset > ch->top) {
    a.offset = first - 1;
    a.result = GW_RECOVERY_GAP;
    a.gap = GW_GAP_EPOCH_CHANGED;
    a.gap_from = c->offset + 1;
  } else if (c->offset == ch->top) {
    a.result = GW_RECOVERY_CONTINUOUS;
  } else if (c->offset + 1 >= first) {
    a.offset = c->offset;
    a.result = GW_RECOVERY_RECOVERED;
  } else {
    a.offset = first - 1;
    a.result = GW_RECOVERY_GAP;
    a.gap = ch->history.trimmed_by == GW_GAP_EXPIRED ? GW_GAP_EXPIRED
                                                     : GW_GAP_TRIMMED;
    a.gap_from = c->offset + 1;
    a.gap_to = first - 1;
  }
  return a;
}

static void count(gw_hub *h, const gw_catchup *c, const gw_subscribed *a) {
  if (!c->recover) return;
  gw_stat_add(&h->stats.recoveries_total, 1);
  if (a->result == GW_RECOVERY_GAP) gw_stat_add(&h->stats.gaps_total, 1);
}

static void send_subscribed(const gw_sub *sub, const gw_subscribed *msg) {
  gw_session *s = sub->session;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_SUBSCRIBED,
                  .request = sub->catchup->request,
                  .channel = sub->channel->number};
  gws_session_send(s, GW_LANE_DATA, out, gw_encode_subscribed(out, &head, msg));
}

/** The client did not ask: it has to be told the channel, too. */
static void send_by_server(const gw_sub *sub, const gw_subscribed *msg) {
  gw_session *s = sub->session;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_SERVER_SUBSCRIBED,
                  .channel = sub->channel->number};
  gw_server_subscribed push = {.channel = gws_channel_name(sub->channel),
                               .epoch = msg->epoch,
                               .offset = msg->offset};
  gws_session_send(s, GW_LANE_DATA, out,
                   gw_encode_server_subscribed(out, &head, &push));
}

void gws_recovery_begin(gw_sub *sub) {
  gw_session *s = sub->session;
  gw_channel *ch = sub->channel;
  gw_catchup *c = sub->catchup;
  gw_subscribed msg = find_start(ch, c);
  msg.live = msg.offset == ch->top;
  if (sub->lease != NULL) msg.token_ttl_ms = gws_lease_ttl_ms(sub);
  count(s->hub, c, &msg);
  c->cursor = msg.offset;
  if (c->request != 0)
    send_subscribed(sub, &msg);
  else
    send_by_server(sub, &msg);
  gws_sub_set_feed(sub, msg.live ? GWS_FEED_LIVE : GWS_FEED_RECOVERING);
}

/* ---- chunks -------------------------------------------------------------- */

/** The first offset after the cursor that can be sent, or top + 1; what lies
 * between is gone. */
static uint64_t next_kept(gw_channel *ch, uint64_t cursor,
                          enum gw_gap_reason *why) {
  uint64_t first = gws_channel_oldest(ch);
  uint64_t next = cursor + 1;
  *why = GW_GAP_EXPIRED;
  if (next < first) {
    *why = ch->history.trimmed_by == GW_GAP_EXPIRED ? GW_GAP_EXPIRED
                                                    : GW_GAP_TRIMMED;
    next = first;
  }
  while (next <= ch->top) {
    const gw_record *r = gw_history_at(&ch->history, (uint32_t)(next - first));
    if (r->expires_ms > ch->hub->now_ms) break;
    next++;
  }
  return next;
}

/** Queue publications from an offset on. Returns the last one's offset. */
static uint64_t push_chunk(gw_sub *sub, uint64_t from) {
  gw_session *s = sub->session;
  gw_channel *ch = sub->channel;
  uint64_t first = gws_channel_oldest(ch);
  uint64_t offset = from;
  size_t bytes = 0;
  size_t max = gws_hub_chunk_bytes(s->hub);
  for (; offset <= ch->top && bytes < max; offset++) {
    const gw_record *r =
        gw_history_at(&ch->history, (uint32_t)(offset - first));
    if (r->expires_ms <= ch->hub->now_ms) break;
    bytes += r->buf->len;
    if (!gws_session_push(s, GW_LANE_DATA, gw_buf_ref(r->buf))) break;
  }
  gw_stat_add(&s->hub->stats.recovered_publications_total, offset - from);
  return offset - 1;
}

static void push_recovery(gw_sub *sub, const gw_recovery *msg) {
  gw_session *s = sub->session;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_RECOVERY, .channel = sub->channel->number};
  gws_session_put(s, GW_LANE_DATA, out, gw_encode_recovery(out, &head, msg));
}

/** Tell what is gone between the cursor and the next that is kept. */
static void push_gap(gw_sub *sub, uint64_t next, enum gw_gap_reason why) {
  gw_channel *ch = sub->channel;
  gw_recovery msg = {.from = next,
                     .to = next - 1,
                     .live = next > ch->top,
                     .gap = why,
                     .gap_from = sub->catchup->cursor + 1,
                     .gap_to = next - 1};
  gw_stat_add(&ch->hub->stats.gaps_total, 1);
  push_recovery(sub, &msg);
}

/** Tell that what is between the cursor and the next was skipped. */
static void push_lagged(gw_sub *sub, uint64_t next) {
  gw_session *s = sub->session;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_LAGGED, .channel = sub->channel->number};
  gw_lagged msg = {.from = sub->catchup->cursor + 1,
                   .to = next - 1,
                   .count = next - 1 - sub->catchup->cursor,
                   .reason = GW_GAP_SLOW_READER};
  gw_stat_add(&s->hub->stats.lagged_total, msg.count);
  gws_session_put(s, GW_LANE_DATA, out, gw_encode_lagged(out, &head, &msg));
  sub->catchup->cursor = next - 1;
}

/** Queue what follows the cursor, which nothing is missing after. */
static void draw_chunk(gw_sub *sub) {
  gw_recovery msg = {.from = sub->catchup->cursor + 1};
  msg.to = sub->catchup->cursor = push_chunk(sub, msg.from);
  msg.live = msg.to == sub->channel->top;
  push_recovery(sub, &msg);
}

static void draw_recovery(gw_sub *sub) {
  gw_catchup *c = sub->catchup;
  enum gw_gap_reason why;
  uint64_t next = next_kept(sub->channel, c->cursor, &why);
  if (next == c->cursor + 1) {
    draw_chunk(sub);
  } else {
    push_gap(sub, next, why);
    c->cursor = next - 1;
  }
}

/* ---- what a slow reader is sent ------------------------------------------ */

/** The first offset that a reader who lags may still be sent. */
static uint64_t lagging_start(const gw_sub *sub, uint64_t oldest) {
  uint64_t next = sub->catchup->cursor + 1;
  uint64_t top = sub->channel->top;
  if (sub->overflow == GW_OVERFLOW_SAMPLE && next < top) next = top;
  return next < oldest ? oldest : next;
}

/** Whether a reader who lags is spared a record. */
static bool is_skipped(const gw_sub *sub, uint32_t i) {
  const gw_history *h = &sub->channel->history;
  if (gw_history_at(h, i)->expires_ms <= sub->channel->hub->now_ms) return true;
  return sub->overflow == GW_OVERFLOW_CONFLATE && !gw_history_is_newest(h, i);
}

/** Queue what follows the cursor. Each run that is skipped, to the end of the
 * stream perhaps, is told in its place. */
static void draw_lagging(gw_sub *sub) {
  gw_session *s = sub->session;
  gw_channel *ch = sub->channel;
  gw_catchup *c = sub->catchup;
  uint64_t oldest = gws_channel_oldest(ch);
  uint64_t offset = lagging_start(sub, oldest);
  size_t bytes = 0;
  size_t max = gws_hub_chunk_bytes(s->hub);
  for (; offset <= ch->top && bytes < max; offset++) {
    uint32_t i = (uint32_t)(offset - oldest);
    if (is_skipped(sub, i)) continue;
    gw_buf *b = gw_history_at(&ch->history, i)->buf;
    if (offset > c->cursor + 1) push_lagged(sub, offset);
    if (!gws_session_push(s, GW_LANE_DATA, gw_buf_ref(b))) return;
    c->cursor = offset;
    bytes += b->len;
  }
  if (offset > c->cursor + 1) push_lagged(sub, offset);
}

static void draw_stream(gw_sub *sub) {
  if (sub->feed == GWS_FEED_RECOVERING)
    draw_recovery(sub);
  else
    draw_lagging(sub);
  if (sub->catchup->cursor == sub->channel->top)
    gws_sub_set_feed(sub, GWS_FEED_LIVE);
}

/* ---- the presence snapshot ------------------------------------------------ */

static bool begin_snapshot(gw_sub *sub) {
  gw_snapshot *snapshot = gws_presence_snapshot(sub->channel);
  if (snapshot == NULL || gws_sub_need_catchup(sub) < 0) {
    gws_snapshot_unref(snapshot);
    gws_hub_nomem(sub->session->hub);
    gws_session_end(sub->session, GW_CODE_INTERNAL, "out of memory");
    return false;
  }
  sub->catchup->snapshot = snapshot;
  sub->catchup->part = 0;
  gws_sub_set_roster(sub, GWS_ROSTER_SENDING);
  return true;
}

static void draw_snapshot(gw_sub *sub) {
  gw_session *s = sub->session;
  if (sub->roster == GWS_ROSTER_STALE && !begin_snapshot(sub)) return;
  gw_catchup *c = sub->catchup;
  gws_session_push(s, GW_LANE_DATA, gw_buf_ref(c->snapshot->parts[c->part++]));
  if (c->part < c->snapshot->num_parts) return;
  for (uint32_t i = 0; i < c->num_held; i++)
    gws_session_push(s, GW_LANE_DATA, gw_buf_ref(c->held[i]));
  gws_sub_set_roster(sub, GWS_ROSTER_LIVE);
}

void gws_recovery_draw(gw_sub *sub) {
  gw_session *s = sub->session;
  if (sub->roster == GWS_ROSTER_STALE || sub->roster == GWS_ROSTER_SENDING)
    draw_snapshot(sub);
  else
    draw_stream(sub);
  /* The next draw is another subscription's turn. */
  if (s->state != GWS_SESSION_OPEN || !sub->is_drawing) return;
  DL_DELETE(s->subs.drawing, sub);
  DL_APPEND(s->subs.drawing, sub);
}
