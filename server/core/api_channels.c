/* SPDX-License-Identifier: MIT */
/* api_channels.c - channels and what is known of them. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/json_text.h"
#include "server/core/mem.h"
#include "server/core/meta.h"
#include "server/core/news.h"
#include "server/core/presence.h"

#define CHANNELS_DEFAULT 1000u

typedef Godwit__Api__V1__ChannelInfo channel_info;

/* ---- channels --------------------------------------------------------------- */

static bool is_asked_for(const gw_channel *ch, gw_view prefix, gw_view after) {
  gw_view name = gws_channel_name(ch);
  if (name.len < prefix.len ||
      (prefix.len != 0 && memcmp(name.data, prefix.data, prefix.len) != 0))
    return false;
  size_t len = name.len < after.len ? name.len : after.len;
  int order = len != 0 ? memcmp(name.data, after.data, len) : 0;
  return order != 0 ? order > 0 : name.len > after.len;
}

static int by_name(const void *a, const void *b) {
  const gw_channel *x = *(gw_channel *const *)a, *y = *(gw_channel *const *)b;
  size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
  int order = memcmp(x->name, y->name, len);
  return order != 0 ? order : (int)x->name_len - (int)y->name_len;
}

/** What this worker knows of it. */
static void describe(gw_channel *ch, channel_info *info,
                     Godwit__Api__V1__Position *position) {
  info->subscribers = ch->num_seats;
  if (ch->state != GWS_CHANNEL_OWNED) return;
  position->epoch = ch->epoch;
  position->offset = ch->top;
  info->position = position;
  info->kept = gw_history_num(&ch->history);
  info->members = gws_presence_numbers(ch).clients;
}

static void add_channel(gw_channel *ch, gws_reply *r) {
  gw_view meta = gws_meta_of(ch);
  char *space = gw_mem_alloc(ch->name_len + meta.len + 2u), *at = space;
  if (space == NULL) {
    r->failed = true;
    return;
  }
  Godwit__Api__V1__Position position = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__Json json = GODWIT__API__V1__JSON__INIT;
  channel_info info = GODWIT__API__V1__CHANNEL_INFO__INIT;
  channel_info *infos[] = {&info};
  Godwit__Api__V1__ChannelsReply reply = GODWIT__API__V1__CHANNELS_REPLY__INIT;
  info.channel = gws_api_text(gws_channel_name(ch), &at);
  json.text = gws_api_text(meta, &at);
  if (ch->state == GWS_CHANNEL_OWNED && meta.len != 0) info.meta = &json;
  describe(ch, &info, &position);
  reply.channels = infos;
  reply.n_channels = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(space);
}

/** Those that are asked for, all of them; NULL when out of memory. */
static gw_channel **select_channels(gw_hub *h, gw_view prefix, gw_view after,
                                    size_t *num) {
  gw_channel **found =
      gw_mem_alloc((h->channels.num_items + 1u) * sizeof(gw_channel *));
  *num = 0;
  if (found == NULL) return NULL;
  for (uint32_t i = 0; i < h->channels.num; i++) {
    gw_channel *ch = gw_slots_at(&h->channels, i);
    bool is_one = ch != NULL && !gws_channel_is_pattern(ch);
    if (is_one && is_asked_for(ch, prefix, after)) found[(*num)++] = ch;
  }
  qsort(found, *num, sizeof(gw_channel *), by_name);
  return found;
}

uint32_t gws_api_channels(gw_hub *h, const gw_caller *caller,
                          const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__ChannelsRequest *q = (const void *)request;
  size_t num, limit = q->limit != 0 ? q->limit : CHANNELS_DEFAULT;
  (void)caller;
  gw_channel **found =
      select_channels(h, gw_view_of(q->prefix), gw_view_of(q->after), &num);
  if (found == NULL) return GW_CODE_INTERNAL;
  for (size_t i = 0; i < num && i < limit; i++)
    add_channel(found[i], r);
  gw_mem_free(found);
  return GW_CODE_OK;
}

static int by_info(const void *a, const void *b) {
  return strcmp((*(channel_info *const *)a)->channel,
                (*(channel_info *const *)b)->channel);
}

/** What the owner and the followers of one channel know of it. */
static void merge(channel_info *into, channel_info *from) {
  into->subscribers += from->subscribers;
  if (from->position == NULL) return;
  into->members = from->members;
  into->kept = from->kept;
  into->position = from->position;
  from->position = NULL;
  into->meta = from->meta;
  from->meta = NULL;
}

void gws_api_channels_finish(const ProtobufCMessage *request,
                             ProtobufCMessage *all) {
  const Godwit__Api__V1__ChannelsRequest *q = (const void *)request;
  Godwit__Api__V1__ChannelsReply *reply = (void *)all;
  size_t limit = q->limit != 0 ? q->limit : CHANNELS_DEFAULT, num = 0;
  if (reply->n_channels == 0) return;
  qsort(reply->channels, reply->n_channels, sizeof(channel_info *), by_info);
  for (size_t i = 0; i < reply->n_channels; i++) {
    channel_info *info = reply->channels[i];
    bool is_same = num != 0 && strcmp(reply->channels[num - 1]->channel,
                                      info->channel) == 0;
    if (is_same) merge(reply->channels[num - 1], info);
    if (!is_same && num < limit)
      reply->channels[num++] = info;
    else
      protobuf_c_message_free_unpacked(&info->base, NULL);
  }
  reply->n_channels = num;
}

/* ---- one channel ------------------------------------------------------------ */

static gw_channel *find(const gw_hub *h, const char *channel) {
  gw_view name = gw_view_of(channel);
  return gws_channel_find(h, name, gws_hub_hash(h, name.data, name.len));
}

/** The reply is laid out as that of channels, and of at most one. */
uint32_t gws_api_channel_get(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__ChannelGetRequest *q = (const void *)request;
  gw_channel *ch = find(h, q->channel);
  (void)caller;
  if (ch != NULL && !gws_channel_is_pattern(ch)) add_channel(ch, r);
  return GW_CODE_OK;
}

void gws_api_channel_get_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all) {
  Godwit__Api__V1__ChannelGetReply *reply = (void *)all;
  (void)request;
  for (size_t i = 1; i < reply->n_channels; i++) {
    merge(reply->channels[0], reply->channels[i]);
    protobuf_c_message_free_unpacked(&reply->channels[i]->base, NULL);
  }
  if (reply->n_channels > 1) reply->n_channels = 1;
}

uint32_t gws_api_channel_set(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__ChannelSetRequest *q = (const void *)request;
  gw_view name = gw_view_of(q->channel);
  gw_view meta =
      q->meta != NULL ? gw_view_of(q->meta->text) : (gw_view){NULL, 0};
  uint32_t code = GW_CODE_OK;
  gws_problem p;
  (void)caller;
  if (gws_name_is_own(name)) return GW_CODE_PERMISSION_DENIED;
  if (gws_json_check(meta, GW_MAX_CHANNEL_META_BYTES, "meta", &p) != GW_CODE_OK)
    return gws_api_refuse(r, &p);
  gw_channel *ch =
      gws_channel_get(h, name, gws_hub_hash(h, name.data, name.len), &code);
  if (ch == NULL) return code;
  if (gws_meta_set(ch, meta) < 0) return GW_CODE_INTERNAL;
  ch->used_ms = h->now_ms;
  gws_channel_touch(ch);
  Godwit__Api__V1__Position position = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__ChannelSetReply reply =
      GODWIT__API__V1__CHANNEL_SET_REPLY__INIT;
  position.epoch = ch->epoch;
  position.offset = ch->top;
  reply.position = &position;
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}
