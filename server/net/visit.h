/* SPDX-License-Identifier: MIT */
/* visit.h - a request of the public listener as far as it decides who comes and
 * by which way: the client's address, its route, what handlers are shown. */
#ifndef GODWIT_SERVER_VISIT_H
#define GODWIT_SERVER_VISIT_H

#include <libwebsockets.h>

#include "server/edge/path.h"
#include "server/edge/request.h"
#include "server/net/edge.h"
#include "server/net/handshakes.h"

typedef struct gw_visit {
  char path[GW_PATH_MAX]; /**< decoded; empty: too long, or not to be read */
  gw_peer socket_peer;    /**< by gw_visit_socket_peer */
  gw_peer peer;           /**< the same, or who it comes from by its headers */
  bool is_secure;
  bool is_early; /**< its proxy took it from TLS early data (RFC 8470) */
  const gw_route *route; /**< NULL: none of this path */
  gw_values values;      /**< views into path */
  const gw_hub *hub;     /**< of the worker that it came to; NULL: none */
} gw_visit;

/** The client of a socket: by its PROXY header, or its own address. */
gw_peer gw_visit_socket_peer(struct lws *wsi);

/** Read a request; of which worker is the caller's to add. */
void gw_visit_read(gw_visit *v, const gw_edge *e, struct lws *wsi);

/**
 * What handlers are shown of it.
 *   is_upgrade  for them
 *   request     the caller frees it
 *   returns     0; GW_ERR_FULL: over http.max_request_bytes, *request has as
 *               much as fits; GW_ERR_NOMEM
 */
GW_MUST_USE int gw_visit_request(const gw_visit *v, const gw_edge *e,
                                 struct lws *wsi, bool is_upgrade,
                                 gw_request **request);

/** What its route gives it: *bound is NULL when that is nothing. 0;
 * GW_ERR_INVALID: the name of a channel would be too long; GW_ERR_NOMEM. */
GW_MUST_USE int gw_visit_bind(const gw_visit *v, size_t max_channel_bytes,
                              gw_bound **bound);

#endif
