/* SPDX-License-Identifier: MIT */
/* serve_api.c - methods of the API that clients may call, as godwit.METHOD. */
#include <stdlib.h>
#include <string.h>

#include "server/core/access.h"
#include "server/core/api_method.h"
#include "server/core/calls.h"
#include "server/core/channel.h"
#include "server/core/mem.h"

#define PREFIX "godwit."

/** Bytes that a character of JSON can stand for: a digit for a fixed64. */
#define ENCODED_PER_CHAR 10u

/** Who waits for the reply. */
typedef struct asking {
  gw_hub *hub;
  uint64_t session;
  uint32_t request;
  bool wants_json;
  const gw_api_method *method;
} asking;

bool gws_is_api_call(gw_view method) {
  size_t len = strlen(PREFIX);
  return method.len > len && memcmp(method.data, PREFIX, len) == 0;
}

/* ---- the answer ------------------------------------------------------------ */

static void finish(gw_hub *h, gw_call_open *c, const asking *a, gw_view reply) {
  static const gw_view none;
  gw_rpc_result result = {.data = reply};
  char *json = NULL;
  uint32_t code = GW_CODE_OK;
  if (a->wants_json) {
    size_t len = 0;
    json = gw_api_reply_to_json(a->method, reply, &len);
    result = (gw_rpc_result){.json = {(const uint8_t *)json, len}};
    if (json == NULL) code = GW_CODE_INTERNAL;
  }
  if (result.data.len + result.json.len + GWS_SCRATCH_MIN >
      h->settings->limits.max_frame_bytes)
    code = GW_CODE_TOO_BIG;
  gws_call_finish(c, code, none, code == GW_CODE_OK ? &result : NULL);
  free(json);
}

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  asking a = *(asking *)arg;
  gw_mem_free(arg);
  gw_session *s = gws_session_get(a.hub, a.session);
  gw_call_open *c = s != NULL ? gws_call_find(s, a.request) : NULL;
  if (c == NULL) return; /* timed out, or gone */
  if (code == GW_CODE_OK)
    finish(a.hub, c, &a, reply);
  else
    gws_call_finish(c, code, message, NULL);
}

/* ---- the question ---------------------------------------------------------- */

/** The request, encoded; freed by the caller when it is not the message's own. */
static uint32_t read_request(const gw_api_method *m, const gw_rpc *msg,
                             gw_out *space, gw_view *request) {
  *request = msg->data;
  if (msg->json.len == 0) return GW_CODE_OK;
  space->cap = msg->json.len * ENCODED_PER_CHAR;
  space->data = gw_mem_alloc(space->cap);
  if (space->data == NULL) return GW_CODE_INTERNAL;
  int err = gw_api_request_from_json(m, msg->json, space, NULL);
  if (err < 0)
    return err == GW_ERR_TEXT ? GW_CODE_BAD_TEXT : GW_CODE_BAD_REQUEST;
  *request = (gw_view){space->data, space->len};
  return GW_CODE_OK;
}

static uint32_t start(gw_session *s, uint32_t request_id, const gw_rpc *msg,
                      const gw_api_method *m, gw_view request) {
  gw_hub *h = s->hub;
  asking *a = gw_mem_alloc(sizeof *a);
  if (a == NULL || gws_call_open(h, s, request_id, msg->timeout_ms) == NULL) {
    gw_mem_free(a);
    return GW_CODE_INTERNAL;
  }
  *a = (asking){h, s->handle, request_id, msg->data.len == 0, m};
  gw_caller caller = {.is_known = s->is_known,
                      .session = s->handle,
                      .client = s->client,
                      .user = gws_session_user(s)};
  gw_hub_api(h, gw_view_of(m->name), &caller, request, on_reply, a);
  return GW_CODE_OK;
}

/** JSON is a message in there, and sound. */
static enum gws_answer permit_send(gw_session *s, gw_view request,
                                   gw_verdict *v) {
  gw_send msg;
  const char *why = NULL;
  *v = (gw_verdict){.code = GW_CODE_BAD_REQUEST};
  if (gw_decode_send(request, &msg) == 0) {
    msg.json = (gw_view){NULL, 0};
    v->code = gws_send_permit(s, &msg, &why);
  }
  if (why != NULL) v->message = gw_view_of(why);
  return v->code == GW_CODE_OK ? GWS_ANSWER_YES : GWS_ANSWER_NO;
}

/** Whether the client may, by the rules of the channel that it asks about. */
static enum gws_answer permit(gw_session *s, const gw_frame *f,
                              const gw_api_method *m, gw_view request,
                              gw_verdict *v) {
  static const enum gw_action actions[] = {
      [GWS_DOOR_HISTORY] = GW_ACTION_HISTORY,
      [GWS_DOOR_PRESENCE] = GW_ACTION_PRESENCE,
      [GWS_DOOR_SUBSCRIBE] = GW_ACTION_SUBSCRIBE,
      [GWS_DOOR_CHANNEL] = GW_ACTION_CHANNEL,
  };
  if (m->door == GWS_DOOR_OWN) return GWS_ANSWER_YES;
  if (m->door == GWS_DOOR_SEND) return permit_send(s, request, v);
  char name[GW_MAX_CHANNEL_BYTES + 1];
  gw_head by_name = {.type = f->head.type};
  gw_target t;
  *v = (gw_verdict){.code = gws_api_channel_of(m, request, name)};
  if (v->code == GW_CODE_OK)
    v->code = gws_target_find(s, &by_name, gw_view_of(name), &t);
  if (v->code != GW_CODE_OK) return GWS_ANSWER_NO;
  gws_wish wish = {.action = actions[m->door], .target = &t};
  return gws_access(s, f, &wish, v);
}

uint32_t gws_serve_api(gw_session *s, const gw_frame *f, const gw_rpc *msg) {
  size_t skip = strlen(PREFIX);
  gw_view name = {msg->method.data + skip, msg->method.len - skip};
  const gw_api_method *m = gw_api_find(name);
  gw_out space = {NULL, 0, 0};
  gw_view request;
  gw_verdict v;
  if (m == NULL) return GW_CODE_UNKNOWN_METHOD;
  if (m->door == GWS_DOOR_NONE) return GW_CODE_PERMISSION_DENIED;
  uint32_t code = read_request(m, msg, &space, &request);
  if (code == GW_CODE_OK) {
    enum gws_answer answer = permit(s, f, m, request, &v);
    if (answer == GWS_ANSWER_YES)
      code = start(s, f->head.request, msg, m, request);
    else if (answer == GWS_ANSWER_NO)
      gws_access_refuse(s, f->head.request, &v);
  }
  gw_mem_free(space.data);
  return code;
}
