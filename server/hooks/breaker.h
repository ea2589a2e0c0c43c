/* SPDX-License-Identifier: MIT */
/* breaker.h - leaves a backend alone that does not work, and finds out when it
 * does again. No clock of its own. */
#ifndef GODWIT_HOOKS_BREAKER_H
#define GODWIT_HOOKS_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/*
 *            5 failures in a row               time is over
 *   CLOSED ----------------------> OPEN ----------------------> HALF_OPEN
 *      ^                            ^                             |   |
 *      |                            +---- failure, twice as long -+   |
 *      +------------------------------------------ success -----------+
 *
 * HALF_OPEN lets one request through at a time.
 */
enum gw_breaker_state {
  GW_BREAKER_CLOSED,
  GW_BREAKER_OPEN,
  GW_BREAKER_HALF_OPEN
};

#define GW_BREAKER_FAILURES 5u
/** How long it is open, the first time and at most: a backend that is started
 * anew needs a second or a few. */
#define GW_BREAKER_OPEN_MS     1000u
#define GW_BREAKER_OPEN_MAX_MS 30000u

/** All zero is closed. */
typedef struct gw_breaker {
  /* read-only */
  enum gw_breaker_state state;
  uint64_t num_opened;
  /* private */
  uint32_t num_failures; /* in a row */
  uint32_t open_ms;
  uint64_t until_ms;
  bool is_probing;
} gw_breaker;

/** Whether a request may go now; if so its outcome has to be told. */
bool gw_breaker_permits(gw_breaker *b, uint64_t now_ms);
/** How long until one may; 0: now, or as soon as the probe is back. */
uint64_t gw_breaker_wait_ms(const gw_breaker *b, uint64_t now_ms);

/** The outcome of a request. Returns whether the state changed, to open or to
 * closed. random: any. */
bool gw_breaker_tell(gw_breaker *b, bool is_good, uint64_t now_ms,
                     uint32_t random);
/** A request that was let through came to nothing, neither good nor bad. */
void gw_breaker_forget(gw_breaker *b);

#endif
