/* SPDX-License-Identifier: MIT */
/* events.c - events on their way to the program that has the server inside. */
#include "server/net/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/event.h"

struct gw_event_handler {
  gw_server_on_event_fn on_event;
  void *user;
  char *pattern;
};

int gw_events_add(gw_event_handlers *e, const char *pattern,
                  gw_server_on_event_fn on_event, void *user) {
  if (!gw_event_is_good_pattern(gw_view_of(pattern))) return GW_ERR_INVALID;
  struct gw_event_handler *list = realloc(e->list, (e->num + 1) * sizeof *list);
  if (!list) return GW_ERR_NOMEM;
  e->list = list;
  char *copy = strdup(pattern);
  if (!copy) return GW_ERR_NOMEM;
  list[e->num++] = (struct gw_event_handler){on_event, user, copy};
  return 0;
}

void gw_events_deinit(gw_event_handlers *e) {
  for (size_t i = 0; i < e->num; i++)
    free(e->list[i].pattern);
  free(e->list);
  *e = (gw_event_handlers){NULL, 0};
}

void gw_events_tell(const gw_event_handlers *e, gw_server_event *event) {
  for (size_t i = 0; i < e->num; i++) {
    const struct gw_event_handler *h = &e->list[i];
    if (!gw_event_matches(gw_view_of(h->pattern), event->name)) continue;
    if (!h->on_event(h->user, event)) return;
  }
}

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

void gw_events_tell_notice(const gw_event_handlers *e, const gw_notice *n) {
  static const char *const channel_events[] = {
      [GW_CHANNEL_CREATED] = "created",
      [GW_CHANNEL_SUBSCRIBED] = "subscribed",
      [GW_CHANNEL_UNSUBSCRIBED] = "unsubscribed",
      [GW_CHANNEL_DESTROYED] = "destroyed",
  };
  char name[64];
  if (n->kind == GW_NOTICE_CHANNEL)
    (void)snprintf(name, sizeof name, "$channel.%s", channel_events[n->event]);
  else
    (void)snprintf(name, sizeof name, "$connection.%s",
                   gw_conn_state_name(n->to));
  gw_server_event event = {.name = gw_view_of(name),
                           .channel = n->channel,
                           .client = n->client,
                           .connection = n->connection,
                           .user = n->user,
                           .code = n->code};
  gw_events_tell(e, &event);
}
