/* SPDX-License-Identifier: MIT */
/* outbox.c - publications that wait for their acknowledgement. */
#include "client/outbox.h"

#include <string.h>

#include "proto/guard.h"

gw__entry *gw__outbox_alloc(const gw_alloc *alloc, uint32_t len) {
  gw__entry *e = alloc->realloc_fn(alloc->user, NULL, sizeof *e + len);
  if (e == NULL) return NULL;
  *e = (gw__entry){.len = len};
  return e;
}

bool gw__outbox_has_room(const gw__outbox *o, uint32_t len) {
  return o->count < o->max_count && len <= o->max_bytes &&
         o->bytes <= o->max_bytes - len;
}

static gw__lane *find_lane(const gw__outbox *o, gw_view channel) {
  gw__lane *l = o->lanes;
  while (l != NULL && !gw_view_eq(l->channel, channel))
    l = l->next;
  return l;
}

uint64_t gw__outbox_turn(const gw__outbox *o, gw_view channel) {
  const gw__lane *l = find_lane(o, channel);
  return l != NULL ? l->next_turn : 0;
}

static gw__lane *lane_of(gw__outbox *o, const gw_alloc *alloc,
                         gw_view channel) {
  gw__lane *l = find_lane(o, channel);
  if (l != NULL) return l;
  l = alloc->realloc_fn(alloc->user, NULL, sizeof *l + channel.len);
  if (l == NULL) return NULL;
  uint8_t *name = (uint8_t *)(l + 1);
  memcpy(name, channel.data, channel.len);
  *l = (gw__lane){.next = o->lanes, .channel = {name, channel.len}};
  o->lanes = l;
  return l;
}

static void drop_lane(gw__outbox *o, const gw_alloc *alloc, gw__lane *lane) {
  gw__lane **at = &o->lanes;
  while (*at != lane)
    at = &(*at)->next;
  *at = lane->next;
  alloc->realloc_fn(alloc->user, lane, 0);
}

int gw__outbox_add(gw__outbox *o, const gw_alloc *alloc, gw__entry *e) {
  if (!gw__outbox_has_room(o, e->len)) return GW_ERR_FULL;
  gw__entry *before = o->last;
  if (before != NULL && before->key >= e->key) {
    before = NULL; /* only entries that are given back come out of order */
    for (gw__entry *i = o->first; i != NULL && i->key <= e->key; i = i->next)
      before = i;
    if (before != NULL && before->key == e->key) return GW_ERR_EXISTS;
  }
  e->lane = lane_of(o, alloc, e->m.channel);
  if (e->lane == NULL) return GW_ERR_NOMEM;
  gw__entry **link = before != NULL ? &before->next : &o->first;
  e->next = *link;
  *link = e;
  if (e->next == NULL) o->last = e;
  e->lane->num++;
  if (e->lane->next_turn <= e->turn && !e->at_most_once)
    e->lane->next_turn = e->turn + 1;
  o->count++;
  o->bytes += e->len;
  return 0;
}

/** Count a lane's sent entries anew after some of them changed. */
static void recount(const gw__outbox *o, gw__lane *lane) {
  lane->in_flight = 0;
  lane->last = NULL;
  for (gw__entry *e = o->first; e != NULL; e = e->next) {
    if (e->lane != lane || !e->sent) continue;
    lane->in_flight++;
    if (!e->at_most_once) lane->last = e;
  }
}

void gw__outbox_remove(gw__outbox *o, const gw_alloc *alloc, gw__entry *e) {
  gw__entry *before = NULL;
  for (gw__entry *i = o->first; i != e; i = i->next)
    before = i;
  *(before != NULL ? &before->next : &o->first) = e->next;
  if (o->last == e) o->last = before;
  o->count--;
  o->bytes -= e->len;
  if (e->lane->oldest == e) e->lane->oldest = NULL;
  if (e->lane->last == e)
    recount(o, e->lane);
  else if (e->sent)
    e->lane->in_flight--;
  if (--e->lane->num == 0) drop_lane(o, alloc, e->lane);
  alloc->realloc_fn(alloc->user, e, 0);
}

gw__entry *gw__outbox_by_key(const gw__outbox *o, uint64_t key) {
  gw__entry *e = o->first;
  while (e != NULL && e->key != key)
    e = e->next;
  return e;
}

gw__entry *gw__outbox_by_request(const gw__outbox *o, uint32_t request) {
  if (request == 0) return NULL;
  gw__entry *e = o->first;
  while (e != NULL && e->request != request)
    e = e->next;
  return e;
}

uint32_t gw__outbox_begin(gw__outbox *o) {
  for (gw__lane *l = o->lanes; l != NULL; l = l->next)
    l->oldest = NULL;
  uint32_t in_flight = 0;
  for (const gw__entry *e = o->first; e != NULL; e = e->next)
    if (e->sent) in_flight += e->len + GW__ECHO_BYTES;
  return in_flight;
}

/**
 * A server and every receiver remember the last GW_MAX_INFLIGHT keys of a
 * publisher in a channel. So it is not the number in flight alone that has to
 * stay below: while the oldest is in doubt, no more than that may be sent
 * behind it, acknowledged or not, or its repeat would find the memory gone.
 */
bool gw__outbox_may_send(gw__entry *e) {
  gw__lane *lane = e->lane;
  if (e->at_most_once) return !e->sent && lane->in_flight < GW_MAX_INFLIGHT;
  if (lane->oldest == NULL) lane->oldest = e;
  return !e->sent && (!GW_GUARD(OUTBOX_WINDOW) ||
                      (lane->in_flight < GW_MAX_INFLIGHT &&
                       e->turn - lane->oldest->turn < GW_MAX_INFLIGHT));
}

void gw__outbox_sent(gw__entry *e, uint32_t request, uint64_t now_ms) {
  e->sent = e->ever_sent = true;
  e->request = request;
  e->sent_ms = now_ms;
  e->lane->in_flight++;
  if (!e->at_most_once) e->lane->last = e; /* it has no key to follow */
}

static void unsend(gw__entry *e) {
  e->sent = false;
  e->request = 0;
}

void gw__outbox_rewind(gw__outbox *o, gw__entry *from) {
  gw__lane *lane = from->lane;
  for (gw__entry *e = from; e != NULL; e = e->next) {
    if (e->lane == lane && !e->at_most_once) unsend(e);
  }
  recount(o, lane);
}

void gw__outbox_rewind_all(gw__outbox *o) {
  for (gw__entry *e = o->first; e != NULL; e = e->next)
    unsend(e);
  for (gw__lane *l = o->lanes; l != NULL; l = l->next) {
    l->in_flight = 0;
    l->last = NULL;
  }
}

void gw__outbox_deinit(gw__outbox *o, const gw_alloc *alloc) {
  while (o->first != NULL)
    gw__outbox_remove(o, alloc, o->first);
}
