/* SPDX-License-Identifier: MIT */
/* command.c - what sessions ask of a channel's owner, and its answer on the way
 * back, whether the owner is this worker or another. */
#include <stdio.h>

#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/presence.h"
#include "server/core/session.h"

void gws_command_post(gw_hub *h, uint32_t worker, gw_mail *m) {
  h->forwarded[worker]++;
  gws_mail_post(h, worker, m);
}

/* ---- answers ------------------------------------------------------------- */

/** A publisher goes on when it has the answer. One that hears itself, and reads
 * slowly, would fill its own queue: much may wait there of what is acknowledged. So
 * the answer stays behind it, from the quarter of the queue on that a client leaves
 * to its echoes. */
static enum gw_lane_id lane_of_answer(const gw_session *s,
                                      const gw_outcome *o) {
  if (s->out.bytes <= s->hub->low_water / 2) return GW_LANE_CONTROL;
  const gw_sub *sub =
      gws_subs_by_channel(&s->subs, gw_slots_get(&s->hub->channels, o->echo));
  return sub != NULL && sub->feed == GWS_FEED_LIVE ? gws_sub_lane(sub)
                                                   : GW_LANE_CONTROL;
}

static void reply_published(gw_session *s, uint32_t request,
                            const gw_outcome *o) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_PUBLISHED, .request = request};
  gw_published msg = {
      .epoch = o->epoch, .offset = o->offset, .duplicate = o->duplicate};
  gws_session_send_behind(s, lane_of_answer(s, o), out,
                          gw_encode_published(out, &head, &msg));
}

void gws_outcome_problem(const gw_outcome *o, gws_problem *p) {
  (void)gws_problem_set(p, o->code, NULL, o->why);
  if (o->move.machine == NULL) return;
  gws_machine_explain(o->move.machine, o->move.from, o->by, p->why);
  (void)snprintf(p->field, sizeof p->field, GWS_MACHINE_PREFIX "%s",
                 o->move.machine->name);
}

static void reply_refused(gw_session *s, uint32_t request,
                          const gw_outcome *o) {
  gws_problem p;
  gws_outcome_problem(o, &p);
  gws_reply_problem(s, request, &p);
}

void gws_command_answer(gw_hub *h, const gw_origin *origin,
                        const gw_outcome *outcome) {
  gw_session *s = gws_session_get(h, origin->session);
  if (s == NULL || origin->request == 0) return;
  if (outcome->move.machine != NULL)
    reply_refused(s, origin->request, outcome);
  else if (outcome->code != GW_CODE_OK)
    gws_reply_refusal(s, origin->request, outcome->code, (gw_view){NULL, 0},
                      outcome->retry_after_ms);
  else if (origin->type == GW_FRAME_PUBLISH)
    reply_published(s, origin->request, outcome);
  else
    gws_reply_ok(s, origin->request);
}

void gws_command_done(gw_hub *h, const gw_origin *origin,
                      const gw_outcome *outcome, gw_mail *mail) {
  if (mail == NULL) {
    gws_command_answer(h, origin, outcome);
    return;
  }
  gws_mail_drop(mail);
  if (origin->worker == GWS_NOBODY) {
    gw_mail_free(mail);
    return;
  }
  mail->kind = GWS_MAIL_DONE;
  mail->u.outcome = *outcome;
  gws_mail_post(h, origin->worker, mail);
}

void gws_command_on_done(gw_hub *h, gw_mail *m) {
  h->forwarded[m->from]--;
  gws_command_answer(h, &m->origin, &m->u.outcome);
  gw_mail_free(m);
}

/* ---- commands that came by mail ------------------------------------------ */

void gws_command_on_publish(gw_hub *h, gw_mail *m) {
  /* Copied, as the mail becomes the answer; the views stay in its bytes. */
  gw_publish_command cmd = m->u.publish;
  gw_origin origin = m->origin;
  gws_publish_accept(h, &cmd, &origin, m);
}

static uint32_t set_presence(gw_hub *h, const gw_mail *m) {
  uint32_t code = GW_CODE_OK;
  gw_channel *ch = gws_channel_get(h, m->name, m->hash, &code);
  if (ch != NULL) code = gws_presence_set(ch, &m->u.presence);
  if (ch != NULL) gws_channel_touch(ch);
  return code;
}

static void change_presence(gw_hub *h, const gw_mail *m) {
  const gw_presence_command *cmd = &m->u.presence;
  gw_channel *ch = gws_channel_find(h, m->name, m->hash);
  if (ch == NULL) return;
  switch (m->kind) {
  case GWS_MAIL_PRESENCE_LEAVE:
    gws_presence_leave(ch, cmd->client, cmd->connection);
    break;
  case GWS_MAIL_PRESENCE_LOST:
    gws_presence_lost(ch, cmd->client, cmd->connection);
    break;
  case GWS_MAIL_PRESENCE_IDLE:
    gws_presence_idle(ch, cmd);
    break;
  default:
    gws_presence_active(ch, cmd);
  }
}

void gws_command_on_presence(gw_hub *h, gw_mail *m) {
  gw_origin origin = m->origin;
  gw_outcome outcome = {.code = GW_CODE_OK};
  if (m->kind == GWS_MAIL_PRESENCE_SET)
    outcome.code = set_presence(h, m);
  else
    change_presence(h, m);
  gws_command_done(h, &origin, &outcome, m);
}

void gws_command_on_presence_get(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gws_channel_find(h, m->name, m->hash);
  m->kind = GWS_MAIL_SNAPSHOT;
  m->code = GW_CODE_OK;
  if (ch != NULL) {
    m->snapshot = gws_presence_snapshot(ch);
    if (m->snapshot == NULL) {
      gws_hub_nomem(h);
      m->code = GW_CODE_INTERNAL;
    }
  }
  gws_mail_post(h, m->origin.worker, m);
}

void gws_command_on_snapshot(gw_hub *h, gw_mail *m) {
  h->forwarded[m->from]--;
  gw_session *s = gws_session_get(h, m->origin.session);
  if (s != NULL && m->code == GW_CODE_OK)
    gws_presence_answer(s, m->origin.request, m->name, m->snapshot);
  else if (s != NULL)
    gws_reply_error(s, m->origin.request, m->code, NULL);
  gw_mail_free(m);
}
