/* SPDX-License-Identifier: MIT */
/* worker.c - one thread's loop: input, then at the end of the turn mail, output
 * and timers. */
#include "server/net/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/observe/wall_clock.h"

/* Connections that are read before those are answered that need not wait. */
#define ROUND 32u

/* ---- time --------------------------------------------------------------- */

void gw_worker_touch(gw_worker *w) {
  uint64_t now = uv_now(&w->loop);
  if (now == w->ws.now_ms) return;
  w->ws.now_ms = now;
  gw_hub_set_time(w->hub, now, gw_wall_ms());
}

static void on_input(void *user) {
  gw_worker_touch(user);
}

static int on_open(void *user, struct lws *wsi, gw_ws_conn *c) {
  const gw_socket *socket = gw_socket_of(wsi);
  atomic_store(&((gw_worker *)user)->is_drained, false);
  c->cookie_token = gw_worker_cookie_token(user, wsi);
  c->way = gw_worker_way(user, wsi);
  if (!socket) return 0;
  if (socket->refusal) {
    gw_session_close(c->session, socket->refusal, NULL, socket->retry_after_ms,
                     socket->retry_after_ms);
    return 0;
  }
  return socket->bound ? gw_session_bind(c->session, &socket->bound->bond) : 0;
}

static void on_timer(uv_timer_t *timer) {
  gw_worker *w = timer->data;
  w->armed_ms = UINT64_MAX;
  gw_worker_touch(w);
}

static void arm(gw_worker *w) {
  uint64_t hub = gw_hub_deadline(w->hub), ws = gw_ws_deadline(&w->ws);
  uint64_t auth = gw_auth_deadline(w->asks.auth);
  uint64_t deadline = hub < ws ? hub : ws;
  if (auth < deadline) deadline = auth;
  if (deadline == w->armed_ms) return;
  w->armed_ms = deadline;
  uint64_t now = uv_now(&w->loop);
  if (deadline == UINT64_MAX)
    uv_timer_stop(&w->timer);
  else
    uv_timer_start(&w->timer, on_timer, deadline > now ? deadline - now : 0, 0);
}

/* ---- the hub's port ----------------------------------------------------- */

static void want_write(void *user, void *conn) {
  gw_ws_want_write(&((gw_worker *)user)->ws, conn);
}

static void close_conn(void *user, void *conn, uint32_t ws_code,
                       gw_view reason) {
  gw_ws_close(&((gw_worker *)user)->ws, conn, ws_code, reason);
}

static uint64_t way_of(void *user, void *conn) {
  const gw_ws_conn *c = conn;
  (void)user;
  return c->way;
}

static void post(void *user, uint32_t worker, gw_mail *mail) {
  gw_worker *w = user;
  gw_mail_batch_add(&w->outgoing[worker], mail);
}

/* Of the same clock as uv_now. */
static uint64_t clock_now(void *user) {
  (void)user;
  return uv_hrtime() / 1000000;
}

/* The system is asked for several at once: a connection needs two. */
static uint64_t random_number(void *user) {
  gw_worker *w = user;
  if (w->num_randoms == 0) {
    /* Small requests are never cut short once the pool is ready (getrandom(2)).
     */
    if (getrandom(w->randoms, sizeof w->randoms, 0) !=
        (ssize_t)sizeof w->randoms)
      abort();
    w->num_randoms = GW_WORKER_RANDOMS;
  }
  uint64_t value = w->randoms[--w->num_randoms];
  w->randoms[w->num_randoms] = 0; /* given once, and kept nowhere */
  return value;
}

static void tell_channel(void *user, const gw_notice *notice) {
  const gw_worker *w = user;
  gw_asks_tell_channel(&w->asks, notice);
}

static void log_connection(gw_log *log, const gw_notice *n) {
  char fields[160];
  (void)snprintf(fields, sizeof fields,
                 "connection=%016" PRIx64 " client=%016" PRIx64
                 " from=%s to=%s code=%u",
                 n->connection, n->client, gw_conn_state_name(n->from),
                 gw_conn_state_name(n->to), n->code);
  gw_log_write(log, GW_LOG_DEBUG, "connection.state", fields);
}

