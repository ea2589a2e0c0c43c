/* SPDX-License-Identifier: MIT */
/* presence.c - members, as records: what the core tells by reference, or has and
 * JavaScript has no way to ask for. */
#include "wasm/bridge.h"

/** A kind of a presence event: of a list that is anew, before its sync. */
#define KIND_LISTED (GW_PRESENCE_LEAVE + 1)

static void put_members(bridge *b, const gw_event *e) {
  gw_list list = *e->u.reply.members;
  gw_view item;
  gw_event m = {.type = (enum gw_event_type)BRIDGE_RECORD_MEMBER};
  m.u.presence.sub = e->u.reply.request;
  while (gw_list_next(&list, &item)) {
    if (gw_decode_presence_member(item, &m.u.presence.member) == 0)
      bridge_event_put(b, &m);
  }
}

typedef struct listing {
  bridge *bridge;
  gw_event event;
} listing;

static bool put_listed(void *arg, const gw_presence_member *m) {
  listing *l = arg;
  l->event.u.presence.member = *m;
  bridge_event_put(l->bridge, &l->event);
  return true;
}

/** JavaScript has no list to ask for. */
static void put_list(bridge *b, uint32_t sub) {
  listing l = {b, {.type = GW_EVENT_PRESENCE}};
  l.event.u.presence.sub = sub;
  l.event.u.presence.kind = KIND_LISTED;
  gw_client_members(b->client, sub, put_listed, &l);
}

void bridge_presence_put(bridge *b, const gw_event *e) {
  if (e->type == GW_EVENT_PRESENCE_SYNC && e->u.presence_sync.anew)
    put_list(b, e->u.presence_sync.sub);
  if (e->type == GW_EVENT_REPLY && e->u.reply.members != NULL)
    put_members(b, e);
}
