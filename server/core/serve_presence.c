/* SPDX-License-Identifier: MIT */
/* serve_presence.c - PresenceSet, PresenceLeave and PresenceGet. */
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/idle.h"
#include "server/core/mail.h"
#include "server/core/meter.h"
#include "server/core/presence.h"
#include "server/core/session.h"

static void refuse(gw_session *s, uint32_t request, uint32_t code,
                   const char *why) {
  if (request != 0) gws_reply_error(s, request, code, why);
}

static gw_origin origin_of(const gw_session *s, const gw_frame *f) {
  return (gw_origin){.worker = s->hub->worker,
                     .request = f->head.request,
                     .session = s->handle,
                     .type = f->head.type};
}

/* ---- enter, update, leave ------------------------------------------------ */

static gw_mail *make_mail(const gw_sub *sub, enum gws_mail_kind kind,
                          const gw_presence_command *cmd) {
  const gw_presence_set *msg = &cmd->msg;
  gw_view name = gws_channel_name(sub->channel);
  gw_mail *m = gws_mail_new(kind, name.len + cmd->user.len + msg->state.len +
                                      msg->data.len + msg->json.len);
  if (m == NULL) return NULL;
  m->hash = sub->channel->hash;
  m->name = gws_mail_keep(m, name);
  m->u.presence = *cmd;
  m->u.presence.user = gws_mail_keep(m, cmd->user);
  m->u.presence.msg.state = gws_mail_keep(m, msg->state);
  m->u.presence.msg.data = gws_mail_keep(m, msg->data);
  m->u.presence.msg.json = gws_mail_keep(m, msg->json);
  return m;
}

/** The mail that will tell of the end. */
static bool prepare_farewell(gw_sub *sub) {
  const gw_session *s = sub->session;
  if (sub->farewell != NULL) return true;
  gw_presence_command cmd = {.client = s->client, .connection = s->connection};
  sub->farewell = make_mail(sub, GWS_MAIL_PRESENCE_LOST, &cmd);
  return sub->farewell != NULL;
}

/** The wish was taken: whether the session has a member now, and how time goes
 * on for it. */
static void note(gw_sub *sub, bool is_set, const gw_presence_command *cmd) {
  sub->is_member = is_set;
  if (!is_set)
    gws_idle_end(sub);
  else if (gws_idle_begin(sub, &cmd->msg) < 0)
    gws_hub_nomem(sub->session->hub);
}

static uint32_t forward(gw_sub *sub, const gw_frame *f,
                        const gw_presence_command *cmd) {
  gw_hub *h = sub->session->hub;
  uint32_t owner = sub->channel->owner;
  bool is_set = f->head.type == GW_FRAME_PRESENCE_SET;
  if (gws_hub_is_worker_busy(h, owner)) return GW_CODE_OVERLOADED;
  gw_mail *m = NULL;
  if (!is_set || prepare_farewell(sub))
    m = make_mail(sub, is_set ? GWS_MAIL_PRESENCE_SET : GWS_MAIL_PRESENCE_LEAVE,
                  cmd);
  if (m == NULL) {
    gws_hub_nomem(h);
    return GW_CODE_INTERNAL;
  }
  m->origin = origin_of(sub->session, f);
  gws_command_post(h, owner, m);
  note(sub, is_set, cmd);
  return GW_CODE_OK;
}

/** Done here. */
static uint32_t apply(gw_sub *sub, const gw_frame *f,
                      const gw_presence_command *cmd) {
  gw_session *s = sub->session;
  bool is_set = f->head.type == GW_FRAME_PRESENCE_SET;
  uint32_t code = GW_CODE_OK;
  if (is_set)
    code = gws_presence_set(sub->channel, cmd);
  else
    gws_presence_leave(sub->channel, cmd->client, cmd->connection);
  if (code != GW_CODE_OK) return code;
  note(sub, is_set, cmd);
  gws_reply_ok(s, f->head.request);
  return GW_CODE_OK;
}

static uint32_t check_set(gw_session *s, const gw_presence_set *msg) {
  uint32_t max = s->hub->settings->limits.max_presence_bytes;
  size_t len = msg->state.len + msg->data.len + msg->json.len;
  if (msg->state.len > GW_MAX_STATE_BYTES || (max != 0 && len > max))
    return GW_CODE_TOO_BIG;
  if (msg->merge && msg->data.len != 0) return GW_CODE_BAD_REQUEST;
  uint32_t code = gws_payload_check(s, msg->data, msg->json);
  if (code != GW_CODE_OK || gw_view_is_text(msg->state)) return code;
  gw_stat_add(&s->hub->stats.bad_text_total, 1);
  return GW_CODE_BAD_TEXT;
}

