/* SPDX-License-Identifier: MIT */
/* visit.c - from libwebsockets' tables of headers to a visit and a request. */
#include "server/net/visit.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/net/context.h"

/* As libwebsockets keeps them; longer lists of proxies are no list. */
#define FORWARDED_MAX 1024u

/* A name with its colon, as libwebsockets wants it. */
#define HEADER_NAME_MAX 64u

/* ---- headers ----------------------------------------------------------------- */

/* Headers that libwebsockets has a token for are not found by their names. */
static const struct {
  const char *name;
  enum lws_token_indexes token;
} known[] = {
    {"host", WSI_TOKEN_HOST},
    {"origin", WSI_TOKEN_ORIGIN},
    {"user-agent", WSI_TOKEN_HTTP_USER_AGENT},
    {"cookie", WSI_TOKEN_HTTP_COOKIE},
    {"authorization", WSI_TOKEN_HTTP_AUTHORIZATION},
    {"accept", WSI_TOKEN_HTTP_ACCEPT},
    {"accept-language", WSI_TOKEN_HTTP_ACCEPT_LANGUAGE},
    {"accept-encoding", WSI_TOKEN_HTTP_ACCEPT_ENCODING},
    {"accept-charset", WSI_TOKEN_HTTP_ACCEPT_CHARSET},
    {"referer", WSI_TOKEN_HTTP_REFERER},
    {"cache-control", WSI_TOKEN_HTTP_CACHE_CONTROL},
    {"pragma", WSI_TOKEN_HTTP_PRAGMA},
    {"date", WSI_TOKEN_HTTP_DATE},
    {"from", WSI_TOKEN_HTTP_FROM},
    {"via", WSI_TOKEN_HTTP_VIA},
    {"te", WSI_TOKEN_TE},
    {"x-real-ip", WSI_TOKEN_HTTP_X_REAL_IP},
    {"x-forwarded-for", WSI_TOKEN_X_FORWARDED_FOR},
    {"x-auth-token", WSI_TOKEN_X_AUTH_TOKEN},
    {"sec-websocket-protocol", WSI_TOKEN_PROTOCOL},
    {"sec-websocket-version", WSI_TOKEN_VERSION},
    {"sec-websocket-extensions", WSI_TOKEN_EXTENSIONS},
};

static gw_view header_of_token(struct lws *wsi, enum lws_token_indexes token,
                               char *text, size_t room) {
  int len = lws_hdr_total_length(wsi, token);
  if (len <= 0 || (size_t)len >= room ||
      lws_hdr_copy(wsi, text, (int)room, token) < 0)
    return (gw_view){NULL, 0};
  return (gw_view){(const uint8_t *)text, strlen(text)};
}

/* A header by its name in lower case; empty when it is not there. Of several
 * lines of one that has no token, the first. */
static gw_view header(struct lws *wsi, const char *name, char *text,
                      size_t room) {
  char with_colon[HEADER_NAME_MAX + 2];
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i].name, name) == 0)
      return header_of_token(wsi, known[i].token, text, room);
  int n = snprintf(with_colon, sizeof with_colon, "%s:", name);
  if (n < 0 || (size_t)n >= sizeof with_colon) return (gw_view){NULL, 0};
  int len = lws_hdr_custom_length(wsi, with_colon, n);
  if (len <= 0 || (size_t)len >= room ||
      lws_hdr_custom_copy(wsi, text, (int)room, with_colon, n) < 0)
    return (gw_view){NULL, 0};
  return (gw_view){(const uint8_t *)text, strlen(text)};
}

static bool is(gw_view v, const char *text) {
  return v.len == strlen(text) &&
         strncasecmp((const char *)v.data, text, v.len) == 0;
}

/* ---- who ---------------------------------------------------------------------- */

