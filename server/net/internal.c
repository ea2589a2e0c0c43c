/* SPDX-License-Identifier: MIT */
/* internal.c - /healthz, /readyz, /metrics, and the ways to the API and to the
 * page for administrators. */
#include "server/net/internal.h"

#include <stdlib.h>
#include <string.h>

#include "server/hooks/hooks.h"
#include "server/net/http.h"
#include "server/net/server.h"
#include "server/observe/metrics.h"

/* How often waiting questions are looked at. */
#define BEAT_POLL_MS 2u

/* Per connection: which question waits. */
typedef struct question {
  uint64_t beat; /* 0: none */
  uint64_t begun_ms;
  gw_api_request *api;
  gw_admin_request *admin;
} question;

static gw_internal *internal_of(struct lws *wsi) {
  return lws_context_user(lws_get_context(wsi));
}

/* ---- answers ------------------------------------------------------------ */

static int answer_text(struct lws *wsi, unsigned status, const char *text) {
  return gw_http_done(
      wsi, gw_http_write(wsi, &(gw_http_reply){.status = status,
                                               .content_type =
                                                   "text/plain; charset=utf-8",
                                               .body = gw_view_of(text)}));
}

static int answer_error(struct lws *wsi, unsigned status, uint32_t code,
                        const char *message) {
  return gw_http_done(wsi,
                      gw_http_write_error(wsi, status, code, message, false));
}

/* Of both logs. */
static uint64_t num_lines_suppressed(const gw_server *s) {
  const gw_access_log *a = s->edge.access_log;
  return gw_log_num_suppressed(s->log) + (a ? gw_access_log_num_lost(a) : 0);
}

static int answer_metrics(gw_internal *i, struct lws *wsi) {
  gw_server *s = i->server;
  gw_metrics_worker *workers = calloc(s->num_workers, sizeof *workers);
  char *text = NULL;
  size_t len = 0;
  if (workers) {
    for (uint32_t n = 0; n < s->num_workers; n++)
      workers[n] = (gw_metrics_worker){gw_hub_stats(s->workers[n]->hub),
                                       &s->workers[n]->stats,
                                       &s->workers[n]->auth_stats};
    gw_keystore_stats keys = {0};
    gw_addresses_stats addresses = {0};
    if (s->keystore) gw_keystore_stats_get(s->keystore, &keys);
    if (i->admin.is_on)
      (void)gw_admin_sessions_expire(&i->admin.admin.sessions,
                                     uv_now(&s->loop));
    if (s->addresses) gw_addresses_stats_get(s->addresses, &addresses);
    text = gw_metrics_text(
        &(gw_metrics){.workers = workers,
                      .num_workers = s->num_workers,
                      .keys = &keys,
                      .addresses = &addresses,
                      .node = s->config.settings.node,
                      .start_ms = s->start_wall_ms,
                      .uptime_ms = uv_now(&s->loop) - s->start_ms,
                      .log_suppressed = num_lines_suppressed(s),
                      .hooks = s->hooks ? gw_hooks_stats(s->hooks) : NULL,
                      .tls_expires_s = s->credentials
                                           ? (uint64_t)s->credentials->expires_s
                                           : 0,
                      .tls_reloads = s->reloads,
                      .tls_reload_failures = s->reload_failures,
                      .admin = i->admin.is_on ? &i->admin.admin : NULL,
                      .counters = s->edge.counters,
                      .is_draining = s->is_draining},
        &len);
  }
  free(workers);
  if (!text) return answer_error(wsi, 503, GW_CODE_OVERLOADED, "out of memory");
  int written = gw_http_write(
      wsi, &(gw_http_reply){.status = 200,
                            .content_type = "text/plain; version=0.0.4; "
                                            "charset=utf-8",
                            .body = {(const uint8_t *)text, len}});
  free(text);
  return gw_http_done(wsi, written);
}

/* ---- health ------------------------------------------------------------- */

static bool all_answered(const gw_internal *i, uint64_t beat) {
  for (uint32_t n = 0; n < i->server->num_workers; n++)
    if (!gw_worker_has_answered(i->server->workers[n], beat)) return false;
  return true;
}

static void on_beats(uv_timer_t *timer) {
  gw_internal *i = timer->data;
  size_t num = 0;
  uint64_t now = uv_now(&i->server->loop);
  for (size_t n = 0; n < GW_INTERNAL_MAX_WAITING; n++) {
    if (!i->waiting[n]) continue;
    question *q = lws_wsi_user(i->waiting[n]);
    if (all_answered(i, q->beat) || now >= i->deadlines_ms[n])
      lws_callback_on_writable(i->waiting[n]);
    num++;
  }
  if (num == 0) uv_timer_stop(timer);
}

