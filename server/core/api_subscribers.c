/* SPDX-License-Identifier: MIT */
/* api_subscribers.c - who is subscribed to what. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_match.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/mem.h"

typedef Godwit__Api__V1__Subscriber subscriber;
typedef Godwit__Api__V1__Subscription subscription;

static gw_channel *find(const gw_hub *h, const char *channel) {
  gw_view name = gw_view_of(channel);
  return gws_channel_find(h, name, gws_hub_hash(h, name.data, name.len));
}

/* ---- of a channel ----------------------------------------------------------- */

static int by_connection(const void *a, const void *b) {
  uint64_t x = (*(gw_sub *const *)a)->session->connection;
  uint64_t y = (*(gw_sub *const *)b)->session->connection;
  return x < y ? -1 : x > y;
}

static void add_subscriber(const gw_sub *sub, gws_reply *r) {
  const gw_session *s = sub->session;
  char texts[UINT8_MAX + GW_MAX_SUB_META_BYTES + 2], *at = texts;
  Godwit__Api__V1__Json meta = GODWIT__API__V1__JSON__INIT;
  subscriber one = GODWIT__API__V1__SUBSCRIBER__INIT;
  subscriber *all[] = {&one};
  Godwit__Api__V1__SubscribersReply reply =
      GODWIT__API__V1__SUBSCRIBERS_REPLY__INIT;
  one.connection = s->connection;
  one.client = s->client;
  one.user = gws_api_text(gws_session_user(s), &at);
  meta.text = gws_api_text(gws_sub_meta(sub), &at);
  if (meta.text[0] != '\0') one.meta = &meta;
  one.filtered = gws_sub_filter(sub) != NULL;
  reply.subscribers = all;
  reply.n_subscribers = 1;
  gws_reply_add(r, &reply.base);
}

uint32_t gws_api_subscribers(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__SubscribersRequest *q = (const void *)request;
  gw_channel *ch = find(h, q->channel);
  size_t num = 0, limit = gws_api_limit(q->limit);
  (void)caller;
  if (ch == NULL) return GW_CODE_OK;
  gw_sub **found = gw_mem_alloc((ch->num_seats + 1u) * sizeof(gw_sub *));
  if (found == NULL) return GW_CODE_INTERNAL;
  for (uint32_t i = 0; i < ch->num_seats; i++) {
    gw_sub *sub = ch->seats[i].sub;
    bool is_there = sub->feed != GWS_FEED_WAITING &&
                    sub->session->state == GWS_SESSION_OPEN;
    if (is_there && sub->session->connection > q->after) found[num++] = sub;
  }
  qsort(found, num, sizeof(gw_sub *), by_connection);
  for (size_t i = 0; i < num && i < limit; i++)
    add_subscriber(found[i], r);
  gw_mem_free(found);
  return GW_CODE_OK;
}

static int by_id(const void *a, const void *b) {
  uint64_t x = (*(subscriber *const *)a)->connection;
  uint64_t y = (*(subscriber *const *)b)->connection;
  return x < y ? -1 : x > y;
}

void gws_api_subscribers_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all) {
  const Godwit__Api__V1__SubscribersRequest *q = (const void *)request;
  Godwit__Api__V1__SubscribersReply *reply = (void *)all;
  size_t limit = gws_api_limit(q->limit);
  if (reply->n_subscribers == 0) return;
  qsort(reply->subscribers, reply->n_subscribers, sizeof(subscriber *), by_id);
  for (size_t i = limit; i < reply->n_subscribers; i++)
    protobuf_c_message_free_unpacked(&reply->subscribers[i]->base, NULL);
  if (reply->n_subscribers > limit) reply->n_subscribers = limit;
}

/* ---- of a connection -------------------------------------------------------- */

static void add_subscription(const gw_sub *sub, gws_reply *r) {
  char texts[UINT8_MAX + GW_MAX_SUB_META_BYTES + 2], *at = texts;
  Godwit__Api__V1__Json meta = GODWIT__API__V1__JSON__INIT;
  subscription one = GODWIT__API__V1__SUBSCRIPTION__INIT;
  subscription *all[] = {&one};
  Godwit__Api__V1__SubscriptionsReply reply =
      GODWIT__API__V1__SUBSCRIPTIONS_REPLY__INIT;
  one.channel = gws_api_text(gws_channel_name(sub->channel), &at);
  meta.text = gws_api_text(gws_sub_meta(sub), &at);
  if (meta.text[0] != '\0') one.meta = &meta;
  one.filtered = gws_sub_filter(sub) != NULL;
  reply.subscriptions = all;
  reply.n_subscriptions = 1;
  gws_reply_add(r, &reply.base);
}

uint32_t gws_api_subscriptions(gw_hub *h, const gw_caller *caller,
                               const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__SubscriptionsRequest *q = (const void *)request;
  gws_match m = {{NULL, 0}, 0, q->connection, 0};
  (void)caller;
  if (q->connection == 0) {
    r->why = "connection: is missing";
    return GW_CODE_BAD_REQUEST;
  }
  for (const gw_session *s; (s = gws_match_next(h, &m)) != NULL;) {
    for (gw_sub *sub = s->subs.quiet; sub != NULL; sub = sub->next)
      add_subscription(sub, r);
    for (gw_sub *sub = s->subs.drawing; sub != NULL; sub = sub->next)
      add_subscription(sub, r);
  }
  return GW_CODE_OK;
}

/** Only who finds it says so: the others' silence changes nothing. */
uint32_t gws_api_is_subscribed(gw_hub *h, const gw_caller *caller,
                               const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__IsSubscribedRequest *q = (const void *)request;
  gws_match m = {gw_view_of(q->user), q->client, q->connection, 0};
  gw_channel *ch = find(h, q->channel);
  Godwit__Api__V1__IsSubscribedReply reply =
      GODWIT__API__V1__IS_SUBSCRIBED_REPLY__INIT;
  (void)caller;
  if (!gws_match_is_given(&m)) {
    r->why = "user, client or connection: at least one of them";
    return GW_CODE_BAD_REQUEST;
  }
  for (gw_session *s; (s = gws_match_next(h, &m)) != NULL;) {
    const gw_sub *sub = gws_subs_by_channel(&s->subs, ch);
    reply.subscribed |= sub != NULL && sub->feed != GWS_FEED_WAITING;
  }
  if (reply.subscribed) gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}
