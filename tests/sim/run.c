/* SPDX-License-Identifier: MIT */
/* run.c - puts a deployment together, lets it go wrong, lets it heal, and looks
 * at what is left. */
#include "tests/sim/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/app.h"
#include "tests/sim/desk.h"

/** Enough for the last writings to be heard. */
#define RING_MS 20000u

/** For an answer, after all is quiet. */
#define KNOCK_MS 10000u

typedef struct deployment deployment;

typedef struct due {
  deployment *d;
  const sim_fault *fault;
} due;

struct deployment {
  world w;
  sim_plan plan;
  sim_schedule *schedule;
  sim_census census;
  sim_node *node;
  sim_books books;
  sim_desk *desk;
  sim_issuer *issuer;
  sim_app *app[SIM_MAX_APPS];
  due due[SIM_MAX_FAULTS];
};

/* ---- faults -------------------------------------------------------------- */

static void restart(void *arg) {
  deployment *d = arg;
  if (!sim_node_is_up(d->node)) sim_node_start(d->node);
}

static void fail_link(sim_link *l, const sim_fault *f) {
  switch (f->kind) {
  case SIM_FAULT_RESET:
    sim_link_reset(l);
    break;
  case SIM_FAULT_SILENCE:
    sim_link_silence(l);
    break;
  case SIM_FAULT_STALL:
    sim_link_stall(l, f->ms);
    break;
  case SIM_FAULT_CUT:
    sim_link_cut(l, (uint32_t)f->ms);
    break;
  case SIM_FAULT_HALF:
    sim_link_half(l, f->ms != 0);
    break;
  default:
    sim_link_slow(l, f->ms);
  }
}

static void fail_client(sim_app *a, const sim_fault *f) {
  switch (f->kind) {
  case SIM_FAULT_SLEEP:
    sim_app_sleep(a, f->ms);
    break;
  case SIM_FAULT_OFFLINE:
    sim_app_offline(a, f->ms);
    break;
  case SIM_FAULT_CLOSE:
    sim_app_away(a, f->ms);
    break;
  default:
    sim_app_kill(a, (uint32_t)f->ms);
  }
}

/** One, or in a crowd several in a row. */
static void fail_clients(deployment *d, const sim_fault *f) {
  uint32_t num = d->plan.fault_width;
  if (num > d->plan.num_apps) num = d->plan.num_apps;
  for (uint32_t i = 0; i < num; i++) {
    sim_app *a = d->app[(f->app + i) % d->plan.num_apps];
    sim_link *l = sim_app_link(a);
    if (f->kind >= SIM_FAULT_SLEEP)
      fail_client(a, f);
    else if (l != NULL)
      fail_link(l, f);
  }
}

static void fail_all_links(deployment *d) {
  for (uint32_t i = 0; i < d->plan.num_apps; i++) {
    sim_link *l = sim_app_link(d->app[i]);
    if (l != NULL) sim_link_reset(l);
  }
}

static void fail_server(deployment *d, const sim_fault *f) {
  uint64_t down_ms = f->ms;
  switch (f->kind) {
  case SIM_FAULT_CRASH:
    sim_node_crash(d->node);
    break;
  case SIM_FAULT_BREAK:
    sim_node_break(d->node, (uint32_t)f->ms);
    down_ms = 5000;
    break;
  case SIM_FAULT_DRAIN:
    sim_node_drain(d->node);
    break;
  case SIM_FAULT_REVOKE:
    sim_node_revoke(d->node);
    return;
  case SIM_FAULT_STORM:
    fail_all_links(d);
    return;
  default:
    sim_node_turn_clock(d->node, f->ms);
    return;
  }
  world_after(&d->w, down_ms, restart, d);
}

static void fault(void *arg) {
  const due *x = arg;
  deployment *d = x->d;
  const sim_fault *f = x->fault;
  world_trace(&d->w, "fault: %s %u %llu", sim_fault_name(f->kind), f->app,
              (unsigned long long)f->ms);
  d->census.faults[f->kind]++;
  if (f->kind >= SIM_FAULT_CRASH)
    fail_server(d, f);
  else
    fail_clients(d, f);
}

/* ---- the end ------------------------------------------------------------- */

static void check_sides(deployment *d) {
  sim_side *first = sim_app_side(d->app[0]);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_side_check(sim_app_side(d->app[i]), first);
  sim_side_book_check(d->books.side);
}

static void check_orders(deployment *d) {
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_order_check(sim_app_order(d->app[i]));
  sim_order_book_check(d->books.order);
}

static void check_positions(deployment *d, uint32_t c) {
  gw_position first = sim_app_position(d->app[0], c);
  for (uint32_t i = 1; i < d->plan.num_apps; i++) {
    gw_position at = sim_app_position(d->app[i], c);
    if (at.epoch != first.epoch || at.offset != first.offset)
      world_fail(&d->w, "channel %u: app 0 is at %llu, app %u at %llu", c,
                 (unsigned long long)first.offset, i,
                 (unsigned long long)at.offset);
  }
}

static void check_presence(deployment *d) {
  sim_people *p = sim_people_new(d->app, d->plan.num_apps);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_check_presence(d->app[i], p);
  sim_people_free(p);
}

