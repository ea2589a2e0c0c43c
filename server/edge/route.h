/* SPDX-License-Identifier: MIT */
/* route.h - the paths that clients connect to, and what comes with each. */
#ifndef GODWIT_EDGE_ROUTE_H
#define GODWIT_EDGE_ROUTE_H

#include "server/edge/pattern.h"

/** Routes of a server. They are walked at each upgrade. */
#define GW_ROUTES_MAX 256u

/** Channels that one route subscribes its connections to. */
#define GW_ROUTE_CHANNELS_MAX 16u

/** The route that is always there. */
#define GW_ROUTE_DEFAULT "/v1/ws"

/** Encodings that a route speaks. */
enum gw_route_speaks { GW_SPEAKS_BINARY = 1, GW_SPEAKS_JSON = 2 };

/** What a route is made of. Texts are copied; NULL is empty. */
typedef struct gw_route_options {
  const char *path;     /**< pattern */
  const char *channels; /**< templates: the server subscribes to these */
  const char *space;    /**< template: the only namespace that may be used */
  const char *origins;  /**< of pages that may connect; see origin.h */
  const char *subprotocols; /**< of ours; empty: both */
  bool needs_user;          /**< whose name an authenticator vouches for */
  bool keeps_request;       /**< for the life of a connection */
  size_t handlers; /**< place of its handlers in the chain; see there */
} gw_route_options;

typedef struct gw_route {
  gw_pattern pattern;
  char *channels; /**< the templates lie in here */
  gw_view templates[GW_ROUTE_CHANNELS_MAX];
  size_t num_templates;
  char *space;   /**< empty: any */
  char *origins; /**< empty: as everywhere */
  uint8_t speaks;
  bool needs_user;
  bool keeps_request;
  size_t handlers;
} gw_route;

/** The routes, those that say more first. All zero is empty. */
typedef struct gw_routes gw_routes;
struct gw_routes {
  gw_route **items;
  size_t num;
};

/** Room for a sentence about what is wrong with a route. */
#define GW_ROUTE_WHY_MAX 256u

/** Add one. 0; GW_ERR_INVALID, GW_ERR_EXISTS, GW_ERR_FULL: why says what is
 * wrong; GW_ERR_NOMEM. */
GW_MUST_USE int gw_routes_add(gw_routes *r, const gw_route_options *o,
                              char why[GW_ROUTE_WHY_MAX]);
void gw_routes_deinit(gw_routes *r);

/** The route of a path, decoded; NULL: there is none. */
const gw_route *gw_routes_find(const gw_routes *r, gw_view path,
                               gw_values *values);

/** Whether there is one of just this pattern. */
bool gw_routes_has(const gw_routes *r, const char *pattern);

#endif
