/* SPDX-License-Identifier: MIT */
/* ring.h - doubly linked rings: whoever holds a link can leave at once. */
#ifndef GODWIT_SERVER_RING_H
#define GODWIT_SERVER_RING_H

#include <stdbool.h>
#include <stddef.h>

/** A member, or the ring itself. All zero: in no ring. */
typedef struct gw_link {
  struct gw_link *prev;
  struct gw_link *next;
} gw_link;

static inline void gw_ring_init(gw_link *ring) {
  ring->prev = ring->next = ring;
}

static inline bool gw_ring_is_empty(const gw_link *ring) {
  return ring->next == ring;
}

static inline bool gw_link_is_in(const gw_link *link) {
  return link->next != NULL;
}

/** Add as the last. */
static inline void gw_ring_add(gw_link *ring, gw_link *link) {
  link->prev = ring->prev;
  link->next = ring;
  ring->prev->next = link;
  ring->prev = link;
}

/** Nothing happens when it is in no ring. */
static inline void gw_ring_remove(gw_link *link) {
  if (!link->next) return;
  link->prev->next = link->next;
  link->next->prev = link->prev;
  link->prev = link->next = NULL;
}

/** Move all members into another ring, which is not initialised. */
static inline void gw_ring_take(gw_link *from, gw_link *to) {
  gw_ring_init(to);
  if (gw_ring_is_empty(from)) return;
  *to = *from;
  to->prev->next = to->next->prev = to;
  gw_ring_init(from);
}

#endif
