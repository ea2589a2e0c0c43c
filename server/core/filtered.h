/* SPDX-License-Identifier: MIT */
/* filtered.h - subscribers of a channel that are asked, one by one, what they are
 * sent: by a filter they want only some of what is published, and there are
 * those that take it as deltas (delta.h). */
#ifndef GODWIT_SERVER_FILTERED_H
#define GODWIT_SERVER_FILTERED_H

#include "server/core/fanout.h"

/*
 * Such a live subscriber has a seat apart from the other live ones, so that these
 * are not asked. What passes is queued as the message that all share.
 * What does not is told as a run, so that the position follows: before the next
 * one that passes, or when it is GW_FILTERED_MAX long or GW_FILTERED_MAX_MS old.
 *
 *    published   1  2  3  4  5  6  7  8
 *    passes         x        x
 *    sent       [1] 2 [3..4] 5 ............[6..8] by the timer
 */
typedef struct gw_filtered {
  gw_channel *channel;
  gw_timer timer; /**< set when something was skipped and is not told */
  gw_buf *last;   /**< the last publication, if somebody who takes deltas was
                       given it; else NULL */
} gw_filtered;

/** Queue a publication that has just been appended to those that it passes. */
void gws_filtered_publication(gw_channel *ch, const gw_fanout *f);

/** Keep a publication as `last`; without memory nothing is kept. */
void gws_filtered_keep(gw_channel *ch, gw_buf *b);
void gws_filtered_forget(gw_channel *ch);

void gws_filtered_on_timer(gw_filtered *x);
void gws_filtered_free(gw_channel *ch);

#endif
