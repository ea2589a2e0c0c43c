/* SPDX-License-Identifier: MIT */
/* api_connections.c - connections: listed, closed, subscribed and not. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_match.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/conn_state.h"
#include "server/core/grants.h"
#include "server/core/mem.h"
#include "server/core/resume.h"

typedef Godwit__Api__V1__ConnectionInfo connection_info;

/** Nobody is named: it could only be a mistake. */
static uint32_t refuse_nobody(gws_reply *r) {
  r->why = "user, client or connection: at least one of them";
  return GW_CODE_BAD_REQUEST;
}

static uint32_t check_reason(const char *reason, uint32_t code, gws_reply *r) {
  if (strlen(reason) <= GW_MAX_REASON_BYTES && code < 1000) return GW_CODE_OK;
  r->why = "code below 1000, reason of at most 120 bytes";
  return GW_CODE_BAD_REQUEST;
}

/** Done to those who are there, an act also counts for those who are not there
 * yet, or not any more. */
static void meet_absent(gw_hub *h, const gws_match *m, gws_act act) {
  gws_resume_forget(h, m->user, m->client, m->connection);
  if (m->connection != 0) return; /* which no other has ever had */
  act.user = m->user;
  act.client = m->client;
  gws_acts_note(h, &act);
}

/* ---- subscriptions --------------------------------------------------------- */

uint32_t gws_api_subscribe(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__SubscribeRequest *q = (const void *)request;
  Godwit__Api__V1__SubscribeReply reply =
      GODWIT__API__V1__SUBSCRIBE_REPLY__INIT;
  gws_match m = {gw_view_of(q->user), q->client, q->connection, 0};
  gw_view name = gw_view_of(q->channel);
  (void)caller;
  if (!gws_match_is_given(&m)) return refuse_nobody(r);
  if (!gws_channel_name_is_valid(h, name)) return GW_CODE_BAD_CHANNEL;
  for (gw_session *s; (s = gws_match_next(h, &m)) != NULL;) {
    if (gws_grant(s, name) == GW_CODE_OK)
      reply.connections++;
    else
      reply.refused++;
  }
  /* Who comes back later has to be asked about: it was not given this. */
  meet_absent(h, &m, (gws_act){.kind = GWS_ACT_GIVE, .channel = name});
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}

uint32_t gws_api_unsubscribe(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__UnsubscribeRequest *q = (const void *)request;
  Godwit__Api__V1__UnsubscribeReply reply =
      GODWIT__API__V1__UNSUBSCRIBE_REPLY__INIT;
  gws_match m = {gw_view_of(q->user), q->client, q->connection, 0};
  gw_view name = gw_view_of(q->channel);
  uint32_t code = q->code != 0 ? q->code : (uint32_t)GW_CODE_FORCED;
  (void)caller;
  if (!gws_match_is_given(&m)) return refuse_nobody(r);
  if (!gws_channel_name_is_valid(h, name)) return GW_CODE_BAD_CHANNEL;
  uint32_t bad = check_reason(q->reason, q->code, r);
  if (bad != GW_CODE_OK) return bad;
  const char *reason = q->reason[0] != '\0' ? q->reason : NULL;
  for (gw_session *s; (s = gws_match_next(h, &m)) != NULL;) {
    if (gws_grant_withdraw(s, name, code, reason)) reply.connections++;
  }
  meet_absent(h, &m,
              (gws_act){.kind = GWS_ACT_TAKE,
                        .channel = name,
                        .code = code,
                        .reason = reason});
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}

/* ---- closing --------------------------------------------------------------- */

