/* SPDX-License-Identifier: MIT */
/* recovery.c - what keeps a subscription's stream whole: each publication
 * follows the last, or a gap is told. */
#include <string.h>

#include "client/internal.h"
#include "proto/guard.h"

/*
 * The position of a subscription is what the application has had. It moves
 *
 *   to each publication   when the handler gets it (events.c)
 *   past a repeat, and past an own publication without echo   here, at once
 *   over a gap, to a new epoch   together with the GAP event
 *
 * Epoch and offset always move together: neither is ever kept while the other
 * changes.
 */

static void tell_gap(gw_client *c, gw__sub *s, uint32_t reason, uint64_t from,
                     uint64_t to, const gw_position *position) {
  gw_event *e = gw__events_push(c, GW_EVENT_GAP);
  e->u.gap.sub = s->id;
  e->u.gap.reason = reason;
  e->u.gap.from = from;
  e->u.gap.to = to;
  e->u.gap.position = *position;
  if (GW_GUARD(GAP_POSITION)) s->position = *position;
}

/** Offsets of this stream will not come, up to `to`; perhaps nobody misses
 * them. */
static void skip_to(gw_client *c, gw__sub *s, uint32_t reason, uint64_t to) {
  gw_position position = {s->position.epoch, to};
  if (reason == GW_GAP_FILTERED || reason == GW_GAP_SUPERSEDED) {
    s->position = position;
    return;
  }
  tell_gap(c, s, reason, s->position.offset + 1, to, &position);
}

static void tell_meta(gw_client *c, gw__sub *s, gw_view meta) {
  gw_event *e = gw__events_push(c, GW_EVENT_META);
  s->has_meta = meta.len != 0;
  e->u.meta.sub = s->id;
  e->u.meta.meta = meta;
}

void gw__become_live(gw_client *c, gw__sub *s) {
  s->live_ms = c->now;
  s->blocking = true; /* from now on the connection stands by it */
  gw__sub_move(c, s, GW_SUB_LIVE, GW_CODE_OK, NULL);
  gw__link_settle(c, GW_CODE_OK);
}

/**
 * The stream cannot go on, which a server that works lets never happen. Subscribe
 * anew from the position; what comes until the answer is ignored, as the number
 * is forgotten. The first time at once, then with backoff, until the stream was
 * whole for a while.
 */
static void on_break(gw_client *c, gw__sub *s, uint32_t code,
                     const char *what) {
  gw__log(c, GW_LOG_WARN, what);
  gw__loss why = {.code = code, .found_here = true};
  gw__sub_again(c, s, &why, true);
}

/** What is between this publication and the last was lost on the way. */
static void on_hole(gw_client *c, gw__sub *s) {
  on_break(c, s, GW_CODE_OUT_OF_ORDER, "a publication is missing");
}

/** The subscription that a push is for; NULL when it is not expected. */
static gw__sub *receiver(gw_client *c, const gw_frame *frame) {
  gw__sub *s = gw__sub_by_number(c, frame->head.channel);
  bool open =
      s != NULL && (s->state == GW_SUB_RECOVERING || s->state == GW_SUB_LIVE);
  return open ? s : NULL;
}

/* ---- subscribed ---------------------------------------------------------- */

/** Whether the answer makes sense for what was asked. Were a stream to go on
 * from another place than ours without a gap, something would be lost or come
 * twice in silence. */
static bool is_sound(const gw_client *c, const gw__sub *s, uint32_t number,
                     const gw_subscribed *m) {
  if (m->epoch == 0 || number == 0) return false;
  gw__sub *other = gw__sub_by_number(c, number);
  if (other != NULL && other != s) return false;
  return m->result >= GW_RECOVERY_GAP || s->position.epoch == 0 ||
         (m->epoch == s->position.epoch && m->offset == s->position.offset);
}

int gw__on_subscribed(gw_client *c, const gw_frame *frame) {
  gw_subscribed m;
  int err = gw_decode_subscribed(frame->body, &m);
  if (err < 0) return err;
  gw__sub *s = gw__sub_by_request(c, frame->head.request);
  if (s == NULL) return 0; /* timed out, or unsubscribed since */
  if (!is_sound(c, s, frame->head.channel, &m)) return GW_ERR_PROTOCOL;
  s->request = 0;
  s->number = frame->head.channel;
  s->result = m.result;
  s->wildcard = m.wildcard;
  gw__delta_begin(c, s, m.delta);
  gw_position position = {m.epoch, m.offset};
  if (m.result >= GW_RECOVERY_GAP)
    tell_gap(c, s, m.gap, m.gap_from, m.gap_to, &position);
  /* What was had before comes again, and is no repeat. */
  if (GW_GUARD(ANEW_FORGETS) && m.result == GW_RECOVERY_ANEW)
    gw__dedup_deinit(&s->dedup, &c->alloc);
  s->position = position;
  if (m.meta.len != 0 || s->has_meta) tell_meta(c, s, m.meta);
  gw__token_accepted(c, &s->token, m.token_ttl_ms);
  gw__presence_subscribed(c, s);
  if (m.live)
    gw__become_live(c, s);
  else
    gw__sub_move(c, s, GW_SUB_RECOVERING, GW_CODE_OK, NULL);
  return 0;
}

