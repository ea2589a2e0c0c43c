/* SPDX-License-Identifier: MIT */
/* hub_state.h - the fields of a hub, and what every file of the core needs from
 * it: time, random numbers, keyed hashes, scratch space, the log. */
#ifndef GODWIT_SERVER_HUB_STATE_H
#define GODWIT_SERVER_HUB_STATE_H

#include "server/core/acts.h"
#include "server/core/hub.h"
#include "server/core/index.h"
#include "server/core/names.h"
#include "server/core/receipts.h"
#include "server/core/refused.h"
#include "server/core/resume.h"
#include "server/core/revocation.h"
#include "server/core/shelf.h"
#include "server/core/slots.h"
#include "server/core/wheel.h"

/** What a timer is part of; see the table in hub.c. */
enum gws_timer_kind {
  GWS_TIMER_SESSION,
  GWS_TIMER_CHANNEL,
  GWS_TIMER_BATCH,
  GWS_TIMER_FILTERED,
  GWS_TIMER_PRESENCE,
  GWS_TIMER_MEMBER,
  GWS_TIMER_IDLE,
  GWS_TIMER_CALL,
  GWS_TIMER_SENT_CALL,
  GWS_TIMER_IDENTITY,
  GWS_TIMER_LEASE,
  GWS_TIMER_REVOCATIONS,
  GWS_TIMER_GROUPS,
  GWS_TIMER_HOLD,
  GWS_TIMER_ABSENCE,
  GWS_TIMER_RESUME,
  GWS_TIMER_QUOTA,
  GWS_TIMER_DRAIN
};

/** The thing that a timer lies in. */
#define GWS_AROUND(ptr, type, member) \
  ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** As the port's log function has them. */
enum gws_log_level { GWS_LOG_ERROR, GWS_LOG_WARN, GWS_LOG_INFO, GWS_LOG_DEBUG };

typedef struct gw_channel gw_channel;
typedef struct gws_piece gws_piece;
struct gw_call_open;
struct gw_call_sent;

/** Shutdown under way. */
struct gws_drain {
  bool on;
  uint32_t window_ms;
  uint64_t ends_ms;
  uint32_t next;  /**< slot of the next session to tell */
  uint32_t batch; /**< sessions per step */
  gw_timer timer;
};

/** What another worker was not sent for want of memory. */
struct gws_loss {
  struct gw_mail *ready; /**< to tell it; NULL: there is none */
  bool is_due;
};

/** The last changes of connections; see conn_state.h. All zero is empty. */
typedef struct gw_absence gw_absence;
typedef struct gw_conn_change gw_conn_change;
typedef struct gw_conn_log {
  gw_conn_change *ring; /**< NULL: nothing was ever noted, or no memory */
  uint64_t num;         /**< that were noted */
} gw_conn_log;

struct gw_hub {
  gw_hub_port port;
  void *user;
  const gw_settings *settings;
  uint32_t worker;
  uint32_t num_workers;
  uint8_t hash_key[16];
  uint64_t now_ms;
  uint64_t start_ms; /* the first time that it was told */
  uint64_t wall_ms;
  gw_wheel wheel;
  gw_stats stats;

  gw_slots sessions;
  gw_index clients;       /**< open sessions by client id */
  gw_index users;         /**< first of each user's; see bunch.h */
  uint64_t places;        /**< hides the slots in ids of connections */
  gw_index tokens;        /**< timers of identities and leases by token id */
  gw_session *ending;     /**< sessions to take apart at the safe point */
  struct gw_sub *orphans; /**< subscriptions to look at there; see scope.h */
  unsigned depth;         /**< calls from outside that are under way */
  uint32_t low_water;     /**< half of the queue's cap */

  gw_slots channels;
  gw_index by_name;  /**< channels */
  gw_index followed; /**< attached channels of other workers, by number */
  gw_index present;  /**< first row of each user in presences; see bunch.h */
  gw_names names;    /**< patterns, wherever their subscribers are */
  struct gws_loss *losses; /**< by worker; NULL: there are no patterns */
  gw_index filters;        /**< by hash; see filter.h */
  uint64_t filter_stamp;
  uint32_t num_owned;
  uint32_t *forwarded;     /**< unanswered commands, per worker */
  gw_refused_list refused; /**< for want of memory, by channel and client */

