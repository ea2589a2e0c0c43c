/* SPDX-License-Identifier: MIT */
/* admin_http.c - the door for administrators. */
#include "server/net/admin_http.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/page.h"
#include "server/auth/cookie.h"
#include "server/auth/origin.h"
#include "server/net/http.h"
#include "server/net/server.h"
#include "server/net/visit.h"
#include "server/observe/small_file.h"

#define JSON_TYPE "application/json"

/** A browser takes a cookie of the second name only with Secure, from the host
 * itself and for all of it. */
#define COOKIE        "godwit_admin"
#define COOKIE_SECURE "__Host-godwit_admin"
#define COOKIES_MAX   4096u
#define COOKIE_FLAGS  "; Path=/; HttpOnly; SameSite=Strict"

/** The token against requests of other pages; and what the page sends along when
 * nobody did anything. */
#define CSRF_HEADER       "x-csrf-token:"
#define BACKGROUND_HEADER "x-godwit-background:"

/** More than any file of one line with a password. */
#define PASSWORD_FILE_MAX 4096u

static const char no_admins[] =
    "Nobody can log in here yet. Make the hash of a password,\n"
    "\n"
    "    godwit hash-password > /etc/godwit/ada.password\n"
    "\n"
    "put this into godwit.yaml, and start the server again:\n"
    "\n"
    "    admin:\n"
    "      users:\n"
    "        - name: ada\n"
    "          password_file: /etc/godwit/ada.password\n"
    "\n"
    "docs/security.md has the rest.\n";

/** What is known of a request from its headers. */
typedef struct asking {
  bool is_secure;
  bool has_id;
  uint8_t id[GW_ADMIN_ID_BYTES];
  char peer[GW_PEER_TEXT_MAX];
} asking;

struct gw_admin_request {
  gw_admin_http *http;
  struct lws *wsi; /* NULL: gone */
  asking from;
  bool is_hashing;
  bool has_result;
  int result; /* of gw_password_check */
  const gw_admin_user *user;
  const gw_password *password;
  size_t body_len;
  size_t body_cap;
  char name[GW_ADMIN_NAME_MAX + 1];
  char typed[GW_PASSWORD_MAX + 1];
  uint8_t body[GW_ADMIN_LOGIN_BYTES];
  uv_work_t work;
};

/* ---- headers -------------------------------------------------------------- */

static gw_view header(struct lws *wsi, enum lws_token_indexes token, char *text,
                      size_t room) {
  int len = lws_hdr_total_length(wsi, token);
  if (len <= 0 || (size_t)len >= room ||
      lws_hdr_copy(wsi, text, (int)room, token) < 0)
    return (gw_view){NULL, 0};
  return gw_view_of(text);
}

static gw_view custom_header(struct lws *wsi, const char *name, char *text,
                             size_t room) {
  int name_len = (int)strlen(name);
  int len = lws_hdr_custom_length(wsi, name, name_len);
  if (len <= 0 || (size_t)len >= room ||
      lws_hdr_custom_copy(wsi, text, (int)room, name, name_len) < 0)
    return (gw_view){NULL, 0};
  return gw_view_of(text);
}

static void read_asking(const gw_admin_http *a, struct lws *wsi, asking *from) {
  char text[COOKIES_MAX];
  gw_visit v;
  gw_visit_read(&v, &a->server->edge, wsi);
  from->is_secure = v.is_secure;
  (void)gw_peer_text(&v.peer, from->peer);
  gw_view cookies = header(wsi, WSI_TOKEN_HTTP_COOKIE, text, sizeof text);
  gw_view id = gw_cookie_find(cookies, v.is_secure ? COOKIE_SECURE : COOKIE);
  from->has_id = gw_admin_id_read(id, from->id);
}

/** Whether it comes from the page: only a browser tells an origin, and only a
 * page's request has to. */
static bool is_own_origin(const gw_admin_http *a, struct lws *wsi) {
  char text[320], host_text[320];
  const char *list = a->server->config.admin.origins;
  gw_view origin = header(wsi, WSI_TOKEN_ORIGIN, text, sizeof text);
  gw_view host = header(wsi, WSI_TOKEN_HOST, host_text, sizeof host_text);
  return origin.len != 0 &&
         gw_origin_is_allowed(*list ? list : GW_ORIGINS_DEFAULT, origin, host);
}

