/* SPDX-License-Identifier: MIT */
/* middleware.h - links of a chain that sees what clients do before the server
 * does it, and may refuse. */
#ifndef GODWIT_MIDDLEWARE_H
#define GODWIT_MIDDLEWARE_H

#include "godwit/request.h"

/*
 *   request --> [link 1] --> [link 2] --> route --> upgrade
 *   Hello, Subscribe, Publish, ... --> [link 1] --> [link 2] --> route --> rules
 *   publication --> [link 1] --> [link 2] --> route --> the channel
 *
 * The first link that refuses ends it: those behind it are not asked. The
 * handlers of a route are a link of its own behind the others.
 *
 * Threads: functions run on the worker's thread that the connection belongs to,
 * so on several at once for one link, whose `user` has to stand that. They must
 * not wait for anything: all connections of the worker would. They must not end
 * or free the server. What they may call are the functions of <godwit/server.h>
 * that may be called on any thread.
 */

/** Grows when the meaning of something that is here changes; new functions only
 * make the struct longer. */
#define GW_MIDDLEWARE_ABI 1u

/** A connection that was upgraded; valid until the function that was given it
 * returns. */
typedef struct gw_connection gw_connection;

/** Public id of the client; 0 before its Hello was taken. */
uint64_t gw_connection_client(const gw_connection *c);
/** Id of the connection; 0 before its Hello was taken. */
uint64_t gw_connection_id(const gw_connection *c);
/** Name of the user; empty: nobody's, or not known yet. */
gw_view gw_connection_user(const gw_connection *c);
/** Whether an authenticator vouches for that name. */
bool gw_connection_is_known(const gw_connection *c);
/** Address, as gw_request_peer. */
gw_view gw_connection_peer(const gw_connection *c);
/** Pattern of its route, such as "/v1/ws". */
const char *gw_connection_route(const gw_connection *c);
/** A parameter of its route; empty when there is none of this name. */
gw_view gw_connection_param(const gw_connection *c, const char *name);
/** The request it began with. Always there until the Hello was taken; afterwards
 * if http.keep, the route or a link has it kept. NULL: it is not. */
const gw_request *gw_connection_request(const gw_connection *c);
/** Compress nothing for it, whatever its client reads: asked for when a link is
 * shown its Hello (on_frame); later it changes nothing. */
void gw_connection_stay_plain(gw_connection *c);
/** A place for something of the link's own, NULL at first, as long as the
 * connection; what it points to is freed in on_disconnect. NULL when out of
 * memory. */
void **gw_connection_slot(gw_connection *c);

/** Why something is refused. All zero: PERMISSION_DENIED. Texts have to stay
 * valid until the function is called again on the same thread. */
typedef struct gw_refusal {
  uint32_t code;       /**< enum gw_code, or from 900 on of the application */
  const char *message; /**< UTF-8, up to 120 bytes; NULL: the code's own */
  uint32_t retry_after_ms;
  /* of a request */
  uint32_t status;          /**< of HTTP, from 400 on; 0: 403 */
  const char *content_type; /**< of body; NULL: text/plain */
  gw_view body;             /**< empty: the usual JSON about code and message */
} gw_refusal;

/** A frame that a client sent: what it asks for. Ping, Pong, Credit and Close
 * are not shown: the connection rests on them. */
typedef struct gw_frame_view {
  size_t size;      /**< of this struct, as the server has it */
  uint8_t type;     /**< enum gw_frame_type */
  uint32_t request; /**< id; 0: no answer is wanted */
  gw_view channel;  /**< that it is about; empty: none, or none that is known */
  gw_view method;   /**< of a call */
  gw_view body;     /**< encoded message of the type; <godwit/wire.h> decodes */
} gw_frame_view;

/** A publication that passed the rules. */
typedef struct gw_draft {
  size_t size; /**< of this struct, as the server has it */
  gw_view channel;
  gw_view item; /**< what it is about; empty: nothing in particular */
  gw_view user; /**< on whose behalf */
  uint32_t ttl_ms;
  /* may be replaced: payload bytes, or JSON text, never both */
  gw_view data;
  gw_view json;
} gw_draft;

/** Memory for a payload that replaces another, freed by the server when the
 * publication is done; NULL when there is none. */
uint8_t *gw_draft_space(const gw_draft *d, size_t len);

/** How a connection ended. */
typedef struct gw_end {
  size_t size;          /**< of this struct, as the server has it */
  uint32_t code;        /**< enum gw_code; 0: it was lost */
  uint64_t duration_ms; /**< since its upgrade */
} gw_end;

/** A link. Any function may be NULL: it costs nothing then. */
typedef struct gw_middleware {
  size_t size;        /**< sizeof(gw_middleware) */
  const char *name;   /**< for `middleware:` in the configuration; copied */
  bool keeps_request; /**< requests are kept for the life of connections */

  /** A request of the public listener, before it is answered or upgraded. false:
   * refused, and *refusal (all zero) may say why. */
  bool (*on_request)(void *user, const gw_request *r, gw_refusal *refusal);
  /** A request was refused, by whomever: status, code and message of the answer.
   * r: as much of it as could be read. */
  void (*on_refused)(void *user, const gw_request *r,
                     const gw_refusal *refusal);
  /** A client was welcomed. */
  void (*on_connect)(void *user, gw_connection *c);
  /** A frame, before the rules. false: the client gets *refusal as the answer; a
   * refused Hello ends the connection. */
  bool (*on_frame)(void *user, gw_connection *c, const gw_frame_view *frame,
                   gw_refusal *refusal);
  /** A publication, behind the rules; c: NULL, it is of the application. May
   * replace its payload. false: refused. */
  bool (*on_publication)(void *user, gw_connection *c, gw_draft *draft,
                         gw_refusal *refusal);
  /** A connection that was upgraded has ended, welcomed or not. */
  void (*on_disconnect)(void *user, gw_connection *c, const gw_end *end);
} gw_middleware;

#endif
