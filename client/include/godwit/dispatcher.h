/* SPDX-License-Identifier: MIT */
/* dispatcher.h - named events in a host in C: handlers by patterns of names, along
 * channel, namespace, client and everywhere. */
#ifndef GODWIT_DISPATCHER_H
#define GODWIT_DISPATCHER_H

#include "godwit/client.h"

/*
 * The host hands the events of its clients on to a dispatcher, from port.event:
 *
 *   static void on_event(void *user, const gw_event *e) {
 *     app *a = user;
 *     gw_dispatcher_tell(a->events, a->client, e);
 *   }
 *
 *   static enum gw_event_flow show(void *user, const gw_named_event *e) { ... }
 *
 *   gw_handler_place place = {.client = a->client, .channel = gw_view_of("chat:1")};
 *   gw_dispatcher_on(a->events, gw_view_of("message.*"), &place, show, a);
 *
 * A named event is a publication with a tag `event`, whose value is the name; a
 * message to the client that has one (GW_EVENT_MESSAGE); or what the client itself
 * tells, whose names begin with a $:
 *
 *   $connection.ready, .waiting, ...       GW_EVENT_STATE
 *   $subscription.live, .ended, ...        GW_EVENT_SUB_STATE
 *   $subscription.gap                      GW_EVENT_GAP
 *   $presence.enter, .update, .leave       GW_EVENT_PRESENCE
 *
 * It goes down from everywhere to its channel, and up again:
 *
 *   everywhere --> client --> namespace --> channel     handlers that capture
 *   everywhere <-- client <-- namespace <-- channel     the others
 *
 * All on the thread of the clients.
 */

/** Handlers of named events, of any number of clients. */
typedef struct gw_dispatcher gw_dispatcher;

/** Handlers that a dispatcher has at most. */
#define GW_DISPATCHER_MAX 4096u

/** An event on its way. Views are valid until the handler returns. */
typedef struct gw_named_event {
  gw_view name;
  gw_view channel; /**< what it is about; empty: the connection, or it was
                                sent to the client by no channel */
  const gw_client *client; /**< that it came to */
  const gw_event *event;   /**< what it came as: PUBLICATION, MESSAGE, STATE,
                                SUB_STATE, GAP, PRESENCE */
} gw_named_event;

/** What becomes of an event that a handler has got. */
enum gw_event_flow {
  GW_EVENT_GO_ON,   /**< others get it, too */
  GW_EVENT_STOP,    /**< places farther along its way do not get it */
  GW_EVENT_STOP_NOW /**< nor do handlers of this place that were added later */
};

/** Gets an event. May call everything but gw_dispatcher_free and gw_client_free:
 * also gw_dispatcher_on, which counts from the next event on. */
typedef enum gw_event_flow (*gw_on_named_event)(void *user,
                                                const gw_named_event *e);

/** Where on the way of an event a handler stands. All zero: everywhere, on the way
 * up. Views are copied. */
typedef struct gw_handler_place {
  const gw_client *client; /**< of this client; NULL: everywhere */
  gw_view space;           /**< with client: of channels of this namespace */
  gw_view channel; /**< with client: of this channel, as it was subscribed to;
                        space is not looked at */
  bool capture;    /**< on the way down */
  bool once;       /**< only the first time */
} gw_handler_place;

/** alloc NULL: the C library's. NULL: out of memory. */
gw_dispatcher *gw_dispatcher_new(const gw_alloc *alloc);
/** NULL is fine. */
void gw_dispatcher_free(gw_dispatcher *d);

/**
 * Call a handler for events whose name matches a pattern: parts divided by dots, *
 * for one part, > at the end for the rest. One that begins with * or > does not
 * match names that begin with a $. At one place they are called in the order in
 * which they were added.
 *   place    NULL: everywhere
 *   returns  id > 0; GW_ERR_INVALID (pattern; a channel or namespace without a
 *            client), GW_ERR_TOO_BIG (channel or namespace), GW_ERR_FULL,
 *            GW_ERR_NOMEM
 */
GW_MUST_USE int64_t gw_dispatcher_on(gw_dispatcher *d, gw_view pattern,
                                     const gw_handler_place *place,
                                     gw_on_named_event on_event, void *user);
/** Call it no more, from now on. 0, GW_ERR_NOT_FOUND. */
int gw_dispatcher_off(gw_dispatcher *d, uint32_t id);
/** Forget all handlers of a client, before it is freed. */
void gw_dispatcher_forget(gw_dispatcher *d, const gw_client *client);

/** Something has happened to a client: what is a named event goes its way. Returns
 * whether it was one. Not from inside a handler. */
bool gw_dispatcher_tell(gw_dispatcher *d, const gw_client *client,
                        const gw_event *e);

#endif
