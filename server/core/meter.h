/* SPDX-License-Identifier: MIT */
/* meter.h - how much a connection does, against what it may: a bucket for each
 * operation, and its user's. */
#ifndef GODWIT_SERVER_METER_H
#define GODWIT_SERVER_METER_H

#include "server/core/quota.h"
#include "server/core/settings.h"

/** Only sessions that something is counted of have one. */
typedef struct gw_meter {
  gw_bucket buckets[GW_NUM_OPERATIONS];
  gw_quota_seat seat; /**< at its user's */
} gw_meter;

/** A session has its user: begin to count. false when out of memory. */
bool gws_meter_begin(gw_session *s);
void gws_meter_end(gw_session *s);

/**
 * Count one operation. A frame that comes again with an answer was counted when
 * it came first.
 *   returns  0: it may; otherwise not, and may be tried again after so many
 *            milliseconds, which is counted and logged
 */
uint32_t gws_meter_take(gw_session *s, enum gw_operation operation);

/** The same for a request that is refused here: false when it was. */
bool gws_meter_admit(gw_session *s, uint32_t request,
                     enum gw_operation operation);

#endif
