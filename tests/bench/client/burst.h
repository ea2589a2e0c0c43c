/* SPDX-License-Identifier: MIT */
/* burst.h - a thousand publications, encoded and framed beforehand, of which only
 * the numbers change from one burst to the next. */
#ifndef GODWIT_TESTS_BENCH_BURST_H
#define GODWIT_TESTS_BENCH_BURST_H

#include "tests/bench/client/wires.h"

#define BURST_MESSAGES 1000u

/** A WebSocket message takes no further publication that would make it longer. */
#define BURST_BATCH_BYTES (64u * 1024u)

typedef struct burst {
  /* read-only */
  uint8_t *data;
  size_t len;
  /* private */
  struct burst_place *places;
  uint32_t num_places;
} burst;

/**
 * Make the bytes of a burst.
 *   object_bytes  of each published object, a JSON text: 32 to 32,768
 *   batch         publications in a WebSocket message at most, 1 to 1,000
 *   returns       NULL when an argument is not valid; burst_free ends it
 */
burst *burst_new(const wire *w, uint32_t object_bytes, uint32_t batch);
void burst_free(burst *b); /**< NULL is fine */

/** Number the publications from first on. */
void burst_number(burst *b, uint32_t first);

#endif
