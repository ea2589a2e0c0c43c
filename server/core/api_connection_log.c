/* SPDX-License-Identifier: MIT */
/* api_connection_log.c - the last changes of connections. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/conn_state.h"
#include "server/core/mem.h"

typedef Godwit__Api__V1__ConnectionLogRequest request_type;
typedef Godwit__Api__V1__ConnectionLogReply reply_type;
typedef Godwit__Api__V1__ConnectionChange change_type;

static bool is_wanted(const gw_conn_change *c, const request_type *q) {
  gw_view user = {c->user, c->user_len};
  gw_view wanted = gws_conn_log_name(gw_view_of(q->user));
  return (*q->user == '\0' || gw_view_eq(user, wanted)) &&
         (q->client == 0 || c->client == q->client) &&
         (q->connection == 0 || c->connection == q->connection);
}

static void add(const gw_hub *h, const gw_conn_change *c, gws_reply *r) {
  char text[sizeof c->user + 1], *at = text;
  change_type change = GODWIT__API__V1__CONNECTION_CHANGE__INIT;
  change_type *changes[] = {&change};
  reply_type reply = GODWIT__API__V1__CONNECTION_LOG_REPLY__INIT;
  change.time_ms = c->time_ms;
  change.connection = c->connection;
  change.client = c->client;
  change.user = gws_api_text((gw_view){c->user, c->user_len}, &at);
  change.from =
      (char *)(uintptr_t)gw_conn_state_name((enum gw_conn_state)c->from);
  change.to = (char *)(uintptr_t)gw_conn_state_name((enum gw_conn_state)c->to);
  change.code = c->code;
  if (c->code != 0) change.reason = (char *)(uintptr_t)gw_code_name(c->code);
  change.worker = h->worker;
  reply.changes = changes;
  reply.n_changes = 1;
  gws_reply_add(r, &reply.base);
}

uint32_t gws_api_connection_log(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r) {
  const request_type *q = (const void *)request;
  const gw_conn_change *c;
  uint32_t left = gws_api_limit(q->limit);
  (void)caller;
  for (uint64_t i = 0; left != 0 && (c = gws_conn_change_at(h, i)) != NULL;
       i++) {
    if (!is_wanted(c, q)) continue;
    add(h, c, r);
    left--;
  }
  return GW_CODE_OK;
}

/** A change, and where it was. */
typedef struct place {
  change_type *change;
  size_t at;
} place;

/** Those of one worker and time keep their order. */
static int newest_first(const void *a, const void *b) {
  const place *x = a, *y = b;
  uint64_t s = x->change->time_ms, t = y->change->time_ms;
  if (s != t) return s > t ? -1 : 1;
  return x->at < y->at ? -1 : x->at > y->at;
}

void gws_api_connection_log_finish(const ProtobufCMessage *request,
                                   ProtobufCMessage *all) {
  const request_type *q = (const void *)request;
  reply_type *reply = (void *)all;
  size_t limit = gws_api_limit(q->limit), num = reply->n_changes;
  place *places = num != 0 ? gw_mem_alloc(num * sizeof *places) : NULL;
  if (places == NULL) return; /* each worker's are in order all the same */
  for (size_t i = 0; i < num; i++)
    places[i] = (place){reply->changes[i], i};
  qsort(places, num, sizeof *places, newest_first);
  for (size_t i = 0; i < num; i++)
    reply->changes[i] = places[i].change;
  gw_mem_free(places);
  for (size_t i = limit; i < num; i++)
    protobuf_c_message_free_unpacked(&reply->changes[i]->base, NULL);
  if (num > limit) reply->n_changes = limit;
}
