/* SPDX-License-Identifier: MIT */
/* main.c - godwit-sim: whole deployments in one process under virtual time, a run
 * per seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/app.h"

/** Enough for the last writings to be heard. */
#define RING_MS 20000u

/** For an answer, after all is quiet. */
#define KNOCK_MS 10000u

typedef struct deployment {
  world w;
  sim_plan plan;
  sim_node *node;
  sim_books books;
  sim_issuer *issuer;
  sim_app *app[SIM_MAX_APPS];
  bool faults;
} deployment;

typedef struct result {
  uint64_t virtual_ms;
  uint64_t digest;
  sim_book_sums sums;
  uint64_t messages;
  bool failed;
  char failure[512];
} result;

/* ---- faults -------------------------------------------------------------- */

static void restart(void *arg) {
  deployment *d = arg;
  if (!sim_node_is_up(d->node)) sim_node_start(d->node);
}

static void fault_on_app(deployment *d, uint32_t kind) {
  world *w = &d->w;
  sim_app *a = d->app[world_random(w) % d->plan.num_apps];
  sim_link *l = sim_app_link(a);
  if (kind == 0 && d->plan.fault_reset && l != NULL) sim_link_reset(l);
  if (kind == 1 && d->plan.fault_silence && l != NULL) sim_link_silence(l);
  if (kind == 2 && d->plan.fault_stall && l != NULL)
    sim_link_stall(l, world_between(w, 100, 8000));
  if (kind == 3 && d->plan.fault_sleep)
    sim_app_sleep(a, world_between(w, 100, 60000));
  if (kind == 4 && d->plan.fault_offline)
    sim_app_offline(a, world_between(w, 100, 20000));
  if (kind == 8 && d->plan.fault_close)
    sim_app_away(a, world_between(w, 0, 5000));
}

static void fault(void *arg) {
  deployment *d = arg;
  if (!d->faults) return;
  world *w = &d->w;
  uint32_t kind = (uint32_t)(world_random(w) % 9);
  if (kind < 5 || kind == 8) fault_on_app(d, kind);
  if (kind == 5 && d->plan.fault_crash) {
    sim_node_crash(d->node);
    world_after(w, world_between(w, 10, 8000), restart, d);
  }
  if (kind == 6 && d->plan.fault_drain) {
    sim_node_drain(d->node);
    world_after(w, world_between(w, 6000, 9000), restart, d);
  }
  if (kind == 7 && d->plan.fault_revoke) sim_node_revoke(d->node);
  world_after(w, world_between(w, 1, d->plan.fault_max_ms), fault, d);
}

/* ---- one run ------------------------------------------------------------- */

static void check_sides(deployment *d) {
  sim_side *all[SIM_MAX_APPS];
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    all[i] = sim_app_side(d->app[i]);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_side_check(all[i], all, d->plan.num_apps);
  sim_side_book_check(d->books.side);
}

static void check_orders(deployment *d) {
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_order_check(sim_app_order(d->app[i]));
  sim_order_book_check(d->books.order);
}

static void check(deployment *d) {
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_check_calm(d->app[i]);
  if (world_failed(&d->w)) return;
  for (uint32_t c = 0; c < d->plan.num_channels; c++) {
    gw_position first = sim_app_position(d->app[0], c);
    for (uint32_t i = 1; i < d->plan.num_apps; i++) {
      gw_position at = sim_app_position(d->app[i], c);
      if (at.epoch != first.epoch || at.offset != first.offset)
        world_fail(&d->w, "channel %u: app 0 is at %llu, app %u at %llu", c,
                   (unsigned long long)first.offset, i,
                   (unsigned long long)at.offset);
    }
  }
  if (d->plan.presence)
    for (uint32_t i = 0; i < d->plan.num_apps; i++)
      sim_app_check_presence(d->app[i], d->app, d->plan.num_apps);
  check_sides(d);
  check_orders(d);
  if (sim_node_queue_bytes(d->node) != 0)
    world_fail(&d->w, "%llu bytes are still queued",
               (unsigned long long)sim_node_queue_bytes(d->node));
  sim_node_check_calm(d->node);
  sim_book_check(d->books.book);
  sim_post_check(d->books.post);
  if (!d->plan.groups) return;
  sim_team_check(d->books.team);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_check_teams(d->app[i]);
}

