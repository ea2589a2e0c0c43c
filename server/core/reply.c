/* SPDX-License-Identifier: MIT */
/* reply.c - the short answers. */
#include "server/core/session.h"

void gws_reply_ok(gw_session *s, uint32_t request) {
  if (request == 0) return;
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_OK, .request = request};
  gws_session_send(s, GW_LANE_CONTROL, out,
                   gw_frame_put(out, &head, (gw_view){NULL, 0}));
}

void gws_reply_error(gw_session *s, uint32_t request, uint32_t code,
                     const char *why) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_ERROR, .request = request};
  gw_error msg = {.code = code};
  msg.message = gw_view_of(why != NULL ? why : gw_code_text(code));
  if (gw_code_class(code) == GW_CLASS_RETRY_AFTER)
    msg.retry_after_ms = GWS_RETRY_AFTER_MS;
  gw_stat_add(&s->hub->stats.errors_total, 1);
  /* What cannot succeed is a mistake of the sender that somebody may look for. */
  gws_session_log(
      s,
      gw_code_class(code) == GW_CLASS_TERMINAL ? GWS_LOG_INFO : GWS_LOG_DEBUG,
      "request.refused", code, why != NULL ? why : gw_code_text(code));
  gws_session_send(s, GW_LANE_CONTROL, out, gw_encode_error(out, &head, &msg));
}
