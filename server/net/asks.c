/* SPDX-License-Identifier: MIT */
/* asks.c - routes a question to whoever is configured. */
#include "server/net/asks.h"

#include "server/hooks/hooks.h"
#include "server/net/events.h"

bool gw_asks_are_any(const gw_asks *a) {
  return a->auth != NULL || a->hooks != NULL;
}

/** Nobody is there for it: names are as claimed, tokens mean nothing, and what
 * was left to somebody is refused. */
static void answer_alone(const gw_question *q, gw_verdict *v) {
  *v = (gw_verdict){.code = GW_CODE_OK};
  switch (q->kind) {
  case GW_ASK_CONNECT:
    v->user = q->user;
    v->is_only_claimed = true;
    break;
  case GW_ASK_REFRESH:
    break;
  case GW_ASK_SUBSCRIPTION_REFRESH:
    v->code = GW_CODE_TOKEN_INVALID;
    break;
  default:
    v->code = GW_CODE_PERMISSION_DENIED;
    break;
  }
}

/** Whether the hook is one of the ways that the question leaves open. */
static bool is_for_hooks(const gw_asks *a, const gw_question *q) {
  if (a->hooks == NULL || !gw_hooks_are_used(a->hooks, gw_hook_of(q->kind)))
    return false;
  return q->rule == NULL || (q->rule->who & GW_WHO_HOOK) != 0;
}

/** Whether a token is. */
static bool is_for_auth(const gw_asks *a, const gw_question *q) {
  if (a->auth == NULL) return false;
  switch (q->kind) {
  case GW_ASK_CONNECT:
  case GW_ASK_REFRESH:
  case GW_ASK_SUBSCRIPTION_REFRESH:
    return true;
  case GW_ASK_SUBSCRIBE:
    return (q->rule->who & GW_WHO_TOKEN) != 0;
  default:
    return false;
  }
}

bool gw_asks_ask(const gw_asks *a, const gw_question *q,
                 const gw_request *request, gw_verdict *verdict) {
  bool has_hook = is_for_hooks(a, q);
  if (is_for_auth(a, q) && (q->token.len != 0 || !has_hook))
    return gw_auth_ask(a->auth, q, verdict);
  if (has_hook) return gw_hooks_ask(a->hooks, a->worker, q, request, verdict);
  answer_alone(q, verdict);
  return true;
}

/* ---- channels --------------------------------------------------------------- */

static bool has_channel_hook(const gw_asks *a) {
  return a->hooks != NULL && gw_hooks_are_used(a->hooks, GW_HOOK_CHANNEL);
}

bool gw_asks_want_channels(const gw_asks *a) {
  return a->on_channel != NULL || a->events != NULL || has_channel_hook(a);
}

void gw_asks_tell_channel(const gw_asks *a, const gw_notice *notice) {
  if (a->on_channel != NULL) a->on_channel(a->on_channel_user, notice);
  if (a->events != NULL) gw_events_tell_notice(a->events, notice);
  if (has_channel_hook(a)) gw_hooks_tell(a->hooks, a->worker, notice);
}

/* ---- presence --------------------------------------------------------------- */

bool gw_asks_want_presence(const gw_asks *a) {
  return a->hooks != NULL ||
         (a->events != NULL && gw_events_want_presence(a->events));
}

/* ---- connections ------------------------------------------------------------ */

static bool has_connection_hook(const gw_asks *a) {
  return a->hooks != NULL && gw_hooks_are_used(a->hooks, GW_HOOK_CONNECTION);
}

bool gw_asks_want_connections(const gw_asks *a) {
  return a->on_connection != NULL || a->events != NULL ||
         has_connection_hook(a);
}

void gw_asks_tell_connection(const gw_asks *a, const gw_notice *notice) {
  if (a->on_connection != NULL) a->on_connection(a->on_connection_user, notice);
  if (a->events != NULL) gw_events_tell_notice(a->events, notice);
  if (has_connection_hook(a)) gw_hooks_tell(a->hooks, a->worker, notice);
}
