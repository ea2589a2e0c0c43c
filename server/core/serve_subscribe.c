/* SPDX-License-Identifier: MIT */
/* serve_subscribe.c - Subscribe and Unsubscribe. */
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/grants.h"
#include "server/core/meter.h"
#include "server/core/session.h"

/** Whether the alias may stand for the channel of sub, which may be NULL. */
static bool is_alias_free(const gw_session *s, uint32_t alias,
                          const gw_sub *sub) {
  const gw_sub *other = gws_subs_by_alias(&s->subs, alias);
  return alias != 0 && (other == NULL || other == sub);
}

static uint32_t check(const gw_session *s, const gw_frame *f,
                      const gw_subscribe *msg, const gw_sub *sub) {
  uint32_t max = s->hub->settings->limits.max_subscriptions;
  if (!is_alias_free(s, f->head.channel, sub)) return GW_CODE_BAD_REQUEST;
  if (msg->overflow > GW_OVERFLOW_SAMPLE) return GW_CODE_UNSUPPORTED;
  if (msg->token.len > GW_MAX_TOKEN_BYTES) return GW_CODE_TOO_BIG;
  if (sub == NULL && max != 0 && s->subs.num >= max)
    return GW_CODE_LIMIT_REACHED;
  return GW_CODE_OK;
}

/** Sit down in the channel. */
static uint32_t join(gw_session *s, const gw_target *t, uint32_t alias,
                     gw_sub **sub) {
  uint32_t code = GW_CODE_OK;
  gw_channel *ch = gws_channel_get(s->hub, t->name, t->hash, &code);
  if (ch == NULL) return code;
  *sub = gws_sub_new(s, ch, alias);
  if (*sub != NULL) return GW_CODE_OK;
  gws_hub_nomem(s->hub);
  return GW_CODE_INTERNAL;
}

/** Subscribed already: begin anew, from the position that is given. */
static uint32_t rejoin(gw_sub *sub, uint32_t alias) {
  if (gws_sub_need_catchup(sub) < 0) {
    gws_hub_nomem(sub->session->hub);
    return GW_CODE_INTERNAL;
  }
  if (sub->feed == GWS_FEED_WAITING)
    gws_sub_refuse(sub, GW_CODE_UNSUBSCRIBED, "subscribed again");
  gws_sub_set_alias(sub, alias);
  gws_sub_set_feed(sub, GWS_FEED_WAITING);
  gws_sub_set_roster(sub, GWS_ROSTER_NONE);
  return GW_CODE_OK;
}

static void begin(gw_sub *sub, uint32_t request, const gw_subscribe *msg) {
  gw_catchup *c = sub->catchup;
  c->request = request;
  c->recover = msg->recover;
  c->epoch = msg->epoch;
  c->offset = msg->offset;
  sub->overflow = (uint8_t)msg->overflow;
  if (gws_channel_is_ready(sub->channel)) gws_recovery_begin(sub);
  /* After Subscribed, so that the snapshot follows it. */
  if (msg->presence) gws_sub_set_roster(sub, GWS_ROSTER_STALE);
}

/** Whether it may, and see who is there if it wants that as well. Without the
 * right to what was before it is told a gap; see begin. */
static enum gws_answer permit(gw_session *s, const gw_frame *f,
                              const gw_target *t, const gw_subscribe *msg,
                              gw_verdict *v) {
  gws_wish wish = {
      .action = GW_ACTION_SUBSCRIBE, .target = t, .token = msg->token};
  enum gws_answer answer;
  if (s->grants != NULL && gws_is_granted(s, t->hash)) {
    *v = (gw_verdict){.code = GW_CODE_OK};
    answer = GWS_ANSWER_YES;
  } else if (msg->by_server) {
    *v = (gw_verdict){.code = GW_CODE_SUBSCRIPTION_WITHDRAWN};
    answer = GWS_ANSWER_NO;
  } else {
    answer = gws_access(s, f, &wish, v);
  }
  if (answer == GWS_ANSWER_YES && v->token_id != 0 &&
      gws_is_revoked(s->hub, v, gws_session_user(s))) {
    gw_stat_add(&s->hub->stats.revoked_total, 1);
    *v = (gw_verdict){.code = GW_CODE_TOKEN_REVOKED};
    return GWS_ANSWER_NO;
  }
  if (answer != GWS_ANSWER_YES || !msg->presence ||
      gws_access_also(s, t, GW_ACTION_PRESENCE, v))
    return answer;
  v->code = GW_CODE_PERMISSION_DENIED;
  v->message = gw_view_of("not allowed to see who is in the channel");
  return GWS_ANSWER_NO;
}