static void check(deployment *d) {
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_check_calm(d->app[i]);
  if (world_failed(&d->w)) return;
  for (uint32_t c = 0; c < d->plan.num_channels; c++)
    check_positions(d, c);
  if (d->plan.presence) check_presence(d);
  check_sides(d);
  check_orders(d);
  sim_node_check_calm(d->node);
  sim_book_check(d->books.book);
  sim_post_check(d->books.post);
  if (!d->plan.groups) return;
  sim_team_check(d->books.team);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_check_teams(d->app[i]);
}

/* ---- from the beginning -------------------------------------------------- */

static void draw(deployment *d) {
  sim_schedule *s = d->schedule;
  sim_plan_draw(&d->plan, &d->w, s->size);
  if (s->busy_ms != 0) d->plan.busy_ms = s->busy_ms;
  s->busy_ms = d->plan.busy_ms;
  if (s->num_apps != 0) d->plan.num_apps = s->num_apps;
  s->num_apps = d->plan.num_apps;
  d->plan.mute_apps = s->mute_apps;
  d->plan.off_acts = s->off_acts;
  sim_schedule_draw(s, &d->plan);
}

static void start(deployment *d) {
  d->issuer = sim_issuer_new(&d->w, &d->plan);
  d->node = sim_node_new(&d->w, &d->plan, d->issuer, &d->census);
  d->books = (sim_books){.book = sim_book_new(&d->w, &d->plan),
                         .post = sim_post_new(&d->w, &d->plan),
                         .team = sim_team_new(&d->w, &d->plan, d->node),
                         .side = sim_side_book_new(&d->w),
                         .order = sim_order_book_new(&d->w),
                         .issuer = d->issuer,
                         .apps = d->app};
  sim_node_start(d->node);
  if (d->plan.groups) sim_team_start(d->books.team);
  d->desk = sim_desk_new(&d->w, &d->plan, d->node);
  if (d->plan.desk) sim_desk_start(d->desk);
  for (uint32_t i = 0; i < d->plan.num_apps; i++) {
    d->app[i] = sim_app_new(&d->w, &d->plan, &d->books, d->node, i);
    sim_app_start(d->app[i]);
  }
  for (uint32_t i = 0; i < d->schedule->num; i++) {
    const sim_fault *f = &d->schedule->faults[i];
    d->due[i] = (due){d, f};
    uint64_t at = f->at_ms > d->w.now_ms ? f->at_ms - d->w.now_ms : 0;
    if (at < d->plan.busy_ms) world_after(&d->w, at, fault, &d->due[i]);
  }
}

/** No acts, no faults; what was going on comes to its end. */
static void calm_down(deployment *d) {
  sim_issuer_calm(d->issuer);
  sim_node_calm(d->node);
  sim_team_stop(d->books.team);
  sim_desk_stop(d->desk);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_stop_acting(d->app[i]);
  restart(d); /* what broke, or did not get so far */
  world_run(&d->w, d->w.now_ms + d->plan.heal_ms);
  for (uint32_t i = 0; i < d->plan.num_apps && d->plan.patterns; i++)
    sim_side_ring(sim_app_side(d->app[i]));
  if (d->plan.patterns) world_run(&d->w, d->w.now_ms + RING_MS);
  if (!d->plan.groups) return;
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_knock(d->app[i]);
  world_run(&d->w, d->w.now_ms + KNOCK_MS);
}

static void report(const deployment *d, sim_result *r) {
  r->virtual_ms = d->w.now_ms;
  r->digest = d->w.digest;
  r->sums = sim_book_sum(d->books.book);
  r->messages = sim_post_num_got(d->books.post);
  r->census = d->census;
  r->failed = world_failed(&d->w);
  memcpy(r->failure, d->w.failure, sizeof r->failure);
}

static void end(deployment *d) {
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_free(d->app[i]);
  sim_node_free(d->node);
  sim_side_book_free(d->books.side);
  sim_order_book_free(d->books.order);
  sim_team_free(d->books.team);
  sim_desk_free(d->desk);
  sim_post_free(d->books.post);
  sim_book_free(d->books.book);
  sim_issuer_free(d->issuer);
  world_deinit(&d->w);
  free(d);
}

void sim_run(sim_schedule *s, bool trace, sim_result *r) {
  deployment *d = calloc(1, sizeof *d);
  if (d == NULL) abort();
  d->schedule = s;
  world_init(&d->w, s->seed, trace);
  draw(d);
  start(d);
  world_run(&d->w, d->w.now_ms + d->plan.busy_ms);
  if (!world_failed(&d->w)) calm_down(d);
  if (!world_failed(&d->w)) check(d);
  report(d, r);
  end(d);
}

/* ---- apart --------------------------------------------------------------- */

typedef struct shared {
  sim_schedule schedule;
  sim_result result;
} shared;

void sim_run_apart(sim_schedule *s, sim_result *r) {
  shared *m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (m == MAP_FAILED) abort();
  m->schedule = *s;
  fflush(stdout);
  pid_t pid = fork();
  if (pid < 0) abort();
  if (pid == 0) {
    if (freopen("/dev/null", "w", stderr) == NULL) abort();
    sim_run(&m->schedule, false, &m->result);
    _exit(0);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    continue;
  *s = m->schedule;
  *r = m->result;
  munmap(m, sizeof *m);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  r->failed = true;
  (void)snprintf(r->failure, sizeof r->failure, "the process died");
}
