/* SPDX-License-Identifier: MIT */
/* mutants.c - the table of defences, and what catches their loss. */
#include "tests/sim/mutants.h"

#include <stdio.h>
#include <string.h>

#include "proto/guard.h"

#ifdef GW_MUTANTS

enum gw_guard gw_guard_off;

/** A run that is stuck in a loop is caught, too. */
#define RUN_S 60u

typedef struct row {
  const char *name;
  const char *what;
} row;

static const row rows[GW_NUM_GUARDS] = {
#define X(name, what) [GW_GUARD_##name] = {#name, what},
    GW_GUARDS(X)
#undef X
};

bool sim_mutant_set(const char *name) {
  for (int i = GW_GUARD_NONE + 1; i < GW_NUM_GUARDS; i++) {
    if (strcmp(rows[i].name, name) != 0) continue;
    gw_guard_off = (enum gw_guard)i;
    return true;
  }
  return false;
}

static bool is_wanted(const char *name, const char *const *names, int num) {
  for (int i = 0; i < num; i++)
    if (strcmp(names[i], name) == 0) return true;
  return num == 0;
}

/** Returns whether it was caught. */
static bool try_one(const row *r, const sim_range *range) {
  sim_range few = *range;
  sim_totals t;
  few.stops = true;
  few.run_s = RUN_S;
  (void)sim_mutant_set(r->name);
  sim_run_many(&few, true, &t);
  gw_guard_off = GW_GUARD_NONE;
  if (t.failures == 0)
    printf("%-18s %-58s   MISSED\n", r->name, r->what);
  else
    printf("%-18s %-58s %8llu  %s\n", r->name, r->what,
           (unsigned long long)(t.failed_seed - few.first + 1), t.failure);
  fflush(stdout);
  return t.failures != 0;
}

int sim_mutants_run(const char *const *names, int num, const sim_range *range) {
  int missed = 0, tried = 0;
  printf("%-18s %-58s %8s  %s\n", "defence", "what it does", "seed",
         "what was noticed without it");
  for (int i = GW_GUARD_NONE + 1; i < GW_NUM_GUARDS; i++) {
    if (!is_wanted(rows[i].name, names, num)) continue;
    missed += !try_one(&rows[i], range);
    tried++;
  }
  printf("%d passed, %d failed\n", tried - missed, missed);
  return tried < num || tried == 0 ? -1 : missed;
}

#else

bool sim_mutant_set(const char *name) {
  (void)name;
  return false;
}

int sim_mutants_run(const char *const *names, int num, const sim_range *range) {
  (void)names;
  (void)num;
  (void)range;
  return -1;
}

#endif
