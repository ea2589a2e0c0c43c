/* SPDX-License-Identifier: MIT */
/* conn_state.h - the server's view of connections: which state each is in, since
 * when, and the last changes. */
#ifndef GODWIT_SERVER_CONN_STATE_H
#define GODWIT_SERVER_CONN_STATE_H

#include "server/core/hub_state.h"

/*
 *            +--- nothing but pings ---> IDLE ---+
 *   CONNECTED <------ anything else -----+       |
 *     ^   |                                      |
 *     |   +--- lost ---> RECONNECTING <----------+
 *     |   +--- by a fault -----> ERROR <---------+
 *     |                            |   after the grace time, or goodbye,
 *     +--- the client is back -----+   or closed for good -----> DISCONNECTED
 *
 * An open connection has its state in the session. One that may come back is an
 * absence, kept by the worker that lost it, and told to the others, so that the
 * one which the client comes to can say that it is there. Of two workers that lost
 * it before they heard of each other, the lower one waits. Where there is no memory
 * or place for an absence, the connection is DISCONNECTED at once.
 */

/** Absences that a worker keeps of its own; those that come then are counted. */
#define GWS_ABSENT_MAX 16384u

/** A connection that may come back. */
struct gw_absence {
  struct gw_absence *prev, *next; /**< hub.absences */
  gw_timer timer;                 /**< the end of the grace time */
  uint64_t client;
  uint64_t connection;
  uint64_t since_ms; /**< monotonic */
  uint32_t worker;   /**< that lost it */
  uint16_t code;
  uint8_t state; /**< enum gw_conn_state */
  bool is_ceded; /**< this worker waited, too, and left it to the other */
  uint8_t user_len;
  uint8_t user[];
};

/** A change that is remembered. */
struct gw_conn_change {
  uint64_t time_ms; /**< since 1970 */
  uint64_t client;
  uint64_t connection;
  uint16_t code;
  uint8_t from; /**< enum gw_conn_state; NONE: it is new */
  uint8_t to;
  uint8_t user_len;
  uint8_t user[63]; /**< longer names lose their end */
};

/** NONE: there is no such state. */
enum gw_conn_state gws_conn_find(const char *word);

/** It was welcomed. */
void gws_conn_opened(gw_session *s);
/** It sent something that is no ping. */
void gws_conn_active(gw_session *s);
/** Now and then: whether it has become idle. */
void gws_conn_look(gw_session *s);
/** It has ended, and is in the table of clients no more. */
void gws_conn_ended(gw_session *s);

/** What the log keeps of a name: as much as fits, of whole characters. */
gw_view gws_conn_log_name(gw_view user);
/** Change i of the log, 0 being the newest; NULL: there are no more. */
const gw_conn_change *gws_conn_change_at(const gw_hub *h, uint64_t i);

void gws_conn_on_timer(gw_hub *h, gw_absence *a);
typedef struct gw_mail gw_mail;
void gws_conn_on_lost(gw_hub *h, gw_mail *m);
void gws_conn_on_found(gw_hub *h, gw_mail *m);
void gws_conn_free(gw_hub *h);

#endif
