/* SPDX-License-Identifier: MIT */
/* public.c - what the public listener serves: WebSockets by their routes, files,
 * in development the demo; everything else is an error that says so. */
#include <stdio.h>
#include <string.h>

#include "server/edge/conditional.h"
#include "server/net/api_http.h"
#include "server/net/http.h"
#include "server/net/visit.h"
#include "server/net/worker.h"

static gw_worker *worker_of(struct lws *wsi) {
  return lws_context_user(lws_get_context(wsi));
}

/* ---- refusing ------------------------------------------------------------- */

/* A request that is answered: what is known of it. */
typedef struct asked {
  gw_visit visit;
  gw_request *request; /* what handlers are shown; NULL: nobody is */
  char origin[128];    /* of a page that may not connect */
  enum gw_http_method method;
  bool is_upgrade;
  bool closes; /* what follows on the connection is no request */
} asked;

static void log_refused(gw_worker *w, const asked *a, const gw_refusal *no) {
  char peer[GW_PEER_TEXT_MAX];
  gw_fields f;
  if (!gw_log_is_on(w->options.log, GW_LOG_INFO)) return;
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", gw_peer_text(&a->visit.peer, peer));
  gw_fields_number(&f, "status", no->status);
  if (a->visit.path[0]) gw_fields_text(&f, "path", a->visit.path);
  if (a->origin[0]) gw_fields_text(&f, "origin", a->origin);
  gw_fields_text(&f, "why", no->message);
  gw_log_write(w->options.log, GW_LOG_INFO,
               a->is_upgrade ? "ws.refused" : "http.refused", f.text);
}

static int write_refusal(struct lws *wsi, const gw_refusal *no, bool closes) {
  unsigned retry_after_s = (no->retry_after_ms + 999) / 1000;
  if (no->body.len == 0)
    return gw_http_write_refusal(
        wsi, &(gw_http_refusal){.status = no->status,
                                .code = no->code,
                                .message = no->message,
                                .retry_after_s = retry_after_s,
                                .closes = closes});
  return gw_http_write(
      wsi, &(gw_http_reply){.status = no->status,
                            .content_type = no->content_type
                                                ? no->content_type
                                                : "text/plain; charset=utf-8",
                            .body = no->body,
                            .retry_after_s = retry_after_s,
                            .closes = closes});
}

/* The answer that says no. 0, or -1 when the connection is broken. */
static int refuse(gw_worker *w, struct lws *wsi, const asked *a,
                  const gw_refusal *why) {
  gw_refusal no = *why;
  if (no.status < 400 || no.status > 599) no.status = 403;
  if (no.code == GW_CODE_OK || no.code >= 1000)
    no.code = GW_CODE_PERMISSION_DENIED;
  if (!no.message || !gw_view_is_text(gw_view_of(no.message)))
    no.message = gw_code_text(no.code);
  gw_stat_add(a->is_upgrade ? &w->stats.upgrades_refused_total
                            : &w->stats.http_errors_total,
              1);
  log_refused(w, a, &no);
  if (a->request) gw_chain_refused(&w->options.edge->chain, a->request, &no);
  return write_refusal(wsi, &no, a->is_upgrade || a->closes);
}

static gw_refusal because(unsigned status, uint32_t code, const char *message) {
  return (gw_refusal){.status = status, .code = code, .message = message};
}

/* ---- what every request passes ---------------------------------------------- */

/* No request has a body here, and nobody waits for one: that could be slow, or end
 * elsewhere than a proxy in front thinks. Other methods than GET are refused
 * later. */
static bool check_body(struct lws *wsi, asked *a, gw_refusal *no) {
  char ignored[GW_HTTP_PATH_MAX];
  enum gw_http_body body = gw_http_body_of(wsi);
  a->method = gw_http_request(wsi, ignored);
  bool is_read = a->method == GW_HTTP_GET || a->method == GW_HTTP_HEAD;
  a->closes = body != GW_HTTP_BODY_NONE || !is_read;
  *no = because(400, GW_CODE_BAD_REQUEST,
                body == GW_HTTP_BODY_UNCLEAR
                    ? "it is not clear where the body ends"
                    : "no request has a body here");
  return body == GW_HTTP_BODY_NONE ||
         (body == GW_HTTP_BODY_SOME && !is_read && !a->is_upgrade);
}

/* Reads it, for handlers too if they want to see it. false: *no says why it is
 * refused. */