static void forget(gw_internal *i, const struct lws *wsi) {
  for (size_t n = 0; n < GW_INTERNAL_MAX_WAITING; n++)
    if (i->waiting[n] == wsi) i->waiting[n] = NULL;
}

static int ask_health(gw_internal *i, struct lws *wsi, question *q) {
  gw_server *s = i->server;
  size_t n = 0;
  while (n < GW_INTERNAL_MAX_WAITING && i->waiting[n])
    n++;
  if (n == GW_INTERNAL_MAX_WAITING)
    return answer_error(wsi, 503, GW_CODE_OVERLOADED,
                        "too many ask for health at once");
  q->beat = ++i->beat;
  for (uint32_t k = 0; k < s->num_workers; k++)
    gw_worker_ask_beat(s->workers[k], q->beat);
  i->waiting[n] = wsi;
  i->deadlines_ms[n] = uv_now(&s->loop) + GW_INTERNAL_BEAT_MS;
  if (!uv_is_active((uv_handle_t *)&i->beats))
    uv_timer_start(&i->beats, on_beats, BEAT_POLL_MS, BEAT_POLL_MS);
  return 0;
}

static int answer_health(gw_internal *i, struct lws *wsi, question *q) {
  uint64_t beat = q->beat;
  if (!beat) return 0;
  q->beat = 0;
  forget(i, wsi);
  if (all_answered(i, beat)) return answer_text(wsi, 200, "ok\n");
  gw_log_write(i->server->log, GW_LOG_ERROR, "health.stuck",
               "why=\"a worker does not answer\"");
  return answer_error(wsi, 503, GW_CODE_INTERNAL, "a worker does not answer");
}

/* Without any, nobody could connect. */
static bool has_keys(const gw_server *s) {
  gw_keystore_stats keys;
  if (!s->keystore) return true;
  gw_keystore_stats_get(s->keystore, &keys);
  return keys.num_keys > 0;
}

static int answer_ready(gw_internal *i, struct lws *wsi) {
  if (i->server->is_draining)
    return answer_error(wsi, 503, GW_CODE_SHUTDOWN,
                        "the server is shutting down");
  if (!atomic_load(&i->server->is_running))
    return answer_error(wsi, 503, GW_CODE_OVERLOADED, "the server is starting");
  if (!has_keys(i->server))
    return answer_error(wsi, 503, GW_CODE_AUTH_UNAVAILABLE,
                        "there is no key yet that tokens are checked with");
  return answer_text(wsi, 200, "ready\n");
}

/* ---- requests ----------------------------------------------------------- */

static int refuse_method(struct lws *wsi, bool is_api) {
  const gw_http_refusal no = {
      .status = 405,
      .code = GW_CODE_BAD_REQUEST,
      .message = is_api ? "the API takes POST only"
                        : "only GET and HEAD are answered here",
      .allow = is_api ? "POST" : NULL};
  return gw_http_done(wsi, gw_http_write_refusal(wsi, &no));
}

static int on_request(gw_internal *i, struct lws *wsi, question *q) {
  char path[GW_HTTP_PATH_MAX];
  static const char api[] = GW_API_PATH;
  q->beat = 0;
  q->begun_ms = uv_now(&i->server->loop);
  enum gw_http_method method = gw_http_request(wsi, path);
  bool is_api = strncmp(path, api, sizeof api - 1) == 0;
  bool is_admin = gw_admin_http_is_path(path);
  if (method == GW_HTTP_POST && is_api)
    return gw_api_http_begin(&i->api, wsi, path + sizeof api - 1, &q->api);
  if (method == GW_HTTP_POST && is_admin)
    return gw_admin_http_post(&i->admin, wsi, path, &q->admin);
  if (gw_http_body_of(wsi) == GW_HTTP_BODY_UNCLEAR) {
    (void)!gw_http_write_error(wsi, 400, GW_CODE_BAD_REQUEST,
                               "it is not clear where the body ends", true);
    return -1;
  }
  if (method == GW_HTTP_OTHER || method == GW_HTTP_POST || is_api)
    return refuse_method(wsi, is_api);
  if (is_admin) return gw_admin_http_get(&i->admin, wsi, path);
  if (strcmp(path, "/v1/openapi.yaml") == 0) return gw_api_http_openapi(wsi);
  if (strcmp(path, "/healthz") == 0) return ask_health(i, wsi, q);
  if (strcmp(path, "/readyz") == 0) return answer_ready(i, wsi);
  if (strcmp(path, "/metrics") == 0) return answer_metrics(i, wsi);
  return answer_error(wsi, 404, GW_CODE_NOT_FOUND,
                      "there are /admin, /healthz, /readyz, /metrics, "
                      "/v1/openapi.yaml and POST " GW_API_PATH "METHOD");
}

/* libwebsockets has a time for each part of a body, and none for the whole. */
static bool is_late(const gw_internal *i, const question *q) {
  return uv_now(&i->server->loop) - q->begun_ms >
         i->server->config.api_request_timeout_ms;
}

