/* SPDX-License-Identifier: MIT */
/* reply.c - the short answers. */
#include <string.h>

#include "server/core/session.h"

void gws_reply_ok(gw_session *s, uint32_t request) {
  if (request == 0) return;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_OK, .request = request};
  gws_session_send(s, GW_LANE_CONTROL, out,
                   gw_frame_put(out, &head, (gw_view){NULL, 0}));
}

static void reply(gw_session *s, uint32_t request, const gw_error *msg) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_ERROR, .request = request};
  /* What cannot succeed is a mistake of the sender that somebody may look for. */
  bool is_final = gw_code_class(msg->code) == GW_CLASS_TERMINAL;
  gw_stat_add(&s->hub->stats.errors_total, 1);
  gws_session_log(s, is_final ? GWS_LOG_INFO : GWS_LOG_DEBUG, "request.refused",
                  msg->code, (const char *)msg->message.data);
  gws_session_send(s, GW_LANE_CONTROL, out, gw_encode_error(out, &head, msg));
}

void gws_reply_refusal(gw_session *s, uint32_t request, uint32_t code,
                       gw_view message, uint32_t retry_after_ms) {
  char reason[GW_MAX_REASON_BYTES + 1] = "";
  if (message.len > GW_MAX_REASON_BYTES || !gw_view_is_text(message))
    message.len = 0;
  if (message.len != 0) memcpy(reason, message.data, message.len);
  reason[message.len] = '\0';
  gw_error msg = {
      .code = code,
      .message = gw_view_of(message.len != 0 ? reason : gw_code_text(code)),
      .retry_after_ms = retry_after_ms};
  if (retry_after_ms == 0 && gw_code_class(code) == GW_CLASS_RETRY_AFTER)
    msg.retry_after_ms = GWS_RETRY_AFTER_MS;
  reply(s, request, &msg);
}

void gws_reply_problem(gw_session *s, uint32_t request, const gws_problem *p) {
  if (p->code == GW_CODE_BAD_TEXT)
    gw_stat_add(&s->hub->stats.bad_text_total, 1);
  if (request == 0) return;
  const char *why = p->why[0] != '\0' ? p->why : gw_code_text(p->code);
  gw_error msg = {.code = p->code,
                  .message = gw_view_of(why),
                  .field = gw_view_of(p->field)};
  reply(s, request, &msg);
}

void gws_reply_error(gw_session *s, uint32_t request, uint32_t code,
                     const char *why) {
  gw_view message = why != NULL ? gw_view_of(why) : (gw_view){NULL, 0};
  gws_reply_refusal(s, request, code, message, 0);
}
