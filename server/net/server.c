/* SPDX-License-Identifier: MIT */
/* server.c - makes the workers, opens the sockets, and sees to a calm end. */
#include "server/net/server.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void tell(gw_server *s, const char *sentence) {
  fprintf(s->errors, "godwit: %s\n", sentence);
}

/* ---- the end ------------------------------------------------------------ */

static bool all_drained(const gw_server *s) {
  for (uint32_t i = 0; i < s->num_workers; i++)
    if (!atomic_load(&s->workers[i]->is_drained)) return false;
  return true;
}

static void on_drain_timer(uv_timer_t *timer) {
  gw_server *s = timer->data;
  bool is_late = uv_now(&s->loop) >= s->drain_deadline_ms;
  if (!all_drained(s) && !is_late) return;
  gw_log_write(s->log, is_late ? GW_LOG_WARN : GW_LOG_INFO, "server.drained",
               is_late ? "why=\"the deadline came first\"" : NULL);
  uv_stop(&s->loop);
}

static void begin_drain(gw_server *s) {
  if (s->is_draining) return;
  s->is_draining = true;
  s->drain_deadline_ms = uv_now(&s->loop) + s->config.drain_timeout_ms;
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_number(&f, "window_ms", s->config.drain_window_ms);
  gw_fields_number(&f, "timeout_ms", s->config.drain_timeout_ms);
  gw_log_write(s->log, GW_LOG_INFO, "server.draining", f.text);
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_drain(s->workers[i], s->config.drain_window_ms);
  uv_timer_start(&s->drain_timer, on_drain_timer, 0, GW_SERVER_DRAIN_POLL_MS);
}

static void on_wake(uv_async_t *async) {
  gw_server *s = async->data;
  if (atomic_exchange(&s->is_reloading, false)) gw__server_reload(s);
  if (atomic_load(&s->is_stopping)) begin_drain(s);
}

/* SIGHUP also tells that the terminal is gone, and then nobody is left to stop
 * us. */
static bool is_terminal_gone(void) {
  return !isatty(STDERR_FILENO) && errno == EIO;
}

static void on_signal(uv_signal_t *signal, int number) {
  gw_server *s = signal->data;
  if (number == SIGHUP && !is_terminal_gone()) {
    gw__server_reload(s);
    return;
  }
  if (!s->is_draining) {
    begin_drain(s);
    return;
  }
  gw_log_write(s->log, GW_LOG_WARN, "server.killed",
               "why=\"a second signal came while draining\"");
  _exit(EXIT_FAILURE);
}

void gw_server_stop(gw_server *s) {
  atomic_store(&s->is_stopping, true);
  uv_async_send(&s->wake);
}

void gw_server_reload(gw_server *s) {
  atomic_store(&s->is_reloading, true);
  uv_async_send(&s->wake);
}

/** Whether many have gone since the last time. num: that ever came; left: that are
 * there still. */
static bool have_gone(uint64_t *gone_before, uint64_t num, uint64_t left) {
  uint64_t gone = num > left ? num - left : 0;
  uint64_t more = gone > *gone_before ? gone - *gone_before : 0;
  if (more < GW_SERVER_TRIM_SOCKETS || more < left) return false;
  *gone_before = gone;
  return true;
}

/* glibc keeps what thousands of connections used until somebody asks: when they
 * have closed, and when the grace time of those that were lost is over. */
static void give_memory_back(gw_server *s) {
  uint64_t accepted = 0, open = 0, absent = 0;
  for (uint32_t i = 0; i < s->num_workers; i++) {
    const gw_stats *of = gw_hub_stats(s->workers[i]->hub);
    accepted += gw_stat_get(&s->workers[i]->stats.accepts_total);
    open += gw_stat_get(&s->workers[i]->stats.sockets);
    absent += gw_stat_get(&of->connections_reconnecting) +
              gw_stat_get(&of->connections_error);
  }
  bool closed = have_gone(&s->closed_before, accepted, open);
  bool ended = have_gone(&s->ended_before, accepted, open + absent);
  if (closed || ended) malloc_trim(0);
}

