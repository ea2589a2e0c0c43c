/* SPDX-License-Identifier: MIT */
/* asks.h - whom a question of the hub goes to. */
#ifndef GODWIT_SERVER_ASKS_H
#define GODWIT_SERVER_ASKS_H

#include "server/auth/auth.h"

/** Answer, or have it answered later; as gw_hub_port.ask. */
bool gw_asks_route(gw_auth *auth, const gw_question *q, gw_verdict *v);

#endif