static uint64_t now_ms(const gw_admin_http *a) {
  return uv_now(&a->server->loop);
}

/* ---- the log -------------------------------------------------------------- */

static void audit(const gw_admin_http *a, const char *event, const char *user,
                  const char *peer) {
  gw_fields f;
  gw_fields_init(&f);
  if (user) gw_fields_text(&f, "user", user);
  gw_fields_text(&f, "peer", peer);
  gw_log_audit(a->server->log, event, f.text);
}

static void log_refusal(gw_admin_http *a, const char *peer, const char *why) {
  gw_fields f;
  gw_stat_add(&a->admin.stats.admin_refused_total, 1);
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", peer);
  gw_fields_text(&f, "why", why);
  gw_log_write(a->server->log, GW_LOG_WARN, "admin.refused", f.text);
}

typedef struct naming {
  gw_fields fields;
  char key[64];
} naming;

static void add_name(void *arg, const char *field, gw_view text) {
  naming *n = arg;
  /* Those of the request are told from those of the line. */
  (void)snprintf(n->key, sizeof n->key, "of_%s", field);
  gw_fields_view(&n->fields, n->key, text);
}

/** What the page asks by itself, and changes nothing. */
static bool is_look(const gw_admin_asker *asker, gw_view method) {
  static const char *const looks[] = {"info", "connections", "channels"};
  for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
    if (gw_view_eq(method, gw_view_of(looks[i]))) return asker->is_background;
  }
  return false;
}

void gw_admin_http_audit(gw_admin_http *a, const gw_admin_asker *asker,
                         const gw_api_method *m, gw_view request) {
  naming n;
  gw_stat_add(&a->admin.stats.admin_calls_total, 1);
  gw_fields_init(&n.fields);
  gw_fields_text(&n.fields, "user", asker->user->name);
  gw_fields_text(&n.fields, "peer", asker->peer);
  gw_fields_view(&n.fields, "method", gw_api_name(m));
  gw_api_each_name(m, request, add_name, &n);
  if (is_look(asker, gw_api_name(m)))
    gw_log_write(a->server->log, GW_LOG_DEBUG, "admin.call", n.fields.text);
  else
    gw_log_audit(a->server->log, "admin.call", n.fields.text);
}

/* ---- who asks ------------------------------------------------------------- */

bool gw_admin_http_is_asking(const gw_admin_http *a, struct lws *wsi) {
  return a->is_on &&
         lws_hdr_custom_length(wsi, CSRF_HEADER, sizeof CSRF_HEADER - 1) >= 0;
}

static void refuse_asker(gw_admin_http *a, gw_admin_asker *asker,
                         unsigned status, uint32_t code, const char *why) {
  asker->user = NULL;
  asker->status = status;
  asker->code = code;
  asker->why = why;
  log_refusal(a, asker->peer, why);
}

/** As gw_admin_http_check; from gets what the headers say. */
static void check(gw_admin_http *a, struct lws *wsi, asking *from,
                  gw_admin_asker *asker) {
  char token_text[2 * GW_ADMIN_TOKEN_MAX], mark[8];
  *asker = (gw_admin_asker){.status = 0};
  read_asking(a, wsi, from);
  memcpy(asker->peer, from->peer, sizeof asker->peer);
  if (!is_own_origin(a, wsi)) {
    refuse_asker(a, asker, 403, GW_CODE_BAD_ORIGIN,
                 "only the page for administrators may ask this");
    return;
  }
  asker->is_background =
      custom_header(wsi, BACKGROUND_HEADER, mark, sizeof mark).len != 0;
  if (from->has_id)
    asker->user = gw_admin_sessions_find(&a->admin.sessions, from->id,
                                         !asker->is_background, now_ms(a));
  if (!asker->user) {
    refuse_asker(a, asker, 401, GW_CODE_TOKEN_INVALID,
                 "there is no session, or it is over: log in");
    return;
  }
  gw_view token =
      custom_header(wsi, CSRF_HEADER, token_text, sizeof token_text);
  if (!gw_admin_csrf_is(&a->admin, from->id, token))
    refuse_asker(a, asker, 403, GW_CODE_PERMISSION_DENIED,
                 "the header X-CSRF-Token is missing or not the session's");
}

