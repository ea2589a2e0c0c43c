/* SPDX-License-Identifier: MIT */
/* dispatch.c - from a frame to the handler of its type. */
#include <string.h>

#include "server/core/conn_state.h"
#include "server/core/inspect.h"
#include "server/core/session.h"

/** What holds for a type of frame. */
struct rule {
  void (*handle)(gw_session *s,
                 const gw_frame *f); /**< NULL: not from a client */
  bool needs_request;                /**< an answer must have somewhere to go */
};

static const struct rule rules[] = {
    [GW_FRAME_HELLO] = {gws_serve_hello, false},
    [GW_FRAME_PING] = {gws_serve_ping, false},
    [GW_FRAME_PONG] = {gws_serve_pong, false},
    [GW_FRAME_CLOSE] = {gws_serve_close, false},
    [GW_FRAME_ERROR] = {gws_serve_error, false},
    [GW_FRAME_SUBSCRIBE] = {gws_serve_subscribe, true},
    [GW_FRAME_UNSUBSCRIBE] = {gws_serve_unsubscribe, false},
    [GW_FRAME_PUBLISH] = {gws_serve_publish, false},
    [GW_FRAME_PRESENCE_SET] = {gws_serve_presence_set, false},
    [GW_FRAME_PRESENCE_LEAVE] = {gws_serve_presence_leave, false},
    [GW_FRAME_PRESENCE_GET] = {gws_serve_presence_get, true},
    [GW_FRAME_RPC] = {gws_serve_rpc, true},
    [GW_FRAME_RPC_RESULT] = {gws_serve_rpc_result, true},
    [GW_FRAME_REFRESH] = {gws_serve_refresh, true},
    [GW_FRAME_REFRESHED] = {NULL, false},
    [GW_FRAME_SERVER_SUBSCRIBED] = {NULL, false},
    [GW_FRAME_SEND] = {gws_serve_send, true},
    [GW_FRAME_SENT] = {NULL, false},
};
#define NUM_RULES (sizeof rules / sizeof rules[0])

/** Features that no side may use, as none is agreed in the handshake. */
#define FLAGS_NOT_AGREED (GW_FLAG_MORE | GW_FLAG_COMPRESSED)

/** Some numbers between others are nobody's yet. */
static bool is_known(uint8_t type) {
  return rules[type].handle != NULL ||
         strcmp(gw_type_name(type), "UNKNOWN") != 0;
}

static void handle_unknown(gw_session *s, const gw_frame *f) {
  gw_stat_add(&s->hub->stats.unknown_frames_total, 1);
  if (!gw_type_is_ignorable(f->head.type))
    gws_session_end(s, GW_CODE_PROTOCOL, "frame of unknown type");
}

static void note_activity(gw_session *s) {
  s->spoke_ms = (uint32_t)s->hub->now_ms;
  if (s->conn_state == GW_CONN_IDLE) gws_conn_active(s);
}

static bool wants_to_see(const gw_session *s) {
  const gw_inspector *inspector = s->hub->inspector;
  return inspector != NULL && inspector->on_frame != NULL;
}

void gws_session_handle(gw_session *s, const gw_frame *f) {
  uint8_t type = f->head.type;
  if (s->state == GWS_SESSION_NEW && type != GW_FRAME_HELLO) {
    gws_session_end(s, GW_CODE_PROTOCOL, "the first frame is not Hello");
    return;
  }
  if (type == GW_FRAME_CREDIT) {
    gws_serve_credit(s, f);
    return;
  }
  if (type >= NUM_RULES || type == GW_FRAME_NONE || !is_known(type)) {
    handle_unknown(s, f);
    return;
  }
  if (type != GW_FRAME_PING && type != GW_FRAME_PONG) note_activity(s);
  const struct rule *rule = &rules[type];
  if (rule->handle == NULL)
    gws_session_end(s, GW_CODE_PROTOCOL, "frame that only a server sends");
  else if (rule->needs_request && f->head.request == 0)
    gws_session_end(s, GW_CODE_PROTOCOL, "request without an id");
  else if ((f->head.flags & FLAGS_NOT_AGREED) != 0)
    gws_session_end(s, GW_CODE_PROTOCOL, "flag of a feature that is off");
  else if (!wants_to_see(s) || gws_inspect_frame(s, f))
    rule->handle(s, f);
}

int gws_session_on_frame(void *session, const gw_frame *frame) {
  gw_session *s = session;
  gw_stat_add(&s->hub->stats.frames_in_total, 1);
  if (!gws_hold_catches(s, frame)) gws_session_handle(s, frame);
  return s->state == GWS_SESSION_ENDING ? GW_ERR_STATE : 0;
}
