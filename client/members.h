/* SPDX-License-Identifier: MIT */
/* members.h - the member list of one channel: built from a snapshot, kept by
 * diffs that follow it without a hole. No I/O and no events of its own. */
#ifndef GODWIT_CLIENT_MEMBERS_H
#define GODWIT_CLIENT_MEMBERS_H

#include "godwit/client.h"

/** Diffs that may wait for their snapshot; more than that and the list is
 * asked for anew. */
#define GW__MAX_WAITING_BYTES (64u * 1024u)

/** Members that are kept of one channel. */
#define GW__MAX_MEMBERS GW_MAX_PRESENCE_FULL

/** One member, with its texts in the same block. */
typedef struct gw__member {
  struct gw__member *next; /**< of a chain of removed ones */
  gw_presence_member m;
} gw__member;

/** Members sorted by client id. */
typedef struct gw__roster {
  gw__member **items;
  uint32_t num;
  uint32_t cap;
} gw__roster;

/** A diff that came before its snapshot. */
typedef struct gw__waiting {
  struct gw__waiting *next;
  uint64_t version;
  uint32_t len;
  uint8_t body[]; /**< of the PresenceDiff frame */
} gw__waiting;

typedef struct gw__members {
  gw__roster now;              /**< what the application was told */
  gw__roster coming;           /**< parts of a snapshot, until its last */
  gw_presence_numbers numbers; /**< of now */
  gw_presence_numbers coming_numbers;
  uint64_t coming_version;
  uint64_t version;     /**< of now; only when synced */
  bool synced;          /**< now follows the server's list */
  bool untold;          /**< now is not what the changes add up to */
  bool partial;         /**< coming has a part */
  gw__waiting *waiting; /**< in the order of their coming */
  uint32_t waiting_bytes;
} gw__members;

/** What changed, told while a snapshot or diff is taken in. alone: the diff says
 * that it is the first client of its user, or was the last. The member lives
 * until gw__members_free_chain on `removed`. */
typedef void (*gw__on_change)(void *user, enum gw_presence_kind kind,
                              const gw_presence_member *m, bool alone);

/** Where changes go, and the members that they replaced. */
typedef struct gw__changes {
  gw__on_change on_change;
  void *user;
  gw__member **removed; /**< chain that takes what leaves the list */
} gw__changes;

/**
 * Take a part of a snapshot.
 *   returns  0; GW_ERR_PROTOCOL, GW_ERR_FULL (too many members), GW_ERR_NOMEM:
 *            the part is not taken
 */
GW_MUST_USE int gw__members_part(gw__members *ms, const gw_alloc *alloc,
                                 const gw_presence_snapshot *part);

/** After the last part: tell the differences and switch. Cannot fail; tells at
 * most now.num + coming.num changes, and none to or from a list that is not
 * whole: it is untold then, until the caller has told it. */
void gw__members_switch(gw__members *ms, const gw__changes *changes);

enum gw__diff_result {
  GW__DIFF_OLD,     /**< the list is past it already */
  GW__DIFF_APPLIED, /**< changes were told */
  GW__DIFF_EARLY,   /**< the list is not there yet: keep it waiting */
  GW__DIFF_HOLE     /**< it does not follow: the list must come anew */
};

/** Where a diff of a version stands to the list. */
enum gw__diff_result gw__members_place(const gw__members *ms, uint64_t version);

/**
 * Apply a diff that follows. Tells at most changes.num changes, and none where
 * the list is not whole. On a failure the list is a mixture: ask for it anew.
 *   returns  0, GW_ERR_PROTOCOL, GW_ERR_FULL, GW_ERR_NOMEM
 */
GW_MUST_USE int gw__members_apply(gw__members *ms, const gw_alloc *alloc,
                                  const gw_presence_diff *diff,
                                  const gw__changes *changes);

/** Keep a diff for later. GW_ERR_FULL, GW_ERR_NOMEM: the list must come anew.
 */
GW_MUST_USE int gw__members_wait(gw__members *ms, const gw_alloc *alloc,
                                 uint64_t version, gw_view body);

/** Take the first waiting diff off; NULL when there is none. Free it with the
 * allocator. */
gw__waiting *gw__members_take_waiting(gw__members *ms);

/** The connection is gone: the list stays as it is, but follows nothing. */
void gw__members_lost(gw__members *ms, const gw_alloc *alloc);

void gw__members_free_chain(gw__member *chain, const gw_alloc *alloc);

/** Free all but what the chain `removed` may still show. */
void gw__members_deinit(gw__members *ms, const gw_alloc *alloc,
                        gw__member **removed);

#endif
