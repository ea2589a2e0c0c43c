/* SPDX-License-Identifier: MIT */
/* public.c - what the public listener serves: WebSockets, and in development
 * the demo; everything else is an error that says so. */
#include <string.h>

#include "server/net/http.h"
#include "server/net/worker.h"

static gw_worker *worker_of(struct lws *wsi) {
  return lws_context_user(lws_get_context(wsi));
}

static void log_refused(gw_worker *w, struct lws *wsi, const char *event,
                        unsigned status, const char *path, const char *why) {
  char peer[64] = "";
  gw_fields f;
  if (!gw_log_is_on(w->options.log, GW_LOG_INFO)) return;
  lws_get_peer_simple(wsi, peer, sizeof peer);
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", peer);
  gw_fields_number(&f, "status", status);
  if (path) gw_fields_text(&f, "path", path);
  gw_fields_text(&f, "why", why);
  gw_log_write(w->options.log, GW_LOG_INFO, event, f.text);
}

/* ---- upgrades ----------------------------------------------------------- */

static int refuse_upgrade(gw_worker *w, struct lws *wsi, unsigned status,
                          uint32_t code, const char *why) {
  char origin[128];
  gw_stat_add(&w->stats.http_requests_total, 1);
  gw_stat_add(&w->stats.upgrades_refused_total, 1);
  /* The page's origin stands where a path would. */
  if (lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) < 0)
    origin[0] = '\0';
  log_refused(w, wsi, "ws.refused", status, origin, why);
  return gw_http_write_error(wsi, status, code, why, true) < 0 ? -1 : 1;
}

/* Returns 0 to go on, 1 when an answer was written, -1 to hang up. */
static int on_upgrade(gw_worker *w, struct lws *wsi) {
  char upgrade[16];
  /* Only through its copy: after an upgrade that it does not know, on a kept
   * connection, libwebsockets 4.1 comes here with headers that it has freed. */
  if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0 ||
      lws_hdr_copy(wsi, upgrade, sizeof upgrade, WSI_TOKEN_UPGRADE) < 0)
    return -1;
  const char *why = "there is no other upgrade than websocket";
  if (strcasecmp(upgrade, "websocket") == 0) why = gw_ws_check_upgrade(wsi);
  if (why) return refuse_upgrade(w, wsi, 400, GW_CODE_BAD_REQUEST, why);
  if (gw_worker_allows_origin(w, wsi)) return 0;
  gw_stat_add(&w->stats.origins_refused_total, 1);
  return refuse_upgrade(w, wsi, 403, GW_CODE_BAD_ORIGIN,
                        "pages of this origin may not connect; origins in the "
                        "configuration lists those that may");
}

/* ---- requests ----------------------------------------------------------- */

static int answer_error(gw_worker *w, struct lws *wsi, unsigned status,
                        uint32_t code, const char *path, const char *why) {
  gw_stat_add(&w->stats.http_errors_total, 1);
  log_refused(w, wsi, "http.refused", status, path, why);
  return gw_http_done(wsi, gw_http_write_error(wsi, status, code, why, false));
}

static int on_request(gw_worker *w, struct lws *wsi, gw_view uri) {
  char path[GW_HTTP_PATH_MAX], shown[GW_HTTP_PATH_MAX];
  enum gw_http_method method = gw_http_request(wsi, path);
  size_t len = uri.len < sizeof shown ? uri.len : sizeof shown - 1;
  memcpy(shown, uri.data, len);
  shown[len] = '\0';
  gw_stat_add(&w->stats.http_requests_total, 1);
  const gw_socket *socket = gw_socket_of(wsi);
  if (socket && socket->refusal) {
    gw_stat_add(&w->stats.http_errors_total, 1);
    return gw_http_done(wsi, gw_http_write_limited(wsi, socket->refusal,
                                                   socket->retry_after_ms));
  }
  if (method == GW_HTTP_OTHER || method == GW_HTTP_POST)
    return answer_error(w, wsi, 405, GW_CODE_BAD_REQUEST, shown,
                        "only GET and HEAD are answered here");
  if (strcmp(path, GW_WS_PATH) == 0)
    return answer_error(w, wsi, 426, GW_CODE_BAD_REQUEST, shown,
                        "this is for WebSocket connections");
  if (w->options.demo && path[0]) {
    int result = gw_demo_serve(w->options.demo, wsi, path);
    if (result <= 0) return result;
    if (strncmp(path, "/sdk/", 5) == 0 && !w->options.demo->sdk[0])
      return answer_error(w, wsi, 404, GW_CODE_NOT_FOUND, shown,
                          "the SDK is not built: run `make wasm`");
  }
  return answer_error(w, wsi, 404, GW_CODE_NOT_FOUND, shown,
                      w->options.demo
                          ? "there is nothing here"
                          : "there is nothing here; with --dev the server "
                            "shows a demo");
}

/* ---- callbacks ---------------------------------------------------------- */

static void on_socket_gone(gw_worker *w, struct lws *wsi) {
  gw_stat_sub(&w->stats.sockets, 1);
  bool was_waited_for = gw_worker_end_handshake(w, wsi);
  const gw_socket *socket = gw_socket_of(wsi);
  if (socket) {
    gw_worker_see_off(w, socket);
    gw_socket_free(wsi);
  }
  if (!was_waited_for) return;
  gw_stat_add(&w->stats.handshakes_failed_total, 1);
  gw_log_write(w->options.log, GW_LOG_INFO, "http.incomplete",
               "why=\"the connection ended before a valid request\"");
}

/* HTTP, and WebSockets that named no subprotocol: JSON, by the URL. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason,
                   void *user, void *in, size_t len) {
  gw_worker *w = worker_of(wsi);
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
    return on_upgrade(w, wsi);
  case LWS_CALLBACK_HTTP:
    gw_worker_end_handshake(w, wsi);
    return on_request(w, wsi, (gw_view){in, len});
  case LWS_CALLBACK_ESTABLISHED:
  case LWS_CALLBACK_RECEIVE:
  case LWS_CALLBACK_SERVER_WRITEABLE:
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
  case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
  case LWS_CALLBACK_CLOSED:
    return gw_ws_on_event(&w->ws, wsi, reason, user, GW_ENCODING_JSON, in, len);
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
  return gw_ws_on_event(&w->ws, wsi, reason, user, GW_ENCODING_BINARY, in, len);
}

static int on_json(struct lws *wsi, enum lws_callback_reasons reason,
                   void *user, void *in, size_t len) {
  gw_worker *w = worker_of(wsi);
  return gw_ws_on_event(&w->ws, wsi, reason, user, GW_ENCODING_JSON, in, len);
}

/* Writes are as large as they come: what the kernel does not take is kept. */
#define TX_BYTES (1024u * 1024u)

const struct lws_protocols gw_public_protocols[] = {
    {.name = "http",
     .callback = on_http,
     .per_session_data_size = sizeof(gw_ws_conn),
     .rx_buffer_size = GW_WS_RX_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = GW_WS_BINARY,
     .callback = on_binary,
     .per_session_data_size = sizeof(gw_ws_conn),
     .rx_buffer_size = GW_WS_RX_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = GW_WS_JSON,
     .callback = on_json,
     .per_session_data_size = sizeof(gw_ws_conn),
     .rx_buffer_size = GW_WS_RX_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = NULL},
};
