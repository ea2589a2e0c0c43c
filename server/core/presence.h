/* SPDX-License-Identifier: MIT */
/* presence.h - who is in a channel: kept by its owner, copied by followers. */
#ifndef GODWIT_SERVER_PRESENCE_H
#define GODWIT_SERVER_PRESENCE_H

#include "server/core/hub_state.h"
#include "server/core/table.h"
#include "server/core/tally.h"

typedef struct gw_mail gw_mail;

/*
 * A member has three faces: what its client said, what is (`now`), and what was
 * told of it, as of the version. What is differs from what was said while time
 * has led to another state, or out of the presence; it differs from what was
 * told only while changes are gathered. Then one diff tells all the differences,
 * and a member that came and went in between is never mentioned.
 *
 *   set, leave, lost + grace --> said, now --gathered--> version + 1, told = now
 *   idle, active --------------------> now
 *
 * What is told depends on the mode:
 *
 *   FULL, IDS   a diff of the members each presence_coalesce_ms
 *   COUNTS      a diff with numbers only each presence_counts_ms
 *   SAMPLED     the same, and the changes of a few members drawn at random
 *
 * Above presence_full_limit the first two become one of the latter. A change of
 * the mode has a version of its own and is told by a snapshot. A follower has the
 * told face only, of those who are told: in SAMPLED the drawn ones, in COUNTS
 * nobody.
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
/** member: its reference passes; NULL: the client left. */
void gws_roster_put(gw_roster *r, uint64_t client, gw_buf *member);

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
  gw_buf *said; /**< NULL: it left */
  gw_buf *now;  /**< NULL: it is not there */
  gw_buf *told;
  gw_tally_row *user;            /**< of said and now; NULL: anonymous */
  gw_tally_row *told_user;       /**< of told */
  gw_tally_row *state;           /**< of now */
  struct gw_member *prev, *next; /**< in presence.changed */
  uint32_t place;                /**< in the sample, from 1; 0: not drawn */
  bool is_changed;               /**< is in presence.changed */
  bool enters_first;             /**< the change that is being told: first or */
  bool leaves_last;              /**< last of its user */
  gw_timer grace;
} gw_member;

/** How many there are: clients, and users, of whom each counts once; a client
 * without a name counts for itself. */
typedef struct gw_presence_numbers {
  uint32_t clients;
  uint32_t users;
} gw_presence_numbers;

struct gw_presence {
  gw_channel *channel;
  uint64_t version;
  gw_member *members;          /**< uthash, by client */
  gw_presence_numbers numbers; /**< as of the version */
  uint32_t mode;               /**< enum gw_presence_mode */
  gw_snapshot *snapshot;       /**< of the version; NULL: not asked for yet */
  /* at the owner */
  uint32_t num_now;            /**< members that are there */
  gw_presence_numbers counted; /**< of the told faces; ahead of numbers while
                                    there is no memory to tell */
  gw_tally users;              /**< num: told clients of it */
  gw_tally states;             /**< num: members that are in it */
  gw_member *changed;          /**< utlist */
  gw_timer timer;              /**< end of gathering */
  struct gw_sample *sample;    /**< SAMPLED; else NULL */
  gw_roster *shown;            /**< what was told of the sample */
};
typedef struct gw_presence gw_presence;

/** A client's wish, on its way to the channel's owner. */
typedef struct gw_presence_command {
  uint64_t client;
  uint64_t connection;
  uint64_t opened_ms;  /**< when the connection was welcomed */
  uint32_t transition; /**< IDLE: which of the namespace's */
  gw_view user;
  gw_presence_set msg;
} gw_presence_command;

/* ---- at the owner (presence.c) -------------------------------------------- */

/** Enter or update. What an older connection says too late is ignored, but the
 * member stays as long as it is there.
 * GW_CODE_OK, BAD_REQUEST (a patch that is not JSON), TOO_BIG (with the patch),
 * INTERNAL (memory) */
uint32_t gws_presence_set(gw_channel *ch, const gw_presence_command *cmd);
/** Leave on purpose. Ignored while another connection holds the member. */
void gws_presence_leave(gw_channel *ch, uint64_t client, uint64_t connection);
/** A connection was lost: the grace time begins with the last one. */
void gws_presence_lost(gw_channel *ch, uint64_t client, uint64_t connection);
/** The user has done nothing for so long that a transition is due. Ignored when
 * the member is not in the state that it begins with. */
void gws_presence_idle(gw_channel *ch, const gw_presence_command *cmd);
/** The user did something: back to what the client said. */
void gws_presence_active(gw_channel *ch, const gw_presence_command *cmd);

void gws_presence_on_grace(gw_member *m);

/** Whether anybody is there, or may come back. */
bool gws_presence_is_used(const gw_channel *ch);

/** The state that a text stands for. */
gw_view gws_presence_state(gw_view state);

/* ---- members (presence.c), for the files of this header -------------------- */

gw_presence *gws_presence_get(gw_channel *ch); /**< NULL: no memory */
gw_member *gws_member_find(const gw_channel *ch, uint64_t client);
gw_member *gws_member_add(gw_channel *ch, uint64_t client);
void gws_member_forget(gw_member *m);
/** Whether there is nothing to remember of it. */
bool gws_member_is_over(const gw_member *m);

/* ---- telling (presence_tell.c) --------------------------------------------- */

void gws_presence_on_timer(gw_presence *p);
/** How long changes are gathered. */
uint32_t gws_presence_interval_ms(const gw_presence *p);

/* ---- at owner and follower (presence_copy.c) -------------------------------- */

/** What is told, as of the version: numbers, mode, version 0 when nobody was
 * ever there. */
gw_presence_numbers gws_presence_numbers(const gw_channel *ch);
uint32_t gws_presence_mode(const gw_channel *ch);
uint64_t gws_presence_version(const gw_channel *ch);
/** One reference; NULL when out of memory. */
gw_snapshot *gws_presence_snapshot(gw_channel *ch);
void gws_presence_drop_snapshot(gw_presence *p);
/** What was told, for who attaches; NULL when out of memory. */
gw_roster *gws_presence_roster(const gw_channel *ch);
/** A member as it is told where only ids are; 0, or the codec's failure. */
GW_MUST_USE int gws_presence_decode(const gw_channel *ch, const gw_buf *member,
                                    gw_presence_member *m);
void gws_presence_free(gw_channel *ch);

/* ---- at a follower (presence_copy.c) ---------------------------------------- */

/** What an owner tells of a presence, and what it is at an attachment. */
typedef struct gw_presence_news {
  uint64_t version;
  gw_presence_numbers numbers;
  uint32_t mode;
  bool is_whole; /**< the members are all, not what changed */
} gw_presence_news;

/** Take the owner's state over. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_presence_load(gw_channel *ch, const gw_presence_news *news,
                                  const gw_roster *members);
/** Take changes over and hand them to subscribers: the diff, or what is whole.
 * 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_presence_apply(gw_channel *ch, const gw_presence_news *news,
                                   const gw_roster *changes, gw_buf *diff);

#endif
