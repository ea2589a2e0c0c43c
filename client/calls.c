/* SPDX-License-Identifier: MIT */
/* calls.c - requests with an answer for the application, in both directions. */
#include <string.h>

#include "client/internal.h"

/** What an Rpc takes beside its texts: tags, lengths and numbers. */
#define CALL_OVERHEAD 40u

/* ---- ours ---------------------------------------------------------------- */

gw__call *gw__call_by_request(const gw_client *c, uint32_t request) {
  gw__call *call = c->calls;
  while (call != NULL && call->request != request)
    call = call->next;
  return call;
}

void gw__call_drop(gw_client *c, gw__call *call) {
  gw__call **at = &c->calls;
  while (*at != call)
    at = &(*at)->next;
  *at = call->next;
  gw__free(c, call);
  c->num_calls--;
  gw__events_release(c, 1);
}

static uint32_t max_calls(const gw_client *c) {
  uint32_t limit = c->limits.max_calls;
  return limit != 0 && limit < GW_MAX_CALLS ? limit : GW_MAX_CALLS;
}

static uint32_t timeout_of(const gw_client *c, uint32_t wanted_ms) {
  if (wanted_ms == 0) return c->request_timeout_ms;
  return wanted_ms < GW_REQUEST_TIMEOUT_MAX_MS ? wanted_ms
                                               : GW_REQUEST_TIMEOUT_MAX_MS;
}

/** A copy with its bytes behind it. */
static gw__call *new_call(gw_client *c, const gw__call *like) {
  gw_view name = like->name, bytes = like->payload.bytes;
  gw__call *call = gw__alloc(c, sizeof *call + name.len + bytes.len);
  if (call == NULL) return NULL;
  uint8_t *text = (uint8_t *)(call + 1);
  *call = *like;
  call->name.data = text;
  call->payload.bytes.data = text + name.len;
  memcpy(text, name.data, name.len);
  if (bytes.len != 0) memcpy(text + name.len, bytes.data, bytes.len);
  return call;
}

int64_t gw__call_submit(gw_client *c, const gw__call *like) {
  if (c->state == GW_STATE_CLOSED || c->state == GW_STATE_FAILED) {
    if (!c->connect_asked) return GW_ERR_STATE;
  }
  if (!gw__fits_frame(c,
                      like->name.len + like->payload.bytes.len + CALL_OVERHEAD))
    return GW_ERR_TOO_BIG;
  if (c->num_calls >= max_calls(c)) return GW_ERR_FULL;
  if (gw__events_promise(c, 1) < 0) return GW_ERR_NOMEM;
  gw__call *call = new_call(c, like);
  if (call == NULL) {
    gw__events_release(c, 1);
    return GW_ERR_NOMEM;
  }
  if (!c->inside) c->now = c->port.now(c->user);
  call->request = gw__next_request(c);
  call->deadline_ms += c->now;
  gw__call **at = &c->calls;
  while (*at != NULL)
    at = &(*at)->next;
  *at = call;
  c->num_calls++;
  gw__kick(c);
  return call->request;
}

int64_t gw_client_call(gw_client *c, gw_view method, gw_payload payload,
                       const gw_call_options *options) {
  static const gw_call_options none;
  const gw_call_options *o = options != NULL ? options : &none;
  if (method.len == 0) return GW_ERR_INVALID;
  if (method.len > GW_MAX_METHOD_BYTES) return GW_ERR_TOO_BIG;
  if (!gw_view_is_text(method)) return GW_ERR_TEXT;
  int err = gw__check_payload(payload);
  if (err < 0) return err;
  gw__acted(c);
  return gw__call_submit(
      c, &(gw__call){.kind = GW__CALL_RPC,
                     .deadline_ms = timeout_of(c, o->timeout_ms),
                     .to = o->to,
                     .name = method,
                     .payload = payload});
}

int64_t gw_client_presence_get(gw_client *c, gw_view channel) {
  int err = gw__check_channel(c, channel);
  if (err < 0) return err;
  return gw__call_submit(c, &(gw__call){.kind = GW__CALL_MEMBERS,
                                        .deadline_ms = c->request_timeout_ms,
                                        .name = channel});
}

