/* SPDX-License-Identifier: MIT */
/* idle.c - keeps the time of users who do nothing. */
#include "server/core/idle.h"

#include <string.h>

#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/mem.h"
#include "server/core/presence.h"

/** Without memory to tell the owner, it is tried again after this long. */
#define AGAIN_MS 1000u

/** Longer than any transition: nobody needs to know how much longer. */
#define FAR_MS (UINT64_C(1) << 40)

static const gw_transitions *transitions_of(const gw_sub *sub) {
  return &sub->channel->ns->presence_transitions;
}

/** The transition from a state; GWS_IDLE_NONE. */
static uint32_t find(const gw_sub *sub, gw_view state) {
  const gw_transitions *all = transitions_of(sub);
  for (uint32_t i = 0; i < all->num; i++) {
    if (gw_view_eq(gw_view_of(all->items[i].from), state)) return i;
  }
  return GWS_IDLE_NONE;
}

/** Tell the owner. False when out of memory. */
static bool tell(gw_sub *sub, enum gws_mail_kind kind, uint32_t transition) {
  gw_session *s = sub->session;
  gw_channel *ch = sub->channel;
  gw_presence_command cmd = {.client = s->client,
                             .connection = s->connection,
                             .transition = transition};
  gw_mail *m = NULL;
  if (ch->state != GWS_CHANNEL_OWNED) {
    m = gws_mail_new(kind, ch->name_len);
    if (m == NULL) {
      gws_hub_nomem(s->hub);
      return false;
    }
    m->hash = ch->hash;
    m->name = gws_mail_keep(m, gws_channel_name(ch));
    m->u.presence = cmd;
    gws_mail_post(s->hub, ch->owner, m);
  } else if (kind == GWS_MAIL_PRESENCE_IDLE) {
    gws_presence_idle(ch, &cmd);
  } else {
    gws_presence_active(ch, &cmd);
  }
  return true;
}

static void set_stepped(gw_idle *idle, bool has_stepped) {
  gw_session *s = idle->sub->session;
  if (idle->has_stepped == has_stepped) return;
  idle->has_stepped = has_stepped;
  s->num_idle += has_stepped ? 1u : UINT32_MAX;
}

/** Make the transitions that are due, and wait for the next. */
static void advance(gw_idle *idle) {
  gw_sub *sub = idle->sub;
  gw_hub *h = sub->session->hub;
  /* Whoever configured a circle of transitions is not to hang a worker. */
  for (uint32_t left = transitions_of(sub)->num;
       left != 0 && idle->next != GWS_IDLE_NONE; left--) {
    const gw_transition *t = &transitions_of(sub)->items[idle->next];
    int64_t left_ms =
        sub->session->active_ms + t->after_ms - (int64_t)h->now_ms;
    if (left_ms > 0) {
      gws_hub_set_timer(h, &idle->timer, (uint64_t)left_ms);
      return;
    }
    if (!tell(sub, GWS_MAIL_PRESENCE_IDLE, idle->next)) {
      gws_hub_set_timer(h, &idle->timer, AGAIN_MS);
      return;
    }
    gw_stat_add(&h->stats.transitions_total, 1);
    set_stepped(idle, true);
    /* From a state that is left for good nothing follows. */
    idle->next = find(sub, gw_view_of(t->to));
  }
  gw_wheel_cancel(&h->wheel, &idle->timer);
}

void gws_idle_on_timer(gw_idle *idle) {
  advance(idle);
}

/** What the client says of its user counts, unless more is known here. It may be
 * a time before this clock began. */
static void take_time(gw_session *s, uint64_t idle_ms) {
  int64_t most = idle_ms < FAR_MS ? (int64_t)idle_ms : (int64_t)FAR_MS;
  int64_t then = (int64_t)s->hub->now_ms - most;
  if (idle_ms == 0)
    gws_session_act(s);
  else if (then > s->active_ms)
    s->active_ms = then;
}

int gws_idle_begin(gw_sub *sub, const gw_presence_set *msg) {
  take_time(sub->session, msg->idle_ms);
  if (transitions_of(sub)->num == 0) return 0;
  bool keeps_state = msg->merge && msg->state.len == 0;
  if (sub->idle == NULL) {
    sub->idle = gw_mem_zalloc(sizeof *sub->idle);
    if (sub->idle == NULL) return GW_ERR_NOMEM;
    sub->idle->timer.kind = GWS_TIMER_IDLE;
    sub->idle->sub = sub;
    keeps_state = false; /* which one is not known here: most likely online */
  }
  gw_idle *idle = sub->idle;
  if (!keeps_state) idle->first = find(sub, gws_presence_state(msg->state));
  set_stepped(idle, false);
  idle->next = idle->first;
  advance(idle);
  return 0;
}

void gws_idle_end(gw_sub *sub) {
  if (sub->idle == NULL) return;
  set_stepped(sub->idle, false);
  gw_wheel_cancel(&sub->session->hub->wheel, &sub->idle->timer);
  gw_mem_free(sub->idle);
  sub->idle = NULL;
}

static void wake_list(gw_sub *list) {
  for (gw_sub *sub = list; sub != NULL; sub = sub->next) {
    gw_idle *idle = sub->idle;
    if (idle == NULL || !idle->has_stepped ||
        !tell(sub, GWS_MAIL_PRESENCE_ACTIVE, 0))
      continue;
    set_stepped(idle, false);
    idle->next = idle->first;
    advance(idle);
  }
}

void gws_idle_wake(gw_session *s) {
  wake_list(s->subs.quiet);
  wake_list(s->subs.drawing);
}