static void on_care_timer(uv_timer_t *timer) {
  gw_server *s = timer->data;
  gw_log_flush(s->log);
  give_memory_back(s);
}

/* ---- making ------------------------------------------------------------- */

static rlim_t wanted_fds(const gw_config *config) {
  rlim_t max = config->settings.max_connections;
  if (max == 0) return GW_SERVER_MAX_FDS;
  return (max + GW_CONTEXT_HANDSHAKES) * config->workers + GW_SERVER_OTHER_FDS;
}

/* Where we are a part of a program, its limit is not for us to lower. */
static void set_fd_limit(const gw_server *s) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  rlim_t wanted = wanted_fds(&s->config);
  if (wanted < limit.rlim_cur && !s->takes_signals) return;
  limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* The first descriptor that is spared; 0 when there is no telling. */
static int max_fd(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
    return 0;
  rlim_t quarter = limit.rlim_cur / 4;
  rlim_t spare =
      quarter < GW_SERVER_SPARE_FDS ? quarter : (rlim_t)GW_SERVER_SPARE_FDS;
  return (int)(limit.rlim_cur - spare);
}

static int init_loop(gw_server *s) {
  if (uv_loop_init(&s->loop) < 0) return GW_ERR_NOMEM;
  s->start_ms = uv_now(&s->loop);
  uv_async_init(&s->loop, &s->wake, on_wake);
  uv_timer_init(&s->loop, &s->drain_timer);
  uv_timer_init(&s->loop, &s->care_timer);
  s->wake.data = s->drain_timer.data = s->care_timer.data = s;
  uv_timer_start(&s->care_timer, on_care_timer, GW_SERVER_CARE_MS,
                 GW_SERVER_CARE_MS);
  if (!s->takes_signals) return 0;
  static const int numbers[GW_SERVER_NUM_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
  for (size_t i = 0; i < GW_SERVER_NUM_SIGNALS; i++) {
    uv_signal_init(&s->loop, &s->signals[i]);
    s->signals[i].data = s;
    uv_signal_start(&s->signals[i], on_signal, numbers[i]);
  }
  return 0;
}

static int make_keys(gw_server *s) {
  char why[GW_AUTH_WHY_MAX];
  size_t bad;
  const gw_auth_settings *auth = &s->config.auth;
  /* The configuration was checked when it was loaded. */
  int err = gw_api_keys_init(&s->api_keys, s->config.api_keys, &bad);
  if (err < 0) return err;
  if (!gw_auth_is_configured(auth)) return 0;
  if (gw_token_rules_init(&s->token_rules, auth, why) == 0)
    s->keystore = gw_keystore_new(auth, s->log, why);
  if (s->keystore) return 0;
  tell(s, why);
  return GW_ERR_INVALID;
}

static int make_addresses(gw_server *s) {
  gw_addresses_options o = {.rate = s->config.connect_rate,
                            .max_connections =
                                s->config.max_address_connections};
  if (o.rate.num == 0 && o.max_connections == 0) return 0;
  if (getrandom(o.hash_key, sizeof o.hash_key, 0) != (ssize_t)sizeof o.hash_key)
    return GW_ERR_STATE;
  s->addresses = gw_addresses_new(&o);
  return s->addresses ? 0 : GW_ERR_NOMEM;
}

static int make_workers(gw_server *s) {
  const gw_settings *settings = &s->config.settings;
  gw_worker_options o = {
      .hub = {.num_workers = s->config.workers, .settings = settings},
      .log = s->log,
      .demo = s->config.dev ? &s->demo : NULL,
      .hooks = s->hooks,
      .edge = &s->edge,
      .credentials = s->credentials,
      .is_tls_1_3_only = s->config.tls_min_version == GW_CONFIG_TLS_1_3,
      .on_call = gw_calls_on_call,
      .on_call_user = s->calls,
      .config = &s->config,
      .token_rules = &s->token_rules,
      .keystore = s->keystore,
      .addresses = s->addresses,
      .max_sockets = settings->max_connections
                         ? settings->max_connections + GW_CONTEXT_HANDSHAKES
                         : 0,
      .max_fd = max_fd()};
  if (getrandom(o.hub.hash_key, sizeof o.hub.hash_key, 0) !=
      (ssize_t)sizeof o.hub.hash_key)
    return GW_ERR_STATE;
  if (!s->workers) s->workers = calloc(s->config.workers, sizeof(gw_worker *));
  if (!s->workers) return GW_ERR_NOMEM;
  for (uint32_t i = 0; i < s->config.workers; i++) {
    const char *why;
    o.hub.worker = i;
    s->workers[i] = gw_worker_new(&o, s->workers, &why);
    if (!s->workers[i]) {
      tell(s, why);
      return GW_ERR_STATE;
    }
    s->num_workers++;
  }
  return 0;
}

/* The application's backend, if it is to be asked or told anything. */
static int make_hooks(gw_server *s) {
  const gw_config *c = &s->config;
  bool is_any = false;
  for (size_t i = 0; i < GW_NUM_HOOKS; i++)
    is_any = is_any || c->hooks.of[i].is_used;
  if (!is_any) return 0;
  s->workers = calloc(c->workers, sizeof(gw_worker *));
  if (!s->workers) return GW_ERR_NOMEM;
  s->hooks = gw_hooks_new(
      &(gw_hooks_options){.config = &c->hooks,
                          .node = c->settings.node,
                          .log = s->log,
                          .max_reply = 2u * c->settings.limits.max_frame_bytes,
                          .workers = s->workers});
  if (!c->hooks.secret[0])
    gw_log_write(s->log, GW_LOG_WARN, "hook.unsigned",
                 "why=\"hooks.secret is not set: the backend cannot tell who "
                 "asks\"");
  return s->hooks ? 0 : GW_ERR_NOMEM;
}

static void log_rules(gw_server *s) {
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "file", s->demo.rules);
  gw_log_write(s->log, GW_LOG_INFO, "demo.rules", f.text);
}

