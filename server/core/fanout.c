/* SPDX-License-Identifier: MIT */
/* fanout.c - where one message becomes many: the hot loop of the server. */
#include "server/core/fanout.h"

#include "proto/guard.h"
#include "server/core/mem.h"
#include "server/core/session.h"

/** Diffs that are held back for one who is still being sent a snapshot; with
 * more, a new snapshot is less work. */
#define MAX_HELD 256u

/* ---- publications -------------------------------------------------------- */

static void close_slow(gw_session *s) {
  gw_stat_add(&s->hub->stats.slow_readers_total, 1);
  gws_session_end(s, GW_CODE_SLOW_READER, NULL);
}

/** From live to a cursor in front of what goes out. */
static void fall_behind(gw_sub *sub, uint64_t first) {
  gw_session *s = sub->session;
  if (gws_sub_need_catchup(sub) < 0) {
    gws_hub_nomem(s->hub);
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
    return;
  }
  sub->catchup->cursor = gws_sub_is_choosy(sub) ? sub->more->told : first - 1;
  gws_sub_set_feed(sub, GWS_FEED_LAGGING);
}

/** The queue is above the low-water mark. Whether the message goes in all the
 * same. */
static bool still_takes(const gw_seat *seat, const gw_fanout *f) {
  gw_session *s = seat->session;
  uint32_t len = f->buf->len;
  if (s->state == GWS_SESSION_ENDING) return false;
  uint32_t cap = s->hub->settings->limits.max_queue_bytes;
  if (GW_GUARD(FALL_BEHIND) && seat->sub->overflow != GW_OVERFLOW_CLOSE)
    fall_behind(seat->sub, f->first);
  else if (GW_GUARD(QUEUE_CAP) &&
           (len > cap - s->out.bytes || s->out.bytes > cap))
    close_slow(s);
  else
    return true;
  return false;
}

bool gws_fanout_admits(gw_sub *sub, const gw_fanout *f) {
  gw_session *s = sub->session;
  const gw_seat seat = {s, sub};
  return s->out.bytes + (uint64_t)f->buf->len <= s->hub->low_water ||
         still_takes(&seat, f);
}

/** Queue, the reference being taken already. */
static bool queue(gw_session *s, enum gw_lane_id lane, gw_buf *b) {
  if (gw_outq_push(&s->out, lane, b) < 0) {
    gws_hub_nomem(s->hub);
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
    return false;
  }
  gws_session_signal(s);
  return true;
}

void gws_fanout_own(gw_channel *ch, const gw_fanout *f) {
  gw_out *out = gws_hub_scratch(ch->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_PUBLICATION,
                  .flags = GW_FLAG_OWN,
                  .channel = ch->number};
  gw_publication msg = {.offset = f->first, .client = f->client, .key = f->key};
  gws_session_send(f->quiet, gws_channel_lane(ch), out,
                   gw_encode_publication(out, &head, &msg));
}

void gws_fanout_publication(gw_channel *ch, const gw_fanout *f) {
  gw_hub *h = ch->hub;
  uint32_t num = ch->num_live;
  if (num == 0) return;
  uint32_t len = f->buf->len;
  uint32_t limit = h->low_water > len ? h->low_water - len : 0;
  enum gw_lane_id lane = gws_channel_lane(ch);
  uint32_t given = 0;
  uint32_t quiet = 0;
  /* All references at once, and those not given are taken back. */
  gw_buf_ref_many(f->buf, num);
  for (uint32_t i = 0; i < ch->num_live;) {
    gw_seat *seat = &ch->seats[i];
    gw_session *s = seat->session;
    if ((s->out.bytes > limit || s->state == GWS_SESSION_ENDING) &&
        !still_takes(seat, f)) {
      /* One who fell behind has left the seat to the last live one. */
      if (seat->session == s) i++;
      continue;
    }
    if (s == f->quiet) {
      gws_fanout_own(ch, f);
      quiet++;
    } else if (queue(s, lane, f->buf)) {
      given++;
    }
    i++;
  }
  gw_buf_unref_many(f->buf, num - given);
  gw_stat_add(&h->stats.queue_bytes, (uint64_t)given * len);
  gw_stat_add(&h->stats.deliveries_total, (uint64_t)(given + quiet) * f->num);
}

/* ---- presence ------------------------------------------------------------ */

static bool hold_back(gw_catchup *c, gw_buf *diff) {
  if (c->num_held == MAX_HELD) return false;
  if (c->num_held == c->cap_held) {
    uint32_t cap = c->cap_held == 0 ? 4 : c->cap_held * 2;
    gw_buf **held = gw_mem_realloc(c->held, cap * sizeof(gw_buf *));
    if (held == NULL) return false;
    c->held = held;
    c->cap_held = cap;
  }
  c->held[c->num_held++] = gw_buf_ref(diff);
  return true;
}

static void give_diff(gw_sub *sub, gw_buf *diff) {
  gw_session *s = sub->session;
  if (s->state == GWS_SESSION_ENDING) return;
  if (GW_GUARD(HELD_DIFFS) && sub->roster == GWS_ROSTER_SENDING) {
    if (!hold_back(sub->catchup, diff))
      gws_sub_set_roster(sub, GWS_ROSTER_STALE);
    return;
  }
  if (sub->roster != GWS_ROSTER_LIVE) return; /* the snapshot will have it */
  /* A slow reader is spared the diffs, and sent the outcome when it reads. */
  if (s->out.bytes != 0 &&
      s->out.bytes + (uint64_t)diff->len > s->hub->low_water)
    gws_sub_set_roster(sub, GWS_ROSTER_STALE);
  else
    gws_session_push(s, gws_sub_lane(sub), gw_buf_ref(diff));
}

void gws_fanout_roster(gw_channel *ch, gw_buf *diff) {
  gw_stat_add(&ch->hub->stats.presence_diffs_total, 1);
  for (uint32_t i = 0; i < ch->num_seats; i++)
    give_diff(ch->seats[i].sub, diff);
}

void gws_fanout_roster_anew(gw_channel *ch) {
  for (uint32_t i = 0; i < ch->num_seats; i++) {
    gw_sub *sub = ch->seats[i].sub;
    if (sub->roster == GWS_ROSTER_LIVE || sub->roster == GWS_ROSTER_SENDING)
      gws_sub_set_roster(sub, GWS_ROSTER_STALE);
  }
}
