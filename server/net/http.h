/* SPDX-License-Identifier: MIT */
/* http.h - short answers to HTTP requests, and the one format of errors. */
#ifndef GODWIT_SERVER_HTTP_H
#define GODWIT_SERVER_HTTP_H

#include <libwebsockets.h>

#include "godwit/wire.h"

/** Room for the path of a request; longer ones are not found. */
#define GW_HTTP_PATH_MAX 256u

/** For pages: scripts and styles of our own only, WebSockets to anywhere. WebKit
 * takes a directive that it does not know, such as manifest-src, for an error. */
#define GW_HTTP_CSP                                                       \
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "            \
  "style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; " \
  "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

typedef struct gw_http_reply {
  unsigned status;
  const char *content_type;
  gw_view body;
  unsigned retry_after_s; /**< 0: none is told */
  const char *location;   /**< NULL: none */
  const char *csp;        /**< of a page; NULL: nothing is allowed to it */
  const char *set_cookie; /**< NULL: none */
  const char *allow;      /**< methods, with 405; NULL: GET and HEAD */
  bool closes;            /**< the connection is of no more use */
} gw_http_reply;

/** Headers for whatever is answered: none of it is to be guessed at, framed, or
 * read by pages of others. false: no room. */
bool gw_http_add_safe_headers(struct lws *wsi, uint8_t **p, uint8_t *end);

enum gw_http_method { GW_HTTP_GET, GW_HTTP_HEAD, GW_HTTP_POST, GW_HTTP_OTHER };

/** The method of a request, and its path without arguments. An empty path when
 * it is too long, or not plain: a "..", an empty or a hidden part, or a byte
 * that no path of ours has. */
enum gw_http_method gw_http_request(struct lws *wsi,
                                    char path[GW_HTTP_PATH_MAX]);

enum gw_http_body {
  GW_HTTP_BODY_NONE,
  GW_HTTP_BODY_SOME,
  GW_HTTP_BODY_UNCLEAR /**< refuse it, and close */
};

/** Whether a body follows the request. Unclear: what libwebsockets takes for its
 * end may not be what a proxy in front does (RFC 9112 11.2), as by a length that
 * is none or said twice, or by a Transfer-Encoding, which nobody sends us. */
enum gw_http_body gw_http_body_of(struct lws *wsi);

/** Write an answer. 0, or -1 when the connection is broken. */
GW_MUST_USE int gw_http_write(struct lws *wsi, const gw_http_reply *r);

/** An answer that says no. */
typedef struct gw_http_refusal {
  unsigned status;
  uint32_t code;          /**< enum gw_code */
  const char *message;    /**< any text */
  unsigned retry_after_s; /**< 0: none is told */
  const char *allow;      /**< as of a reply */
  bool closes;
} gw_http_refusal;

/** Write {"error":{"code":..,"name":..,"message":..}}. */
GW_MUST_USE int gw_http_write_refusal(struct lws *wsi,
                                      const gw_http_refusal *r);
/** The same in short. */
GW_MUST_USE int gw_http_write_error(struct lws *wsi, unsigned status,
                                    uint32_t code, const char *message,
                                    bool closes);
/** The same for somebody who is to come back later: 429, and the connection is
 * closed. */
GW_MUST_USE int gw_http_write_limited(struct lws *wsi, uint32_t code,
                                      uint32_t retry_after_ms);

/** End of a request that was answered: what the callback has to return. */
GW_MUST_USE int gw_http_done(struct lws *wsi, int written);

#endif
