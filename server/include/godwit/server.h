/* SPDX-License-Identifier: MIT */
/* server.h - a Godwit server inside a program: configure it, give it methods
 * that clients may call, run it. */
#ifndef GODWIT_SERVER_H
#define GODWIT_SERVER_H

#include <stdio.h>

#include "godwit/middleware.h"

/*
 *   static void greet(void *user, const gw_server_call *call,
 *                     const gw_rpc *rpc) {
 *     gw_rpc_result hello = {.json = gw_view_of("\"hello\"")};
 *     gw_server_answer(call, GW_CODE_OK, (gw_view){NULL, 0}, &hello);
 *   }
 *
 *   char *flags[] = {"--listen.public", "localhost:8000"};
 *   gw_server *s;
 *   gw_server_options options = {.argc = 2, .argv = flags};
 *   if (gw_server_new(&s, &options) < 0) return 1;
 *   if (gw_server_handle(s, "greet", greet, NULL) == 0 &&
 *       gw_server_listen(s) == 0) {
 *     gw_server_run(s);
 *   }
 *   gw_server_free(s);
 */

/** A server with its workers. */
typedef struct gw_server gw_server;

/** How a server is made. All zero: what the environment and godwit.yaml say. */
typedef struct gw_server_options {
  /** Settings as the flags of `godwit serve`: --KEY VALUE, --KEY=VALUE,
   * --config FILE. The environment and godwit.yaml count too, as they do there.
   */
  int argc;
  char **argv;
  /** Folder of the pages that --dev serves; NULL: the demo, where it is found. A
   * godwit.yaml in it counts in development, unless another one is given. */
  const char *demo;
  /** Gets a sentence for each thing that is wrong; NULL: the standard error. */
  FILE *errors;
  /** SIGTERM and SIGINT stop the server, a second one ends the process; SIGHUP
   * is gw_server_reload, or a stop when the terminal has hung up. */
  bool takes_signals;
} gw_server_options;

/**
 * Make a server; one at a time in a process.
 *   returns  0; GW_ERR_INVALID (configuration, or the certificate and key that
 *            it names, routes, plugins), GW_ERR_NOT_FOUND (demo),
 *            GW_ERR_STATE (libraries), GW_ERR_NOMEM: errors says why
 */
GW_MUST_USE int gw_server_new(gw_server **server,
                              const gw_server_options *options);
/** After gw_server_run, or instead of it. NULL is fine. */
void gw_server_free(gw_server *s);

/* ---- methods ------------------------------------------------------------ */

/** A call to answer, once: by the handler, or later and on any thread while the
 * server is there. May be copied. */
typedef struct gw_server_call {
  uint64_t client;     /**< public id of the caller */
  gw_view client_user; /**< its user id; valid until the handler returns */
  gw_connection
      *connection; /**< the caller's; valid until the handler returns */
  /* private */
  gw_server *server;
  uint64_t session;
  uint32_t request;
  uint32_t worker;
} gw_server_call;

/** Runs on the caller's worker, so it must not wait for anything. Views in rpc
 * are valid until it returns. */
typedef void (*gw_server_handler)(void *user, const gw_server_call *call,
                                  const gw_rpc *rpc);

/** Answer calls of a method; before the server runs. 0, GW_ERR_EXISTS,
 * GW_ERR_FULL, GW_ERR_NOMEM. */
GW_MUST_USE int gw_server_handle(gw_server *s, const char *method,
                                 gw_server_handler handler, void *user);

/** code: GW_CODE_OK with a result, or why not, with a message. An answer to a
 * caller that is gone is forgotten. */
void gw_server_answer(const gw_server_call *call, uint32_t code,
                      gw_view message, const gw_rpc_result *result);

/* ---- channels ----------------------------------------------------------- */

