/* SPDX-License-Identifier: MIT */
/* index.h - finds things by a hash: 16 bytes an entry, where uthash takes 56
 * and a place in the thing. For what there is one of per connection,
 * subscription or channel. */
#ifndef GODWIT_SERVER_INDEX_H
#define GODWIT_SERVER_INDEX_H

#include "godwit/wire.h"

struct gw_index_cell {
  void *item; /**< NULL: free */
  uint32_t hash;
};

/** Open addressing, at most three quarters full. All zero is empty. Several
 * items may share a hash: the caller compares what it finds. */
typedef struct gw_index {
  /* read-only */
  uint32_t num;
  /* private */
  uint32_t mask;
  struct gw_index_cell *cells;
} gw_index;

void gw_index_deinit(gw_index *ix);

/** Have room for one more. 0, GW_ERR_NOMEM */
GW_MUST_USE int gw_index_reserve(gw_index *ix);
/** 0, GW_ERR_NOMEM */
GW_MUST_USE int gw_index_add(gw_index *ix, uint32_t hash, void *item);
/** Put an item in the place of another of the same hash, which is there. */
void gw_index_replace(gw_index *ix, uint32_t hash, const void *item, void *by);
/** Not being there is fine. */
void gw_index_remove(gw_index *ix, uint32_t hash, const void *item);

/** Walks the items of a hash; all zero but hash to begin. */
typedef struct gw_index_walk {
  uint32_t hash;
  uint32_t steps;
} gw_index_walk;

/** The next item of the walk's hash; NULL at the end. Nothing may be added or
 * removed meanwhile. */
void *gw_index_next(const gw_index *ix, gw_index_walk *walk);

#endif