static void start(deployment *d) {
  d->issuer = sim_issuer_new(&d->w, &d->plan);
  d->node = sim_node_new(&d->w, &d->plan, d->issuer);
  d->books = (sim_books){.book = sim_book_new(&d->w, &d->plan),
                         .post = sim_post_new(&d->w, &d->plan),
                         .team = sim_team_new(&d->w, &d->plan, d->node),
                         .side = sim_side_book_new(&d->w),
                         .order = sim_order_book_new(&d->w),
                         .issuer = d->issuer,
                         .apps = d->app};
  sim_node_start(d->node);
  if (d->plan.groups) sim_team_start(d->books.team);
  for (uint32_t i = 0; i < d->plan.num_apps; i++) {
    d->app[i] = sim_app_new(&d->w, &d->plan, &d->books, d->node, i);
    sim_app_start(d->app[i]);
  }
  d->faults = true;
  world_after(&d->w, d->plan.fault_max_ms, fault, d);
}

/** No acts, no faults; what was going on comes to its end. */
static void calm_down(deployment *d) {
  d->faults = false;
  sim_issuer_calm(d->issuer);
  sim_team_stop(d->books.team);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_stop_acting(d->app[i]);
  world_run(&d->w, d->w.now_ms + d->plan.heal_ms);
  for (uint32_t i = 0; i < d->plan.num_apps && d->plan.patterns; i++)
    sim_side_ring(sim_app_side(d->app[i]));
  if (d->plan.patterns) world_run(&d->w, d->w.now_ms + RING_MS);
  if (!d->plan.groups) return;
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_knock(d->app[i]);
  world_run(&d->w, d->w.now_ms + KNOCK_MS);
}

static void run(uint64_t seed, bool trace, result *r) {
  deployment *d = calloc(1, sizeof *d);
  if (d == NULL) abort();
  world_init(&d->w, seed, trace);
  sim_plan_draw(&d->plan, &d->w);
  start(d);
  world_run(&d->w, d->w.now_ms + d->plan.busy_ms);
  calm_down(d);
  if (!world_failed(&d->w)) check(d);
  r->virtual_ms = d->w.now_ms;
  r->digest = d->w.digest;
  r->sums = sim_book_sum(d->books.book);
  r->messages = sim_post_num_got(d->books.post);
  r->failed = world_failed(&d->w);
  memcpy(r->failure, d->w.failure, sizeof r->failure);
  for (uint32_t i = 0; i < d->plan.num_apps; i++)
    sim_app_free(d->app[i]);
  sim_node_free(d->node);
  sim_side_book_free(d->books.side);
  sim_order_book_free(d->books.order);
  sim_team_free(d->books.team);
  sim_post_free(d->books.post);
  sim_book_free(d->books.book);
  sim_issuer_free(d->issuer);
  world_deinit(&d->w);
  free(d);
}

/* ---- many runs ----------------------------------------------------------- */

typedef struct totals {
  uint64_t runs;
  uint64_t failures;
  uint64_t virtual_ms;
  sim_book_sums sums;
  uint64_t messages;
} totals;

static void report_failure(uint64_t seed, const char *why) {
  fprintf(stdout,
          "seed %llu: %s\n  replay: build/godwit-sim --seed %llu --trace\n",
          (unsigned long long)seed, why, (unsigned long long)seed);
  fflush(stdout);
}

/** A process that runs every step-th seed; in memory that is shared with it, so
 * that its last words are known if it dies. */
typedef struct job {
  uint64_t seed; /**< the one that is running, or is to run next */
  pid_t pid;
  totals t;
} job;

static void run_seeds(job *j, uint64_t end, uint64_t step) {
  for (; j->seed < end; j->seed += step) {
    result r;
    run(j->seed, false, &r);
    j->t.runs++;
    j->t.virtual_ms += r.virtual_ms;
    j->t.sums.written += r.sums.written;
    j->t.sums.acked += r.sums.acked;
    j->t.sums.delivered += r.sums.delivered;
    j->t.sums.gaps += r.sums.gaps;
    j->t.sums.skipped += r.sums.skipped;
    j->t.messages += r.messages;
    if (r.failed) {
      j->t.failures++;
      report_failure(j->seed, r.failure);
    }
  }
}

static void start_job(job *j, uint64_t end, uint64_t step) {
  fflush(stdout);
  j->pid = fork();
  if (j->pid < 0) abort();
  if (j->pid == 0) {
    run_seeds(j, end, step);
    fflush(stdout);
    _exit(0);
  }
}

