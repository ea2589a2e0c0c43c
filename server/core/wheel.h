/* SPDX-License-Identifier: MIT */
/* wheel.h - timers by the ten thousand: set, cancel and fire in O(1). */
#ifndef GODWIT_SERVER_WHEEL_H
#define GODWIT_SERVER_WHEEL_H

#include "godwit/wire.h"

/*
 * A hierarchical timing wheel (Varghese and Lauck): five rings of 64 slots. A
 * slot of ring 0 is a millisecond, of ring n 64 slots of ring n - 1. When time
 * comes to a slot of an outer ring, its timers move inwards; a timer moves four
 * times at most.
 */
#define GW_WHEEL_RINGS 5u
#define GW_WHEEL_SLOTS 64u

/** The farthest that a timer can be set: 2^30 ms, 12 days. A longer delay is
 * cut to it; whoever needs more looks at the clock and sets it again. */
#define GW_WHEEL_MAX_MS (UINT64_C(1) << 30)

/** Lies in what it belongs to. All zero is not set. */
typedef struct gw_timer gw_timer;
struct gw_timer {
  /* private */
  gw_timer *next;
  gw_timer **link; /**< what points here; NULL: not set */
  uint32_t due;    /**< low bits of the time */
  /* the owner's: tells the fire function what this is part of */
  uint8_t kind;
};

typedef void (*gw_wheel_fire)(void *user, gw_timer *timer);

typedef struct gw_wheel {
  uint64_t now;
  uint64_t occupied[GW_WHEEL_RINGS]; /**< bit per slot */
  gw_timer *slots[GW_WHEEL_RINGS][GW_WHEEL_SLOTS];
} gw_wheel;

void gw_wheel_init(gw_wheel *w, uint64_t now_ms);

/** Set, or set anew. Due at the earliest a millisecond after the wheel's now,
 * so that a timer which sets itself cannot hold up its loop. */
void gw_wheel_set(gw_wheel *w, gw_timer *t, uint64_t due_ms);
void gw_wheel_cancel(gw_wheel *w, gw_timer *t); /**< not set is fine */
bool gw_timer_is_set(const gw_timer *t);

/** Fire what is due, in the order of time. fire may set and cancel any timer,
 * and free what a timer lies in when it is not set. */
void gw_wheel_advance(gw_wheel *w, uint64_t now_ms, gw_wheel_fire fire,
                      void *user);

/** When advance has to be called at the latest; UINT64_MAX: no timer is set.
 * May be earlier than the first timer, when timers have to move inwards. */
uint64_t gw_wheel_deadline(const gw_wheel *w);

#endif
