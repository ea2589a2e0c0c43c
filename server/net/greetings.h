/* SPDX-License-Identifier: MIT */
/* greetings.h - accepted sockets of proxies that have not said yet for whom they
 * come. */
#ifndef GODWIT_SERVER_GREETINGS_H
#define GODWIT_SERVER_GREETINGS_H

#include <uv.h>

#include "server/edge/proxy_header.h"
#include "server/net/ring.h"

/** What becomes of one. Copied. */
typedef struct gw_greetings_port {
  /** The header is whole, and taken from the socket, which passes. */
  void (*on_ready)(void *user, int fd, const gw_proxy_header *h);
  /** It was closed: why. is_silent: before it sent a byte, as health checks do. */
  void (*on_failed)(void *user, const gw_peer *proxy, const char *why,
                    bool is_silent);
} gw_greetings_port;

/** Those of one worker, in the order of their coming. */
typedef struct gw_greetings {
  /* read-only */
  size_t num;
  /* private */
  gw_greetings_port port;
  void *user;
  uv_loop_t *loop;
  uv_timer_t timer; /* for the first */
  uint64_t timeout_ms;
  gw_link ring;
} gw_greetings;

void gw_greetings_init(gw_greetings *g, uv_loop_t *loop, uint64_t timeout_ms,
                       const gw_greetings_port *port, void *user);

/** Take a socket of a proxy. When its header is there already, on_ready is told
 * before this returns. 0; GW_ERR_NOMEM: it was closed. */
GW_MUST_USE int gw_greetings_add(gw_greetings *g, int fd);

/** Close all; the loop has to run until nothing of it is left. */
void gw_greetings_close(gw_greetings *g);

#endif
