/* SPDX-License-Identifier: MIT */
/* ask.c - the backend that hubs ask, and who checks tokens: at once, late, or
 * never. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/node_parts.h"

/** What is said where it is not about a token. */
typedef struct answer {
  uint32_t code;
  bool gives; /* what was due when it was asked */
} answer;

/** A question that is answered later. */
typedef struct ask_event {
  sim_worker *worker;
  sim_link *link;
  enum gw_ask kind;
  uint64_t session;
  uint64_t ticket;
  answer answer;
  char user[16];
  char channel[16];
  char token[SIM_TOKEN_MAX];
} ask_event;

static bool is_of_channel(const gw_question *q) {
  return q->kind == GW_ASK_SUBSCRIBE || q->kind == GW_ASK_SUBSCRIPTION_REFRESH;
}

static bool is_about_token(const sim_plan *plan, const gw_question *q) {
  if (is_of_channel(q)) return plan->channel_tokens;
  return plan->tokens &&
         (q->kind == GW_ASK_CONNECT || q->kind == GW_ASK_REFRESH);
}

static bool is_gift_due(const sim_node *n, const gw_question *q) {
  return q->kind == GW_ASK_CONNECT && n->is_gift_due != NULL &&
         n->is_gift_due(n->gift_arg, q->user);
}

static void decide_token(sim_worker *k, sim_link *l, const gw_question *q,
                         gw_verdict *v) {
  uint32_t number = sim_issuer_check(k->node->issuer, q->kind, q->user,
                                     q->channel, q->token, v);
  if (number == 0) return;
  /* A new token that is taken back already is refused: the old one counts. */
  bool is_new =
      q->kind == GW_ASK_REFRESH || q->kind == GW_ASK_SUBSCRIPTION_REFRESH;
  if (is_new &&
      sim_issuer_end_ms(k->node->issuer, number, l->life) <= k->node->w->now_ms)
    return;
  l->token[sim_issuer_thing(q->kind, q->channel)] = number;
}

static void decide(sim_worker *k, sim_link *l, const gw_question *q,
                   const answer *a, gw_verdict *v) {
  *v = (gw_verdict){.code = a->code, .user = q->user, .is_only_claimed = true};
  if (a->code != GW_CODE_OK) v->retry_after_ms = 300;
  if (is_about_token(k->node->plan, q)) decide_token(k, l, q, v);
  if (!a->gives) return;
  v->channels = &k->node->gift;
  v->num_channels = 1;
}

void sim_node_ask_answered(void *arg) {
  ask_event *e = arg;
  gw_verdict v;
  gw_question q = {.kind = e->kind,
                   .user = gw_view_of(e->user),
                   .channel = gw_view_of(e->channel),
                   .token = gw_view_of(e->token)};
  if (sim_worker_is_alive(e->worker)) {
    sim_worker_enter(e->worker);
    decide(e->worker, e->link, &q, &e->answer, &v);
    gw_hub_decide(e->worker->hub, e->session, e->ticket, &v);
    sim_worker_plan(e->worker);
  }
  free(e);
}

static void put_text(char *to, size_t cap, gw_view text) {
  (void)snprintf(to, cap, "%.*s", (int)text.len, (const char *)text.data);
}

static void answer_later(sim_worker *k, const gw_question *q, const answer *a,
                         uint64_t delay_ms) {
  ask_event *e = malloc(sizeof *e);
  if (e == NULL) abort();
  *e = (ask_event){.worker = k,
                   .link = q->conn,
                   .kind = q->kind,
                   .session = q->session,
                   .ticket = q->ticket,
                   .answer = *a};
  put_text(e->user, sizeof e->user, q->user);
  put_text(e->channel, sizeof e->channel, q->channel);
  put_text(e->token, sizeof e->token, q->token);
  world_after(k->node->w, delay_ms, sim_node_ask_answered, e);
}

/** At once, late or never; while the run is busy, also no. */
static bool ask_backend(sim_worker *k, const gw_question *q, answer *a,
                        gw_verdict *v) {
  world *w = k->node->w;
  const sim_plan *plan = k->node->plan;
  bool is_busy = w->now_ms < plan->busy_ms;
  bool is_lost = is_busy && world_chance(w, plan->ask_lose_permille);
  bool is_denied = is_busy && world_chance(w, plan->ask_deny_permille);
  if (is_denied) a->code = GW_CODE_BACKEND_DOWN;
  /* Frames of a channel are asked about one after the other: what has piled up
   * has to get through in the end. */
  uint32_t most =
      is_busy || plan->ask_delay_max_ms < 5 ? plan->ask_delay_max_ms : 5;
  uint64_t delay_ms = world_between(w, 0, most);
  if (is_lost) return false;
  if (delay_ms == 0)
    decide(k, q->conn, q, a, v);
  else
    answer_later(k, q, a, delay_ms);
  return delay_ms == 0;
}

bool sim_node_ask(void *user, const gw_question *q, gw_verdict *v) {
  sim_worker *k = user;
  bool is_token = is_about_token(k->node->plan, q);
  answer a = {GW_CODE_OK, is_gift_due(k->node, q)};
  sim_link *l = q->conn;
  if (q->kind == GW_ASK_CONNECT) l->asked_ms = k->node->w->now_ms;
  if (!is_token && k->node->plan->asks) return ask_backend(k, q, &a, v);
  uint64_t delay_ms = is_token ? sim_issuer_check_ms(k->node->issuer) : 0;
  if (delay_ms == 0)
    decide(k, l, q, &a, v);
  else
    answer_later(k, q, &a, delay_ms);
  return delay_ms == 0;
}
