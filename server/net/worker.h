/* SPDX-License-Identifier: MIT */
/* worker.h - one thread: a loop, a hub, its connections and its mail. */
#ifndef GODWIT_SERVER_WORKER_H
#define GODWIT_SERVER_WORKER_H

#include <pthread.h>

#include "server/auth/jwt.h"
#include "server/middleware/draft.h"
#include "server/net/asks.h"
#include "server/net/context.h"
#include "server/net/demo.h"
#include "server/net/edge.h"
#include "server/net/events.h"
#include "server/net/greetings.h"
#include "server/net/handshakes.h"
#include "server/net/listener.h"
#include "server/net/mailbox.h"
#include "server/net/tls.h"
#include "server/net/visit.h"
#include "server/net/ws.h"

/** Random numbers that are fetched at a time; 256 bytes are never cut short. */
#define GW_WORKER_RANDOMS 32u

typedef struct gw_worker gw_worker;

/** Work that another thread hands to a worker. */
typedef struct gw_task gw_task;
struct gw_task {
  gw_task *next;
  /** Runs on the worker's thread, or with w NULL when the worker is gone; frees
   * the task. */
  void (*run)(gw_task *task, gw_worker *w);
};

typedef struct gw_worker_options {
  gw_hub_options hub;
  gw_log *log;
  const gw_demo *demo;         /**< NULL: no pages */
  gw_hooks *hooks;             /**< NULL: none; outlive it */
  const gw_edge *edge;         /**< outlives it; complete when it is started */
  gw_credentials *credentials; /**< NULL: no TLS; only while it is made */
  bool is_tls_1_3_only;
  gw_on_call on_call;
  void *on_call_user;
  const gw_config *config; /**< outlives it */
  const gw_token_rules *token_rules;
  gw_keystore *keystore;   /**< NULL: tokens are not checked */
  gw_addresses *addresses; /**< NULL: they are not counted */
  uint32_t max_sockets;    /**< with those in their handshake; 0: no limit */
  int max_fd; /**< descriptors from this number on are not for it */
} gw_worker_options;

/** A worker. Fields are for the files of server/net. */
struct gw_worker {
  gw_worker_options options;
  gw_worker *const *workers; /* of the node, by number */
  gw_hub *hub;
  gw_asks asks;
  gw_ws ws;
  gw_net_stats stats;
  gw_auth_stats auth_stats;
  gw_context context;
  gw_tls tls;
  gw_handshakes handshakes;
  gw_greetings greetings;
  gw_listener listener;
  gw_files files;
  gw_drafts drafts;
  gw_inspector inspector;
  bool is_listening;
  bool is_draining;
  bool is_ending; /* whoever answers questions is gone */

  uv_loop_t loop;
  gw_poller poller;
  uv_async_t wake;
  uv_timer_t timer;
  pthread_t thread;
  bool has_thread;

  uint64_t randoms[GW_WORKER_RANDOMS]; /* not given yet */
  uint32_t num_randoms;

  uint64_t armed_ms; /* what timer is set to */
  bool is_busy;      /* output is left for the next turn */
  bool is_over;
  gw_mail_batch *outgoing; /* one for each worker */

  gw_mailbox inbox;
  pthread_mutex_t tasks_lock;
  gw_task *tasks_first;
  gw_task *tasks_last;

  /* Told by any thread, acted on at the next wake-up. */
  atomic_uint drain_window_ms; /* plus 1; 0: not draining */
  atomic_bool is_stopping;
  _Atomic uint64_t beat_asked;
  _Atomic uint64_t beat_answered;
  /* Told by the worker. */
  atomic_size_t num_sessions;
  atomic_bool is_drained; /* listens no more, and no connection is left */
};

/** NULL and why. Not on several threads at once. */
gw_worker *gw_worker_new(const gw_worker_options *options,
                         gw_worker *const *workers, const char **why);
/** After gw_worker_join of all workers, or without a start. Closes what is
 * open; mail that is left is freed. */
void gw_worker_free(gw_worker *w);

/** Before the start, when nothing more is added to the edge. */
void gw_worker_watch(gw_worker *w);
/** Before the start. Takes the sockets. */
GW_MUST_USE int gw_worker_listen(gw_worker *w, gw_listen *sockets);
/** Tell what happens to channels from now on: see asks.h. */
void gw_worker_watch_channels(gw_worker *w,
                              void (*on_channel)(void *, const gw_notice *),
                              void *user);
