/* SPDX-License-Identifier: MIT */
/* networks.h - a list of addresses and networks, such as those of proxies that
 * are trusted. */
#ifndef GODWIT_EDGE_NETWORKS_H
#define GODWIT_EDGE_NETWORKS_H

#include "server/edge/peer.h"

/** Words of a list at most. */
#define GW_NETWORKS_MAX 256u

typedef struct gw_network {
  gw_peer peer;
  uint8_t bits; /**< that have to be equal */
} gw_network;

/** All zero is empty: nobody is in it. */
typedef struct gw_networks {
  gw_network *items;
  size_t num;
} gw_networks;

/**
 * Read words with commas or blanks between them: 10.0.0.0/8, 192.0.2.1,
 * 2001:db8::/32, unix (peers of Unix sockets).
 *   bad      gets the first word that is none of these, or one too many
 *   returns  0, GW_ERR_INVALID, GW_ERR_NOMEM
 */
GW_MUST_USE int gw_networks_init(gw_networks *n, const char *list,
                                 gw_view *bad);
void gw_networks_deinit(gw_networks *n);

bool gw_networks_has(const gw_networks *n, const gw_peer *p);

#endif
