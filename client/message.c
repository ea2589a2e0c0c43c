/* SPDX-License-Identifier: MIT */
/* message.c - messages to people: what this client sends, and what comes. */
#include "client/internal.h"

/** What a Send takes beside its texts and names: tags, lengths and numbers. */
#define SEND_OVERHEAD 48u
/** What stands before a name of a list. */
#define NAME_OVERHEAD 4u

static int check_addresses(const gw_send *m) {
  int num = (m->user.len != 0) + (m->client != 0) + (m->connection != 0) +
            (m->group.len != 0) + (m->channels.num != 0) + m->everybody;
  return num == 1 ? 0 : GW_ERR_INVALID;
}

static int check_texts(const gw_send *m) {
  const gw_view texts[] = {m->user, m->group, m->event, m->json};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (!gw_view_is_text(texts[i])) return GW_ERR_TEXT;
  }
  return 0;
}

/** Of the encoded message, at most; negative: a name cannot be one. */
static int64_t room_for(const gw_client *c, const gw_send *m) {
  size_t len = m->user.len + m->group.len + m->event.len + m->data.len +
               m->json.len + SEND_OVERHEAD;
  gw_list list = m->channels;
  gw_view name;
  while (gw_list_next(&list, &name)) {
    int err = gw__check_channel(c, name);
    if (err < 0) return err;
    len += name.len + NAME_OVERHEAD;
  }
  return (int64_t)len;
}

int64_t gw_client_send(gw_client *c, const gw_send *m) {
  int64_t room = check_addresses(m);
  if (room == 0) room = check_texts(m);
  if (room == 0) room = room_for(c, m);
  if (room < 0) return room;
  if (!gw__fits_frame(c, (size_t)room)) return GW_ERR_TOO_BIG;
  gw_out out = {gw__alloc(c, (size_t)room), 0, (size_t)room};
  if (out.data == NULL) return GW_ERR_NOMEM;
  int64_t result = gw_encode_send(&out, NULL, m);
  if (result == 0) {
    gw__acted(c);
    result =
        gw__call_submit(c, &(gw__call){.kind = GW__CALL_SEND,
                                       .deadline_ms = c->request_timeout_ms,
                                       .name = {out.data, out.len}});
  }
  gw__free(c, out.data);
  return result;
}

void gw__put_send(gw_client *c, const gw__call *call) {
  gw_send m;
  if (gw_decode_send(call->name, &m) < 0) return; /* we wrote it */
  gw__put(c, GW_FRAME_SEND, call->request, 0, GW_MESSAGE_send, &m);
}

int gw__on_sent(gw_client *c, const gw_frame *frame) {
  gw_sent m;
  int err = gw_decode_sent(frame->body, &m);
  if (err < 0) return err;
  gw_event *e = gw__call_succeed(c, frame->head.request, GW__CALL_SEND);
  if (e != NULL) e->u.reply.receivers = m.receivers;
  return 0;
}

int gw__on_message(gw_client *c, const gw_frame *frame) {
  gw_message m;
  int err = gw_decode_message(frame->body, &m);
  if (err < 0) return err;
  gw_event *e = gw__events_push(c, GW_EVENT_MESSAGE);
  e->u.message.client = m.client;
  e->u.message.user = m.user;
  e->u.message.to = m.to;
  e->u.message.group = m.group;
  e->u.message.event = m.event;
  e->u.message.payload = gw__payload(m.data, m.json);
  e->u.message.time_ms = m.time_ms;
  e->u.message.own = m.client != 0 && m.client == c->client_id;
  return 0;
}
