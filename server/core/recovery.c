/* SPDX-License-Identifier: MIT */
/* recovery.c - what Subscribe is answered, and the presence snapshot. What
 * follows a cursor is in draw.c. */
#include <string.h>

#include "proto/guard.h"
#include "server/core/channel.h"
#include "server/core/identity.h"
#include "server/core/meta.h"
#include "server/core/news.h"
#include "server/core/presence.h"
#include "server/core/session.h"

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

/** With all that is kept, in place of whatever the subscriber has. */
static gw_subscribed start_anew(gw_channel *ch, gw_catchup *c) {
  c->floor = ch->history.floor;
  return (gw_subscribed){.epoch = ch->epoch,
                         .offset = gws_channel_oldest(ch) - 1,
                         .result = GW_RECOVERY_ANEW,
                         .gap = GW_GAP_ANEW,
                         .gap_from = c->offset + 1};
}

/** In a stream, some of which is gone. */
static gw_subscribed start_after_gap(const gw_channel *ch, const gw_catchup *c,
                                     uint64_t first) {
  return (gw_subscribed){.epoch = ch->epoch,
                         .offset = first - 1,
                         .result = GW_RECOVERY_GAP,
                         .gap = ch->history.trimmed_by,
                         .gap_from = c->offset + 1,
                         .gap_to = first - 1};
}

/** Where it is not the stream that the subscriber knows. */
static gw_subscribed start_elsewhere(gw_channel *ch, gw_catchup *c) {
  bool is_first = c->epoch == 0;
  if (ch->history.mode == GW_HISTORY_MAP) return start_anew(ch, c);
  if (ch->history.mode == GW_HISTORY_LATEST && !is_first)
    return start_anew(ch, c);
  return (gw_subscribed){.epoch = ch->epoch,
                         .offset = gws_channel_oldest(ch) - 1,
                         .result =
                             is_first ? GW_RECOVERY_RECOVERED : GW_RECOVERY_GAP,
                         .gap = is_first ? GW_GAP_NONE : GW_GAP_EPOCH_CHANGED,
                         .gap_from = is_first ? 0 : c->offset + 1};
}

/** A pattern has no stream. */
static gw_subscribed start_pattern(const gw_channel *ch, const gw_catchup *c) {
  gw_subscribed a = {.epoch = ch->epoch, .offset = ch->top, .wildcard = true};
  if (!c->recover) return a;
  a.result = GW_RECOVERY_GAP;
  a.gap = GW_GAP_LIVE_ONLY;
  return a;
}

/** Where the stream goes on, given what the subscriber has. */
static gw_subscribed find_start(gw_channel *ch, gw_catchup *c) {
  gw_subscribed a = {.epoch = ch->epoch, .offset = ch->top};
  if (ch->pattern != NULL) return start_pattern(ch, c);
  if (!c->recover) return a;
  if (!c->may_recover) return start_now(ch, c);
  if (GW_GUARD(EPOCH) && (c->epoch != ch->epoch || c->offset > ch->top))
    return start_elsewhere(ch, c);
  if (c->offset == ch->top) return a;
  uint64_t first = gws_channel_oldest(ch);
  if (ch->history.mode == GW_HISTORY_STREAM && c->offset + 1 < first)
    return start_after_gap(ch, c, first);
  if (GW_GUARD(MAP_FLOOR) && c->offset < ch->history.floor)
    return start_anew(ch, c);
  a.offset = c->offset;
  a.result = GW_RECOVERY_RECOVERED;
  return a;
}

static void count(gw_hub *h, const gw_catchup *c, const gw_subscribed *a) {
  if (!c->recover) return;
  gw_stat_add(&h->stats.recoveries_total, 1);
  if (a->result == GW_RECOVERY_GAP) gw_stat_add(&h->stats.gaps_total, 1);
}

static void send_subscribed(const gw_sub *sub, gw_subscribed *msg) {
  gw_session *s = sub->session;
  msg->meta = gws_meta_of(sub->channel);
  msg->delta = gws_sub_takes_delta(sub);
  gw_out *out = gws_hub_scratch(s->hub, msg->meta.len + GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_SUBSCRIBED,
                  .request = sub->catchup->request,
                  .channel = sub->channel->number};
  if (out != NULL)
    gws_session_send(s, gws_sub_lane(sub), out,
                     gw_encode_subscribed(out, &head, msg));
  else
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
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
  gws_session_send(s, gws_sub_lane(sub), out,
                   gw_encode_server_subscribed(out, &head, &push));
}

void gws_recovery_begin(gw_sub *sub) {
  gw_session *s = sub->session;
  gw_channel *ch = sub->channel;
  gw_catchup *c = sub->catchup;
  c->floor = 0;
  gw_subscribed msg = find_start(ch, c);
  msg.live = msg.offset == ch->top;
  msg.token_ttl_ms = gws_lease_ttl_ms(sub);
  count(s->hub, c, &msg);
  c->cursor = msg.offset;
  if (c->request != 0)
    send_subscribed(sub, &msg);
  else
    send_by_server(sub, &msg);
  sub->is_meta_due = c->request == 0 && ch->meta != NULL;
  if (!sub->is_noted) gws_news(ch, GW_CHANNEL_SUBSCRIBED, s);
  sub->is_noted = true;
  gws_sub_set_feed(sub, msg.live ? GWS_FEED_LIVE : GWS_FEED_RECOVERING);
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

/** A part of it, or one of the diffs that were held back meanwhile: what is drawn
 * next waits until this has gone out. */
static void draw_snapshot(gw_sub *sub) {
  gw_session *s = sub->session;
  if (sub->roster == GWS_ROSTER_STALE && !begin_snapshot(sub)) return;
  gw_catchup *c = sub->catchup;
  if (c->part < c->snapshot->num_parts)
    gws_session_push(s, gws_sub_lane(sub),
                     gw_buf_ref(c->snapshot->parts[c->part++]));
  else
    gws_session_push(s, gws_sub_lane(sub), c->held[c->first_held++]);
  if (c->part == c->snapshot->num_parts && c->first_held == c->num_held)
    gws_sub_set_roster(sub, GWS_ROSTER_LIVE);
}

void gws_recovery_draw(gw_sub *sub) {
  gw_session *s = sub->session;
  if (sub->is_meta_due)
    gws_meta_draw(sub);
  else if (sub->roster == GWS_ROSTER_STALE || sub->roster == GWS_ROSTER_SENDING)
    draw_snapshot(sub);
  else if (!gws_draw_stream(sub))
    return;
  /* The next draw is the turn of another of its priority. */
  if (s->state != GWS_SESSION_OPEN || !sub->is_drawing) return;
  gws_sub_draw_last(sub);
}
