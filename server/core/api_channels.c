/* SPDX-License-Identifier: MIT */
/* api_channels.c - channels and what is kept in them. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/mem.h"
#include "server/core/presence.h"

#define CHANNELS_DEFAULT 1000u
#define HISTORY_DEFAULT  100u

typedef Godwit__Api__V1__ChannelInfo channel_info;
typedef Godwit__Api__V1__Record record;

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

static void add_channel(gw_channel *ch, gws_reply *r) {
  char name[GW_MAX_CHANNEL_BYTES + 1];
  Godwit__Api__V1__Position position = GODWIT__API__V1__POSITION__INIT;
  channel_info info = GODWIT__API__V1__CHANNEL_INFO__INIT;
  channel_info *infos[] = {&info};
  Godwit__Api__V1__ChannelsReply reply = GODWIT__API__V1__CHANNELS_REPLY__INIT;
  memcpy(name, ch->name, ch->name_len);
  name[ch->name_len] = '\0';
  info.channel = name;
  info.subscribers = ch->num_seats;
  if (ch->state == GWS_CHANNEL_OWNED) {
    position.epoch = ch->epoch;
    position.offset = ch->top;
    info.position = &position;
    info.kept = ch->history.len;
    info.members = gws_presence_numbers(ch).clients;
  }
  reply.channels = infos;
  reply.n_channels = 1;
  gws_reply_add(r, &reply.base);
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
    if (ch != NULL && is_asked_for(ch, prefix, after)) found[(*num)++] = ch;
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

/* ---- history ---------------------------------------------------------------- */

static void add_record(gw_buf *buf, gws_reply *r) {
  gw_frame f;
  gw_publication p;
  if (gw_frame_parse(gw_buf_payload(buf), GW_MAX_FRAME_BYTES_HARD, &f) <= 0 ||
      gw_decode_publication(f.body, &p) < 0)
    return;
  char *space = gw_mem_alloc(p.json.len + p.user.len + 2), *at = space;
  if (space == NULL) {
    r->failed = true;
    return;
  }
  Godwit__Api__V1__Json json = GODWIT__API__V1__JSON__INIT;
  record one = GODWIT__API__V1__RECORD__INIT;
  record *records[] = {&one};
  Godwit__Api__V1__HistoryReply reply = GODWIT__API__V1__HISTORY_REPLY__INIT;
  json.text = gws_api_text(p.json, &at);
  one.offset = p.offset;
  one.data =
      (ProtobufCBinaryData){p.data.len, (uint8_t *)(uintptr_t)p.data.data};
  if (p.json.len != 0) one.json = &json;
  one.client = p.client;
  one.user = gws_api_text(p.user, &at);
  one.time_ms = p.time_ms;
  reply.publications = records;
  reply.n_publications = 1;
  gws_reply_add(r, &reply.base);
  gw_mem_free(space);
}

/** Where the channel is, and whether all that was asked for is there. */
static void add_position(const gw_channel *ch, bool incomplete, gws_reply *r) {
  Godwit__Api__V1__Position position = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__HistoryReply reply = GODWIT__API__V1__HISTORY_REPLY__INIT;
  position.epoch = ch->epoch;
  position.offset = ch->top;
  reply.position = &position;
  reply.incomplete = incomplete;
  gws_reply_add(r, &reply.base);
}

uint32_t gws_api_history(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__HistoryRequest *q = (const void *)request;
  gw_view name = gw_view_of(q->channel);
  gw_channel *ch =
      gws_channel_find(h, name, gws_hub_hash(h, name.data, name.len));
  (void)caller;
  if (ch == NULL) return GW_CODE_OK; /* nothing was ever published */
  uint64_t first = gws_channel_oldest(ch), from = first;
  bool is_same = q->since != NULL && q->since->epoch == ch->epoch;
  if (is_same && q->since->offset + 1 > first) from = q->since->offset + 1;
  bool incomplete =
      q->since != NULL && (!is_same || q->since->offset + 1 < first);
  uint64_t left = q->limit != 0 ? q->limit : HISTORY_DEFAULT;
  uint64_t num = ch->top + 1 > from ? ch->top + 1 - from : 0;
  for (uint64_t i = 0; i < num && left != 0; i++) {
    uint64_t offset = q->newest_first ? ch->top - i : from + i;
    const gw_record *one =
        gw_history_at(&ch->history, (uint32_t)(offset - first));
    if (one->expires_ms <= h->now_ms) continue;
    add_record(one->buf, r);
    left--;
  }
  add_position(ch, incomplete, r);
  return GW_CODE_OK;
}
