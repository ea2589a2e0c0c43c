/* SPDX-License-Identifier: MIT */
/* handshakes.h - sockets that have not sent a whole request yet. */
#ifndef GODWIT_SERVER_HANDSHAKES_H
#define GODWIT_SERVER_HANDSHAKES_H

#include <libwebsockets.h>
#include <stdint.h>

#include "godwit/err.h"
#include "server/net/ring.h"

/** A request of a live client comes with its connection, or with TLS a ClientHello
 * does, and the rest in two more steps. When there is no room for another, those
 * that were silent for this long make room: opening sockets and saying nothing
 * shuts nobody out. */
#define GW_HANDSHAKES_GRACE_MS 500u

/** Silent for the longest first. */
typedef struct gw_handshakes {
  /* read-only */
  size_t num;
  /* private */
  gw_link ring;
} gw_handshakes;

void gw_handshakes_init(gw_handshakes *h);

/** A socket was accepted; notes it in the socket's opaque user data. 0,
 * GW_ERR_NOMEM: then it counts as one that has sent its request. */
GW_MUST_USE int gw_handshakes_add(gw_handshakes *h, struct lws *wsi,
                                  uint64_t now_ms);

/** It has come a step nearer to its request. */
void gw_handshakes_touch(gw_handshakes *h, struct lws *wsi, uint64_t now_ms);

/** It sent its request, or is gone. Returns whether it was waited for. */
bool gw_handshakes_remove(gw_handshakes *h, struct lws *wsi);

/** Cut the first, if it had its time and nothing of it waits to be read, which
 * would be our own slowness. Its end is told like any other. */
bool gw_handshakes_evict(gw_handshakes *h, uint64_t now_ms);

#endif
