/* SPDX-License-Identifier: MIT */
/* hold.c - questions on behalf of frames, and the order of frames meanwhile. */
#include "server/core/hold.h"

#include <string.h>

#include "proto/guard.h"
#include "server/core/channel.h"
#include "server/core/mem.h"
#include "server/core/session.h"

/** Bytes held for one session where its queue has no cap. */
#define HELD_BYTES_MAX (1024u * 1024u)

/** What a held frame counts besides its body. A client has publications on the
 * way of up to a quarter of the cap, by its own count of their bytes; with more
 * than it counts for the smallest, one that comes back with many small ones would
 * be sent away again and again. */
#define HELD_FRAME_BYTES 16u

/** What a frame is about, as far as order goes. Both may be 0: nothing. */
typedef struct scope {
  bool everything;
  uint64_t hash;  /**< of the channel's name */
  uint32_t alias; /**< that a Subscribe which is held will give meaning to */
} scope;

struct gw_hold {
  gw_hold *next;
  gw_session *session;
  gw_timer timer;  /**< the answer is late */
  uint64_t ticket; /**< 0: it waits for those before it only */
  gws_wait wait;   /**< of a Hello */
  scope scope;
  gw_head head;
  uint32_t len;
  uint8_t body[];
};

/* ---- scopes -------------------------------------------------------------- */

static uint64_t hash_of(const gw_hub *h, gw_view name) {
  return name.len != 0 ? gws_hub_hash(h, name.data, name.len) : 0;
}

static scope scope_of(const gw_session *s, const gw_frame *f) {
  const gw_hub *h = s->hub;
  const gw_head *head = &f->head;
  scope sc = {.alias = 0};
  const gw_channel *ch = NULL;
  if (head->type == GW_FRAME_SUBSCRIBE || (head->flags & GW_FLAG_ALIAS) != 0) {
    const gw_sub *sub = gws_subs_by_alias(&s->subs, head->channel);
    sc.alias = head->channel;
    if (sub != NULL) ch = sub->channel;
  } else {
    ch = gws_channel_by_number(h, head->channel);
  }
  if (head->type == GW_FRAME_SUBSCRIBE || head->channel == 0)
    sc.hash = hash_of(h, gws_frame_name(f));
  else if (ch != NULL)
    sc.hash = ch->hash;
  return sc;
}

static bool overlap(const scope *a, const scope *b) {
  return a->everything || b->everything ||
         (a->hash != 0 && a->hash == b->hash) ||
         (a->alias != 0 && a->alias == b->alias);
}

/** Whether a frame of this scope has to wait for one in front of `end`. */
static bool is_blocked(const gw_holds *holds, const scope *sc,
                       const gw_hold *end) {
  for (const gw_hold *at = holds->first; at != end; at = at->next) {
    if (overlap(&at->scope, sc)) return true;
  }
  return false;
}

/* ---- the list ------------------------------------------------------------ */

static gw_holds *get_holds(gw_session *s) {
  if (s->holds == NULL) s->holds = gw_mem_zalloc(sizeof *s->holds);
  return s->holds;
}

static bool has_room(const gw_session *s, size_t len) {
  size_t cap = s->hub->settings->limits.max_queue_bytes;
  if (cap == 0) cap = HELD_BYTES_MAX;
  size_t held = s->holds != NULL ? s->holds->bytes : 0;
  return held + len + HELD_FRAME_BYTES <= cap;
}

