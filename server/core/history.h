/* SPDX-License-Identifier: MIT */
/* history.h - the last publications of a channel, as the messages that were
 * sent. The owner of a channel and each follower keep one; the bytes are
 * shared. */
#ifndef GODWIT_SERVER_HISTORY_H
#define GODWIT_SERVER_HISTORY_H

#include "server/core/buf.h"
#include "server/core/index.h"

/** Never expires. */
#define GW_NEVER UINT64_MAX

typedef struct gw_record {
  gw_buf *buf;
  uint64_t expires_ms; /**< monotonic; GW_NEVER */
} gw_record;

/**
 * Records of successive offsets; the last one belongs to the channel's top. The
 * front is trimmed by number and by age. A record in the middle may have expired
 * before those in front of it: then it counts as a hole. All zero is empty.
 *
 * Which record is the newest of its item is known by a table of no more entries
 * than there are records with an item, at a constant cost for each that comes or
 * goes.
 */
typedef struct gw_history {
  /* read-only */
  uint32_t len;
  uint32_t trimmed_by; /**< enum gw_gap_reason: why the last one went */
  /* private */
  uint32_t head;
  uint32_t cap;
  gw_record *ring;
  gw_index newest; /* of each item, by its hash; the messages */
} gw_history;

void gw_history_deinit(gw_history *h);

/**
 * Append. Takes the reference. At most max records are kept; 0 keeps none.
 *   returns  0; GW_ERR_NOMEM: kept less than was asked for, or less is known
 *            about items, which is still a history without a hole
 */
int gw_history_push(gw_history *h, gw_record record, uint32_t max);

/** Drop what has expired from the front. */
void gw_history_trim(gw_history *h, uint64_t now_ms);

/** Drop everything. */
void gw_history_clear(gw_history *h);

/** Record i, 0 being the oldest. */
const gw_record *gw_history_at(const gw_history *h, uint32_t i);

/** Whether no later record is about the same item as record i. Without memory
 * for the table it may say so of one too many. */
bool gw_history_is_newest(const gw_history *h, uint32_t i);

/** When the oldest record expires; GW_NEVER when none does. */
uint64_t gw_history_expires(const gw_history *h);

#endif
