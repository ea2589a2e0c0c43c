/* SPDX-License-Identifier: MIT */
/* outq.h - what waits to be written to one connection: references to messages,
 * in lanes. It counts its bytes; whoever fills it decides about the cap. */
#ifndef GODWIT_SERVER_OUTQ_H
#define GODWIT_SERVER_OUTQ_H

#include "server/core/buf.h"
#include "server/core/settings.h"

/** What is in a lane goes out before what is in the next. Control: pings, answers
 * that stand for themselves (one may stay behind data: command.c). The others are
 * data and keep the order of the streams: publications, presence, and the answers
 * that begin and end a subscription are in the lane of their channel; what has no
 * channel is in NORMAL. */
enum gw_lane_id {
  GW_LANE_CONTROL,
  GW_LANE_HIGH,
  GW_LANE_NORMAL,
  GW_LANE_LOW,
  GW_NUM_LANES
};

/** The lane of channels of a priority. */
static inline enum gw_lane_id gw_lane_of(uint32_t priority) {
  if (priority == GW_PRIORITY_NORMAL) return GW_LANE_NORMAL;
  return priority == GW_PRIORITY_HIGH ? GW_LANE_HIGH : GW_LANE_LOW;
}

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
  gw_lane lanes[2]; /**< CONTROL, NORMAL */
  gw_lane *others;  /**< HIGH, LOW; NULL: both empty, as for most connections */
} gw_outq;

/** Takes the reference, unless it fails: GW_ERR_NOMEM. */
GW_MUST_USE int gw_outq_push(gw_outq *q, enum gw_lane_id lane, gw_buf *b);
/** The same, behind all that waits. */
GW_MUST_USE int gw_outq_push_last(gw_outq *q, gw_buf *b);

/** The next message without taking it; NULL when there is none. */
gw_buf *gw_outq_peek(const gw_outq *q);
/** The lane of the next message; GW_NUM_LANES when there is none. */
enum gw_lane_id gw_outq_next_lane(const gw_outq *q);
/** Take it; the reference passes to the caller. */
gw_buf *gw_outq_pop(gw_outq *q);
/** Take it if it is in the lane NORMAL and the only one; NULL otherwise, and
 * perhaps where there were others lately. */
gw_buf *gw_outq_pop_single(gw_outq *q);

static inline bool gw_outq_is_empty(const gw_outq *q) {
  return q->lanes[0].len + q->lanes[1].len == 0 &&
         (q->others == NULL || q->others[0].len + q->others[1].len == 0);
}

/** Whether the next message is of control. */
static inline bool gw_outq_has_control(const gw_outq *q) {
  return q->lanes[0].len != 0;
}

/** Drop everything, and the memory. */
void gw_outq_clear(gw_outq *q);
/** Give the memory of what is empty back. */
void gw_outq_trim(gw_outq *q);

#endif