/** What happens to channels. */
enum gw_server_channel_change {
  GW_SERVER_CHANNEL_CREATED,      /**< it was made, as somebody uses it */
  GW_SERVER_CHANNEL_SUBSCRIBED,   /**< it may be a pattern of names */
  GW_SERVER_CHANNEL_UNSUBSCRIBED, /**< however the subscription ended */
  GW_SERVER_CHANNEL_DESTROYED     /**< it was forgotten, with its stream */
};

/** What happened to a channel. Views are valid until the handler returns. */
typedef struct gw_server_channel_event {
  enum gw_server_channel_change change;
  gw_view channel;
  /* of SUBSCRIBED and UNSUBSCRIBED: whose subscription */
  uint64_t client;
  uint64_t connection;
  gw_view user;
} gw_server_channel_event;

/** Runs on the threads of workers, so it must not wait for anything. The events of
 * one subscription come in order; those of different workers do not. */
typedef void (*gw_server_on_channel_event)(void *user,
                                           const gw_server_channel_event *e);
/** Be told; before the server runs. NULL: nobody is. */
void gw_server_on_channel(gw_server *s, gw_server_on_channel_event on_event,
                          void *user);

/* ---- connections -------------------------------------------------------- */

/** The server's view of a connection; docs/states.md draws how they follow. */
enum gw_server_connection_state {
  GW_SERVER_CONNECTION_NONE,         /**< it is new */
  GW_SERVER_CONNECTION_CONNECTED,    /**< open, and in use */
  GW_SERVER_CONNECTION_IDLE,         /**< open; nothing but pings for
                                          connection.idle_after */
  GW_SERVER_CONNECTION_RECONNECTING, /**< lost; the client may come back within
                                          connection.grace */
  GW_SERVER_CONNECTION_ERROR,        /**< the same, after a fault of one side */
  GW_SERVER_CONNECTION_DISCONNECTED  /**< gone for good */
};

/** A connection came into another state. Views are valid until the handler
 * returns. */
typedef struct gw_server_connection_event {
  enum gw_server_connection_state from;
  enum gw_server_connection_state to;
  uint64_t client;
  uint64_t connection; /**< when a client is back: the new one */
  gw_view user;
  uint32_t code; /**< why it ended; 0: it did not, or was lost */
} gw_server_connection_event;

/** Runs on the threads of workers, so it must not wait for anything. */
typedef void (*gw_server_on_connection_event)(
    void *user, const gw_server_connection_event *e);
/** Be told; before the server runs. NULL: nobody is. */
void gw_server_on_connection(gw_server *s,
                             gw_server_on_connection_event on_event,
                             void *user);

/* ---- events ------------------------------------------------------------- */

/** Something that has a name: a publication with a tag `event`, whose value is the
 * name; or what the server itself tells, whose names begin with a $:
 *
 *    $channel.created, .subscribed, .unsubscribed, .destroyed
 *    $connection.connected, .idle, .reconnecting, .error, .disconnected
 *    $presence.enter, .update, .leave: told by the owner of the channel
 *
 * What does not belong to it is empty or 0. Views are valid until the handler
 * returns. */
typedef struct gw_server_event {
  gw_view name;
  gw_view channel;
  uint64_t client; /**< of a publication: 0 is the application */
  gw_view user;
  /* of a publication */
  gw_view data; /**< the payload, of $presence what the member tells of itself:
                     one of these */
  gw_view json;
  gw_view item;
  uint64_t epoch;
  uint64_t offset;
  uint64_t time_ms; /**< since 1970 */
  /* of the server's own */
  uint64_t connection;
  uint32_t code; /**< why a connection ended */
  gw_view state; /**< of $presence: the member's, such as away */
  bool first;    /**< it entered as the first client of its user there */
  bool last;     /**< it left as the last one */
} gw_server_event;

/** Returns whether those that come after it on the event's way shall have it, too.
 * Runs on the threads of workers, so it must not wait for anything. Events of one channel come
 * in order, after the publication went out. */
