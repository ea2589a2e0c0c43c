/* SPDX-License-Identifier: MIT */
/* api_presence.c - who is in a channel, as it was told to subscribers. */
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/index.h"
#include "server/core/mem.h"
#include "server/core/presence.h"

/** The channel's presence at its owner; NULL: nobody was ever there. */
static const struct gw_presence *find_presence(const gw_hub *h,
                                               const char *channel) {
  gw_view name = gw_view_of(channel);
  gw_channel *ch =
      gws_channel_find(h, name, gws_hub_hash(h, name.data, name.len));
  return ch != NULL ? ch->presence : NULL;
}

/** What a member told, decoded; false: it has left. */
static bool read_member(const gw_member *m, gw_presence_member *to) {
  return m->told != NULL &&
         gw_decode_presence_member(gw_buf_payload(m->told), to) == 0;
}

static void add_member(const gw_presence_member *m, gws_reply *r) {
  char *space = gw_mem_alloc(m->user.len + m->state.len + m->json.len + 3),
       *at = space;
  if (space == NULL) {
    r->failed = true;
    return;
  }
  Godwit__Api__V1__Json json = GODWIT__API__V1__JSON__INIT;
  Godwit__Api__V1__Member one = GODWIT__API__V1__MEMBER__INIT;
  Godwit__Api__V1__Member *all[] = {&one};
  Godwit__Api__V1__PresenceReply reply = GODWIT__API__V1__PRESENCE_REPLY__INIT;
  one.client = m->client;
  one.user = gws_api_text(m->user, &at);
  one.state = gws_api_text(m->state, &at);
  json.text = gws_api_text(m->json, &at);
  one.data =
      (ProtobufCBinaryData){m->data.len, (uint8_t *)(uintptr_t)m->data.data};
  if (m->json.len != 0) one.json = &json;
  one.since_ms = m->since_ms;
  reply.members = all;
  reply.n_members = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(space);
}

uint32_t gws_api_presence(gw_hub *h, const gw_caller *caller,
                          const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__PresenceRequest *q = (const void *)request;
  const struct gw_presence *p = find_presence(h, q->channel);
  Godwit__Api__V1__PresenceReply reply = GODWIT__API__V1__PRESENCE_REPLY__INIT;
  (void)caller;
  if (p == NULL) return GW_CODE_OK;
  reply.version = p->version;
  gws_reply_add(r, &reply.base);
  gw_presence_member member;
  for (const gw_member *m = p->members; m != NULL; m = m->hh.next) {
    if (read_member(m, &member)) add_member(&member, r);
  }
  return GW_CODE_OK;
}

/** Count a user once. False when out of memory. */
static bool count_user(gw_hub *h, gw_index *seen, const gw_member *m,
                       gw_view user, uint32_t *num) {
  uint32_t hash = (uint32_t)gws_hub_hash(h, user.data, user.len);
  gw_presence_member other;
  gw_index_walk walk = {.hash = hash};
  const gw_member *known;
  while ((known = gw_index_next(seen, &walk)) != NULL) {
    if (read_member(known, &other) && gw_view_eq(other.user, user)) return true;
  }
  (*num)++;
  return gw_index_add(seen, hash, (void *)(uintptr_t)m) == 0;
}

uint32_t gws_api_presence_stats(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__PresenceStatsRequest *q = (const void *)request;
  const struct gw_presence *p = find_presence(h, q->channel);
  Godwit__Api__V1__PresenceStatsReply reply =
      GODWIT__API__V1__PRESENCE_STATS_REPLY__INIT;
  gw_index seen = {0};
  gw_presence_member member;
  (void)caller;
  if (p == NULL) return GW_CODE_OK;
  reply.version = p->version;
  for (const gw_member *m = p->members; m != NULL; m = m->hh.next) {
    if (!read_member(m, &member)) continue;
    reply.clients++;
    if (member.user.len == 0)
      reply.users++;
    else if (!count_user(h, &seen, m, member.user, &reply.users))
      r->failed = true;
  }
  gw_index_deinit(&seen);
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}
