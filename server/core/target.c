/* SPDX-License-Identifier: MIT */
/* target.c - what a request is about, and whether what it carries is sound. */
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/grants.h"
#include "server/core/session.h"

static gw_sub *find_sub(const gw_session *s, const gw_head *head) {
  if ((head->flags & GW_FLAG_ALIAS) != 0)
    return gws_subs_by_alias(&s->subs, head->channel);
  return gws_subs_by_channel(&s->subs,
                             gws_channel_by_number(s->hub, head->channel));
}

/** The name is the first field of each of these messages, so that the smallest of
 * them reads it out of any. */
gw_view gws_frame_name(const gw_frame *f) {
  gw_presence_get msg = {.channel = {NULL, 0}};
  bool has_name = f->head.type == GW_FRAME_SUBSCRIBE ||
                  f->head.type == GW_FRAME_PUBLISH ||
                  f->head.type == GW_FRAME_PRESENCE_GET;
  if (!has_name || gw_decode_presence_get(f->body, &msg) < 0)
    msg.channel.len = 0;
  return msg.channel;
}

uint32_t gws_target_find(gw_session *s, const gw_head *head, gw_view name,
                         gw_target *t) {
  gw_hub *h = s->hub;
  if (head->channel != 0) {
    gw_sub *sub = find_sub(s, head);
    if (sub == NULL) return GW_CODE_NOT_SUBSCRIBED;
    *t = (gw_target){gws_channel_name(sub->channel), sub->channel->hash,
                     sub->channel, sub};
    return GW_CODE_OK;
  }
  if (!gws_channel_name_is_valid(h, name)) return GW_CODE_BAD_CHANNEL;
  *t = (gw_target){.name = name, .hash = gws_hub_hash(h, name.data, name.len)};
  if (s->grants != NULL && !gws_is_within(s, name, t->hash))
    return GW_CODE_NOT_ON_ROUTE;
  t->channel = gws_channel_find(h, name, t->hash);
  t->sub = gws_subs_by_channel(&s->subs, t->channel);
  return GW_CODE_OK;
}

uint32_t gws_target_find_one(gw_session *s, const gw_head *head, gw_view name,
                             gw_target *t) {
  uint32_t code = gws_target_find(s, head, name, t);
  if (code == GW_CODE_OK && gw_name_is_pattern(gws_target_space(s, t), t->name))
    return GW_CODE_BAD_CHANNEL;
  return code;
}

uint32_t gws_payload_check(gw_session *s, gw_view data, gw_view json) {
  if (data.len != 0 && json.len != 0) return GW_CODE_BAD_REQUEST;
  if (gw_view_is_text(json)) return GW_CODE_OK;
  gw_stat_add(&s->hub->stats.bad_text_total, 1);
  return GW_CODE_BAD_TEXT;
}
