/* SPDX-License-Identifier: MIT */
/* request.h - the HTTP request that a connection began with, as handlers,
 * middleware and plugins see it. */
#ifndef GODWIT_REQUEST_H
#define GODWIT_REQUEST_H

#include "godwit/wire.h"

/*
 * A request is a copy that was made before the upgrade; nothing in it changes.
 * Its views are valid as long as it is: until the function that was given it
 * returns, or for the life of the connection where it is kept. Texts are as the
 * client sent them, percent-decoded, and may hold any bytes but NUL.
 */

/** A request; what it holds is asked for by the functions below. */
typedef struct gw_request gw_request;

/** Path, decoded; without the query. */
gw_view gw_request_path(const gw_request *r);
/** Pattern of the route, such as "/rooms/:id"; "": none fits. */
const char *gw_request_route(const gw_request *r);
/** Address of the client; behind proxies that are trusted, of the client all the
 * same. "unix": a process of this machine. */
gw_view gw_request_peer(const gw_request *r);
/** Whether the client speaks TLS: with the server, or with such a proxy. */
bool gw_request_is_secure(const gw_request *r);
/** Whether a WebSocket is asked for, and not a page. */
bool gw_request_is_upgrade(const gw_request *r);

/** Named values of a request. */
enum gw_request_part {
  GW_REQUEST_PARAM,  /**< of the route: "id" of /rooms/:id */
  GW_REQUEST_QUERY,  /**< of the URL: "x" of ?x=1 */
  GW_REQUEST_HEADER, /**< those that http.headers names, in lower case */
  GW_REQUEST_TLS     /**< "version", "cipher", "server_name"; with the server */
};

/** The first value of a name; empty when there is none. */
gw_view gw_request_get(const gw_request *r, enum gw_request_part part,
                       const char *name);
/** The i-th name and value, from 0 on; false after the last. */
bool gw_request_item(const gw_request *r, enum gw_request_part part, size_t i,
                     gw_view *name, gw_view *value);

/** A cookie; http.headers has to name "cookie". Empty when there is none. */
gw_view gw_request_cookie(const gw_request *r, const char *name);

#endif
