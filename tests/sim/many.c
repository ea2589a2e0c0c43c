/* SPDX-License-Identifier: MIT */
/* many.c - shares seeds out to processes, and outlives those that die. */
#include "tests/sim/many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/shrink.h"

/** Failures that a process makes smaller; more of them have one cause. */
#define MAX_SHRUNK 2u

/** A process that runs every num_jobs-th seed; in memory that is shared with it,
 * so that its last words are known if it dies. */
typedef struct job {
  const sim_range *range;
  bool quiet;
  uint64_t seed; /**< the one that is running, or is to run next */
  pid_t pid;
  unsigned num_shrunk;
  sim_totals t;
} job;

void sim_tell_failure(const sim_schedule *s, const char *failure,
                      bool shrinks) {
  sim_schedule small = *s;
  /* All of it at once: other processes have words, too. */
  unsigned runs = shrinks ? sim_shrink(&small, failure) : 0;
  printf("seed %llu: %s\n  replay: build/godwit-sim --seed %llu%s%s --trace\n",
         (unsigned long long)s->seed, failure, (unsigned long long)s->seed,
         s->size != SIM_SIZE_FULL ? " --" : "", sim_size_name(s->size));
  if (shrinks) {
    printf("  after %u runs the least that fails so, for --schedule FILE:\n",
           runs);
    sim_schedule_write(&small, stdout);
  }
  fflush(stdout);
}

static void note_failure(job *j, sim_schedule *s, const char *failure) {
  if (j->t.failures++ == 0) {
    j->t.failed_seed = s->seed;
    (void)snprintf(j->t.failure, sizeof j->t.failure, "%s", failure);
  }
  if (j->quiet) return;
  bool shrinks = j->range->shrinks && j->num_shrunk++ < MAX_SHRUNK;
  sim_tell_failure(s, failure, shrinks);
}

static void add(sim_totals *to, const sim_totals *from) {
  if (from->failures != 0 &&
      (to->failures == 0 || from->failed_seed < to->failed_seed)) {
    to->failed_seed = from->failed_seed;
    memcpy(to->failure, from->failure, sizeof to->failure);
  }
  to->runs += from->runs;
  to->failures += from->failures;
  to->virtual_ms += from->virtual_ms;
  to->sums.written += from->sums.written;
  to->sums.acked += from->sums.acked;
  to->sums.delivered += from->sums.delivered;
  to->sums.gaps += from->sums.gaps;
  to->sums.skipped += from->sums.skipped;
  to->messages += from->messages;
  sim_census_add(&to->census, &from->census);
}

static bool is_over(const job *j) {
  const sim_range *r = j->range;
  return j->seed >= r->first + r->num || (r->stops && j->t.failures != 0);
}

static void run_seeds(job *j) {
  for (; !is_over(j); j->seed += j->range->num_jobs) {
    sim_schedule s = {.seed = j->seed, .size = j->range->size};
    sim_result r;
    if (j->range->run_s != 0) (void)alarm(j->range->run_s);
    sim_run(&s, false, &r);
    sim_totals one = {.runs = 1,
                      .virtual_ms = r.virtual_ms,
                      .sums = r.sums,
                      .messages = r.messages,
                      .census = r.census};
    add(&j->t, &one);
    if (r.failed) note_failure(j, &s, r.failure);
  }
}

static void start_job(job *j) {
  fflush(stdout);
  pid_t pid = fork(); /* the child shares the job, and must not write to it */
  if (pid < 0) abort();
  if (pid != 0) {
    j->pid = pid;
  } else {
    if (j->quiet && freopen("/dev/null", "w", stderr) == NULL) abort();
    run_seeds(j);
    fflush(stdout);
    _exit(0);
  }
}

/** One that died goes on behind the seed that killed it. */
static void job_died(job *j) {
  sim_schedule s = {.seed = j->seed, .size = j->range->size};
  j->t.runs++;
  note_failure(j, &s, "the process died");
  j->seed += j->range->num_jobs;
  if (!is_over(j)) start_job(j);
}

static void await_jobs(job *jobs, uint64_t num) {
  int status;
  pid_t pid;
  while ((pid = wait(&status)) > 0) {
    for (uint64_t i = 0; i < num; i++) {
      bool is_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      if (jobs[i].pid != pid || is_well) continue;
      job_died(&jobs[i]);
      break;
    }
  }
}

void sim_run_many(const sim_range *range, bool quiet, sim_totals *all) {
  size_t size = range->num_jobs * sizeof(job);
  job *jobs = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (jobs == MAP_FAILED) abort();
  for (uint64_t i = 0; i < range->num_jobs; i++) {
    jobs[i].range = range;
    jobs[i].quiet = quiet;
    jobs[i].seed = range->first + i;
    start_job(&jobs[i]);
  }
  await_jobs(jobs, range->num_jobs);
  *all = (sim_totals){0};
  for (uint64_t i = 0; i < range->num_jobs; i++)
    add(all, &jobs[i].t);
  munmap(jobs, size);
}
