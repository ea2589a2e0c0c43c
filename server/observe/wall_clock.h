/* SPDX-License-Identifier: MIT */
/* wall_clock.h - what the machine takes the time for, which may jump. */
#ifndef GODWIT_SERVER_WALL_CLOCK_H
#define GODWIT_SERVER_WALL_CLOCK_H

#include <stdint.h>
#include <time.h>

/** Milliseconds since 1970. On any thread. */
static inline uint64_t gw_wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
