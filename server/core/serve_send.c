/* SPDX-License-Identifier: MIT */
/* serve_send.c - Send: a client's message, by the API's method of the name. */
#include <string.h>

#include "server/core/access.h"
#include "server/core/api.h"
#include "server/core/channel.h"
#include "server/core/grants.h"
#include "server/core/groups.h"
#include "server/core/idle.h"
#include "server/core/mem.h"
#include "server/core/send.h"

/* ---- whether it may ------------------------------------------------------------ */

static bool is_subscribed_to_all(const gw_session *s, gw_list list) {
  gw_hub *h = s->hub;
  gw_view name;
  while (gw_list_next(&list, &name)) {
    const gw_channel *ch =
        gws_channel_find(h, name, gws_hub_hash(h, name.data, name.len));
    if (gws_subs_by_channel(&s->subs, ch) == NULL) return false;
  }
  return true;
}

/** Whether the way that the connection came by leads to all of them. */
static bool are_on_route(const gw_session *s, gw_list list) {
  gw_view name;
  while (s->grants != NULL && gw_list_next(&list, &name)) {
    if (!gws_is_within(s, name, gws_hub_hash(s->hub, name.data, name.len)))
      return false;
  }
  return true;
}

static bool is_allowed(const gw_session *s, const gw_send *msg,
                       enum gw_address to) {
  const gw_hub *h = s->hub;
  const gw_rule *rule = &h->settings->send[to];
  gw_view user = gws_session_user(s);
  if ((rule->who & GW_WHO_ANYONE) != 0) return true;
  if ((rule->who & GW_WHO_USER) != 0 && s->is_known) return true;
  if (to == GW_ADDRESS_CHANNELS)
    return (rule->who & GW_WHO_SUBSCRIBER) != 0 &&
           is_subscribed_to_all(s, msg->channels);
  if (to != GW_ADDRESS_GROUP || !s->is_known) return false;
  return ((rule->who & GW_WHO_MEMBER) != 0 &&
          gws_groups_may(h, msg->group, user, GW_MAY_SEND)) ||
         ((rule->who & GW_WHO_ROLE) != 0 &&
          gws_groups_has_role(h, msg->group, user, &rule->roles));
}

/** By address: the rule that decides. */
static const char *const refusals[GW_NUM_ADDRESSES] = {
    [GW_ADDRESS_USER] = "the rule send.to_user does not let this client",
    [GW_ADDRESS_CLIENT] = "the rule send.to_client does not let this client",
    [GW_ADDRESS_CONNECTION] =
        "the rule send.to_connection does not let this client",
    [GW_ADDRESS_GROUP] = "the rule send.to_group does not let this client",
    [GW_ADDRESS_CHANNELS] =
        "the rule send.to_channels does not let this client",
    [GW_ADDRESS_EVERYBODY] =
        "the rule send.to_everybody does not let this client",
};

uint32_t gws_send_permit(gw_session *s, const gw_send *msg, const char **why) {
  enum gw_address to;
  uint32_t code = gws_send_check(s->hub, msg, &to, why);
  if (code == GW_CODE_BAD_TEXT) gw_stat_add(&s->hub->stats.bad_text_total, 1);
  if (code == GW_CODE_OK && !are_on_route(s, msg->channels))
    code = GW_CODE_NOT_ON_ROUTE;
  if (code == GW_CODE_OK && !is_allowed(s, msg, to)) {
    code = GW_CODE_PERMISSION_DENIED;
    *why = refusals[to];
  }
  return code;
}

/* ---- on its way ----------------------------------------------------------------- */

/** Who waits for the number of receivers. */
typedef struct waiting {
  gw_hub *h;
  uint64_t session;
  uint32_t request;
} waiting;

/** A reply has the field of Sent. */
static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  waiting *w = arg;
  gw_session *s = gws_session_get(w->h, w->session);
  gw_sent sent;
  if (s != NULL && code == GW_CODE_OK && gw_decode_sent(reply, &sent) < 0)
    code = GW_CODE_INTERNAL;
  if (s != NULL && code == GW_CODE_OK) {
    gw_out *out = gws_hub_scratch(w->h, GWS_SCRATCH_MIN);
    gw_head head = {.type = GW_FRAME_SENT, .request = w->request};
    gws_session_send(s, GW_LANE_CONTROL, out,
                     gw_encode_sent(out, &head, &sent));
  } else if (s != NULL) {
    gws_reply_refusal(s, w->request, code, message, 0);
  }
  gw_mem_free(w);
}

/** Room for the message Json around a text. */
#define JSON_OVERHEAD 8u

/** The API's request is the message, but for JSON, which is a message there
 * (api.proto). NULL when out of memory. */
static uint8_t *encode(const gw_send *msg, size_t body_len, size_t *len) {
  gw_send copy = *msg;
  gw_out json = {.cap = msg->json.len + JSON_OVERHEAD};
  gw_out out = {.cap = body_len + 2 * JSON_OVERHEAD};
  json.data = gw_mem_alloc(json.cap);
  out.data = gw_mem_alloc(out.cap);
  gw_presence_get text = {.channel = msg->json}; /* one text, number 1 */
  bool is_good = json.data != NULL && out.data != NULL &&
                 gw_encode_presence_get(&json, NULL, &text) == 0;
  copy.json = (gw_view){json.data, json.len};
  if (is_good) is_good = gw_encode_send(&out, NULL, &copy) == 0;
  gw_mem_free(json.data);
  *len = out.len;
  if (is_good) return out.data;
  gw_mem_free(out.data);
  return NULL;
}

static void send_on(gw_session *s, uint32_t request, const gw_send *msg,
                    size_t body_len) {
  gw_hub *h = s->hub;
  size_t len;
  waiting *w = gw_mem_alloc(sizeof *w);
  uint8_t *bytes = w != NULL ? encode(msg, body_len, &len) : NULL;
  if (bytes == NULL) {
    gw_mem_free(w);
    gws_hub_nomem(h);
    gws_reply_error(s, request, GW_CODE_INTERNAL, NULL);
    return;
  }
  *w = (waiting){h, s->handle, request};
  gw_caller caller = {.is_trusted = true, /* by what was checked here */
                      .session = s->handle,
                      .client = s->client,
                      .user = gws_session_user(s)};
  gw_hub_api(h, gw_view_of("send"), &caller, (gw_view){bytes, len}, on_reply,
             w);
  gw_mem_free(bytes);
}

void gws_serve_send(gw_session *s, const gw_frame *f) {
  gw_send msg;
  const char *why;
  if (gw_decode_send(f->body, &msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "Send cannot be decoded");
    return;
  }
  gws_session_act(s);
  uint32_t code = gws_send_permit(s, &msg, &why);
  if (code == GW_CODE_PERMISSION_DENIED)
    gw_stat_add(&s->hub->stats.refused_total, 1);
  if (code != GW_CODE_OK)
    gws_reply_error(s, f->head.request, code, why);
  else
    send_on(s, f->head.request, &msg, f->body.len);
}
