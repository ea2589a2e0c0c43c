/* SPDX-License-Identifier: MIT */
/* idle.h - how long the user of a connection has done nothing, and what that
 * makes of its members: online, then away, then gone. */
#ifndef GODWIT_SERVER_IDLE_H
#define GODWIT_SERVER_IDLE_H

#include "server/core/session.h"

/*
 * The worker of the connection sees what the user does, the owner of the channel
 * keeps the member. So the first keeps the time, and tells the second of each
 * transition, and of the user's return:
 *
 *   session   set online ----- 5m: IDLE ----- 30m: IDLE ------- publishes: ACTIVE
 *   member        online          away            (left)            online
 *
 * What counts as doing something is Publish, PresenceSet, Rpc and Send.
 */
typedef struct gw_idle {
  gw_timer timer;
  gw_sub *sub;
  uint32_t first; /**< transition from the state that was set; GWS_IDLE_NONE */
  uint32_t next;  /**< that comes; GWS_IDLE_NONE */
  bool has_stepped; /**< the owner was told of one */
} gw_idle;

#define GWS_IDLE_NONE UINT32_MAX

/** A PresenceSet was handed on: watch its member from now on. GW_ERR_NOMEM: it
 * is not watched. */
GW_MUST_USE int gws_idle_begin(gw_sub *sub, const gw_presence_set *msg);
/** The member has left, or its subscription ends. */
void gws_idle_end(gw_sub *sub);
void gws_idle_on_timer(gw_idle *idle);

/** Bring members back. */
void gws_idle_wake(gw_session *s);

/** The user has done something. */
static inline void gws_session_act(gw_session *s) {
  s->active_ms = (int64_t)s->hub->now_ms;
  if (s->num_idle != 0) gws_idle_wake(s);
}

#endif
