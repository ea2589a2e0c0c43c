/* SPDX-License-Identifier: MIT */
/* main.c - godwit-sim: whole deployments in one process under virtual time, a run
 * per seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/mutants.h"

static const char usage[] =
    "usage: godwit-sim [--seeds N] [--first S] [--jobs J] [SIZE] [--census]\n"
    "       godwit-sim --seed S [SIZE] [--trace]\n"
    "       godwit-sim --schedule FILE [--trace]\n"
    "       godwit-sim-mutants --mutants [NAME...] [--seeds N] [SIZE]\n"
    "\n"
    "Runs clients and a server with several workers in one process under virtual\n"
    "time, with faults, and checks that nothing acknowledged is lost in silence.\n"
    "  --seeds N        how many seeds to run (2000)\n"
    "  --first S        the first of them (1)\n"
    "  --jobs J         processes to share the work (one per core)\n"
    "  --small          a SIZE: few workers, clients and seconds\n"
    "  --crowd          a SIZE: 100 to 300 clients\n"
    "  --few            a SIZE: one to four features under one to four faults\n"
    "  --no-shrink      do not look for the least that fails in the same way\n"
    "  --census         count frames and faults; fail if there is none of a kind\n"
    "  --seed S         run one seed, twice, and compare\n"
    "  --schedule FILE  the same with the faults that FILE names, as they are\n"
    "                   printed for a seed that fails\n"
    "  --trace          print what happens in it\n"
    "  --mutant NAME    without a defence of the product\n"
    "  --mutants        try each without, up to N seeds; fail if one is not "
    "missed\n";

#define MAX_NAMES 64

typedef struct options {
  sim_range range;
  sim_schedule one;
  bool is_one;
  bool trace;
  bool census;
  bool mutants;
  const char *names[MAX_NAMES]; /**< of mutants; none: all */
  int num_names;
} options;

/* ---- one ----------------------------------------------------------------- */

static int run_one(sim_schedule *s, bool trace, bool shrinks) {
  sim_schedule twin = *s;
  sim_result r, again;
  sim_run(s, trace, &r);
  sim_run(&twin, false, &again);
  if (r.digest != again.digest) {
    printf("seed %llu: two runs differ\n", (unsigned long long)s->seed);
    return 1;
  }
  printf("seed %llu: %s (digest %016llx, %llu written, %llu delivered, "
         "%llu gaps)\n",
         (unsigned long long)s->seed, r.failed ? r.failure : "holds",
         (unsigned long long)r.digest, (unsigned long long)r.sums.written,
         (unsigned long long)r.sums.delivered, (unsigned long long)r.sums.gaps);
  if (r.failed && shrinks && !trace) sim_tell_failure(s, r.failure, true);
  return r.failed ? 1 : 0;
}

/* ---- many ---------------------------------------------------------------- */

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_totals(const sim_totals *all, double s) {
  double hours = (double)all->virtual_ms / 3600000.0;
  printf("%llu seeds in %.1f s (%.0f a second), %.1f virtual hours "
         "(%.2f a second), "
         "%llu written, %llu acknowledged, %llu delivered, %llu gaps told, "
         "%llu skipped for slow readers, %llu messages\n",
         (unsigned long long)all->runs, s, (double)all->runs / s, hours,
         hours / s, (unsigned long long)all->sums.written,
         (unsigned long long)all->sums.acked,
         (unsigned long long)all->sums.delivered,
         (unsigned long long)all->sums.gaps,
         (unsigned long long)all->sums.skipped,
         (unsigned long long)all->messages);
}

static int run_range(const sim_range *range, bool census) {
  sim_totals all;
  double begin = now_s();
  sim_run_many(range, false, &all);
  print_totals(&all, now_s() - begin);
  unsigned missing = census ? sim_census_print(&all.census) : 0;
  if (missing != 0) printf("%u kinds never came about\n", missing);
  uint64_t failed = all.failures + (range->num - all.runs) + missing;
  printf("%llu passed, %llu failed\n",
         (unsigned long long)(all.runs - all.failures),
         (unsigned long long)failed);
  return failed > 0 || range->num == 0 ? 1 : 0;
}

/* ---- arguments ----------------------------------------------------------- */

static bool read_file(sim_schedule *s, const char *path) {
  FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
  if (f == NULL) {
    perror(path);
    return false;
  }
  bool is_good = sim_schedule_read(s, f);
  if (f != stdin) fclose(f);
  return is_good;
}

static uint64_t *number_of(options *o, const char *name) {
  if (strcmp(name, "--seeds") == 0) return &o->range.num;
  if (strcmp(name, "--first") == 0) return &o->range.first;
  if (strcmp(name, "--jobs") == 0) return &o->range.num_jobs;
  if (strcmp(name, "--seed") != 0) return NULL;
  o->is_one = true;
  return &o->one.seed;
}

static bool *flag_of(options *o, const char *name) {
  if (strcmp(name, "--trace") == 0) return &o->trace;
  if (strcmp(name, "--census") == 0) return &o->census;
  if (strcmp(name, "--mutants") == 0) return &o->mutants;
  return NULL;
}

/** Whether it was one; of two the later counts. */
static bool read_size(options *o, const char *name) {
  for (int i = SIM_SIZE_FULL + 1; i < SIM_NUM_SIZES; i++) {
    if (strncmp(name, "--", 2) != 0 ||
        strcmp(name + 2, sim_size_name((enum sim_size)i)) != 0)
      continue;
    o->range.size = (enum sim_size)i;
    return true;
  }
  return false;
}

/** Another seed than the one that was meant would hold for no reason. */
static bool read_number(const char *text, uint64_t *number) {
  char *end;
  *number = strtoull(text, &end, 10);
  if (text[0] >= '0' && text[0] <= '9' && *end == '\0') return true;
  fprintf(stderr, "%s is no whole number\n", text);
  return false;
}

/** False: they cannot be understood. */
static bool read_options(options *o, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    uint64_t *number = number_of(o, name);
    bool *flag = flag_of(o, name);
    if (number != NULL && value != NULL) {
      if (!read_number(value, number)) return false;
      i++;
    } else if (flag != NULL) {
      *flag = true;
    } else if (read_size(o, name)) {
      continue;
    } else if (strcmp(name, "--no-shrink") == 0) {
      o->range.shrinks = false;
    } else if (strcmp(name, "--schedule") == 0 && value != NULL) {
      if (!read_file(&o->one, value)) return false;
      o->is_one = true;
      i++;
    } else if (strcmp(name, "--mutant") == 0 && value != NULL) {
      if (!sim_mutant_set(value)) return false;
      i++;
    } else if (o->mutants && name[0] != '-' && o->num_names < MAX_NAMES) {
      o->names[o->num_names++] = name;
    } else {
      return false;
    }
  }
  if (o->range.num_jobs == 0) o->range.num_jobs = 1;
  if (o->range.size != SIM_SIZE_FULL) o->one.size = o->range.size;
  return true;
}

int main(int argc, char **argv) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  options o = {.range = {.first = 1,
                         .num = 2000,
                         .num_jobs = cores > 0 ? (uint64_t)cores : 1,
                         .shrinks = true}};
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(usage, stdout);
    return 0;
  }
  if (!read_options(&o, argc, argv)) {
    fputs(usage, stderr);
    return 2;
  }
  if (o.mutants)
    return sim_mutants_run(o.names, o.num_names, &o.range) == 0 ? 0 : 1;
  return o.is_one ? run_one(&o.one, o.trace, o.range.shrinks)
                  : run_range(&o.range, o.census);
}
