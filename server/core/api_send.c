/* SPDX-License-Identifier: MIT */
/* api_send.c - messages to those who are connected. */
#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/mem.h"
#include "server/core/send.h"

/** The request as a message of the wire. Its views are the request's. */
static gw_send read_request(const Godwit__Api__V1__SendRequest *q,
                            gw_view *channels) {
  gw_send msg = {.user = gw_view_of(q->user),
                 .client = q->client,
                 .connection = q->connection,
                 .group = gw_view_of(q->group),
                 .channels = {.items = channels, .num = q->n_channels},
                 .everybody = q->everybody != 0,
                 .no_echo = q->no_echo != 0,
                 .event = gw_view_of(q->event),
                 .data = {q->data.data, q->data.len}};
  for (size_t i = 0; i < q->n_channels; i++)
    channels[i] = gw_view_of(q->channels[i]);
  if (q->json != NULL) msg.json = gw_view_of(q->json->text);
  return msg;
}

uint32_t gws_api_send(gw_hub *h, const gw_caller *caller,
                      const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__SendRequest *q = (const void *)request;
  Godwit__Api__V1__SendReply reply = GODWIT__API__V1__SEND_REPLY__INIT;
  gw_view *channels = gw_mem_alloc((q->n_channels + 1) * sizeof *channels);
  if (channels == NULL) return GW_CODE_INTERNAL;
  gw_send msg = read_request(q, channels);
  gws_sender from = {caller->client, caller->user, caller->at_ms};
  enum gw_address to;
  uint32_t code = gws_send_check(h, &msg, &to, &r->why);
  if (code == GW_CODE_OK) {
    reply.receivers = gws_send_here(h, &msg, to, &from);
    gws_reply_add(r, &reply.base);
  }
  gw_mem_free(channels);
  return code;
}
