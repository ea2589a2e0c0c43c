/* SPDX-License-Identifier: MIT */
/* handshakes.h - sockets that have not sent a whole request yet, and what is
 * known of a socket as long as it is open. */
#ifndef GODWIT_SERVER_HANDSHAKES_H
#define GODWIT_SERVER_HANDSHAKES_H

#include <libwebsockets.h>
#include <stdint.h>

#include "server/core/bond.h"
#include "server/edge/peer.h"
#include "server/edge/route.h"
#include "server/middleware/connection.h"
#include "server/net/addresses.h"
#include "server/net/files.h"
#include "server/net/ring.h"

/** A request of a live client comes with its connection, or with TLS a ClientHello
 * does, and the rest in two more steps. When there is no room for another, those
 * that were silent for this long make room: opening sockets and saying nothing
 * shuts nobody out. */
#define GW_HANDSHAKES_GRACE_MS 500u

/** What a route gave a connection: texts and all in one block. */
typedef struct gw_bound {
  gw_bond bond;
  gw_view channels[GW_ROUTE_CHANNELS_MAX];
  char texts[];
} gw_bound;

/** One socket; libwebsockets keeps it as the socket's opaque user data. After the
 * handshake only those stay that have something to say. */
typedef struct gw_socket {
  gw_link link; /**< the first field; in the ring while it is waited for */
  struct lws *wsi;
  uint64_t since_ms;
  bool is_cut;
  /* public */
  bool is_proxied; /**< peer is what a PROXY header said */
  bool is_secure;  /**< and so is this */
  gw_peer peer;    /**< unknown: nobody has asked */
  bool is_counted; /**< its address has to be told of its end */
  gw_source address;
  uint32_t refusal; /**< enum gw_code: it is open to be told this; 0: welcome */
  uint32_t retry_after_ms;
  const gw_route *route;     /**< that it was upgraded by; NULL: not yet */
  gw_connection_state state; /**< for handlers */
  gw_bound *bound;           /**< NULL: to nothing */
  gw_sending *sending;       /**< a file; NULL */
} gw_socket;

/** NULL: nothing is known. */
gw_socket *gw_socket_of(struct lws *wsi);

/** The same, made if there is none. NULL when out of memory. */
gw_socket *gw_socket_get(struct lws *wsi);

/** Forget what has nothing to say any more. */
void gw_socket_settle(struct lws *wsi);

/** Forget a socket that is gone; gw_handshakes_remove comes first. */
void gw_socket_free(struct lws *wsi);

/** Silent for the longest first. */
typedef struct gw_handshakes {
  /* read-only */
  size_t num;
  /* private */
  gw_link ring;
} gw_handshakes;

void gw_handshakes_init(gw_handshakes *h);

/** A socket was accepted. NULL when out of memory: then it counts as one that has
 * sent its request. */
gw_socket *gw_handshakes_add(gw_handshakes *h, struct lws *wsi,
                             uint64_t now_ms);

/** It has come a step nearer to its request. */
void gw_handshakes_touch(gw_handshakes *h, struct lws *wsi, uint64_t now_ms);

/** It sent its request. Returns whether it was waited for; gw_socket_settle comes
 * when that is answered. */
bool gw_handshakes_remove(gw_handshakes *h, struct lws *wsi);

/** Cut the first, if it had its time and nothing of it waits to be read, which
 * would be our own slowness. Its end is told like any other. */
bool gw_handshakes_evict(gw_handshakes *h, uint64_t now_ms);

#endif
