/* SPDX-License-Identifier: MIT */
/* http.c - answers that fit in memory. */
#include "server/net/http.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Status line and headers of any answer here. */
#define HEADERS_MAX 5120u

static bool is_path_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || strchr("._-@+/", c) != NULL;
}

/* Letters, digits and a few signs in parts that do not begin with a dot. */
static bool is_plain_path(const char *path) {
  for (const char *p = path; *p; p++) {
    if (!is_path_char(*p)) return false;
    if (*p == '/' && (p[1] == '.' || p[1] == '/')) return false;
  }
  return path[0] == '/';
}

enum gw_http_method gw_http_request(struct lws *wsi,
                                    char path[GW_HTTP_PATH_MAX]) {
  static const struct {
    enum lws_token_indexes token;
    enum gw_http_method method;
  } methods[] = {{WSI_TOKEN_GET_URI, GW_HTTP_GET},
                 {WSI_TOKEN_HEAD_URI, GW_HTTP_HEAD},
                 {WSI_TOKEN_POST_URI, GW_HTTP_POST}};
  path[0] = '\0';
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    int len = lws_hdr_total_length(wsi, methods[i].token);
    if (len <= 0) continue;
    if ((size_t)len >= GW_HTTP_PATH_MAX ||
        lws_hdr_copy(wsi, path, GW_HTTP_PATH_MAX, methods[i].token) != len ||
        strlen(path) != (size_t)len || !is_plain_path(path))
      path[0] = '\0';
    return methods[i].method;
  }
  return GW_HTTP_OTHER;
}

/* With a blank in front of its colon a header is another one to libwebsockets,
 * and the same one to some proxies. */
static bool has_odd_header(struct lws *wsi) {
  static const char *const odd[] = {
      "content-length :", "transfer-encoding :", "content-length\t:",
      "transfer-encoding\t:"};
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
    if (lws_hdr_custom_length(wsi, odd[i], (int)strlen(odd[i])) >= 0)
      return true;
  return false;
}

enum gw_http_body gw_http_body_of(struct lws *wsi) {
  char text[20];
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
      has_odd_header(wsi))
    return GW_HTTP_BODY_UNCLEAR;
  int len = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  if (len <= 0) return GW_HTTP_BODY_NONE;
  if (lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, 1) > 0 ||
      lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0 ||
      text[strspn(text, "0123456789")] != '\0')
    return GW_HTTP_BODY_UNCLEAR;
  return text[strspn(text, "0")] == '\0' ? GW_HTTP_BODY_NONE
                                         : GW_HTTP_BODY_SOME;
}

static bool add_header(struct lws *wsi, const char *name, const char *value,
                       uint8_t **p, uint8_t *end) {
  return lws_add_http_header_by_name(wsi, (const uint8_t *)name,
                                     (const uint8_t *)value, (int)strlen(value),
                                     p, end) == 0;
}

bool gw_http_add_safe_headers(struct lws *wsi, uint8_t **p, uint8_t *end) {
  static const char *const headers[][2] = {
      {"x-content-type-options:", "nosniff"},
      {"referrer-policy:", "no-referrer"},
      {"cross-origin-resource-policy:", "same-origin"},
      {"x-frame-options:", "DENY"}};
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
    if (!add_header(wsi, headers[i][0], headers[i][1], p, end)) return false;
  return true;
}

static int write_headers(struct lws *wsi, const gw_http_reply *r) {
  char seconds[16];
  uint8_t room[LWS_PRE + HEADERS_MAX];
  uint8_t *start = room + LWS_PRE, *p = start, *end = room + sizeof room;
  if (lws_add_http_common_headers(wsi, r->status, r->content_type, r->body.len,
                                  &p, end))
    return -1;
  if (!gw_http_add_safe_headers(wsi, &p, end) ||
      !add_header(wsi, "cache-control:", "no-store", &p, end) ||
      !add_header(wsi, "content-security-policy:",
                  r->csp ? r->csp
                         : "default-src 'none'; frame-ancestors 'none'",
                  &p, end))
    return -1;
  if (r->set_cookie && !add_header(wsi, "set-cookie:", r->set_cookie, &p, end))
    return -1;
  snprintf(seconds, sizeof seconds, "%u", r->retry_after_s);
  if (r->retry_after_s && !add_header(wsi, "retry-after:", seconds, &p, end))
    return -1;
  if (r->status == 405 &&
      !add_header(wsi, "allow:", r->allow ? r->allow : "GET, HEAD", &p, end))
    return -1;
  /* RFC 6455 4.2.2, RFC 9110 15.5.22. */
  if (r->status == 426 &&
      (!add_header(wsi, "sec-websocket-version:", "13", &p, end) ||
       !add_header(wsi, "upgrade:", "websocket", &p, end)))
    return -1;
  if (r->location && !add_header(wsi, "location:", r->location, &p, end))
    return -1;
  if (r->closes &&
      lws_add_http_header_by_token(wsi, WSI_TOKEN_CONNECTION,
                                   (const uint8_t *)"close", 5, &p, end))
    return -1;
  return lws_finalize_write_http_header(wsi, start, &p, end) ? -1 : 0;
}

int gw_http_write(struct lws *wsi, const gw_http_reply *r) {
  if (write_headers(wsi, r) < 0) return -1;
  if (r->body.len == 0 || lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0)
    return 0;
  /* libwebsockets keeps what the kernel does not take, and leaves ours alone.
   */
  uint8_t *body = (uint8_t *)(uintptr_t)r->body.data;
  return lws_write(wsi, body, r->body.len, LWS_WRITE_HTTP_FINAL) < 0 ? -1 : 0;
}

int gw_http_write_refusal(struct lws *wsi, const gw_http_refusal *r) {
  json_t *root =
      json_pack("{s:{s:i,s:s,s:s}}", "error", "code", (int)r->code, "name",
                gw_code_name(r->code), "message", r->message);
  if (root && r->retry_after_s != 0)
    json_object_set_new(json_object_get(root, "error"), "retryAfterMs",
                        json_integer((json_int_t)r->retry_after_s * 1000));
  char *body = root ? json_dumps(root, JSON_COMPACT) : NULL;
  json_decref(root);
  if (!body) return -1;
  int written =
      gw_http_write(wsi, &(gw_http_reply){.status = r->status,
                                          .content_type = "application/json",
                                          .body = gw_view_of(body),
                                          .retry_after_s = r->retry_after_s,
                                          .allow = r->allow,
                                          .closes = r->closes});
  free(body);
  return written;
}

int gw_http_write_error(struct lws *wsi, unsigned status, uint32_t code,
                        const char *message, bool closes) {
  return gw_http_write_refusal(wsi, &(gw_http_refusal){.status = status,
                                                       .code = code,
                                                       .message = message,
                                                       .closes = closes});
}

int gw_http_write_limited(struct lws *wsi, uint32_t code,
                          uint32_t retry_after_ms) {
  return gw_http_write_refusal(
      wsi, &(gw_http_refusal){.status = 429,
                              .code = code,
                              .message = gw_code_text(code),
                              .retry_after_s = (retry_after_ms + 999) / 1000,
                              .closes = true});
}

int gw_http_done(struct lws *wsi, int written) {
  return written < 0 || lws_http_transaction_completed(wsi) ? -1 : 0;
}
