/* SPDX-License-Identifier: MIT */
/* world.h - virtual time and chance: everything that happens in a run is an event
 * of this queue, and everything random is drawn from its seed. */
#ifndef GODWIT_SIM_WORLD_H
#define GODWIT_SIM_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Wall clock at virtual time 0: 2026-01-01. */
#define SIM_WALL_ZERO_MS UINT64_C(1767225600000)

typedef void (*sim_fn)(void *arg);

/** A stream of chance. Each that acts has one of its own, so that what is left
 * out of a run changes the rest of it as little as can be. */
typedef struct sim_dice {
  uint64_t s[4];
} sim_dice;

/** Streams of one seed are told apart by a number. */
void sim_dice_init(sim_dice *d, uint64_t seed, uint64_t stream);

typedef struct sim_event {
  uint64_t at_ms;
  uint64_t seq; /**< events of one time run in the order they were planned */
  sim_fn fn;
  void *arg;
} sim_event;

typedef struct world {
  uint64_t seed;
  sim_dice dice;
  sim_dice *used; /**< that is drawn from now */
  uint64_t now_ms;
  uint64_t seq;
  sim_event *heap;
  size_t num;
  size_t cap;
  bool trace;
  uint64_t digest;   /**< of every trace line: equal runs have equal digests */
  uint64_t crowd;    /**< events of the moment that is now */
  char failure[512]; /**< first thing that was wrong; empty: nothing */
} world;

void world_init(world *w, uint64_t seed, bool trace);
void world_deinit(world *w);

/** Run fn(arg) delay_ms from now. arg outlives the run. */
void world_after(world *w, uint64_t delay_ms, sim_fn fn, void *arg);
/** Run events until the clock stands at end_ms or a check failed. */
void world_run(world *w, uint64_t end_ms);

/** Draw from another stream; NULL: the world's own. Returns the one before, to
 * be given back. */
sim_dice *world_use(world *w, sim_dice *dice);
uint64_t world_random(world *w);
/** Uniform in low..high, both inclusive. */
uint64_t world_between(world *w, uint64_t low, uint64_t high);
/** True in permille of 1,000 cases. */
bool world_chance(world *w, uint32_t permille);

/** A line of the trace; always part of the digest. */
void world_trace(world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The run is wrong; the first reason is kept. */
void world_fail(world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool world_failed(const world *w);

#endif
