/* SPDX-License-Identifier: MIT */
/* api_access.c - taking rights away. */
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_match.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/mem.h"
#include "server/core/session.h"

typedef Godwit__Api__V1__Ended ended;

/** Add a row to a reply. */
static void tell_ended(void *reply_arg, const gw_session *s,
                       const gw_sub *sub) {
  char texts[GW_MAX_USER_BYTES + GW_MAX_CHANNEL_BYTES + 2], *at = texts;
  ended one = GODWIT__API__V1__ENDED__INIT;
  ended *list[] = {&one};
  Godwit__Api__V1__RevokeReply reply = GODWIT__API__V1__REVOKE_REPLY__INIT;
  one.connection = s->connection;
  one.client = s->client;
  one.user = gws_api_text(gws_session_user(s), &at);
  if (sub != NULL)
    one.channel = gws_api_text(gws_channel_name(sub->channel), &at);
  reply.ended = list;
  reply.n_ended = 1;
  gws_reply_add(reply_arg, &reply.base);
}

/** How many of these are given. */
static unsigned num_given(bool a, bool b, bool c) {
  return (unsigned)a + (unsigned)b + (unsigned)c;
}

static uint32_t refuse(gws_reply *r, uint32_t code, const char *why) {
  r->why = why;
  return code;
}

static void log_revoked(gw_hub *h, const gws_revocation *r) {
  char user[GW_MAX_USER_BYTES + 1];
  gws_log_text(user, sizeof user, r->user);
  gws_hub_log(h, GWS_LOG_INFO, "access.revoked",
              "user=\"%s\" token=%016llx for_ms=%llu", user,
              (unsigned long long)r->token_id, (unsigned long long)r->for_ms);
}

/** Where the connection is, its token is known, and the others are told of that;
 * one without a token is only closed. */
static uint32_t revoke_connection(gw_hub *h, uint64_t connection,
                                  gws_revocation *what, gws_reply *r) {
  gws_match who = {.connection = connection};
  gw_session *s = gws_match_next(h, &who);
  if (s == NULL) return GW_CODE_OK; /* with another worker, or gone */
  what->token_id = s->identity != NULL ? s->identity->token_id : 0;
  if (what->token_id == 0) {
    tell_ended(r, s, NULL);
    gws_session_end(s, GW_CODE_TOKEN_REVOKED, NULL);
    return GW_CODE_OK;
  }
  log_revoked(h, what);
  bool are_told = gws_revocation_tell(h, what);
  uint32_t code = gws_revoke(h, what, tell_ended, r);
  return are_told ? code : (uint32_t)GW_CODE_INTERNAL;
}

uint32_t gws_api_revoke(gw_hub *h, const gw_caller *caller,
                        const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__RevokeRequest *q = (const void *)request;
  gw_view user = gw_view_of(q->user), token = gw_view_of(q->token);
  if (num_given(user.len != 0, token.len != 0, q->connection != 0) != 1)
    return refuse(r, GW_CODE_BAD_REQUEST,
                  "name a user, a token or a connection");
  if (user.len > GW_MAX_USER_BYTES) return GW_CODE_TOO_BIG;
  gws_revocation what = {.user = user, .for_ms = q->for_ms};
  if (q->connection != 0) return revoke_connection(h, q->connection, &what, r);
  if (token.len != 0) what.token_id = gw_token_id(token, token);
  if (user.len != 0)
    what.issued_until_ms =
        q->issued_until_ms != 0 ? q->issued_until_ms : caller->asked_ms;
  log_revoked(h, &what);
  return gws_revoke(h, &what, tell_ended, r);
}