/** Only by the frame's channel: it needs a subscription. */
static uint32_t find_sub(gw_session *s, const gw_frame *f, gw_sub **sub) {
  gw_target t;
  if (f->head.channel == 0) return GW_CODE_BAD_REQUEST;
  uint32_t code = gws_target_find_one(s, &f->head, (gw_view){NULL, 0}, &t);
  if (code != GW_CODE_OK) return code;
  *sub = t.sub;
  return t.channel->ns->presence ? GW_CODE_OK : GW_CODE_PERMISSION_DENIED;
}

/** Whether the namespace knows the state. */
static bool is_state(const gw_namespace *ns, const gw_presence_set *msg) {
  if (ns->presence_states.len == 0 || (msg->merge && msg->state.len == 0))
    return true;
  return gw_words_has(&ns->presence_states, gws_presence_state(msg->state));
}

static void change(gw_session *s, const gw_frame *f, uint32_t code,
                   gw_presence_command *cmd) {
  gw_sub *sub = NULL;
  if (!gws_meter_admit(s, f->head.request, GW_OPERATION_PRESENCE)) return;
  if (code == GW_CODE_OK) code = find_sub(s, f, &sub);
  if (code == GW_CODE_OK && f->head.type == GW_FRAME_PRESENCE_SET &&
      !is_state(sub->channel->ns, &cmd->msg))
    code = GW_CODE_UNKNOWN_STATE;
  cmd->client = s->client;
  cmd->connection = s->connection;
  cmd->opened_ms = s->opened_ms;
  cmd->user = gws_session_user(s);
  if (code == GW_CODE_OK)
    code = sub->channel->state == GWS_CHANNEL_OWNED ? apply(sub, f, cmd)
                                                    : forward(sub, f, cmd);
  if (code != GW_CODE_OK) refuse(s, f->head.request, code, NULL);
}

void gws_serve_presence_set(gw_session *s, const gw_frame *f) {
  gw_presence_command cmd;
  if (gw_decode_presence_set(f->body, &cmd.msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "PresenceSet cannot be decoded");
    return;
  }
  change(s, f, check_set(s, &cmd.msg), &cmd);
}

void gws_serve_presence_leave(gw_session *s, const gw_frame *f) {
  gw_presence_command cmd = {.client = 0};
  change(s, f, GW_CODE_OK, &cmd);
}

/* ---- get ----------------------------------------------------------------- */

/** A part that was made for subscribers, as the answer to a request. */
static void send_part(gw_session *s, enum gw_lane_id lane, uint32_t request,
                      const gw_buf *part) {
  gw_frame f;
  if (gw_frame_parse(gw_buf_payload(part), GW_MAX_FRAME_BYTES_HARD, &f) <= 0)
    return;
  gw_out *out = gws_hub_scratch(s->hub, f.body.len + GWS_SCRATCH_MIN);
  f.head.request = request;
  if (out == NULL)
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
  else
    gws_session_put(s, lane, out, gw_frame_put(out, &f.head, f.body));
}

/** An answer is sent at once. */
static bool fits(const gw_session *s, const gw_snapshot *snapshot) {
  uint32_t cap = s->hub->settings->limits.max_queue_bytes;
  size_t sum = s->out.bytes;
  for (uint32_t i = 0; i < snapshot->num_parts; i++)
    sum += snapshot->parts[i]->len;
  return cap == 0 || sum <= cap;
}

/** A channel that is not there has a mode all the same: its namespace's. */
static void send_nobody(gw_session *s, uint32_t request,
                        const gw_namespace *ns) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_PRESENCE_SNAPSHOT, .request = request};
  gw_presence_snapshot msg = {.version = 0, .mode = ns->presence_mode};
  gws_session_send(s, gw_lane_of(ns->priority), out,
                   gw_encode_presence_snapshot(out, &head, &msg));
}

