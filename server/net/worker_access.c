/* SPDX-License-Identifier: MIT */
/* worker_access.c - who may connect to a worker, and who answers its hub's
 * questions. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/auth/cookie.h"
#include "server/auth/origin.h"
#include "server/net/worker.h"
#include "server/observe/wall_clock.h"

/* ---- the authenticator -------------------------------------------------- */

static void decide(void *user, uint64_t session, uint64_t ticket,
                   const gw_verdict *verdict) {
  gw_hub_decide(((gw_worker *)user)->hub, session, ticket, verdict);
}

static void wake(void *user) {
  uv_async_send(&((gw_worker *)user)->wake);
}

static uint64_t now_ms(void *user) {
  return uv_now(&((gw_worker *)user)->loop);
}

static uint64_t wall_ms(void *user) {
  (void)user;
  return gw_wall_ms();
}

int gw_worker_init_access(gw_worker *w) {
  const gw_worker_options *o = &w->options;
  const gw_auth_settings *settings = &o->config->auth;
  w->asks = (gw_asks){.hooks = o->hooks, .worker = o->hub.worker};
  if (!o->keystore) return 0;
  w->asks.auth = gw_jwt_new(
      &(gw_jwt_options){.anonymous = settings->anonymous,
                        .fetch_timeout_ms = settings->jwks_timeout_ms,
                        .rules = o->token_rules,
                        .keystore = o->keystore,
                        .stats = &w->auth_stats,
                        .port = {decide, wake, now_ms, wall_ms},
                        .user = w});
  return w->asks.auth ? 0 : GW_ERR_NOMEM;
}

/** That a connection began with, as far as it is kept. */
static const gw_request *request_of(const gw_question *q) {
  const gw_ws_conn *c = q->conn;
  const gw_socket *socket =
      q->kind == GW_ASK_CONNECT && c ? gw_socket_of(c->wsi) : NULL;
  return socket ? socket->state.request : NULL;
}

bool gw_worker_ask(void *user, const gw_question *q, gw_verdict *v) {
  gw_worker *w = user;
  gw_ws_conn *c = q->conn;
  if (w->is_ending) { /* what comes while the worker ends */
    v->code = GW_CODE_SHUTDOWN;
    return true;
  }
  if (q->kind != GW_ASK_CONNECT || !c->cookie_token)
    return gw_asks_ask(&w->asks, q, request_of(q), v);
  gw_question with_cookie = *q;
  if (q->token.len == 0) with_cookie.token = gw_view_of(c->cookie_token);
  bool is_answered = gw_asks_ask(&w->asks, &with_cookie, request_of(q), v);
  free(c->cookie_token);
  c->cookie_token = NULL;
  return is_answered;
}

/* ---- addresses ---------------------------------------------------------- */

static void log_limited(gw_worker *w, const char *peer, const gw_socket *visit,
                        bool is_cut) {
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", peer);
  gw_fields_text(&f, "name", gw_code_name(visit->refusal));
  gw_fields_number(&f, "retry_after_ms", visit->retry_after_ms);
  gw_fields_text(&f, "how", is_cut ? "cut" : "told");
  gw_log_write(w->options.log, GW_LOG_WARN, "address.limited", f.text);
}

bool gw_worker_admit(gw_worker *w, int fd, const gw_proxy_header *h,
                     gw_socket *visit) {
  char text[GW_PEER_TEXT_MAX];
  /* A proxy that says nothing of its clients stands for all of them. */
  if (!gw_source_of(&visit->address, &visit->peer) ||
      (!h && gw_networks_has(&w->options.edge->trusted, &visit->peer)))
    return true;
  enum gw_entry entry = gw_addresses_enter(
      w->options.addresses, &visit->address, uv_now(&w->loop), &visit->refusal,
      &visit->retry_after_ms);
  visit->is_counted = entry != GW_ENTRY_CUT;
  if (entry == GW_ENTRY_IN) return true;
  log_limited(w, gw_peer_text(&visit->peer, text), visit,
              entry == GW_ENTRY_CUT);
  if (entry == GW_ENTRY_TELL) return true;
  close(fd);
  return false;
}