static int make(gw_server *s) {
  s->log = gw_log_new(
      &(gw_log_options){.fd = STDERR_FILENO,
                        .level = (int)s->config.log_level,
                        .json = s->config.log_format == GW_CONFIG_LOG_JSON});
  if (!s->log) return GW_ERR_NOMEM;
  gw_context_set_log(s->log);
  set_fd_limit(s);
  /* A peer that is gone and a file that may not grow are errors of one write. */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  int err = gw__server_load_credentials(s);
  if (err < 0) return err;
  if (s->uses_demo_rules) log_rules(s);
  if (make_hooks(s) < 0) return GW_ERR_NOMEM;
  s->calls = gw_calls_new(&(gw_calls_options){.server = s,
                                              .node = s->config.settings.node,
                                              .num_workers = s->config.workers,
                                              .hooks = s->hooks});
  if (!s->calls) return GW_ERR_NOMEM;
  err = make_keys(s);
  if (err == 0) err = make_addresses(s);
  if (err == 0) err = gw__server_make_edge(s);
  if (err == 0) err = gw_internal_open(&s->internal, s);
  if (err == 0) err = make_workers(s);
  return err == 0 ? gw__server_load_plugins(s) : err;
}

/* ---- configuration ------------------------------------------------------- */

/* The pages' rules take the place of a file that nobody gave. */
static int load_demo_rules(gw_server *s, const gw_server_options *o) {
  size_t num = (size_t)o->argc;
  char **argv = calloc(num + 2, sizeof *argv);
  if (!argv) return GW_ERR_NOMEM;
  for (size_t i = 0; i < num; i++)
    argv[i] = o->argv[i];
  argv[num] = (char *)(uintptr_t) "--config";
  argv[num + 1] = s->demo.rules;
  gw_config_deinit(&s->config);
  int err = gw_config_load(&s->config, o->argc + 2, argv, s->errors);
  free(argv);
  s->uses_demo_rules = true;
  return err;
}

