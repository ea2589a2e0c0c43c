/* SPDX-License-Identifier: MIT */
/* hooks.c - jobs in, jobs out, and what becomes of them between. */
#include "server/hooks/hooks.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "server/edge/request.h"
#include "server/hooks/breaker.h"
#include "server/hooks/job.h"
#include "server/hooks/retry.h"
#include "server/hooks/sign.h"

/** How often waiting jobs are looked at. */
#define TICK_MS 20u
/** Notices that wait at most, and how long. */
#define NOTICES_MAX       10000u
#define NOTICE_MAX_AGE_MS (10u * 60u * 1000u)
/** For notices, when the server stops. */
#define STOP_MS 1000u
/** Clients that are refused as the backend is down come again after this. */
#define DOWN_RETRY_MS     1000u
#define OVERLOAD_RETRY_MS 1000u

/** A place that is asked; hooks may share one. */
typedef struct backend {
  const char *url;
  gw_breaker breaker;
} backend;

struct gw_hooks {
  gw_hooks_options options;
  gw_hook_stats stats;
  backend backends[GW_NUM_HOOKS];
  size_t num_backends;
  backend *of[GW_NUM_HOOKS]; /* NULL: not used */
  gw_hook_cache *cache;      /* NULL: no hook falls back on it */

  uv_loop_t loop;
  uv_async_t wake;
  uv_timer_t tick;
  gw_transfers transfers;
  pthread_t thread;
  bool has_thread;

  pthread_mutex_t lock;
  gw_job *submitted; /* the first is the oldest */
  /* of all that were submitted and are not done */
  _Atomic uint32_t num_questions;
  _Atomic uint32_t num_notices;
  atomic_bool is_stopping;

  /* of the thread */
  gw_job *ready[2]; /* questions, notices */
  gw_job *later;
  gw_job *running;
  uint64_t stop_at_ms;
};

static void count(_Atomic uint64_t *stat, uint64_t num) {
  atomic_fetch_add_explicit(stat, num, memory_order_relaxed);
}

static uint64_t now_ms(gw_hooks *h) {
  return uv_now(&h->loop);
}

static bool is_notice(const gw_job *j) {
  return j->purpose == GW_JOB_NOTICE;
}

static const gw_config_hooks *config_of(const gw_hooks *h) {
  return h->options.config;
}

static uint32_t timeout_of(const gw_hooks *h, enum gw_config_hook hook) {
  uint32_t own = config_of(h)->of[hook].timeout_ms;
  return own != 0 ? own : config_of(h)->timeout_ms;
}

/* ---- log ------------------------------------------------------------------- */

static void log_job(gw_hooks *h, int level, const char *event, const gw_job *j,
                    const char *why) {
  gw_fields f;
  if (!gw_log_is_on(h->options.log, level)) return;
  gw_fields_init(&f);
  gw_fields_text(&f, "hook", gw_config_hook_name(j->hook));
  gw_fields_text(&f, "id", j->id);
  gw_fields_number(&f, "attempt", j->attempts);
  gw_fields_number(&f, "status", (uint64_t)j->transfer.status);
  gw_fields_text(&f, "why", why);
  gw_log_write(h->options.log, level, event, f.text);
}

static void log_breaker(gw_hooks *h, const backend *b) {
  bool is_open = b->breaker.state == GW_BREAKER_OPEN;
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "url", b->url);
  if (is_open)
    gw_fields_number(&f, "for_ms", gw_breaker_wait_ms(&b->breaker, now_ms(h)));
  gw_log_write(h->options.log, is_open ? GW_LOG_WARN : GW_LOG_INFO,
               is_open ? "hook.backend_down" : "hook.backend_up", f.text);
}

/* ---- the end of a job ------------------------------------------------------- */

static void forget(gw_hooks *h, const gw_job *j) {
  atomic_fetch_sub(is_notice(j) ? &h->num_notices : &h->num_questions, 1);
  count(&h->stats.hook_waiting, UINT64_MAX);
}

/** Answered, by the backend or for it. */
static void deliver(gw_hooks *h, gw_job *j) {
  forget(h, j);
  if (is_notice(j))
    gw_job_free(j);
  else
    gw_job_deliver(j, h->options.workers[j->worker]);
}

