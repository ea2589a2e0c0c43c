/* SPDX-License-Identifier: MIT */
/* histogram.c - latencies counted in cells that grow with the value. */
#include "server/load/histogram.h"

#include <math.h>

#define BITS  GW_HISTOGRAM_STEPS_BITS
#define STEPS (1u << BITS)

/* Values below STEPS have a cell each; above, the exponent and the BITS bits
 * that follow the highest one name the cell. */
static uint32_t cell_of(uint64_t value) {
  uint32_t shift = 0;
  while (value >> shift >= 2 * STEPS)
    shift++;
  return (shift << BITS) + (uint32_t)(value >> shift);
}

static uint64_t highest_of(uint32_t cell) {
  if (cell < 2 * STEPS) return cell;
  uint32_t shift = (cell >> BITS) - 1;
  uint64_t step = cell - (shift << BITS);
  return ((step + 1) << shift) - 1;
}

void gw_histogram_add(gw_histogram *h, uint64_t value) {
  h->counts[cell_of(value)]++;
  h->num++;
  if (value > h->max) h->max = value;
}

uint64_t gw_histogram_quantile(const gw_histogram *h, double part) {
  uint64_t rank = (uint64_t)ceil(part * (double)h->num);
  uint64_t seen = 0;
  for (uint32_t i = 0; i < GW_HISTOGRAM_CELLS; i++) {
    seen += h->counts[i];
    if (seen >= rank && seen > 0)
      return highest_of(i) < h->max ? highest_of(i) : h->max;
  }
  return 0;
}
