/* SPDX-License-Identifier: MIT */
/* chain.h - the links of a server in their order, and the handlers of its routes
 * behind them. */
#ifndef GODWIT_MIDDLEWARE_CHAIN_H
#define GODWIT_MIDDLEWARE_CHAIN_H

#include "server/middleware/connection.h"

/** Links, and routes with handlers. */
#define GW_CHAIN_MAX 64u

typedef struct gw_chain_link {
  gw_middleware on;
  char *name;
  void *user;
} gw_chain_link;

/** What links there are want to be told of. */
enum gw_chain_wants {
  GW_CHAIN_REQUEST = 1,
  GW_CHAIN_REFUSED = 2,
  GW_CHAIN_CONNECT = 4,
  GW_CHAIN_FRAME = 8,
  GW_CHAIN_PUBLICATION = 16,
  GW_CHAIN_DISCONNECT = 32,
  GW_CHAIN_KEEP = 64 /**< the whole request, as long as the connection */
};

/** All zero is empty. Filled before the workers run, then only read. */
typedef struct gw_chain {
  gw_chain_link *links; /**< in their order */
  size_t num;
  gw_chain_link *handlers; /**< of routes */
  size_t num_handlers;
  uint32_t wants; /**< bits of enum gw_chain_wants, of links */
  uint32_t handlers_want;
} gw_chain;

void gw_chain_deinit(gw_chain *c);

/** Add a link at the end. 0; GW_ERR_INVALID (no name, or another version's
 * struct), GW_ERR_EXISTS, GW_ERR_FULL, GW_ERR_NOMEM. */
GW_MUST_USE int gw_chain_add(gw_chain *c, const gw_middleware *on, void *user);

/** Add the handlers of a route; *place is what a connection's `handlers` is. The
 * same errors. */
GW_MUST_USE int gw_chain_add_handlers(gw_chain *c, const gw_middleware *on,
                                      void *user, size_t *place);

/** Room for a sentence about an order that cannot be. */
#define GW_CHAIN_WHY_MAX 512u

/** Put the links that a list names first, in its order. 0; GW_ERR_NOT_FOUND: why
 * says which there is none of, and which there are. */
GW_MUST_USE int gw_chain_arrange(gw_chain *c, const char *order,
                                 char why[GW_CHAIN_WHY_MAX]);

/** What handlers of a place want; 0 for none. */
uint32_t gw_chain_handlers_want(const gw_chain *c, size_t handlers);

/* ---- running ---------------------------------------------------------------- */

bool gw_chain_request(const gw_chain *c, size_t handlers, const gw_request *r,
                      gw_refusal *refusal);
void gw_chain_refused(const gw_chain *c, const gw_request *r,
                      const gw_refusal *refusal);
void gw_chain_connect(const gw_chain *c, gw_connection *conn);
bool gw_chain_frame(const gw_chain *c, gw_connection *conn,
                    const gw_frame_view *frame, gw_refusal *refusal);
/** conn: NULL, it is the application's. */
bool gw_chain_publication(const gw_chain *c, gw_connection *conn,
                          gw_draft *draft, gw_refusal *refusal);
void gw_chain_disconnect(const gw_chain *c, gw_connection *conn,
                         const gw_end *end);

/** A refusal as the core has it; its code is never OK. */
gw_verdict gw_chain_verdict(const gw_refusal *refusal);

#endif
