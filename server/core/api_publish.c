/* SPDX-License-Identifier: MIT */
/* api_publish.c - publications of the application, into one channel or many. */
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/inspect.h"
#include "server/core/mail.h"
#include "server/core/news.h"
#include "server/core/publish_check.h"

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

/** Room for the tags of a publication. */
#define TAGS_BYTES \
  (GW_MAX_TAGS * (GW_MAX_TAG_NAME_BYTES + GW_MAX_TAG_VALUE_BYTES + 16u))

static uint32_t add_tags(Godwit__Api__V1__Tag *const *tags, size_t num,
                         gw_out *out, gw_list *list, gws_problem *p) {
  if (num > GW_MAX_TAGS)
    return gws_problem_set(p, GW_CODE_TOO_BIG, "tags", "too many of them");
  for (size_t i = 0; i < num; i++) {
    if (gws_api_add(out, list, &tags[i]->base) < 0)
      return gws_problem_set(p, GW_CODE_TOO_BIG, "tags", NULL);
  }
  return GW_CODE_OK;
}

uint32_t gws_api_check_publish(const gw_hub *h, const gw_publish_command *cmd,
                               gws_problem *p) {
  const gw_publish *msg = &cmd->msg;
  size_t max = h->settings->limits.max_frame_bytes;
  if (msg->data.len + msg->json.len + OVERHEAD_BYTES > max)
    return gws_problem_set(p, GW_CODE_TOO_BIG, NULL, NULL);
  if (cmd->user.len > GW_MAX_USER_BYTES)
    return gws_problem_set(p, GW_CODE_TOO_BIG, "user", NULL);
  return gw_view_is_text(cmd->user)
             ? GW_CODE_OK
             : gws_problem_set(p, GW_CODE_BAD_TEXT, "user", NULL);
}

/** Whether the name is that of a channel which the application publishes to. */
static uint32_t check_channel(const gw_hub *h, const gw_namespace *ns,
                              gw_view name, gws_problem *p) {
  bool is_good =
      gws_channel_name_is_valid(h, name) && !gw_name_is_pattern(ns, name);
  if (!is_good) return gws_problem_set(p, GW_CODE_BAD_CHANNEL, NULL, NULL);
  if (!gws_name_is_own(name)) return GW_CODE_OK;
  return gws_problem_set(p, GW_CODE_PERMISSION_DENIED, NULL,
                         "the channel is the server's own");
}

/** Publish into a channel of this worker; a problem is what o->code says. The
 * middleware may refuse it, or publish something else in this channel. */
static void publish(gw_hub *h, const gw_publish_command *cmd,
                    const char *channel, gw_outcome *o, gws_problem *p) {
  gw_publish_command one = *cmd;
  gw_verdict v;
  gw_view name = one.msg.channel = gw_view_of(channel);
  const gw_namespace *ns = gw_settings_namespace(h->settings, name);
  one.hash = gws_hub_hash(h, channel, name.len);
  uint32_t code = check_channel(h, ns, name, p);
  if (code == GW_CODE_OK &&
      !gws_inspect_publication(h, NULL, &one.msg, one.user, &v))
    code = gws_problem_set(p, v.code, NULL, NULL);
  if (code == GW_CODE_OK) code = gws_publish_check(ns, &one.msg, p);
  *o = (gw_outcome){.code = code};
  if (code == GW_CODE_OK) *o = gws_publish_own(h, &one);
  if (code == GW_CODE_OK) (void)gws_problem_set(p, o->code, NULL, o->why);
}

static void set_compare(gw_publish *msg,
                        const Godwit__Api__V1__PublishRequest *q) {
  const Godwit__Api__V1__Position *at =
      q->compare_item != NULL ? q->compare_item : q->compare;
  msg->compare = q->compare != NULL;
  msg->compare_item = q->compare_item != NULL;
  if (at == NULL) return;
  msg->epoch = at->epoch;
  msg->offset = at->offset;
}

/** Everything of a request but its tags, and the channel. */
static gw_publish_command command_of(const gw_hub *h,
                                     const Godwit__Api__V1__PublishRequest *q) {
  gw_publish_command cmd = {.repeat = repeat_of(h, q->idempotency_key),
                            .user = gw_view_of(q->user),
                            .msg = {.data = view_of_bytes(q->data),
                                    .json = view_of_json(q->json),
                                    .ttl_ms = q->ttl_ms,
                                    .item = gw_view_of(q->item),
                                    .removed = q->removed,
                                    .meta = view_of_json(q->meta)}};
  set_compare(&cmd.msg, q);
  return cmd;
}

uint32_t gws_api_publish(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__PublishRequest *q = (const void *)request;
  uint8_t space[TAGS_BYTES];
  gw_out out = {space, 0, sizeof space};
  gws_problem p;
  gw_publish_command cmd = command_of(h, q);
  (void)caller;
  if (q->compare != NULL && q->compare_item != NULL) {
    r->why = "compare and compare_item: one of them";
    return GW_CODE_BAD_REQUEST;
  }
  if (gws_api_check_publish(h, &cmd, &p) != GW_CODE_OK ||
      add_tags(q->tags, q->n_tags, &out, &cmd.msg.tags, &p) != GW_CODE_OK)
    return gws_api_refuse(r, &p);
  gw_outcome o;
  publish(h, &cmd, q->channel, &o, &p);
  if (o.code != GW_CODE_OK) return gws_api_refuse(r, &p);
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

static void add_outcome(char *channel, const gw_outcome *o,
                        const gws_problem *p, gws_reply *r) {
  gws_reply words = {.data = NULL};
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
  if (o->code == GW_CODE_OK) {
    one.position = &position;
  } else {
    (void)gws_api_refuse(&words, p);
    one.message = words.words;
  }
  reply.outcomes = all;
  reply.n_outcomes = 1;
  gws_reply_add(r, &reply.base);
}

/** Each worker publishes into the channels that it owns. */
static void publish_owned(gw_hub *h, gw_publish_command *cmd, char *channel,
                          gws_reply *r) {
  uint64_t hash = gws_hub_hash(h, channel, strlen(channel));
  gw_outcome o;
  gws_problem p;
  if (gws_channel_owner(h, hash) != h->worker) return;
  publish(h, cmd, channel, &o, &p);
  add_outcome(channel, &o, &p, r);
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
  uint8_t space[TAGS_BYTES];
  gw_out out = {space, 0, sizeof space};
  gws_problem p;
  (void)caller;
  if (q->n_channels == 0 || q->n_channels > BROADCAST_MAX) {
    r->why = "channels: 1 to 1000";
    return GW_CODE_BAD_REQUEST;
  }
  if (gws_api_check_publish(h, &cmd, &p) != GW_CODE_OK ||
      add_tags(q->tags, q->n_tags, &out, &cmd.msg.tags, &p) != GW_CODE_OK)
    return gws_api_refuse(r, &p);
  for (size_t i = 0; i < q->n_channels; i++)
    publish_owned(h, &cmd, q->channels[i], r);
  return GW_CODE_OK;
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
