/* SPDX-License-Identifier: MIT */
/* batch.h - publications of a channel that were gathered to go out together. */
#ifndef GODWIT_SERVER_BATCH_H
#define GODWIT_SERVER_BATCH_H

#include "server/core/fanout.h"

/*
 * A publication does not fan out at once. Its offset is stamped, the history has
 * it and its publisher has the answer; only the live subscribers wait: to the end
 * of the loop's turn, when output is written anyway, or, where the namespace has a
 * delay for it, for the delay after the first one that was gathered; in any case
 * only until there are enough bytes. Then the frames go out as one message, framed
 * once, shared by all: under load, when a turn has many publications of a channel,
 * a subscriber costs one place in a queue for all of them.
 *
 *     stamped  1   2   3      4   5
 *     live     |<- delay ->|  |<- delay ->|
 *              .......... [1 2 3] ...... [4 5]
 *
 * The live subscribers are those of the first publication: nobody joins or
 * leaves them before the batch is let go (gws_sub_set_feed, gws_sub_free). So it
 * always follows what each of them has, and a cursor never stands inside it.
 *
 * An owner and its followers gather each on their own.
 */
typedef struct gw_batch {
  gw_channel *channel;
  gw_buf **parts;
  uint32_t num; /**< parts; 0: nothing is gathered */
  uint32_t cap;
  uint32_t bytes;
  gw_timer timer;               /**< set while parts wait for a delay */
  struct gw_batch *prev, *next; /**< hub.turn_batches */
  bool is_of_turn;              /**< is in that list */
  uint32_t turn_width;          /**< what it adds to the hub's, while it is */
  /* of the first part */
  uint64_t first;
  uint64_t quiet; /**< handle of the session that wants no echo; 0: none */
  uint64_t client;
  uint64_t key;
} gw_batch;

/** Fan out a single publication that has just been appended, with others of the
 * turn or of the delay. */
void gws_batch_put(gw_channel *ch, const gw_fanout *f);

/** Let go what was gathered, if anything. Subscribers may fall behind, and
 * sessions may end, as in any fan-out. */
void gws_batch_flush(gw_channel *ch);
/** The same for all channels of a worker. */
void gws_batch_flush_all(gw_hub *h);
/** The same for those that waited for the end of the turn. */
void gws_batch_end_turn(gw_hub *h);

void gws_batch_on_timer(gw_batch *b);
/** What is gathered goes to nobody. */
void gws_batch_free(gw_channel *ch);

#endif
