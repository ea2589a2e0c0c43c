/* SPDX-License-Identifier: MIT */
/* inspect.c - shows what comes in to the inspector, and answers what it
 * refuses. */
#include "server/core/inspect.h"

#include "server/core/access.h"
#include "server/core/channel.h"

gw_facts gws_session_facts(const gw_session *s) {
  return (gw_facts){.conn = s->conn,
                    .session = s->handle,
                    .connection = s->connection,
                    .client = s->client,
                    .user = gws_session_user(s),
                    .peer = gws_session_peer(s),
                    .is_known = s->is_known};
}

bool gw_hub_facts(const gw_hub *h, uint64_t session, gw_facts *facts) {
  const gw_session *s = gws_session_get(h, session);
  if (s == NULL) return false;
  *facts = gws_session_facts(s);
  return true;
}

/** The connection rests on these; they are not shown. */
static bool is_upkeep(uint8_t type) {
  return type == GW_FRAME_PING || type == GW_FRAME_PONG ||
         type == GW_FRAME_CLOSE || type == GW_FRAME_CREDIT;
}

static gw_view channel_of(const gw_session *s, const gw_frame *f) {
  const gw_head *head = &f->head;
  const gw_channel *ch = NULL;
  if (head->type == GW_FRAME_SUBSCRIBE || head->channel == 0)
    return gws_frame_name(f);
  if ((head->flags & GW_FLAG_ALIAS) != 0) {
    const gw_sub *sub = gws_subs_by_alias(&s->subs, head->channel);
    ch = sub != NULL ? sub->channel : NULL;
  } else {
    ch = gws_channel_by_number(s->hub, head->channel);
  }
  return ch != NULL ? gws_channel_name(ch) : (gw_view){NULL, 0};
}

static gw_view method_of(const gw_frame *f) {
  gw_rpc msg = {.method = {NULL, 0}};
  if (f->head.type != GW_FRAME_RPC || gw_decode_rpc(f->body, &msg) < 0)
    msg.method.len = 0;
  return msg.method;
}

static void refuse(gw_session *s, const gw_frame *f, const gw_verdict *v) {
  if (f->head.type == GW_FRAME_HELLO)
    gws_turn_away(s, v);
  else if (f->head.type == GW_FRAME_PUBLISH)
    gws_serve_publish_refused(s, f, v);
  else
    gws_access_refuse(s, f->head.request, v);
}

bool gws_inspect_frame(gw_session *s, const gw_frame *f) {
  gw_hub *h = s->hub;
  gw_verdict v = {.code = GW_CODE_OK};
  /* With an answer at hand it was shown before it asked. */
  if (is_upkeep(f->head.type) || h->decided != NULL) return true;
  gw_facts facts = gws_session_facts(s);
  gw_inspected frame = {f, channel_of(s, f), method_of(f)};
  h->inspector->on_frame(h->inspector_user, &facts, &frame, &v);
  if (v.code == GW_CODE_OK) return true;
  gw_stat_add(&h->stats.inspected_out_total, 1);
  refuse(s, f, &v);
  return false;
}

/** Something else is to be published: it has to be sound, too. */
static uint32_t check_payload(const gw_hub *h, const gw_publish *msg) {
  size_t len = msg->data.len + msg->json.len + GWS_SCRATCH_MIN;
  if (msg->data.len != 0 && msg->json.len != 0) return GW_CODE_INTERNAL;
  if (!gw_view_is_text(msg->json)) return GW_CODE_INTERNAL;
  return len <= h->settings->limits.max_frame_bytes ? GW_CODE_OK
                                                    : GW_CODE_TOO_BIG;
}

bool gws_inspect_publication(gw_hub *h, const gw_session *s, gw_publish *msg,
                             gw_view user, gw_verdict *v) {
  gw_view data = msg->data, json = msg->json;
  gw_facts facts;
  if (h->inspector == NULL || h->inspector->on_publication == NULL) return true;
  *v = (gw_verdict){.code = GW_CODE_OK};
  if (s != NULL) facts = gws_session_facts(s);
  h->inspector->on_publication(h->inspector_user, s != NULL ? &facts : NULL,
                               msg, user, v);
  bool is_same = msg->data.data == data.data && msg->data.len == data.len &&
                 msg->json.data == json.data && msg->json.len == json.len;
  if (v->code == GW_CODE_OK && !is_same) v->code = check_payload(h, msg);
  if (v->code == GW_CODE_OK) return true;
  gw_stat_add(&h->stats.inspected_out_total, 1);
  return false;
}
