/* SPDX-License-Identifier: MIT */
/* edge.h - what all workers of a server share at its edge: routes, the chain,
 * trusted proxies, files. Made before they run, then only read. */
#ifndef GODWIT_SERVER_EDGE_H
#define GODWIT_SERVER_EDGE_H

#include "server/config/config.h"
#include "server/edge/forwarded.h"
#include "server/edge/route.h"
#include "server/middleware/access_log.h"
#include "server/middleware/auth_link.h"
#include "server/middleware/chain.h"
#include "server/middleware/compression.h"
#include "server/middleware/counters.h"
#include "server/middleware/rate_limit.h"
#include "server/net/mounts.h"

/** Headers that handlers may be shown. */
#define GW_EDGE_HEADERS_MAX 32u

/** What tokens of requests are checked with; they outlive the edge. */
typedef struct gw_edge_keys {
  gw_keystore *keystore; /* NULL: there are no tokens */
  const gw_token_rules *rules;
  /** Nobody will come by this edge, which is made to see whether that could be:
   * the access log is not opened, and mounts are left out. */
  bool is_trial;
} gw_edge_keys;

typedef struct gw_edge {
  const gw_config *config;
  gw_routes routes;
  gw_chain chain;
  gw_networks trusted;
  gw_mounts mounts;
  char *headers; /* names, with a NUL behind each */
  const char *header_names[GW_EDGE_HEADERS_MAX];
  size_t num_headers;
  bool hooks_want;             /* the hook connect is told of requests */
  gw_access_log *access_log;   /* NULL: the link is not used */
  gw_counters *counters;       /* NULL: the link is not used */
  gw_rate_limit *rate_limit;   /* NULL: the link is not used */
  gw_auth_link *auth;          /* NULL: the link is not used */
  gw_compression *compression; /* NULL: the link is not used */
  gw_edge_keys keys;
} gw_edge;

/** Room for a sentence about what is wrong. */
#define GW_EDGE_WHY_MAX 1024u

/** From the configuration, which outlives it. 0; GW_ERR_INVALID and why;
 * GW_ERR_NOMEM. */
GW_MUST_USE int gw_edge_init(gw_edge *e, const gw_config *c,
                             const gw_edge_keys *keys,
                             char why[GW_EDGE_WHY_MAX]);
void gw_edge_deinit(gw_edge *e);

/** Nothing more is added: put the chain in order. The same results. */
GW_MUST_USE int gw_edge_finish(gw_edge *e, char why[GW_EDGE_WHY_MAX]);

/** What those that a connection of a route passes want; bits of enum
 * gw_chain_wants. route may be NULL. */
uint32_t gw_edge_wants(const gw_edge *e, const gw_route *route);

#endif
