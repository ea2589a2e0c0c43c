/* SPDX-License-Identifier: MIT */
/* subscription.h - one session's seat in one channel, and the set of them that
 * a session has. */
#ifndef GODWIT_SERVER_SUBSCRIPTION_H
#define GODWIT_SERVER_SUBSCRIPTION_H

#include "server/core/hub_state.h"
#include "server/core/outq.h"

typedef struct gw_mail gw_mail;
typedef struct gw_snapshot gw_snapshot;
typedef struct gw_sub gw_sub;
typedef struct gw_filter gw_filter;

/**
 * How a subscription gets publications. Only a live one is given them as they
 * are made; the others hold a cursor into the channel's history and are served
 * from gw_session_take, at the speed of their reader.
 *
 *   WAITING --attached--> LIVE <--- cursor at the top --- RECOVERING, LAGGING
 *                          |                                   ^
 *                          +-- queue above the low-water mark -+
 */
enum gws_feed {
  GWS_FEED_WAITING,    /**< the channel is being attached; not answered yet */
  GWS_FEED_RECOVERING, /**< asked to: chunks end with Recovery */
  GWS_FEED_LAGGING,    /**< fell behind: what is skipped is told by Lagged */
  GWS_FEED_LIVE
};

/** How a subscription gets the presence. */
enum gws_roster_feed {
  GWS_ROSTER_NONE,    /**< not asked for */
  GWS_ROSTER_STALE,   /**< a snapshot has to be sent */
  GWS_ROSTER_SENDING, /**< parts of one are; diffs are held back */
  GWS_ROSTER_LIVE     /**< diffs, as they are made */
};

/** What only a subscription that is not fully live needs. */
typedef struct gw_catchup {
  uint64_t cursor; /**< last offset that was sent or told */
  uint64_t floor;  /**< of a map: its floor when it was begun anew */
  /* of a WAITING one: the Subscribe to answer */
  uint64_t epoch;
  uint64_t offset;
  uint32_t request; /**< 0: none, the server began it */
  bool recover;
  bool may_recover;
  uint32_t num_behind; /**< workers whose mail has to come first */
  /* of a SENDING one */
  uint32_t part;
  gw_snapshot *snapshot;
  gw_buf **held; /**< diffs to be sent behind it */
  uint32_t first_held;
  uint32_t num_held;
  uint32_t cap_held;
} gw_catchup;

/** What only some subscriptions have. */
typedef struct gw_sub_more {
  gw_filter *filter; /**< NULL: everything passes */
  uint64_t told;     /**< of a live one: last offset that was sent or told */
  uint64_t held;     /**< of a live one that takes deltas: offset of the last
                          publication that it was sent with a payload; 0: none
                          that counts; see delta.h */
  bool delta;        /**< it takes deltas */
  uint32_t meta_len;
  uint8_t meta[]; /**< JSON about it */
} gw_sub_more;

struct gw_sub {
  gw_session *session;
  gw_channel *channel;
  gw_sub *prev, *next; /**< in a list of the session */
  gw_catchup *catchup; /**< NULL when both feeds are live */
  gw_mail *farewell; /**< ready for the end of a presence kept elsewhere, which
                             memory must not stand in the way of */
  struct gw_lease *lease; /**< NULL: granted for good */
  gw_sub_more *more;      /**< NULL: nothing more is known */
  struct gw_idle *idle;   /**< NULL: time does not change its member's state */
  uint64_t shown; /**< hash of what it was asked for with; see resume.h */
  uint32_t alias;
  uint32_t seat;          /**< in the channel */
  uint8_t feed;           /**< enum gws_feed */
  uint8_t roster;         /**< enum gws_roster_feed */
  uint8_t overflow;       /**< enum gw_overflow */
  uint8_t lane;           /**< enum gw_lane_id; its channel's */
  bool is_member;         /**< entered the presence */
  bool by_token;          /**< a token for the channel let it in */
  bool is_drawing;        /**< in the session's list of those to draw from */
  bool is_meta_due;       /**< the metadata changed, and it was too slow */
  bool is_noted;          /**< that it subscribed is known */
  uint8_t rests_on_group; /**< actions (bits) that only the group's role lets */
  bool is_orphan;         /**< in the hub's list of these; see scope.h */
  gw_sub *next_orphan;
};

