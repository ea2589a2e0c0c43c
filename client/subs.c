/* SPDX-License-Identifier: MIT */
/* subs.c - subscriptions: wanted by the application, asked for on each
 * connection. What they receive is in recovery.c. */
#include <assert.h>
#include <string.h>

#include "client/internal.h"
#include "proto/guard.h"

/* ---- find ---------------------------------------------------------------- */

gw__sub *gw__sub_by_id(const gw_client *c, uint32_t id) {
  gw__sub *s = c->subs;
  while (s != NULL && s->id != id)
    s = s->next;
  return s;
}

/** Also one that has ended, until the events about that are told. */
static const gw__sub *known(const gw_client *c, uint32_t id) {
  const gw__sub *s = gw__sub_by_id(c, id);
  for (const gw__sub *e = c->ended; s == NULL && e != NULL; e = e->next) {
    if (e->id == id) s = e;
  }
  return s;
}

void gw__sub_address(const gw_client *c, uint32_t id, gw_head *head) {
  const gw__sub *s = known(c, id);
  bool by_number = s != NULL && s->by_number;
  head->channel = by_number ? s->number : id;
  if (!by_number) head->flags = GW_FLAG_ALIAS;
}

gw__sub *gw__sub_by_number(const gw_client *c, uint32_t number) {
  if (number == 0) return NULL;
  gw__sub *s = c->subs;
  while (s != NULL && s->number != number)
    s = s->next;
  return s;
}

gw__sub *gw__sub_by_request(const gw_client *c, uint32_t request) {
  if (request == 0) return NULL;
  gw__sub *s = c->subs;
  while (s != NULL && s->request != request)
    s = s->next;
  return s;
}

gw__sub *gw__sub_by_channel(const gw_client *c, gw_view channel) {
  gw__sub *s = c->subs;
  while (s != NULL && !gw_view_eq(s->channel, channel))
    s = s->next;
  return s;
}

bool gw__subs_blocking(const gw_client *c) {
  for (const gw__sub *s = c->subs; s != NULL; s = s->next) {
    if (s->blocking && s->state != GW_SUB_LIVE) return true;
  }
  return false;
}

/* ---- life ---------------------------------------------------------------- */

static gw_view keep(gw_out *out, gw_view v) {
  uint8_t *to = out->data + out->len;
  if (v.len != 0) memcpy(to, v.data, v.len);
  out->len += v.len;
  return (gw_view){to, v.len};
}

static gw__sub *new_sub(gw_client *c, gw_view channel,
                        const gw_sub_options *o) {
  size_t room = channel.len + o->meta.len + gw_list_bytes(o->filter);
  gw__sub *s = gw__alloc(c, sizeof *s + room);
  if (s == NULL) return NULL;
  gw_out out = {(uint8_t *)(s + 1), 0, room};
  *s = (gw__sub){.refs = 1,
                 .channel = keep(&out, channel),
                 .token = {.is_asked = o->asks_token},
                 .meta = keep(&out, o->meta),
                 .recover = o->recover,
                 .presence = o->presence,
                 .delta = o->delta,
                 .overflow = o->overflow,
                 .backoff = {.policy = c->backoff.policy}};
  (void)!gw_list_copy(o->filter, &out, &s->filter);
  if (o->recover && o->since.epoch != 0) s->position = o->since;
  if (gw__copy(c, o->token, &s->token.text) == 0) return s;
  gw__free(c, s);
  return NULL;
}

static void free_sub(gw_client *c, gw__sub *s) {
  gw__presence_free(c, s);
  gw__delta_begin(c, s, false);
  gw__drop(c, &s->token.text);
  gw__dedup_deinit(&s->dedup, &c->alloc);
  gw__free(c, s);
}

static uint32_t max_subs(const gw_client *c) {
  uint32_t limit = c->limits.max_subscriptions;
  return limit != 0 ? limit : GW_MAX_SUBSCRIPTIONS;
}

/** Make one and add it to those that are wanted. */
static int add_sub(gw_client *c, gw_view channel, const gw_sub_options *options,
                   gw__sub **made) {
  if (c->num_subs >= max_subs(c)) return GW_ERR_FULL;
  gw__sub *s = new_sub(c, channel, options);
  if (s == NULL) return GW_ERR_NOMEM;
  int err = gw__events_promise(c, GW__EVENTS_SUB);
  if (err < 0) {
    free_sub(c, s);
    return err;
  }
  s->id = ++c->last_sub_id;
  gw__sub **at = &c->subs;
  while (*at != NULL)
    at = &(*at)->next;
  *at = s;
  c->num_subs++;
  *made = s;
  return 0;
}