static void give_up_notice(gw_hooks *h, gw_job *j, const char *why) {
  count(&h->stats.hook_notices_lost_total, 1);
  log_job(h, GW_LOG_ERROR, "hook.notice_lost", j, why);
  deliver(h, j);
}

static bool answer_from_cache(gw_hooks *h, gw_job *j) {
  char why[GW_MAX_REASON_BYTES + 1];
  gw_view reply;
  return h->cache && gw_hook_cache_get(h->cache, &j->key, now_ms(h), &reply) &&
         gw_hook_reply_read(&j->reply, j->hook, reply, why) == 0;
}

static void refuse(gw_hooks *h, gw_job *j) {
  gw_verdict *v = &j->reply.verdict;
  uint64_t wait_ms = gw_breaker_wait_ms(&h->of[j->hook]->breaker, now_ms(h));
  v->code = GW_CODE_BACKEND_DOWN;
  v->retry_after_ms =
      wait_ms > DOWN_RETRY_MS ? (uint32_t)wait_ms : DOWN_RETRY_MS;
}

static void allow(gw_job *j) {
  gw_verdict *v = &j->reply.verdict;
  *v = (gw_verdict){.code = GW_CODE_OK};
  if (j->hook != GW_HOOK_CONNECT) return;
  v->user = (gw_view){j->user, j->user_len};
  v->is_only_claimed = true;
}

/** The backend does not answer: what is to be done then. */
static void fall_back(gw_hooks *h, gw_job *j, const char *why) {
  uint32_t when_down = config_of(h)->of[j->hook].when_down;
  if (is_notice(j)) {
    give_up_notice(h, j, why);
    return;
  }
  count(&h->stats.hook_fallbacks_total, 1);
  log_job(h, GW_LOG_WARN, "hook.fallback", j, why);
  if (j->purpose == GW_JOB_CALL)
    refuse(h, j);
  else if (when_down == GW_DOWN_ALLOW)
    allow(j);
  else if (when_down == GW_DOWN_REFUSE || !answer_from_cache(h, j))
    refuse(h, j);
  deliver(h, j);
}

/* ---- what came back --------------------------------------------------------- */

/** How a try ended. */
enum outcome {
  ANSWERED,
  FAILED,  /* and may do better at the next */
  HOPELESS /* it would fail again */
};

/** Whether the backend could not, rather than would not. */
static bool is_passing(long status) {
  return status == 0 || status == 408 || status == 429 || status >= 500;
}

static enum outcome judge(gw_hooks *h, gw_job *j, const char **why,
                          char space[GW_MAX_REASON_BYTES + 1]) {
  gw_transfer *t = &j->transfer;
  gw_view reply = {t->reply, t->reply_len};
  (void)h;
  *why = t->failure ? t->failure : "the status is not 200";
  if (t->is_too_big) return HOPELESS;
  if (is_passing(t->status)) return FAILED;
  if (is_notice(j)) return t->status / 100 == 2 ? ANSWERED : HOPELESS;
  if (t->status != 200) return HOPELESS;
  *why = space;
  int err = gw_hook_reply_read(&j->reply, j->hook, reply, space);
  if (err == GW_ERR_NOMEM) *why = "out of memory";
  return err == 0 ? ANSWERED : HOPELESS;
}

static void tell_breaker(gw_hooks *h, backend *b, bool is_good) {
  bool was_open = b->breaker.state != GW_BREAKER_CLOSED;
  if (!gw_breaker_tell(&b->breaker, is_good, now_ms(h), randombytes_random()))
    return;
  bool is_open = b->breaker.state == GW_BREAKER_OPEN;
  if (is_open) count(&h->stats.hook_breakers_opened_total, 1);
  if (is_open != was_open)
    count(&h->stats.hook_breakers_open, is_open ? 1 : UINT64_MAX);
  log_breaker(h, b);
}

/** Whether it may be tried again at all. A call may have had its effect. */
static bool may_retry(const gw_hooks *h, const gw_job *j) {
  if (is_notice(j)) return true;
  if (j->purpose == GW_JOB_CALL && j->transfer.was_sent) return false;
  return j->attempts < config_of(h)->attempts;
}

static void on_tick(uv_timer_t *tick);