void gw_admin_http_check(gw_admin_http *a, struct lws *wsi,
                         gw_admin_asker *asker) {
  asking from;
  check(a, wsi, &from, asker);
}

/* ---- answers -------------------------------------------------------------- */

/** Before the body was read: what follows on the connection is no request. */
static int refuse(struct lws *wsi, unsigned status, uint32_t code,
                  const char *message) {
  (void)!gw_http_write_error(wsi, status, code, message, true);
  return -1;
}

static int write_json(struct lws *wsi, json_t *root, const char *cookie) {
  char *body = root ? json_dumps(root, JSON_COMPACT) : NULL;
  json_decref(root);
  if (!body)
    return gw_http_write_error(wsi, 503, GW_CODE_OVERLOADED, "out of memory",
                               false);
  int written = gw_http_write(wsi, &(gw_http_reply){.status = 200,
                                                    .content_type = JSON_TYPE,
                                                    .body = gw_view_of(body),
                                                    .set_cookie = cookie});
  free(body);
  return written;
}

/** What the page has to know of its session. */
static json_t *session_json(const gw_admin_http *a, const gw_admin_user *user,
                            const uint8_t *id) {
  char token[GW_ADMIN_TOKEN_MAX];
  gw_admin_csrf(&a->admin, id, token);
  return json_pack("{s:s,s:s}", "user", user->name, "csrf", token);
}

static int answer_session(gw_admin_http *a, struct lws *wsi) {
  asking from;
  const gw_admin_user *user = NULL;
  read_asking(a, wsi, &from);
  if (from.has_id)
    user = gw_admin_sessions_find(&a->admin.sessions, from.id, true, now_ms(a));
  return gw_http_done(
      wsi,
      write_json(wsi, user ? session_json(a, user, from.id) : json_object(),
                 NULL));
}

static int answer_file(struct lws *wsi, const gw_admin_file *file) {
  return gw_http_done(
      wsi, gw_http_write(wsi, &(gw_http_reply){.status = 200,
                                               .content_type = file->type,
                                               .body = file->bytes,
                                               .csp = GW_ADMIN_PAGE_CSP}));
}

static int answer_none(struct lws *wsi) {
  return gw_http_done(
      wsi, gw_http_write(wsi, &(gw_http_reply){.status = 404,
                                               .content_type =
                                                   "text/plain; charset=utf-8",
                                               .body = gw_view_of(no_admins)}));
}

bool gw_admin_http_is_path(const char *path) {
  static const size_t len = sizeof GW_ADMIN_PATH - 1;
  return strncmp(path, GW_ADMIN_PATH, len) == 0 &&
         (path[len] == '\0' || path[len] == '/');
}

int gw_admin_http_get(gw_admin_http *a, struct lws *wsi, const char *path) {
  const char *rest = path + sizeof GW_ADMIN_PATH - 1;
  if (!a->is_on) return answer_none(wsi);
  /* The page's own links begin with admin/, so that a proxy may put it below
   * another path. */
  if (strcmp(rest, "/") == 0)
    return gw_http_done(
        wsi, gw_http_write(wsi, &(gw_http_reply){.status = 308,
                                                 .content_type = "text/plain",
                                                 .location = "../admin"}));
  if (strcmp(rest, "/session") == 0) return answer_session(a, wsi);
  const gw_admin_file *file =
      gw_admin_page_find(*rest == '\0' ? "index.html" : rest + 1);
  if (file) return answer_file(wsi, file);
  return gw_http_done(wsi,
                      gw_http_write_error(wsi, 404, GW_CODE_NOT_FOUND,
                                          "the page has no such file", false));
}

/* ---- logging in ----------------------------------------------------------- */

static void free_request(gw_admin_request *r) {
  sodium_memzero(r, sizeof *r); /* there is a password in it */
  free(r);
}

static int end_request(struct lws *wsi, gw_admin_request **request,
                       int written) {
  free_request(*request);
  *request = NULL;
  return gw_http_done(wsi, written);
}

static int end_refused(struct lws *wsi, gw_admin_request **request,
                       const gw_http_refusal *refusal) {
  return end_request(wsi, request, gw_http_write_refusal(wsi, refusal));
}

