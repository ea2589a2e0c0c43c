/* SPDX-License-Identifier: MIT */
/* drain.h - shutdown: clients are sent away in batches, told when to return. */
#ifndef GODWIT_SERVER_DRAIN_H
#define GODWIT_SERVER_DRAIN_H

#include "server/core/hub_state.h"

/** Time between batches: short to the eye, long to a loop. */
#define GW_DRAIN_STEP_MS 100u

void gws_drain_step(gw_hub *h);
/** End one session because of the drain. */
void gws_drain_session(gw_session *s);

#endif
