/* SPDX-License-Identifier: MIT */
/* serve_control.c - frames about the connection itself. */
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/resume.h"

static void fail(gw_session *s) {
  gws_session_end(s, GW_CODE_PROTOCOL, "a frame cannot be decoded");
}

void gws_serve_ping(gw_session *s, const gw_frame *f) {
  gw_ping msg;
  if (gw_decode_ping(f->body, &msg) < 0) {
    fail(s);
    return;
  }
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_PONG, .request = f->head.request};
  gws_session_send(s, GW_LANE_CONTROL, out, gw_encode_ping(out, &head, &msg));
}

void gws_serve_pong(gw_session *s, const gw_frame *f) {
  gw_ping msg;
  if (gw_decode_ping(f->body, &msg) < 0) fail(s);
  /* That it came is all that counts, and gws_liveness_heard knows. */
}

void gws_serve_close(gw_session *s, const gw_frame *f) {
  gw_close msg;
  if (gw_decode_close(f->body, &msg) < 0)
    fail(s);
  else
    gws_session_leave(s);
}

static void send_refreshed(gw_session *s, uint32_t request, uint64_t ttl_ms) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_REFRESHED, .request = request};
  gw_refreshed msg = {.token_ttl_ms = ttl_ms};
  gws_session_send(s, GW_LANE_CONTROL, out,
                   gw_encode_refreshed(out, &head, &msg));
}

/** A token of somebody else does not turn one user into another. */
static bool is_other_user(const gw_session *s, const gw_verdict *v) {
  return v->user.len != 0 && !gw_view_eq(v->user, gws_session_user(s));
}

static uint32_t renew(gw_session *s, gw_sub *sub, gw_view token,
                      const gw_verdict *v) {
  if (sub == NULL && is_other_user(s, v)) return GW_CODE_PERMISSION_DENIED;
  if (gws_is_revoked(s->hub, v, gws_session_user(s))) {
    gw_stat_add(&s->hub->stats.revoked_total, 1);
    return GW_CODE_TOKEN_REVOKED;
  }
  int err = sub != NULL ? gws_lease_set(sub, v) : gws_identity_set(s, v);
  if (err == 0 && sub != NULL)
    sub->shown = gws_resume_shown(s->hub, token, gws_sub_meta(sub));
  else if (err == 0)
    gws_resume_renewed(s, token, v);
  if (err == 0) return GW_CODE_OK;
  gws_hub_nomem(s->hub);
  return GW_CODE_INTERNAL;
}

static void refresh(gw_session *s, const gw_frame *f, gw_sub *sub,
                    gw_view token) {
  gw_verdict v;
  gw_question q = {.kind = GW_ASK_REFRESH, .token = token};
  if (sub != NULL) {
    q.kind = GW_ASK_SUBSCRIPTION_REFRESH;
    q.ns = sub->channel->ns;
    q.channel = gws_channel_name(sub->channel);
  }
  enum gws_answer answer = gws_ask(s, f, &q, &v);
  if (answer == GWS_ANSWER_LATER) return;
  if (answer == GWS_ANSWER_YES) v.code = renew(s, sub, token, &v);
  if (v.code == GW_CODE_OK)
    send_refreshed(s, f->head.request, v.ttl_ms);
  else
    gws_access_refuse(s, f->head.request, &v);
}

void gws_serve_credit(gw_session *s, const gw_frame *f) {
  gw_credit msg;
  if (!s->has_credit) return; /* any client may tell it, this one need not */
  if (gw_decode_credit(f->body, &msg) < 0) {
    fail(s);
    return;
  }
  if (msg.bytes > GW_MAX_CREDIT_BYTES ||
      (int64_t)msg.bytes + s->out.credit > (int64_t)GW_MAX_CREDIT_BYTES) {
    gws_session_end(s, GW_CODE_PROTOCOL, "more credit than there can be");
    return;
  }
  s->out.credit += (int32_t)msg.bytes;
  if (gw_session_has_output(s)) gws_session_signal(s);
}

void gws_serve_refresh(gw_session *s, const gw_frame *f) {
  gw_refresh msg;
  gw_target t = {.sub = NULL};
  if (gw_decode_refresh(f->body, &msg) < 0) {
    fail(s);
    return;
  }
  uint32_t code = GW_CODE_OK;
  if (msg.token.len > GW_MAX_TOKEN_BYTES)
    code = GW_CODE_TOO_BIG;
  else if (f->head.channel != 0)
    code = gws_target_find(s, &f->head, (gw_view){NULL, 0}, &t);
  if (code == GW_CODE_OK)
    refresh(s, f, t.sub, msg.token);
  else
    gws_reply_error(s, f->head.request, code, NULL);
}