/** Wait for the jobs; one that died goes on behind the seed that killed it. */
static void await_jobs(job *jobs, uint64_t num, uint64_t end) {
  int status;
  pid_t pid;
  while ((pid = wait(&status)) > 0) {
    for (uint64_t i = 0; i < num; i++) {
      job *j = &jobs[i];
      if (j->pid != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        continue;
      report_failure(j->seed, "the process died");
      j->t.runs++;
      j->t.failures++;
      j->seed += num;
      if (j->seed < end) start_job(j, end, num);
    }
  }
}

static int run_many(uint64_t first, uint64_t num, uint64_t num_jobs) {
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  job *jobs = mmap(NULL, num_jobs * sizeof *jobs, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (jobs == MAP_FAILED) abort();
  for (uint64_t i = 0; i < num_jobs; i++) {
    jobs[i].seed = first + i;
    start_job(&jobs[i], first + num, num_jobs);
  }
  await_jobs(jobs, num_jobs, first + num);
  totals all = {0};
  for (uint64_t i = 0; i < num_jobs; i++) {
    const totals *t = &jobs[i].t;
    all.runs += t->runs;
    all.failures += t->failures;
    all.virtual_ms += t->virtual_ms;
    all.sums.written += t->sums.written;
    all.sums.acked += t->sums.acked;
    all.sums.delivered += t->sums.delivered;
    all.sums.gaps += t->sums.gaps;
    all.sums.skipped += t->sums.skipped;
    all.messages += t->messages;
  }
  munmap(jobs, num_jobs * sizeof *jobs);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double s = (double)(end.tv_sec - begin.tv_sec) +
             (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
  printf(
      "%llu seeds in %.1f s (%.0f a second), %.1f virtual hours, "
      "%llu written, %llu acknowledged, %llu delivered, %llu gaps told, "
      "%llu skipped for slow readers, %llu messages\n",
      (unsigned long long)all.runs, s, (double)all.runs / s,
      (double)all.virtual_ms / 3600000.0, (unsigned long long)all.sums.written,
      (unsigned long long)all.sums.acked,
      (unsigned long long)all.sums.delivered, (unsigned long long)all.sums.gaps,
      (unsigned long long)all.sums.skipped, (unsigned long long)all.messages);
  uint64_t lost = num - all.runs;
  printf("%llu passed, %llu failed\n",
         (unsigned long long)(all.runs - all.failures),
         (unsigned long long)(all.failures + lost));
  return all.failures + lost > 0 || num == 0 ? 1 : 0;
}

static int run_one(uint64_t seed, bool trace) {
  result r, again;
  run(seed, trace, &r);
  run(seed, false, &again);
  if (r.digest != again.digest) {
    printf("seed %llu: two runs differ\n", (unsigned long long)seed);
    return 1;
  }
  printf("seed %llu: %s (digest %016llx, %llu written, %llu delivered, "
         "%llu gaps)\n",
         (unsigned long long)seed, r.failed ? r.failure : "holds",
         (unsigned long long)r.digest, (unsigned long long)r.sums.written,
         (unsigned long long)r.sums.delivered, (unsigned long long)r.sums.gaps);
  return r.failed ? 1 : 0;
}

static const char usage[] =
    "usage: godwit-sim [--seeds N] [--first S] [--jobs J]\n"
    "       godwit-sim --seed S [--trace]\n"
    "\n"
    "Runs clients and a server with several workers in one process under virtual\n"
    "time, with faults, and checks that nothing acknowledged is lost in silence.\n"
    "  --seeds N   how many seeds to run (2000)\n"
    "  --first S   the first of them (1)\n"
    "  --jobs J    processes to share the work (one per core)\n"
    "  --seed S    run one seed, twice, and compare\n"
    "  --trace     print what happens in it\n";

int main(int argc, char **argv) {
  uint64_t seeds = 2000, first = 1, seed = 0;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t jobs = cores > 0 ? (uint64_t)cores : 1;
  bool one = false, trace = false;
  for (int i = 1; i < argc; i++) {
    uint64_t *number = strcmp(argv[i], "--seeds") == 0   ? &seeds
                       : strcmp(argv[i], "--first") == 0 ? &first
                       : strcmp(argv[i], "--jobs") == 0  ? &jobs
                       : strcmp(argv[i], "--seed") == 0  ? &seed
                                                         : NULL;
    if (number == &seed) one = true;
    if (number != NULL && i + 1 < argc) {
      *number = strtoull(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--trace") == 0) {
      trace = true;
    } else {
      bool help = strcmp(argv[i], "--help") == 0;
      fputs(usage, help ? stdout : stderr);
      return help ? 0 : 2;
    }
  }
  return one ? run_one(seed, trace) : run_many(first, seeds, jobs ? jobs : 1);
}
