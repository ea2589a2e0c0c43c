/* SPDX-License-Identifier: MIT */
/* desk.h - the application's own people: by the API they subscribe users, set what
 * is known about a channel, publish, and look around. */
#ifndef GODWIT_SIM_DESK_H
#define GODWIT_SIM_DESK_H

#include "godwit/client.h"
#include "tests/sim/node.h"

typedef struct sim_desk sim_desk;

sim_desk *sim_desk_new(world *w, const sim_plan *plan, sim_node *node);
void sim_desk_free(sim_desk *d);
void sim_desk_start(sim_desk *d);
void sim_desk_stop(sim_desk *d);

/** An application's view of the channel that it is subscribed to without asking;
 * all zero to begin. */
typedef struct sim_desk_view {
  uint32_t sub; /**< 0: not subscribed */
  gw_position at;
} sim_desk_view;

/** Whether an event was about this. Publications have to follow each other, or a
 * gap is told. */
bool sim_desk_event(sim_desk_view *v, world *w, const gw_event *e);
/** The process that knew of it is gone. */
void sim_desk_forget(sim_desk_view *v);

#endif