static void write_cookie(char *text, size_t room, bool is_secure,
                         const char *value, const char *rest) {
  (void)snprintf(text, room, "%s=%s" COOKIE_FLAGS "%s%s",
                 is_secure ? COOKIE_SECURE : COOKIE, value,
                 is_secure ? "; Secure" : "", rest);
}

static bool is_right(const gw_admin_request *r) {
  return r->result == 1 && r->user != NULL;
}

/** Also of those who did not wait for the answer. */
static void note_failure(gw_admin_http *a, const gw_admin_request *r) {
  gw_stat_add(&a->admin.stats.admin_logins_failed_total, 1);
  /* A name that is none may be a password in the wrong field. */
  audit(a, "admin.login_failed", r->user ? r->user->name : NULL, r->from.peer);
}

static int let_in(gw_admin_http *a, struct lws *wsi, gw_admin_request *r) {
  uint8_t id[GW_ADMIN_ID_BYTES];
  char text[GW_ADMIN_TOKEN_MAX], cookie[192];
  /* Another session of the same browser would be left behind. */
  if (r->from.has_id)
    (void)gw_admin_sessions_end(&a->admin.sessions, r->from.id);
  randombytes_buf(id, sizeof id);
  const gw_admin_user *displaced = gw_admin_enter(
      &a->admin, r->user, gw_view_of(r->from.peer), id, now_ms(a));
  audit(a, "admin.login", r->user->name, r->from.peer);
  if (displaced)
    audit(a, "admin.session_displaced", displaced->name, r->from.peer);
  gw_admin_id_write(id, text);
  write_cookie(cookie, sizeof cookie, r->from.is_secure, text, "");
  return write_json(wsi, session_json(a, r->user, id), cookie);
}

/** The same for a name that nobody has and for a wrong password. */
static int turn_away(struct lws *wsi) {
  return gw_http_write_error(wsi, 401, GW_CODE_PERMISSION_DENIED,
                             "name or password is wrong", false);
}

int gw_admin_http_write(struct lws *wsi, gw_admin_request **request) {
  gw_admin_request *r = *request;
  if (!r || !r->has_result) return 0;
  lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
  if (r->result < 0)
    return end_refused(
        wsi, request,
        &(gw_http_refusal){.status = 503,
                           .code = GW_CODE_OVERLOADED,
                           .message = "there is no memory for the hash",
                           .retry_after_s = GW_ADMIN_HASHING_RETRY_S});
  return end_request(wsi, request,
                     is_right(r) ? let_in(r->http, wsi, r) : turn_away(wsi));
}

/** On a thread of libuv's. */
static void work(uv_work_t *w) {
  gw_admin_request *r = w->data;
  r->result = gw_password_check(r->password, gw_view_of(r->typed));
}

static void on_worked(uv_work_t *w, int status) {
  gw_admin_request *r = w->data;
  r->http->num_hashing--;
  r->is_hashing = false;
  r->has_result = true;
  if (status != 0) r->result = GW_ERR_NOMEM;
  if (!is_right(r)) note_failure(r->http, r);
  if (r->wsi)
    lws_callback_on_writable(r->wsi);
  else
    free_request(r);
}

static bool take_text(const json_t *root, const char *key, char *to,
                      size_t room) {
  const json_t *value = json_object_get(root, key);
  size_t len = json_string_length(value);
  if (!json_is_string(value) || len == 0 || len >= room) return false;
  memcpy(to, json_string_value(value), len + 1);
  return strlen(to) == len;
}

/** {"name":..,"password":..}. false: it is not. */
static bool read_body(gw_admin_request *r) {
  json_t *root = json_loadb((const char *)r->body, r->body_len,
                            JSON_REJECT_DUPLICATES, NULL);
  sodium_memzero(r->body, sizeof r->body);
  bool is_good = json_is_object(root) &&
                 take_text(root, "name", r->name, sizeof r->name) &&
                 take_text(root, "password", r->typed, sizeof r->typed);
  json_decref(root);
  return is_good;
}

static int limit(gw_admin_http *a, struct lws *wsi, gw_admin_request **request,
                 uint32_t wait_ms) {
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", (*request)->from.peer);
  gw_fields_number(&f, "retry_after_ms", wait_ms);
  gw_log_write(a->server->log, GW_LOG_WARN, "admin.login_limited", f.text);
  return end_refused(
      wsi, request,
      &(gw_http_refusal){.status = 429,
                         .code = GW_CODE_RATE_LIMITED,
                         .message = "too many failed logins",
                         .retry_after_s = (wait_ms + 999) / 1000});
}

