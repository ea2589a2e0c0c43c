/* SPDX-License-Identifier: MIT */
/* presence.h - who is in a channel: kept by its owner, copied by followers. */
#ifndef GODWIT_SERVER_PRESENCE_H
#define GODWIT_SERVER_PRESENCE_H

#include "server/core/hub_state.h"
#include "server/core/table.h"

typedef struct gw_mail gw_mail;

/*
 * A member has two faces: what was told (`told`, as of the version) and what is
 * (`now`). They differ only at the owner and only while changes are gathered;
 * then one diff tells all the differences, and a member that came and went in
 * between is never mentioned. A follower has the told face only.
 *
 *   set, leave, lost + grace --> now --gathered--> version + 1, told = now
 */

/** An encoded member, or NULL for one that left. */
typedef struct gw_roster_entry {
  uint64_t client;
  gw_buf *member;
} gw_roster_entry;

/** Members, shared by the workers of a node. */
typedef struct gw_roster {
  atomic_uint refs;
  uint32_t num;
  gw_roster_entry entries[];
} gw_roster;

gw_roster *gws_roster_new(uint32_t max); /**< num is 0; NULL: no memory */
gw_roster *gws_roster_ref(gw_roster *r);
void gws_roster_unref(gw_roster *r); /**< NULL is fine */

/** All members as of a version, as PresenceSnapshot frames ready to be sent,
 * shared by all who are sent it. */
typedef struct gw_snapshot {
  atomic_uint refs;
  uint32_t num_parts;
  uint64_t version;
  gw_buf *parts[];
} gw_snapshot;

gw_snapshot *gws_snapshot_ref(gw_snapshot *s);
void gws_snapshot_unref(gw_snapshot *s); /**< NULL is fine */

/** Connections that a member is remembered to have entered from, the latest
 * first: it is lost when the last of them is. */
#define GWS_MEMBER_CONNECTIONS 4u

typedef struct gw_member {
  UT_hash_handle hh;
  uint64_t client;
  gw_channel *channel;
  uint64_t connections[GWS_MEMBER_CONNECTIONS]; /**< 0: none */
  uint64_t opened_ms; /**< of the connection that set it */
  uint64_t since_ms;
  gw_buf *told;
  gw_buf *now;
  struct gw_member *prev, *next; /**< in presence.changed */
  bool is_changed;               /**< is in that list */
  gw_timer grace;
} gw_member;

struct gw_presence {
  gw_channel *channel;
  uint64_t version;
  gw_member *members; /**< uthash, by client */
  uint32_t num_told;
  gw_member *changed;    /**< utlist */
  gw_timer timer;        /**< end of gathering */
  gw_snapshot *snapshot; /**< of the version; NULL: not asked for yet */
};

/** A client's wish, on its way to the channel's owner. */
typedef struct gw_presence_command {
  uint64_t client;
  uint64_t connection;
  uint64_t opened_ms; /**< when the connection was welcomed */
  gw_view user;
  gw_presence_set msg;
} gw_presence_command;

/* ---- at the owner -------------------------------------------------------- */

/** Enter or update. What an older connection says too late is ignored.
 * GW_CODE_OK, GW_CODE_INTERNAL (memory) */
uint32_t gws_presence_set(gw_channel *ch, const gw_presence_command *cmd);
/** Leave on purpose. Ignored while another connection holds the member. */
void gws_presence_leave(gw_channel *ch, uint64_t client, uint64_t connection);
/** A connection was lost: the grace time begins with the last one. */
void gws_presence_lost(gw_channel *ch, uint64_t client, uint64_t connection);

void gws_presence_on_timer(struct gw_presence *p);
void gws_presence_on_grace(gw_member *m);

/** Whether anybody is there, or may come back. */
bool gws_presence_is_used(const gw_channel *ch);

/* ---- at owner and follower ----------------------------------------------- */

/** Members as of that version. */
uint32_t gws_presence_num(const gw_channel *ch);
/** Version 0 when nobody was ever there. */
uint64_t gws_presence_version(const gw_channel *ch);
/** One reference; NULL when out of memory. */
gw_snapshot *gws_presence_snapshot(gw_channel *ch);
/** What was told, for who attaches; NULL when out of memory. */
gw_roster *gws_presence_roster(const gw_channel *ch);
void gws_presence_free(gw_channel *ch);

/* ---- at a follower ------------------------------------------------------- */

/** Take the owner's state over. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_presence_load(gw_channel *ch, uint64_t version,
                                  const gw_roster *members);
/** Take a diff over and hand it to subscribers. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_presence_apply(gw_channel *ch, uint64_t version,
                                   const gw_roster *changes, gw_buf *diff);

#endif
