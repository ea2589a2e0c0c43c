/* SPDX-License-Identifier: MIT */
/* fanout.h - one message to all subscribers of a channel on this worker. */
#ifndef GODWIT_SERVER_FANOUT_H
#define GODWIT_SERVER_FANOUT_H

#include "server/core/channel.h"

/** A publication that has just been appended to the channel, or the last few of
 * them in one message. */
typedef struct gw_fanout {
  gw_buf *buf;       /**< stays the caller's */
  uint64_t first;    /**< offset of the first one in it */
  uint32_t num;      /**< how many there are */
  gw_session *quiet; /**< publisher who wants no echo, if it is here; NULL, also
                          for more than one */
  uint64_t client;   /**< who published it, and with which key: all that the */
  uint64_t key;      /**< quiet one is sent */
} gw_fanout;

/** Queue it to the live subscribers. A slow reader is turned into one that lags
 * or is closed, as its subscription says. */
void gws_fanout_publication(gw_channel *ch, const gw_fanout *f);

/** Whether a live subscriber takes it; if not, it was turned or closed. */
bool gws_fanout_admits(gw_sub *sub, const gw_fanout *f);
/** Queue what a publisher without echo gets at its place. */
void gws_fanout_own(gw_channel *ch, const gw_fanout *f);

/** Queue a presence diff to the subscribers that follow the presence. */
void gws_fanout_roster(gw_channel *ch, gw_buf *diff);
/** Have them sent a new snapshot, each as it reads. */
void gws_fanout_roster_anew(gw_channel *ch);

#endif
