/* SPDX-License-Identifier: MIT */
/* shrink.c - delta debugging (Zeller and Hildebrandt 2002) of a schedule. */
#include "tests/sim/shrink.h"

#include <ctype.h>
#include <string.h>

/** Enough for a few hundred faults; a run takes some ten milliseconds, and one of
 * a crowd thirty times that. */
#define MAX_RUNS       600u
#define MAX_CROWD_RUNS 200u

typedef struct shrink {
  sim_schedule *best;
  const char *failure;
  unsigned runs;
} shrink;

/** The same words, whatever the numbers are. */
static bool is_same_failure(const char *a, const char *b) {
  for (;; a++, b++) {
    while (isdigit((unsigned char)*a))
      a++;
    while (isdigit((unsigned char)*b))
      b++;
    if (*a != *b) return false;
    if (*a == '\0') return true;
  }
}

/** Keep a smaller schedule if it fails, too. */
static bool keep_if_failing(shrink *k, sim_schedule *s) {
  sim_result r;
  uint32_t most = s->size == SIM_SIZE_CROWD ? MAX_CROWD_RUNS : MAX_RUNS;
  if (k->runs >= most) return false;
  k->runs++;
  sim_run_apart(s, &r);
  if (!r.failed || !is_same_failure(r.failure, k->failure)) return false;
  *k->best = *s;
  return true;
}

static bool try_without_faults(shrink *k, uint32_t from, uint32_t num) {
  sim_schedule s = *k->best;
  memmove(s.faults + from, s.faults + from + num,
          (s.num - from - num) * sizeof *s.faults);
  s.num -= num;
  return keep_if_failing(k, &s);
}

/** In halves, quarters, ..., one by one. */
static void drop_faults(shrink *k) {
  for (uint32_t step = k->best->num; step > 0; step /= 2) {
    uint32_t from = 0;
    while (from < k->best->num) {
      uint32_t num = step < k->best->num - from ? step : k->best->num - from;
      if (!try_without_faults(k, from, num)) from += num;
    }
  }
}

/** Fewer of them, which makes what follows faster: by halves at first. */
static void drop_crowd(shrink *k) {
  for (uint32_t cut = k->best->num_apps / 2; cut > 0; cut /= 2) {
    sim_schedule s = *k->best;
    if (s.num_apps <= cut) continue;
    s.num_apps -= cut;
    (void)keep_if_failing(k, &s);
  }
}

static void try_muted(shrink *k, uint32_t from, uint32_t num) {
  sim_schedule s = *k->best;
  bool is_new = false;
  for (uint32_t i = from; i < from + num && i < s.num_apps; i++) {
    is_new |= !sim_set_has(&s.mute_apps, i);
    sim_set_add(&s.mute_apps, i);
  }
  if (is_new) (void)keep_if_failing(k, &s);
}

/** In halves, ..., one by one. Muted ones are still there. */
static void drop_apps(shrink *k) {
  for (uint32_t step = (k->best->num_apps + 1) / 2; step > 0; step /= 2)
    for (uint32_t from = 0; from < k->best->num_apps; from += step)
      try_muted(k, from, step);
}

static void drop_acts(shrink *k) {
  for (uint32_t i = 0; i < SIM_NUM_ACTS; i++) {
    sim_schedule s = *k->best;
    s.off_acts |= UINT32_C(1) << i;
    (void)keep_if_failing(k, &s);
  }
}

/** Cut time off the end, by halves at first. */
static void drop_time(shrink *k) {
  for (uint64_t cut = k->best->busy_ms / 2; cut >= 100; cut /= 2) {
    sim_schedule s = *k->best;
    if (s.busy_ms <= cut) continue;
    s.busy_ms -= cut;
    (void)keep_if_failing(k, &s);
  }
}

unsigned sim_shrink(sim_schedule *s, const char *failure) {
  shrink k = {s, failure, 0};
  sim_schedule whole = *s;
  /* Of a run whose process died nothing is drawn yet. */
  if (!s->has_faults) (void)keep_if_failing(&k, &whole);
  if (s->size == SIM_SIZE_CROWD) drop_crowd(&k);
  drop_faults(&k);
  drop_apps(&k);
  drop_acts(&k);
  drop_time(&k);
  drop_faults(&k);
  return k.runs;
}