static int load(gw_server *s, const gw_server_options *o) {
  char why[512];
  int err = gw_config_load(&s->config, o->argc, o->argv, s->errors);
  if (err < 0 || !s->config.dev) return err;
  if (gw_demo_find(&s->demo, o->demo, why, sizeof why) < 0) {
    tell(s, why);
    return GW_ERR_NOT_FOUND;
  }
  bool is_bare = !s->config.has_file && s->demo.rules[0] != '\0';
  return is_bare ? load_demo_rules(s, o) : 0;
}

int gw_server_new(gw_server **server, const gw_server_options *o) {
  gw_server *s = calloc(1, sizeof *s);
  *server = NULL;
  if (!s) return GW_ERR_NOMEM;
  s->errors = o->errors ? o->errors : stderr;
  s->takes_signals = o->takes_signals;
  s->start_wall_ms = (uint64_t)time(NULL) * 1000;
  int err = load(s, o);
  if (err < 0) {
    gw_config_deinit(&s->config);
    free(s);
    return err;
  }
  err = init_loop(s);
  if (err == 0) err = make(s);
  if (err < 0) {
    gw_server_free(s);
    return err;
  }
  *server = s;
  return 0;
}

void gw_server_free(gw_server *s) {
  if (!s) return;
  if (s->hooks) gw_hooks_stop(s->hooks);
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_free(s->workers[i]);
  gw_keystore_free(s->keystore);
  gw_api_keys_deinit(&s->api_keys);
  gw_addresses_free(s->addresses);
  gw_hooks_free(s->hooks);
  gw_internal_close(&s->internal);
  uv_close((uv_handle_t *)&s->wake, NULL);
  uv_close((uv_handle_t *)&s->drain_timer, NULL);
  uv_close((uv_handle_t *)&s->care_timer, NULL);
  for (size_t i = 0; i < GW_SERVER_NUM_SIGNALS && s->takes_signals; i++)
    uv_close((uv_handle_t *)&s->signals[i], NULL);
  uv_run(&s->loop, UV_RUN_DEFAULT);
  gw_internal_free(&s->internal);
  uv_loop_close(&s->loop);
  gw_plugins_unload(&s->plugins);
  gw_edge_deinit(&s->edge);
  gw_calls_free(s->calls);
  gw_credentials_unref(s->credentials);
  free(s->workers);
  gw_context_set_log(NULL);
  gw_log_free(s->log);
  gw_events_deinit(&s->events);
  gw_config_deinit(&s->config);
  free(s);
}

/* ---- listening ---------------------------------------------------------- */

static int open_address(gw_server *s, const char *text, gw_listen *l) {
  char host[GW_CONFIG_HOST_MAX], why[GW_LISTEN_WHY_MAX] = "";
  const char *path = gw_config_unix_path(text);
  uint16_t port;
  int err = GW_ERR_INVALID;
  /* The configuration was checked when it was loaded. */
  if (path)
    err = gw_listen_add_unix(l, path,
                             (mode_t)gw_config_mode(s->config.unix_mode), why);
  else if (gw_config_address(text, host, &port) == 0)
    err = gw_listen_add(l, host, port, why);
  if (err < 0) tell(s, why);
  return err;
}

/* All addresses of a list, or none. */
static int open_addresses(gw_server *s, const char *list, gw_listen *l) {
  char word[GW_CONFIG_WORD_MAX];
  *l = (gw_listen){.num = 0};
  while (gw_config_next_word(&list, word)) {
    if (open_address(s, word, l) == 0) continue;
    gw_listen_close(l);
    return GW_ERR_INVALID;
  }
  return 0;
}