int gw_admin_http_body_end(struct lws *wsi, gw_admin_request **request) {
  gw_admin_request *r = *request;
  if (!r || r->is_hashing || r->has_result) return 0;
  gw_admin_http *a = r->http;
  if (!read_body(r))
    return end_refused(wsi, request,
                       &(gw_http_refusal){.status = 400,
                                          .code = GW_CODE_BAD_REQUEST,
                                          .message =
                                              "the body has to be {\"name\":..,"
                                              "\"password\":..}"});
  if (a->num_hashing == GW_ADMIN_HASHING_MAX)
    return end_refused(
        wsi, request,
        &(gw_http_refusal){.status = 503,
                           .code = GW_CODE_OVERLOADED,
                           .message = "others are just logging in",
                           .retry_after_s = GW_ADMIN_HASHING_RETRY_S});
  uint32_t wait_ms = gw_admin_try(&a->admin, gw_view_of(r->name),
                                  gw_view_of(r->from.peer), now_ms(a));
  if (wait_ms != 0) return limit(a, wsi, request, wait_ms);
  r->password = gw_admin_password_of(&a->admin, gw_view_of(r->name), &r->user);
  r->work.data = r;
  if (uv_queue_work(&a->server->loop, &r->work, work, on_worked) < 0) return -1;
  a->num_hashing++;
  r->is_hashing = true;
  lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, GW_ADMIN_TIMEOUT_S);
  return 0;
}

int gw_admin_http_body(struct lws *wsi, gw_view part,
                       gw_admin_request **request) {
  gw_admin_request *r = *request;
  (void)wsi;
  if (!r) return 0; /* it was refused */
  if (r->is_hashing || part.len > r->body_cap - r->body_len) return -1;
  if (part.len != 0) memcpy(r->body + r->body_len, part.data, part.len);
  r->body_len += part.len;
  return 0;
}

void gw_admin_http_gone(gw_admin_request **request) {
  gw_admin_request *r = *request;
  *request = NULL;
  if (!r) return;
  r->wsi = NULL;
  if (!r->is_hashing) free_request(r);
}

/** A body that a form of another page cannot make. 0; otherwise what was returned
 * by refuse. */
static int check_body(struct lws *wsi, size_t *num) {
  static const char type[] = JSON_TYPE;
  char text[64] = "";
  (void)header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, text, sizeof text);
  size_t len = sizeof type - 1;
  if (strncasecmp(text, type, len) != 0 ||
      (text[len] != '\0' && !strchr("; \t", text[len])))
    return refuse(wsi, 415, GW_CODE_UNSUPPORTED,
                  "Content-Type has to be " JSON_TYPE);
  if (gw_http_body_of(wsi) != GW_HTTP_BODY_SOME)
    return refuse(wsi, 411, GW_CODE_BAD_REQUEST, "Content-Length is needed");
  text[0] = '\0';
  (void)header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text);
  unsigned long long bytes = strtoull(text, NULL, 10);
  if (text[0] == '\0' || bytes > GW_ADMIN_LOGIN_BYTES)
    return refuse(wsi, 413, GW_CODE_TOO_BIG, "the body is too large");
  *num = (size_t)bytes;
  return 0;
}

static int begin_login(gw_admin_http *a, struct lws *wsi,
                       gw_admin_request **request) {
  size_t num = 0;
  asking from;
  read_asking(a, wsi, &from);
  if (!is_own_origin(a, wsi)) {
    log_refusal(a, from.peer, "a page of another origin wants to log in");
    return refuse(wsi, 403, GW_CODE_BAD_ORIGIN,
                  "only the page for administrators may log in");
  }
  int refused = check_body(wsi, &num);
  if (refused) return refused;
  gw_admin_request *r = calloc(1, sizeof *r);
  if (!r) return refuse(wsi, 503, GW_CODE_OVERLOADED, "out of memory");
  r->http = a;
  r->wsi = wsi;
  r->from = from;
  r->body_cap = num;
  *request = r;
  return 0;
}

/* ---- logging out ---------------------------------------------------------- */

