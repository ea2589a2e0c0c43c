/* SPDX-License-Identifier: MIT */
/* slots.h - things with handles: a handle outlives its thing and is then known
 * to be stale, so it may travel through mail and applications. */
#ifndef GODWIT_SERVER_SLOTS_H
#define GODWIT_SERVER_SLOTS_H

#include "godwit/wire.h"

struct gw_slot {
  void *item;          /**< NULL: free */
  uint32_t generation; /**< counts what lived here */
  uint32_t next;       /**< free slot after this one */
};

/** All zero is empty. A freed slot is used again as late as possible. */
typedef struct gw_slots {
  /* read-only */
  uint32_t num; /**< slots ever used; gw_slots_at takes 0 .. num - 1 */
  uint32_t num_items;
  /* private */
  uint32_t cap;
  uint32_t first_free;
  uint32_t last_free;
  struct gw_slot *at;
} gw_slots;

void gw_slots_deinit(gw_slots *s);

/** Returns the handle, never 0; 0 when out of memory. */
uint64_t gw_slots_add(gw_slots *s, void *item);
/** NULL when the handle is stale. */
void *gw_slots_get(const gw_slots *s, uint64_t handle);
void gw_slots_remove(gw_slots *s, uint64_t handle);

/** What is in a slot, or NULL. */
static inline void *gw_slots_at(const gw_slots *s, uint32_t i) {
  return s->at[i].item;
}

/** The slot's number, small and unique among the living. */
static inline uint32_t gw_slots_index(uint64_t handle) {
  return (uint32_t)handle;
}

#endif