/** Something waits for time to pass. */
static void need_tick(gw_hooks *h) {
  if (!uv_is_active((uv_handle_t *)&h->tick))
    uv_timer_start(&h->tick, on_tick, TICK_MS, TICK_MS);
}

static void try_later(gw_hooks *h, gw_job *j, uint64_t at_ms) {
  j->due_ms = at_ms;
  DL_APPEND(h->later, j);
  need_tick(h);
}

static void retry_or_fall_back(gw_hooks *h, gw_job *j, const char *why) {
  uint64_t at_ms =
      now_ms(h) + gw_hook_retry_delay(j->attempts, randombytes_random());
  if (!may_retry(h, j) || at_ms >= j->deadline_ms) {
    fall_back(h, j, why);
    return;
  }
  log_job(h, GW_LOG_INFO, "hook.retry", j, why);
  count(&h->stats.hook_retries_total, 1);
  try_later(h, j, at_ms);
}

static void pump(gw_hooks *h);

static void on_transfer(void *user, gw_transfer *t) {
  gw_hooks *h = user;
  gw_job *j = (gw_job *)(void *)((char *)t - offsetof(gw_job, transfer));
  char space[GW_MAX_REASON_BYTES + 1] = "";
  const char *why;
  DL_DELETE(h->running, j);
  enum outcome outcome = judge(h, j, &why, space);
  tell_breaker(h, h->of[j->hook], outcome == ANSWERED);
  if (outcome != ANSWERED) count(&h->stats.hook_failures_total, 1);
  if (outcome == FAILED) {
    retry_or_fall_back(h, j, why);
  } else if (outcome == HOPELESS) {
    fall_back(h, j, why);
  } else {
    if (h->cache && j->purpose == GW_JOB_DECISION)
      gw_hook_cache_put(h->cache, &j->key, (gw_view){t->reply, t->reply_len},
                        now_ms(h));
    deliver(h, j);
  }
  pump(h);
}

/* ---- sending ----------------------------------------------------------------- */

static int start(gw_hooks *h, gw_job *j) {
  static const char agent[] = "User-Agent: godwit/" GW_VERSION;
  const char *secret = config_of(h)->secret;
  char name[64], id[64], stamp[64], signature[96];
  char mac[GW_HOOK_SIGNATURE_CHARS];
  uint64_t time_s = (uint64_t)time(NULL);
  gw_view body = {(const uint8_t *)j->body, j->body_len};
  const char *headers[] = {
      "Content-Type: application/json", agent, "Expect:", name, id, stamp,
      *secret ? signature : NULL,       NULL};
  snprintf(name, sizeof name, "Godwit-Hook: %s", gw_config_hook_name(j->hook));
  snprintf(id, sizeof id, "Godwit-Delivery: %s", j->id);
  snprintf(stamp, sizeof stamp, "Godwit-Timestamp: %" PRIu64, time_s);
  gw_hook_sign(secret, time_s, body, mac);
  snprintf(signature, sizeof signature, "Godwit-Signature: v1=%s", mac);
  uint64_t left = j->deadline_ms - now_ms(h);
  uint32_t timeout = timeout_of(h, j->hook);
  j->transfer.url = h->of[j->hook]->url;
  j->transfer.headers = headers;
  j->transfer.body = body;
  j->transfer.failure = NULL;
  j->transfer.timeout_ms = left < timeout ? (uint32_t)left : timeout;
  j->transfer.max_reply = h->options.max_reply;
  j->attempts++;
  return gw_transfer_start(&h->transfers, &j->transfer);
}

/** Send one, or decide without: the breaker of its backend may be open. */
static void send_job(gw_hooks *h, gw_job *j) {
  backend *b = h->of[j->hook];
  uint64_t now = now_ms(h);
  if (now >= j->deadline_ms) {
    fall_back(h, j, "it waited for too long");
  } else if (!gw_breaker_permits(&b->breaker, now)) {
    if (is_notice(j))
      try_later(h, j, now + gw_breaker_wait_ms(&b->breaker, now) + TICK_MS);
    else
      fall_back(h, j, "the backend is left alone for now");
  } else if (start(h, j) == 0) {
    count(&h->stats.hook_requests_total, 1);
    DL_APPEND(h->running, j);
  } else {
    gw_breaker_forget(&b->breaker);
    fall_back(h, j, "out of memory");
  }
}

