/* SPDX-License-Identifier: MIT */
/* history.h - the publications of a channel that are kept, as the messages that
 * were sent. The owner of a channel and each follower keep one; the bytes are
 * shared. */
#ifndef GODWIT_SERVER_HISTORY_H
#define GODWIT_SERVER_HISTORY_H

#include "server/core/buf.h"
#include "server/core/index.h"
#include "server/core/settings.h"
#include "server/core/shelf.h"

/** Never expires. */
#define GW_NEVER UINT64_MAX

/** A place in the history. */
typedef struct gw_record {
  gw_buf *buf;         /**< NULL: a hole, as something later took its place */
  uint64_t expires_ms; /**< monotonic; GW_NEVER. Of a hole: its offset */
  /* set by the history, so that nothing is looked at to drop it */
  uint32_t bytes; /**< gw_buf_most_bytes */
  bool has_item;
} gw_record;

/** What is kept at most. */
typedef struct gw_history_max {
  uint32_t num;
  uint64_t bytes; /**< 0: as many as there are */
} gw_history_max;

/**
 * Records in the order of their offsets. All zero is an empty stream.
 *
 *    STREAM  successive offsets, up to the channel's top. The front is trimmed
 *            by number, bytes and age. A record in the middle may have expired
 *            before those in front of it.
 *    LATEST  the same of the newest only.
 *    MAP     the newest of each item, with holes where older ones were. An item
 *            that is removed leaves its removal, so that who comes back learns
 *            of it; of these the oldest are forgotten, up to the floor. Nothing
 *            else is dropped here: who adds an item asks gw_history_admits.
 *
 * Which record is the newest of its item is known by a table of no more entries
 * than there are records with an item, at a constant cost for each that comes or
 * goes.
 */
typedef struct gw_history {
  /* read-only */
  uint32_t len;         /**< places; in a map some are holes */
  uint32_t num_holes;   /**< MAP: of these; the first is none */
  uint32_t num_removed; /**< MAP: places that are removals */
  uint8_t mode;         /**< enum gw_history_mode */
  uint8_t trimmed_by;   /**< enum gw_gap_reason: why the last one went */
  uint64_t bytes;       /**< gw_buf_most_bytes of what is kept */
  uint64_t floor;       /**< MAP: up to here removals are forgotten */
  /* private */
  uint32_t head;
  uint32_t cap;
  gw_record *ring;
  gw_index newest; /* of each item, by its hash; the messages */
  gw_shelf *shelf; /* where what a stream drops is put; NULL: nowhere */
} gw_history;

void gw_history_deinit(gw_history *h);
/** Drop everything; the mode stays. */
void gw_history_clear(gw_history *h);

/**
 * Append. Takes the reference; the message's offset and item are set.
 *   returns  0; GW_ERR_NOMEM: of a stream, kept less than was asked for, or less
 *            is known about items, which is still a history without a hole; of a
 *            map, nothing was done: not after gw_history_reserve
 */
GW_MUST_USE int gw_history_push(gw_history *h, gw_record record,
                                const gw_history_max *max);

/** MAP: append a record of another one, a removal too whose item nobody here
 * knew; takes the reference. 0, GW_ERR_NOMEM */
GW_MUST_USE int gw_history_load(gw_history *h, gw_record record);

/** MAP: have room for one more. 0, GW_ERR_NOMEM */
GW_MUST_USE int gw_history_reserve(gw_history *h);

/** MAP: whether a message about an item may come in, in place of what is there
 * about it. */
bool gw_history_admits(const gw_history *h, const gw_buf *b,
                       const gw_history_max *max);

/** Drop what has expired from the front; nothing of a map. */
void gw_history_trim(gw_history *h, uint64_t now_ms);

/** Publications that are kept, items of a map. */
static inline uint32_t gw_history_num(const gw_history *h) {
  return h->len - h->num_holes - h->num_removed;
}

/** Place i, 0 being the oldest. */
const gw_record *gw_history_at(const gw_history *h, uint32_t i);

/** The place of the first record, or hole, after an offset; len: none is. */
uint32_t gw_history_seek(const gw_history *h, uint64_t offset);

/** Offset of the oldest record; 0: there is none. */
uint64_t gw_history_first(const gw_history *h);

/** Whether no later record is about the same item as record i. Without memory
 * for the table it may say so of one too many. */
bool gw_history_is_newest(const gw_history *h, uint32_t i);

/** The newest message about an item, by its hash; NULL. In a map it may be the
 * removal. */
const gw_buf *gw_history_find(const gw_history *h, uint64_t item);

/** When the oldest record expires; GW_NEVER when none does. */
uint64_t gw_history_expires(const gw_history *h);

/* ---- between history.c and history_map.c ----------------------------------- */

int gw__history_grow(gw_history *h, uint32_t max);
gw_record *gw__history_slot(const gw_history *h, uint32_t i);
void gw__history_append(gw_history *h, gw_record record);
void gw__history_put(gw_history *h, gw_record record,
                     const gw_history_max *max);

#endif
