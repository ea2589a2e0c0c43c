/* SPDX-License-Identifier: MIT */
/* stats.h - counters of one worker's authenticator: written by its thread, read
 * by any; the way of server/core/stats.h. */
#ifndef GODWIT_AUTH_STATS_H
#define GODWIT_AUTH_STATS_H

#include "server/core/stats.h"

/** name, Prometheus type, help. */
#define GW_AUTH_STATS(X)                                                  \
  X(tokens_checked_total, counter, "Tokens checked")                      \
  X(tokens_expired_total, counter, "Tokens refused as they have expired") \
  X(tokens_invalid_total, counter, "Tokens refused for another reason")   \
  X(tokens_missing_total, counter, "Connections refused without a token") \
  X(tokens_unavailable_total, counter,                                    \
    "Tokens that could not be checked for want of a key")                 \
  X(tokens_waiting, gauge, "Tokens that wait for a key to be fetched")

typedef struct gw_auth_stats {
#define GW__AUTH_STATS_FIELD(name, type, help) _Atomic uint64_t name;
  GW_AUTH_STATS(GW__AUTH_STATS_FIELD)
#undef GW__AUTH_STATS_FIELD
} gw_auth_stats;

#endif
