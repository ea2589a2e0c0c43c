/* SPDX-License-Identifier: MIT */
/* wheel.c - the timing wheel. */
#include "server/core/wheel.h"

#include <assert.h>

#define RING_BITS 6u
#define SLOT_MASK (GW_WHEEL_SLOTS - 1u)

void gw_wheel_init(gw_wheel *w, uint64_t now_ms) {
  *w = (gw_wheel){.now = now_ms};
}

bool gw_timer_is_set(const gw_timer *t) {
  return t->link != NULL;
}

/** The whole time of a timer from its low bits: it is near now. */
static uint64_t due_of(const gw_wheel *w, const gw_timer *t) {
  return w->now + (uint64_t)(int64_t)(int32_t)(t->due - (uint32_t)w->now);
}

/** Ticks of a ring from now until a time. */
static uint64_t ticks_until(const gw_wheel *w, unsigned ring, uint64_t time) {
  unsigned shift = ring * RING_BITS;
  return (time >> shift) - (w->now >> shift);
}

/** Into the innermost ring that reaches its time. */
static void insert(gw_wheel *w, gw_timer *t) {
  uint64_t due = due_of(w, t);
  unsigned ring = 0;
  while (ticks_until(w, ring, due) >= GW_WHEEL_SLOTS)
    ring++;
  assert(ring < GW_WHEEL_RINGS);
  uint64_t slot = due >> (ring * RING_BITS) & SLOT_MASK;
  gw_timer **head = &w->slots[ring][slot];
  t->next = *head;
  t->link = head;
  if (*head != NULL) (*head)->link = &t->next;
  *head = t;
  w->occupied[ring] |= UINT64_C(1) << slot;
}

static void take_out(gw_timer *t) {
  *t->link = t->next;
  if (t->next != NULL) t->next->link = t->link;
  t->link = NULL;
}

void gw_wheel_set(gw_wheel *w, gw_timer *t, uint64_t due_ms) {
  gw_wheel_cancel(w, t);
  if (due_ms <= w->now) due_ms = w->now + 1;
  /* One slot of the outermost ring less, as it may have begun already. */
  uint64_t farthest =
      w->now + GW_WHEEL_MAX_MS - (GW_WHEEL_MAX_MS / GW_WHEEL_SLOTS);
  if (due_ms > farthest) due_ms = farthest;
  t->due = (uint32_t)due_ms;
  insert(w, t);
}

void gw_wheel_cancel(gw_wheel *w, gw_timer *t) {
  if (t->link == NULL) return;
  gw_timer **link = t->link;
  take_out(t);
  /* When that emptied a slot, its bit goes, so that nobody wakes up for it. */
  uintptr_t from_first = (uintptr_t)link - (uintptr_t)&w->slots[0][0];
  if (*link != NULL || from_first >= sizeof w->slots) return;
  size_t i = from_first / sizeof(gw_timer *);
  w->occupied[i / GW_WHEEL_SLOTS] &= ~(UINT64_C(1) << (i % GW_WHEEL_SLOTS));
}

static unsigned first_bit(uint64_t bits) {
  unsigned i = 0;
  for (unsigned half = 32; half != 0; half /= 2) {
    if ((bits & ((UINT64_C(1) << half) - 1)) != 0) continue;
    bits >>= half;
    i += half;
  }
  return i;
}

/** Ticks from the ring's current slot to its next occupied one, 0 .. 63. */
static unsigned ticks_to_occupied(const gw_wheel *w, unsigned ring) {
  unsigned current = (unsigned)(w->now >> (ring * RING_BITS) & SLOT_MASK);
  uint64_t bits = w->occupied[ring];
  if (current != 0) bits = bits >> current | bits << (GW_WHEEL_SLOTS - current);
  return first_bit(bits);
}

uint64_t gw_wheel_deadline(const gw_wheel *w) {
  uint64_t first = UINT64_MAX;
  for (unsigned ring = 0; ring < GW_WHEEL_RINGS; ring++) {
    if (w->occupied[ring] == 0) continue;
    unsigned shift = ring * RING_BITS;
    uint64_t time = ((w->now >> shift) + ticks_to_occupied(w, ring)) << shift;
    if (time < first) first = time;
  }
  return first;
}

/** Take all timers of a slot out and hand them on. */
static void move_inwards(gw_wheel *w, unsigned ring) {
  unsigned shift = ring * RING_BITS;
  uint64_t slot = w->now >> shift & SLOT_MASK;
  w->occupied[ring] &= ~(UINT64_C(1) << slot);
  gw_timer *t;
  while ((t = w->slots[ring][slot]) != NULL) {
    take_out(t);
    insert(w, t);
  }
}

static void fire_slot(gw_wheel *w, gw_wheel_fire fire, void *user) {
  uint64_t slot = w->now & SLOT_MASK;
  gw_timer *t;
  while ((t = w->slots[0][slot]) != NULL) {
    gw_wheel_cancel(w, t);
    fire(user, t);
  }
}

void gw_wheel_advance(gw_wheel *w, uint64_t now_ms, gw_wheel_fire fire,
                      void *user) {
  for (uint64_t next; (next = gw_wheel_deadline(w)) <= now_ms;) {
    w->now = next;
    for (unsigned ring = GW_WHEEL_RINGS - 1; ring > 0; ring--) {
      unsigned shift = ring * RING_BITS;
      if ((next & ((UINT64_C(1) << shift) - 1)) == 0) move_inwards(w, ring);
    }
    fire_slot(w, fire, user);
  }
  if (now_ms > w->now) w->now = now_ms;
}
