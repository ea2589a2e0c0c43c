/* SPDX-License-Identifier: MIT */
/* edge.c - makes what the configuration says of the server's edge. */
#include "server/net/edge.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BETWEEN ", \t"

static int out_of_memory(char *why) {
  snprintf(why, GW_EDGE_WHY_MAX, "out of memory");
  return GW_ERR_NOMEM;
}

/* ---- headers ---------------------------------------------------------------- */

/* In lower case, as requests have them. */
static int read_headers(gw_edge *e, char *why) {
  e->headers = strdup(e->config->http_headers);
  if (e->headers == NULL) return out_of_memory(why);
  for (char *p = e->headers + strspn(e->headers, BETWEEN); *p != '\0';) {
    size_t len = strcspn(p, BETWEEN);
    bool is_end = p[len] == '\0';
    p[len] = '\0';
    if (e->num_headers == GW_EDGE_HEADERS_MAX) {
      snprintf(why, GW_EDGE_WHY_MAX, "http.headers: there are more than %u",
               GW_EDGE_HEADERS_MAX);
      return GW_ERR_INVALID;
    }
    for (size_t i = 0; i < len; i++)
      p[i] = (char)tolower((unsigned char)p[i]);
    e->header_names[e->num_headers++] = p;
    p += len + !is_end;
    p += strspn(p, BETWEEN);
  }
  return 0;
}

/* ---- links that are built in ------------------------------------------------- */

static bool names(const char *list, const char *name) {
  char word[GW_CONFIG_WORD_MAX];
  while (gw_config_next_word(&list, word)) {
    if (strcmp(word, name) == 0) return true;
  }
  return false;
}

static int add_access_log(gw_edge *e, char *why) {
  const gw_config *c = e->config;
  const gw_access_log_options o = {.file = c->access_log_file,
                                   .is_json = c->access_log_format ==
                                              GW_CONFIG_LOG_JSON,
                                   .sample = c->access_log_sample};
  char what[GW_ACCESS_LOG_WHY_MAX];
  int err = 0;
  if (!e->keys.is_trial)
    err = gw_access_log_new(&e->access_log, &o, what);
  else if (*o.file != '\0' && !gw_access_log_check(o.file, what))
    err = GW_ERR_INVALID;
  if (err < 0) {
    snprintf(why, GW_EDGE_WHY_MAX, "%s", what);
    return err;
  }
  return gw_chain_add(&e->chain, &gw_access_log_link, e->access_log);
}

static int add_counters(gw_edge *e, char *why) {
  e->counters = gw_counters_new();
  if (e->counters == NULL) return out_of_memory(why);
  return gw_chain_add(&e->chain, &gw_counters_link, e->counters);
}

static int add_rate_limit(gw_edge *e, char *why) {
  const gw_rate_limit_options o = {.requests = e->config->request_rate,
                                   .frames = e->config->frame_rate};
  e->rate_limit = gw_rate_limit_new(&o);
  if (e->rate_limit == NULL) return out_of_memory(why);
  return gw_chain_add(&e->chain, &gw_rate_limit_link, e->rate_limit);
}

static bool shows(const gw_edge *e, const char *header) {
  for (size_t i = 0; i < e->num_headers; i++) {
    if (strcmp(e->header_names[i], header) == 0) return true;
  }
  return false;
}

static int add_auth(gw_edge *e, char *why) {
  const gw_auth_settings *s = &e->config->auth;
  const gw_auth_link_options o = {.requests = s->requests,
                                  .frames = s->frames,
                                  .cookie = s->cookie,
                                  .keystore = e->keys.keystore,
                                  .rules = e->keys.rules};
  char what[GW_AUTH_LINK_WHY_MAX];
  if (*s->requests != '\0' && !shows(e, "authorization") &&
      (*s->cookie == '\0' || !shows(e, "cookie"))) {
    snprintf(why, GW_EDGE_WHY_MAX,
             "auth.requests: http.headers has to name authorization, or cookie "
             "with auth.cookie, for the link to see tokens");
    return GW_ERR_INVALID;
  }
  int err = gw_auth_link_new(&e->auth, &o, what);
  if (err < 0) {
    snprintf(why, GW_EDGE_WHY_MAX, "%s", what);
    return err;
  }
  return gw_chain_add(&e->chain, &gw_auth_link_link, e->auth);
}

