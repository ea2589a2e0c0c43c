/* SPDX-License-Identifier: MIT */
/* events.c - events on their way to the program that has the server inside. */
#include "server/net/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/event.h"

/** Room for a name of the server's own. */
#define OWN_NAME_BYTES 64u

/** From the innermost to the outermost. */
enum place { CHANNEL, SPACE, EVERYWHERE, NUM_PLACES };

struct gw_event_handler {
  gw_server_on_event_fn on_event;
  void *user;
  char *pattern;
  char *name; /* of the channel or namespace; NULL: everywhere */
  enum place place;
  bool capture;
};

/* ---- handlers ------------------------------------------------------------ */

static void deinit(struct gw_event_handler *h) {
  free(h->pattern);
  free(h->name);
}

int gw_events_add(gw_event_handlers *e, const char *pattern,
                  const gw_server_event_place *place,
                  gw_server_on_event_fn on_event, void *user) {
  static const gw_server_event_place everywhere;
  if (!place) place = &everywhere;
  if (!gw_event_is_good_pattern(gw_view_of(pattern))) return GW_ERR_INVALID;
  struct gw_event_handler *list = realloc(e->list, (e->num + 1) * sizeof *list);
  if (!list) return GW_ERR_NOMEM;
  e->list = list;
  const char *name = place->channel ? place->channel : place->space;
  struct gw_event_handler h = {.on_event = on_event,
                               .user = user,
                               .pattern = strdup(pattern),
                               .name = name ? strdup(name) : NULL,
                               .place = !name            ? EVERYWHERE
                                        : place->channel ? CHANNEL
                                                         : SPACE,
                               .capture = place->capture};
  if (!h.pattern || (name && !h.name)) {
    deinit(&h);
    return GW_ERR_NOMEM;
  }
  list[e->num++] = h;
  return 0;
}

void gw_events_deinit(gw_event_handlers *e) {
  for (size_t i = 0; i < e->num; i++)
    deinit(&e->list[i]);
  free(e->list);
  *e = (gw_event_handlers){NULL, 0};
}

/* ---- the way ------------------------------------------------------------- */

static gw_view space_of(gw_view channel) {
  const uint8_t *colon =
      channel.len != 0 ? memchr(channel.data, ':', channel.len) : NULL;
  size_t len = colon ? (size_t)(colon - channel.data) : 0;
  return (gw_view){channel.data, len};
}

static bool stands_on(const struct gw_event_handler *h, enum place place,
                      gw_view channel) {
  if (h->place != place) return false;
  if (place == EVERYWHERE) return true;
  return channel.len != 0 &&
         gw_view_eq(gw_view_of(h->name),
                    place == CHANNEL ? channel : space_of(channel));
}

/** False when one has stopped it. */
static bool tell_place(const gw_event_handlers *e, const gw_server_event *event,
                       enum place place, bool capture) {
  for (size_t i = 0; i < e->num; i++) {
    const struct gw_event_handler *h = &e->list[i];
    if (h->capture == capture && stands_on(h, place, event->channel) &&
        gw_event_matches(gw_view_of(h->pattern), event->name) &&
        !h->on_event(h->user, event))
      return false;
  }
  return true;
}

void gw_events_tell(const gw_event_handlers *e, gw_server_event *event) {
  for (int p = NUM_PLACES - 1; p >= 0; p--) {
    if (!tell_place(e, event, (enum place)p, true)) return;
  }
  for (int p = 0; p < NUM_PLACES; p++) {
    if (!tell_place(e, event, (enum place)p, false)) return;
  }
}

/* ---- what is told -------------------------------------------------------- */

void gw_events_tell_publication(const gw_event_handlers *e, gw_view name,
                                gw_view channel, uint64_t epoch,
                                const gw_publication *p) {
  gw_server_event event = {.name = name,
                           .channel = channel,
                           .data = p->data,
                           .json = p->json,
                           .item = p->item,
                           .client = p->client,
                           .user = p->user,
                           .epoch = epoch,
                           .offset = p->offset,
                           .time_ms = p->time_ms};
  gw_events_tell(e, &event);
}

bool gw_events_want_presence(const gw_event_handlers *e) {
  static const char *const names[] = {"$presence.enter", "$presence.update",
                                      "$presence.leave"};
  for (size_t i = 0; i < e->num; i++) {
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
      if (gw_event_matches(gw_view_of(e->list[i].pattern),
                           gw_view_of(names[k])))
        return true;
    }
  }
  return false;
}

/** What the server calls what happened. */
static void name_of(const gw_notice *n, char name[OWN_NAME_BYTES]) {
  static const char *const channel_events[] = {
      [GW_CHANNEL_CREATED] = "created",
      [GW_CHANNEL_SUBSCRIBED] = "subscribed",
      [GW_CHANNEL_UNSUBSCRIBED] = "unsubscribed",
      [GW_CHANNEL_DESTROYED] = "destroyed",
  };
  static const char *const changes[] = {[GW_PRESENCE_ENTER] = "enter",
                                        [GW_PRESENCE_UPDATE] = "update",
                                        [GW_PRESENCE_LEAVE] = "leave"};
  switch (n->kind) {
  case GW_NOTICE_CHANNEL:
    (void)snprintf(name, OWN_NAME_BYTES, "$channel.%s",
                   channel_events[n->event]);
    break;
  case GW_NOTICE_PRESENCE:
    (void)snprintf(name, OWN_NAME_BYTES, "$presence.%s", changes[n->change]);
    break;
  default:
    (void)snprintf(name, OWN_NAME_BYTES, "$connection.%s",
                   gw_conn_state_name(n->to));
  }
}

void gw_events_tell_notice(const gw_event_handlers *e, const gw_notice *n) {
  char name[OWN_NAME_BYTES];
  name_of(n, name);
  gw_server_event event = {.name = gw_view_of(name),
                           .channel = n->channel,
                           .client = n->client,
                           .connection = n->connection,
                           .user = n->user,
                           .code = n->code};
  if (n->kind == GW_NOTICE_PRESENCE) {
    event.state = n->member.state;
    event.data = n->member.data;
    event.json = n->member.json;
    event.first = n->first;
    event.last = n->last;
  }
  gw_events_tell(e, &event);
}
