/* SPDX-License-Identifier: MIT */
/* channel.h - a channel on one worker: its stream and its subscribers. */
#ifndef GODWIT_SERVER_CHANNEL_H
#define GODWIT_SERVER_CHANNEL_H

#include "server/core/dedup_window.h"
#include "server/core/expiry.h"
#include "server/core/history.h"
#include "server/core/hub_state.h"
#include "server/core/subscription.h"

struct gw_batch;
struct gw_filtered;
struct gw_pattern;
struct gw_presence;

/*
 * The worker that owns a channel and those that follow it hold the same stream:
 * number, epoch, top and history. Subscribers are served from it alike; only
 * who writes to it differs.
 *
 *    OWNED     stamps offsets; knows the followers, keys and members
 *    ATTACHING a follower that has asked for the state; nothing can be served
 *    ATTACHED  a follower that is given each publication and diff
 */
enum gws_channel_state {
  GWS_CHANNEL_OWNED,
  GWS_CHANNEL_ATTACHING,
  GWS_CHANNEL_ATTACHED
};

/** A subscriber. Both pointers, so that a fan-out goes straight to the session
 * and looks at the subscription only when something is out of the ordinary. */
typedef struct gw_seat {
  gw_session *session;
  gw_sub *sub;
} gw_seat;

/** A worker that follows an owned channel. */
typedef struct gw_follower {
  uint32_t worker;
  uint64_t handle; /**< of the channel over there */
  gw_mail *reset;  /**< ready for when there is no memory for other mail */
} gw_follower;

struct gw_channel {
  gw_hub *hub;
  const gw_namespace *ns;
  uint64_t hash; /**< of the name; names the owner and finds the channel */
  uint64_t handle;
  uint64_t epoch; /**< random, not 0 */
  uint64_t top;   /**< offset of the last publication */
  gw_history history;
  gw_seat *seats; /**< first the live ones, then the choosy live ones */
  uint32_t num_seats;
  uint32_t num_live;   /**< those that take whatever comes */
  uint32_t num_choosy; /**< live ones that are asked; see filtered.h */
  uint32_t cap_seats;
  uint32_t number; /**< on this node; 0: not known yet */
  uint32_t owner;  /**< worker */
  uint8_t state;   /**< enum gws_channel_state */
  uint8_t name_len;
  bool is_asked;                /**< ATTACHING: the mail is on its way */
  struct gw_presence *presence; /**< NULL: nobody was ever present */
  struct gw_batch *batch;       /**< NULL: nothing was ever gathered */
  struct gw_filtered *filtered; /**< NULL: nobody was ever choosy */
  gw_buf *meta;                 /**< JSON about it; NULL: none */
  struct gw_pattern *pattern;   /**< NULL: a channel, not a pattern of names */
  gw_timer timer;               /**< housekeeping, lingering, attaching again */
  uint64_t used_ms;             /**< when it was in use last */
  uint64_t asked_ms;            /**< ATTACHING: when the owner was asked */
  /* of an owned one */
  gw_follower *followers;
  uint32_t num_followers;
  gw_dedup_window window;
  gw_expiry expiry; /**< of items of a map */
  uint64_t made_ms;
  gw_bucket rate; /**< of publications */
  uint8_t name[];
};

/** Names the owner: the same on every worker of the node. */
uint32_t gws_channel_owner(const gw_hub *h, uint64_t hash);

/** Length, text, no control characters. */
bool gws_channel_name_is_valid(const gw_hub *h, gw_view name);

gw_view gws_channel_name(const gw_channel *ch);
gw_channel *gws_channel_find(const gw_hub *h, gw_view name, uint64_t hash);
gw_channel *gws_channel_by_number(const gw_hub *h, uint32_t number);

/** Find or make: owned here, or attaching to its owner. NULL with a code in
 * *code: LIMIT_REACHED, INTERNAL. */
gw_channel *gws_channel_get(gw_hub *h, gw_view name, uint64_t hash,
                            uint32_t *code);
/** A follower learns the number. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_channel_set_number(gw_channel *ch, uint32_t number);
/** It has no seats any more. */
void gws_channel_free(gw_channel *ch);

/** Whether it stands for all channels whose names match. */
bool gws_channel_is_pattern(const gw_channel *ch);

/** Whether there is a stream to serve from. */
bool gws_channel_is_ready(const gw_channel *ch);
/** Offset of the oldest record that is kept, top + 1 when there is none. Trims
 * what has expired. */
uint64_t gws_channel_oldest(gw_channel *ch);
/** In which its subscribers are sent what is its, by its namespace's priority. */
enum gw_lane_id gws_channel_lane(const gw_channel *ch);
/** What its namespace has kept at most. */
gw_history_max gws_channel_max(const gw_channel *ch);

/** Append a publication to the stream. Takes the reference. GW_ERR_NOMEM: it is
 * a map, which misses the publication now. */
GW_MUST_USE int gws_channel_append(gw_channel *ch, gw_buf *buf,
                                   uint64_t expires_ms);

/** Seats. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_channel_sit(gw_channel *ch, gw_sub *sub);
void gws_channel_stand(gw_channel *ch, gw_sub *sub);
/** Where its seat is. */
enum gws_rank { GWS_RANK_LIVE, GWS_RANK_CHOOSY, GWS_RANK_APART };
void gws_channel_rank(gw_channel *ch, gw_sub *sub, enum gws_rank rank);

/** At the owner: end it, with all that it keeps; whoever has it is told. */
void gws_channel_end(gw_channel *ch);

/** It may have become unused, or got something that expires: see to it that the
 * timer is set. */
void gws_channel_touch(gw_channel *ch);
void gws_channel_on_timer(gw_channel *ch);

#endif
