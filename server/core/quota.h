/* SPDX-License-Identifier: MIT */
/* quota.h - what a user may have on the whole node: so many connections, and so
 * many operations in a time. */
#ifndef GODWIT_SERVER_QUOTA_H
#define GODWIT_SERVER_QUOTA_H

#include "server/core/bucket.h"
#include "server/core/wheel.h"

typedef struct gw_hub gw_hub;
typedef struct gw_session gw_session;
typedef struct gw_mail gw_mail;

/*
 *   worker of a connection                         worker that counts the user
 *     |  JOIN (user, connection, client)                    |   (by its hash)
 *     |---------------------------------------------------->|
 *     |  SHARE (of the rate: one of N workers)              |
 *     |<----------------------------------------------------|
 *     |  CLOSE (a connection that is one too many)          |
 *     |<----------------------------------------------------|
 *     |  LEAVE (connection)                                 |
 *     |---------------------------------------------------->|
 *
 * A connection opens without waiting for an answer; one too many is closed a
 * moment later. A user's rate is shared out among the workers that have
 * connections of it, or had, until what these used has come again: evenly, so that
 * no message has to ask another worker, and less where one worker does not use its
 * share. In the long run it is never more than the rate in all; a worker that the
 * user comes to for the first time has a whole burst, until it is told its share.
 */

struct gw_quota;

/** A session's place. All zero: none. */
typedef struct gw_quota_seat {
  struct gw_quota *quota;
  gw_mail *leave; /**< ready for the end, which memory must not stand in the way
                       of */
} gw_quota_seat;

/** Whether the session's user is held to a quota. */
bool gws_quota_applies(const gw_session *s);

/** Take a place, if it applies. false when out of memory. */
bool gws_quota_join(gw_session *s, gw_quota_seat *seat);
void gws_quota_leave(gw_session *s, gw_quota_seat *seat);

/** Take one operation of this worker's share. 0, or wait so many ms. */
uint32_t gws_quota_take(gw_hub *h, gw_quota_seat *seat);

/** All that was used has come again. */
void gws_quota_on_timer(gw_hub *h, gw_timer *t);

void gws_quota_on_join(gw_hub *h, gw_mail *m);
void gws_quota_on_leave(gw_hub *h, gw_mail *m);
void gws_quota_on_share(gw_hub *h, gw_mail *m);
void gws_quota_on_close(gw_hub *h, gw_mail *m);

void gws_quotas_free(gw_hub *h);

#endif