  struct gw_group_slot *groups; /**< of the node, by name; see groups.h */
  gw_mail *late_groups;         /**< that there was no memory for */
  gw_timer late_timer;
  uint64_t last_group_version; /**< of those that are owned here */
  uint32_t last_delivery;      /**< of a message; see send.c */

  uint64_t last_ticket;      /**< of a question */
  const gw_verdict *decided; /**< for the frame that is handled; NULL: ask */

  struct gw_batch *turn_batches; /**< that wait for the end of the turn */
  size_t turn_width;             /**< sum of theirs */
  struct gw_api_open *open_api;  /**< questions that other workers are asked */
  uint32_t last_call;
  struct gw_call_open *open_calls; /**< by id */
  struct gw_call_sent *sent_calls; /**< by id */
  gw_on_call on_call;
  void *on_call_user;
  gw_on_channel on_channel;
  void *on_channel_user;

  gw_on_event on_event;
  void *on_event_user;
  gw_on_connection on_connection;
  void *on_connection_user;

  gw_index absent;      /**< connections that may come back, by client */
  gw_absence *absences; /**< the same; utlist */
  uint32_t num_absent;  /**< of these, own ones */
  gw_conn_log conn_log;

  gws_pasts records; /**< of connections that may be resumed */
  gws_acts acts;     /**< for connections that are not let in yet */

  gws_piece *news; /**< gathered; see news.h */
  gws_piece *last_news;
  uint32_t num_news;
  bool has_state;                 /**< there is shared state */
  bool has_forms;                 /**< some namespace wants names in a form */
  const gw_namespace *news_space; /**< of $events; NULL: there is none */
  const gw_inspector *inspector;  /**< NULL: nobody */
  void *inspector_user;

  gws_receipts receipts;
  gw_revocations revocations;
  struct gw_quota *quotas;     /**< uthash: what users use on this worker */
  struct gw_quota_home *homes; /**< uthash: users that this worker counts */

  struct gws_drain drain;
  gw_out scratch;
  gw_shelf shelf;                     /**< what histories drop */
  struct gw_delta_table *delta_table; /**< NULL: no delta was ever made */
  uint8_t *json_frame;                /**< where JSON input becomes a frame */
};

/** Every entry from outside is between these two: the last leave is the safe
 * point, where sessions that ended are taken apart. */
void gws_hub_enter(gw_hub *h);
void gws_hub_leave(gw_hub *h);

/** Keyed, so that peers cannot choose names that meet. */
uint64_t gws_hub_hash(const gw_hub *h, const void *data, size_t len);
/** Of a public id, for an index. */
uint32_t gws_hub_id_hash(const gw_hub *h, uint64_t id);
uint64_t gws_hub_random(gw_hub *h); /**< never 0 */
/** The time now, where it matters which of two workers was first. */
uint64_t gws_hub_clock(gw_hub *h);

/** Empty space to encode into, valid until asked for again; at least
 * GWS_SCRATCH_MIN. NULL when there is none of this size. */
gw_out *gws_hub_scratch(gw_hub *h, size_t room);
/** Any message but a publication, an RPC or one with members fits. */
#define GWS_SCRATCH_MIN 4096u

/** Size of what is drawn at a time: the protocol's, unless the queue's cap is
 * smaller than that. */
size_t gws_hub_chunk_bytes(const gw_hub *h);

void gws_hub_set_timer(gw_hub *h, gw_timer *t, uint64_t delay_ms);

/** fields as printf. */
void gws_hub_log(gw_hub *h, int level, const char *event, const char *fields,
                 ...);

/** Copy a text from anywhere for a log line: nothing in it looks like the log's
 * own quotes or lines. */
void gws_log_text(char *to, size_t cap, gw_view text);

/** Count an allocation that failed. */
void gws_hub_nomem(gw_hub *h);

/** Whether a worker has as many unanswered commands as it may. */
bool gws_hub_is_worker_busy(const gw_hub *h, uint32_t worker);

#endif
