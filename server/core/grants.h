/* SPDX-License-Identifier: MIT */
/* grants.h - channels that the server lets a connection into by itself, and its
 * subscriptions to them. */
#ifndef GODWIT_SERVER_GRANTS_H
#define GODWIT_SERVER_GRANTS_H

#include "server/core/bond.h"
#include "server/core/session.h"

/*
 *   gws_grant ---> subscribed (ServerSubscribed), or was already
 *                  the subscription may end, for a new epoch or want of memory:
 *                  the grant stays, and the client subscribes again by it
 *   gws_grant_withdraw ---> the grant is gone, and with it the subscription
 *
 * A grant opens the channel whatever its rules are. It is kept as the keyed hash
 * of the name, for as long as the connection; who is lost and resumes (resume.h) is
 * granted it again.
 */
typedef struct gw_grants {
  const gw_bond *bond; /**< NULL: the session is bound to nothing */
  uint32_t num;
  uint32_t cap;
  uint64_t hashes[];
} gw_grants;

bool gws_is_granted(const gw_session *s, uint64_t hash);

/** Whether it is subscribed to all that it was granted, but for what its bond
 * gives anyway: then the names of all that are known. */
bool gws_grants_are_taken(const gw_session *s);

/** Whether it was granted these channels and, but for its bond's, no others. */
bool gws_grants_are(const gw_session *s, const gw_view *channels,
                    size_t num_channels);

/** NULL: it is bound to nothing. */
const gw_bond *gws_session_bond(const gw_session *s);

/** Whether its bond lets the session use a channel at all. */
bool gws_is_within(const gw_session *s, gw_view channel, uint64_t hash);

/** Grant, and subscribe if it is not. GW_CODE_OK, BAD_CHANNEL, LIMIT_REACHED (as
 * many grants as subscriptions may be), INTERNAL. */
uint32_t gws_grant(gw_session *s, gw_view channel);
/** The same where nobody waits for an answer: what cannot be is told to the log. */
void gws_grant_unasked(gw_session *s, gw_view channel);

/** Take it back, and end the subscription, however it began, also one that somebody
 * is still asked about. Returns whether there was one. code, reason (NULL: the
 * code's own): for the client. */
bool gws_grant_withdraw(gw_session *s, gw_view channel, uint32_t code,
                        const char *reason);

void gws_grants_free(gw_session *s);

#endif
