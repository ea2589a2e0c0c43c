/* SPDX-License-Identifier: MIT */
/* state.c - the states of a connection and the moves between them. */
#include <assert.h>

#include "client/internal.h"

#define BIT(state) (1u << GW_STATE_##state)

/** Ends that any state with an attempt going on or due can come to. */
#define ENDS (BIT(WAITING) | BIT(SUSPENDED) | BIT(CLOSED) | BIT(FAILED))

/** Where a connection may go from each state. */
static const uint16_t moves[GW_STATE_COUNT] = {
    [GW_STATE_IDLE] = BIT(CONNECTING) | BIT(CLOSED),
    [GW_STATE_CONNECTING] = BIT(AUTHENTICATING) | ENDS,
    [GW_STATE_AUTHENTICATING] = BIT(SYNCING) | ENDS,
    [GW_STATE_SYNCING] = BIT(READY) | BIT(DEGRADED) | ENDS,
    [GW_STATE_READY] = BIT(DEGRADED) | ENDS,
    [GW_STATE_DEGRADED] = BIT(READY) | ENDS,
    [GW_STATE_WAITING] =
        BIT(CONNECTING) | BIT(SUSPENDED) | BIT(CLOSED) | BIT(FAILED),
    [GW_STATE_SUSPENDED] =
        BIT(CONNECTING) | BIT(WAITING) | BIT(CLOSED) | BIT(FAILED),
    [GW_STATE_CLOSED] = BIT(CONNECTING),
    [GW_STATE_FAILED] = BIT(CONNECTING) | BIT(CLOSED),
};

/** As the log tells them; the names alone come behind the prefix. */
#define PREFIX "state: "
static const char *const names[GW_STATE_COUNT] = {
    PREFIX "idle",    PREFIX "connecting", PREFIX "authenticating",
    PREFIX "syncing", PREFIX "ready",      PREFIX "degraded",
    PREFIX "waiting", PREFIX "suspended",  PREFIX "closed",
    PREFIX "failed"};

static const char *const sub_names[GW_SUB_COUNT] = {
    "idle", "subscribing", "recovering", "live", "ended"};

const char *gw_state_name(enum gw_state state) {
  if ((unsigned)state >= GW_STATE_COUNT) return "unknown";
  return names[state] + sizeof PREFIX - 1;
}

const char *gw_sub_state_name(enum gw_sub_state state) {
  return (unsigned)state < GW_SUB_COUNT ? sub_names[state] : "unknown";
}

bool gw_state_may_move(enum gw_state from, enum gw_state to) {
  return (unsigned)from < GW_STATE_COUNT && (unsigned)to < GW_STATE_COUNT &&
         (moves[from] >> to & 1u) != 0;
}

bool gw__set_state(gw_client *c, enum gw_state to, uint32_t code,
                   const gw_view *reason) {
  enum gw_state from = c->state;
  assert(gw_state_may_move(from, to)); /* callers know where they are */
  if (c->port.may_move != NULL && !c->port.may_move(c->user, from, to, code) &&
      to == GW_STATE_CONNECTING)
    return false;
  c->state = to;
  c->since_ms = c->now;
  c->code = code;
  gw_event *e = gw__events_push(c, GW_EVENT_STATE);
  e->u.state.from = from;
  e->u.state.to = to;
  e->u.state.code = code;
  if (reason != NULL) e->u.state.reason = *reason;
  e->u.state.attempt = c->backoff.attempt;
  if (to == GW_STATE_WAITING || to == GW_STATE_SUSPENDED)
    e->u.state.retry_at_ms = c->retry_at_ms;
  gw__log(c, GW_LOG_INFO, names[to]);
  return true;
}
