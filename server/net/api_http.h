/* SPDX-License-Identifier: MIT */
/* api_http.h - POST /v1/api/METHOD: a request is read, checked, asked on a
 * worker, and its reply written, all without waiting. */
#ifndef GODWIT_SERVER_API_HTTP_H
#define GODWIT_SERVER_API_HTTP_H

#include <libwebsockets.h>
#include <pthread.h>
#include <uv.h>

#include "godwit/server.h"

/*
 *   control loop                          worker
 *   headers, body -> request --task-----> gw_hub_api
 *   writable, reply <-- inbox, wake-up -- on_reply
 *
 * A request belongs to the loop, but while it is asked to the worker. Its
 * connection may go meanwhile; then the reply is dropped when it comes.
 */
typedef struct gw_api_request gw_api_request;

#define GW_API_PATH "/v1/api/"

/** How long a reply may take: calls wait for a minute at most. */
#define GW_API_TIMEOUT_S 70u

typedef struct gw_api_http {
  /* private */
  gw_server *server;
  uv_async_t wake;
  pthread_mutex_t lock;
  gw_api_request *answered; /* by workers, the last first */
  bool is_open;
} gw_api_http;

GW_MUST_USE int gw_api_http_open(gw_api_http *a, gw_server *server);
/** Begin to close; the loop has to run, and all workers be freed. */
void gw_api_http_close(gw_api_http *a);
void gw_api_http_free(gw_api_http *a);

/** A request has come, its path being GW_API_PATH and method. What the callback
 * has to return; *request is set while a body is waited for. */
int gw_api_http_begin(gw_api_http *a, struct lws *wsi, const char *method,
                      gw_api_request **request);
int gw_api_http_body(gw_api_http *a, struct lws *wsi, gw_view part,
                     gw_api_request **request);
int gw_api_http_body_end(gw_api_http *a, struct lws *wsi,
                         gw_api_request **request);
/** Say no, in the log too, before the body was read: what follows on the
 * connection is no request. What the callback has to return. */
int gw_api_http_refuse(gw_api_http *a, struct lws *wsi, unsigned status,
                       uint32_t code, const char *message);
/** The connection can be written to. */
int gw_api_http_write(struct lws *wsi, gw_api_request **request);
/** The connection is gone. */
void gw_api_http_gone(gw_api_http *a, gw_api_request **request);

/** GET of the document. */
int gw_api_http_openapi(struct lws *wsi);

#endif
