/* SPDX-License-Identifier: MIT */
/* shrink.h - makes a run that fails smaller while it fails in the same way. */
#ifndef GODWIT_SIM_SHRINK_H
#define GODWIT_SIM_SHRINK_H

#include "tests/sim/run.h"

/** Leave out of a schedule what is not needed to fail: faults, then applications
 * that act, then kinds of acts, then time. Returns how many runs it took. */
unsigned sim_shrink(sim_schedule *s, const char *failure);

#endif
