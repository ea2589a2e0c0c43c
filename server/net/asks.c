/* SPDX-License-Identifier: MIT */
/* asks.c - tokens go to the authenticator. */
#include "server/net/asks.h"

static bool deny(gw_verdict *v, const char *why) {
  v->code = GW_CODE_PERMISSION_DENIED;
  v->message = gw_view_of(why);
  return true;
}

bool gw_asks_route(gw_auth *auth, const gw_question *q, gw_verdict *v) {
  switch (q->kind) {
  case GW_ASK_CONNECT:
  case GW_ASK_REFRESH:
  case GW_ASK_SUBSCRIPTION_REFRESH:
    return gw_auth_ask(auth, q, v);
  case GW_ASK_SUBSCRIBE:
    if ((q->rule->who & GW_WHO_TOKEN) != 0) return gw_auth_ask(auth, q, v);
    break;
  default:
    break;
  }
  /* What is left is the application's, which nobody here can ask yet. */
  return deny(v, "the rule leaves it to a hook, and there is none");
}
