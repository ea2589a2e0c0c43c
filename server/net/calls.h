/* SPDX-License-Identifier: MIT */
/* calls.h - methods that clients may call on the server. */
#ifndef GODWIT_SERVER_CALLS_H
#define GODWIT_SERVER_CALLS_H

#include "godwit/server.h"
#include "server/core/hub.h"
#include "server/hooks/hooks.h"

/** Methods of an application. */
#define GW_CALLS_MAX 1024u

typedef struct gw_calls gw_calls;

typedef struct gw_calls_options {
  gw_server *server; /**< for handlers */
  const char *node;
  uint32_t num_workers;
  gw_hooks *hooks; /**< answers what is not in the table; NULL: nobody */
} gw_calls_options;

/** With the methods that every server has: server.info, server.time,
 * server.echo. NULL when out of memory. */
gw_calls *gw_calls_new(const gw_calls_options *options);
void gw_calls_free(gw_calls *c); /**< NULL is fine */

/** Before the server runs. 0, GW_ERR_EXISTS, GW_ERR_FULL, GW_ERR_NOMEM. */
GW_MUST_USE int gw_calls_add(gw_calls *c, const char *method,
                             gw_server_handler handler, void *user);

/** A gw_on_call; user is the gw_calls. On any worker's thread. */
bool gw_calls_on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                      uint64_t client, gw_view client_user);

#endif
