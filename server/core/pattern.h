/* SPDX-License-Identifier: MIT */
/* pattern.h - subscribing to all channels whose names match. */
#ifndef GODWIT_SERVER_PATTERN_H
#define GODWIT_SERVER_PATTERN_H

#include "server/core/channel.h"
#include "server/core/mail.h"

/*
 * A pattern that somebody on a worker is subscribed to is a channel there, without
 * an owner and without a history: it has seats, a number, an epoch and a count of
 * what it was given in place of offsets. It tells every worker of the node, and
 * its subscribers are answered when all have confirmed; from then on nothing that
 * is published is missed.
 *
 *   pattern at F                                    every other worker O
 *      |  PATTERN (name, F's handle)                   |  notes it in its tree
 *      |---------------------------------------------->|
 *      |  PATTERN_NOTED                                |
 *      |<----------------------------------------------|
 *      |  MATCHED (channel, publication) ...           |  of channels it owns
 *      |<----------------------------------------------|
 *      |  PATTERN_END                                  |
 *      |---------------------------------------------->|
 *
 * Who comes back with a position may have been given some of it by another worker:
 * it is let in when what all had sent before has gone by (SYNC).
 *
 * What comes is the channel's own message with the pattern's number, and with the
 * channel's name and epoch behind its other fields.
 */
typedef struct gw_pattern {
  uint32_t num_missing; /**< workers that have not confirmed */
  bool is_refused;      /**< one could not */
  gw_channel *next;     /**< in a list of those that are given something */
  gw_mail *ends[];      /**< ready for the end, by worker */
} gw_pattern;

/** Make one of a channel that was just made; GW_CODE_OK, INTERNAL. */
uint32_t gws_pattern_begin(gw_channel *ch);
/** Tell the others that it is over; its block is freed. */
void gws_pattern_end(gw_channel *ch);

/** Give a publication of a channel that is owned here to all patterns. */
void gws_pattern_publication(gw_channel *ch, gw_buf *buf,
                             const gw_published_mail *pub);

/** What a hub needs for patterns, if some namespace has them. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_pattern_init(gw_hub *h);
void gws_pattern_deinit(gw_hub *h);

void gws_pattern_on_mail(gw_hub *h, gw_mail *m);
void gws_pattern_on_noted(gw_hub *h, gw_mail *m);
void gws_pattern_on_end(gw_hub *h, gw_mail *m);
void gws_pattern_on_matched(gw_hub *h, gw_mail *m);
/** Something that matches could not be sent for want of memory. */
void gws_pattern_on_lost(gw_hub *h, gw_mail *m);

#endif
