/* SPDX-License-Identifier: MIT */
/* many.h - many runs, a seed each, by several processes. */
#ifndef GODWIT_SIM_MANY_H
#define GODWIT_SIM_MANY_H

#include "tests/sim/run.h"

typedef struct sim_range {
  uint64_t first;
  uint64_t num;
  uint64_t num_jobs;
  enum sim_size size;
  bool stops;     /**< at the first failure */
  unsigned run_s; /**< a run that takes longer has failed; 0: it may */
  bool shrinks;   /**< failures are made smaller, the first few of them */
} sim_range;

typedef struct sim_totals {
  uint64_t runs;
  uint64_t failures;
  uint64_t virtual_ms;
  sim_book_sums sums;
  uint64_t messages;
  sim_census census;
  uint64_t failed_seed; /**< the lowest; where failures is not 0 */
  char failure[512];    /**< and what was wrong with it */
} sim_totals;

/** Run them; tells each failure on stdout unless quiet. */
void sim_run_many(const sim_range *range, bool quiet, sim_totals *all);

/** What failed, how to run it again, and, made smaller, what it takes. */
void sim_tell_failure(const sim_schedule *s, const char *failure, bool shrinks);

#endif
