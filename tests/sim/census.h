/* SPDX-License-Identifier: MIT */
/* census.h - how often each type of frame went each way, and each fault came
 * about: what no run ever does is not tested. */
#ifndef GODWIT_SIM_CENSUS_H
#define GODWIT_SIM_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "godwit/wire.h"

#define SIM_MAX_KINDS 32u

typedef struct sim_census {
  uint64_t to_server[UINT8_MAX + 1]; /**< by type of frame */
  uint64_t to_client[UINT8_MAX + 1];
  uint64_t num_packed;            /**< frames of these with compressed bodies */
  uint64_t faults[SIM_MAX_KINDS]; /**< by kind */
} sim_census;

void sim_census_add(sim_census *to, const sim_census *from);
/** Print a table. Returns how many rows that have to be counted are empty. */
unsigned sim_census_print(const sim_census *c);

#endif