typedef bool (*gw_server_on_event_fn)(void *user, const gw_server_event *e);
/**
 * Be told of events whose name matches a pattern; before the server runs. Parts of
 * names are divided by dots; * stands for one part, > at the end for the rest:
 * order.*, $connection.>, >. One that begins with * or > is not told the server's
 * own.
 *   returns  0, GW_ERR_INVALID (the pattern), GW_ERR_NOMEM
 */
GW_MUST_USE int gw_server_on_event(gw_server *s, const char *pattern,
                                   gw_server_on_event_fn on_event, void *user);

/** Where on the way of an event a handler stands. All zero: everywhere, on the way
 * up. Copied.
 *
 *    everywhere --> namespace --> channel     those that capture
 *    everywhere <-- namespace <-- channel     the others
 *
 * At one place they are told in the order in which they were added. */
typedef struct gw_server_event_place {
  const char *space; /**< of channels of this namespace; NULL: of any */
  const char
      *channel; /**< of this channel, whatever space says; NULL: of any */
  bool capture; /**< on the way down */
} gw_server_event_place;

/** As gw_server_on_event, at a place. What is about no channel is told everywhere
 * only. */
GW_MUST_USE int gw_server_on_event_at(gw_server *s, const char *pattern,
                                      const gw_server_event_place *place,
                                      gw_server_on_event_fn on_event,
                                      void *user);

/* ---- routes and middleware ------------------------------------------------ */

/*
 * Before the server listens. Those of plugins and of the configuration are there
 * already.
 */

/** Add a link to the chain, behind those that are there, unless `middleware:` in
 * the configuration gives its name another place. on is copied. 0,
 * GW_ERR_INVALID (no name, a blank or comma in it, or on->size), GW_ERR_EXISTS,
 * GW_ERR_FULL, GW_ERR_NOMEM. */
GW_MUST_USE int gw_server_middleware(gw_server *s, const gw_middleware *on,
                                     void *user);

/** What comes with a route. All zero but the size: nothing. Copied. */
typedef struct gw_server_route_options {
  size_t size; /**< sizeof(gw_server_route_options) */
  /** Channels that the server subscribes its connections to, with commas between
   * them; {name} stands for a parameter: "room:{id}". */
  const char *channels;
  const char *space;        /**< only namespace they may use; NULL: any */
  const char *origins;      /**< as in the configuration; NULL: as everywhere */
  const char *subprotocols; /**< "godwit.v1, godwit.v1.json"; NULL: both */
  bool needs_user;          /**< whose name an authenticator vouches for */
  bool keeps_request;       /**< as long as the connection */
  /** A link for its connections only, behind the others; its name may be NULL. */
  const gw_middleware *handlers;
} gw_server_route_options;

/** Let clients connect to a path, such as "/rooms/:id"; options may be NULL, user
 * is for the handlers. 0; GW_ERR_INVALID, GW_ERR_EXISTS (a route of the same
 * paths), GW_ERR_FULL: the server's errors say why; GW_ERR_NOMEM. */
GW_MUST_USE int gw_server_route(gw_server *s, const char *path,
                                const gw_server_route_options *options,
                                void *user);

/* ---- the API ------------------------------------------------------------ */

/*
 * Everything that POST /v1/api/METHOD does, from C: on any thread, without
 * waiting. Before the server runs questions wait for it. A handler is told once,
 * on the thread of a worker, so it must not wait for anything; its views are
 * valid until it returns. code: GW_CODE_OK, or why not, with a message that may
 * be empty; GW_CODE_SHUTDOWN when the server is freed before it answers. Handlers
 * may be NULL. Each function returns 0, or GW_ERR_NOMEM: then nothing is told.
 * What one thread asks about one channel or group is done and told in its order.
 * JSON that is none is refused with GW_CODE_BAD_REQUEST, whatever the namespace of
 * a channel says: no reader of it could do anything with it. The message says the
 * field, the line and the column.
 */

/** reply: encoded message of the method's type (proto/api.proto). */
typedef void (*gw_server_on_reply)(void *arg, uint32_t code, gw_view message,
                                   gw_view reply);
