/* SPDX-License-Identifier: MIT */
/* roll.h - one presence as the events of it add up, held against the list that
 * the client keeps. */
#ifndef GODWIT_SIM_ROLL_H
#define GODWIT_SIM_ROLL_H

#include "godwit/client.h"
#include "tests/sim/world.h"

/** All zero: nothing was told. */
typedef struct sim_roll {
  gw_presence_numbers numbers; /**< of the last sync */
  uint32_t num;
  uint32_t cap;
  uint64_t *client; /**< in their order */
  int64_t users;    /**< that, and the first and last ones since */
} sim_roll;

/** To where nothing was told; holds no memory then. */
void sim_roll_reset(sim_roll *r);

/** GW_EVENT_PRESENCE. */
void sim_roll_change(sim_roll *r, world *w, const gw_event *e);
/** GW_EVENT_PRESENCE_SYNC. */
void sim_roll_sync(sim_roll *r, world *w, const gw_client *c,
                   const gw_event *e);

/** What there is, by those who entered. */
typedef struct sim_present {
  uint32_t clients;
  uint32_t users;
} sim_present;

/** The end: num members are listed; does what was told say the same? */
void sim_roll_check(const sim_roll *r, world *w, const sim_present *all,
                    uint32_t num);

#endif
