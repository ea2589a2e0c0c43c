/* SPDX-License-Identifier: MIT */
/* edge.c - what no key can say alone of listening, proxies and routes. */
#include "server/config/load.h"
#include "server/edge/networks.h"
#include "server/edge/route.h"

static void check_proxies(gw__load *l) {
  const gw_config *c = l->config;
  gw_networks trusted;
  gw_view bad;
  int err = gw_networks_init(&trusted, c->trusted_proxies, &bad);
  if (err == GW_ERR_NOMEM) l->is_out_of_memory = true;
  if (err == GW_ERR_INVALID)
    gw__load_fail(l, "listen.trusted_proxies",
                  "'%.*s' must be an address, a network such as 10.0.0.0/8, or "
                  "unix",
                  (int)(bad.len < 64 ? bad.len : 64), (const char *)bad.data);
  if (err < 0) return;
  if (c->proxy_protocol && trusted.num == 0)
    gw__load_fail(l, "listen.proxy_protocol",
                  "needs listen.trusted_proxies: nobody else's header counts");
  gw_networks_deinit(&trusted);
}

int gw_config_add_routes(const gw_config *c, gw_routes *routes, char *why) {
  for (size_t i = 0; i < c->num_routes; i++) {
    const gw_config_route *r = &c->routes[i];
    const gw_route_options o = {.path = r->path,
                                .channels = r->channels,
                                .space = r->space,
                                .origins = r->origins,
                                .subprotocols = r->subprotocols,
                                .needs_user = !r->anonymous,
                                .keeps_request = r->keep};
    int err = gw_routes_add(routes, &o, why);
    if (err < 0) return err;
  }
  return 0;
}

static void check_routes(gw__load *l) {
  gw_routes routes = {.num = 0};
  char why[GW_ROUTE_WHY_MAX];
  int err = gw_config_add_routes(l->config, &routes, why);
  if (err == GW_ERR_NOMEM) l->is_out_of_memory = true;
  if (err < 0 && err != GW_ERR_NOMEM) gw__load_fail(l, "routes", "%s", why);
  gw_routes_deinit(&routes);
}

void gw__config_check_edge(gw__load *l) {
  check_proxies(l);
  check_routes(l);
  if (gw_config_mode(l->config->unix_mode) < 0)
    gw__load_fail(l, "listen.unix_mode",
                  "'%.20s' must be permissions in octal, such as 0660",
                  l->config->unix_mode);
}
