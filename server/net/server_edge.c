/* SPDX-License-Identifier: MIT */
/* server_edge.c - routes, middleware and plugins of a server, before it runs. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/net/http.h"
#include "server/net/server.h"

static void tell(gw_server *s, const char *sentence) {
  fprintf(s->errors, "godwit: %s\n", sentence);
}

/* ---- the demo ------------------------------------------------------------- */

static bool has_mount(const gw_mounts *m, const char *path) {
  for (size_t i = 0; i < m->num; i++)
    if (strcmp(m->items[i].path, path) == 0) return true;
  return false;
}

/* Unless the configuration has a folder of its own at this path. */
static int add_pages(gw_edge *e, const char *path, char *folder, char *why) {
  char its_path[8], csp[] = GW_HTTP_CSP;
  const gw_config_static o = {.path = its_path,
                              .folder = folder,
                              .symlinks = GW_SYMLINKS_INSIDE,
                              .csp = csp};
  snprintf(its_path, sizeof its_path, "%s", path);
  if (!folder[0] || has_mount(&e->mounts, strcmp(path, "/") ? path : ""))
    return 0;
  return gw_mounts_add(&e->mounts, &o, why);
}

/* ---- making ---------------------------------------------------------------- */

int gw__server_make_edge(gw_server *s) {
  char why[GW_EDGE_WHY_MAX];
  const gw_edge_keys keys = {.keystore = s->keystore, .rules = &s->token_rules};
  int err = gw_edge_init(&s->edge, &s->config, &keys, why);
  if (err == 0 && s->config.dev)
    err = add_pages(&s->edge, "/", s->demo.pages, why);
  if (err == 0 && s->config.dev)
    err = add_pages(&s->edge, "/sdk", s->demo.sdk, why);
  if (err == GW_ERR_INVALID) tell(s, why);
  return err;
}

int gw__server_load_plugins(gw_server *s) {
  char why[GW_PLUGINS_WHY_MAX];
  for (size_t i = 0; i < s->config.num_plugins; i++) {
    const gw_config_plugin *p = &s->config.plugins[i];
    int err = gw_plugins_load(&s->plugins, s, p->path, p->settings, why);
    if (err < 0) {
      tell(s, why);
      return err;
    }
    const gw_plugin *loaded = s->plugins.items[s->plugins.num - 1].plugin;
    gw_fields f;
    gw_fields_init(&f);
    gw_fields_text(&f, "name", loaded->name);
    gw_fields_text(&f, "version", loaded->version ? loaded->version : "");
    gw_fields_text(&f, "path", p->path);
    gw_log_write(s->log, GW_LOG_INFO, "plugin.loaded", f.text);
  }
  return 0;
}

int gw__server_finish_edge(gw_server *s) {
  char why[GW_EDGE_WHY_MAX];
  if (s->is_edge_done) return 0;
  int err = gw_edge_finish(&s->edge, why);
  if (err == GW_ERR_INVALID) tell(s, why);
  if (err < 0) return err;
  s->is_edge_done = true;
  for (uint32_t i = 0; i < s->num_workers; i++)
    gw_worker_watch(s->workers[i]);
  return 0;
}

void gw__server_reopen_logs(gw_server *s) {
  char why[GW_ACCESS_LOG_WHY_MAX];
  gw_fields f;
  if (!s->edge.access_log || gw_access_log_reopen(s->edge.access_log, why))
    return;
  gw_fields_init(&f);
  gw_fields_text(&f, "why", why);
  gw_log_write(s->log, GW_LOG_ERROR, "access_log.reopen_failed", f.text);
}

/* ---- adding ----------------------------------------------------------------- */

int gw_server_middleware(gw_server *s, const gw_middleware *on, void *user) {
  if (s->is_edge_done) return GW_ERR_STATE;
  return gw_chain_add(&s->edge.chain, on, user);
}

/* A struct of an older header is shorter. */
static bool take(gw_server_route_options *to,
                 const gw_server_route_options *from) {
  size_t least = offsetof(gw_server_route_options, channels);
  *to = (gw_server_route_options){.size = sizeof *to};
  if (!from) return true;
  if (from->size < least || from->size > 64 * sizeof *to) return false;
  memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
  return true;
}

int gw_server_route(gw_server *s, const char *path,
                    const gw_server_route_options *options, void *user) {
  gw_server_route_options o;
  gw_route_options r = {.path = path};
  char why[GW_ROUTE_WHY_MAX];
  int err = 0;
  if (s->is_edge_done) return GW_ERR_STATE;
  if (!take(&o, options)) return GW_ERR_INVALID;
  if (o.handlers)
    err = gw_chain_add_handlers(&s->edge.chain, o.handlers, user, &r.handlers);
  if (err < 0) return err;
  r.channels = o.channels;
  r.space = o.space;
  r.origins = o.origins;
  r.subprotocols = o.subprotocols;
  r.needs_user = o.needs_user;
  r.keeps_request = o.keeps_request;
  err = gw_routes_add(&s->edge.routes, &r, why);
  if (err < 0 && err != GW_ERR_NOMEM)
    fprintf(s->errors, "godwit: route %s\n", why);
  return err;
}
