/* SPDX-License-Identifier: MIT */
/* moves.c - from a frame that the recorded client sent to the command of its
 * application. */
#include <stdlib.h>

#include "server/cli/replay/player_state.h"
#include "server/cli/replay/trace.h"
#include "server/cli/text.h"

/** Stands for every token: they are not in recordings. */
#define TOKEN "*"

static void tell_refusal(gw__player *p, const char *what, int64_t err) {
  if (err >= 0) return;
  gw_trace_put(p->shown, p->now_ms, "differs", "the core takes no %s here: %s",
               what, gw_err_text((int)err));
}

static uint32_t sub_of(gw__player *p, const gw_frame *frame) {
  if ((frame->head.flags & GW_FLAG_ALIAS) == 0) return 0;
  return gw__pair_core(p->subs, frame->head.channel, 0);
}

static void subscribe(gw__player *p, const gw_frame *frame) {
  gw_subscribe m;
  uint32_t sub = sub_of(p, frame);
  if (gw_decode_subscribe(frame->body, &m) < 0 || m.by_server) return;
  if (sub != 0 && gw_client_sub_state(p->client, sub) != GW_SUB_ENDED) {
    gw__player_give_token(p, sub);
    return;
  }
  const gw_sub_options options = {.recover = m.recover,
                                  .since = {m.epoch, m.offset},
                                  .presence = m.presence,
                                  .asks_token = m.token.len != 0,
                                  .delta = m.delta,
                                  .overflow = m.overflow,
                                  .token = m.token,
                                  .filter = m.filter,
                                  .meta = m.meta};
  int64_t id = gw_client_subscribe(p->client, m.channel, &options);
  tell_refusal(p, "subscription", id);
  if (id > 0) gw__pair_set(p, &p->subs, frame->head.channel, (uint32_t)id);
}

static void publish(gw__player *p, const gw_frame *frame) {
  gw_publish m;
  if (gw_decode_publish(frame->body, &m) < 0) return;
  if (m.key != 0 && m.key <= p->last_key) return; /* sent again */
  uint32_t sub = sub_of(p, frame);
  gw_view channel =
      sub != 0 ? gw_client_sub_channel(p->client, sub) : m.channel;
  const gw_publish_options options = {.no_echo = m.no_echo,
                                      .at_most_once = m.key == 0,
                                      .compare = m.compare,
                                      .compare_item = m.compare_item,
                                      .removed = m.removed,
                                      .expected = {m.epoch, m.offset},
                                      .ttl_ms = m.ttl_ms,
                                      .item = m.item,
                                      .tags = m.tags,
                                      .meta = m.meta};
  uint64_t key = 0;
  int err = gw_client_publish(p->client, channel,
                              gw_text_payload(m.data, m.json), &options, &key);
  tell_refusal(p, "publication", err);
  if (err == 0 && m.key != 0 && key != m.key)
    gw_trace_put(
        p->shown, p->now_ms, "differs",
        "the publication has a key that the core does not give it; one "
        "before was never sent");
  if (m.key != 0) p->last_key = m.key;
}

static void set_presence(gw__player *p, const gw_frame *frame) {
  gw_presence_set m;
  if (gw_decode_presence_set(frame->body, &m) < 0) return;
  tell_refusal(p, "presence",
               gw_client_presence_set(p->client, sub_of(p, frame), m.state,
                                      gw_text_payload(m.data, m.json)));
}

static void get_presence(gw__player *p, const gw_frame *frame) {
  gw_presence_get m;
  /* By its alias the core asks for itself. */
  if (sub_of(p, frame) != 0 || gw_decode_presence_get(frame->body, &m) < 0)
    return;
  tell_refusal(p, "question about presence",
               gw_client_presence_get(p->client, m.channel));
}

static void call(gw__player *p, const gw_frame *frame) {
  gw_rpc m;
  if (gw_decode_rpc(frame->body, &m) < 0) return;
  const gw_call_options options = {m.timeout_ms, m.to};
  tell_refusal(p, "call",
               gw_client_call(p->client, m.method,
                              gw_text_payload(m.data, m.json), &options));
}

static void send_message(gw__player *p, const gw_frame *frame) {
  gw_send m;
  if (gw_decode_send(frame->body, &m) < 0) return;
  tell_refusal(p, "message", gw_client_send(p->client, &m));
}

static void answer(gw__player *p, const gw_frame *frame) {
  gw_rpc_result result;
  gw_error error;
  uint32_t id = gw__pair_core(p->calls, frame->head.request, 0);
  if (id == 0) return;
  if (frame->head.type == GW_FRAME_ERROR) {
    if (gw_decode_error(frame->body, &error) < 0) return;
    tell_refusal(p, "refusal of a call",
                 gw_client_refuse(p->client, id, error.code, error.message,
                                  error.retry_after_ms));
  } else if (gw_decode_rpc_result(frame->body, &result) == 0) {
    tell_refusal(p, "answer to a call",
                 gw_client_answer(p->client, id, GW_CODE_OK, (gw_view){NULL, 0},
                                  gw_text_payload(result.data, result.json)));
  }
}

static void say_goodbye(gw__player *p, const gw_frame *frame) {
  gw_close m;
  /* With any other code the core closes by itself. */
  if (gw_decode_close(frame->body, &m) == 0 && m.code == GW_CODE_CLOSED)
    gw_client_close(p->client);
}

void gw__player_give_token(gw__player *p, uint32_t sub) {
  gw__asked **at = &p->asked;
  while (*at != NULL) {
    gw__asked *asked = *at;
    if (asked->sub != sub) {
      at = &asked->next;
      continue;
    }
    *at = asked->next;
    /* Nobody may wait for it any more. */
    (void)!gw_client_give_token(p->client, asked->ask, gw_view_of(TOKEN));
    free(asked);
  }
}

void gw__player_move(gw__player *p, const gw_frame *frame) {
  switch (frame->head.type) {
  case GW_FRAME_SUBSCRIBE:
    subscribe(p, frame);
    break;
  case GW_FRAME_UNSUBSCRIBE:
    tell_refusal(p, "end of a subscription",
                 gw_client_unsubscribe(p->client, sub_of(p, frame)));
    break;
  case GW_FRAME_PUBLISH:
    publish(p, frame);
    break;
  case GW_FRAME_PRESENCE_SET:
    set_presence(p, frame);
    break;
  case GW_FRAME_PRESENCE_LEAVE:
    tell_refusal(p, "leaving",
                 gw_client_presence_leave(p->client, sub_of(p, frame)));
    break;
  case GW_FRAME_PRESENCE_GET:
    get_presence(p, frame);
    break;
  case GW_FRAME_RPC:
    call(p, frame);
    break;
  case GW_FRAME_SEND:
    send_message(p, frame);
    break;
  case GW_FRAME_RPC_RESULT:
  case GW_FRAME_ERROR:
    answer(p, frame);
    break;
  case GW_FRAME_REFRESH:
    gw__player_give_token(p, sub_of(p, frame));
    break;
  case GW_FRAME_CLOSE:
    say_goodbye(p, frame);
    break;
  default:
    break; /* the core's own */
  }
}