static void tell_connection(void *user, const gw_notice *notice) {
  const gw_worker *w = user;
  gw_log *log = w->options.log;
  if (gw_log_is_on(log, GW_LOG_DEBUG)) log_connection(log, notice);
  gw_asks_tell_connection(&w->asks, notice);
}

static void tell_event(void *user, gw_view name, gw_view channel,
                       uint64_t epoch, const gw_publication *publication) {
  const gw_worker *w = user;
  gw_events_tell_publication(w->asks.events, name, channel, epoch, publication);
}

static void watch_what_is_wanted(gw_worker *w) {
  if (gw_asks_want_channels(&w->asks))
    gw_hub_set_on_channel(w->hub, tell_channel, w);
  if (gw_asks_want_connections(&w->asks) ||
      gw_log_is_on(w->options.log, GW_LOG_DEBUG))
    gw_hub_set_on_connection(w->hub, tell_connection, w);
  if (w->asks.events != NULL) gw_hub_set_on_event(w->hub, tell_event, w);
  if (gw_asks_want_presence(&w->asks)) gw_hub_tell_presence(w->hub);
}

void gw_worker_watch_channels(gw_worker *w,
                              void (*on_channel)(void *, const gw_notice *),
                              void *user) {
  w->asks.on_channel = on_channel;
  w->asks.on_channel_user = user;
  watch_what_is_wanted(w);
}

void gw_worker_watch_connections(gw_worker *w,
                                 void (*on_connection)(void *,
                                                       const gw_notice *),
                                 void *user) {
  w->asks.on_connection = on_connection;
  w->asks.on_connection_user = user;
  watch_what_is_wanted(w);
}

void gw_worker_watch_events(gw_worker *w, const gw_event_handlers *handlers) {
  w->asks.events = handlers;
  watch_what_is_wanted(w);
}

static void log_line(void *user, int level, const char *event,
                     const char *fields) {
  gw_log_write(((gw_worker *)user)->options.log, level, event, fields);
}

/* ---- mail and tasks ----------------------------------------------------- */

static void send_mail(gw_worker *w) {
  for (uint32_t i = 0; i < w->options.hub.num_workers; i++) {
    if (!w->outgoing[i].newest) continue;
    gw_stat_add(&w->stats.mail_batches_total, 1);
    if (!gw_mailbox_push(&w->workers[i]->inbox, &w->outgoing[i])) continue;
    gw_stat_add(&w->stats.wakeups_total, 1);
    uv_async_send(&w->workers[i]->wake);
  }
}

static void take_mail(gw_worker *w) {
  gw_mail *next;
  for (gw_mail *mail = gw_mailbox_take(&w->inbox); mail; mail = next) {
    next = *gw_mail_next(mail);
    gw_hub_deliver(w->hub, mail);
  }
}

void gw_worker_post_task(gw_worker *w, gw_task *task) {
  task->next = NULL;
  pthread_mutex_lock(&w->tasks_lock);
  if (w->tasks_last)
    w->tasks_last->next = task;
  else
    w->tasks_first = task;
  w->tasks_last = task;
  pthread_mutex_unlock(&w->tasks_lock);
  uv_async_send(&w->wake);
}

static void run_tasks(gw_worker *w, bool is_gone) {
  pthread_mutex_lock(&w->tasks_lock);
  gw_task *task = w->tasks_first;
  w->tasks_first = w->tasks_last = NULL;
  pthread_mutex_unlock(&w->tasks_lock);
  while (task) {
    gw_task *next = task->next;
    task->run(task, is_gone ? NULL : w);
    task = next;
  }
}

/* ---- the turn ----------------------------------------------------------- */

static void check_drained(gw_worker *w) {
  size_t num = gw_hub_num_sessions(w->hub);
  atomic_store_explicit(&w->num_sessions, num, memory_order_relaxed);
  /* Who was in a handshake may still become one. */
  if (w->is_draining)
    atomic_store(&w->is_drained, num == 0 && w->ws.num_conns == 0);
}

static void send_output(gw_worker *w) {
  gw_hub_end_turn(w->hub);
  gw_stat_add(&w->stats.flushes_total, 1);
  w->is_busy = gw_ws_flush(&w->ws);
  send_mail(w);
}

