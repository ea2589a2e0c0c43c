/* SPDX-License-Identifier: MIT */
/* api_http.c - the door of the API over HTTP. */
#include "server/net/api_http.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/auth/origin.h"
#include "server/net/api.h"
#include "server/net/api_status.h"
#include "server/net/http.h"
#include "server/net/openapi.h"
#include "server/net/server.h"

#define JSON_TYPE     "application/json"
#define PROTOBUF_TYPE "application/x-protobuf"

/** Encoded, a request is at most so much longer than its JSON: a digit can stand
 * for eight bytes and a tag. */
#define ENCODED_PER_CHAR 10u

struct gw_api_request {
  gw_api_request *next; /* in the inbox */
  gw_api_http *http;
  struct lws *wsi; /* NULL: gone */
  const gw_api_method *method;
  gw_admin_asker admin; /* who asks, if it is an administrator */
  bool is_json;
  bool is_asked; /* the worker's, or in the inbox */
  bool has_reply;
  size_t body_len;
  size_t body_cap;
  uint8_t *body;
  uint32_t code;
  char message[GW_MAX_REASON_BYTES + 1];
  size_t reply_len;
  uint8_t *reply;
};

static void free_request(gw_api_request *r) {
  free(r->body);
  free(r->reply);
  free(r);
}

/* ---- errors --------------------------------------------------------------- */

static int write_failure(struct lws *wsi, unsigned status, uint32_t code,
                         const char *message, bool closes) {
  unsigned after_s =
      status == 503 || status == 429 ? gw_api_retry_after_s(code) : 0;
  return gw_http_write_refusal(wsi, &(gw_http_refusal){.status = status,
                                                       .code = code,
                                                       .message = message,
                                                       .retry_after_s = after_s,
                                                       .closes = closes});
}

int gw_api_http_refuse(gw_api_http *a, struct lws *wsi, unsigned status,
                       uint32_t code, const char *message) {
  char peer[64] = "";
  gw_fields f;
  lws_get_peer_simple(wsi, peer, sizeof peer);
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", peer);
  gw_fields_number(&f, "status", status);
  gw_fields_text(&f, "why", message);
  gw_log_write(a->server->log, GW_LOG_WARN, "api.refused", f.text);
  (void)!write_failure(wsi, status, code, message, true);
  return -1;
}

/* ---- who may -------------------------------------------------------------- */

/** A header's text; false when it is not there, *is_long when it is longer than
 * the room. */
static bool header(struct lws *wsi, enum lws_token_indexes token, char *text,
                   size_t room, bool *is_long) {
  int len = lws_hdr_total_length(wsi, token);
  *is_long = len > 0 && (size_t)len >= room;
  text[0] = '\0';
  if (len <= 0) return false;
  if (!*is_long) lws_hdr_copy(wsi, text, (int)room, token);
  return true;
}

static bool is_loopback(struct lws *wsi) {
  struct sockaddr_storage sa;
  socklen_t len = sizeof sa;
  memset(&sa, 0, sizeof sa);
  if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&sa, &len) < 0)
    return false;
  if (sa.ss_family == AF_UNIX) return true;
  if (sa.ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)&sa;
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  const struct sockaddr_in6 *v6 = (const void *)&sa;
  const uint8_t *b = v6->sin6_addr.s6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && b[12] == 127);
}

static bool shows_key(const gw_api_keys *keys, struct lws *wsi) {
  static const char name[] = "x-api-key:", scheme[] = "Bearer ";
  char text[GW_API_KEY_MAX + sizeof scheme];
  bool is_long;
  if (header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text, sizeof text, &is_long) &&
      !is_long && strncasecmp(text, scheme, sizeof scheme - 1) == 0)
    return gw_api_keys_has(keys, gw_view_of(text + sizeof scheme - 1));
  int len = lws_hdr_custom_length(wsi, name, sizeof name - 1);
  if (len <= 0 || (size_t)len >= sizeof text ||
      lws_hdr_custom_copy(wsi, text, sizeof text, name, sizeof name - 1) < 0)
    return false;
  return gw_api_keys_has(keys, gw_view_of(text));
}

/** 0, or what was returned by gw_api_http_refuse. */
static int check_admin(gw_api_http *a, struct lws *wsi, gw_admin_asker *admin) {
  gw_admin_http_check(&a->server->internal.admin, wsi, admin);
  return admin->user ? 0
                     : gw_api_http_refuse(a, wsi, admin->status, admin->code,
                                          admin->why);
}

