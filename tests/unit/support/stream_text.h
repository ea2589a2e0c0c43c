/* SPDX-License-Identifier: MIT */
/* stream_text.h - what a peer was sent, in short, for comparison with a text. */
#ifndef GODWIT_TEST_STREAM_TEXT_H
#define GODWIT_TEST_STREAM_TEXT_H

#include "hub_rig.h"

/**
 * Take all that came:
 *
 *    7 7a -7a    publication 7; about the item a; that is gone
 *    d7          the same as changes to the one before
 *    o7          the same of the receiver, which wanted no echo: no payload
 *    L3-5:S      3 to 5 are not sent: S slow reader, F filtered, s superseded
 *    R3-5 R3-5!  recovery marked 3 to 5; and is live
 *    R!          recovery is live
 *    G3-5:T      recovery lost 3 to 5: T trimmed, E expired; ! as above
 *    U401        unsubscribed, with a code
 *    M{..}       metadata of the channel
 *    b@7         of a wildcard: publication 7 of channel b
 *
 * each with a space behind. Anything else fails the test.
 */
void expect_stream(peer *p, const char *want);

/** The next has to be Subscribed: its position and result, as "12 ANEW", with
 * " live" behind. Returns the epoch. */
uint64_t expect_subscribed(peer *p, const char *want);

#endif