static int listen_public(gw_server *s) {
  gw_listen first, more;
  char why[GW_LISTEN_WHY_MAX];
  if (open_addresses(s, s->config.listen_public, &first) < 0)
    return GW_ERR_INVALID;
  s->port = first.port;
  for (uint32_t i = 1; i < s->num_workers; i++) {
    if (gw_listen_share(&more, &first, why) < 0) {
      tell(s, why);
      gw_listen_close(&first);
      return GW_ERR_INVALID;
    }
    if (gw_worker_listen(s->workers[i], &more) < 0) {
      gw_listen_close(&first);
      return GW_ERR_INVALID;
    }
  }
  return gw_worker_listen(s->workers[0], &first);
}

static int listen_internal(gw_server *s) {
  gw_listen l;
  if (!s->config.listen_internal[0]) return 0;
  if (open_addresses(s, s->config.listen_internal, &l) < 0)
    return GW_ERR_INVALID;
  return gw_internal_listen(&s->internal, &l);
}

int gw_server_listen(gw_server *s) {
  int err = gw__server_finish_edge(s);
  if (err < 0) return err;
  /* The internal one first: it holds no connection that a failure would drop.
   */
  return listen_internal(s) < 0 || listen_public(s) < 0 ? GW_ERR_INVALID : 0;
}

uint16_t gw_server_port(const gw_server *s) {
  return s->port;
}

uint16_t gw_server_internal_port(const gw_server *s) {
  return s->internal.port;
}

/* ---- running ------------------------------------------------------------ */

int gw_server_run(gw_server *s) {
  int err = gw__server_finish_edge(s);
  if (err == 0 && s->hooks) err = gw_hooks_start(s->hooks);
  if (err == 0 && s->keystore) err = gw_keystore_start(s->keystore);
  for (uint32_t i = 0; i < s->num_workers && err == 0; i++)
    err = gw_worker_start(s->workers[i]);
  atomic_store(&s->is_running, err == 0);
  if (err == 0) uv_run(&s->loop, UV_RUN_DEFAULT);
  atomic_store(&s->is_running, false);
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_stop(s->workers[i]);
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_join(s->workers[i]);
  if (s->hooks) gw_hooks_stop(s->hooks);
  return err;
}

/* ---- calls -------------------------------------------------------------- */

int gw_server_handle(gw_server *s, const char *method,
                     gw_server_handler handler, void *user) {
  return gw_calls_add(s->calls, method, handler, user);
}

uint32_t gw__server_worker_of(const gw_server *s, const gw_hub *h) {
  uint32_t i = 0;
  while (i + 1 < s->num_workers && s->workers[i]->hub != h)
    i++;
  return i;
}

/* An answer on its way to its worker, with its bytes behind it. */
typedef struct answer {
  gw_task task;
  gw_call call;
  uint32_t code;
  gw_view message;
  gw_rpc_result result;
} answer;

static void run_answer(gw_task *task, gw_worker *w) {
  answer *a = (answer *)(void *)task;
  if (w) gw_hub_answer(w->hub, a->call, a->code, a->message, &a->result);
  free(a);
}

static gw_view keep(uint8_t **at, gw_view v) {
  if (v.len == 0) return (gw_view){NULL, 0};
  memcpy(*at, v.data, v.len);
  gw_view kept = {*at, v.len};
  *at += v.len;
  return kept;
}

void gw_server_answer(const gw_server_call *call, uint32_t code,
                      gw_view message, const gw_rpc_result *result) {
  static const gw_rpc_result nothing;
  gw_worker *w = call->server->workers[call->worker];
  gw_call c = {.session = call->session, .request = call->request};
  if (!result) result = &nothing;
  if (gw_worker_is_current(w)) {
    gw_hub_answer(w->hub, c, code, message, result);
    return;
  }
  answer *a =
      malloc(sizeof *a + message.len + result->data.len + result->json.len);
  /* Without memory the caller gets no answer in time, which it is told. */
  if (!a) return;
  uint8_t *at = (uint8_t *)(a + 1);
  *a = (answer){.task = {.run = run_answer}, .call = c, .code = code};
  a->message = keep(&at, message);
  a->result.data = keep(&at, result->data);
  a->result.json = keep(&at, result->json);
  gw_worker_post_task(w, &a->task);
}