/** The same; *admin says who asks, if it is an administrator. */
static int check_asker(gw_api_http *a, struct lws *wsi, gw_admin_asker *admin) {
  const gw_server *s = a->server;
  char origin[320], host[320];
  bool is_long;
  admin->user = NULL;
  if (gw_admin_http_is_asking(&s->internal.admin, wsi))
    return check_admin(a, wsi, admin);
  (void)header(wsi, WSI_TOKEN_HOST, host, sizeof host, &is_long);
  if (header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin, &is_long) &&
      (is_long || !gw_origin_is_allowed(s->config.api_origins,
                                        gw_view_of(origin), gw_view_of(host))))
    return gw_api_http_refuse(a, wsi, 403, GW_CODE_PERMISSION_DENIED,
                              "a page of this origin may not use the API");
  if (s->api_keys.num != 0)
    return shows_key(&s->api_keys, wsi)
               ? 0
               : gw_api_http_refuse(a, wsi, 401, GW_CODE_TOKEN_INVALID,
                                    "a key of api.keys is needed");
  if (is_loopback(wsi)) return 0;
  return gw_api_http_refuse(
      a, wsi, 403, GW_CODE_PERMISSION_DENIED,
      "without api.keys the API is for this machine only");
}

/* ---- what comes ----------------------------------------------------------- */

/** Whether a media type is this one, whatever its parameters. */
static bool is_type(const char *text, const char *type) {
  size_t len = strlen(type);
  return strncasecmp(text, type, len) == 0 &&
         (text[len] == '\0' || strchr("; \t", text[len]) != NULL);
}

/** 0; otherwise what was returned by gw_api_http_refuse. */
static int check_body(gw_api_http *a, struct lws *wsi, gw_api_request *r) {
  char text[128] = "";
  bool is_long;
  (void)header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, text, sizeof text, &is_long);
  r->is_json = is_type(text, JSON_TYPE);
  if (is_long || (!r->is_json && !is_type(text, PROTOBUF_TYPE)))
    return gw_api_http_refuse(a, wsi, 415, GW_CODE_UNSUPPORTED,
                              "Content-Type has to be " JSON_TYPE
                              " or " PROTOBUF_TYPE);
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
      !header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text, &is_long))
    return gw_api_http_refuse(
        a, wsi, 411, GW_CODE_BAD_REQUEST,
        "Content-Length is needed, and no other encoding");
  if (gw_http_body_of(wsi) == GW_HTTP_BODY_UNCLEAR)
    return gw_api_http_refuse(a, wsi, 400, GW_CODE_BAD_REQUEST,
                              "it is not clear where the body ends");
  char *end;
  unsigned long long len = strtoull(text, &end, 10);
  if (is_long || *end != '\0' || text[0] == '-' ||
      len > a->server->config.api_max_request_bytes)
    return gw_api_http_refuse(a, wsi, 413, GW_CODE_TOO_BIG,
                              "the body is larger than api.max_request_bytes");
  r->body_cap = (size_t)len;
  r->body = malloc(r->body_cap + 1);
  return r->body ? 0
                 : gw_api_http_refuse(a, wsi, 503, GW_CODE_OVERLOADED,
                                      "out of memory");
}

int gw_api_http_begin(gw_api_http *a, struct lws *wsi, const char *method,
                      gw_api_request **request) {
  const gw_api_method *m = gw_api_find(gw_view_of(method));
  gw_admin_asker admin;
  int refused = check_asker(a, wsi, &admin);
  if (refused) return refused;
  if (!m)
    return gw_api_http_refuse(
        a, wsi, 404, GW_CODE_UNKNOWN_METHOD,
        "there is no such method; /v1/openapi.yaml lists them");
  gw_api_request *r = calloc(1, sizeof *r);
  if (!r)
    return gw_api_http_refuse(a, wsi, 503, GW_CODE_OVERLOADED, "out of memory");
  r->http = a;
  r->wsi = wsi;
  r->method = m;
  r->admin = admin;
  refused = check_body(a, wsi, r);
  if (refused) {
    free_request(r);
    return refused;
  }
  *request = r;
  return r->body_cap == 0 ? gw_api_http_body_end(a, wsi, request) : 0;
}

int gw_api_http_body(gw_api_http *a, struct lws *wsi, gw_view part,
                     gw_api_request **request) {
  gw_api_request *r = *request;
  (void)a;
  (void)wsi;
  if (!r) return 0; /* it was refused */
  if (r->is_asked || part.len > r->body_cap - r->body_len) return -1;
  if (part.len != 0) memcpy(r->body + r->body_len, part.data, part.len);
  r->body_len += part.len;
  return 0;
}

/* ---- asking --------------------------------------------------------------- */

/** On the worker's thread. */
static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  gw_api_request *r = arg;
  gw_api_http *a = r->http;
  r->code = code;
  if (message.len < sizeof r->message && message.len != 0)
    memcpy(r->message, message.data, message.len);
  if (reply.len != 0) {
    r->reply = malloc(reply.len);
    if (!r->reply) r->code = GW_CODE_OVERLOADED;
    if (r->reply) memcpy(r->reply, reply.data, reply.len);
    if (r->reply) r->reply_len = reply.len;
  }
  pthread_mutex_lock(&a->lock);
  r->next = a->answered;
  a->answered = r;
  pthread_mutex_unlock(&a->lock);
  uv_async_send(&a->wake);
}

