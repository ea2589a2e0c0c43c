/* SPDX-License-Identifier: MIT */
/* events.c - the queue of events, and their way to the application. */
#include <assert.h>
#include <string.h>

#include "client/internal.h"

/** The i-th from the front, also the one behind the last. */
static gw_event *slot(const gw__events *q, uint32_t i) {
  uint32_t at = q->first + i;
  return &q->items[at < q->cap ? at : at - q->cap];
}

static int grow(gw_client *c, uint32_t cap) {
  gw__events *q = &c->events;
  gw_event *items = gw__alloc(c, cap * sizeof *items);
  if (items == NULL) return GW_ERR_NOMEM;
  for (uint32_t i = 0; i < q->num; i++)
    items[i] = *slot(q, i);
  gw__free(c, q->items);
  q->items = items;
  q->first = 0;
  q->cap = cap;
  return 0;
}

int gw__events_reserve(gw_client *c, uint32_t num) {
  const gw__events *q = &c->events;
  uint32_t need = q->num + q->promised + GW__EVENTS_BASE + num;
  if (need <= q->cap) return 0;
  return grow(c, need > q->cap * 2 ? need : q->cap * 2);
}

int gw__events_promise(gw_client *c, uint32_t num) {
  int err = gw__events_reserve(c, num);
  if (err < 0) return err;
  c->events.promised += num;
  return 0;
}

void gw__events_release(gw_client *c, uint32_t num) {
  assert(c->events.promised >= num);
  c->events.promised -= num;
}

gw_event *gw__events_push(gw_client *c, enum gw_event_type type) {
  gw__events *q = &c->events;
  assert(q->num < q->cap); /* whoever tells has reserved */
  gw_event *e = slot(q, q->num++);
  memset(e, 0, sizeof *e);
  e->type = type;
  e->at_ms = c->now;
  return e;
}

/**
 * The last step before the handler: a publication moves its subscription's
 * position here, so that position and delivery are one step. false: the
 * handler of an earlier event made this one void.
 */
static bool is_due(gw_client *c, const gw_event *e) {
  gw__sub *s;
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    s = gw__sub_by_id(c, e->u.publication.sub);
    if (s == NULL) return false;
    if (!s->wildcard) s->position = e->u.publication.position;
    return true;
  case GW_EVENT_PRESENCE:
    return gw__sub_by_id(c, e->u.presence.sub) != NULL;
  case GW_EVENT_TOKEN:
    return e->u.token.sub == 0 || gw__sub_by_id(c, e->u.token.sub) != NULL;
  case GW_EVENT_PRESENCE_SYNC:
    return gw__sub_by_id(c, e->u.presence_sync.sub) != NULL;
  case GW_EVENT_META:
    return gw__sub_by_id(c, e->u.meta.sub) != NULL;
  default:
    return true;
  }
}

/** A cancelled request tells nothing; the last reply frees its call. */
static bool take_reply(gw_client *c, const gw_event *e) {
  if (e->u.reply.request == 0) return true; /* of a subscription */
  gw__call *call = gw__call_by_request(c, e->u.reply.request);
  if (call == NULL) return false;
  if (!e->u.reply.more) gw__call_drop(c, call);
  return true;
}

void gw__dispatch(gw_client *c) {
  if (c->dispatching) return;
  c->dispatching = true;
  gw__events *q = &c->events;
  while (q->num > 0) {
    gw_event e = *slot(q, 0); /* the handler may make the ring grow */
    q->first = q->first + 1 < q->cap ? q->first + 1 : 0;
    q->num--;
    bool due = e.type == GW_EVENT_REPLY ? take_reply(c, &e) : is_due(c, &e);
    if (due) c->port.event(c->user, &e);
  }
  c->dispatching = false;
  gw__subs_sweep(c);
  gw__members_free_chain(c->removed, &c->alloc);
  c->removed = NULL;
}