void gw_client_cancel(gw_client *c, uint32_t request) {
  gw__call *call = gw__call_by_request(c, request);
  if (call != NULL) gw__call_drop(c, call); /* a queued reply finds nothing */
}

static gw_event *push_reply(gw_client *c, gw__call *call, uint32_t code,
                            const gw_view *reason) {
  gw_event *e = gw__events_push(c, GW_EVENT_REPLY);
  e->u.reply.request = call->request;
  e->u.reply.code = code;
  if (reason != NULL) e->u.reply.reason = *reason;
  return e;
}

static void finish(gw_client *c, gw__call *call, uint32_t code,
                   const gw_view *reason) {
  call->done = true;
  push_reply(c, call, code, reason);
}

gw_event *gw__call_succeed(gw_client *c, uint32_t request,
                           enum gw__call_kind kind) {
  gw__call *call = gw__call_by_request(c, request);
  if (call == NULL || call->done || call->kind != kind) return NULL;
  call->done = true;
  return push_reply(c, call, GW_CODE_OK, NULL);
}

int gw__on_rpc_result(gw_client *c, const gw_frame *frame) {
  gw_rpc_result m;
  int err = gw_decode_rpc_result(frame->body, &m);
  if (err < 0) return err;
  gw_event *e = gw__call_succeed(c, frame->head.request, GW__CALL_RPC);
  if (e != NULL) e->u.reply.payload = gw__payload(m.data, m.json);
  return 0;
}

void gw__call_refused(gw_client *c, gw__call *call, const gw_error *error) {
  if (call->done) return;
  call->done = true;
  push_reply(c, call, error->code, &error->message)->u.reply.retry_after_ms =
      error->retry_after_ms;
}

void gw__call_snapshot(gw_client *c, gw__call *call,
                       const gw_presence_snapshot *snapshot) {
  if (call->done || call->kind != GW__CALL_MEMBERS) return;
  call->done = !snapshot->more;
  c->reply_members = snapshot->members;
  gw_event *e = push_reply(c, call, GW_CODE_OK, NULL);
  e->u.reply.members = &c->reply_members;
  e->u.reply.more = snapshot->more;
  e->u.reply.numbers =
      (gw_presence_numbers){snapshot->mode, snapshot->clients, snapshot->users};
}

static void put_call(gw_client *c, gw__call *call) {
  call->sent = true;
  if (call->kind == GW__CALL_SEND) {
    gw__put_send(c, call);
    return;
  }
  if (call->kind == GW__CALL_MEMBERS) {
    gw__put_presence_get(c, call);
    return;
  }
  gw_rpc m = {.method = call->name,
              .timeout_ms = call->deadline_ms > c->now
                                ? (uint32_t)(call->deadline_ms - c->now)
                                : 1,
              .to = call->to};
  *(call->payload.type == GW_PAYLOAD_JSON ? &m.json : &m.data) =
      call->payload.bytes;
  gw__put(c, GW_FRAME_RPC, call->request, 0, GW_MESSAGE_rpc, &m);
}

void gw__calls_pump(gw_client *c) {
  uint32_t open = 0;
  for (gw__call *call = c->calls; call != NULL; call = call->next) {
    if (call->done) continue;
    if (++open > max_calls(c)) return; /* taken in before it was announced */
    if (!call->sent) put_call(c, call);
  }
}

void gw__calls_due(gw_client *c) {
  for (gw__call *call = c->calls; call != NULL; call = call->next) {
    if (!call->done && gw__due(c, call->deadline_ms))
      finish(c, call, GW_CODE_TIMEOUT, NULL);
  }
  for (gw__incoming **at = &c->incoming; *at != NULL;) {
    gw__incoming *in = *at;
    if (!gw__due(c, in->deadline_ms)) {
      at = &in->next;
      continue;
    }
    *at = in->next; /* the caller has stopped waiting */
    c->num_incoming--;
    gw__free(c, in);
  }
}

static void free_incoming(gw_client *c) {
  for (gw__incoming *in = c->incoming, *next; in != NULL; in = next) {
    next = in->next;
    gw__free(c, in);
  }
  c->incoming = NULL;
  c->num_incoming = 0;
}

