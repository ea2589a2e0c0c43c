/* SPDX-License-Identifier: MIT */
/* api_rpc.c - the application calls a client. */
#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/hub_state.h"
#include "server/core/mem.h"

/** Who waits for the client's answer. */
typedef struct waiting {
  gw_hub *hub;
  uint64_t question;
} waiting;

static void on_reply(void *arg, uint32_t code, gw_view message,
                     const gw_rpc_result *result) {
  waiting w = *(waiting *)arg;
  Godwit__Api__V1__Json json = GODWIT__API__V1__JSON__INIT;
  Godwit__Api__V1__RpcReply reply = GODWIT__API__V1__RPC_REPLY__INIT;
  char *space = NULL, *at;
  gw_mem_free(arg);
  if (code == GW_CODE_OK && result != NULL) {
    reply.data = (ProtobufCBinaryData){result->data.len,
                                       (uint8_t *)(uintptr_t)result->data.data};
    space = at = gw_mem_alloc(result->json.len + 1);
    if (space == NULL) code = GW_CODE_INTERNAL;
    if (space != NULL) json.text = gws_api_text(result->json, &at);
    if (result->json.len != 0) reply.json = &json;
  }
  gws_api_answer(w.hub, w.question, code, message, &reply.base);
  gw_mem_free(space);
}

static uint32_t code_of(int err, gws_reply *r) {
  switch (err) {
  case 0:
    return GWS_API_LATER;
  case GW_ERR_NOT_FOUND:
    return GW_CODE_NOT_FOUND;
  case GW_ERR_FULL:
    return GW_CODE_OVERLOADED;
  case GW_ERR_TEXT:
    return GW_CODE_BAD_TEXT;
  case GW_ERR_INVALID:
    r->why = "client and method are needed";
    return GW_CODE_BAD_REQUEST;
  default:
    return GW_CODE_INTERNAL;
  }
}

uint32_t gws_api_rpc(gw_hub *h, const gw_caller *caller,
                     const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__RpcRequest *q = (const void *)request;
  gw_rpc rpc = {.method = gw_view_of(q->method),
                .data = {q->data.data, q->data.len},
                .timeout_ms = q->timeout_ms};
  (void)caller;
  if (q->json != NULL) rpc.json = gw_view_of(q->json->text);
  if (rpc.data.len != 0 && rpc.json.len != 0) {
    r->why = "data and json: one of them";
    return GW_CODE_BAD_REQUEST;
  }
  if (rpc.data.len + rpc.json.len + GWS_SCRATCH_MIN >
      h->settings->limits.max_frame_bytes)
    return GW_CODE_TOO_BIG;
  waiting *w = gw_mem_alloc(sizeof *w);
  if (w == NULL) return GW_CODE_INTERNAL;
  *w = (waiting){h, r->question};
  int err = gw_hub_call(h, q->client, &rpc, on_reply, w);
  if (err < 0) gw_mem_free(w);
  return code_of(err, r);
}
