/* SPDX-License-Identifier: MIT */
/* addresses.h - how many connections an address has, and how often it comes: one
 * table for all workers of a node. */
#ifndef GODWIT_SERVER_ADDRESSES_H
#define GODWIT_SERVER_ADDRESSES_H

#include "server/core/bucket.h"
#include "server/edge/peer.h"

/** Where a connection comes from. IPv6 by its /64, which a single host has all to
 * itself as a rule; IPv4 within IPv6 is IPv4. */
typedef struct gw_source {
  uint8_t family; /**< 4, 6 */
  uint8_t bytes[8];
} gw_source;

/** false: of another family, such as a Unix socket's, which is not counted. */
bool gw_source_of(gw_source *a, const gw_peer *peer);

/** Addresses without a connection that are remembered for their rate: some 8 MB.
 * The one that was quiet for longest is forgotten for the next. */
#define GW_ADDRESSES_MAX_IDLE 65536u

/** Connections above the cap that are opened to be told, before any more are cut
 * without a word. */
#define GW_ADDRESSES_TOLD 16u

typedef struct gw_addresses gw_addresses;

typedef struct gw_addresses_options {
  gw_rate rate;             /**< of connecting; num 0: no limit */
  uint32_t max_connections; /**< 0: no limit */
  uint8_t hash_key[16];
} gw_addresses_options;

/** Counters, readable on any thread. */
typedef struct gw_addresses_stats {
  uint64_t num;           /**< that are remembered */
  uint64_t num_limited;   /**< connections over a rate */
  uint64_t num_crowded;   /**< connections over the cap */
  uint64_t num_cut;       /**< of these, without a word */
  uint64_t num_forgotten; /**< for want of room */
} gw_addresses_stats;

/** NULL when out of memory. */
gw_addresses *gw_addresses_new(const gw_addresses_options *options);
void gw_addresses_free(gw_addresses *a); /**< NULL is fine */

/** What becomes of a connection. */
enum gw_entry {
  GW_ENTRY_IN,
  GW_ENTRY_TELL, /**< open it, to say why it is closed */
  GW_ENTRY_CUT   /**< it is not counted: no gw_addresses_leave */
};

/** Somebody connects. now_ms: of the worker's loop; one that is behind others' is
 * taken for the latest of theirs. TELL: *code and *retry_after_ms say what. */
enum gw_entry gw_addresses_enter(gw_addresses *a, const gw_source *address,
                                 uint64_t now_ms, uint32_t *code,
                                 uint32_t *retry_after_ms);
void gw_addresses_leave(gw_addresses *a, const gw_source *address,
                        uint64_t now_ms);

void gw_addresses_stats_get(gw_addresses *a, gw_addresses_stats *stats);

#endif
