/* SPDX-License-Identifier: MIT */
/* proxy_header.h - the PROXY protocol, versions 1 and 2: what a proxy tells of a
 * connection in front of its first byte. No I/O. */
#ifndef GODWIT_EDGE_PROXY_HEADER_H
#define GODWIT_EDGE_PROXY_HEADER_H

#include "server/edge/peer.h"

/** A header at most. Version 1 has up to 107 bytes; a proxy that adds names of
 * certificates in version 2 stays well below this. */
#define GW_PROXY_HEADER_MAX 1024u

typedef struct gw_proxy_header {
  /** The proxy speaks for itself (a health check), or does not know or tell for
   * whom: the socket's own address is what there is. */
  bool is_local;
  gw_peer peer;
  bool is_secure; /**< the client spoke TLS to the proxy */
} gw_proxy_header;

/**
 * Read a header.
 *   data     all that came so far; what is behind the header is not looked at
 *   returns  its length; 0: it is not whole yet, all of data belongs to it;
 *            GW_ERR_PROTOCOL: this is none, or too long
 */
GW_MUST_USE int gw_proxy_header_read(const uint8_t *data, size_t len,
                                     gw_proxy_header *h);

#endif
