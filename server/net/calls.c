/* SPDX-License-Identifier: MIT */
/* calls.c - the table of methods, and those that every server has. */
#include "server/net/calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/net/server.h"

typedef struct method {
  char *name;
  gw_server_handler handler;
  void *user;
} method;

struct gw_calls {
  gw_calls_options options;
  uint64_t start_ms;
  char node[128]; /* what JSON need not escape of its name */
  method *methods;
  size_t num_methods;
};

static uint64_t clock_ms(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void answer_json(const gw_server_call *call, const char *json) {
  gw_rpc_result result = {.json = gw_view_of(json)};
  gw_server_answer(call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
}

/* ---- methods of every server -------------------------------------------- */

static void on_info(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  const gw_calls *c = user;
  char json[512];
  (void)rpc;
  snprintf(json, sizeof json,
           "{\"version\":\"" GW_VERSION "\",\"node\":\"%s\","
           "\"workers\":%u,\"uptimeMs\":%" PRIu64 "}",
           c->node, c->options.num_workers,
           clock_ms(CLOCK_MONOTONIC) - c->start_ms);
  answer_json(call, json);
}

static void on_time(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  char json[64];
  (void)user;
  (void)rpc;
  snprintf(json, sizeof json, "{\"timeMs\":%" PRIu64 "}",
           clock_ms(CLOCK_REALTIME));
  answer_json(call, json);
}

static void on_echo(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  gw_rpc_result result = {.data = rpc->data, .json = rpc->json};
  (void)user;
  gw_server_answer(call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
}

/* ---- the table ---------------------------------------------------------- */

gw_calls *gw_calls_new(const gw_calls_options *options) {
  gw_calls *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->options = *options;
  c->start_ms = clock_ms(CLOCK_MONOTONIC);
  size_t len = 0;
  for (const char *p = options->node; *p && len < sizeof c->node - 1; p++)
    if (*p > ' ' && *p < 0x7f && *p != '"' && *p != '\\') c->node[len++] = *p;
  if (gw_calls_add(c, "server.info", on_info, c) < 0 ||
      gw_calls_add(c, "server.time", on_time, c) < 0 ||
      gw_calls_add(c, "server.echo", on_echo, c) < 0) {
    gw_calls_free(c);
    return NULL;
  }
  return c;
}

void gw_calls_free(gw_calls *c) {
  if (!c) return;
  for (size_t i = 0; i < c->num_methods; i++)
    free(c->methods[i].name);
  free(c->methods);
  free(c);
}

static const method *find(const gw_calls *c, gw_view name) {
  for (size_t i = 0; i < c->num_methods; i++)
    if (gw_view_eq(gw_view_of(c->methods[i].name), name)) return &c->methods[i];
  return NULL;
}

int gw_calls_add(gw_calls *c, const char *name, gw_server_handler handler,
                 void *user) {
  if (find(c, gw_view_of(name))) return GW_ERR_EXISTS;
  if (c->num_methods >= GW_CALLS_MAX) return GW_ERR_FULL;
  method *methods =
      realloc(c->methods, (c->num_methods + 1) * sizeof *c->methods);
  if (!methods) return GW_ERR_NOMEM;
  c->methods = methods;
  char *copy = strdup(name);
  if (!copy) return GW_ERR_NOMEM;
  methods[c->num_methods++] =
      (method){.name = copy, .handler = handler, .user = user};
  return 0;
}

/** What is not in the table is the application's backend's. */
static bool ask_backend(const gw_calls *c, gw_hub *h, gw_call call,
                        const gw_hook_rpc *rpc) {
  gw_hooks *hooks = c->options.hooks;
  if (!gw_hooks_are_used(hooks, GW_HOOK_RPC)) return false;
  uint32_t worker = gw__server_worker_of(c->options.server, h);
  uint32_t code = gw_hooks_call(hooks, worker, call, rpc);
  if (code != GW_CODE_OK)
    gw_hub_answer(h, call, code, (gw_view){NULL, 0}, NULL);
  return true;
}

bool gw_calls_on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                      uint64_t client, gw_view client_user) {
  const gw_calls *c = user;
  const method *m = find(c, rpc->method);
  if (!m) {
    gw_hook_rpc asked = {client, client_user, rpc};
    return c->options.hooks && ask_backend(c, h, call, &asked);
  }
  gw_facts facts;
  gw_connection connection;
  uint32_t worker = gw__server_worker_of(c->options.server, h);
  bool is_there = gw_hub_facts(h, call.session, &facts);
  if (is_there)
    connection =
        gw_worker_connection(c->options.server->workers[worker], &facts);
  gw_server_call handle = {.client = client,
                           .connection = is_there ? &connection : NULL,
                           .client_user = client_user,
                           .server = c->options.server,
                           .session = call.session,
                           .request = call.request,
                           .worker = worker};
  m->handler(m->user, &handle, rpc);
  return true;
}