static void end_turn(gw_worker *w) {
  if (gw_hub_deadline(w->hub) <= w->ws.now_ms) gw_hub_tick(w->hub);
  if (gw_auth_deadline(w->asks.auth) <= w->ws.now_ms) gw_auth_run(w->asks.auth);
  gw_ws_tick(&w->ws, w->ws.now_ms);
  send_output(w);
  check_drained(w);
  arm(w);
}

static void stop_listening(gw_worker *w) {
  if (w->is_listening) gw_listener_stop(&w->listener);
  w->is_listening = false;
}

static void drain(gw_worker *w, uint32_t window_ms) {
  if (w->is_draining) return;
  w->is_draining = true;
  stop_listening(w);
  gw_hub_drain(w->hub, window_ms);
}

static void on_wake(uv_async_t *async) {
  gw_worker *w = async->data;
  gw_worker_touch(w);
  take_mail(w);
  run_tasks(w, false);
  gw_auth_run(w->asks.auth);
  atomic_store(&w->beat_answered, atomic_load(&w->beat_asked));
  uint32_t window = atomic_load(&w->drain_window_ms);
  if (window) drain(w, window - 1);
  /* What is open is closed by gw_worker_free, when no other worker runs that
   * might send mail here. */
  w->is_over = atomic_load(&w->is_stopping);
}

/* The worker whose thread this is. */
static _Thread_local const gw_worker *current;

bool gw_worker_is_current(const gw_worker *w) {
  return current == w;
}

/* Reads what is ready; true: the loop is, too. Where every connection is answered for
 * itself, that is done while the processor still has it in its cache. What goes to
 * many waits for the others, to go together with theirs. */
static bool read_ready(gw_worker *w, int num) {
  bool is_loop_ready = false;
  uint32_t num_read = 0;
  for (int i = 0; i < num; i++) {
    gw_ws_conn *c = gw_poller_ready(&w->poller, i);
    if (!c) {
      is_loop_ready = true;
      continue;
    }
    gw_ws_on_readable(&w->ws, c);
    if (++num_read % ROUND != 0) continue;
    if (gw_hub_turn_width(w->hub) <= ROUND) send_output(w);
  }
  return is_loop_ready;
}

/* Input, then all that comes of it. libuv's loop has a part only when it has
 * something to do. */
void gw_worker_turn(gw_worker *w, bool waits) {
  bool is_due = w->is_busy || !waits;
  int num =
      gw_poller_wait(&w->poller, is_due ? 0 : uv_backend_timeout(&w->loop));
  uv_update_time(&w->loop);
  gw_worker_touch(w);
  bool is_loop_ready = read_ready(w, num);
  if (is_loop_ready || uv_backend_timeout(&w->loop) == 0)
    uv_run(&w->loop, UV_RUN_NOWAIT);
  gw_worker_touch(w);
  end_turn(w);
}

static void *run(void *arg) {
  gw_worker *w = arg;
  current = w;
  while (!w->is_over)
    gw_worker_turn(w, true);
  return NULL;
}

/* ---- sockets ------------------------------------------------------------ */

static enum gw_room room(void *user) {
  gw_worker *w = user;
  if (w->options.max_sockets &&
      gw_stat_get(&w->stats.sockets) >= w->options.max_sockets)
    return GW_ROOM_REFUSE;
  if (w->handshakes.num + w->greetings.num < GW_CONTEXT_HANDSHAKES)
    return GW_ROOM_ACCEPT;
  if (gw_handshakes_evict(&w->handshakes, uv_now(&w->loop))) {
    gw_stat_add(&w->stats.handshakes_evicted_total, 1);
    gw_log_write(w->options.log, GW_LOG_WARN, "socket.evicted",
                 "why=\"silent while others wait for its place\"");
  }
  return GW_ROOM_WAIT;
}