static bool read_request(gw_worker *w, struct lws *wsi, bool is_upgrade,
                         asked *a, gw_refusal *no) {
  const gw_edge *e = w->options.edge;
  *a = (asked){.is_upgrade = is_upgrade};
  gw_visit_read(&a->visit, e, wsi);
  a->visit.hub = w->hub;
  if (!check_body(wsi, a, no)) return false;
  uint32_t wants = gw_edge_wants(e, a->visit.route);
  bool is_shown = is_upgrade
                      ? wants != 0 || e->hooks_want || a->visit.values.num != 0
                      : (wants & (GW_CHAIN_REQUEST | GW_CHAIN_REFUSED)) != 0;
  int err = is_shown
                ? gw_visit_request(&a->visit, e, wsi, is_upgrade, &a->request)
                : 0;
  if (err == 0) return true;
  *no = err == GW_ERR_FULL ? because(431, GW_CODE_TOO_BIG,
                                     "headers and query are larger than "
                                     "http.max_request_bytes")
                           : because(503, GW_CODE_OVERLOADED, "out of memory");
  return false;
}

/* Whether the chain lets it pass, and it may be answered at all. */
static bool pass(const gw_worker *w, const asked *a, gw_refusal *no) {
  const gw_edge *e = w->options.edge;
  size_t handlers =
      a->is_upgrade && a->visit.route ? a->visit.route->handlers : 0;
  if (a->request && !gw_chain_request(&e->chain, handlers, a->request, no))
    return false;
  /* It may be a repeat of somebody else's: the client has to ask again. */
  *no = because(425, GW_CODE_BAD_REQUEST,
                "requests in TLS early data are not answered");
  return !a->visit.is_early;
}

/* ---- upgrades ------------------------------------------------------------- */

/* Whether the route takes it; else *no. */
static bool check_upgrade(gw_worker *w, struct lws *wsi, asked *a,
                          gw_refusal *no) {
  const gw_visit *v = &a->visit;
  if (!v->path[0]) {
    *no = because(400, GW_CODE_BAD_REQUEST, "the path cannot be read");
    return false;
  }
  if (!v->route) {
    *no = because(404, GW_CODE_NOT_FOUND,
                  "no WebSocket connections are taken at this path");
    return false;
  }
  *no = because(426, GW_CODE_BAD_REQUEST, "Sec-WebSocket-Version has to be 13");
  if (!gw_ws_speaks_version(wsi)) return false;
  *no = because(400, GW_CODE_BAD_REQUEST,
                gw_ws_check_upgrade(wsi, v->route->speaks));
  if (no->message) return false;
  if (gw_worker_allows_origin(w, v->route, wsi)) return true;
  *no = because(403, GW_CODE_BAD_ORIGIN,
                "pages of this origin may not connect here; origins in the "
                "configuration lists those that may");
  gw_stat_add(&w->stats.origins_refused_total, 1);
  if (lws_hdr_copy(wsi, a->origin, sizeof a->origin, WSI_TOKEN_ORIGIN) < 0)
    snprintf(a->origin, sizeof a->origin, "(too long)");
  return false;
}

/* Keeps with the socket what has to outlive the request. false: *no. */
static bool settle(gw_worker *w, struct lws *wsi, asked *a, gw_refusal *no) {
  gw_bound *bound;
  const gw_settings *settings = w->options.hub.settings;
  int err =
      gw_visit_bind(&a->visit, settings->limits.max_channel_bytes, &bound);
  *no = because(404, GW_CODE_BAD_CHANNEL,
                "the path makes the name of a channel too long");
  if (err == GW_ERR_INVALID) return false;
  if (err == 0 && gw_worker_keep(w, wsi, &a->visit, bound, a->request)) {
    a->request = NULL;
    return true;
  }
  free(bound);
  *no = because(503, GW_CODE_OVERLOADED, "out of memory");
  return false;
}

/* Returns 0 to go on, 1 when an answer was written, -1 to hang up. */
static int on_upgrade(gw_worker *w, struct lws *wsi) {
  char upgrade[16];
  asked a;
  gw_refusal no;
  /* Only through its copy: after an upgrade that it does not know, on a kept
   * connection, libwebsockets 4.1 comes here with headers that it has freed. */
  if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0 ||
      lws_hdr_copy(wsi, upgrade, sizeof upgrade, WSI_TOKEN_UPGRADE) < 0)
    return -1;
  bool is_good = read_request(w, wsi, true, &a, &no) && pass(w, &a, &no);
  if (is_good && strcasecmp(upgrade, "websocket") != 0) {
    no = because(400, GW_CODE_BAD_REQUEST,
                 "there is no other upgrade than websocket");
    is_good = false;
  }
  is_good =
      is_good && check_upgrade(w, wsi, &a, &no) && settle(w, wsi, &a, &no);
  int result = 0;
  if (!is_good) {
    gw_stat_add(&w->stats.http_requests_total, 1);
    result = refuse(w, wsi, &a, &no) < 0 ? -1 : 1;
  }
  gw_request_free(a.request);
  return result;
}

