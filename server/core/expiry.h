/* SPDX-License-Identifier: MIT */
/* expiry.h - when items of a map come to their end: a heap of what was said
 * about them. What was said before the newest word about an item is void, which
 * whoever takes it out finds by its offset. */
#ifndef GODWIT_SERVER_EXPIRY_H
#define GODWIT_SERVER_EXPIRY_H

#include "godwit/wire.h"

typedef struct gw_expiry_entry {
  uint64_t due_ms;
  uint64_t item;   /**< hash */
  uint64_t offset; /**< of the publication that said so */
} gw_expiry_entry;

/** All zero is empty. */
typedef struct gw_expiry {
  /* read-only */
  uint32_t num;
  /* private */
  uint32_t cap;
  gw_expiry_entry *heap;
} gw_expiry;

void gw_expiry_deinit(gw_expiry *x);

/** Have room for one more. 0, GW_ERR_NOMEM */
GW_MUST_USE int gw_expiry_reserve(gw_expiry *x);
/** There is room. */
void gw_expiry_put(gw_expiry *x, gw_expiry_entry entry);

/** The one that is due first; NULL: there is none. */
const gw_expiry_entry *gw_expiry_first(const gw_expiry *x);
void gw_expiry_pop(gw_expiry *x);

/** Drop those of which is_void says so. */
void gw_expiry_sweep(gw_expiry *x,
                     bool (*is_void)(const void *arg, const gw_expiry_entry *e),
                     const void *arg);

#endif