static gw_socket *adopt(gw_worker *w, int fd, const gw_proxy_header *h) {
  uint64_t failures = gw_stat_get(&w->stats.tls_failures_total);
  struct lws *wsi = gw_context_adopt(&w->context, fd);
  gw_socket *socket =
      wsi ? gw_handshakes_add(&w->handshakes, wsi, uv_now(&w->loop)) : NULL;
  if (!socket && (wsi || gw_stat_get(&w->stats.tls_failures_total) == failures))
    gw_log_write(w->options.log, GW_LOG_ERROR, "socket.no_memory", NULL);
  /* Without it, the proxy would be taken for the client. */
  if (wsi && !socket && h) gw_context_cut(wsi);
  if (wsi) gw_tls_watch(wsi);
  return socket;
}

void gw_worker_adopt(gw_worker *w, int fd, const gw_peer *peer,
                     const gw_proxy_header *h) {
  gw_socket visit = {.peer = h ? h->peer : *peer};
  if (w->options.addresses && !gw_worker_admit(w, fd, h, &visit)) return;
  gw_socket *socket = adopt(w, fd, h);
  if (!socket) {
    gw_worker_see_off(w, &visit);
    return;
  }
  socket->peer = visit.peer;
  socket->is_counted = visit.is_counted;
  socket->address = visit.address;
  socket->refusal = visit.refusal;
  socket->retry_after_ms = visit.retry_after_ms;
  if (h) {
    socket->is_proxied = true;
    socket->is_secure = h->is_secure;
  }
  /* TLS was tried at once. */
  if (!lws_is_ssl(socket->wsi)) gw_context_serve(&w->context, fd);
}

static void on_accept(void *user, int fd, const gw_peer *peer) {
  gw_worker *w = user;
  gw_stat_add(&w->stats.accepts_total, 1);
  if (!gw_worker_is_proxy(w, peer))
    gw_worker_adopt(w, fd, peer, NULL);
  else if (gw_greetings_add(&w->greetings, fd) < 0)
    gw_log_write(w->options.log, GW_LOG_ERROR, "socket.no_memory", NULL);
}

static void on_refuse(void *user, int err) {
  gw_worker *w = user;
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "why", err ? strerror(err) : "as many as may be are open");
  gw_stat_add(err ? &w->stats.accepts_starved_total
                  : &w->stats.accepts_refused_total,
              1);
  gw_log_write(w->options.log, GW_LOG_WARN, "socket.refused", f.text);
}

bool gw_worker_end_handshake(gw_worker *w, struct lws *wsi) {
  bool was_waited_for = gw_handshakes_remove(&w->handshakes, wsi);
  if (was_waited_for && w->is_listening) gw_listener_resume(&w->listener);
  return was_waited_for;
}

/* ---- life --------------------------------------------------------------- */

static int init_loop(gw_worker *w) {
  if (uv_loop_init(&w->loop) < 0) return GW_ERR_NOMEM;
  /* None of these can fail, but for the file descriptor of the first async. */
  if (uv_async_init(&w->loop, &w->wake, on_wake) < 0) return GW_ERR_STATE;
  uv_timer_init(&w->loop, &w->timer);
  w->wake.data = w->timer.data = w;
  return gw_poller_open(&w->poller, &w->loop);
}

static int init_hub(gw_worker *w) {
  if (gw_worker_init_access(w) < 0) return GW_ERR_NOMEM;
  bool has_asks = gw_asks_are_any(&w->asks);
  const gw_hub_port port = {.want_write = want_write,
                            .close = close_conn,
                            .post = post,
                            .random = random_number,
                            .clock = clock_now,
                            .ask = has_asks ? gw_worker_ask : NULL,
                            .way = way_of,
                            .tell = gw_worker_tell,
                            .log = log_line};
  w->hub = gw_hub_new(&w->options.hub, &port, w);
  if (!w->hub || gw_ws_init(&w->ws) < 0) return GW_ERR_NOMEM;
  gw_hub_set_on_call(w->hub, w->options.on_call, w->options.on_call_user);
  watch_what_is_wanted(w);
  w->ws.hub = w->hub;
  w->ws.log = w->options.log;
  w->ws.stats = &w->stats;
  w->ws.poller = &w->poller;
  w->ws.on_open = on_open;
  w->ws.on_input = on_input;
  w->ws.user = w;
  gw_worker_touch(w);
  return 0;
}