static int add_compression(gw_edge *e, char *why) {
  const gw_config *c = e->config;
  const gw_compression_options o = {.paths = c->compression_paths,
                                    .except = c->compression_except,
                                    .header = c->compression_header};
  if (*o.header != '\0' && !shows(e, o.header)) {
    snprintf(
        why, GW_EDGE_WHY_MAX,
        "compression_for.header: http.headers has to name it, in lower case");
    return GW_ERR_INVALID;
  }
  int err = gw_compression_new(&e->compression, &o);
  if (err == GW_ERR_INVALID)
    snprintf(why, GW_EDGE_WHY_MAX, "compression_for.except is not valid");
  if (err < 0) return err;
  return gw_chain_add(&e->chain, &gw_compression_link, e->compression);
}

/* Those that are named; a link of another kind is one more row. */
static int add_built_in(gw_edge *e, char *why) {
  static const struct {
    const char *name;
    int (*add)(gw_edge *e, char *why);
  } built_in[] = {{"access_log", add_access_log},
                  {"metrics", add_counters},
                  {"rate_limit", add_rate_limit},
                  {"auth", add_auth},
                  {"compression", add_compression}};
  for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
    if (!names(e->config->middleware, built_in[i].name)) continue;
    int err = built_in[i].add(e, why);
    if (err < 0) return err;
  }
  return 0;
}

/* ---- life -------------------------------------------------------------------- */

static int read_trusted(gw_edge *e, char *why) {
  gw_view bad;
  int err = gw_networks_init(&e->trusted, e->config->trusted_proxies, &bad);
  if (err == GW_ERR_INVALID)
    snprintf(why, GW_EDGE_WHY_MAX, "listen.trusted_proxies is not valid");
  return err;
}

int gw_edge_init(gw_edge *e, const gw_config *c, const gw_edge_keys *keys,
                 char why[GW_EDGE_WHY_MAX]) {
  *e = (gw_edge){.config = c, .keys = *keys};
  (void)out_of_memory(why);
  e->hooks_want = c->hooks.of[GW_HOOK_CONNECT].is_used;
  int err = read_headers(e, why);
  if (err == 0) err = read_trusted(e, why);
  if (err == 0) err = gw_config_add_routes(c, &e->routes, why);
  if (err == 0 && !keys->is_trial) err = gw_mounts_init(&e->mounts, c, why);
  return err == 0 ? add_built_in(e, why) : err;
}

void gw_edge_deinit(gw_edge *e) {
  gw_chain_deinit(&e->chain);
  gw_routes_deinit(&e->routes);
  gw_networks_deinit(&e->trusted);
  gw_mounts_deinit(&e->mounts);
  gw_access_log_free(e->access_log);
  gw_counters_free(e->counters);
  gw_rate_limit_free(e->rate_limit);
  gw_auth_link_free(e->auth);
  gw_compression_free(e->compression);
  free(e->headers);
  *e = (gw_edge){.config = NULL};
}

int gw_edge_finish(gw_edge *e, char why[GW_EDGE_WHY_MAX]) {
  const gw_route_options usual = {.path = GW_ROUTE_DEFAULT};
  char what[GW_CHAIN_WHY_MAX];
  if (!gw_routes_has(&e->routes, GW_ROUTE_DEFAULT)) {
    int err = gw_routes_add(&e->routes, &usual, why);
    if (err < 0) return err;
  }
  int err = gw_chain_arrange(&e->chain, e->config->middleware, what);
  if (err < 0) snprintf(why, GW_EDGE_WHY_MAX, "middleware: %s", what);
  return err == GW_ERR_NOT_FOUND ? GW_ERR_INVALID : err;
}

uint32_t gw_edge_wants(const gw_edge *e, const gw_route *route) {
  uint32_t wants = e->chain.wants;
  if (route != NULL) {
    wants |= gw_chain_handlers_want(&e->chain, route->handlers);
    if (route->keeps_request) wants |= GW_CHAIN_KEEP;
  }
  return e->config->http_keep ? wants | GW_CHAIN_KEEP : wants;
}
