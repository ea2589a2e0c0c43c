/* SPDX-License-Identifier: MIT */
/* outq.h - what waits to be written to one connection: references to messages,
 * in two lanes. It counts its bytes; whoever fills it decides about the cap. */
#ifndef GODWIT_SERVER_OUTQ_H
#define GODWIT_SERVER_OUTQ_H

#include "server/core/buf.h"

/** Control goes first: pings, answers that stand for themselves, the end. Data
 * keeps the order of the streams: publications, presence, and the answers that
 * begin and end a subscription. */
enum gw_lane_id { GW_LANE_CONTROL, GW_LANE_DATA, GW_NUM_LANES };

/** A ring that begins as a single slot: most connections never have two
 * messages waiting. */
typedef struct gw_lane {
  union {
    gw_buf *one;   /**< cap is 0 */
    gw_buf **ring; /**< cap is a power of two */
  } u;
  uint32_t head;
  uint32_t len;
  uint32_t cap;
} gw_lane;

/** All zero is empty. */
typedef struct gw_outq {
  /* read-only */
  uint32_t bytes; /**< payload of what waits */
  /* the owner's, here as there is room beside it */
  int32_t credit; /**< bytes of data that may be taken; the last message takes
                       it below 0 */
  /* private */
  gw_lane lanes[GW_NUM_LANES];
} gw_outq;

/** Takes the reference, unless it fails: GW_ERR_NOMEM. */
GW_MUST_USE int gw_outq_push(gw_outq *q, enum gw_lane_id lane, gw_buf *b);

/** The next message without taking it; NULL when there is none. */
gw_buf *gw_outq_peek(const gw_outq *q);
/** Take it; the reference passes to the caller. */
gw_buf *gw_outq_pop(gw_outq *q);
/** Take it if it is a message of data and the only one; NULL otherwise. */
gw_buf *gw_outq_pop_single(gw_outq *q);

static inline bool gw_outq_is_empty(const gw_outq *q) {
  return q->lanes[GW_LANE_CONTROL].len + q->lanes[GW_LANE_DATA].len == 0;
}

/** Whether the next message is of control. */
static inline bool gw_outq_has_control(const gw_outq *q) {
  return q->lanes[GW_LANE_CONTROL].len != 0;
}

/** Drop everything, and the memory. */
void gw_outq_clear(gw_outq *q);
/** Give the memory of an empty queue back. */
void gw_outq_trim(gw_outq *q);

#endif
