/* SPDX-License-Identifier: MIT */
/* delta.h - a publication as changes to the one before, for the subscribers that
 * hold that. */
#ifndef GODWIT_SERVER_DELTA_H
#define GODWIT_SERVER_DELTA_H

#include "server/core/fanout.h"

/*
 * A delta goes only to a subscriber that is known to hold its base, which is the
 * publication of the offset before: so there is one delta of a publication on a
 * worker at most, made when the first one wants it, and shared by all.
 *
 * What a subscriber holds is the last publication that was put into its queue
 * with a payload, whole or as a delta, since it became live (more->held). What is
 * in a queue arrives, in its order, or the connection ends. So the chain is
 *
 *   begun    by a whole publication: the first one that comes live
 *   kept     by each that is given to it
 *   broken   by whatever is not:
 *              its filter leaves one out;
 *              it is the publisher and wants no echo: it is sent no payload;
 *              it falls behind, or the follower attaches anew: it goes on from a
 *              cursor, by whole publications only, as those of the history may
 *              lie any distance apart (policies, holes of a map);
 *              it subscribes anew, on this connection or another.
 *
 * The last four change the feed, which forgets what is held (gws_sub_set_feed).
 * Batches do not touch it: who takes deltas has a seat among the choosy, and is
 * given each publication as it is made. A new epoch ends or restarts every
 * subscription.
 *
 * Owner and followers make deltas each on their own, of messages that they
 * share: telling each other who wants one would cost more mail than it spares.
 */

/** A publication on its way to those who take deltas. */
typedef struct gws_step {
  gw_channel *channel;
  gw_buf *whole;
  gw_buf *base;  /**< the publication before, if anybody may hold it; or NULL */
  gw_buf *delta; /**< NULL: not made, or not worth it */
  bool is_tried;
  bool is_held; /**< somebody was given it */
} gws_step;

void gws_step_begin(gws_step *t, gw_channel *ch, const gw_fanout *f);
/** The message for a subscriber that takes deltas, and has room for the whole
 * one; not a reference. It counts as given. */
gw_buf *gws_step_give(gws_step *t, gw_sub *sub);
/** The channel keeps the message as a base as long as somebody holds it. */
void gws_step_end(gws_step *t);

#endif