uint32_t gws_api_disconnect(gw_hub *h, const gw_caller *caller,
                            const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__DisconnectRequest *q = (const void *)request;
  Godwit__Api__V1__DisconnectReply reply =
      GODWIT__API__V1__DISCONNECT_REPLY__INIT;
  gws_match m = {gw_view_of(q->user), q->client, q->connection, 0};
  uint32_t code = q->code != 0 ? q->code : (uint32_t)GW_CODE_FORCED;
  (void)caller;
  if (!gws_match_is_given(&m)) return refuse_nobody(r);
  uint32_t bad = check_reason(q->reason, q->code, r);
  if (bad != GW_CODE_OK) return bad;
  const char *reason = q->reason[0] != '\0' ? q->reason : NULL;
  for (gw_session *s; (s = gws_match_next(h, &m)) != NULL;) {
    gws_session_end_later(s, code, reason, q->retry_after_ms,
                          q->retry_after_ms);
    reply.connections++;
  }
  meet_absent(h, &m,
              (gws_act){.kind = GWS_ACT_END,
                        .code = code,
                        .reason = reason,
                        .retry_after_ms = q->retry_after_ms,
                        .issued_until_ms = UINT64_MAX});
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}

/* ---- listing --------------------------------------------------------------- */

static int by_connection(const void *a, const void *b) {
  uint64_t x = (*(gw_session *const *)a)->connection;
  uint64_t y = (*(gw_session *const *)b)->connection;
  return x < y ? -1 : x > y;
}

static char *next_channel(gw_sub *sub, char **space) {
  return gws_api_text(gws_channel_name(sub->channel), space);
}

/** Names of its channels, to be freed with their list in one. */
static char **list_channels(const gw_session *s) {
  const size_t room = GW_MAX_CHANNEL_BYTES + 1;
  char **names = gw_mem_alloc(s->subs.num * (sizeof(char *) + room) + 1);
  if (names == NULL) return NULL;
  char *space = (char *)(names + s->subs.num);
  size_t num = 0;
  for (gw_sub *sub = s->subs.quiet; sub != NULL; sub = sub->next)
    names[num++] = next_channel(sub, &space);
  for (gw_sub *sub = s->subs.drawing; sub != NULL; sub = sub->next)
    names[num++] = next_channel(sub, &space);
  return names;
}

static void add_connection(const gw_session *s, bool with_channels,
                           gws_reply *r) {
  char texts[3 * (UINT8_MAX + 1)], *at = texts;
  const gw_hub *h = s->hub;
  connection_info info = GODWIT__API__V1__CONNECTION_INFO__INIT;
  connection_info *infos[] = {&info};
  Godwit__Api__V1__ConnectionsReply reply =
      GODWIT__API__V1__CONNECTIONS_REPLY__INIT;
  info.connection = s->connection;
  info.client = s->client;
  info.user = gws_api_text(gws_session_user(s), &at);
  info.peer = gws_api_text(gws_session_peer(s), &at);
  info.agent = gws_api_text(gws_session_agent(s), &at);
  info.since_ms = h->wall_ms - (h->now_ms - s->opened_ms);
  info.state =
      (char *)(uintptr_t)gw_conn_state_name((enum gw_conn_state)s->conn_state);
  info.state_since_ms = h->wall_ms - (h->now_ms - s->conn_since_ms);
  info.subscriptions = s->subs.num;
  info.worker = h->worker;
  if (with_channels) info.channels = list_channels(s);
  if (info.channels != NULL) info.n_channels = s->subs.num;
  if (with_channels && info.channels == NULL) r->failed = true;
  reply.connections = infos;
  reply.n_connections = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(info.channels);
}

/* ---- those that may come back ----------------------------------------------- */

static int by_absence(const void *a, const void *b) {
  uint64_t x = (*(gw_absence *const *)a)->connection;
  uint64_t y = (*(gw_absence *const *)b)->connection;
  return x < y ? -1 : x > y;
}

