/* SPDX-License-Identifier: MIT */
/* hooks.h - the application's backend: asked what the server may do, called for
 * methods, told what happened; over HTTP, on a thread of its own. */
#ifndef GODWIT_HOOKS_H
#define GODWIT_HOOKS_H

#include "server/config/config.h"
#include "server/hooks/message.h"
#include "server/net/worker.h"
#include "server/observe/log.h"

/*
 *   worker                       the hooks' thread
 *   gw_hooks_ask  --- job ---->  ready -> under way -> answered --+
 *                                  ^          | failed            |
 *                                  +- later --+-> when_down ------+
 *   gw_hub_decide <-- task ---------------------------------------+
 *
 * One thread for all workers: a backend has few connections, kept alive and shared;
 * one breaker for each URL knows of all failures; and a worker has no more to do
 * than to make a JSON text and to take a verdict. A job costs two wake-ups, which
 * is nothing beside an HTTP request.
 */
typedef struct gw_hooks gw_hooks;

/** Counters, of any thread. name, Prometheus type, help. */
#define GW_HOOK_STATS(X)                                                   \
  X(hook_requests_total, counter, "Requests to the application's backend") \
  X(hook_failures_total, counter, "Of these, without an answer of use")    \
  X(hook_retries_total, counter, "Requests that were tried again")         \
  X(hook_fallbacks_total, counter, "Questions that when_down answered")    \
  X(hook_overloads_total, counter, "Questions refused as too many wait")   \
  X(hook_notices_lost_total, counter, "Notices that were given up")        \
  X(hook_breakers_opened_total, counter,                                   \
    "Times that a backend was left alone")                                 \
  X(hook_breakers_open, gauge, "Backends that are left alone")             \
  X(hook_waiting, gauge, "Questions and notices that wait or are under way")

typedef struct gw_hook_stats {
#define GW__HOOK_STAT(name, type, help) _Atomic uint64_t name;
  GW_HOOK_STATS(GW__HOOK_STAT)
#undef GW__HOOK_STAT
} gw_hook_stats;

typedef struct gw_hooks_options {
  const gw_config_hooks *config; /**< outlives it */
  const char *node;
  gw_log *log;
  size_t max_reply; /**< bytes of a reply */
  gw_worker *const *workers;
} gw_hooks_options;

/** NULL when out of memory. workers may be filled in until gw_hooks_start. */
gw_hooks *gw_hooks_new(const gw_hooks_options *options);
GW_MUST_USE int gw_hooks_start(gw_hooks *h);
/** Notices that wait are given a moment; questions are dropped. Before the
 * workers are freed. */
void gw_hooks_stop(gw_hooks *h);
void gw_hooks_free(gw_hooks *h); /**< NULL is fine */

const gw_hook_stats *gw_hooks_stats(const gw_hooks *h);

/* ---- on a worker's thread -------------------------------------------------- */

bool gw_hooks_are_used(const gw_hooks *h, enum gw_config_hook hook);

/** As gw_hub_port.ask, of a question that gw_hook_of has a used hook for. request:
 * of a CONNECT; NULL: it is not known. */
bool gw_hooks_ask(gw_hooks *h, uint32_t worker, const gw_question *q,
                  const gw_request *request, gw_verdict *verdict);
/** Answered by gw_hub_answer. GW_CODE_OK, OVERLOADED */
uint32_t gw_hooks_call(gw_hooks *h, uint32_t worker, gw_call call,
                       const gw_hook_rpc *rpc);
/** Told if its hook is used, at least once; lost when too many wait. */
void gw_hooks_tell(gw_hooks *h, uint32_t worker, const gw_notice *notice);

#endif