/** Send as many as may be under way: questions first. */
static void pump(gw_hooks *h) {
  for (int i = 0; i < 2; i++) {
    while (h->ready[i] &&
           h->transfers.num_running < config_of(h)->connections) {
      gw_job *j = h->ready[i];
      DL_DELETE(h->ready[i], j);
      send_job(h, j);
    }
  }
}

/* ---- waiting ----------------------------------------------------------------- */

static void make_ready(gw_hooks *h, gw_job *j) {
  gw_job **list = &h->ready[is_notice(j) ? 1 : 0];
  DL_APPEND(*list, j);
}

/** Those whose time has come, and those for which nobody waits any more. */
static void look_at_waiting(gw_hooks *h) {
  uint64_t now = now_ms(h);
  gw_job *j, *next;
  DL_FOREACH_SAFE(h->later, j, next) {
    if (now < j->due_ms) continue;
    DL_DELETE(h->later, j);
    make_ready(h, j);
  }
  DL_FOREACH_SAFE(h->ready[0], j, next) {
    if (now < j->deadline_ms) continue;
    DL_DELETE(h->ready[0], j);
    fall_back(h, j, "it waited for too long");
  }
}

static void drop_list(gw_hooks *h, gw_job **list) {
  gw_job *j, *next;
  DL_FOREACH_SAFE(*list, j, next) {
    DL_DELETE(*list, j);
    if (is_notice(j)) count(&h->stats.hook_notices_lost_total, 1);
    gw_transfer_drop(&h->transfers, &j->transfer);
    forget(h, j);
    gw_job_free(j);
  }
}

/** No more than this is done when the server stops. */
static void check_stop(gw_hooks *h) {
  if (!atomic_load(&h->is_stopping)) return;
  if (h->stop_at_ms == 0) h->stop_at_ms = now_ms(h) + STOP_MS;
  if (atomic_load(&h->num_notices) == 0 || now_ms(h) >= h->stop_at_ms)
    uv_stop(&h->loop);
}

static void on_tick(uv_timer_t *tick) {
  gw_hooks *h = tick->data;
  look_at_waiting(h);
  pump(h);
  check_stop(h);
  if (!h->later && !h->ready[0] && !h->ready[1] && !h->stop_at_ms)
    uv_timer_stop(tick);
}

static void on_wake(uv_async_t *async) {
  gw_hooks *h = async->data;
  gw_job *j, *next, *submitted;
  pthread_mutex_lock(&h->lock);
  submitted = h->submitted;
  h->submitted = NULL;
  pthread_mutex_unlock(&h->lock);
  DL_FOREACH_SAFE(submitted, j, next) {
    DL_DELETE(submitted, j);
    uint64_t most = is_notice(j)                ? NOTICE_MAX_AGE_MS
                    : j->purpose == GW_JOB_CALL ? timeout_of(h, j->hook)
                                                : 2u * timeout_of(h, j->hook);
    j->since_ms = now_ms(h);
    j->deadline_ms = j->since_ms + most;
    make_ready(h, j);
  }
  pump(h);
  check_stop(h);
  need_tick(h);
}

/* ---- on a worker's thread ---------------------------------------------------- */

bool gw_hooks_are_used(const gw_hooks *h, enum gw_config_hook hook) {
  return hook < GW_NUM_HOOKS && h->of[hook] != NULL;
}

/** Whether there is room for one more. */
static bool take_place(gw_hooks *h, bool notice) {
  _Atomic uint32_t *num = notice ? &h->num_notices : &h->num_questions;
  uint32_t max = notice ? NOTICES_MAX : config_of(h)->max_waiting;
  if (atomic_fetch_add(num, 1) < max) {
    count(&h->stats.hook_waiting, 1);
    return true;
  }
  atomic_fetch_sub(num, 1);
  return false;
}

static void submit(gw_hooks *h, gw_job *j) {
  pthread_mutex_lock(&h->lock);
  bool was_empty = h->submitted == NULL;
  DL_APPEND(h->submitted, j);
  pthread_mutex_unlock(&h->lock);
  if (was_empty) uv_async_send(&h->wake);
}

