/* SPDX-License-Identifier: MIT */
/* load.h - puts load on a server over raw WebSockets, from one thread, and
 * reconciles what was sent, acknowledged and delivered. */
#ifndef GODWIT_LOAD_LOAD_H
#define GODWIT_LOAD_LOAD_H

#include <stdbool.h>

#include "godwit/wire.h"
#include "server/load/histogram.h"

/*
 * A room is a channel of the server with one publisher. Its subscribers each
 * get every publication, in order and once; that is what is checked. A payload
 * begins with its number in the room and the time of sending as text, so that
 * any protocol can carry it:
 *
 *   | 16 hex digits: number | 16 hex digits: ns | "x" up to payload_bytes |
 */
#define GW_LOAD_HEAD_BYTES 32u

/** A publication and its frame have to fit the buffers that are sent from. */
#define GW_LOAD_MAX_PAYLOAD_BYTES (48u * 1024u)

/** Publications of a room that may be under way: what a receiver of Godwit can
 * tell apart when they come again. */
#define GW_LOAD_MAX_WINDOW GW_MAX_INFLIGHT

/** Publications of a room that a storm may let its subscribers miss. */
#define GW_LOAD_MAX_MISSED 65536u

typedef struct gw_load gw_load;

typedef struct gw_load_options {
  const struct gw_load_driver *driver;
  const char *url; /**< ws://HOST[:PORT][/PATH], or wss:// */
  /** For wss://: PEM file of authorities beside the system's; NULL: none. */
  const char *ca_file;
  bool is_insecure; /**< any certificate will do */
  /** Name of the rooms, which have "-NUMBER" added; NULL: one that nobody else
   * uses. */
  const char *room_name;
  const char *token; /**< for servers that ask for one; NULL: none */
  const char *user;
  uint32_t num_rooms;
  uint32_t num_subscribers; /**< of all rooms, who are dealt out in turn */
  /** Whether each room has a publisher. */
  bool has_publishers;
  /** The publisher of a room is its first subscriber, not somebody else. */
  bool is_member;
  /** Where the server has them, echoes instead of publications. */
  bool is_echo;
  bool presence; /**< subscribers enter the presence, and watch it */
  uint32_t payload_bytes;
  uint32_t window; /**< publications under way in each room; 0: paced */
  uint32_t rate;   /**< publications a second in each room, when paced */
  uint32_t max_handshakes; /**< at once; 0: 64 */
  /** For gw_load_storm: publications of each room while its subscribers are
   * gone; 0: there will be no storm. */
  uint32_t num_missed;
  /** Called about once a second while load is put on. May be NULL. */
  void (*on_second)(void *user, gw_load *load);
  /** Called as measuring begins and ends. May be NULL. */
  void (*on_mark)(void *user, bool begins);
  void *on_user;
} gw_load_options;

/** Numbers of what happened so far. */
typedef struct gw_load_counts {
  uint64_t sent;
  uint64_t acked;
  uint64_t delivered;
} gw_load_counts;

typedef struct gw_load_result {
  gw_load_counts counts; /**< of the time that was measured */
  gw_load_counts total;  /**< warm-up and end included */
  uint64_t measured_ns;
  uint64_t late_ns;     /**< the latest that a paced publication was sent */
  gw_histogram latency; /**< from sending to each delivery, ns */
} gw_load_result;

/** How everybody came back. */
typedef struct gw_load_comeback {
  uint64_t ns;        /**< from the first connect() until all had everything */
  uint64_t recovered; /**< deliveries of what was missed */
  gw_histogram live;  /**< from the first connect() until each was live, ns */
} gw_load_comeback;

/** NULL when out of memory or the options make no sense: *why tells. */
gw_load *gw_load_new(const gw_load_options *options, const char **why);
void gw_load_free(gw_load *l);

/* The steps, in this order. Each returns 0, or < 0 when the run has failed;
 * gw_load_why tells why. */

/** Connect and subscribe all. num: so many at most now, to look at the server
 * in between; 0: all. */
GW_MUST_USE int gw_load_open(gw_load *l, uint32_t num);
/** Let time go by, answering pings. */
GW_MUST_USE int gw_load_wait(gw_load *l, uint32_t ms);
/** Publish: warm up, measure, stop, wait for what is under way, reconcile. */
GW_MUST_USE int gw_load_publish(gw_load *l, uint32_t warm_up_ms, uint32_t ms,
                                gw_load_result *result);
/** Instead: cut all subscribers at once, publish what they miss, and let all come
 * back at once, from where they were. Each has to get all of it, once and in
 * order, and be live. */
GW_MUST_USE int gw_load_storm(gw_load *l, gw_load_comeback *comeback);
/** Close all connections. */
void gw_load_close(gw_load *l);

/** Stop early, as if the time were over; from on_second or a signal handler. */
void gw_load_stop(gw_load *l);
bool gw_load_was_stopped(const gw_load *l);

/** What went wrong first, as a sentence; "" when nothing did. */
const char *gw_load_why(const gw_load *l);

gw_load_counts gw_load_count(const gw_load *l);
/** Connections that the options ask for, and those that are open and ready. */
uint32_t gw_load_num_wanted(const gw_load *l);
uint32_t gw_load_num_ready(const gw_load *l);

/** Monotonic nanoseconds. */
uint64_t gw_load_now_ns(void);

/** Raise the limit of open files as far as it goes; returns it. */
uint64_t gw_load_raise_files(void);

#endif
