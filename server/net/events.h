/* SPDX-License-Identifier: MIT */
/* events.h - handlers of events, by patterns of their names. */
#ifndef GODWIT_SERVER_EVENTS_H
#define GODWIT_SERVER_EVENTS_H

#include "godwit/server.h"
#include "server/core/notice.h"

/** In the order in which they were added; not changed while the server runs. All
 * zero is empty. */
typedef struct gw_event_handlers {
  struct gw_event_handler *list;
  size_t num;
} gw_event_handlers;

/** place NULL: everywhere. 0, GW_ERR_INVALID (the pattern), GW_ERR_NOMEM */
GW_MUST_USE int gw_events_add(gw_event_handlers *e, const char *pattern,
                              const gw_server_event_place *place,
                              gw_server_on_event_fn on_event, void *user);
void gw_events_deinit(gw_event_handlers *e);

/** Hand an event to all whose pattern matches, along its way, until one stops
 * it. */
void gw_events_tell(const gw_event_handlers *e, gw_server_event *event);

/** A publication that is an event; as gw_on_event. */
void gw_events_tell_publication(const gw_event_handlers *e, gw_view name,
                                gw_view channel, uint64_t epoch,
                                const gw_publication *p);
/** Whether somebody has asked for $presence: nobody else pays for it. */
bool gw_events_want_presence(const gw_event_handlers *e);
/** What happened to a channel, a connection or a presence. */
void gw_events_tell_notice(const gw_event_handlers *e, const gw_notice *n);

#endif
