/* SPDX-License-Identifier: MIT */
/* connection_events.c - tells a program that has the server inside of changes in
 * the states of connections. */
#include "server/net/server.h"

static enum gw_server_connection_state state_of(enum gw_conn_state state) {
  static const enum gw_server_connection_state states[GW_NUM_CONN_STATES] = {
      [GW_CONN_NONE] = GW_SERVER_CONNECTION_NONE,
      [GW_CONN_CONNECTED] = GW_SERVER_CONNECTION_CONNECTED,
      [GW_CONN_IDLE] = GW_SERVER_CONNECTION_IDLE,
      [GW_CONN_RECONNECTING] = GW_SERVER_CONNECTION_RECONNECTING,
      [GW_CONN_ERROR] = GW_SERVER_CONNECTION_ERROR,
      [GW_CONN_DISCONNECTED] = GW_SERVER_CONNECTION_DISCONNECTED,
  };
  return states[state];
}

static void tell(void *user, const gw_notice *n) {
  const gw_server *s = user;
  gw_server_connection_event e = {.from = state_of(n->from),
                                  .to = state_of(n->to),
                                  .client = n->client,
                                  .connection = n->connection,
                                  .user = n->user,
                                  .code = n->code};
  s->on_connection(s->on_connection_user, &e);
}

void gw_server_on_connection(gw_server *s,
                             gw_server_on_connection_event on_event,
                             void *user) {
  s->on_connection = on_event;
  s->on_connection_user = user;
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_watch_connections(s->workers[i], on_event != NULL ? tell : NULL,
                                s);
}

int gw_server_on_event(gw_server *s, const char *pattern,
                       gw_server_on_event_fn on_event, void *user) {
  return gw_server_on_event_at(s, pattern, NULL, on_event, user);
}

int gw_server_on_event_at(gw_server *s, const char *pattern,
                          const gw_server_event_place *place,
                          gw_server_on_event_fn on_event, void *user) {
  int err = gw_events_add(&s->events, pattern, place, on_event, user);
  if (err < 0) return err;
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_watch_events(s->workers[i], &s->events);
  return 0;
}