/** Copy a frame to the end of the list. GW_CODE_OK, OVERLOADED, INTERNAL. */
static uint32_t append(gw_session *s, const gw_frame *f, const scope *sc,
                       uint64_t ticket) {
  if (!has_room(s, f->body.len)) return GW_CODE_OVERLOADED;
  gw_holds *holds = get_holds(s);
  gw_hold *one = holds != NULL ? gw_mem_alloc(sizeof *one + f->body.len) : NULL;
  if (one == NULL) {
    gws_hub_nomem(s->hub);
    return GW_CODE_INTERNAL;
  }
  *one = (gw_hold){.session = s,
                   .timer = {.kind = GWS_TIMER_HOLD},
                   .ticket = ticket,
                   .scope = *sc,
                   .head = f->head,
                   .len = (uint32_t)f->body.len};
  if (f->body.len != 0) memcpy(one->body, f->body.data, f->body.len);
  *(holds->last != NULL ? &holds->last->next : &holds->first) = one;
  holds->last = one;
  holds->bytes += HELD_FRAME_BYTES + one->len;
  if (sc->everything) gws_acts_wait(s->hub, &one->wait);
  gw_stat_add(&s->hub->stats.frames_held, 1);
  return GW_CODE_OK;
}

static void remove_hold(gw_session *s, gw_hold *one) {
  gw_holds *holds = s->holds;
  gw_hold *before = NULL;
  for (gw_hold *at = holds->first; at != one; at = at->next)
    before = at;
  *(before != NULL ? &before->next : &holds->first) = one->next;
  if (holds->last == one) holds->last = before;
  holds->bytes -= HELD_FRAME_BYTES + one->len;
  gw_stat_sub(&s->hub->stats.frames_held, 1);
  gw_wheel_cancel(&s->hub->wheel, &one->timer);
  gws_acts_done(s->hub, &one->wait);
  gw_mem_free(one);
}

void gws_holds_free(gw_session *s) {
  while (s->holds != NULL && s->holds->first != NULL)
    remove_hold(s, s->holds->first);
  gw_mem_free(s->holds);
  s->holds = NULL;
}

/* ---- asking -------------------------------------------------------------- */

static enum gws_answer answer_of(const gw_verdict *v) {
  return v->code == GW_CODE_OK ? GWS_ANSWER_YES : GWS_ANSWER_NO;
}

static void complete(const gw_session *s, gw_question *q) {
  q->session = s->handle;
  q->ticket = ++s->hub->last_ticket;
  q->conn = s->conn;
  q->peer = gws_session_peer(s);
  if (q->kind == GW_ASK_CONNECT) return; /* it said so itself */
  q->client = s->client;
  q->user = gws_session_user(s);
}

/** An answer that never comes must not hold frames for ever. */
static void set_deadline(gw_hold *one) {
  gws_hub_set_timer(one->session->hub, &one->timer, GWS_HOLD_MS);
}

void gws_hold_on_timer(gw_timer *t) {
  gw_hold *one = GWS_AROUND(t, gw_hold, timer);
  gw_session *s = one->session;
  gw_verdict late = {.code = GW_CODE_TIMEOUT};
  if (!GW_GUARD(REQUEST_TIMEOUT)) return;
  gws_session_log(s, GWS_LOG_WARN, "ask.late", late.code,
                  "a question was not answered in time");
  gws_hold_decide(s, one->ticket, &late);
}

/** The frame waits for the ticket's answer. */
static enum gws_answer hold(gw_session *s, const gw_frame *f,
                            const gw_question *q, gw_verdict *v) {
  gw_holds *holds = s->holds;
  if (holds != NULL && holds->running != NULL) {
    holds->running->ticket = q->ticket;
    set_deadline(holds->running);
    return GWS_ANSWER_LATER;
  }
  scope sc = scope_of(s, f);
  sc.everything = q->kind == GW_ASK_CONNECT;
  v->code = append(s, f, &sc, q->ticket);
  if (v->code != GW_CODE_OK) return GWS_ANSWER_NO;
  set_deadline(s->holds->last);
  return GWS_ANSWER_LATER;
}

uint64_t gws_hold_all(gw_session *s, const gw_frame *f) {
  gw_question q = {.kind = GW_ASK_CONNECT, .ticket = ++s->hub->last_ticket};
  gw_verdict v;
  return hold(s, f, &q, &v) == GWS_ANSWER_LATER ? q.ticket : 0;
}