/** The request, encoded in place of its JSON. NULL, or why not. */
static const char *encode(gw_api_request *r, uint32_t *code, char *why) {
  gw_out out = {.cap = r->body_len * ENCODED_PER_CHAR + 1};
  *code = GW_CODE_OK;
  if (!r->is_json) return NULL;
  out.data = malloc(out.cap);
  int err = GW_ERR_NOMEM;
  if (out.data)
    err = gw_api_request_from_json(r->method, (gw_view){r->body, r->body_len},
                                   &out, why);
  free(r->body);
  r->body = out.data;
  r->body_len = out.len;
  if (err == 0) return NULL;
  *code = err == GW_ERR_NOMEM  ? GW_CODE_OVERLOADED
          : err == GW_ERR_TEXT ? GW_CODE_BAD_TEXT
                               : GW_CODE_BAD_REQUEST;
  return why[0] != '\0' ? why : gw_code_text(*code);
}

static int end_with(struct lws *wsi, gw_api_request **request, uint32_t code,
                    const char *message) {
  free_request(*request);
  *request = NULL;
  return gw_http_done(
      wsi, write_failure(wsi, gw_api_status(code), code, message, false));
}

int gw_api_http_body_end(gw_api_http *a, struct lws *wsi,
                         gw_api_request **request) {
  gw_api_request *r = *request;
  char why[GW_MAX_REASON_BYTES + 1] = "";
  uint32_t code;
  if (!r || r->is_asked) return 0;
  const char *sentence = encode(r, &code, why);
  if (sentence) return end_with(wsi, request, code, sentence);
  if (r->admin.user)
    gw_admin_http_audit(&a->server->internal.admin, &r->admin, r->method,
                        (gw_view){r->body, r->body_len});
  if (gw__server_ask(a->server, r->method, (gw_view){r->body, r->body_len},
                     on_reply, r) < 0)
    return end_with(wsi, request, GW_CODE_OVERLOADED, "out of memory");
  r->is_asked = true;
  lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, GW_API_TIMEOUT_S);
  return 0;
}

/* ---- the reply ------------------------------------------------------------ */

static int write_reply(struct lws *wsi, const gw_api_request *r) {
  gw_http_reply reply = {.status = 200,
                         .content_type = PROTOBUF_TYPE,
                         .body = {r->reply, r->reply_len}};
  char *json = NULL;
  if (r->code != GW_CODE_OK)
    return write_failure(
        wsi, gw_api_status(r->code), r->code,
        r->message[0] != '\0' ? r->message : gw_code_text(r->code), false);
  if (r->is_json) {
    size_t len = 0;
    json = gw_api_reply_to_json(r->method, reply.body, &len);
    if (!json)
      return write_failure(wsi, 503, GW_CODE_OVERLOADED, "out of memory",
                           false);
    reply.content_type = JSON_TYPE;
    reply.body = (gw_view){(const uint8_t *)json, len};
  }
  int written = gw_http_write(wsi, &reply);
  free(json);
  return written;
}

int gw_api_http_write(struct lws *wsi, gw_api_request **request) {
  gw_api_request *r = *request;
  if (!r || !r->has_reply) return 0;
  lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
  int written = write_reply(wsi, r);
  free_request(r);
  *request = NULL;
  return gw_http_done(wsi, written);
}

/** Replies that workers have given. */
static void on_wake(uv_async_t *async) {
  gw_api_http *a = async->data;
  pthread_mutex_lock(&a->lock);
  gw_api_request *r = a->answered;
  a->answered = NULL;
  pthread_mutex_unlock(&a->lock);
  while (r) {
    gw_api_request *next = r->next;
    r->has_reply = true;
    if (r->wsi)
      lws_callback_on_writable(r->wsi);
    else
      free_request(r);
    r = next;
  }
}

void gw_api_http_gone(gw_api_http *a, gw_api_request **request) {
  gw_api_request *r = *request;
  (void)a;
  *request = NULL;
  if (!r) return;
  r->wsi = NULL;
  if (!r->is_asked || r->has_reply) free_request(r);
}

/* ---- the document ---------------------------------------------------------- */

int gw_api_http_openapi(struct lws *wsi) {
  return gw_http_done(
      wsi,
      gw_http_write(wsi, &(gw_http_reply){.status = 200,
                                          .content_type = "application/yaml",
                                          .body = gw_openapi()}));
}

/* ---- life ----------------------------------------------------------------- */

int gw_api_http_open(gw_api_http *a, gw_server *server) {
  *a = (gw_api_http){.server = server};
  if (uv_async_init(&server->loop, &a->wake, on_wake) < 0) return GW_ERR_STATE;
  a->wake.data = a;
  pthread_mutex_init(&a->lock, NULL);
  a->is_open = true;
  return 0;
}

void gw_api_http_close(gw_api_http *a) {
  if (!a->is_open) return;
  on_wake(&a->wake);
  uv_close((uv_handle_t *)&a->wake, NULL);
}

void gw_api_http_free(gw_api_http *a) {
  if (!a->is_open) return;
  a->is_open = false;
  while (a->answered) {
    gw_api_request *r = a->answered;
    a->answered = r->next;
    free_request(r);
  }
  pthread_mutex_destroy(&a->lock);
}
