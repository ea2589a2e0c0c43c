/* SPDX-License-Identifier: MIT */
/* serve_control.c - frames about the connection itself. */
#include "server/core/session.h"

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
  if (gw_decode_refresh(f->body, &msg) < 0) {
    fail(s);
    return;
  }
  if (msg.token.len > GW_MAX_TOKEN_BYTES) {
    gws_reply_error(s, f->head.request, GW_CODE_TOO_BIG, NULL);
    return;
  }
  /* Without an authenticator no token expires. */
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_REFRESHED, .request = f->head.request};
  gw_refreshed answer = {.token_ttl_ms = 0};
  gws_session_send(s, GW_LANE_CONTROL, out,
                   gw_encode_refreshed(out, &head, &answer));
}
