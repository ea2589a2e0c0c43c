/* SPDX-License-Identifier: MIT */
/* bond.h - what the way that a connection came by gives it and demands of it,
 * such as a route of the server. */
#ifndef GODWIT_SERVER_BOND_H
#define GODWIT_SERVER_BOND_H

#include "server/core/hub.h"

/** All zero: nothing. Outlives the session, with all that it points to. */
typedef struct gw_bond {
  gw_view space; /**< the only namespace it may use, beside channels that
                                the server subscribed it to; empty: any */
  const gw_view *channels; /**< that the server subscribes it to when it is
                                welcomed */
  size_t num_channels;
  bool needs_user; /**< nobody is welcome whose name no authenticator vouches
                        for */
} gw_bond;

/** Bind a session, before its first byte is fed. 0, GW_ERR_NOMEM. */
GW_MUST_USE int gw_session_bind(gw_session *s, const gw_bond *bond);

#endif
