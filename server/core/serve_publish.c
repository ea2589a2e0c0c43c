/* SPDX-License-Identifier: MIT */
/* serve_publish.c - Publish, as far as the publisher's own worker goes. */
#include "proto/guard.h"
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/idle.h"
#include "server/core/inspect.h"
#include "server/core/mail.h"
#include "server/core/meter.h"
#include "server/core/news.h"
#include "server/core/publish_check.h"
#include "server/core/session.h"

/** Keep the order of what will come again; see refused.h. */
static void note_refusal(gw_session *s, uint64_t hash, uint64_t key) {
  int err = key == 0 ? 0 : gw_refused_add(&s->refused, hash, key);
  if (err == 0) return;
  if (err == GW_ERR_NOMEM) gws_hub_nomem(s->hub);
  /* Coming back, the client sends everything again and in order. */
  gws_session_end_later(s, GW_CODE_OVERLOADED, NULL, GWS_RETRY_AFTER_MS,
                        GWS_RETRY_AFTER_MS);
}

/** The server ended the subscription that it names while it was on its way. What
 * channel it is for is not known any more, nor what follows it, perhaps by name:
 * the client has to send everything again, in order. */
static bool is_stranded(const gw_session *s, uint64_t key, uint32_t code) {
  return code == GW_CODE_NOT_SUBSCRIBED && s->has_ended && key != 0;
}

static void refuse(gw_session *s, uint32_t request, uint64_t key,
                   uint32_t code) {
  if (is_stranded(s, key, code))
    gws_session_end(s, GW_CODE_PRECEDING_REFUSED, NULL);
  else if (request != 0)
    gws_reply_error(s, request, code, NULL);
}

/** Refuse for now; wait_ms 0: as long as is usual. */
static void put_off(gw_session *s, uint32_t request,
                    const gw_publish_command *cmd, uint32_t code,
                    uint32_t wait_ms) {
  if (request != 0)
    gws_reply_refusal(s, request, code, (gw_view){NULL, 0}, wait_ms);
  note_refusal(s, cmd->hash, cmd->msg.key);
}

/** Whether its turn has come, and the rate lets it: before anybody is asked. */
static bool admit(gw_session *s, uint32_t request,
                  const gw_publish_command *cmd) {
  if (GW_GUARD(REFUSED_HOLDS) &&
      gw_refused_holds(&s->refused, cmd->hash, cmd->msg.after)) {
    put_off(s, request, cmd, GW_CODE_PRECEDING_REFUSED, 0);
    return false;
  }
  uint32_t wait_ms = gws_meter_take(s, GW_OPERATION_PUBLISH);
  if (wait_ms == 0) return true;
  put_off(s, request, cmd, GW_CODE_RATE_LIMITED, wait_ms);
  return false;
}

gw_mail *gws_publish_mail(const gw_publish_command *cmd,
                          const gw_origin *origin) {
  const gw_publish *msg = &cmd->msg;
  gw_mail *m = gws_mail_new(GWS_MAIL_PUBLISH,
                            msg->channel.len + msg->data.len + msg->json.len +
                                msg->item.len + msg->meta.len + cmd->user.len +
                                gw_list_bytes(msg->tags));
  if (m == NULL) return NULL;
  m->origin = *origin;
  m->hash = cmd->hash;
  m->u.publish = *cmd;
  m->u.publish.user = gws_mail_keep(m, cmd->user);
  m->u.publish.msg.channel = gws_mail_keep(m, msg->channel);
  m->u.publish.msg.data = gws_mail_keep(m, msg->data);
  m->u.publish.msg.json = gws_mail_keep(m, msg->json);
  m->u.publish.msg.item = gws_mail_keep(m, msg->item);
  m->u.publish.msg.meta = gws_mail_keep(m, msg->meta);
  m->u.publish.msg.tags = gws_mail_keep_list(m, msg->tags);
  return m;
}

static void forward(gw_session *s, uint32_t owner,
                    const gw_publish_command *cmd, const gw_origin *origin) {
  gw_mail *m = gws_publish_mail(cmd, origin);
  if (m == NULL) {
    gws_hub_nomem(s->hub);
    put_off(s, origin->request, cmd, GW_CODE_INTERNAL, 0);
    return;
  }
  gw_refused_accept(&s->refused, cmd->hash, cmd->msg.key);
  gws_command_post(s->hub, owner, m);
}

static void publish(gw_session *s, uint32_t request,
                    const gw_publish_command *cmd) {
  gw_hub *h = s->hub;
  uint32_t owner = gws_channel_owner(h, cmd->hash);
  gw_origin origin = {.worker = h->worker,
                      .request = request,
                      .session = s->handle,
                      .type = GW_FRAME_PUBLISH};
  if (owner == h->worker) {
    gw_refused_accept(&s->refused, cmd->hash, cmd->msg.key);
    gws_publish_accept(h, cmd, &origin, NULL);
  } else if (gws_hub_is_worker_busy(h, owner)) {
    put_off(s, request, cmd, GW_CODE_OVERLOADED, 0);
  } else {
    forward(s, owner, cmd, &origin);
  }
}