static void put_back(gw_hooks *h, bool notice) {
  atomic_fetch_sub(notice ? &h->num_notices : &h->num_questions, 1);
  count(&h->stats.hook_waiting, UINT64_MAX);
}

/** Parts of a question besides those of its request. */
#define KEY_PARTS 5u

/** Whether a header says nothing about who somebody is, and may be another the
 * next time. Of all others an answer may depend. */
static bool is_idle_header(gw_view name) {
  static const char *const idle[] = {"user-agent", "accept-language", "referer",
                                     "x-request-id", "traceparent"};
  for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
    if (gw_view_eq(gw_view_of(idle[i]), name)) return true;
  return false;
}

/** Adds what of a request an answer may depend on. */
static size_t add_request(gw_view *keys, size_t num, const gw_request *r) {
  static const enum gw_request_part kinds[] = {
      GW_REQUEST_PARAM, GW_REQUEST_QUERY, GW_REQUEST_HEADER};
  gw_view name, value;
  keys[num++] = gw_view_of(gw_request_route(r));
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    for (size_t i = 0; gw_request_item(r, kinds[k], i, &name, &value); i++) {
      if (kinds[k] == GW_REQUEST_HEADER && is_idle_header(name)) continue;
      keys[num++] = name;
      keys[num++] = value;
    }
  }
  return num;
}

/** A question with the same parts has the same answer. */
static gw_hook_key key_of(const gw_question *q, const gw_request *request) {
  gw_view keys[KEY_PARTS + 2 * GW_REQUEST_ITEMS_MAX] = {
      {(const uint8_t *)&q->kind, sizeof q->kind},
      {(const uint8_t *)&q->client, sizeof q->client},
      q->token,
      q->channel};
  if (q->user.len != 0) keys[1] = q->user;
  return gw_hook_key_of(keys, request ? add_request(keys, 4, request) : 4);
}

static bool overload(gw_hooks *h, gw_verdict *v) {
  count(&h->stats.hook_overloads_total, 1);
  *v = (gw_verdict){.code = GW_CODE_OVERLOADED,
                    .retry_after_ms = OVERLOAD_RETRY_MS};
  return true;
}

bool gw_hooks_ask(gw_hooks *h, uint32_t worker, const gw_question *q,
                  const gw_request *request, gw_verdict *verdict) {
  size_t len = 0;
  if (!take_place(h, false)) return overload(h, verdict);
  char *json = gw_hook_question_json(q, request, h->options.node, &len);
  gw_job *j = gw_job_new(gw_hook_of(q->kind), GW_JOB_DECISION, json, len);
  if (!j) {
    put_back(h, false);
    return overload(h, verdict);
  }
  j->worker = worker;
  j->session = q->session;
  j->ticket = q->ticket;
  if (h->cache) j->key = key_of(q, request);
  if (q->user.len <= sizeof j->user) {
    j->user_len = (uint8_t)q->user.len;
    if (q->user.len != 0) memcpy(j->user, q->user.data, q->user.len);
  }
  submit(h, j);
  return false;
}

uint32_t gw_hooks_call(gw_hooks *h, uint32_t worker, gw_call call,
                       const gw_hook_rpc *rpc) {
  size_t len = 0;
  gw_verdict v;
  if (!take_place(h, false)) {
    (void)overload(h, &v);
    return v.code;
  }
  char *json = gw_hook_rpc_json(rpc, h->options.node, &len);
  gw_job *j = gw_job_new(GW_HOOK_RPC, GW_JOB_CALL, json, len);
  if (!j) {
    put_back(h, false);
    return GW_CODE_OVERLOADED;
  }
  j->worker = worker;
  j->call = call;
  submit(h, j);
  return GW_CODE_OK;
}

