/* SPDX-License-Identifier: MIT */
/* api_access.c - taking rights and connections away. */
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/mem.h"
#include "server/core/session.h"

typedef Godwit__Api__V1__Ended ended;

static char *text_of(gw_view v, char *to) {
  if (v.len != 0) memcpy(to, v.data, v.len);
  to[v.len] = '\0';
  return to;
}

/** Add a row to a reply; RevokeReply and DisconnectReply are alike. */
static void tell_ended(void *reply_arg, const gw_session *s,
                       const gw_sub *sub) {
  char user[GW_MAX_USER_BYTES + 1], channel[GW_MAX_CHANNEL_BYTES + 1] = "";
  ended one = GODWIT__API__V1__ENDED__INIT;
  ended *list[] = {&one};
  Godwit__Api__V1__RevokeReply reply = GODWIT__API__V1__REVOKE_REPLY__INIT;
  one.connection = s->connection;
  one.client = s->client;
  one.user = text_of(gws_session_user(s), user);
  if (sub != NULL) (void)text_of(gws_channel_name(sub->channel), channel);
  one.channel = channel;
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

static gw_session *find_connection(const gw_hub *h, uint64_t connection) {
  for (uint32_t i = 0; i < h->sessions.num; i++) {
    gw_session *s = gw_slots_at(&h->sessions, i);
    if (s != NULL && s->state == GWS_SESSION_OPEN &&
        s->connection == connection)
      return s;
  }
  return NULL;
}

/* ---- revoke --------------------------------------------------------------- */

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
  gw_session *s = find_connection(h, connection);
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
  if (!caller->is_trusted) return GW_CODE_PERMISSION_DENIED;
  if (num_given(user.len != 0, token.len != 0, q->connection != 0) != 1)
    return refuse(r, GW_CODE_BAD_REQUEST,
                  "name a user, a token or a connection");
  if (user.len > GW_MAX_USER_BYTES) return GW_CODE_TOO_BIG;
  gws_revocation what = {.user = user, .for_ms = q->for_ms};
  if (q->connection != 0) return revoke_connection(h, q->connection, &what, r);
  if (token.len != 0) what.token_id = gw_token_id(token, token);
  if (user.len != 0)
    what.issued_until_ms =
        q->issued_until_ms != 0 ? q->issued_until_ms : h->wall_ms;
  log_revoked(h, &what);
  return gws_revoke(h, &what, tell_ended, r);
}

/* ---- disconnect ------------------------------------------------------------ */

/** What they are told. */
typedef struct farewell {
  uint32_t code;
  const char *reason; /**< NULL: the code's own sentence */
  uint32_t retry_after_ms;
} farewell;

static void end(gw_session *s, const farewell *f, gws_reply *r) {
  if (s->state != GWS_SESSION_OPEN) return;
  tell_ended(r, s, NULL);
  gws_session_end_later(s, f->code, f->reason, f->retry_after_ms,
                        f->retry_after_ms);
}

static void end_user(gw_hub *h, gw_view user, const farewell *f, gws_reply *r) {
  gw_index_walk walk = {.hash = (uint32_t)gws_hub_hash(h, user.data, user.len)};
  gw_session *s;
  while ((s = gw_index_next(&h->users, &walk)) != NULL) {
    if (gw_view_eq(gws_session_user(s), user)) end(s, f, r);
  }
}

static void end_client(gw_hub *h, uint64_t client, const farewell *f,
                       gws_reply *r) {
  gw_index_walk walk = {.hash =
                            (uint32_t)gws_hub_hash(h, &client, sizeof client)};
  gw_session *s;
  while ((s = gw_index_next(&h->clients, &walk)) != NULL) {
    if (s->client == client) end(s, f, r);
  }
}

uint32_t gws_api_disconnect(gw_hub *h, const gw_caller *caller,
                            const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__DisconnectRequest *q = (const void *)request;
  gw_view user = gw_view_of(q->user), reason = gw_view_of(q->reason);
  farewell f = {q->code != 0 ? q->code : (uint32_t)GW_CODE_FORCED,
                reason.len != 0 ? q->reason : NULL, q->retry_after_ms};
  if (!caller->is_trusted) return GW_CODE_PERMISSION_DENIED;
  if (num_given(user.len != 0, q->client != 0, q->connection != 0) != 1)
    return refuse(r, GW_CODE_BAD_REQUEST,
                  "name a user, a client or a connection");
  if (f.code < 100 || f.code > 999)
    return refuse(r, GW_CODE_BAD_REQUEST, "code has to be from 100 to 999");
  if (reason.len > GW_MAX_REASON_BYTES) return GW_CODE_TOO_BIG;
  if (user.len != 0) end_user(h, user, &f, r);
  if (q->client != 0) end_client(h, q->client, &f, r);
  gw_session *s = q->connection != 0 ? find_connection(h, q->connection) : NULL;
  if (s != NULL) end(s, &f, r);
  return GW_CODE_OK;
}