int64_t gw_client_subscribe(gw_client *c, gw_view channel,
                            const gw_sub_options *options) {
  static const gw_sub_options none;
  if (options == NULL) options = &none;
  int err = gw__check_channel(c, channel);
  if (err < 0) return err;
  if (options->token.len > GW_MAX_TOKEN_BYTES ||
      options->meta.len > GW_MAX_SUB_META_BYTES ||
      options->filter.num > GW_MAX_FILTER_TERMS)
    return GW_ERR_TOO_BIG;
  if (!gw_view_is_text(options->token) || !gw_view_is_text(options->meta))
    return GW_ERR_TEXT;
  gw__sub *s = gw__sub_by_channel(c, channel);
  if (s != NULL) {
    if (s->refs == UINT32_MAX) return GW_ERR_FULL;
    s->refs++;
    return s->id;
  }
  err = add_sub(c, channel, options, &s);
  if (err < 0) return err;
  gw__kick(c);
  return s->id;
}

/** Not wanted any more. The block stays until its last event is told. */
static void end_sub(gw_client *c, gw__sub *s, uint32_t code,
                    const gw_view *reason) {
  gw__sub **at = &c->subs;
  while (*at != s)
    at = &(*at)->next;
  *at = s->next;
  s->next = c->ended;
  c->ended = s;
  c->num_subs--;
  s->unsub_due = s->known && c->link.phase >= GW__LINK_OPEN;
  if (!s->unsub_due) s->number = 0; /* it may have to be named by it */
  s->request = 0;
  gw__sub_move(c, s, GW_SUB_ENDED, code, reason);
}

int gw_client_unsubscribe(gw_client *c, uint32_t sub) {
  gw__sub *s = gw__sub_by_id(c, sub);
  if (s == NULL) return GW_ERR_NOT_FOUND;
  if (--s->refs > 0) return 0;
  if (!c->inside) c->now = c->port.now(c->user);
  end_sub(c, s, GW_CODE_UNSUBSCRIBED, NULL);
  gw__kick(c);
  return 0;
}

void gw__subs_sweep(gw_client *c) {
  gw__sub **at = &c->ended;
  while (*at != NULL) {
    gw__sub *s = *at;
    if (s->unsub_due) {
      at = &s->next;
      continue;
    }
    *at = s->next;
    free_sub(c, s);
    gw__events_release(c, GW__EVENTS_SUB);
  }
}

void gw__subs_free(gw_client *c) {
  gw__sub *lists[] = {c->subs, c->ended};
  for (int i = 0; i < 2; i++) {
    for (gw__sub *s = lists[i], *next; s != NULL; s = next) {
      next = s->next;
      free_sub(c, s);
    }
  }
  c->subs = c->ended = NULL;
}

enum gw_sub_state gw_client_sub_state(const gw_client *c, uint32_t sub) {
  const gw__sub *s = gw__sub_by_id(c, sub);
  return s != NULL ? s->state : GW_SUB_ENDED;
}

gw_view gw_client_sub_channel(const gw_client *c, uint32_t sub) {
  const gw__sub *s = known(c, sub);
  return s != NULL ? s->channel : (gw_view){NULL, 0};
}

gw_position gw_client_sub_position(const gw_client *c, uint32_t sub) {
  const gw__sub *s = known(c, sub);
  return s != NULL ? s->position : (gw_position){0, 0};
}

/* ---- states -------------------------------------------------------------- */

#define BIT(state) (1u << GW_SUB_##state)

static const uint8_t moves[GW_SUB_COUNT] = {
    [GW_SUB_IDLE] = BIT(SUBSCRIBING) | BIT(ENDED),
    [GW_SUB_SUBSCRIBING] = BIT(RECOVERING) | BIT(LIVE) | BIT(IDLE) | BIT(ENDED),
    [GW_SUB_RECOVERING] = BIT(LIVE) | BIT(IDLE) | BIT(ENDED),
    [GW_SUB_LIVE] = BIT(IDLE) | BIT(ENDED),
};