void gw__calls_lost(gw_client *c, uint32_t code, const gw_view *reason,
                    bool all) {
  for (gw__call *call = c->calls; call != NULL; call = call->next) {
    if (!call->done && (call->sent || all)) finish(c, call, code, reason);
  }
  free_incoming(c);
}

void gw__calls_free(gw_client *c) {
  for (gw__call *call = c->calls, *next; call != NULL; call = next) {
    next = call->next;
    gw__free(c, call);
  }
  c->calls = NULL;
  free_incoming(c);
}

/* ---- the peer's ---------------------------------------------------------- */

static void put_error(gw_client *c, uint32_t request, const gw_error *m) {
  gw__put(c, GW_FRAME_ERROR, request, 0, GW_MESSAGE_error, m);
}

int gw__on_rpc(gw_client *c, const gw_frame *frame) {
  gw_rpc m;
  int err = gw_decode_rpc(frame->body, &m);
  if (err < 0) return err;
  if (frame->head.request == 0) return GW_ERR_PROTOCOL;
  gw__incoming *in = NULL;
  if (c->num_incoming < GW_MAX_CALLS) in = gw__alloc(c, sizeof *in);
  if (in == NULL) {
    put_error(c, frame->head.request,
              &(gw_error){.code = GW_CODE_LIMIT_REACHED});
    return 0;
  }
  if (++c->last_call_id == 0) c->last_call_id = 1;
  *in = (gw__incoming){.next = c->incoming,
                       .call = c->last_call_id,
                       .request = frame->head.request,
                       .deadline_ms = c->now + timeout_of(c, m.timeout_ms)};
  c->incoming = in;
  c->num_incoming++;
  gw_event *e = gw__events_push(c, GW_EVENT_CALL);
  e->u.call.call = in->call;
  e->u.call.method = m.method;
  e->u.call.payload = gw__payload(m.data, m.json);
  e->u.call.from = m.from;
  e->u.call.from_user = m.from_user;
  e->u.call.timeout_ms = m.timeout_ms;
  return 0;
}

static int check_answer(const gw_client *c, gw_view reason,
                        gw_payload payload) {
  int err = gw__check_payload(payload);
  if (err < 0) return err;
  if (!gw_view_is_text(reason)) return GW_ERR_TEXT;
  if (reason.len > GW_MAX_REASON_BYTES ||
      !gw__fits_frame(c, payload.bytes.len + CALL_OVERHEAD))
    return GW_ERR_TOO_BIG;
  return 0;
}

static int answer(gw_client *c, uint32_t call, const gw_error *failure,
                  gw_payload payload) {
  int err = check_answer(c, failure->message, payload);
  if (err < 0) return err;
  gw__incoming **at = &c->incoming;
  while (*at != NULL && (*at)->call != call)
    at = &(*at)->next;
  gw__incoming *in = *at;
  if (in == NULL) return GW_ERR_NOT_FOUND;
  if (failure->code != GW_CODE_OK) {
    put_error(c, in->request, failure);
  } else {
    gw_rpc_result m = {{NULL, 0}, {NULL, 0}};
    *(payload.type == GW_PAYLOAD_JSON ? &m.json : &m.data) = payload.bytes;
    gw__put(c, GW_FRAME_RPC_RESULT, in->request, 0, GW_MESSAGE_rpc_result, &m);
  }
  *at = in->next;
  c->num_incoming--;
  gw__free(c, in);
  gw__kick(c);
  return c->broken ? GW_ERR_NOMEM : 0;
}

int gw_client_answer(gw_client *c, uint32_t call, uint32_t code, gw_view reason,
                     gw_payload payload) {
  gw_error failure = {.code = code, .message = reason};
  return answer(c, call, &failure, payload);
}

int gw_client_refuse(gw_client *c, uint32_t call, uint32_t code, gw_view reason,
                     uint32_t retry_after_ms) {
  gw_error failure = {
      .code = code, .message = reason, .retry_after_ms = retry_after_ms};
  if (code == GW_CODE_OK) return GW_ERR_INVALID;
  return answer(c, call, &failure, (gw_payload){0});
}
