/* SPDX-License-Identifier: MIT */
/* internal.h - the internal listener: health, readiness, metrics, the API, the
 * page for administrators. It runs on the control loop, and no request to it makes
 * a worker wait. */
#ifndef GODWIT_SERVER_INTERNAL_H
#define GODWIT_SERVER_INTERNAL_H

#include "godwit/server.h"
#include "server/net/admin_http.h"
#include "server/net/api_http.h"
#include "server/net/context.h"
#include "server/net/listener.h"
#include "server/net/net_stats.h"

/** How long a worker may take to answer before it counts as stuck. */
#define GW_INTERNAL_BEAT_MS 1000u

/** Questions about health that may wait at once. */
#define GW_INTERNAL_MAX_WAITING 64u

/** Connections at once. */
#define GW_INTERNAL_MAX_SOCKETS 256u

typedef struct gw_internal {
  /* read-only */
  uint16_t port; /**< 0: there is none */
  gw_admin_http admin;
  /* private */
  gw_server *server;
  gw_context context;
  gw_api_http api;
  gw_listener listener;
  bool is_open;
  bool is_listening;
  uint64_t num_sockets;
  uint64_t beat;
  uv_timer_t beats; /* while somebody waits */
  struct lws *waiting[GW_INTERNAL_MAX_WAITING];
  uint64_t deadlines_ms[GW_INTERNAL_MAX_WAITING];
} gw_internal;

/** Set up on the server's control loop. 0, GW_ERR_STATE, GW_ERR_NOMEM. */
GW_MUST_USE int gw_internal_open(gw_internal *i, gw_server *server);
/** Takes the sockets. */
GW_MUST_USE int gw_internal_listen(gw_internal *i, gw_listen *sockets);
/** Begin to close; the loop has to run, then gw_internal_free ends it. */
void gw_internal_close(gw_internal *i);
void gw_internal_free(gw_internal *i);

#endif