static int log_out(gw_admin_http *a, struct lws *wsi) {
  asking from;
  gw_admin_asker asker;
  char cookie[192];
  check(a, wsi, &from, &asker);
  if (!asker.user) return refuse(wsi, asker.status, asker.code, asker.why);
  if (gw_http_body_of(wsi) != GW_HTTP_BODY_NONE)
    return refuse(wsi, 400, GW_CODE_BAD_REQUEST, "there is no body to this");
  (void)gw_admin_sessions_end(&a->admin.sessions, from.id);
  audit(a, "admin.logout", asker.user->name, from.peer);
  write_cookie(cookie, sizeof cookie, from.is_secure, "", "; Max-Age=0");
  return gw_http_done(wsi, write_json(wsi, json_object(), cookie));
}

int gw_admin_http_post(gw_admin_http *a, struct lws *wsi, const char *path,
                       gw_admin_request **request) {
  const char *rest = path + sizeof GW_ADMIN_PATH - 1;
  if (!a->is_on)
    return refuse(wsi, 404, GW_CODE_NOT_FOUND,
                  "there is no administrator: see admin.users");
  if (strcmp(rest, "/login") == 0) return begin_login(a, wsi, request);
  if (strcmp(rest, "/logout") == 0) return log_out(a, wsi);
  return refuse(wsi, 405, GW_CODE_BAD_REQUEST, "POST is for login and logout");
}

/* ---- life ----------------------------------------------------------------- */

/** The first line of a file; false: why says it. */
static bool read_line(const char *path, char text[GW_PASSWORD_TEXT_MAX + 2],
                      char *why) {
  char what[GW_SMALL_FILE_WHY_MAX];
  size_t len;
  char *content = gw_small_file_read(path, PASSWORD_FILE_MAX, &len, what);
  if (content == NULL) {
    (void)snprintf(why, GW_ADMIN_HTTP_WHY_MAX, "admin.users: '%.600s' %s", path,
                   what);
    return false;
  }
  content[strcspn(content, "\r\n")] = '\0';
  (void)snprintf(text, GW_PASSWORD_TEXT_MAX + 2, "%s", content);
  free(content);
  return true;
}

int gw_admin_http_add_user(gw_admin_users *users, const gw_config_admin_user *u,
                           char why[GW_ADMIN_HTTP_WHY_MAX]) {
  char text[GW_PASSWORD_TEXT_MAX + 2], what[GW_ADMIN_WHY_MAX];
  bool has_file = *u->password_file != '\0';
  if (has_file && !read_line(u->password_file, text, why))
    return GW_ERR_INVALID;
  int err =
      gw_admin_users_add(users, u->name, has_file ? text : u->password, what);
  if (err == GW_ERR_INVALID)
    (void)snprintf(why, GW_ADMIN_HTTP_WHY_MAX, "admin.users: %s", what);
  return err;
}

static int add_users(gw_admin_users *users, const gw_server *s) {
  const gw_config_admin *c = &s->config.admin;
  char why[GW_ADMIN_HTTP_WHY_MAX];
  for (size_t i = 0; i < c->num_users; i++) {
    int err = gw_admin_http_add_user(users, &c->users[i], why);
    if (err == GW_ERR_INVALID) fprintf(s->errors, "godwit: %s\n", why);
    if (err < 0) return err;
  }
  return 0;
}

int gw_admin_http_open(gw_admin_http *a, gw_server *server) {
  const gw_config_admin *c = &server->config.admin;
  gw_admin_users users = {.num = 0};
  gw_admin_options o = {.sessions = {.idle_ms = c->idle_ms,
                                     .lifetime_ms = c->lifetime_ms,
                                     .max = c->max_sessions},
                        .failures = c->failures};
  *a = (gw_admin_http){.server = server};
  if (c->num_users == 0) return 0;
  if (sodium_init() < 0) return GW_ERR_STATE;
  randombytes_buf(o.secret, sizeof o.secret);
  int err = add_users(&users, server);
  if (err < 0) {
    gw_admin_users_deinit(&users);
    return err;
  }
  err = gw_admin_init(&a->admin, &users, &o);
  a->is_on = err == 0;
  if (err < 0) gw_admin_deinit(&a->admin);
  return err;
}

void gw_admin_http_free(gw_admin_http *a) {
  if (a->is_on) gw_admin_deinit(&a->admin);
  a->is_on = false;
}