static void add_absence(const gw_hub *h, const gw_absence *a, gws_reply *r) {
  char text[UINT8_MAX + 1], *at = text;
  connection_info info = GODWIT__API__V1__CONNECTION_INFO__INIT;
  connection_info *infos[] = {&info};
  Godwit__Api__V1__ConnectionsReply reply =
      GODWIT__API__V1__CONNECTIONS_REPLY__INIT;
  info.connection = a->connection;
  info.client = a->client;
  info.user = gws_api_text((gw_view){a->user, a->user_len}, &at);
  info.state =
      (char *)(uintptr_t)gw_conn_state_name((enum gw_conn_state)a->state);
  info.state_since_ms = h->wall_ms - (h->now_ms - a->since_ms);
  info.worker = h->worker;
  reply.connections = infos;
  reply.n_connections = 1;
  gws_reply_add(r, &reply.base);
}

static bool fits(const gw_hub *h, const gw_absence *a,
                 const Godwit__Api__V1__ConnectionsRequest *q) {
  gw_view user = {a->user, a->user_len};
  return a->worker == h->worker && a->connection > q->after &&
         (q->client == 0 || a->client == q->client) &&
         (q->user[0] == '\0' || gw_view_eq(user, gw_view_of(q->user)));
}

static uint32_t list_absences(gw_hub *h,
                              const Godwit__Api__V1__ConnectionsRequest *q,
                              enum gw_conn_state state, gws_reply *r) {
  size_t num = 0, limit = gws_api_limit(q->limit);
  gw_absence **found =
      gw_mem_alloc((h->num_absent + 1u) * sizeof(gw_absence *));
  if (found == NULL) return GW_CODE_INTERNAL;
  for (gw_absence *a = h->absences; a != NULL; a = a->next) {
    if (a->state == state && fits(h, a, q)) found[num++] = a;
  }
  qsort(found, num, sizeof(gw_absence *), by_absence);
  for (size_t i = 0; i < num && i < limit; i++)
    add_absence(h, found[i], r);
  gw_mem_free(found);
  return GW_CODE_OK;
}

uint32_t gws_api_connections(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__ConnectionsRequest *q = (const void *)request;
  gws_match m = {gw_view_of(q->user), q->client, 0, 0};
  size_t num = 0, limit = gws_api_limit(q->limit);
  enum gw_conn_state state = gws_conn_find(q->state);
  (void)caller;
  if (q->state[0] != '\0' && state == GW_CONN_NONE) {
    r->why = "state: connected, idle, reconnecting or error";
    return GW_CODE_BAD_REQUEST;
  }
  gw_session **found =
      gw_mem_alloc((h->sessions.num_items + 1u) * sizeof(gw_session *));
  if (found == NULL) return GW_CODE_INTERNAL;
  for (gw_session *s; (s = gws_match_next(h, &m)) != NULL;) {
    bool is_wanted = state == GW_CONN_NONE || s->conn_state == state;
    if (is_wanted && s->connection > q->after) found[num++] = s;
  }
  qsort(found, num, sizeof(gw_session *), by_connection);
  for (size_t i = 0; i < num && i < limit; i++)
    add_connection(found[i], q->with_channels, r);
  gw_mem_free(found);
  if (state == GW_CONN_RECONNECTING || state == GW_CONN_ERROR)
    return list_absences(h, q, state, r);
  return GW_CODE_OK;
}

static int by_info(const void *a, const void *b) {
  uint64_t x = (*(connection_info *const *)a)->connection;
  uint64_t y = (*(connection_info *const *)b)->connection;
  return x < y ? -1 : x > y;
}

void gws_api_connections_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all) {
  const Godwit__Api__V1__ConnectionsRequest *q = (const void *)request;
  Godwit__Api__V1__ConnectionsReply *reply = (void *)all;
  size_t limit = gws_api_limit(q->limit);
  if (reply->n_connections == 0) return;
  qsort(reply->connections, reply->n_connections, sizeof(connection_info *),
        by_info);
  for (size_t i = limit; i < reply->n_connections; i++)
    protobuf_c_message_free_unpacked(&reply->connections[i]->base, NULL);
  if (reply->n_connections > limit) reply->n_connections = limit;
}
