/* SPDX-License-Identifier: MIT */
/* team.h - the application's backend: changes groups by the API, and knows what
 * has to come of it. */
#ifndef GODWIT_SIM_TEAM_H
#define GODWIT_SIM_TEAM_H

#include "tests/sim/node.h"

typedef struct sim_team sim_team;

sim_team *sim_team_new(world *w, const sim_plan *plan, sim_node *node);
void sim_team_free(sim_team *t);
void sim_team_start(sim_team *t);
void sim_team_stop(sim_team *t);

/** Group "g:N" lets subscribe to channel "team:N" whom its roles let read. */
bool sim_team_lets_in(const sim_team *t, uint32_t group, uint32_t user);
/** Whether a user was ever a member, or may have been. */
bool sim_team_ever_had(const sim_team *t, uint32_t group, uint32_t user);
/** Whether what was said in channel "team:N" at a time was for a user: he had the
 * right then, or lost it so short a time before that not all workers knew. */
bool sim_team_lets_have(const sim_team *t, uint32_t group, uint32_t user,
                        uint64_t said_ms);
/** The end: the copies of all workers are what was answered. */
void sim_team_check(sim_team *t);

#endif
