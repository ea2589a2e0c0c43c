/* SPDX-License-Identifier: MIT */
/* bucket.c - token buckets as a single time. */
#include "server/core/bucket.h"

/*
 *     now              full_us
 *  ----+------------------|---------------->
 *      |<-- what is used ->|
 *
 * Each one that is taken puts full_us off by the time that it takes to come
 * again (its price). As much may be used as the burst costs.
 */

/** What one costs, in microseconds. */
static uint64_t price_of(const gw_rate *rate, uint32_t share) {
  uint64_t us = (uint64_t)rate->per_ms * 1000 * (share != 0 ? share : 1);
  uint64_t price = us / rate->num;
  return price != 0 ? price : 1;
}

/** How far full_us may lie ahead. A share of a burst is at least one. */
static uint64_t room_of(const gw_rate *rate, uint32_t share, uint64_t price) {
  uint64_t burst = rate->burst / (share != 0 ? share : 1);
  return (burst != 0 ? burst : 1) * price;
}

uint32_t gw_bucket_take(gw_bucket *b, const gw_rate *rate, uint32_t share,
                        uint64_t now_ms) {
  if (rate->num == 0) return 0;
  uint64_t now = now_ms * 1000, price = price_of(rate, share);
  uint64_t room = room_of(rate, share, price);
  uint64_t full = b->full_us > now ? b->full_us : now;
  if (full + price <= now + room) {
    b->full_us = full + price;
    return 0;
  }
  uint64_t wait_ms = (full + price - now - room + 999) / 1000;
  return wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX;
}

void gw_bucket_owe(gw_bucket *b, const gw_rate *rate, uint64_t now_ms) {
  uint64_t now = now_ms * 1000;
  if (rate->num == 0) return;
  if (b->full_us < now) b->full_us = now;
  b->full_us += price_of(rate, 1);
}

uint64_t gw_bucket_owed(const gw_bucket *b, const gw_rate *rate,
                        uint64_t now_ms) {
  uint64_t now = now_ms * 1000;
  if (rate->num == 0) return 0;
  uint64_t price = price_of(rate, 1), room = room_of(rate, 1, price);
  return b->full_us > now + room ? (b->full_us - now - room) / price : 0;
}

bool gw_bucket_is_full(const gw_bucket *b, uint64_t now_ms) {
  return b->full_us <= now_ms * 1000;
}

uint32_t gw_rate_per_second(const gw_rate *rate) {
  if (rate->num == 0 || rate->per_ms == 0) return 0;
  return (uint32_t)((uint64_t)rate->num * 1000 / rate->per_ms);
}
