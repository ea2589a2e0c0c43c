/* SPDX-License-Identifier: MIT */
/* run.h - one run: a deployment from its first moment to its last, and what is
 * said about it. */
#ifndef GODWIT_SIM_RUN_H
#define GODWIT_SIM_RUN_H

#include "tests/sim/book.h"
#include "tests/sim/census.h"
#include "tests/sim/faults.h"

typedef struct sim_result {
  uint64_t virtual_ms;
  uint64_t digest;
  sim_book_sums sums;
  uint64_t messages;
  sim_census census;
  bool failed;
  char failure[512];
} sim_result;

/** Run what the schedule says; what it leaves open is drawn, and noted in it. */
void sim_run(sim_schedule *s, bool trace, sim_result *r);

/** The same in a process of its own: one that dies has failed, too. */
void sim_run_apart(sim_schedule *s, sim_result *r);

#endif
