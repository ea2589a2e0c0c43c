/* SPDX-License-Identifier: MIT */
/* server.h - all workers of a node, and the loop that looks after them. */
#ifndef GODWIT_SERVER_NET_SERVER_H
#define GODWIT_SERVER_NET_SERVER_H

#include "godwit/server.h"
#include "server/auth/api_keys.h"
#include "server/config/config.h"
#include "server/middleware/plugins.h"
#include "server/net/calls.h"
#include "server/net/edge.h"
#include "server/net/events.h"
#include "server/net/internal.h"
#include "server/net/worker.h"

/** Descriptors, where limits.max_connections asks for no other number.
 * libwebsockets keeps two tables of this length for each worker, and walks
 * through one at the end of each connection (docs/libwebsockets.md): a limit of
 * millions would cost memory and time that nobody has a use for. */
#define GW_SERVER_MAX_FDS 65536u

/** Descriptors beside those of connections and handshakes. */
#define GW_SERVER_OTHER_FDS 1024u

/** Descriptors that connections leave to health, metrics, the store and the log,
 * so that the server can be looked after when it has run out; a quarter of the
 * limit where that is less. */
#define GW_SERVER_SPARE_FDS 64u

/** How often the drain is looked at. */
#define GW_SERVER_DRAIN_POLL_MS 20u

/** How often the log's suppressed lines are told, and memory is looked after. */
#define GW_SERVER_CARE_MS 5000u

/** Connections that have to have gone, and be more than those that are open, for
 * memory to be given back to the system. */
#define GW_SERVER_TRIM_SOCKETS 1000u

/** SIGTERM, SIGINT, SIGHUP. */
#define GW_SERVER_NUM_SIGNALS 3u

struct gw_server {
  gw_config config;
  FILE *errors;
  gw_log *log;
  gw_demo demo;
  bool uses_demo_rules; /* there is no other configuration file */
  gw_calls *calls;
  gw_edge edge;
  gw_plugins plugins;
  bool is_edge_done; /* nothing more is added to it */
  gw_hooks *hooks;   /* NULL: none */
  gw_server_on_channel_event on_channel;
  void *on_channel_user;
  gw_event_handlers events;
  gw_server_on_connection_event on_connection;
  void *on_connection_user;
  gw_credentials *credentials; /* NULL: no TLS */
  gw_token_rules token_rules;
  gw_api_keys api_keys;
  gw_keystore *keystore;   /* NULL: tokens are not checked */
  gw_addresses *addresses; /* NULL: they are not counted */
  gw_worker **workers;
  uint32_t num_workers;
  uint16_t port;
  uint64_t start_wall_ms; /* since 1970 */
  uint64_t start_ms;      /* by the loop, whose clock nobody sets */

  /* The control loop: signals, health, the end. */
  uv_loop_t loop;
  uv_async_t wake;
  uv_timer_t drain_timer;
  uv_timer_t care_timer;
  uv_signal_t signals[GW_SERVER_NUM_SIGNALS];
  bool takes_signals;
  gw_internal internal;
  uint64_t drain_deadline_ms;
  uint64_t reloads;
  uint64_t reload_failures;
  uint64_t closed_before, ended_before; /* when memory was given back */
  bool is_draining;
  atomic_bool is_stopping;  /* told by gw_server_stop */
  atomic_bool is_reloading; /* told by gw_server_reload */
  atomic_bool is_running;
  atomic_uint next_asked; /* worker for the next question of the API */
};

/** Read the credentials that are configured, if any. 0; GW_ERR_INVALID, which is
 * told. */
GW_MUST_USE int gw__server_load_credentials(gw_server *s);
/** Read them again and hand them to the workers; the outcome is logged. On the
 * control loop. */
void gw__server_reload(gw_server *s);

/* ---- server_edge.c ---------------------------------------------------------- */

/** Make the edge from the configuration, with the demo's pages. 0;
 * GW_ERR_INVALID, which is told; GW_ERR_NOMEM. */
GW_MUST_USE int gw__server_make_edge(gw_server *s);
/** Load plugins, when everything is there that they may add to. As above. */
GW_MUST_USE int gw__server_load_plugins(gw_server *s);
/** Nothing more is added; once. As above. */
GW_MUST_USE int gw__server_finish_edge(gw_server *s);
/** Open the access log again; the outcome is logged. */
void gw__server_reopen_logs(gw_server *s);

/** The number of the worker that a hub belongs to. */
uint32_t gw__server_worker_of(const gw_server *s, const gw_hub *h);

#endif
