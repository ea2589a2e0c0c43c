/* SPDX-License-Identifier: MIT */
/* transfer.c - libcurl says which sockets and what time it waits for; libuv
 * waits. */
#include "server/hooks/transfer.h"

#include <stdlib.h>
#include <string.h>

/** A socket of libcurl's. */
typedef struct watch {
  uv_poll_t poll;
  gw_transfers *ts;
  curl_socket_t fd;
} watch;

/* ---- done ------------------------------------------------------------------ */

static void take_off(gw_transfers *ts, gw_transfer *t) {
  curl_multi_remove_handle(ts->multi, t->easy);
  curl_easy_cleanup(t->easy);
  curl_slist_free_all(t->list);
  t->easy = NULL;
  t->list = NULL;
  ts->num_running--;
}

static void finish(gw_transfers *ts, CURL *easy, CURLcode code) {
  gw_transfer *t = NULL;
  long sent = 0;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &t->status);
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
  t->was_sent = sent != 0;
  if (code != CURLE_OK) {
    t->status = 0;
    t->failure =
        t->is_too_big ? "the reply is too long" : curl_easy_strerror(code);
  }
  take_off(ts, t);
  ts->on_done(ts->user, t);
}

static void check_done(gw_transfers *ts) {
  CURLMsg *m;
  int left;
  while ((m = curl_multi_info_read(ts->multi, &left)) != NULL)
    if (m->msg == CURLMSG_DONE) finish(ts, m->easy_handle, m->data.result);
}

/* ---- waiting --------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events) {
  watch *w = poll->data;
  gw_transfers *ts = w->ts;
  int flags = 0, running;
  if (status < 0) flags = CURL_CSELECT_ERR;
  if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
  curl_multi_socket_action(ts->multi, w->fd, flags, &running);
  check_done(ts);
}

static void on_watch_closed(uv_handle_t *handle) {
  free(handle->data);
}

static watch *new_watch(gw_transfers *ts, curl_socket_t fd) {
  watch *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->ts = ts;
  w->fd = fd;
  if (uv_poll_init_socket(ts->loop, &w->poll, fd) < 0) {
    free(w);
    return NULL;
  }
  w->poll.data = w;
  return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user,
                     void *socket) {
  gw_transfers *ts = user;
  watch *w = socket;
  int events = 0;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    if (!w) return 0;
    curl_multi_assign(ts->multi, fd, NULL);
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
    return 0;
  }
  if (!w) w = new_watch(ts, fd);
  if (!w) return 0; /* its time-out ends it */
  curl_multi_assign(ts->multi, fd, w);
  if (what & CURL_POLL_IN) events |= UV_READABLE;
  if (what & CURL_POLL_OUT) events |= UV_WRITABLE;
  uv_poll_start(&w->poll, events, on_poll);
  return 0;
}

static void on_timer(uv_timer_t *timer) {
  gw_transfers *ts = timer->data;
  int running;
  curl_multi_socket_action(ts->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  check_done(ts);
}

static int on_timeout(CURLM *multi, long ms, void *user) {
  gw_transfers *ts = user;
  (void)multi;
  if (ms < 0)
    uv_timer_stop(&ts->timer);
  else
    uv_timer_start(&ts->timer, on_timer, (uint64_t)ms, 0);
  return 0;
}

/* ---- one request ------------------------------------------------------------ */

static size_t on_bytes(char *data, size_t size, size_t num, void *user) {
  gw_transfer *t = user;
  size_t len = size * num;
  if (len > t->max_reply - t->reply_len) {
    t->is_too_big = true;
    return 0;
  }
  if (t->reply_len + len > t->reply_cap) {
    size_t cap = (t->reply_len + len) * 2;
    uint8_t *reply = realloc(t->reply, cap);
    if (!reply) return 0;
    t->reply = reply;
    t->reply_cap = cap;
  }
  if (len != 0) memcpy(t->reply + t->reply_len, data, len);
  t->reply_len += len;
  return len;
}

static bool add_headers(gw_transfer *t) {
  for (const char *const *h = t->headers; *h; h++) {
    struct curl_slist *list = curl_slist_append(t->list, *h);
    if (!list) return false;
    t->list = list;
  }
  return true;
}

static void set_options(gw_transfer *t) {
  CURL *e = t->easy;
  curl_easy_setopt(e, CURLOPT_URL, t->url);
  curl_easy_setopt(e, CURLOPT_PRIVATE, t);
  curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
  curl_easy_setopt(e, CURLOPT_POSTFIELDS, (const char *)t->body.data);
  curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->list);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
  curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->timeout_ms);
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->timeout_ms);
  /* A redirect would show the request, and its signature, to another. */
  curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  /* The backend is where the configuration says, not where a variable does. */
  curl_easy_setopt(e, CURLOPT_PROXY, "");
}

int gw_transfer_start(gw_transfers *ts, gw_transfer *t) {
  t->status = 0;
  t->reply_len = 0;
  t->is_too_big = t->was_sent = false;
  t->easy = curl_easy_init();
  bool is_good = t->easy && add_headers(t);
  if (is_good) set_options(t);
  if (is_good && curl_multi_add_handle(ts->multi, t->easy) == CURLM_OK) {
    ts->num_running++;
    return 0;
  }
  if (t->easy) curl_easy_cleanup(t->easy);
  curl_slist_free_all(t->list);
  t->easy = NULL;
  t->list = NULL;
  return GW_ERR_NOMEM;
}

void gw_transfer_drop(gw_transfers *ts, gw_transfer *t) {
  if (t->easy) take_off(ts, t);
}

void gw_transfer_deinit(gw_transfer *t) {
  free(t->reply);
  t->reply = NULL;
}

/* ---- life ------------------------------------------------------------------ */

int gw_transfers_init(gw_transfers *ts, uv_loop_t *loop, uint32_t connections,
                      gw_on_transfer on_done, void *user) {
  *ts = (gw_transfers){.loop = loop, .on_done = on_done, .user = user};
  ts->multi = curl_multi_init();
  if (!ts->multi) return GW_ERR_NOMEM;
  uv_timer_init(loop, &ts->timer);
  ts->timer.data = ts;
  curl_multi_setopt(ts->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(ts->multi, CURLMOPT_SOCKETDATA, ts);
  curl_multi_setopt(ts->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
  curl_multi_setopt(ts->multi, CURLMOPT_TIMERDATA, ts);
  curl_multi_setopt(ts->multi, CURLMOPT_MAXCONNECTS, (long)connections);
  curl_multi_setopt(ts->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    (long)connections);
  return 0;
}

void gw_transfers_deinit(gw_transfers *ts) {
  if (!ts->multi) return;
  curl_multi_cleanup(ts->multi);
  uv_close((uv_handle_t *)&ts->timer, NULL);
  ts->multi = NULL;
}
