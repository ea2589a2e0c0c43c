/* SPDX-License-Identifier: MIT */
/* serve_call.c - Rpc, RpcResult and Error from clients; calls of the
 * application. */
#include "server/core/calls.h"
#include "server/core/idle.h"
#include "server/core/meter.h"
#include "server/core/session.h"

static uint32_t check(gw_session *s, const gw_frame *f, const gw_rpc *msg) {
  if (msg->method.len == 0) return GW_CODE_BAD_REQUEST;
  if (msg->method.len > GW_MAX_METHOD_BYTES) return GW_CODE_TOO_BIG;
  if (!gw_view_is_text(msg->method)) {
    gw_stat_add(&s->hub->stats.bad_text_total, 1);
    return GW_CODE_BAD_TEXT;
  }
  uint32_t code = gws_payload_check(s, msg->data, msg->json);
  if (code != GW_CODE_OK) return code;
  if (gws_call_find(s, f->head.request) != NULL) return GW_CODE_BAD_REQUEST;
  if (!gws_call_has_room(s)) return GW_CODE_LIMIT_REACHED;
  if (msg->to != 0 && !s->hub->settings->relay_calls)
    return GW_CODE_PERMISSION_DENIED;
  return GW_CODE_OK;
}

/** To the application, which may answer before this returns. */
static void call_server(gw_session *s, uint32_t request, const gw_rpc *rpc) {
  gw_hub *h = s->hub;
  gw_call call = {s->handle, request};
  if (h->on_call != NULL &&
      h->on_call(h->on_call_user, h, call, rpc, s->client, gws_session_user(s)))
    return;
  gw_call_open *c = gws_call_find(s, request);
  if (c != NULL)
    gws_call_finish(c, GW_CODE_UNKNOWN_METHOD, (gw_view){NULL, 0}, NULL);
}

static void relay(gw_session *s, gw_call_open *c, gw_rpc *rpc) {
  uint64_t to = rpc->to;
  rpc->to = 0;
  rpc->from = s->client;
  rpc->from_user = gws_session_user(s);
  uint32_t code = gws_call_route(c, to, rpc);
  if (code != GW_CODE_OK) gws_call_finish(c, code, (gw_view){NULL, 0}, NULL);
}

void gws_serve_rpc(gw_session *s, const gw_frame *f) {
  gw_rpc msg;
  uint32_t request = f->head.request;
  if (gw_decode_rpc(f->body, &msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "Rpc cannot be decoded");
    return;
  }
  gw_stat_add(&s->hub->stats.calls_total, 1);
  if (!gws_meter_admit(s, request, GW_OPERATION_CALL)) return;
  gws_session_act(s);
  gw_call_open *c = NULL;
  uint32_t code = check(s, f, &msg);
  msg.timeout_ms = gws_call_timeout(msg.timeout_ms);
  bool is_api = msg.to == 0 && gws_is_api_call(msg.method);
  if (code == GW_CODE_OK && is_api) {
    code = gws_serve_api(s, f, &msg);
    if (code == GW_CODE_OK) return;
  } else if (code == GW_CODE_OK) {
    c = gws_call_open(s->hub, s, request, msg.timeout_ms);
    if (c == NULL) gws_hub_nomem(s->hub);
    if (c == NULL) code = GW_CODE_INTERNAL;
  }
  if (code != GW_CODE_OK)
    gws_reply_error(s, request, code, NULL);
  else if (msg.to == 0)
    call_server(s, request, &msg);
  else
    relay(s, c, &msg);
}

void gws_serve_rpc_result(gw_session *s, const gw_frame *f) {
  gw_rpc_result msg;
  if (gw_decode_rpc_result(f->body, &msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "RpcResult cannot be decoded");
    return;
  }
  uint32_t code = gws_payload_check(s, msg.data, msg.json);
  if (code == GW_CODE_OK)
    gws_call_answered(s, f->head.request, NULL, &msg);
  else
    gws_call_answered(
        s, f->head.request,
        &(gw_error){.code = GW_CODE_HANDLER_FAILED,
                    .message = gw_view_of("the answer is not sound")},
        NULL);
}

void gws_serve_error(gw_session *s, const gw_frame *f) {
  gw_error msg;
  if (gw_decode_error(f->body, &msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "Error cannot be decoded");
    return;
  }
  if (msg.message.len > GW_MAX_REASON_BYTES || !gw_view_is_text(msg.message))
    msg.message = (gw_view){NULL, 0};
  if (msg.code == GW_CODE_OK) msg.code = GW_CODE_HANDLER_FAILED;
  gws_call_answered(s, f->head.request, &msg, NULL);
}

/* ---- the application ----------------------------------------------------- */

static gw_call_open *find_call(gw_hub *h, gw_call call) {
  gw_session *s = gws_session_get(h, call.session);
  return s == NULL ? NULL : gws_call_find(s, call.request);
}

void gw_hub_answer(gw_hub *h, gw_call call, uint32_t code, gw_view message,
                   const gw_rpc_result *result) {
  gws_hub_enter(h);
  gw_call_open *c = find_call(h, call);
  if (c != NULL) gws_call_finish(c, code, message, result);
  gws_hub_leave(h);
}

void gw_hub_refuse(gw_hub *h, gw_call call, const gw_error *failure) {
  gws_hub_enter(h);
  gw_call_open *c = find_call(h, call);
  if (c != NULL) gws_call_fail(c, failure);
  gws_hub_leave(h);
}

int gw_hub_call(gw_hub *h, uint64_t client, const gw_rpc *rpc,
                gw_on_reply on_reply, void *arg) {
  if (client == 0 || rpc->method.len == 0 ||
      rpc->method.len > GW_MAX_METHOD_BYTES || on_reply == NULL)
    return GW_ERR_INVALID;
  if (!gw_view_is_text(rpc->method) || !gw_view_is_text(rpc->json))
    return GW_ERR_TEXT;
  gw_rpc msg = *rpc;
  msg.to = 0;
  msg.timeout_ms = gws_call_timeout(msg.timeout_ms);
  gw_call_open *c = gws_call_open(h, NULL, 0, msg.timeout_ms);
  if (c == NULL) {
    gws_hub_nomem(h);
    return GW_ERR_NOMEM;
  }
  c->on_reply = on_reply;
  c->arg = arg;
  gws_hub_enter(h);
  uint32_t code = gws_call_route(c, client, &msg);
  if (code != GW_CODE_OK) gws_call_cancel(c);
  gws_hub_leave(h);
  switch (code) {
  case GW_CODE_OK:
    return 0;
  case GW_CODE_NOT_FOUND:
    return GW_ERR_NOT_FOUND;
  case GW_CODE_LIMIT_REACHED:
    return GW_ERR_FULL;
  default:
    return GW_ERR_NOMEM;
  }
}