gw_peer gw_visit_socket_peer(struct lws *wsi) {
  const gw_socket *socket = gw_socket_of(wsi);
  if (socket && (socket->is_proxied || socket->peer.family != GW_PEER_UNKNOWN))
    return socket->peer;
  return gw_peer_of_socket(lws_get_socket_fd(wsi));
}

static void read_peer(gw_visit *v, const gw_edge *e, struct lws *wsi) {
  char text[FORWARDED_MAX];
  const gw_socket *socket = gw_socket_of(wsi);
  enum gw_forwarded_by by = (enum gw_forwarded_by)e->config->forwarded;
  v->peer = v->socket_peer = gw_visit_socket_peer(wsi);
  v->is_secure =
      lws_is_ssl(wsi) || (socket && socket->is_proxied && socket->is_secure);
  if (by == GW_FORWARDED_NONE || !gw_networks_has(&e->trusted, &v->peer))
    return;
  gw_view early = header(wsi, "early-data", text, sizeof text);
  v->is_early = is(early, "1");
  if (by == GW_FORWARDED_X_FOR) {
    gw_view proto = header(wsi, "x-forwarded-proto", text, sizeof text);
    if (proto.len) v->is_secure = is(proto, "https") || is(proto, "wss");
  }
  gw_view list =
      header(wsi, by == GW_FORWARDED_X_FOR ? "x-forwarded-for" : "forwarded",
             text, sizeof text);
  gw_forwarded_read(by, list, &e->trusted, &v->peer, &v->is_secure);
}

/* ---- where to ------------------------------------------------------------------ */

static void read_path(gw_visit *v, struct lws *wsi) {
  static const enum lws_token_indexes methods[] = {
      WSI_TOKEN_GET_URI, WSI_TOKEN_HEAD_URI, WSI_TOKEN_POST_URI};
  v->path[0] = '\0';
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    int len = lws_hdr_total_length(wsi, methods[i]);
    if (len <= 0) continue;
    /* What libwebsockets cut in two, at & and ;, is no path of ours. */
    if ((size_t)len >= sizeof v->path ||
        lws_hdr_copy(wsi, v->path, sizeof v->path, methods[i]) != len ||
        strlen(v->path) != (size_t)len ||
        lws_hdr_fragment_length(wsi, methods[i], 1) > 0)
      v->path[0] = '\0';
    return;
  }
}

void gw_visit_read(gw_visit *v, const gw_edge *e, struct lws *wsi) {
  *v = (gw_visit){.route = NULL};
  read_path(v, wsi);
  read_peer(v, e, wsi);
  if (v->path[0])
    v->route = gw_routes_find(&e->routes, gw_view_of(v->path), &v->values);
}

/* ---- requests ------------------------------------------------------------------- */

static int add_params(gw_request_maker *m, const gw_visit *v) {
  int err = 0;
  for (size_t i = 0; v->route && i < v->values.num && err == 0; i++)
    err = gw_request_add(m, GW_REQUEST_PARAM,
                         gw_pattern_param(&v->route->pattern, i),
                         v->values.of[i]);
  return err;
}

static int add_headers(gw_request_maker *m, const gw_edge *e, struct lws *wsi) {
  char text[GW_CONTEXT_HEADER_BYTES];
  int err = 0;
  for (size_t i = 0; i < e->num_headers && err == 0; i++) {
    gw_view value = header(wsi, e->header_names[i], text, sizeof text);
    if (value.len)
      err = gw_request_add(m, GW_REQUEST_HEADER, gw_view_of(e->header_names[i]),
                           value);
  }
  return err;
}

/* Name and value of one argument, which are decoded already. */
static int add_argument(gw_request_maker *m, const char *text) {
  const char *equals = strchr(text, '=');
  size_t len = equals ? (size_t)(equals - text) : strlen(text);
  gw_view name = {(const uint8_t *)text, len};
  return gw_request_add(m, GW_REQUEST_QUERY, name,
                        gw_view_of(equals ? equals + 1 : ""));
}