/** The same of changes of connections. */
void gw_worker_watch_connections(
    gw_worker *w, void (*on_connection)(void *, const gw_notice *), void *user);
/** Tell all that is an event; the handlers outlive it. */
void gw_worker_watch_events(gw_worker *w, const gw_event_handlers *handlers);
GW_MUST_USE int gw_worker_start(gw_worker *w);
void gw_worker_join(gw_worker *w);

/* ---- on any thread ------------------------------------------------------ */

/** Stop accepting, and send clients away over the window. */
void gw_worker_drain(gw_worker *w, uint32_t window_ms);
/** Leave the loop; gw_worker_free closes what is open. */
void gw_worker_stop(gw_worker *w);
/** Ask the loop for a sign of life; it is alive when it has answered beat. */
void gw_worker_ask_beat(gw_worker *w, uint64_t beat);
bool gw_worker_has_answered(const gw_worker *w, uint64_t beat);
void gw_worker_post_task(gw_worker *w, gw_task *task);
/** Show these to TLS clients that come from now on. Takes a reference. 0,
 * GW_ERR_NOMEM. */
GW_MUST_USE int gw_worker_use_credentials(gw_worker *w, gw_credentials *c);
bool gw_worker_is_current(const gw_worker *w);

/* ---- for the files of server/net, on the worker's thread ---------------- */

/** With the credentials of the options, before the context is made. */
void gw_worker_init_tls(gw_worker *w);
/** One turn of the loop, which waits for something to happen, or does not. */
void gw_worker_turn(gw_worker *w, bool waits);
/** Tell the hub the time, if it is later than it was. */
void gw_worker_touch(gw_worker *w);
/** Of the protocols of the public listener. */
extern const struct lws_protocols gw_public_protocols[];
/** A socket of the public listener sent its request, or is gone. Returns whether
 * that was waited for. */
bool gw_worker_end_handshake(gw_worker *w, struct lws *wsi);
/** Give a socket to libwebsockets; h: what a proxy said of it, NULL: it is the
 * client's own. */
void gw_worker_adopt(gw_worker *w, int fd, const gw_peer *peer,
                     const gw_proxy_header *h);

/* ---- worker_edge.c: what handlers are shown ------------------------------- */

/** A connection as handlers see it; facts have to outlive it. */
gw_connection gw_worker_connection(const gw_worker *w, const gw_facts *facts);

/** An upgrade is about to be made: keep what is wanted later. Takes bound and
 * request; false: out of memory, and they are the caller's still. */
bool gw_worker_keep(gw_worker *w, struct lws *wsi, const gw_visit *v,
                    gw_bound *bound, gw_request *request);

/** As gw_hub_port.tell; user is the worker. */
void gw_worker_tell(void *user, const gw_notice *notice);

/** Before it listens. */
void gw_worker_init_greetings(gw_worker *w);
/** Whether a socket that is accepted from there begins with a PROXY header. */
bool gw_worker_is_proxy(const gw_worker *w, const gw_peer *peer);

/* ---- worker_access.c: who may come, and who says who they are -------------- */

/** Make the authenticator. 0, GW_ERR_NOMEM */
GW_MUST_USE int gw_worker_init_access(gw_worker *w);
/** As gw_hub_port.ask; user is the worker. */
bool gw_worker_ask(void *user, const gw_question *q, gw_verdict *v);

/** What the address of an accepted socket says of it, visit->peer, where they are
 * counted. false: it was closed. */
bool gw_worker_admit(gw_worker *w, int fd, const gw_proxy_header *h,
                     gw_socket *visit);
/** A socket that was admitted is gone, or could not be opened. */
void gw_worker_see_off(gw_worker *w, const gw_socket *visit);

/** Whether a page may connect by a route: the request's header Origin, if it has
 * one, against the route's list, or else the server's. */
bool gw_worker_allows_origin(const gw_worker *w, const gw_route *route,
                             struct lws *wsi);
/** The token that a request brings along in its cookie, to be freed; NULL. */
char *gw_worker_cookie_token(const gw_worker *w, struct lws *wsi);
/** What a request shows of who it is from and where it wants to go: its path and
 * query, cookies, and the headers that the application is shown. */
uint64_t gw_worker_way(const gw_worker *w, struct lws *wsi);

#endif