enum gws_answer gws_ask(gw_session *s, const gw_frame *f, gw_question *q,
                        gw_verdict *v) {
  gw_hub *h = s->hub;
  *v = (gw_verdict){.code = GW_CODE_OK};
  if (h->decided != NULL) {
    *v = *h->decided;
    h->decided = NULL;
    return answer_of(v);
  }
  if (h->port.ask == NULL) return GWS_ANSWER_YES;
  complete(s, q);
  gw_stat_add(&h->stats.questions_total, 1);
  if (h->port.ask(h->user, q, v)) return answer_of(v);
  return hold(s, f, q, v);
}

/* ---- waiting ------------------------------------------------------------- */

/** What may overtake: what keeps the connection alive, and its end. Before the
 * Welcome only the latter. */
static bool never_waits(const gw_session *s, uint8_t type) {
  bool is_open = s->state == GWS_SESSION_OPEN;
  return type == GW_FRAME_CLOSE ||
         (is_open && (type == GW_FRAME_PING || type == GW_FRAME_PONG ||
                      type == GW_FRAME_CREDIT));
}

bool gws_hold_catches(gw_session *s, const gw_frame *f) {
  if (s->holds == NULL || s->holds->first == NULL ||
      never_waits(s, f->head.type))
    return false;
  if (f->head.type == GW_FRAME_HELLO) {
    gws_session_end(s, GW_CODE_PROTOCOL, "a second Hello");
    return true;
  }
  scope sc = scope_of(s, f);
  if (!is_blocked(s->holds, &sc, NULL)) return false;
  uint32_t code = append(s, f, &sc, 0);
  if (code != GW_CODE_OK)
    gws_session_end_later(s, code, NULL, GWS_RETRY_AFTER_MS,
                          GWS_RETRY_AFTER_MS);
  return true;
}

const gws_wait *gws_hold_wait(const gw_session *s) {
  const gw_hold *one = s->holds != NULL ? s->holds->running : NULL;
  return one != NULL && one->scope.everything ? &one->wait : NULL;
}

/* ---- going on ------------------------------------------------------------ */

/** Handle a held frame, which may ask again and then stays. */
static void run(gw_session *s, gw_hold *one, const gw_verdict *v) {
  gw_hub *h = s->hub;
  gw_frame f = {.head = one->head, .body = {one->body, one->len}};
  one->ticket = 0;
  gw_wheel_cancel(&h->wheel, &one->timer);
  s->holds->running = one;
  h->decided = v;
  gws_session_handle(s, &f);
  h->decided = NULL;
  s->holds->running = NULL;
  if (one->ticket == 0) remove_hold(s, one);
}

/** The first that waits for nobody any more. */
static gw_hold *next_free(const gw_holds *holds) {
  for (gw_hold *at = holds->first; at != NULL; at = at->next) {
    if (at->ticket == 0 && !is_blocked(holds, &at->scope, at)) return at;
  }
  return NULL;
}

void gws_hold_decide(gw_session *s, uint64_t ticket, const gw_verdict *v) {
  if (s->holds == NULL || ticket == 0) return;
  gw_hold *one = s->holds->first;
  while (one != NULL && one->ticket != ticket)
    one = one->next;
  while (one != NULL && s->state != GWS_SESSION_ENDING) {
    run(s, one, v);
    v = NULL;
    one = next_free(s->holds);
  }
}

static gw_hold *find_subscribe(const gw_session *s, uint64_t channel) {
  gw_hold *at = s->holds != NULL ? s->holds->first : NULL;
  while (at != NULL && (at->ticket == 0 || at->scope.hash != channel ||
                        at->head.type != GW_FRAME_SUBSCRIBE))
    at = at->next;
  return at;
}

bool gws_hold_withdraw(gw_session *s, uint64_t channel, const gw_verdict *v) {
  const gw_hold *one = find_subscribe(s, channel);
  if (one == NULL) return false;
  gws_hold_decide(s, one->ticket, v);
  return true;
}