/** A session's subscriptions. All zero is empty. */
typedef struct gw_subs {
  uint32_t num;
  gw_sub *quiet;   /**< utlist, doubly linked */
  gw_sub *drawing; /**< those that gw_session_take draws from, by lanes, in turn
                        within each */
  struct gw_subs_index *index; /**< above a handful of subscriptions */
} gw_subs;

gw_sub *gws_subs_by_alias(const gw_subs *subs, uint32_t alias);
gw_sub *gws_subs_by_channel(const gw_subs *subs, const gw_channel *ch);
/** First of all, to walk them by removing. */
gw_sub *gws_subs_any(const gw_subs *subs);

/** A new one, WAITING, with a catchup, seated in the channel. NULL when out of
 * memory. */
gw_sub *gws_sub_new(gw_session *s, gw_channel *ch, uint32_t alias);
void gws_sub_set_alias(gw_sub *sub, uint32_t alias);
/** Give one that is not live its filter, which may be NULL, metadata, and
 * whether it takes deltas; takes the reference. 0, GW_ERR_NOMEM: it has none of
 * it. */
GW_MUST_USE int gws_sub_set_more(gw_sub *sub, gw_filter *filter, gw_view meta,
                                 bool delta);
/** JSON that it was subscribed with; empty for none. */
gw_view gws_sub_meta(const gw_sub *sub);
/** NULL: it wants everything. */
const gw_filter *gws_sub_filter(const gw_sub *sub);
bool gws_sub_takes_delta(const gw_sub *sub);
/** Whether it has a filter or takes deltas: what a live one is sent is decided
 * for it alone. */
bool gws_sub_is_choosy(const gw_sub *sub);
/** Of a live one: the last offset that it was sent or told. */
uint64_t gws_sub_told(const gw_sub *sub);

/** Why a subscription ends, as far as presence is concerned. */
enum gws_farewell {
  GWS_FAREWELL_LEFT, /**< on purpose: leaves at once */
  GWS_FAREWELL_LOST  /**< may come back within the grace time */
};
void gws_sub_free(gw_sub *sub, enum gws_farewell why);
/** Tell whoever waits for it that it will not be; nobody does where the server
 * began it. */
void gws_sub_refuse(const gw_sub *sub, uint32_t code, const char *reason);
/** End it from here: the client is told the code, and a reason or NULL. */
void gws_sub_end(gw_sub *sub, uint32_t code, const char *reason,
                 enum gws_farewell why);

/** Get a catchup for one that is fully live. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_sub_need_catchup(gw_sub *sub);

/** Change the feeds and what follows from them: the seat among the live ones,
 * the list that it is in, the catchup. */
void gws_sub_set_feed(gw_sub *sub, enum gws_feed feed);
void gws_sub_set_roster(gw_sub *sub, enum gws_roster_feed roster);
/** Put it into the list that it belongs to, after its channel's state changed.
 */
void gws_sub_sort(gw_sub *sub);

/** Of those to draw from: let others of its lane have their turn. */
void gws_sub_draw_last(gw_sub *sub);

/** The lane of all that it is sent, from Subscribed to Unsubscribed. */
static inline enum gw_lane_id gws_sub_lane(const gw_sub *sub) {
  return (enum gw_lane_id)sub->lane;
}

/* ---- recovery.c: serving a cursor --------------------------------------- */

/** Answer Subscribe on an attached channel, and begin its feeds. */
void gws_recovery_begin(gw_sub *sub);
/** Queue the next chunk for one that is drawing. */
void gws_recovery_draw(gw_sub *sub);

/* ---- draw.c: what follows a cursor --------------------------------------- */

/** Queue what follows the cursor of one that is RECOVERING or LAGGING. False: it
 * had to be ended, and is gone. */
bool gws_draw_stream(gw_sub *sub);
/** Queue that offsets, both inclusive, are not sent; why: enum gw_gap_reason. */
void gws_push_lagged(gw_sub *sub, uint64_t from, uint64_t to, uint32_t why);

#endif
