/* SPDX-License-Identifier: MIT */
/* state_rig.h - a node that has a namespace of shared state. */
#ifndef GODWIT_TEST_STATE_RIG_H
#define GODWIT_TEST_STATE_RIG_H

#include "tests/unit/support/api_rig.h"

/** Hubs with $state of up to 4 keys a scope and the namespace of the rest; spaces
 * may be changed before hubs_start. */
void state_init(hubs *n, gw_namespace spaces[2], uint32_t num_workers);

/** Publish a key's value, JSON; NULL: remove it. more: what else to ask for. */
uint32_t state_set(peer *p, const char *channel, const char *key,
                   const char *json, gw_publish more);
/** The same; it has to succeed. */
gw_published state_put(peer *p, const char *channel, const char *key,
                       const char *json);
/** The same; the code that it is refused with. */
uint32_t state_refused(peer *p, const char *channel, const char *key,
                       const char *json);
/** The error that comes next, with its texts as good as the peer's input. */
gw_error state_error(peer *p);

#endif
