/* SPDX-License-Identifier: MIT */
/* peer.h - where a connection comes from: an address, as a value. */
#ifndef GODWIT_EDGE_PEER_H
#define GODWIT_EDGE_PEER_H

#include <sys/socket.h>

#include "godwit/wire.h"

enum gw_peer_family {
  GW_PEER_UNKNOWN,
  GW_PEER_UNIX, /**< a process of this machine; has no address */
  GW_PEER_IPV4,
  GW_PEER_IPV6
};

/** IPv4 within IPv6 is IPv4. All zero is unknown. */
typedef struct gw_peer {
  uint8_t family;    /**< enum gw_peer_family */
  uint8_t bytes[16]; /**< of IPv4 the first four */
} gw_peer;

/** Room for the text of any, with the NUL. */
#define GW_PEER_TEXT_MAX 46u

gw_peer gw_peer_of(const struct sockaddr *sa);

/** The peer of a connected socket; unknown when it is gone. The one place that
 * asks the system. */
gw_peer gw_peer_of_socket(int fd);

/** Read an address as people and proxies write it: 192.0.2.1, 2001:db8::1,
 * either with a port behind it (192.0.2.1:80, [2001:db8::1]:80), or [::1]. */
bool gw_peer_read(gw_peer *p, gw_view text);

/** "192.0.2.1", "2001:db8::1", "unix", "unknown". Returns text. */
const char *gw_peer_text(const gw_peer *p, char text[GW_PEER_TEXT_MAX]);

#endif
