/* SPDX-License-Identifier: MIT */
/* world.c - virtual time (a binary heap) and chance (xoshiro256**). */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Events of one millisecond: so many are made by each other. */
#define MAX_CROWD 200000u

static uint64_t splitmix(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void sim_dice_init(sim_dice *d, uint64_t seed, uint64_t stream) {
  uint64_t state = seed ^ stream * 0xd1342543de82ef95u;
  for (size_t i = 0; i < 4; i++)
    d->s[i] = splitmix(&state);
}

void world_init(world *w, uint64_t seed, bool trace) {
  memset(w, 0, sizeof *w);
  w->seed = seed;
  w->trace = trace;
  w->now_ms = 1000;
  w->digest = 0xcbf29ce484222325u;
  sim_dice_init(&w->dice, seed, 0);
  w->used = &w->dice;
}

void world_deinit(world *w) {
  free(w->heap);
}

static bool event_before(const sim_event *a, const sim_event *b) {
  return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

void world_after(world *w, uint64_t delay_ms, sim_fn fn, void *arg) {
  if (w->num == w->cap) {
    w->cap = w->cap == 0 ? 256 : w->cap * 2;
    w->heap = realloc(w->heap, w->cap * sizeof *w->heap);
    if (w->heap == NULL) abort();
  }
  sim_event e = {w->now_ms + delay_ms, w->seq++, fn, arg};
  size_t i = w->num++;
  while (i > 0 && event_before(&e, &w->heap[(i - 1) / 2])) {
    w->heap[i] = w->heap[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  w->heap[i] = e;
}

static sim_event heap_pop(world *w) {
  sim_event top = w->heap[0];
  sim_event last = w->heap[--w->num];
  size_t i = 0;
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= w->num) break;
    if (child + 1 < w->num &&
        event_before(&w->heap[child + 1], &w->heap[child]))
      child++;
    if (!event_before(&w->heap[child], &last)) break;
    w->heap[i] = w->heap[child];
    i = child;
  }
  if (w->num > 0) w->heap[i] = last;
  return top;
}

void world_run(world *w, uint64_t end_ms) {
  while (w->num > 0 && w->heap[0].at_ms <= end_ms && !world_failed(w)) {
    sim_event e = heap_pop(w);
    w->crowd = e.at_ms == w->now_ms ? w->crowd + 1 : 0;
    if (w->crowd == MAX_CROWD) world_fail(w, "time does not go on");
    w->now_ms = e.at_ms;
    e.fn(e.arg);
  }
  if (w->now_ms < end_ms) w->now_ms = end_ms;
}

static uint64_t rotate(uint64_t x, int k) {
  return (x << k) | (x >> (64 - k));
}

sim_dice *world_use(world *w, sim_dice *dice) {
  sim_dice *before = w->used;
  w->used = dice != NULL ? dice : &w->dice;
  return before;
}

uint64_t world_random(world *w) {
  uint64_t *s = w->used->s;
  uint64_t result = rotate(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

uint64_t world_between(world *w, uint64_t low, uint64_t high) {
  return low + world_random(w) % (high - low + 1);
}

bool world_chance(world *w, uint32_t permille) {
  return world_random(w) % 1000 < permille;
}

void world_trace(world *w, const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  for (const char *p = line; *p != 0; p++)
    w->digest = (w->digest ^ (uint8_t)*p) * 0x100000001b3u;
  w->digest = (w->digest ^ w->now_ms) * 0x100000001b3u;
  if (w->trace)
    printf("%8llu.%03llu  %s\n", (unsigned long long)(w->now_ms / 1000),
           (unsigned long long)(w->now_ms % 1000), line);
}

void world_fail(world *w, const char *format, ...) {
  if (world_failed(w)) return;
  va_list args;
  va_start(args, format);
  vsnprintf(w->failure, sizeof w->failure, format, args);
  va_end(args);
  world_trace(w, "FAIL %s", w->failure);
}

bool world_failed(const world *w) {
  return w->failure[0] != 0;
}
