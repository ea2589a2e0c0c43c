/* SPDX-License-Identifier: MIT */
/* connection.h - the fields of a gw_connection: a view that is made for each call
 * of handlers, of what core and transport know. */
#ifndef GODWIT_MIDDLEWARE_CONNECTION_H
#define GODWIT_MIDDLEWARE_CONNECTION_H

#include "godwit/middleware.h"
#include "server/core/hub.h"

/** What of a connection has to last; the transport keeps it with the socket. */
typedef struct gw_connection_state {
  gw_request *request; /**< NULL: nothing of it is kept */
  bool is_whole;       /**< and not only its parameters */
  void **slots;        /**< one for each link; NULL: none was asked for */
} gw_connection_state;

struct gw_connection {
  const gw_facts *facts;
  const char *route;
  size_t handlers;            /**< of its route, in the chain; 0: none */
  gw_connection_state *state; /**< NULL: out of memory, or nothing is kept */
  size_t num_slots;
  size_t slot;   /**< of the link that is called */
  bool is_plain; /**< one of them said so */
};

#endif
