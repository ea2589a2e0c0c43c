/* SPDX-License-Identifier: MIT */
/* faults.c - the schedule of what goes wrong. */
#include "tests/sim/faults.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct fault_row {
  const char *name;
  size_t plan; /* where the plan says whether there is such a fault */
  uint64_t least_ms, most_ms;
} fault_row;

#define ROW(name, least_ms, most_ms) \
  { #name, offsetof(sim_plan, fault_##name), least_ms, most_ms }

static const fault_row rows[SIM_NUM_FAULTS] = {
    [SIM_FAULT_RESET] = ROW(reset, 0, 0),
    [SIM_FAULT_SILENCE] = ROW(silence, 0, 0),
    [SIM_FAULT_STALL] = ROW(stall, 100, 8000),
    [SIM_FAULT_CUT] = ROW(cut, 0, 6),   /* pieces that still arrive */
    [SIM_FAULT_HALF] = ROW(half, 0, 1), /* to the server, or from it */
    [SIM_FAULT_SLOW] = ROW(slow, 500, 10000),
    [SIM_FAULT_SLEEP] = ROW(sleep, 100, 60000),
    [SIM_FAULT_OFFLINE] = ROW(offline, 100, 20000),
    [SIM_FAULT_CLOSE] = ROW(close, 0, 5000),
    [SIM_FAULT_KILL] = ROW(kill, 0, 20), /* things it does first */
    [SIM_FAULT_CRASH] = ROW(crash, 10, 8000),
    [SIM_FAULT_BREAK] = ROW(break, 1, 30), /* messages it sends first */
    [SIM_FAULT_DRAIN] = ROW(drain, 6000, 9000),
    [SIM_FAULT_REVOKE] = ROW(revoke, 0, 0),
    [SIM_FAULT_STORM] = ROW(storm, 0, 0),
    [SIM_FAULT_CLOCK] = ROW(clock, 1000, 7200000), /* odd: back */
};

const char *sim_fault_name(enum sim_fault_kind kind) {
  return rows[kind].name;
}

static bool is_on(const sim_plan *plan, const fault_row *row) {
  bool on;
  memcpy(&on, (const char *)plan + row->plan, sizeof on);
  return on;
}

static void add(sim_schedule *s, const sim_fault *f) {
  if (s->num < SIM_MAX_FAULTS) s->faults[s->num++] = *f;
}

/** A rolling restart is three drains in a row. */
#define ROLL_MS 9500u

void sim_schedule_draw(sim_schedule *s, const sim_plan *plan) {
  world dice; /* for its chance alone */
  if (s->has_faults) return;
  world_init(&dice, s->seed, false);
  sim_dice_init(&dice.dice, s->seed, UINT64_C(0xfa417));
  s->has_faults = true;
  uint64_t at = dice.now_ms + plan->fault_max_ms;
  for (; at < dice.now_ms + plan->busy_ms;
       at += world_between(&dice, 1, plan->fault_max_ms)) {
    sim_fault f = {.at_ms = at};
    f.kind = (enum sim_fault_kind)(world_random(&dice) % SIM_NUM_FAULTS);
    f.app = (uint32_t)(world_random(&dice) % plan->num_apps);
    f.ms = world_between(&dice, rows[f.kind].least_ms, rows[f.kind].most_ms);
    bool rolls = world_chance(&dice, 200);
    if (!is_on(plan, &rows[f.kind])) continue;
    for (int i = 0; i < (f.kind == SIM_FAULT_DRAIN && rolls ? 3 : 1); i++) {
      add(s, &f);
      f.at_ms += ROLL_MS;
    }
  }
}

/* ---- text ----------------------------------------------------------------- */

void sim_schedule_write(const sim_schedule *s, FILE *to) {
  fprintf(to, "seed %" PRIu64 "\n", s->seed);
  if (s->size != SIM_SIZE_FULL) fprintf(to, "%s\n", sim_size_name(s->size));
  if (s->size == SIM_SIZE_CROWD) fprintf(to, "apps %" PRIu32 "\n", s->num_apps);
  if (s->busy_ms != 0) fprintf(to, "busy %" PRIu64 "\n", s->busy_ms);
  for (uint32_t i = 0; i < SIM_MAX_APPS; i++)
    if (sim_set_has(&s->mute_apps, i)) fprintf(to, "mute %" PRIu32 "\n", i);
  for (uint32_t i = 0; i < SIM_NUM_ACTS; i++)
    if ((s->off_acts >> i & 1) != 0) fprintf(to, "off %s\n", sim_act_name(i));
  fprintf(to, "faults\n");
  for (uint32_t i = 0; i < s->num; i++) {
    const sim_fault *f = &s->faults[i];
    fprintf(to, "%" PRIu64 " %s %" PRIu32 " %" PRIu64 "\n", f->at_ms,
            rows[f->kind].name, f->app, f->ms);
  }
}

/** "TIME KIND APP MS" */
static bool read_fault(sim_schedule *s, const char *line) {
  char name[16];
  sim_fault f = {.at_ms = 0};
  if (sscanf(line, "%" SCNu64 " %15s %" SCNu32 " %" SCNu64, &f.at_ms, name,
             &f.app, &f.ms) != 4)
    return false;
  for (int i = 0; i < SIM_NUM_FAULTS; i++) {
    if (strcmp(rows[i].name, name) != 0) continue;
    f.kind = (enum sim_fault_kind)i;
    add(s, &f);
    return true;
  }
  return false;
}

static bool read_line(sim_schedule *s, const char *line) {
  char name[16];
  uint64_t number;
  if (sscanf(line, "seed %" SCNu64, &s->seed) == 1 ||
      sscanf(line, "busy %" SCNu64, &s->busy_ms) == 1)
    return true;
  if (sscanf(line, "mute %" SCNu64, &number) == 1 && number < SIM_MAX_APPS) {
    sim_set_add(&s->mute_apps, (uint32_t)number);
    return true;
  }
  if (sscanf(line, "apps %" SCNu64, &number) == 1 && number <= SIM_MAX_APPS) {
    s->num_apps = (uint32_t)number;
    return true;
  }
  if (sscanf(line, "off %15s", name) == 1) {
    uint32_t act = sim_act_find(name);
    if (act < SIM_NUM_ACTS) s->off_acts |= UINT32_C(1) << act;
    return act < SIM_NUM_ACTS;
  }
  for (int i = SIM_SIZE_FULL + 1; i < SIM_NUM_SIZES; i++) {
    if (strcmp(line, sim_size_name((enum sim_size)i)) != 0) continue;
    s->size = (enum sim_size)i;
    return true;
  }
  if (strcmp(line, "faults") == 0) return s->has_faults = true;
  return read_fault(s, line);
}

bool sim_schedule_read(sim_schedule *s, FILE *from) {
  char line[128];
  *s = (sim_schedule){.seed = 0};
  for (int number = 1; fgets(line, sizeof line, from) != NULL; number++) {
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#' || read_line(s, line)) continue;
    fprintf(stderr, "godwit-sim: line %d of the schedule: %s\n", number, line);
    return false;
  }
  return true;
}
