/* SPDX-License-Identifier: MIT */
/* admin_http.h - /admin of the internal listener: the page, logging in and out,
 * and whether a request to the API is an administrator's. */
#ifndef GODWIT_SERVER_ADMIN_HTTP_H
#define GODWIT_SERVER_ADMIN_HTTP_H

#include <libwebsockets.h>
#include <uv.h>

#include "godwit/server.h"
#include "server/admin/admin.h"
#include "server/config/config.h"
#include "server/core/api.h"
#include "server/edge/peer.h"

/*
 *   control loop                          a thread of libuv's
 *   headers, body -> request ------work-> scrypt, a quarter of a second
 *   writable, answer <------------------- whether it is the password
 *
 * The loop answers health checks and the API meanwhile. A request's connection
 * may go before its thread is done; then nothing comes of it.
 */
typedef struct gw_admin_request gw_admin_request;

#define GW_ADMIN_PATH "/admin"

/** Passwords that are looked at at once: each takes 32 MiB or more, and libuv has
 * four threads, which also read files. */
#define GW_ADMIN_HASHING_MAX 2u
/** Those who come while as many are looked at come again so much later. */
#define GW_ADMIN_HASHING_RETRY_S 1u

/** Bytes of the request to log in. */
#define GW_ADMIN_LOGIN_BYTES 4096u

/** How long logging in may take, once its request is there. */
#define GW_ADMIN_TIMEOUT_S 60

typedef struct gw_admin_http {
  /* read-only */
  bool is_on; /**< there are administrators */
  gw_admin admin;
  /* private */
  gw_server *server;
  size_t num_hashing;
} gw_admin_http;

/** Room for a sentence about an administrator of the configuration. */
#define GW_ADMIN_HTTP_WHY_MAX 1024u
/** Add one of the configuration, from its file if it names one. As
 * gw_admin_users_add; why begins with the key. After sodium_init. */
GW_MUST_USE int gw_admin_http_add_user(gw_admin_users *users,
                                       const gw_config_admin_user *u,
                                       char why[GW_ADMIN_HTTP_WHY_MAX]);

/** From the configuration. 0; GW_ERR_INVALID, which is told; GW_ERR_NOMEM,
 * GW_ERR_STATE. */
GW_MUST_USE int gw_admin_http_open(gw_admin_http *a, gw_server *server);
/** When the loop has nothing left to do. */
void gw_admin_http_free(gw_admin_http *a);

/** Whether a path is one of these. */
bool gw_admin_http_is_path(const char *path);

/* ---- requests, as in api_http.h: what the callback has to return -------------- */

/** GET or HEAD. */
int gw_admin_http_get(gw_admin_http *a, struct lws *wsi, const char *path);
/** POST; *request is set while a body or a thread is waited for. */
int gw_admin_http_post(gw_admin_http *a, struct lws *wsi, const char *path,
                       gw_admin_request **request);
int gw_admin_http_body(struct lws *wsi, gw_view part,
                       gw_admin_request **request);
int gw_admin_http_body_end(struct lws *wsi, gw_admin_request **request);
int gw_admin_http_write(struct lws *wsi, gw_admin_request **request);
void gw_admin_http_gone(gw_admin_request **request);

/* ---- the API ------------------------------------------------------------------ */

/** Who asks, or why not. */
typedef struct gw_admin_asker {
  const gw_admin_user *user; /**< NULL: refused */
  bool is_background;        /**< the page asks by itself, to stay up to date */
  unsigned status;
  uint32_t code;
  const char *why;
  char peer[GW_PEER_TEXT_MAX];
} gw_admin_asker;

/** Whether a request wants to be an administrator's: it shows a token. */
bool gw_admin_http_is_asking(const gw_admin_http *a, struct lws *wsi);
/** Look at its origin, cookie and token. */
void gw_admin_http_check(gw_admin_http *a, struct lws *wsi,
                         gw_admin_asker *asker);
/** Log that an administrator calls a method. request: encoded. What an open page
 * looks at by itself every few seconds is for debugging only. */
void gw_admin_http_audit(gw_admin_http *a, const gw_admin_asker *asker,
                         const gw_api_method *m, gw_view request);

#endif
