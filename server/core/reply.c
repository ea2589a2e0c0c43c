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

void gws_reply_refusal(gw_session *s, uint32_t request, uint32_t code,
                       gw_view message, uint32_t retry_after_ms) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_ERROR, .request = request};
  char reason[GW_MAX_REASON_BYTES + 1] = "";
  if (message.len > GW_MAX_REASON_BYTES || !gw_view_is_text(message))
    message.len = 0;
  if (message.len != 0) memcpy(reason, message.data, message.len);
  reason[message.len] = '\0';
  const char *why = message.len != 0 ? reason : gw_code_text(code);
  bool is_final = gw_code_class(code) == GW_CLASS_TERMINAL;
  gw_error msg = {.code = code,
                  .message = gw_view_of(why),
                  .retry_after_ms = retry_after_ms};
  if (retry_after_ms == 0 && gw_code_class(code) == GW_CLASS_RETRY_AFTER)
    msg.retry_after_ms = GWS_RETRY_AFTER_MS;
  gw_stat_add(&s->hub->stats.errors_total, 1);
  /* What cannot succeed is a mistake of the sender that somebody may look for. */
  gws_session_log(s, is_final ? GWS_LOG_INFO : GWS_LOG_DEBUG, "request.refused",
                  code, why);
  gws_session_send(s, GW_LANE_CONTROL, out, gw_encode_error(out, &head, &msg));
}

void gws_reply_error(gw_session *s, uint32_t request, uint32_t code,
                     const char *why) {
  gw_view message = why != NULL ? gw_view_of(why) : (gw_view){NULL, 0};
  gws_reply_refusal(s, request, code, message, 0);
}