/* A request has at most one of these. */
static int on_body(gw_internal *i, struct lws *wsi, question *q, gw_view part) {
  if (is_late(i, q))
    return gw_api_http_refuse(&i->api, wsi, 408, GW_CODE_TIMEOUT,
                              "the body took longer than api.request_timeout");
  return q->admin ? gw_admin_http_body(wsi, part, &q->admin)
                  : gw_api_http_body(&i->api, wsi, part, &q->api);
}

static int on_body_end(gw_internal *i, struct lws *wsi, question *q) {
  return q->admin ? gw_admin_http_body_end(wsi, &q->admin)
                  : gw_api_http_body_end(&i->api, wsi, &q->api);
}

static int on_writable(gw_internal *i, struct lws *wsi, question *q) {
  if (q->admin) return gw_admin_http_write(wsi, &q->admin);
  return q->api ? gw_api_http_write(wsi, &q->api) : answer_health(i, wsi, q);
}

static void on_gone(gw_internal *i, struct lws *wsi, question *q) {
  forget(i, wsi);
  if (!q) return;
  gw_api_http_gone(&i->api, &q->api);
  gw_admin_http_gone(&q->admin);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t len) {
  gw_internal *i = internal_of(wsi);
  question *q = user;
  switch (reason) {
  case LWS_CALLBACK_WSI_CREATE:
    i->num_sockets++;
    return 0;
  case LWS_CALLBACK_WSI_DESTROY:
    forget(i, wsi);
    i->num_sockets--;
    return 0;
  case LWS_CALLBACK_HTTP:
    return on_request(i, wsi, q);
  case LWS_CALLBACK_HTTP_BODY:
    return on_body(i, wsi, q, (gw_view){in, len});
  case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    return on_body_end(i, wsi, q);
  case LWS_CALLBACK_HTTP_WRITEABLE:
    return on_writable(i, wsi, q);
  case LWS_CALLBACK_CLOSED_HTTP:
    on_gone(i, wsi, q);
    return 0;
  /* No upgrade and no tunnel. */
  case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
  case LWS_CALLBACK_RAW_ADOPT:
  case LWS_CALLBACK_RAW_RX:
    return -1;
  default:
    return lws_callback_http_dummy(wsi, reason, user, in, len);
  }
}

static const struct lws_protocols protocols[] = {
    {.name = "internal",
     .callback = on_event,
     .per_session_data_size = sizeof(question),
     .tx_packet_size = 1024u * 1024u},
    {.name = NULL},
};

/* ---- life --------------------------------------------------------------- */

static enum gw_room room(void *user) {
  const gw_internal *i = user;
  return i->num_sockets >= GW_INTERNAL_MAX_SOCKETS ? GW_ROOM_REFUSE
                                                   : GW_ROOM_ACCEPT;
}

static void on_accept(void *user, int fd, const gw_peer *peer) {
  gw_internal *i = user;
  (void)peer;
  if (!gw_context_adopt(&i->context, fd))
    gw_log_write(i->server->log, GW_LOG_ERROR, "internal.no_memory", NULL);
}

static void on_refuse(void *user, int err) {
  gw_internal *i = user;
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "why", err ? strerror(err) : "as many as may be are open");
  gw_log_write(i->server->log, GW_LOG_WARN, "internal.refused", f.text);
}

int gw_internal_open(gw_internal *i, gw_server *server) {
  *i = (gw_internal){.server = server};
  uv_timer_init(&server->loop, &i->beats);
  i->beats.data = i;
  i->is_open = true;
  int err = gw_admin_http_open(&i->admin, server);
  if (err == 0) err = gw_api_http_open(&i->api, server);
  if (err < 0) return err;
  return gw_context_open(&i->context,
                         &(gw_context_options){.loop = &server->loop,
                                               .protocols = protocols,
                                               .user = i,
                                               .handshake_timeout_ms = 10000});
}

int gw_internal_listen(gw_internal *i, gw_listen *sockets) {
  static const gw_listener_port port = {
      .room = room, .on_accept = on_accept, .on_refuse = on_refuse};
  i->port = sockets->port;
  int err =
      gw_listener_start(&i->listener, &i->server->loop, sockets, &port, i);
  i->is_listening = err == 0;
  return err;
}

void gw_internal_close(gw_internal *i) {
  if (!i->is_open) return;
  i->is_open = false;
  if (i->is_listening) gw_listener_stop(&i->listener);
  gw_api_http_close(&i->api);
  gw_context_close(&i->context);
  uv_close((uv_handle_t *)&i->beats, NULL);
}

void gw_internal_free(gw_internal *i) {
  gw_context_free(&i->context);
  gw_api_http_free(&i->api);
  gw_admin_http_free(&i->admin);
}
