/* SPDX-License-Identifier: MIT */
/* forwarded.h - the headers in which proxies tell for whom they ask:
 * X-Forwarded-For, and Forwarded (RFC 7239). */
#ifndef GODWIT_EDGE_FORWARDED_H
#define GODWIT_EDGE_FORWARDED_H

#include "server/edge/networks.h"

/** Which header counts. The other one is not looked at: a proxy passes on what it
 * does not know, so it may be the client's own. */
enum gw_forwarded_by {
  GW_FORWARDED_NONE,
  GW_FORWARDED_X_FOR,
  GW_FORWARDED_RFC7239
};

/** Proxies one behind the other at most; further ones are not looked at. */
#define GW_FORWARDED_MAX_HOPS 32u

/**
 * Who is behind the proxies. Each of them adds the one that it was asked by to
 * the end of the list; so it is read from its end, and as far as those that say
 * so are trusted.
 *   header     all lines of it, with commas between them
 *   peer       in: who the socket is from; out: the client, or the last hop that
 *              an address is known of
 *   is_secure  set to whether that one spoke TLS, if the header says so
 */
void gw_forwarded_read(enum gw_forwarded_by by, gw_view header,
                       const gw_networks *trusted, gw_peer *peer,
                       bool *is_secure);

#endif