/** Ask any method; request is encoded, and copied. Also GW_ERR_NOT_FOUND: there
 * is no such method. */
GW_MUST_USE int gw_server_api(gw_server *s, const char *method, gw_view request,
                              gw_server_on_reply on_reply, void *arg);

/** What filters look at. */
typedef struct gw_server_tag {
  const char *name;
  const char *value;
} gw_server_tag;

/** All zero but the channel: an empty payload. Copied. */
typedef struct gw_server_publication {
  const char *channel;
  gw_view data; /**< the payload: bytes, or */
  gw_view json; /**< JSON text */
  uint32_t ttl_ms;
  const char *idempotency_key; /**< NULL: none */
  const char *user;            /**< on whose behalf; NULL: nobody's */
  const char *item;            /**< what it is about; NULL: nothing */
  bool removed;                /**< the item is gone */
  const gw_server_tag *tags;
  size_t num_tags;   /**< at most GW_MAX_TAGS */
  bool compare;      /**< only if the channel is at this position */
  bool compare_item; /**< or: if this is where its item was published last;
                           offset 0: if there is none */
  uint64_t epoch;
  uint64_t offset;
} gw_server_publication;

/** epoch, offset: the position that it got. */
typedef void (*gw_server_on_published)(void *arg, uint32_t code,
                                       gw_view message, uint64_t epoch,
                                       uint64_t offset);
/** Publish; p is copied. Also GW_ERR_INVALID: too many tags, a NUL in json. */
GW_MUST_USE int gw_server_publish(gw_server *s, const gw_server_publication *p,
                                  gw_server_on_published on_published,
                                  void *arg);

/** Connections that fit all that is given; at least one of them has to be. */
typedef struct gw_server_who {
  const char *user;    /**< NULL: any */
  uint64_t client;     /**< public id; 0: any */
  uint64_t connection; /**< 0: any */
} gw_server_who;

/** num: connections that it was done to. */
typedef void (*gw_server_on_done)(void *arg, uint32_t code, gw_view message,
                                  uint32_t num);
/** Close connections. code: what they are told, 0 for GW_CODE_FORCED. Those that a
 * hook is still asked about are turned away when it is known whose they are, and
 * are not counted. */
GW_MUST_USE int gw_server_disconnect(gw_server *s, const gw_server_who *who,
                                     uint32_t code, const char *reason,
                                     gw_server_on_done on_done, void *arg);

/** result: NULL when the code is not OK. */
typedef void (*gw_server_on_result)(void *arg, uint32_t code, gw_view message,
                                    const gw_rpc_result *result);
/** Call the client whose public id is rpc->to. Also GW_ERR_INVALID: a NUL in its
 * method or json. */
GW_MUST_USE int gw_server_rpc(gw_server *s, const gw_rpc *rpc,
                              gw_server_on_result on_result, void *arg);

/* ---- life --------------------------------------------------------------- */

/** Open the listening sockets. 0, GW_ERR_INVALID: errors says why. */
GW_MUST_USE int gw_server_listen(gw_server *s);
/** The real port of the public listener, also where 0 was configured; 0: there is
 * none. */
uint16_t gw_server_port(const gw_server *s);
/** The same of the internal listener. */
uint16_t gw_server_internal_port(const gw_server *s);

/** Serve until gw_server_stop, on this thread and the workers'. 0, GW_ERR_NOMEM
 * when no thread can be had. */
GW_MUST_USE int gw_server_run(gw_server *s);
/** Drain: clients are told to come back over the configured time, then
 * gw_server_run returns. On any thread, or in a signal handler. */
void gw_server_stop(gw_server *s);

/** Read certificate and key again, and show them to TLS clients that connect
 * from then on; if they cannot be used, the old ones stay. The log tells. On any
 * thread, or in a signal handler. */
void gw_server_reload(gw_server *s);

#endif