/* ---- publications -------------------------------------------------------- */

static void tell_publication(gw_client *c, const gw__sub *s,
                             const gw_publication *m, gw_view body,
                             const gw_position *position) {
  gw_event *e = gw__events_push(c, GW_EVENT_PUBLICATION);
  e->u.publication.sub = s->id;
  e->u.publication.position = *position;
  e->u.publication.payload = gw__payload(m->data, m->json);
  e->u.publication.client = m->client;
  e->u.publication.key = m->key;
  e->u.publication.user = m->user;
  e->u.publication.time_ms = m->time_ms;
  e->u.publication.item = m->item;
  e->u.publication.removed = m->removed;
  e->u.publication.channel = m->channel;
  e->u.publication.num_tags = (uint8_t)m->tags.num;
  e->u.publication.body = body;
  e->u.publication.own = m->client != 0 && m->client == c->client_id;
}

/** Whether all that the channel holds is being told: what this client published
 * without echo is a part of it. */
static bool is_told_anew(const gw__sub *s) {
  return s->result == GW_RECOVERY_ANEW && s->state != GW_SUB_LIVE;
}

/** A publication that follows the last; or of a wildcard, whose positions are
 * those of the channel that it came by, and which may see the keys of a client
 * in any order. */
static int take_publication(gw_client *c, gw__sub *s, const gw_frame *frame,
                            const gw_publication *m) {
  int repeat = 0;
  if (GW_GUARD(RECEIVER_DEDUP) && m->client != 0 && m->key != 0 && !s->wildcard)
    repeat = gw__dedup_see(&s->dedup, &c->alloc, m->client, m->key);
  if (repeat < 0) return repeat;
  if (repeat > 0) c->num_duplicates++;
  gw__entry *entry = NULL;
  bool own = m->client != 0 && m->client == c->client_id;
  if (own && m->key != 0) entry = gw__outbox_by_key(&c->outbox, m->key);
  bool quiet = (frame->head.flags & GW_FLAG_OWN) != 0 ||
               (GW_GUARD(NO_ECHO) && own && m->no_echo && !is_told_anew(s));
  gw_position position = {s->wildcard ? m->epoch : s->position.epoch,
                          m->offset};
  if (repeat == 0 && !quiet)
    tell_publication(c, s, m, frame->body, &position);
  else if (!s->wildcard)
    s->position = position;
  if (entry != NULL) gw__publish_echoed(c, entry, &position);
  return 0;
}

int gw__on_publication(gw_client *c, const gw_frame *frame) {
  gw__sub *s = receiver(c, frame);
  if (s == NULL) return 0;
  gw_publication m;
  int err = gw_decode_publication(frame->body, &m);
  if (err < 0) return err;
  if (m.offset == s->position.offset + 1 || s->wildcard) {
    err = gw__delta_take(c, s, &m);
    if (err == 0) return take_publication(c, s, frame, &m);
    if (err != GW_ERR_PROTOCOL) return err;
    on_break(c, s, GW_CODE_BAD_DELTA, "a delta does not fit");
    return 0;
  }
  if (m.offset <= s->position.offset)
    c->num_duplicates++;
  else
    on_hole(c, s);
  return 0;
}

/* ---- markers ------------------------------------------------------------- */

int gw__on_recovery(gw_client *c, const gw_frame *frame) {
  gw__sub *s = receiver(c, frame);
  if (s == NULL || s->state != GW_SUB_RECOVERING) return 0;
  gw_recovery m;
  int err = gw_decode_recovery(frame->body, &m);
  if (err < 0) return err;
  bool gap = m.gap != GW_GAP_NONE && m.gap_to > s->position.offset;
  if ((m.from <= m.to && m.to > s->position.offset) ||
      (gap && m.gap_from > s->position.offset + 1)) {
    on_hole(c, s);
    return 0;
  }
  if (gap) {
    s->result = GW_RECOVERY_GAP;
    skip_to(c, s, m.gap, m.gap_to);
  }
  if (m.live) gw__become_live(c, s);
  return 0;
}

int gw__on_lagged(gw_client *c, const gw_frame *frame) {
  gw__sub *s = receiver(c, frame);
  if (s == NULL) return 0;
  gw_lagged m;
  int err = gw_decode_lagged(frame->body, &m);
  if (err < 0) return err;
  if (s->wildcard) {
    gw_position position = {s->position.epoch, m.to};
    tell_gap(c, s, m.reason, m.from, m.to, &position);
    return 0;
  }
  if (m.to <= s->position.offset) return 0;
  if (m.from > s->position.offset + 1)
    on_hole(c, s);
  else
    skip_to(c, s, m.reason != 0 ? m.reason : (uint32_t)GW_GAP_SLOW_READER,
            m.to);
  return 0;
}

int gw__on_channel_meta(gw_client *c, const gw_frame *frame) {
  gw__sub *s = receiver(c, frame);
  gw_channel_meta m;
  int err = gw_decode_channel_meta(frame->body, &m);
  if (err < 0) return err;
  if (s != NULL) tell_meta(c, s, m.meta);
  return 0;
}
