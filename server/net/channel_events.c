/* SPDX-License-Identifier: MIT */
/* channel_events.c - tells a program that has the server inside what happens to
 * channels. */
#include "server/net/server.h"

static void tell(void *user, const gw_notice *n) {
  static const enum gw_server_channel_change changes[] = {
      [GW_CHANNEL_CREATED] = GW_SERVER_CHANNEL_CREATED,
      [GW_CHANNEL_SUBSCRIBED] = GW_SERVER_CHANNEL_SUBSCRIBED,
      [GW_CHANNEL_UNSUBSCRIBED] = GW_SERVER_CHANNEL_UNSUBSCRIBED,
      [GW_CHANNEL_DESTROYED] = GW_SERVER_CHANNEL_DESTROYED,
  };
  const gw_server *s = user;
  gw_server_channel_event e = {.change = changes[n->event],
                               .channel = n->channel,
                               .client = n->client,
                               .connection = n->connection,
                               .user = n->user};
  s->on_channel(s->on_channel_user, &e);
}

void gw_server_on_channel(gw_server *s, gw_server_on_channel_event on_event,
                          void *user) {
  s->on_channel = on_event;
  s->on_channel_user = user;
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_watch_channels(s->workers[i], on_event != NULL ? tell : NULL, s);
}