/* ---- files ------------------------------------------------------------------ */

static unsigned codings_of(struct lws *wsi) {
  char text[256];
  unsigned codings = 0;
  int len =
      lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_ACCEPT_ENCODING);
  if (len <= 0) return 0;
  if (gw_accepts_coding(gw_view_of(text), "br")) codings |= GW_CODING_BR;
  if (gw_accepts_coding(gw_view_of(text), "gzip")) codings |= GW_CODING_GZIP;
  /* A part is of the file itself, not of a packed one. */
  return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_RANGE) > 0 ? 0 : codings;
}

/* A folder is asked for as if it were a file. */
static int redirect(struct lws *wsi, const char *path) {
  char location[3 * GW_PATH_MAX + 2];
  size_t len = gw_path_encode(gw_view_of(path), location, sizeof location - 1);
  location[len++] = '/';
  location[len] = '\0';
  return gw_http_write(wsi, &(gw_http_reply){.status = 301,
                                             .content_type = "text/plain",
                                             .location = location});
}

/* What the callback has to return; 1: no file, and *no may say more than that. */
static int serve_file(gw_worker *w, struct lws *wsi, const asked *a,
                      gw_refusal *no) {
  const gw_edge *e = w->options.edge;
  gw_file file;
  switch (gw_mounts_open(&e->mounts, gw_view_of(a->visit.path), codings_of(wsi),
                         e->config->http_max_file_bytes, &file)) {
  case GW_MOUNTS_FILE:
    break;
  case GW_MOUNTS_FOLDER:
    return gw_http_done(wsi, redirect(wsi, a->visit.path));
  case GW_MOUNTS_LARGE:
    *no = because(403, GW_CODE_TOO_BIG,
                  "the file is larger than http.max_file_bytes");
    return 1;
  default:
    return 1;
  }
  gw_socket *socket = gw_socket_get(wsi);
  int result = 1;
  if (socket)
    result = gw_files_serve(&w->files, wsi, &file, &socket->sending);
  else
    close(file.fd);
  if (result == 1) {
    *no = because(503, GW_CODE_OVERLOADED, "too many files are on their way");
    no->retry_after_ms = 1000;
  }
  return result;
}

static int on_writable(struct lws *wsi) {
  gw_socket *socket = gw_socket_of(wsi);
  if (!socket || !socket->sending) return 0;
  int result = gw_files_write(&socket->sending);
  gw_socket_settle(wsi);
  return result;
}

/* ---- requests ------------------------------------------------------------- */

static gw_refusal not_found(const gw_worker *w, const asked *a) {
  const gw_demo *demo = w->options.demo;
  if (a->visit.route)
    return because(426, GW_CODE_BAD_REQUEST,
                   "this is for WebSocket connections");
  if (demo && strncmp(a->visit.path, "/sdk/", 5) == 0 && !demo->sdk[0])
    return because(404, GW_CODE_NOT_FOUND,
                   "the SDK is not built: run `make wasm`");
  return because(404, GW_CODE_NOT_FOUND,
                 demo ? "there is nothing here"
                      : "there is nothing here; with --dev the server shows a "
                        "demo");
}

/* The ports of the two listeners are easily taken for each other. */
static bool is_for_internal(const asked *a) {
  return strncmp(a->visit.path, GW_API_PATH, sizeof GW_API_PATH - 1) == 0;
}

/* What the callback has to return; 1: *no says why it is refused. */
static int answer(gw_worker *w, struct lws *wsi, const asked *a,
                  gw_refusal *no) {
  if (!pass(w, a, no)) return 1;
  *no = because(404, GW_CODE_NOT_FOUND,
                "the API is at listen.internal, another port than this one");
  if (is_for_internal(a)) return 1;
  *no =
      because(405, GW_CODE_BAD_REQUEST, "only GET and HEAD are answered here");
  if (a->method != GW_HTTP_GET && a->method != GW_HTTP_HEAD) return 1;
  *no = not_found(w, a);
  return a->visit.path[0] ? serve_file(w, wsi, a, no) : 1;
}

