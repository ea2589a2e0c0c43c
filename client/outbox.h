/* SPDX-License-Identifier: MIT */
/* outbox.h - publications that wait for their acknowledgement: an ordered,
 * bounded list. What is sent when is decided in publish.c. */
#ifndef GODWIT_CLIENT_OUTBOX_H
#define GODWIT_CLIENT_OUTBOX_H

#include "godwit/wire.h"

/** What the server's words about a publication take beside what it says: its echo
 * and its answer. Of small ones they are most of it. */
#define GW__ECHO_BYTES 96u

typedef struct gw__entry gw__entry;

/** The publications of one channel. They go out in the order of their keys. */
typedef struct gw__lane {
  struct gw__lane *next;
  gw_view channel;    /**< in this block */
  uint32_t num;       /**< entries */
  uint32_t in_flight; /**< entries that are sent */
  gw__entry *last;    /**< the newest that is sent; NULL: nothing to follow */
  gw__entry *oldest;  /**< of this pass of gw__outbox_may_send */
  uint64_t next_turn; /**< counts entries as they come in */
  uint32_t failures;  /**< refusals in a row */
  uint64_t hold_until_ms; /**< nothing goes out before */
} gw__lane;

/** A publication. */
struct gw__entry {
  gw__entry *next; /**< in the order of keys */
  gw__lane *lane;
  gw_publish m; /**< views into bytes, channel too; key and after as sent */
  uint64_t key; /**< m.key, or a number of its own when at_most_once */
  uint64_t created_ms;
  uint64_t sent_ms;
  uint64_t turn;    /**< in the lane; see gw__outbox_turn */
  uint32_t request; /**< of the Publish that waits for its answer; 0: none */
  bool sent;        /**< on this connection, and not refused since */
  bool ever_sent;
  bool at_most_once;
  uint32_t len;
  uint8_t bytes[]; /**< the Publish message, encoded */
};

typedef struct gw__outbox {
  gw__entry *first;
  gw__entry *last;
  gw__lane *lanes;
  uint32_t count;
  uint32_t bytes;
  uint32_t max_count;
  uint32_t max_bytes;
} gw__outbox;

/** Room for a publication of len encoded bytes, not in the outbox yet. NULL
 * when out of memory. */
gw__entry *gw__outbox_alloc(const gw_alloc *alloc, uint32_t len);

/**
 * Take an entry whose m, key, turn and created_ms are set, in the place of its key.
 *   returns  0; GW_ERR_FULL, GW_ERR_EXISTS, GW_ERR_NOMEM: the entry is still
 *            the caller's
 */
GW_MUST_USE int gw__outbox_add(gw__outbox *o, const gw_alloc *alloc,
                               gw__entry *e);

/** Turn of the next entry of a channel: entries of a lane count up. The turn is
 * stored with an entry, so that an entry that comes back keeps its distance to
 * the others. */
uint64_t gw__outbox_turn(const gw__outbox *o, gw_view channel);

/** Whether one more of len bytes would fit. */
bool gw__outbox_has_room(const gw__outbox *o, uint32_t len);

void gw__outbox_remove(gw__outbox *o, const gw_alloc *alloc, gw__entry *e);

/** NULL when there is none. Request 0 finds nothing. */
gw__entry *gw__outbox_by_key(const gw__outbox *o, uint64_t key);
gw__entry *gw__outbox_by_request(const gw__outbox *o, uint32_t request);

/** Whether an entry may go out now, as far as what is in flight allows it.
 * Entries have to be asked about in order, from gw__outbox_begin on. */
bool gw__outbox_may_send(gw__entry *e);
/** Returns the bytes that are in flight. */
uint32_t gw__outbox_begin(gw__outbox *o);

/** Mark as sent behind what its lane sent before. */
void gw__outbox_sent(gw__entry *e, uint32_t request, uint64_t now_ms);

/** Forget that `from` and what was sent behind it in its lane went out: they
 * are sent again, in order. Those that are sent at most once stand aside. */
void gw__outbox_rewind(gw__outbox *o, gw__entry *from);

/** The same for every lane: the connection is gone. */
void gw__outbox_rewind_all(gw__outbox *o);

void gw__outbox_deinit(gw__outbox *o, const gw_alloc *alloc);

#endif