void gw__sub_move(gw_client *c, gw__sub *s, enum gw_sub_state to, uint32_t code,
                  const gw_view *reason) {
  assert((moves[s->state] >> to & 1u) != 0);
  gw_event *e = gw__events_push(c, GW_EVENT_SUB_STATE);
  e->u.sub.sub = s->id;
  e->u.sub.channel = s->channel;
  e->u.sub.from = s->state;
  e->u.sub.to = to;
  e->u.sub.code = code;
  if (reason != NULL) e->u.sub.reason = *reason;
  e->u.sub.recovery = s->result;
  e->u.sub.position = s->position;
  e->u.sub.delta = s->base.is_on;
  e->u.sub.by_server = s->by_server && !s->known && to == GW_SUB_SUBSCRIBING;
  s->state = to;
}

/* ---- ask ----------------------------------------------------------------- */

static void put_subscribe(gw_client *c, gw__sub *s) {
  gw_subscribe m = {.channel = s->channel,
                    .recover = s->recover || s->position.epoch != 0,
                    .epoch = s->position.epoch,
                    .offset = s->position.offset,
                    .token = s->token.text,
                    .overflow = s->overflow,
                    .presence = s->presence,
                    .filter = s->filter,
                    .meta = s->meta,
                    .delta = s->delta,
                    .by_server = s->by_server && s->refs == 1};
  s->by_number = false;
  s->request = gw__next_request(c);
  s->sent_ms = c->now;
  s->known = true;
  gw__token_void(&s->token); /* what was asked for is not for this one */
  gw__put(c, GW_FRAME_SUBSCRIBE, s->request, s->id, GW_MESSAGE_subscribe, &m);
  gw__sub_move(c, s, GW_SUB_SUBSCRIBING, GW_CODE_OK, NULL);
}

static void put_unsubscribe(gw_client *c, gw__sub *s) {
  gw__put_nothing(c, GW_FRAME_UNSUBSCRIBE, gw__next_request(c), s->id);
  s->unsub_due = false;
}

void gw__subs_opened(gw_client *c) {
  for (gw__sub *s = c->subs; s != NULL; s = s->next) {
    s->blocking = true;
    s->retry_at_ms = 0;
    s->backoff.attempt = 0;
  }
}

void gw__subs_pump(gw_client *c) {
  /* Ends go first: the same channel may be wanted again under a new id. */
  for (gw__sub *s = c->ended; s != NULL; s = s->next) {
    if (s->unsub_due) put_unsubscribe(c, s);
  }
  for (gw__sub *s = c->subs; s != NULL; s = s->next) {
    if (s->state == GW_SUB_IDLE && s->retry_at_ms == 0 &&
        gw__token_ready(c, &s->token, s))
      put_subscribe(c, s);
    if (s->state != GW_SUB_IDLE) gw__presence_pump(c, s);
  }
}

void gw__sub_again(gw_client *c, gw__sub *s, const gw__loss *why,
                   bool at_once) {
  if (s->known && s->by_number) {
    /* It could not be named any more. */
    gw__put_nothing(c, GW_FRAME_UNSUBSCRIBE, gw__next_request(c), s->id);
    s->known = false;
  }
  s->number = 0;
  s->request = 0;
  gw__members_lost(&s->members, &c->alloc);
  if (s->state == GW_SUB_LIVE &&
      c->now - s->live_ms >= s->backoff.policy.stable_ms)
    s->backoff.attempt = 0;
  if (s->backoff.attempt++ > 0) at_once = false;
  uint32_t verdict = gw__backoff_decide(&s->backoff, why, c->now, gw__random(c),
                                        &s->retry_at_ms);
  if (verdict != GW_CODE_OK) {
    end_sub(c, s, verdict, &why->reason);
    return;
  }
  if (at_once) s->retry_at_ms = 0;
  gw__sub_move(c, s, GW_SUB_IDLE, why->code, &why->reason);
  gw__link_settle(c, why->code);
}

/** The server does not give it now: the connection does not wait for it. */
static void set_aside(gw_client *c, gw__sub *s, const gw__loss *why) {
  s->known = false;
  s->blocking = false;
  gw__presence_lost(c, s);
  gw__sub_again(c, s, why, false);
}

void gw__sub_refused(gw_client *c, gw__sub *s, const gw_error *error) {
  gw__loss why = {.code = error->code,
                  .reason = error->message,
                  .retry_after_ms = error->retry_after_ms,
                  .new_token = gw__token_refused(c, &s->token, error->code)};
  set_aside(c, s, &why);
}