void gws_presence_answer(gw_session *s, uint32_t request, gw_view channel,
                         const gw_snapshot *snapshot) {
  const gw_namespace *ns = gw_settings_namespace(s->hub->settings, channel);
  if (snapshot == NULL) {
    send_nobody(s, request, ns);
    return;
  }
  if (!fits(s, snapshot)) {
    gws_reply_error(s, request, GW_CODE_LIMIT_REACHED,
                    "too many members: subscribe to the presence");
    return;
  }
  for (uint32_t i = 0; i < snapshot->num_parts; i++)
    send_part(s, gw_lane_of(ns->priority), request, snapshot->parts[i]);
}

/** Whether who asks is told of all changes, too. */
static bool is_told(const gw_frame *f, const gw_target *t) {
  return f->head.channel != 0 && t->sub->roster != GWS_ROSTER_NONE;
}

/** Whether it can be had now: an answer must not come between the parts of a list
 * that is older. */
static bool is_answer_good(const gw_sub *sub, const gw_snapshot *snapshot) {
  return sub->roster == GWS_ROSTER_LIVE && fits(sub->session, snapshot);
}

/** The list comes as it did after the Subscribe, part by part, unless it is coming
 * already. Its reader may be slow, which is why it asked. */
static void push_list(gw_sub *sub, uint32_t request) {
  if (sub->roster == GWS_ROSTER_LIVE) gws_sub_set_roster(sub, GWS_ROSTER_STALE);
  gws_reply_refusal(sub->session, request, GW_CODE_OVERLOADED,
                    gw_view_of("the list comes in parts, by itself"),
                    GW_REQUEST_TIMEOUT_MS);
}

static void answer_here(gw_session *s, const gw_frame *f, const gw_target *t) {
  uint32_t request = f->head.request;
  gw_channel *ch = t->channel;
  gw_snapshot *snapshot = ch == NULL ? NULL : gws_presence_snapshot(ch);
  if (ch != NULL && snapshot == NULL) {
    gws_hub_nomem(s->hub);
    gws_reply_error(s, request, GW_CODE_INTERNAL, NULL);
    return;
  }
  if (snapshot != NULL && is_told(f, t) && !is_answer_good(t->sub, snapshot))
    push_list(t->sub, request);
  else
    gws_presence_answer(s, request, t->name, snapshot);
  gws_snapshot_unref(snapshot);
}

/** The owner is asked for this once; following it would be more work. */
static void ask_owner(gw_session *s, const gw_frame *f, uint32_t owner,
                      const gw_target *t) {
  gw_hub *h = s->hub;
  uint32_t code = GW_CODE_OVERLOADED;
  gw_mail *m = NULL;
  if (!gws_hub_is_worker_busy(h, owner)) {
    m = gws_mail_new(GWS_MAIL_PRESENCE_GET, t->name.len);
    code = GW_CODE_INTERNAL;
  }
  if (m == NULL) {
    gws_reply_error(s, f->head.request, code, NULL);
    return;
  }
  m->origin = origin_of(s, f);
  m->hash = t->hash;
  m->name = gws_mail_keep(m, t->name);
  gws_command_post(h, owner, m);
}

static void answer_get(gw_session *s, const gw_frame *f, const gw_target *t) {
  gw_hub *h = s->hub;
  uint32_t owner = gws_channel_owner(h, t->hash);
  bool is_here = t->channel != NULL && gws_channel_is_ready(t->channel);
  if (owner == h->worker || is_here)
    answer_here(s, f, t);
  else if (is_told(f, t))
    push_list(t->sub, f->head.request);
  else
    ask_owner(s, f, owner, t);
}

void gws_serve_presence_get(gw_session *s, const gw_frame *f) {
  gw_presence_get msg;
  gw_target t;
  if (gw_decode_presence_get(f->body, &msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "PresenceGet cannot be decoded");
    return;
  }
  if (!gws_meter_admit(s, f->head.request, GW_OPERATION_PRESENCE)) return;
  uint32_t code = gws_target_find_one(s, &f->head, msg.channel, &t);
  if (code == GW_CODE_OK && !gws_target_space(s, &t)->presence)
    code = GW_CODE_PERMISSION_DENIED;
  if (code != GW_CODE_OK) {
    gws_reply_error(s, f->head.request, code, NULL);
    return;
  }
  gw_verdict v;
  gws_wish wish = {.action = GW_ACTION_PRESENCE, .target = &t};
  enum gws_answer answer = gws_access(s, f, &wish, &v);
  if (answer == GWS_ANSWER_YES) answer_get(s, f, &t);
  if (answer == GWS_ANSWER_NO) gws_access_refuse(s, f->head.request, &v);
}
