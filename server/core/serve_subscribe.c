/* SPDX-License-Identifier: MIT */
/* serve_subscribe.c - Subscribe and Unsubscribe. */
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/filter.h"
#include "server/core/grants.h"
#include "server/core/json_text.h"
#include "server/core/mail.h"
#include "server/core/meter.h"
#include "server/core/resume.h"
#include "server/core/session.h"

/** Whether the alias may stand for the channel of sub, which may be NULL. */
static bool is_alias_free(const gw_session *s, uint32_t alias,
                          const gw_sub *sub) {
  const gw_sub *other = gws_subs_by_alias(&s->subs, alias);
  return alias != 0 && (other == NULL || other == sub);
}

/** What cannot be had of many channels at once. */
static uint32_t check_pattern(const gw_namespace *ns, const gw_subscribe *msg) {
  if (!gw_name_is_pattern(ns, msg->channel)) return GW_CODE_OK;
  if (!gw_name_is_good_pattern(ns, msg->channel)) return GW_CODE_BAD_CHANNEL;
  bool is_plain = !msg->presence && msg->overflow <= GW_OVERFLOW_DROP;
  return is_plain ? GW_CODE_OK : GW_CODE_UNSUPPORTED;
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

/** Sit down in the channel. NULL and the code. */
static gw_sub *join(gw_session *s, const gw_target *t, uint32_t alias,
                    uint32_t *code) {
  gw_channel *ch = gws_channel_get(s->hub, t->name, t->hash, code);
  if (ch == NULL) return NULL;
  gw_sub *sub = gws_sub_new(s, ch, alias);
  if (sub != NULL) return sub;
  gws_hub_nomem(s->hub);
  *code = GW_CODE_INTERNAL;
  return NULL;
}

/** Subscribed already: begin anew, from the position that is given. NULL and the
 * code. */
static gw_sub *rejoin(gw_sub *sub, uint32_t alias, uint32_t *code) {
  if (gws_sub_need_catchup(sub) < 0) {
    gws_hub_nomem(sub->session->hub);
    *code = GW_CODE_INTERNAL;
    return NULL;
  }
  if (sub->feed == GWS_FEED_WAITING)
    gws_sub_refuse(sub, GW_CODE_UNSUBSCRIBED, "subscribed again");
  gws_sub_set_alias(sub, alias);
  gws_sub_set_feed(sub, GWS_FEED_WAITING);
  gws_sub_set_roster(sub, GWS_ROSTER_NONE);
  return sub;
}

static void begin(gw_sub *sub, uint32_t request, const gw_subscribe *msg) {
  gw_catchup *c = sub->catchup;
  c->request = request;
  c->recover = msg->recover;
  c->epoch = msg->epoch;
  c->offset = msg->offset;
  sub->overflow = (uint8_t)msg->overflow;
  if (gws_channel_is_ready(sub->channel)) gws_follow_begin(sub);
  /* After Subscribed, so that the snapshot follows it. */
  if (msg->presence) gws_sub_set_roster(sub, GWS_ROSTER_STALE);
}

/** A Subscribe under way. */
typedef struct wish {
  gw_session *s;
  const gw_frame *f;
  gw_target t;
  const gw_namespace *ns;
  gw_subscribe msg;
  gw_verdict v;
} wish;

/** Whether it may, and see who is there if it wants that as well. Without the
 * right to what was before it is told a gap; see begin. */
static enum gws_answer permit(wish *w) {
  gws_wish ask = {.action = GW_ACTION_SUBSCRIBE,
                  .target = &w->t,
                  .token = w->msg.token,
                  .meta = w->msg.meta};
  enum gws_answer answer;
  if (w->s->grants != NULL && gws_is_granted(w->s, w->t.hash)) {
    w->v = (gw_verdict){.code = GW_CODE_OK};
    answer = GWS_ANSWER_YES;
  } else if (w->msg.by_server) {
    w->v = (gw_verdict){.code = GW_CODE_SUBSCRIPTION_WITHDRAWN};
    answer = GWS_ANSWER_NO;
  } else if (gws_resume_lets(w->s, &w->t, &w->msg, &w->v)) {
    answer = GWS_ANSWER_YES;
  } else {
    answer = gws_access(w->s, w->f, &ask, &w->v);
  }
  if (answer == GWS_ANSWER_YES && w->v.token_id != 0 &&
      gws_is_revoked(w->s->hub, &w->v, gws_session_user(w->s))) {
    gw_stat_add(&w->s->hub->stats.revoked_total, 1);
    w->v = (gw_verdict){.code = GW_CODE_TOKEN_REVOKED};
    return GWS_ANSWER_NO;
  }
  if (answer != GWS_ANSWER_YES || !w->msg.presence ||
      gws_access_also(w->s, &w->t, GW_ACTION_PRESENCE, &w->v))
    return answer;
  w->v.code = GW_CODE_PERMISSION_DENIED;
  w->v.message = gw_view_of("not allowed to see who is in the channel");
  return GWS_ANSWER_NO;
}

/** Whether it is sent deltas. The publications of a pattern are of several
 * channels; none follows another. */
static bool may_have_deltas(const wish *w) {
  return w->msg.delta && w->s->has_delta && w->ns->delta &&
         !gw_name_is_pattern(w->ns, w->msg.channel);
}

/** Sit down, or begin anew, with all that belongs to it. Takes the filter. NULL
 * and the code. */
static gw_sub *seat(wish *w, gw_filter *filter, uint32_t *code) {
  gw_session *s = w->s;
  uint32_t alias = w->f->head.channel;
  gw_sub *sub = w->t.sub != NULL ? rejoin(w->t.sub, alias, code)
                                 : join(s, &w->t, alias, code);
  if (sub == NULL) {
    gws_filter_unref(s->hub, filter);
    return NULL;
  }
  bool delta = may_have_deltas(w);
  bool has_more =
      filter != NULL || w->msg.meta.len != 0 || delta || sub->more != NULL;
  if ((!has_more || gws_sub_set_more(sub, filter, w->msg.meta, delta) == 0) &&
      gws_lease_set(sub, &w->v) == 0)
    return sub;
  gws_hub_nomem(s->hub);
  gws_sub_free(sub, GWS_FAREWELL_LEFT);
  *code = GW_CODE_INTERNAL;
  return NULL;
}

/** What needs a look inside: GW_CODE_OK with *filter, which may be NULL. */
static uint32_t look_inside(const wish *w, gw_filter **filter, gws_problem *p) {
  uint32_t code = gws_json_check(w->msg.meta, GW_MAX_SUB_META_BYTES, "meta", p);
  *filter = NULL;
  if (code != GW_CODE_OK || w->msg.filter.num == 0) return code;
  *filter = gws_filter_get(w->s->hub, w->msg.filter, p);
  return *filter != NULL ? GW_CODE_OK : p->code;
}

static void subscribe(wish *w) {
  gw_session *s = w->s;
  gw_filter *filter;
  gws_problem problem;
  if (look_inside(w, &filter, &problem) != GW_CODE_OK) {
    gws_reply_problem(s, w->f->head.request, &problem);
    return;
  }
  uint32_t code = GW_CODE_INTERNAL;
  gw_sub *sub = seat(w, filter, &code);
  if (sub == NULL) {
    gws_reply_error(s, w->f->head.request, code, NULL);
    return;
  }
  sub->by_token = w->v.by_token;
  sub->shown = gws_resume_shown(s->hub, w->msg.token, w->msg.meta);
  gws_access_note(sub, w->msg.presence, &w->v);
  sub->catchup->may_recover =
      gws_access_also(s, &w->t, GW_ACTION_HISTORY, &w->v);
  begin(sub, w->f->head.request, &w->msg);
}

void gws_serve_subscribe(gw_session *s, const gw_frame *f) {
  wish w; /* the message is large, and set by what follows */
  w.s = s;
  w.f = f;
  if (gw_decode_subscribe(f->body, &w.msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "Subscribe cannot be decoded");
    return;
  }
  gw_head by_name = {.type = f->head.type};
  uint32_t code = gws_target_find(s, &by_name, w.msg.channel, &w.t);
  if (code == GW_CODE_OK &&
      !gws_meter_admit(s, f->head.request, GW_OPERATION_SUBSCRIBE))
    return;
  if (code == GW_CODE_OK) code = check(s, f, &w.msg, w.t.sub);
  if (code == GW_CODE_OK) {
    w.ns = gws_target_space(s, &w.t);
    code = check_pattern(w.ns, &w.msg);
  }
  if (code != GW_CODE_OK) {
    gws_reply_error(s, f->head.request, code, NULL);
    return;
  }
  enum gws_answer answer = permit(&w);
  if (answer == GWS_ANSWER_YES)
    subscribe(&w);
  else if (answer == GWS_ANSWER_NO)
    gws_access_refuse(s, f->head.request, &w.v);
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
  enum gw_lane_id lane = gws_sub_lane(t.sub);
  if (t.sub->feed == GWS_FEED_WAITING)
    gws_sub_refuse(t.sub, GW_CODE_UNSUBSCRIBED, NULL);
  gws_sub_free(t.sub, GWS_FAREWELL_LEFT);
  if (f->head.request == 0) return;
  /* In the lane of the channel: nothing of it may come after this. */
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_UNSUBSCRIBED,
                  .request = f->head.request,
                  .channel = number};
  gw_unsubscribed msg = {.code = GW_CODE_UNSUBSCRIBED};
  gws_session_send(s, lane, out, gw_encode_unsubscribed(out, &head, &msg));
}