static uint32_t seat(gw_session *s, const gw_target *t, uint32_t alias,
                     const gw_verdict *v, gw_sub **sub) {
  *sub = t->sub;
  uint32_t code =
      t->sub != NULL ? rejoin(t->sub, alias) : join(s, t, alias, sub);
  if (code != GW_CODE_OK || gws_lease_set(*sub, v) == 0) return code;
  gws_hub_nomem(s->hub);
  gws_sub_free(*sub, GWS_FAREWELL_LEFT);
  return GW_CODE_INTERNAL;
}

static void subscribe(gw_session *s, const gw_frame *f, gw_target *t,
                      gw_subscribe *msg) {
  gw_verdict v;
  gw_sub *sub;
  switch (permit(s, f, t, msg, &v)) {
  case GWS_ANSWER_LATER:
    return;
  case GWS_ANSWER_NO:
    gws_access_refuse(s, f->head.request, &v);
    return;
  case GWS_ANSWER_YES:
    break;
  }
  uint32_t code = seat(s, t, f->head.channel, &v, &sub);
  if (code != GW_CODE_OK) {
    gws_reply_error(s, f->head.request, code, NULL);
    return;
  }
  sub->by_token = v.by_token;
  gws_access_note(sub, msg->presence, &v);
  sub->catchup->may_recover = gws_access_also(s, t, GW_ACTION_HISTORY, &v);
  begin(sub, f->head.request, msg);
}

void gws_serve_subscribe(gw_session *s, const gw_frame *f) {
  gw_subscribe msg;
  gw_target t;
  if (gw_decode_subscribe(f->body, &msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "Subscribe cannot be decoded");
    return;
  }
  gw_head by_name = {.type = f->head.type};
  uint32_t code = gws_target_find(s, &by_name, msg.channel, &t);
  if (code == GW_CODE_OK && s->meter != NULL &&
      !gws_meter_admit(s, f->head.request, GW_OPERATION_SUBSCRIBE))
    return;
  if (code == GW_CODE_OK) code = check(s, f, &msg, t.sub);
  if (code == GW_CODE_OK)
    subscribe(s, f, &t, &msg);
  else
    gws_reply_error(s, f->head.request, code, NULL);
}

void gws_serve_unsubscribe(gw_session *s, const gw_frame *f) {
  gw_target t;
  if (f->head.channel == 0 ||
      gws_target_find(s, &f->head, (gw_view){NULL, 0}, &t) != GW_CODE_OK) {
    if (f->head.request != 0)
      gws_reply_error(s, f->head.request, GW_CODE_NOT_SUBSCRIBED, NULL);
    return;
  }
  uint32_t number = t.channel->number;
  if (t.sub->feed == GWS_FEED_WAITING)
    gws_sub_refuse(t.sub, GW_CODE_UNSUBSCRIBED, NULL);
  gws_sub_free(t.sub, GWS_FAREWELL_LEFT);
  if (f->head.request == 0) return;
  /* In the lane of data: nothing of the channel may come after it. */
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_UNSUBSCRIBED,
                  .request = f->head.request,
                  .channel = number};
  gw_unsubscribed msg = {.code = GW_CODE_UNSUBSCRIBED};
  gws_session_send(s, GW_LANE_DATA, out,
                   gw_encode_unsubscribed(out, &head, &msg));
}