static int add_query(gw_request_maker *m, struct lws *wsi) {
  char text[GW_CONTEXT_HEADER_BYTES];
  int err = 0;
  for (int i = 0; err == 0; i++) {
    if (lws_hdr_copy_fragment(wsi, text, sizeof text, WSI_TOKEN_HTTP_URI_ARGS,
                              i) < 0)
      break;
    if (text[0]) err = add_argument(m, text);
  }
  return err;
}

static int add_tls(gw_request_maker *m, struct lws *wsi) {
  SSL *ssl = lws_is_ssl(wsi) ? lws_get_ssl(wsi) : NULL;
  if (!ssl) return 0;
  const char *server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const char *const facts[][2] = {{"version", SSL_get_version(ssl)},
                                  {"cipher", SSL_get_cipher_name(ssl)},
                                  {"server_name", server_name}};
  int err = 0;
  for (size_t i = 0; i < 3 && err == 0; i++)
    if (facts[i][1])
      err = gw_request_add(m, GW_REQUEST_TLS, gw_view_of(facts[i][0]),
                           gw_view_of(facts[i][1]));
  return err;
}

int gw_visit_request(const gw_visit *v, const gw_edge *e, struct lws *wsi,
                     bool is_upgrade, gw_request **request) {
  char bytes[GW_CONTEXT_HEADER_BYTES];
  size_t cap = e->config->http_max_request_bytes;
  gw_request_maker m;
  gw_request_begin(&m, bytes, cap < sizeof bytes ? cap : sizeof bytes);
  m.path = gw_view_of(v->path);
  m.route = v->route;
  m.hub = v->hub;
  m.peer = v->peer;
  m.is_secure = v->is_secure;
  m.is_upgrade = is_upgrade;
  int err = add_params(&m, v);
  if (err == 0) err = add_tls(&m, wsi);
  if (err == 0) err = add_headers(&m, e, wsi);
  if (err == 0) err = add_query(&m, wsi);
  *request = gw_request_build(&m);
  return *request ? err : GW_ERR_NOMEM;
}

/* ---- what a route gives ----------------------------------------------------------- */

/* Fills one template in behind the others; false: it is too long. */
static bool fill(const gw_visit *v, gw_view text, size_t max, char **at,
                 gw_view *result) {
  size_t len = gw_template_fill(text, &v->route->pattern, &v->values, *at, max);
  *result = (gw_view){(const uint8_t *)*at, len};
  *at += len;
  return len != 0 || text.len == 0;
}

int gw_visit_bind(const gw_visit *v, size_t max_channel_bytes,
                  gw_bound **bound) {
  const gw_route *r = v->route;
  size_t num = r->num_templates;
  gw_view space = gw_view_of(r->space);
  *bound = NULL;
  if (num == 0 && space.len == 0 && !r->needs_user) return 0;
  char texts[(GW_ROUTE_CHANNELS_MAX + 1) * GW_MAX_CHANNEL_BYTES];
  char *at = texts;
  gw_bound made = {.bond = {.num_channels = num, .needs_user = r->needs_user}};
  bool fits = fill(v, space, max_channel_bytes, &at, &made.bond.space);
  for (size_t i = 0; i < num && fits; i++)
    fits = fill(v, r->templates[i], max_channel_bytes, &at, &made.channels[i]);
  if (!fits) return GW_ERR_INVALID;
  size_t len = (size_t)(at - texts);
  gw_bound *b = *bound = malloc(sizeof *b + len);
  if (!b) return GW_ERR_NOMEM;
  *b = made;
  memcpy(b->texts, texts, len);
  /* The same places in the block. */
  b->bond.space.data =
      (uint8_t *)b->texts + ((const char *)made.bond.space.data - texts);
  for (size_t i = 0; i < num; i++)
    b->channels[i].data =
        (uint8_t *)b->texts + ((const char *)made.channels[i].data - texts);
  b->bond.channels = b->channels;
  return 0;
}
