/* SPDX-License-Identifier: MIT */
/* attempts.h - how often somebody may fail to log in: a bucket for each address
 * and each name, in a table that does not grow. No clock: time comes in. */
#ifndef GODWIT_ADMIN_ATTEMPTS_H
#define GODWIT_ADMIN_ATTEMPTS_H

#include "server/core/bucket.h"

/** Addresses and names that are remembered. When there are more, the one is
 * forgotten that owes least. */
#define GW_ATTEMPTS_MAX 1024u

enum gw_attempts_kind { GW_ATTEMPTS_ADDRESS, GW_ATTEMPTS_NAME };

typedef struct gw_attempts {
  /* private */
  gw_rate rate;
  uint8_t hash_key[16];
  size_t num;
  struct {
    uint64_t who; /* a keyed hash: what was typed as a name may be a password */
    gw_bucket bucket;
  } items[GW_ATTEMPTS_MAX];
} gw_attempts;

/** rate.num 0: no limit. hash_key: random. */
void gw_attempts_init(gw_attempts *a, const gw_rate *rate,
                      const uint8_t hash_key[16]);

/** Somebody tries. 0; otherwise nothing is counted, and one may try again after
 * so many milliseconds. */
uint32_t gw_attempts_take(gw_attempts *a, enum gw_attempts_kind kind,
                          gw_view who, uint64_t now_ms);

/** And succeeded: what was counted is forgotten. */
void gw_attempts_forgive(gw_attempts *a, enum gw_attempts_kind kind,
                         gw_view who);

#endif