void gw_worker_see_off(gw_worker *w, const gw_socket *visit) {
  if (visit->is_counted)
    gw_addresses_leave(w->options.addresses, &visit->address, uv_now(&w->loop));
}

/* ---- origins and cookies ------------------------------------------------ */

static bool header(struct lws *wsi, enum lws_token_indexes token, char *text,
                   size_t len) {
  text[0] = '\0';
  int total = lws_hdr_total_length(wsi, token);
  return total > 0 && (size_t)total < len &&
         lws_hdr_copy(wsi, text, (int)len, token) >= 0;
}

static const char *origins_of(const gw_worker *w) {
  const gw_config *c = w->options.config;
  if (*c->origins) return c->origins;
  return c->dev ? GW_ORIGINS_DEVELOPMENT : GW_ORIGINS_DEFAULT;
}

bool gw_worker_allows_origin(const gw_worker *w, const gw_route *route,
                             struct lws *wsi) {
  char origin[320], host[320];
  if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) <= 0) return true;
  (void)header(wsi, WSI_TOKEN_HOST, host, sizeof host);
  return header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) &&
         gw_origin_is_allowed(route->origins[0] ? route->origins
                                                : origins_of(w),
                              gw_view_of(origin), gw_view_of(host));
}

char *gw_worker_cookie_token(const gw_worker *w, struct lws *wsi) {
  static const size_t max = GW_CONTEXT_HEADER_BYTES;
  const char *name = w->options.config->auth.cookie;
  /* Whoever sends a cookie without an Origin is no page: it has a token to put
   * into its first message. */
  if (!*name || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_COOKIE) <= 0 ||
      lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) <= 0)
    return NULL;
  char *text = malloc(max);
  char *token = NULL;
  if (text && header(wsi, WSI_TOKEN_HTTP_COOKIE, text, max)) {
    gw_view found = gw_cookie_find(gw_view_of(text), name);
    if (found.len > 0 && found.len <= GW_MAX_TOKEN_BYTES)
      token = strndup((const char *)found.data, found.len);
  }
  free(text);
  return token;
}

/* ---- the way that somebody comes --------------------------------------------- */

typedef crypto_generichash_state hash_state;

/** With its length, so that nothing can be moved from one text to the next. */
static void add_text(hash_state *hash, gw_view v) {
  uint64_t len = v.len;
  crypto_generichash_update(hash, (const uint8_t *)&len, sizeof len);
  crypto_generichash_update(hash, v.data, v.len);
}

static void add_headers(hash_state *hash, struct lws *wsi, char *text) {
  static const enum lws_token_indexes tokens[] = {
      WSI_TOKEN_GET_URI, WSI_TOKEN_HTTP_URI_ARGS, WSI_TOKEN_HTTP_COOKIE,
      WSI_TOKEN_HTTP_AUTHORIZATION, WSI_TOKEN_X_AUTH_TOKEN};
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
    (void)header(wsi, tokens[i], text, GW_CONTEXT_HEADER_BYTES);
    add_text(hash, gw_view_of(text));
  }
}

/** Those that http.headers names, where they are kept for a hook. */
static void add_kept(hash_state *hash, struct lws *wsi) {
  const gw_socket *socket = gw_socket_of(wsi);
  const gw_request *r = socket ? socket->state.request : NULL;
  gw_view name, value;
  for (size_t i = 0;
       r && gw_request_item(r, GW_REQUEST_HEADER, i, &name, &value); i++) {
    if (gw_view_eq(name, gw_view_of("sec-websocket-key"))) continue;
    add_text(hash, name);
    add_text(hash, value);
  }
}

uint64_t gw_worker_way(const gw_worker *w, struct lws *wsi) {
  uint8_t out[crypto_generichash_BYTES];
  uint64_t way;
  hash_state hash;
  char *text = malloc(GW_CONTEXT_HEADER_BYTES);
  /* Without memory nobody comes the same way. */
  if (!text) return w->ws.now_ms;
  crypto_generichash_init(&hash, NULL, 0, sizeof out);
  add_headers(&hash, wsi, text);
  add_kept(&hash, wsi);
  crypto_generichash_final(&hash, out, sizeof out);
  memcpy(&way, out, sizeof way);
  free(text);
  return way;
}
