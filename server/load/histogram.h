/* SPDX-License-Identifier: MIT */
/* histogram.h - how often each latency was seen, exact to three parts in a
 * hundred, in constant memory and time. */
#ifndef GODWIT_LOAD_HISTOGRAM_H
#define GODWIT_LOAD_HISTOGRAM_H

#include <stdint.h>

/** Each power of two is cut into this many steps. */
#define GW_HISTOGRAM_STEPS_BITS 5u
#define GW_HISTOGRAM_CELLS \
  ((65u - GW_HISTOGRAM_STEPS_BITS) << GW_HISTOGRAM_STEPS_BITS)

/** All zero is empty. */
typedef struct gw_histogram {
  uint64_t counts[GW_HISTOGRAM_CELLS];
  uint64_t num;
  uint64_t max;
} gw_histogram;

void gw_histogram_add(gw_histogram *h, uint64_t value);

/** The value that this part of all is not above: 0.5 gives the median. 0 when
 * empty. */
uint64_t gw_histogram_quantile(const gw_histogram *h, double part);

#endif