static int init_context(gw_worker *w, const char **why) {
  const gw_settings *settings = w->options.hub.settings;
  *why = "libwebsockets does not start: is libwebsockets-evlib-uv installed?";
  return gw_context_open(
      &w->context, &(gw_context_options){
                       .loop = &w->loop,
                       .protocols = gw_public_protocols,
                       .user = w,
                       .handshake_timeout_ms = settings->handshake_timeout_ms,
                       .is_secure = w->options.credentials != NULL});
}

gw_worker *gw_worker_new(const gw_worker_options *options,
                         gw_worker *const *workers, const char **why) {
  gw_worker *w = calloc(1, sizeof *w);
  *why = "out of memory";
  if (!w) return NULL;
  w->options = *options;
  w->workers = workers;
  w->armed_ms = UINT64_MAX;
  gw_handshakes_init(&w->handshakes);
  pthread_mutex_init(&w->tasks_lock, NULL);
  w->outgoing = calloc(options->hub.num_workers, sizeof *w->outgoing);
  if (!w->outgoing || init_loop(w) < 0) {
    free(w->outgoing);
    free(w);
    return NULL;
  }
  gw_worker_init_tls(w);
  gw_worker_init_greetings(w);
  w->files.loop = &w->loop;
  if (init_hub(w) < 0 || init_context(w, why) < 0) {
    gw_worker_free(w);
    return NULL;
  }
  w->options.credentials = NULL;
  return w;
}

int gw_worker_listen(gw_worker *w, gw_listen *sockets) {
  const gw_listener_port port = {.room = room,
                                 .on_accept = on_accept,
                                 .on_refuse = on_refuse,
                                 .max_fd = w->options.max_fd};
  int err = gw_listener_start(&w->listener, &w->loop, sockets, &port, w);
  w->is_listening = err == 0;
  return err;
}

int gw_worker_start(gw_worker *w) {
  w->has_thread = pthread_create(&w->thread, NULL, run, w) == 0;
  return w->has_thread ? 0 : GW_ERR_NOMEM;
}

void gw_worker_join(gw_worker *w) {
  if (w->has_thread) pthread_join(w->thread, NULL);
  w->has_thread = false;
}

static void free_mail(gw_mail *mail) {
  while (mail) {
    gw_mail *next = *gw_mail_next(mail);
    gw_mail_free(mail);
    mail = next;
  }
}

void gw_worker_free(gw_worker *w) {
  stop_listening(w);
  gw_greetings_close(&w->greetings);
  /* As it wakes the loop from another thread. */
  gw_auth_free(w->asks.auth);
  w->is_ending = true;
  gw_context_close(&w->context);
  uv_close((uv_handle_t *)&w->wake, NULL);
  uv_close((uv_handle_t *)&w->timer, NULL);
  uv_run(&w->loop, UV_RUN_DEFAULT);
  gw_context_free(&w->context);
  gw_tls_deinit(&w->tls);
  run_tasks(w, true);
  free_mail(gw_mailbox_take(&w->inbox));
  for (uint32_t i = 0; i < w->options.hub.num_workers; i++)
    free_mail(w->outgoing[i].newest);
  if (w->hub) gw_hub_free(w->hub);
  gw_ws_deinit(&w->ws);
  gw_drafts_clear(&w->drafts);
  gw_poller_close(&w->poller);
  uv_loop_close(&w->loop);
  pthread_mutex_destroy(&w->tasks_lock);
  free(w->outgoing);
  free(w);
}

/* ---- on any thread ------------------------------------------------------ */

void gw_worker_drain(gw_worker *w, uint32_t window_ms) {
  atomic_store(&w->drain_window_ms, window_ms + 1);
  uv_async_send(&w->wake);
}

void gw_worker_stop(gw_worker *w) {
  atomic_store(&w->is_stopping, true);
  uv_async_send(&w->wake);
}

void gw_worker_ask_beat(gw_worker *w, uint64_t beat) {
  atomic_store(&w->beat_asked, beat);
  uv_async_send(&w->wake);
}

bool gw_worker_has_answered(const gw_worker *w, uint64_t beat) {
  return atomic_load(&((gw_worker *)(uintptr_t)w)->beat_answered) >= beat;
}