static int on_request(gw_worker *w, struct lws *wsi) {
  asked a;
  gw_refusal no;
  gw_stat_add(&w->stats.http_requests_total, 1);
  const gw_socket *socket = gw_socket_of(wsi);
  if (socket && socket->refusal) {
    gw_stat_add(&w->stats.http_errors_total, 1);
    return gw_http_done(wsi, gw_http_write_limited(wsi, socket->refusal,
                                                   socket->retry_after_ms));
  }
  int result =
      read_request(w, wsi, false, &a, &no) ? answer(w, wsi, &a, &no) : 1;
  if (result == 1) result = gw_http_done(wsi, refuse(w, wsi, &a, &no));
  if (a.closes) result = -1;
  gw_request_free(a.request);
  return result;
}

/* ---- callbacks ---------------------------------------------------------- */

static void on_socket_gone(gw_worker *w, struct lws *wsi) {
  bool was_waited_for = gw_worker_end_handshake(w, wsi);
  const gw_socket *socket = gw_socket_of(wsi);
  if (socket) gw_worker_see_off(w, socket);
  gw_socket_free(wsi);
  gw_stat_sub(&w->stats.sockets, 1); /* last: its place is free by then */
  if (!was_waited_for) return;
  gw_stat_add(&w->stats.handshakes_failed_total, 1);
  gw_log_write(w->options.log, GW_LOG_INFO, "http.incomplete",
               "why=\"the connection ended before a valid request\"");
}

/* HTTP, and WebSockets that named no subprotocol: JSON, by the URL. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason,
                   void *user, void *in, size_t len) {
  gw_worker *w = worker_of(wsi);
  int result;
  switch (reason) {
  case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
    return gw_tls_set_up(&w->tls, user);
  case LWS_CALLBACK_WSI_CREATE:
    gw_stat_add(&w->stats.sockets, 1);
    return 0;
  case LWS_CALLBACK_WSI_DESTROY:
    on_socket_gone(w, wsi);
    return 0;
  case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    gw_worker_end_handshake(w, wsi);
    result = on_upgrade(w, wsi);
    /* What is upgraded is settled when it is open (ws_input.c). */
    if (result != 0) gw_socket_settle(wsi);
    return result;
  case LWS_CALLBACK_HTTP:
    gw_worker_end_handshake(w, wsi);
    result = on_request(w, wsi);
    gw_socket_settle(wsi);
    return result;
  case LWS_CALLBACK_HTTP_WRITEABLE:
    return on_writable(wsi);
  case LWS_CALLBACK_ESTABLISHED:
  case LWS_CALLBACK_RECEIVE:
  case LWS_CALLBACK_SERVER_WRITEABLE:
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
  case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
  case LWS_CALLBACK_CLOSED:
    return gw_ws_on_event(&w->ws, wsi, reason, user, GW_ENCODING_JSON,
                          (gw_view){in, len});
  /* A request that turns into a tunnel: there are none. */
  case LWS_CALLBACK_RAW_ADOPT:
  case LWS_CALLBACK_RAW_RX:
    return -1;
  default:
    /* Requests that are kept alive get mixed up without it. */
    return lws_callback_http_dummy(wsi, reason, user, in, len);
  }
}

static int on_binary(struct lws *wsi, enum lws_callback_reasons reason,
                     void *user, void *in, size_t len) {
  gw_worker *w = worker_of(wsi);
  return gw_ws_on_event(&w->ws, wsi, reason, user, GW_ENCODING_BINARY,
                        (gw_view){in, len});
}

static int on_json(struct lws *wsi, enum lws_callback_reasons reason,
                   void *user, void *in, size_t len) {
  gw_worker *w = worker_of(wsi);
  return gw_ws_on_event(&w->ws, wsi, reason, user, GW_ENCODING_JSON,
                        (gw_view){in, len});
}

/* Writes are as large as they come: what the kernel does not take is kept. */
#define TX_BYTES (1024u * 1024u)

const struct lws_protocols gw_public_protocols[] = {
    {.name = "http",
     .callback = on_http,
     .per_session_data_size = sizeof(gw_ws_conn),
     .rx_buffer_size = GW_WS_EARLY_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = GW_WS_BINARY,
     .callback = on_binary,
     .per_session_data_size = sizeof(gw_ws_conn),
     .rx_buffer_size = GW_WS_EARLY_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = GW_WS_JSON,
     .callback = on_json,
     .per_session_data_size = sizeof(gw_ws_conn),
     .rx_buffer_size = GW_WS_EARLY_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = NULL},
};