void gw__sub_no_token(gw_client *c, gw__sub *s, uint32_t code,
                      bool is_put_off) {
  gw__loss why = {.code = code};
  uint32_t verdict = code;
  s->blocking = false;
  s->backoff.attempt++;
  if (is_put_off)
    verdict = gw__backoff_decide(&s->backoff, &why, c->now, gw__random(c),
                                 &s->retry_at_ms);
  if (verdict != GW_CODE_OK) end_sub(c, s, verdict, NULL);
  gw__link_settle(c, code);
}

int gw__on_unsubscribed(gw_client *c, const gw_frame *frame) {
  gw_unsubscribed m;
  int err = gw_decode_unsubscribed(frame->body, &m);
  if (err < 0) return err;
  gw__sub *s = gw__sub_by_number(c, frame->head.channel);
  if (frame->head.request != 0 || s == NULL) return 0; /* asked for */
  gw__loss why = {.code = m.code != 0 ? m.code : GW_CODE_FORCED,
                  .reason = m.reason};
  why.new_token = gw__token_refused(c, &s->token, why.code);
  set_aside(c, s, &why);
  return 0;
}

/** It begins where the server says, as nothing was missed before. */
static void begin_by_server(gw_client *c, gw__sub *s, uint32_t number,
                            const gw_server_subscribed *m) {
  s->number = number;
  s->result = GW_RECOVERY_CONTINUOUS;
  s->position = (gw_position){m->epoch, m->offset};
  gw__sub_move(c, s, GW_SUB_SUBSCRIBING, GW_CODE_OK, NULL);
  s->known = s->by_number = true;
  gw__become_live(c, s);
}

int gw__on_server_subscribed(gw_client *c, const gw_frame *frame) {
  static const gw_sub_options none;
  gw_server_subscribed m;
  uint32_t number = frame->head.channel;
  int err = gw_decode_server_subscribed(frame->body, &m);
  if (err < 0) return err;
  if (m.epoch == 0 || number == 0 || gw__check_channel(c, m.channel) < 0)
    return GW_ERR_PROTOCOL;
  gw__sub *s = gw__sub_by_channel(c, m.channel);
  /* What was asked for already is answered by that; what has a past goes on from
   * there. */
  if (s != NULL) {
    if (s->state == GW_SUB_IDLE) s->retry_at_ms = 0;
    return 0;
  }
  if (gw__sub_by_number(c, number) != NULL) return GW_ERR_PROTOCOL;
  err = add_sub(c, m.channel, &none, &s);
  if (err == GW_ERR_FULL) return 0; /* the server counts for itself */
  if (err < 0) return err;
  s->by_server = true;
  begin_by_server(c, s, number, &m);
  return 0;
}

void gw__subs_due(gw_client *c) {
  for (gw__sub *s = c->subs, *next; s != NULL; s = next) {
    next = s->next;
    if (c->link.phase < GW__LINK_OPEN) continue;
    if (GW_GUARD(REQUEST_TIMEOUT) && s->request != 0 &&
        gw__due(c, s->sent_ms + c->request_timeout_ms)) {
      gw__loss why = {.code = GW_CODE_TIMEOUT, .found_here = true};
      s->blocking = false;
      gw__sub_again(c, s, &why, false);
    } else if (s->state == GW_SUB_IDLE && s->retry_at_ms != 0 &&
               gw__due(c, s->retry_at_ms)) {
      s->retry_at_ms = 0; /* the pump asks */
    } else if (s->state != GW_SUB_IDLE) {
      gw__presence_due(c, s);
    }
  }
}

void gw__subs_lost(gw_client *c, uint32_t code, const gw_view *reason) {
  for (gw__sub *s = c->ended; s != NULL; s = s->next)
    s->unsub_due = false;
  for (gw__sub *s = c->subs; s != NULL; s = s->next) {
    if (GW_GUARD(NUMBER_LOST)) s->number = 0;
    s->request = 0;
    s->known = s->by_number = false;
    s->retry_at_ms = 0;
    gw__token_lost(&s->token);
    gw__presence_lost(c, s);
    if (s->state != GW_SUB_IDLE) gw__sub_move(c, s, GW_SUB_IDLE, code, reason);
  }
}
