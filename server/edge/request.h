/* SPDX-License-Identifier: MIT */
/* request.h - how a gw_request is made: piece by piece, within a cap, in one
 * block of memory. */
#ifndef GODWIT_EDGE_REQUEST_H
#define GODWIT_EDGE_REQUEST_H

#include "godwit/request.h"
#include "server/edge/peer.h"
#include "server/edge/route.h"

typedef struct gw_hub gw_hub;

/** Named values of a request at most: libwebsockets itself reads about a hundred
 * headers and arguments. */
#define GW_REQUEST_ITEMS_MAX 128u

/** A request in the making; gw_request_build is the end of it. */
typedef struct gw_request_maker {
  /* public, set before the build */
  gw_view path;
  const gw_route *route; /**< NULL: none */
  const gw_hub *hub;     /**< of the worker that it came to; NULL: none */
  gw_peer peer;
  bool is_secure;
  bool is_upgrade;
  /* private */
  struct {
    uint8_t part;
    uint32_t name_at, name_len, value_at, value_len;
  } items[GW_REQUEST_ITEMS_MAX];
  size_t num_items;
  char *bytes; /* the caller's */
  size_t len;
  size_t cap;
} gw_request_maker;

/** bytes: space for all texts of items together, of the caller's; cap is what a
 * request may have. */
void gw_request_begin(gw_request_maker *m, char *bytes, size_t cap);

/** Add a value. 0; GW_ERR_FULL: over the cap, or too many. */
GW_MUST_USE int gw_request_add(gw_request_maker *m, enum gw_request_part part,
                               gw_view name, gw_view value);

/** NULL when out of memory. The caller frees it by gw_request_free. */
gw_request *gw_request_build(const gw_request_maker *m);

/** A copy with nothing but route, peer and parameters; NULL when out of memory. */
gw_request *gw_request_slim(const gw_request *r);

void gw_request_free(gw_request *r); /**< NULL is fine */

/** Of the worker that it came to, for links that are built in; NULL: a slim one. */
const gw_hub *gw_request_hub(const gw_request *r);

/** Bytes that it takes. */
size_t gw_request_bytes(const gw_request *r);

#endif