/** With what is wrong; as above. */
static void refuse_problem(gw_session *s, uint32_t request,
                           const gw_publish_command *cmd,
                           const gws_problem *p) {
  gws_reply_problem(s, request, p);
  if (gw_code_class(p->code) == GW_CLASS_RETRY)
    note_refusal(s, cmd->hash, cmd->msg.key);
}

/** The application publishes something else in its place. */
static enum gws_answer replace(const gw_session *s, gw_publish_command *cmd,
                               gw_verdict *v) {
  size_t len = v->data.len + v->json.len + GWS_SCRATCH_MIN;
  cmd->msg.data = v->data;
  cmd->msg.json = v->json;
  if (len <= s->hub->settings->limits.max_frame_bytes) return GWS_ANSWER_YES;
  v->code = GW_CODE_TOO_BIG;
  return GWS_ANSWER_NO;
}

/** Refused for now, it comes again; what follows it waits. */
static void deny(gw_session *s, uint32_t request, const gw_publish_command *cmd,
                 const gw_verdict *v) {
  gws_access_refuse(s, request, v);
  if (gw_code_class(v->code) == GW_CLASS_RETRY ||
      gw_code_class(v->code) == GW_CLASS_RETRY_AFTER)
    note_refusal(s, cmd->hash, cmd->msg.key);
}

/** Whether it may. */
static bool permit(gw_session *s, const gw_frame *f, const gw_target *t,
                   gw_publish_command *cmd) {
  gw_verdict v;
  gws_wish wish = {
      .action = GW_ACTION_PUBLISH, .target = t, .publish = &cmd->msg};
  gws_problem problem;
  enum gws_answer answer = gws_access(s, f, &wish, &v);
  bool is_other =
      answer == GWS_ANSWER_YES && (v.replaces || s->hub->inspector != NULL);
  if (answer == GWS_ANSWER_YES && v.replaces) answer = replace(s, cmd, &v);
  if (answer == GWS_ANSWER_YES &&
      !gws_inspect_publication(s->hub, s, &cmd->msg, cmd->user, &v))
    answer = GWS_ANSWER_NO;
  if (answer == GWS_ANSWER_NO) deny(s, f->head.request, cmd, &v);
  if (answer != GWS_ANSWER_YES || !is_other) return answer == GWS_ANSWER_YES;
  /* What was put in its place has to fit as well. */
  if (gws_publish_check(gws_target_space(s, t), &cmd->msg, &problem) ==
      GW_CODE_OK)
    return true;
  refuse_problem(s, f->head.request, cmd, &problem);
  return false;
}

/** What it may do with state machines. */
static gws_mover mover(const gw_session *s) {
  uint8_t ways = GW_WHO_ANYONE;
  if (s->is_known) ways |= GW_WHO_USER;
  return (gws_mover){.ways = ways};
}

void gws_serve_publish(gw_session *s, const gw_frame *f) {
  gw_publish_command cmd = {.client = s->client, .user = gws_session_user(s)};
  gw_target t;
  if (gw_decode_publish(f->body, &cmd.msg) < 0) {
    gws_session_end(s, GW_CODE_PROTOCOL, "Publish cannot be decoded");
    return;
  }
  const gw_namespace *ns = NULL;
  uint32_t code = gws_target_find(s, &f->head, cmd.msg.channel, &t);
  if (code == GW_CODE_OK) {
    ns = gws_target_space(s, &t);
    if (gw_name_is_pattern(ns, t.name)) code = GW_CODE_BAD_CHANNEL;
  }
  if (code != GW_CODE_OK) {
    refuse(s, f->head.request, cmd.msg.key, code);
    return;
  }
  gws_session_act(s);
  cmd.hash = t.hash;
  cmd.msg.channel = t.name;
  if (gws_name_is_own(t.name)) cmd.by = mover(s);
  gws_problem problem;
  code = gws_publish_check(ns, &cmd.msg, &problem);
  if (code == GW_CODE_OK && cmd.msg.meta.len != 0 &&
      !gws_access_channel(s, ns, &t))
    code = gws_problem_set(&problem, GW_CODE_PERMISSION_DENIED, "meta", NULL);
  if (code != GW_CODE_OK) {
    refuse_problem(s, f->head.request, &cmd, &problem);
    return;
  }
  if (admit(s, f->head.request, &cmd) && permit(s, f, &t, &cmd))
    publish(s, f->head.request, &cmd);
}

void gws_serve_publish_refused(gw_session *s, const gw_frame *f,
                               const gw_verdict *v) {
  gw_publish_command cmd = {.client = s->client};
  gw_target t;
  if (gw_decode_publish(f->body, &cmd.msg) == 0 &&
      gws_target_find(s, &f->head, cmd.msg.channel, &t) == GW_CODE_OK) {
    cmd.hash = t.hash;
    deny(s, f->head.request, &cmd, v);
  } else {
    gws_access_refuse(s, f->head.request, v);
  }
}
