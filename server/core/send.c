/* SPDX-License-Identifier: MIT */
/* send.c - from an address to the connections of this worker. */
#include "server/core/send.h"

#include "proto/guard.h"
#include "server/core/channel.h"
#include "server/core/groups.h"
#include "server/core/pack.h"

/* ---- addresses --------------------------------------------------------------- */

static bool is_name(gw_view v, size_t max) {
  return v.len != 0 && v.len <= max && gw_view_is_text(v);
}

static uint32_t find_address(const gw_send *msg, enum gw_address *to) {
  const bool is_set[GW_NUM_ADDRESSES] = {
      [GW_ADDRESS_USER] = msg->user.len != 0,
      [GW_ADDRESS_CLIENT] = msg->client != 0,
      [GW_ADDRESS_CONNECTION] = msg->connection != 0,
      [GW_ADDRESS_GROUP] = msg->group.len != 0,
      [GW_ADDRESS_CHANNELS] = msg->channels.num != 0,
      [GW_ADDRESS_EVERYBODY] = msg->everybody};
  uint32_t num = 0;
  for (unsigned i = 0; i < GW_NUM_ADDRESSES; i++) {
    if (!is_set[i]) continue;
    *to = (enum gw_address)i;
    num++;
  }
  return num;
}

static bool are_channels(const gw_hub *h, gw_list list) {
  gw_view name;
  while (gw_list_next(&list, &name)) {
    if (!gws_channel_name_is_valid(h, name)) return false;
  }
  return true;
}

uint32_t gws_send_check(const gw_hub *h, const gw_send *msg,
                        enum gw_address *to, const char **why) {
  *why = NULL;
  if (find_address(msg, to) != 1) {
    *why = "a message needs exactly one address";
    return GW_CODE_BAD_REQUEST;
  }
  if (msg->data.len != 0 && msg->json.len != 0) return GW_CODE_BAD_REQUEST;
  if (msg->event.len > GW_MAX_EVENT_BYTES || msg->channels.num > GW_MAX_NAMES)
    return GW_CODE_TOO_BIG;
  if (!gw_view_is_text(msg->json) || !gw_view_is_text(msg->event))
    return GW_CODE_BAD_TEXT;
  if (*to == GW_ADDRESS_USER && !is_name(msg->user, GW_MAX_USER_BYTES))
    return GW_CODE_BAD_TEXT;
  if (*to == GW_ADDRESS_GROUP && !is_name(msg->group, GW_MAX_CHANNEL_BYTES))
    return GW_CODE_BAD_TEXT;
  if (*to == GW_ADDRESS_CHANNELS && !are_channels(h, msg->channels))
    return GW_CODE_BAD_CHANNEL;
  return GW_CODE_OK;
}

/* ---- giving -------------------------------------------------------------------- */

/** A message under way on this worker. */
typedef struct delivery {
  gw_hub *h;
  const gw_send *msg;
  const gws_sender *from;
  enum gw_address to;
  gw_buf *buf; /**< NULL: nobody got it yet */
  uint32_t num;
} delivery;

static gw_buf *encode(const delivery *d) {
  const gw_send *in = d->msg;
  gw_out *out =
      gws_hub_scratch(d->h, GWS_SCRATCH_MIN + in->data.len + in->json.len);
  gw_head head = {.type = GW_FRAME_MESSAGE};
  gw_message msg = {.client = d->from->client,
                    .user = d->from->user,
                    .to = d->to,
                    .group = in->group,
                    .event = in->event,
                    .data = in->data,
                    .json = in->json,
                    .time_ms = d->h->wall_ms};
  if (out == NULL || gw_encode_message(out, &head, &msg) < 0) return NULL;
  return gws_may_pack(gw_buf_new((gw_view){out->data, out->len}, false),
                      gws_pack_rest(d->h));
}

/** Encoded for the first, shared by the others. */
static void give(delivery *d, gw_session *s) {
  if (s->state != GWS_SESSION_OPEN || s->delivery == d->h->last_delivery)
    return;
  s->delivery = d->h->last_delivery;
  if (GW_GUARD(LATE_MESSAGE) && s->opened_ms > d->from->at_ms) return;
  if (d->msg->no_echo && s->client == d->from->client) return;
  if (s->out.bytes > d->h->low_water) {
    gw_stat_add(&d->h->stats.messages_dropped_total, 1);
    return;
  }
  if (d->buf == NULL) d->buf = encode(d);
  if (d->buf == NULL)
    gws_hub_nomem(d->h);
  else
    d->num += gws_session_push(s, GW_LANE_NORMAL, gw_buf_ref(d->buf));
}

static void give_user(delivery *d, gw_view user) {
  for (gw_session *s = gws_session_first_of(d->h, user); s != NULL;
       s = gws_session_next_of(s))
    give(d, s);
}

static void give_client(delivery *d) {
  uint64_t client = d->msg->client;
  gw_session *s;
  gw_index_walk walk = {.hash = gws_hub_id_hash(d->h, client)};
  while ((s = gw_index_next(&d->h->clients, &walk)) != NULL) {
    if (s->client == client) give(d, s);
  }
}

static void give_group(delivery *d) {
  const gw_group *g = gws_groups_find(d->h, d->msg->group);
  gw_group_walk walk = {0, 0};
  gw_group_member m;
  while (g != NULL && gws_group_next(g, &walk, &m))
    give_user(d, m.user);
}

static void give_channels(delivery *d) {
  gw_list list = d->msg->channels;
  gw_view name;
  while (gw_list_next(&list, &name)) {
    const gw_channel *ch =
        gws_channel_find(d->h, name, gws_hub_hash(d->h, name.data, name.len));
    for (uint32_t i = 0; ch != NULL && i < ch->num_seats; i++) {
      if (ch->seats[i].sub->feed != GWS_FEED_WAITING)
        give(d, ch->seats[i].session);
    }
  }
}

static void give_everybody(delivery *d) {
  for (uint32_t i = 0; i < d->h->sessions.num; i++) {
    gw_session *s = gw_slots_at(&d->h->sessions, i);
    if (s != NULL) give(d, s);
  }
}

static void give_connection(delivery *d) {
  gw_session *s = gws_session_of_connection(d->h, d->msg->connection);
  if (s != NULL) give(d, s);
}

uint32_t gws_send_here(gw_hub *h, const gw_send *msg, enum gw_address to,
                       const gws_sender *from) {
  delivery d = {.h = h, .msg = msg, .from = from, .to = to};
  if (++h->last_delivery == 0) h->last_delivery = 1;
  switch (to) {
  case GW_ADDRESS_USER:
    give_user(&d, msg->user);
    break;
  case GW_ADDRESS_CLIENT:
    give_client(&d);
    break;
  case GW_ADDRESS_CONNECTION:
    give_connection(&d);
    break;
  case GW_ADDRESS_GROUP:
    give_group(&d);
    break;
  case GW_ADDRESS_CHANNELS:
    give_channels(&d);
    break;
  case GW_ADDRESS_EVERYBODY:
    give_everybody(&d);
    break;
  }
  gw_buf_unref(d.buf);
  gw_stat_add(&h->stats.messages_sent_total, d.num);
  return d.num;
}
