/* SPDX-License-Identifier: MIT */
/* bucket.h - token buckets: so much in so long, and some at once. */
#ifndef GODWIT_SERVER_BUCKET_H
#define GODWIT_SERVER_BUCKET_H

#include "godwit/wire.h"

/** How much is allowed. num 0: any number. */
typedef struct gw_rate {
  uint32_t num;    /**< so many ... */
  uint32_t per_ms; /**< ... in this time */
  uint32_t burst;  /**< so many at once, after a time of none */
} gw_rate;

/** More than one in a microsecond is not counted. */
#define GW_RATE_MAX_PER_MS 1000u

/**
 * One bucket: the time at which it will be full again, which is all that there
 * is to know of it (the generic cell rate algorithm of ATM). All zero is full.
 */
typedef struct gw_bucket {
  uint64_t full_us;
} gw_bucket;

/**
 * Take one.
 *   share    the rate is divided by this; 0 counts as 1
 *   returns  0: it was there; otherwise nothing is taken, and one will be there
 *            after so many milliseconds
 */
uint32_t gw_bucket_take(gw_bucket *b, const gw_rate *rate, uint32_t share,
                        uint64_t now_ms);

/** Take one that is there no more: it has to be made up for. */
void gw_bucket_owe(gw_bucket *b, const gw_rate *rate, uint64_t now_ms);

/** How many are owed, or 0. */
uint64_t gw_bucket_owed(const gw_bucket *b, const gw_rate *rate,
                        uint64_t now_ms);

/** Whether it is full: then it may be forgotten. */
bool gw_bucket_is_full(const gw_bucket *b, uint64_t now_ms);

/** Whole ones in a second; 0: less than one, or any number. */
uint32_t gw_rate_per_second(const gw_rate *rate);

#endif
