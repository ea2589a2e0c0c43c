/* SPDX-License-Identifier: MIT */
/* player.h - plays a recording into the client core, under the recording's
 * clock, and prints what the core tells an application. */
#ifndef GODWIT_CLI_PLAYER_H
#define GODWIT_CLI_PLAYER_H

#include "server/cli/replay/timeline.h"

/*
 * The core gets the same opens, messages and ends at the same times. What the
 * application asked for is read off the frames that the recorded client sent, and
 * given as commands just then: subscribe, unsubscribe, publish, presence, calls,
 * messages, answers, tokens, close. Where the core does something else than the
 * recorded client did, that is said.
 *
 * What cannot be read off the wire is as by default: the policy of retries (the
 * core connects when the recorded client did), time-outs, the limits of the
 * outbox. A publication or subscription that never reached the wire is not there;
 * tokens are other ones; how long the application took for a publication is not
 * known, so that Credit may go out at other times.
 */

/** Returns 0, GW_ERR_NOMEM. */
GW_MUST_USE int gw_player_run(const gw_recording *r, const gw_timeline *shown);

#endif
