/* SPDX-License-Identifier: MIT */
/* api_publish.c - publications of the application, into one channel or many. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/inspect.h"
#include "server/core/mail.h"
#include "server/core/mem.h"

/** Channels of one broadcast. */
#define BROADCAST_MAX 1000u

/** What a Publication takes beside its payload; numbers, and the user. */
#define OVERHEAD_BYTES 512u

/** The idempotency keys of the application are texts of its own: the hash stands
 * for a publisher whose only publication it names. */
static uint64_t repeat_of(const gw_hub *h, const char *key) {
  if (key[0] == '\0') return 0;
  uint64_t hash = gws_hub_hash(h, key, strlen(key));
  return hash != 0 ? hash : 1;
}

static gw_view view_of_bytes(ProtobufCBinaryData b) {
  return (gw_view){b.data, b.len};
}

static gw_view view_of_json(const Godwit__Api__V1__Json *json) {
  return json != NULL ? gw_view_of(json->text) : (gw_view){NULL, 0};
}

/** Whether it may be published at all, as far as it does not depend on the
 * channel. */
static uint32_t check(const gw_hub *h, const gw_publish_command *cmd,
                      const char **why) {
  const gw_publish *msg = &cmd->msg;
  size_t max = h->settings->limits.max_frame_bytes;
  if (msg->data.len != 0 && msg->json.len != 0) {
    *why = "data and json: one of them";
    return GW_CODE_BAD_REQUEST;
  }
  if (msg->data.len + msg->json.len + OVERHEAD_BYTES > max ||
      cmd->user.len > GW_MAX_USER_BYTES || msg->item.len > GW_MAX_ITEM_BYTES)
    return GW_CODE_TOO_BIG;
  bool is_text = gw_view_is_text(msg->json) && gw_view_is_text(cmd->user) &&
                 gw_view_is_text(msg->item);
  return is_text ? GW_CODE_OK : GW_CODE_BAD_TEXT;
}

static void set_channel(const gw_hub *h, gw_publish_command *cmd,
                        const char *channel) {
  cmd->msg.channel = gw_view_of(channel);
  cmd->hash = gws_hub_hash(h, channel, cmd->msg.channel.len);
}

/** One channel of one publication: the middleware may refuse it, or publish
 * something else in this channel. */
static gw_outcome publish_one(gw_hub *h, const gw_publish_command *cmd) {
  gw_publish_command one = *cmd;
  gw_verdict v;
  if (!gws_inspect_publication(h, NULL, &one.msg, one.user, &v))
    return (gw_outcome){.code = v.code};
  return gws_publish_own(h, &one);
}

uint32_t gws_api_publish(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__PublishRequest *q = (const void *)request;
  gw_publish_command cmd = {.repeat = repeat_of(h, q->idempotency_key),
                            .user = gw_view_of(q->user),
                            .msg = {.data = view_of_bytes(q->data),
                                    .json = view_of_json(q->json),
                                    .ttl_ms = q->ttl_ms,
                                    .item = gw_view_of(q->item)}};
  (void)caller;
  if (q->compare != NULL) {
    cmd.msg.compare = true;
    cmd.msg.epoch = q->compare->epoch;
    cmd.msg.offset = q->compare->offset;
  }
  uint32_t code = check(h, &cmd, &r->why);
  if (code != GW_CODE_OK) return code;
  set_channel(h, &cmd, q->channel);
  gw_outcome o = publish_one(h, &cmd);
  if (o.code != GW_CODE_OK) return o.code;
  Godwit__Api__V1__Position position = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__PublishReply reply = GODWIT__API__V1__PUBLISH_REPLY__INIT;
  position.epoch = o.epoch;
  position.offset = o.offset;
  reply.position = &position;
  reply.duplicate = o.duplicate;
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}

/* ---- broadcast ------------------------------------------------------------- */

static void add_outcome(char *channel, const gw_outcome *o, gws_reply *r) {
  Godwit__Api__V1__Position position = GODWIT__API__V1__POSITION__INIT;
  Godwit__Api__V1__Outcome one = GODWIT__API__V1__OUTCOME__INIT;
  Godwit__Api__V1__Outcome *all[] = {&one};
  Godwit__Api__V1__BroadcastReply reply =
      GODWIT__API__V1__BROADCAST_REPLY__INIT;
  one.channel = channel;
  one.code = o->code;
  one.duplicate = o->duplicate;
  position.epoch = o->epoch;
  position.offset = o->offset;
  if (o->code == GW_CODE_OK)
    one.position = &position;
  else
    one.message = (char *)(uintptr_t)gw_code_text(o->code);
  reply.outcomes = all;
  reply.n_outcomes = 1;
  gws_reply_add(r, &reply.base);
}

/** Each worker publishes into the channels that it owns. */
static void publish_owned(gw_hub *h, gw_publish_command *cmd, char *channel,
                          gws_reply *r) {
  set_channel(h, cmd, channel);
  if (gws_channel_owner(h, cmd->hash) != h->worker) return;
  gw_outcome o = {.code = GW_CODE_BAD_CHANNEL};
  if (gws_channel_name_is_valid(h, cmd->msg.channel)) o = publish_one(h, cmd);
  add_outcome(channel, &o, r);
}

uint32_t gws_api_broadcast(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__BroadcastRequest *q = (const void *)request;
  gw_publish_command cmd = {.repeat = repeat_of(h, q->idempotency_key),
                            .user = gw_view_of(q->user),
                            .msg = {.data = view_of_bytes(q->data),
                                    .json = view_of_json(q->json),
                                    .ttl_ms = q->ttl_ms,
                                    .item = gw_view_of(q->item)}};
  (void)caller;
  if (q->n_channels == 0 || q->n_channels > BROADCAST_MAX) {
    r->why = "channels: 1 to 1000";
    return GW_CODE_BAD_REQUEST;
  }
  uint32_t code = check(h, &cmd, &r->why);
  for (size_t i = 0; i < q->n_channels && code == GW_CODE_OK; i++)
    publish_owned(h, &cmd, q->channels[i], r);
  return code;
}

/** The outcome of a channel, taken out of those that have not been placed. */
static size_t find_outcome(const Godwit__Api__V1__BroadcastReply *reply,
                           size_t from, const char *channel) {
  size_t i = from;
  while (i < reply->n_outcomes &&
         strcmp(reply->outcomes[i]->channel, channel) != 0)
    i++;
  return i;
}

void gws_api_broadcast_finish(const ProtobufCMessage *request,
                              ProtobufCMessage *all) {
  const Godwit__Api__V1__BroadcastRequest *q = (const void *)request;
  Godwit__Api__V1__BroadcastReply *reply = (void *)all;
  for (size_t i = 0; i < q->n_channels && i < reply->n_outcomes; i++) {
    size_t at = find_outcome(reply, i, q->channels[i]);
    if (at == reply->n_outcomes) continue;
    Godwit__Api__V1__Outcome *one = reply->outcomes[at];
    memmove(reply->outcomes + i + 1, reply->outcomes + i,
            (at - i) * sizeof(Godwit__Api__V1__Outcome *));
    reply->outcomes[i] = one;
  }
}