void gw_hooks_tell(gw_hooks *h, uint32_t worker, const gw_notice *notice) {
  static const enum gw_config_hook hooks[] = {
      [GW_NOTICE_DISCONNECT] = GW_HOOK_DISCONNECT,
      [GW_NOTICE_PRESENCE] = GW_HOOK_PRESENCE,
      [GW_NOTICE_CONNECTION] = GW_HOOK_CONNECTION,
      [GW_NOTICE_CHANNEL] = GW_HOOK_CHANNEL,
  };
  enum gw_config_hook hook = hooks[notice->kind];
  size_t len = 0;
  if (!gw_hooks_are_used(h, hook)) return;
  bool has_place = take_place(h, true);
  gw_job *j = NULL;
  if (has_place) {
    char *json = gw_hook_notice_json(notice, h->options.node, &len);
    j = gw_job_new(hook, GW_JOB_NOTICE, json, len);
  }
  if (!j) {
    if (has_place) put_back(h, true);
    count(&h->stats.hook_notices_lost_total, 1);
    gw_log_write(h->options.log, GW_LOG_ERROR, "hook.notice_lost",
                 "why=\"too many wait\"");
    return;
  }
  j->worker = worker;
  submit(h, j);
}

/* ---- life -------------------------------------------------------------------- */

static backend *backend_of(gw_hooks *h, const char *url) {
  for (size_t i = 0; i < h->num_backends; i++)
    if (strcmp(h->backends[i].url, url) == 0) return &h->backends[i];
  h->backends[h->num_backends].url = url;
  return &h->backends[h->num_backends++];
}

static void find_backends(gw_hooks *h, bool *needs_cache) {
  const gw_config_hooks *c = config_of(h);
  *needs_cache = false;
  for (size_t i = 0; i < GW_NUM_HOOKS; i++) {
    if (!c->of[i].is_used) continue;
    h->of[i] = backend_of(h, *c->of[i].url ? c->of[i].url : c->url);
    if (c->of[i].when_down == GW_DOWN_CACHED) *needs_cache = true;
  }
}

static int init_loop(gw_hooks *h) {
  if (uv_loop_init(&h->loop) < 0) return GW_ERR_NOMEM;
  if (uv_async_init(&h->loop, &h->wake, on_wake) < 0) {
    uv_loop_close(&h->loop);
    return GW_ERR_STATE;
  }
  uv_timer_init(&h->loop, &h->tick);
  h->wake.data = h->tick.data = h;
  return gw_transfers_init(&h->transfers, &h->loop, config_of(h)->connections,
                           on_transfer, h);
}

gw_hooks *gw_hooks_new(const gw_hooks_options *options) {
  gw_hooks *h = calloc(1, sizeof *h);
  bool needs_cache;
  if (!h) return NULL;
  h->options = *options;
  pthread_mutex_init(&h->lock, NULL);
  find_backends(h, &needs_cache);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (needs_cache) h->cache = gw_hook_cache_new(config_of(h)->cache_ms);
  if ((needs_cache && !h->cache) || init_loop(h) < 0) {
    gw_hook_cache_free(h->cache);
    free(h);
    return NULL;
  }
  return h;
}

static void *run(void *arg) {
  gw_hooks *h = arg;
  uv_run(&h->loop, UV_RUN_DEFAULT);
  return NULL;
}

int gw_hooks_start(gw_hooks *h) {
  h->has_thread = pthread_create(&h->thread, NULL, run, h) == 0;
  return h->has_thread ? 0 : GW_ERR_NOMEM;
}

void gw_hooks_stop(gw_hooks *h) {
  if (!h->has_thread) return;
  atomic_store(&h->is_stopping, true);
  uv_async_send(&h->wake);
  pthread_join(h->thread, NULL);
  h->has_thread = false;
}

void gw_hooks_free(gw_hooks *h) {
  if (!h) return;
  gw_hooks_stop(h);
  drop_list(h, &h->running);
  drop_list(h, &h->ready[0]);
  drop_list(h, &h->ready[1]);
  drop_list(h, &h->later);
  drop_list(h, &h->submitted);
  gw_transfers_deinit(&h->transfers);
  uv_close((uv_handle_t *)&h->wake, NULL);
  uv_close((uv_handle_t *)&h->tick, NULL);
  uv_run(&h->loop, UV_RUN_DEFAULT);
  uv_loop_close(&h->loop);
  gw_hook_cache_free(h->cache);
  pthread_mutex_destroy(&h->lock);
  curl_global_cleanup();
  free(h);
}

const gw_hook_stats *gw_hooks_stats(const gw_hooks *h) {
  return &h->stats;
}
