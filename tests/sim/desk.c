/* SPDX-License-Identifier: MIT */
/* desk.c - what the API is asked for while all the rest goes on. */
#include "tests/sim/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/grants.h"

#define CHANNEL "desk:news"

/** What is known of a user. */
typedef struct standing {
  bool has;          /* the channel, as who is asked about a connection knows */
  uint32_t life;     /* of the node, that this holds for: */
  bool is_asked;     /* about the right, and not answered yet */
  bool is_given;     /* as was answered: it must have it */
  bool is_taken;     /* back, as was answered: it must not have it */
  uint32_t end_life; /* the same of this: */
  uint64_t ended_ms; /* whoever was asked about before has been disconnected */
} standing;

/** A question that is under way. */
typedef struct question {
  sim_desk *desk;
  const char *method;
  uint32_t life;
  uint64_t asked_ms;
  bool is_answered;
  standing *about; /* NULL: it is about no user */
  struct question *next;
} question;

struct sim_desk {
  world *w;
  const sim_plan *plan;
  sim_node *node;
  sim_dice dice;
  bool is_open;
  uint32_t num;
  question *all;
  standing *user; /* by number; no more than applications */
};

/** Asked by the node, when it asks who somebody is. */
static bool has_channel(void *arg, gw_view user) {
  const sim_desk *d = arg;
  char name[16];
  for (uint32_t u = 0; u < d->plan->num_apps; u++) {
    (void)snprintf(name, sizeof name, "u%u", u);
    if (gw_view_eq(user, gw_view_of(name))) return d->user[u].has;
  }
  return false;
}

sim_desk *sim_desk_new(world *w, const sim_plan *plan, sim_node *node) {
  sim_desk *d = calloc(1, sizeof *d);
  if (d == NULL) abort();
  *d = (sim_desk){.w = w, .plan = plan, .node = node};
  d->user = calloc(plan->num_apps, sizeof *d->user);
  if (d->user == NULL) abort();
  sim_dice_init(&d->dice, w->seed, UINT64_C(0xde5c));
  sim_node_set_gift(node, CHANNEL, has_channel, d);
  return d;
}

void sim_desk_free(sim_desk *d) {
  while (d->all != NULL) {
    question *q = d->all;
    d->all = q->next;
    free(q);
  }
  free(d->user);
  free(d);
}

/* ---- asking ---------------------------------------------------------------- */

static void note_outcome(const question *q, bool is_done) {
  standing *s = q->about;
  if (strcmp(q->method, "disconnect") == 0) {
    if (!is_done) return;
    s->end_life = q->life;
    s->ended_ms = q->asked_ms;
  } else if (s->life == q->life) {
    s->is_asked = false;
    s->is_given = is_done && s->has;
    s->is_taken = is_done && !s->has;
  }
}

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  question *q = arg;
  (void)message;
  (void)reply;
  if (q->is_answered) world_fail(q->desk->w, "%s is answered twice", q->method);
  q->is_answered = true;
  if (q->about != NULL) note_outcome(q, code == GW_CODE_OK);
  world_trace(q->desk->w, "desk: %s: %s", q->method, gw_code_name(code));
  if (code != GW_CODE_OK && code != GW_CODE_SHUTDOWN)
    world_fail(q->desk->w, "%s came to %s", q->method, gw_code_name(code));
}

static void ask_about(sim_desk *d, standing *about, const char *method,
                      const char *json) {
  question *q = calloc(1, sizeof *q);
  if (q == NULL) abort();
  *q = (question){.desk = d,
                  .method = method,
                  .life = sim_node_life(d->node),
                  .asked_ms = d->w->now_ms,
                  .about = about,
                  .next = d->all};
  d->all = q;
  sim_node_api(d->node, (uint32_t)world_random(d->w), method, json, on_reply,
               q);
}

static void ask(sim_desk *d, const char *method, const char *json) {
  ask_about(d, NULL, method, json);
}

/** Give the channel to a user, or take it back; one at a time, as two on their way
 * have no order. It is so from here on for who comes. */
static void set_right(sim_desk *d, uint32_t user, bool has) {
  char json[64];
  standing *s = &d->user[user];
  uint32_t life = sim_node_life(d->node);
  if (s->life == life && s->is_asked) return;
  s->has = has;
  s->life = life;
  s->is_asked = true;
  s->is_given = s->is_taken = false;
  (void)snprintf(json, sizeof json,
                 "{\"channel\":\"" CHANNEL "\",\"user\":\"u%u\"}", user);
  ask_about(d, s, has ? "subscribe" : "unsubscribe", json);
}

/** Close what a user has; it may come back. */
static void disconnect(sim_desk *d, uint32_t user) {
  char json[64];
  (void)snprintf(json, sizeof json, "{\"user\":\"u%u\",\"code\":%d}", user,
                 GW_CODE_OVERLOADED);
  ask_about(d, &d->user[user], "disconnect", json);
}

