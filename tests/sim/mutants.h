/* SPDX-License-Identifier: MIT */
/* mutants.h - defences of the product, switched off one at a time: the runs have to
 * notice. */
#ifndef GODWIT_SIM_MUTANTS_H
#define GODWIT_SIM_MUTANTS_H

#include "tests/sim/many.h"

/** Switch one off, in this process and those that it starts. False: there is none
 * of this name, or this program cannot (it is not the build of `make mutants`). */
bool sim_mutant_set(const char *name);

/** Try each, or those whose names are in the list, on so many seeds; print a table.
 * Returns how many were not caught, or -1 where this program cannot. */
int sim_mutants_run(const char *const *names, int num, const sim_range *range);

#endif