static void check_session(const sim_desk *d, const standing *st,
                          const gw_session *s, uint32_t user) {
  const gw_hub *h = s->hub;
  uint32_t life = sim_node_life(d->node);
  uint64_t asked_ms = sim_link_asked_ms(s->conn);
  bool is_granted =
      gws_is_granted(s, gws_hub_hash(h, CHANNEL, strlen(CHANNEL)));
  if (st->life == life && st->is_taken && is_granted)
    world_fail(d->w, "desk: u%u has what was taken back", user);
  /* Without anybody to ask, who comes later is given nothing. */
  if (st->life == life && st->is_given && !is_granted && h->port.ask != NULL)
    world_fail(d->w, "desk: u%u has not what it was given", user);
  if (st->end_life == life && asked_ms != 0 && asked_ms < st->ended_ms)
    world_fail(d->w, "desk: u%u is let in, and was disconnected", user);
}

/** Each connection has what its user was given and not what was taken from it,
 * whatever it was resumed from and whenever it was asked about. */
static void check_rights(const sim_desk *d) {
  for (uint32_t u = 0; u < d->plan->num_apps; u++) {
    char name[16];
    (void)snprintf(name, sizeof name, "u%u", u);
    for (uint32_t w = 0; w < d->plan->num_workers; w++) {
      const gw_hub *h = sim_node_hub(d->node, w);
      const gw_session *s = gws_session_first_of(h, gw_view_of(name));
      for (; s != NULL; s = gws_session_next_of(s)) {
        if (s->state == GWS_SESSION_OPEN) check_session(d, &d->user[u], s, u);
      }
    }
  }
}

/** What changes something. */
static void change(sim_desk *d) {
  char json[128];
  uint32_t app = (uint32_t)(world_random(d->w) % d->plan->num_apps);
  uint32_t user = sim_plan_user(d->plan, app);
  d->num++;
  switch (world_random(d->w) % 6) {
  case 0:
    set_right(d, user, true);
    break;
  case 1:
    set_right(d, user, false);
    break;
  case 2:
    (void)snprintf(json, sizeof json,
                   "{\"channel\":\"room:0\",\"meta\":{\"topic\":%u}}", d->num);
    ask(d, "channel_set", json);
    break;
  case 3:
    if (world_chance(d->w, 500)) {
      disconnect(d, user);
      break;
    } /* fallthrough */
  default:
    (void)snprintf(json, sizeof json,
                   "{\"channel\":\"" CHANNEL "\",\"json\":%u}", d->num);
    ask(d, "publish", json);
  }
}

static void look(sim_desk *d) {
  static const char *const methods[] = {"info", "channels", "connections",
                                        "groups"};
  static const char *const of_channel[] = {"history", "subscribers", "presence",
                                           "presence_stats", "channel_get"};
  uint32_t i = (uint32_t)(world_random(d->w) % 9);
  if (i < 4)
    ask(d, methods[i], "{}");
  else
    ask(d, of_channel[i - 4], "{\"channel\":\"room:0\"}");
}

static void act(void *arg) {
  sim_desk *d = arg;
  if (!d->is_open) return;
  sim_dice *before = world_use(d->w, &d->dice);
  if (sim_node_is_up(d->node)) check_rights(d);
  if (sim_node_is_up(d->node) && (d->plan->off_acts >> SIM_ACT_DESK & 1) == 0) {
    if (world_chance(d->w, 700))
      change(d);
    else
      look(d);
  }
  world_after(d->w, world_between(d->w, 1, d->plan->backend_think_max_ms), act,
              d);
  (void)world_use(d->w, before);
}

void sim_desk_start(sim_desk *d) {
  d->is_open = true;
  world_after(d->w, 1, act, d);
}

void sim_desk_stop(sim_desk *d) {
  d->is_open = false;
}

/* ---- seeing ----------------------------------------------------------------- */

static void on_state(sim_desk_view *v, const gw_event *e) {
  if (e->u.sub.to == GW_SUB_ENDED) v->sub = 0;
  if (e->u.sub.to == GW_SUB_LIVE || e->u.sub.to == GW_SUB_RECOVERING)
    v->at = e->u.sub.position;
}

static void on_publication(sim_desk_view *v, world *w, const gw_event *e) {
  gw_position at = e->u.publication.position;
  if (at.epoch != v->at.epoch || at.offset != v->at.offset + 1)
    world_fail(w, "desk: %llu follows %llu", (unsigned long long)at.offset,
               (unsigned long long)v->at.offset);
  v->at = at;
}

bool sim_desk_event(sim_desk_view *v, world *w, const gw_event *e) {
  switch (e->type) {
  case GW_EVENT_SUB_STATE:
    if (e->u.sub.by_server) v->sub = e->u.sub.sub;
    if (v->sub == 0 || e->u.sub.sub != v->sub) return false;
    on_state(v, e);
    return true;
  case GW_EVENT_PUBLICATION:
    if (v->sub == 0 || e->u.publication.sub != v->sub) return false;
    on_publication(v, w, e);
    return true;
  case GW_EVENT_GAP:
    if (v->sub == 0 || e->u.gap.sub != v->sub) return false;
    v->at = e->u.gap.position;
    return true;
  default:
    return false;
  }
}

void sim_desk_forget(sim_desk_view *v) {
  *v = (sim_desk_view){.sub = 0};
}
