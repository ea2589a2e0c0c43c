/* SPDX-License-Identifier: MIT */
/* node.c - hubs that are handed bytes, time and mail late, in pieces, or never. */
#include "tests/sim/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/api.h"
#include "server/core/machine.h"
#include "tests/sim/order.h"
#include "tests/sim/watch.h"

typedef struct sim_worker {
  sim_node *node;
  gw_hub *hub;
  uint32_t index;
  uint32_t life;
  uint64_t planned_ms;                    /* next tick that is in the queue */
  bool turn_planned;                      /* so is the end of a turn */
  uint64_t mail_last_ms[SIM_MAX_WORKERS]; /* per sender: mail keeps its order */
  struct sim_worker *next;
} sim_worker;

struct sim_node {
  world *w;
  const sim_plan *plan;
  sim_issuer *issuer;
  gw_settings settings;
  gw_namespace spaces[5]; /* of teams, "map", "wild", state, all others */
  sim_worker *worker[SIM_MAX_WORKERS];
  sim_worker *all_workers; /* of every life: events may still point at them */
  sim_link *links;
  uint32_t life;
  bool up;
  bool draining;
};

typedef struct piece {
  struct piece *next;
  bool end;
  size_t len;
  uint8_t bytes[];
} piece;

/** Pieces on their way in one direction. Each has an event; an event hands over
 * the first piece, whichever it was made for, so that none is overtaken. */
typedef struct pipe_way {
  piece *first;
  piece *last;
  uint64_t last_ms; /* arrival of the last piece */
} pipe_way;

struct sim_link {
  sim_node *node;
  const sim_link_events *events;
  void *app;
  uint32_t generation;
  uint32_t life;
  sim_worker *worker;
  gw_session *session; /* NULL: not there (any more) */
  bool opened;
  bool client_gone; /* the client's end is closed or was told */
  bool silent;
  bool closing; /* the hub asked to close */
  bool flush_planned;
  uint32_t close_code;
  uint32_t in_flight;             /* bytes on the way to the client */
  uint32_t token[SIM_NUM_THINGS]; /* that the server goes by; 0: none */
  sim_watch watch;
  pipe_way up;
  pipe_way down;
  uint64_t stalled_until_ms;
  uint64_t held_until_ms;
  sim_link *next;
};

/* ---- hub ----------------------------------------------------------------- */

static bool worker_alive(const sim_worker *k) {
  return k->node->up && k->life == k->node->life;
}

static void worker_enter(sim_worker *k) {
  gw_hub_set_time(k->hub, k->node->w->now_ms,
                  SIM_WALL_ZERO_MS + k->node->w->now_ms);
}

static void worker_tick(void *arg);

static void worker_end_turn(void *arg) {
  sim_worker *k = arg;
  k->turn_planned = false;
  if (!worker_alive(k)) return;
  worker_enter(k);
  gw_hub_end_turn(k->hub);
}

/** Turns are as long as the plan says: much or little is gathered in one. */
static void worker_plan_turn(sim_worker *k) {
  if (k->turn_planned) return;
  k->turn_planned = true;
  world *w = k->node->w;
  world_after(w, world_between(w, 0, k->node->plan->turn_max_ms),
              worker_end_turn, k);
}

static void worker_plan(sim_worker *k) {
  worker_plan_turn(k);
  uint64_t due = gw_hub_deadline(k->hub);
  world *w = k->node->w;
  if (due == UINT64_MAX) return;
  if (due < w->now_ms) due = w->now_ms;
  if (k->planned_ms <= due && k->planned_ms > w->now_ms) return;
  k->planned_ms = due > w->now_ms ? due : w->now_ms + 1;
  world_after(w, k->planned_ms - w->now_ms, worker_tick, k);
}

static void worker_tick(void *arg) {
  sim_worker *k = arg;
  if (!worker_alive(k)) return;
  if (k->planned_ms <= k->node->w->now_ms) k->planned_ms = 0;
  worker_enter(k);
  gw_hub_tick(k->hub);
  worker_plan(k);
}

typedef struct mail_event {
  sim_worker *to;
  gw_mail *mail;
} mail_event;

static void mail_arrives(void *arg) {
  mail_event *e = arg;
  if (worker_alive(e->to)) {
    worker_enter(e->to);
    gw_hub_deliver(e->to->hub, e->mail);
    worker_plan(e->to);
  } else {
    gw_mail_free(e->mail);
  }
  free(e);
}

static void port_post(void *user, uint32_t to, gw_mail *mail) {
  sim_worker *from = user;
  sim_node *n = from->node;
  sim_worker *target = n->worker[to];
  mail_event *e = malloc(sizeof *e);
  if (e == NULL) abort();
  *e = (mail_event){target, mail};
  uint64_t at =
      n->w->now_ms + world_between(n->w, 0, n->plan->mail_delay_max_ms);
  if (at < target->mail_last_ms[from->index])
    at = target->mail_last_ms[from->index];
  target->mail_last_ms[from->index] = at;
  world_after(n->w, at - n->w->now_ms, mail_arrives, e);
}

static void link_flush(void *arg);

static void plan_flush(sim_link *l) {
  if (l->flush_planned) return;
  l->flush_planned = true;
  world_after(l->node->w, 0, link_flush, l);
}

static void port_want_write(void *user, void *conn) {
  (void)user;
  plan_flush(conn);
}

static void port_close(void *user, void *conn, uint32_t code, gw_view reason) {
  (void)user;
  (void)reason;
  sim_link *l = conn;
  l->closing = true;
  l->close_code = code;
  plan_flush(l);
}

static uint64_t port_random(void *user) {
  sim_worker *k = user;
  return world_random(k->node->w);
}

/* ---- questions ------------------------------------------------------------ */

/** A question that is answered later. */
typedef struct ask_event {
  sim_worker *worker;
  sim_link *link;
  enum gw_ask kind;
  uint64_t session;
  uint64_t ticket;
  uint32_t code; /* what is said where it is not about a token */
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

static void decide(sim_worker *k, sim_link *l, const gw_question *q,
                   uint32_t code, gw_verdict *v) {
  *v = (gw_verdict){.code = code, .user = q->user, .is_only_claimed = true};
  if (code != GW_CODE_OK) v->retry_after_ms = 300;
  if (!is_about_token(k->node->plan, q)) return;
  uint32_t number = sim_issuer_check(k->node->issuer, q->kind, q->user,
                                     q->channel, q->token, v);
  if (number == 0) return;
  uint32_t thing = is_of_channel(q)
                       ? (uint32_t)(q->channel.data[q->channel.len - 1] - '0')
                       : SIM_CONNECTION;
  l->token[thing] = number;
}

static void ask_answered(void *arg) {
  ask_event *e = arg;
  gw_verdict v;
  gw_question q = {.kind = e->kind,
                   .user = gw_view_of(e->user),
                   .channel = gw_view_of(e->channel),
                   .token = gw_view_of(e->token)};
  if (worker_alive(e->worker)) {
    worker_enter(e->worker);
    decide(e->worker, e->link, &q, e->code, &v);
    gw_hub_decide(e->worker->hub, e->session, e->ticket, &v);
    worker_plan(e->worker);
  }
  free(e);
}

static void put_text(char *to, size_t cap, gw_view text) {
  (void)snprintf(to, cap, "%.*s", (int)text.len, (const char *)text.data);
}

static void answer_later(sim_worker *k, const gw_question *q, uint32_t code,
                         uint64_t delay_ms) {
  ask_event *e = malloc(sizeof *e);
  if (e == NULL) abort();
  *e = (ask_event){.worker = k,
                   .link = q->conn,
                   .kind = q->kind,
                   .session = q->session,
                   .ticket = q->ticket,
                   .code = code};
  put_text(e->user, sizeof e->user, q->user);
  put_text(e->channel, sizeof e->channel, q->channel);
  put_text(e->token, sizeof e->token, q->token);
  world_after(k->node->w, delay_ms, ask_answered, e);
}

/** At once, late or never; while the run is busy, also no. */
static bool ask_backend(sim_worker *k, const gw_question *q, gw_verdict *v) {
  world *w = k->node->w;
  const sim_plan *plan = k->node->plan;
  bool is_busy = w->now_ms < plan->busy_ms;
  bool is_lost = is_busy && world_chance(w, plan->ask_lose_permille);
  bool is_denied = is_busy && world_chance(w, plan->ask_deny_permille);
  uint32_t code = is_denied ? GW_CODE_BACKEND_DOWN : GW_CODE_OK;
  /* Frames of a channel are asked about one after the other: what has piled up
   * has to get through in the end. */
  uint32_t most =
      is_busy || plan->ask_delay_max_ms < 5 ? plan->ask_delay_max_ms : 5;
  uint64_t delay_ms = world_between(w, 0, most);
  if (is_lost) return false;
  if (delay_ms == 0)
    decide(k, q->conn, q, code, v);
  else
    answer_later(k, q, code, delay_ms);
  return delay_ms == 0;
}

static bool port_ask(void *user, const gw_question *q, gw_verdict *v) {
  sim_worker *k = user;
  bool is_token = is_about_token(k->node->plan, q);
  if (!is_token && k->node->plan->asks) return ask_backend(k, q, v);
  uint64_t delay_ms = is_token ? sim_issuer_check_ms(k->node->issuer) : 0;
  if (delay_ms == 0)
    decide(k, q->conn, q, GW_CODE_OK, v);
  else
    answer_later(k, q, GW_CODE_OK, delay_ms);
  return delay_ms == 0;
}

/* ---- workers -------------------------------------------------------------- */

static void port_log(void *user, int level, const char *event,
                     const char *fields) {
  sim_worker *k = user;
  if (level <= 1)
    world_trace(k->node->w, "hub %u: %s %s", k->index, event, fields);
}

static const gw_hub_port hub_port = {
    .want_write = port_want_write,
    .close = port_close,
    .post = port_post,
    .random = port_random,
    .log = port_log,
};

/** The server's only method: echo. */
static bool on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                    uint64_t client, gw_view client_user) {
  (void)user;
  (void)client;
  (void)client_user;
  gw_rpc_result result = {rpc->data, rpc->json};
  gw_hub_answer(h, call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  return true;
}

static sim_worker *worker_new(sim_node *n, uint32_t index) {
  sim_worker *k = calloc(1, sizeof *k);
  if (k == NULL) abort();
  k->node = n;
  k->index = index;
  k->life = n->life;
  gw_hub_options options = {.worker = index,
                            .num_workers = n->plan->num_workers,
                            .settings = &n->settings};
  memset(options.hash_key, (int)(n->life & 0xff), sizeof options.hash_key);
  gw_hub_port port = hub_port;
  if (n->plan->asks || n->plan->tokens || n->plan->channel_tokens)
    port.ask = port_ask;
  k->hub = gw_hub_new(&options, &port, k);
  if (k->hub == NULL) abort();
  gw_hub_set_on_call(k->hub, on_call, k);
  k->next = n->all_workers;
  n->all_workers = k;
  return k;
}

/* ---- node ---------------------------------------------------------------- */

static void set_presence(gw_namespace *ns, const sim_plan *plan) {
  ns->presence = true;
  ns->presence_grace_ms = plan->presence_grace_ms;
  ns->presence_mode = plan->presence_mode;
  ns->presence_full_limit = plan->presence_full_limit;
  ns->presence_large = plan->presence_large;
  ns->presence_sample = plan->presence_sample;
  ns->presence_counts_ms = plan->presence_counts_ms;
  gw_transitions *all = &ns->presence_transitions;
  if (plan->away_ms != 0)
    all->items[all->num++] = (gw_transition){
        .from = "online", .to = "away", .after_ms = plan->away_ms};
  if (plan->offline_ms != 0)
    all->items[all->num++] = (gw_transition){
        .from = "away", .to = "offline", .after_ms = plan->offline_ms};
}

static void set_spaces(sim_node *n) {
  gw_namespace *teams = &n->spaces[0], *map = &n->spaces[1];
  gw_namespace *wild = &n->spaces[2], *others = &n->spaces[4];
  gw_namespace *state = &n->spaces[3];
  *others = *gw_settings_namespace(&gw_settings_default, gw_view_of("x"));
  others->history_size = n->plan->history_size;
  others->batch_delay_ms = n->plan->batch_delay_ms;
  others->batch_bytes = n->plan->batch_bytes;
  others->delta = n->plan->deltas;
  others->delta_min_bytes = 0;
  set_presence(others, n->plan);
  if (n->plan->asks) {
    others->allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_HOOK;
    others->allow[GW_ACTION_PUBLISH].who = GW_WHO_HOOK;
  }
  if (n->plan->channel_tokens)
    others->allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_TOKEN;
  *teams = *map = *wild = *state = *others;
  map->name = "map";
  map->history_mode = GW_HISTORY_MAP;
  map->history_size = n->plan->map_size;
  wild->name = "wild";
  wild->wildcards = true;
  state->name = GWS_STATE_SPACE;
  state->history_mode = GW_HISTORY_MAP;
  state->presence = false;
  teams->name = "team";
  teams->allow[GW_ACTION_SUBSCRIBE].who = GW_WHO_MEMBER;
  (void)snprintf(teams->group, sizeof teams->group, "g:{1}");
  n->settings.namespaces = n->spaces;
  n->settings.num_namespaces = sizeof n->spaces / sizeof n->spaces[0];
}

sim_node *sim_node_new(world *w, const sim_plan *plan, sim_issuer *issuer) {
  sim_node *n = calloc(1, sizeof *n);
  if (n == NULL) abort();
  n->w = w;
  n->plan = plan;
  n->issuer = issuer;
  n->settings = gw_settings_default;
  set_spaces(n);
  n->settings.trusts_names = true;
  for (unsigned i = 0; i < GW_NUM_ADDRESSES; i++)
    n->settings.send[i].who = GW_WHO_USER;
  n->settings.ping_interval_ms = plan->ping_interval_ms;
  n->settings.ping_timeout_ms = plan->ping_timeout_ms;
  n->settings.limits.max_queue_bytes = plan->max_queue_bytes;
  n->settings.relay_calls = true;
  n->settings.machines = &sim_order_machine;
  n->settings.num_machines = 1;
  n->settings.node = "sim";
  return n;
}

void sim_node_start(sim_node *n) {
  n->life++;
  n->up = true;
  n->draining = false;
  world_trace(n->w, "node starts, life %u", n->life);
  for (uint32_t i = 0; i < n->plan->num_workers; i++)
    n->worker[i] = worker_new(n, i);
}

static void free_hubs(sim_node *n) {
  for (uint32_t i = 0; i < n->plan->num_workers; i++) {
    if (n->worker[i] == NULL) continue;
    gw_hub_free(n->worker[i]->hub);
    n->worker[i]->hub = NULL;
    n->worker[i] = NULL;
  }
}

static void stop(sim_node *n) {
  n->up = false;
  free_hubs(n);
  for (sim_link *l = n->links; l != NULL; l = l->next) {
    if (l->life != n->life) continue;
    l->session = NULL;
    if (n->plan->fault_silence && world_chance(n->w, 200))
      sim_link_silence(l);
    else
      sim_link_reset(l);
  }
}

void sim_node_crash(sim_node *n) {
  if (!n->up) return;
  world_trace(n->w, "node crashes");
  stop(n);
}

static void drain_check(void *arg) {
  sim_worker *k = arg;
  sim_node *n = k->node;
  if (!worker_alive(k)) return;
  size_t left = 0;
  for (uint32_t i = 0; i < n->plan->num_workers; i++)
    left += gw_hub_num_sessions(n->worker[i]->hub);
  if (left == 0) {
    world_trace(n->w, "node has drained");
    stop(n);
  } else {
    world_after(n->w, 100, drain_check, k);
  }
}

static void drain_deadline(void *arg) {
  sim_worker *k = arg;
  if (worker_alive(k)) stop(k->node);
}

void sim_node_drain(sim_node *n) {
  if (!n->up || n->draining) return;
  n->draining = true;
  world_trace(n->w, "node drains");
  for (uint32_t i = 0; i < n->plan->num_workers; i++) {
    worker_enter(n->worker[i]);
    gw_hub_drain(n->worker[i]->hub, 1000);
    worker_plan(n->worker[i]);
  }
  world_after(n->w, 100, drain_check, n->worker[0]);
  world_after(n->w, 5000, drain_deadline, n->worker[0]);
}

bool sim_node_is_up(const sim_node *n) {
  return n->up;
}
uint32_t sim_node_life(const sim_node *n) {
  return n->life;
}

void sim_node_api(sim_node *n, uint32_t worker, const char *method,
                  const char *json, gw_on_api_reply on_reply, void *arg) {
  sim_worker *k = n->worker[worker % n->plan->num_workers];
  uint8_t space[512];
  gw_out out = {space, 0, sizeof space};
  gw_caller caller = {.is_trusted = true};
  gw_view name = gw_view_of(method);
  if (gw_api_request_from_json(gw_api_find(name), gw_view_of(json), &out,
                               NULL) < 0)
    abort();
  worker_enter(k);
  gw_hub_api(k->hub, name, &caller, (gw_view){space, out.len}, on_reply, arg);
  worker_plan(k);
}

const gw_hub *sim_node_hub(const sim_node *n, uint32_t worker) {
  return n->worker[worker]->hub;
}

/* ---- taking back ----------------------------------------------------------- */

static void on_revoked(void *arg, uint32_t code, gw_view message,
                       gw_view reply) {
  sim_node *n = arg;
  (void)message;
  (void)reply;
  if (code != GW_CODE_OK)
    world_fail(n->w, "a revocation: %s", gw_code_name(code));
}

void sim_node_revoke(sim_node *n) {
  char json[96], token[SIM_TOKEN_MAX];
  uint32_t worker = (uint32_t)world_random(n->w);
  uint32_t app = (uint32_t)(world_random(n->w) % n->plan->num_apps);
  uint32_t user = sim_plan_user(n->plan, app);
  uint32_t number = sim_issuer_any(n->issuer, token);
  if (!n->up) return;
  switch (world_random(n->w) % 3) {
  case 0:
    (void)snprintf(json, sizeof json, "{\"user\":\"u%u\"}", user);
    sim_issuer_revoke(n->issuer, 0, app, n->life);
    sim_node_api(n, worker, "revoke", json, on_revoked, n);
    break;
  case 1:
    if (number == 0) return;
    (void)snprintf(json, sizeof json, "{\"token\":\"%s\",\"forMs\":\"60000\"}",
                   token);
    sim_issuer_revoke(n->issuer, number, SIM_MAX_APPS, n->life);
    sim_node_api(n, worker, "revoke", json, on_revoked, n);
    break;
  default: /* which is nothing about tokens: it comes back */
    (void)snprintf(json, sizeof json, "{\"user\":\"u%u\",\"code\":%d}", user,
                   GW_CODE_OVERLOADED);
    sim_node_api(n, worker, "disconnect", json, on_revoked, n);
  }
}

uint64_t sim_node_queue_bytes(const sim_node *n) {
  uint64_t sum = 0;
  for (uint32_t i = 0; n->up && i < n->plan->num_workers; i++)
    sum += gw_stat_get(&gw_hub_stats(n->worker[i]->hub)->queue_bytes);
  return sum;
}

static void free_pieces(pipe_way *way) {
  while (way->first != NULL) {
    piece *p = way->first;
    way->first = p->next;
    free(p);
  }
}

void sim_node_free(sim_node *n) {
  if (n->up) free_hubs(n);
  n->up = false;
  /* Pieces and mail that are still in the queue are let go with the world. */
  for (size_t i = 0; i < n->w->num; i++) {
    sim_event *e = &n->w->heap[i];
    if (e->fn == mail_arrives || e->fn == ask_answered) e->fn(e->arg);
  }
  while (n->links != NULL) {
    sim_link *l = n->links;
    n->links = l->next;
    free_pieces(&l->up);
    free_pieces(&l->down);
    free(l);
  }
  while (n->all_workers != NULL) {
    sim_worker *k = n->all_workers;
    n->all_workers = k->next;
    free(k);
  }
  free(n);
}

/* ---- links --------------------------------------------------------------- */

static uint64_t latency(const sim_node *n) {
  return world_between(n->w, 0, n->plan->latency_max_ms);
}

static bool session_there(const sim_link *l) {
  return l->session != NULL && worker_alive(l->worker);
}

static void end_session(sim_link *l, uint32_t code) {
  if (!session_there(l)) return;
  gw_session *s = l->session;
  l->session = NULL;
  worker_enter(l->worker);
  gw_session_closed(s, code);
  worker_plan(l->worker);
}

static void tell_closed(sim_link *l, uint32_t code) {
  if (l->client_gone) return;
  l->client_gone = true;
  l->events->on_closed(l->app, l, code);
}

static void up_arrives(void *arg);
static void down_arrives(void *arg);

/** How long what is sent now takes: it comes after what was sent before. */
static uint64_t arrival(sim_link *l, pipe_way *way) {
  uint64_t at = l->node->w->now_ms + latency(l->node);
  if (at < way->last_ms) at = way->last_ms;
  way->last_ms = at;
  return at - l->node->w->now_ms;
}

static void send_piece(sim_link *l, bool to_server, gw_view bytes, bool end) {
  piece *p = malloc(sizeof *p + bytes.len);
  if (p == NULL) abort();
  p->next = NULL;
  p->end = end;
  p->len = bytes.len;
  if (bytes.len > 0) memcpy(p->bytes, bytes.data, bytes.len);
  if (!to_server) l->in_flight += (uint32_t)bytes.len;
  pipe_way *way = to_server ? &l->up : &l->down;
  if (way->first == NULL)
    way->first = p;
  else
    way->last->next = p;
  way->last = p;
  world_after(l->node->w, arrival(l, way),
              to_server ? up_arrives : down_arrives, l);
}

static void send_message(sim_link *l, bool to_server, gw_view m) {
  world *w = l->node->w;
  while (l->node->plan->split && m.len > 1 && world_chance(w, 600)) {
    size_t cut = (size_t)world_between(w, 1, m.len - 1);
    send_piece(l, to_server, (gw_view){m.data, cut}, false);
    m = (gw_view){m.data + cut, m.len - cut};
  }
  send_piece(l, to_server, m, true);
}

static void arrive_at_server(sim_link *l, const piece *p) {
  if (!session_there(l) || l->closing) return;
  worker_enter(l->worker);
  (void)!gw_session_feed(l->session, (gw_view){p->bytes, p->len}, p->end);
  worker_plan(l->worker);
}

static void arrive_at_client(sim_link *l, const piece *p) {
  l->in_flight -= (uint32_t)p->len;
  if (!l->client_gone)
    l->events->on_data(l->app, l, (gw_view){p->bytes, p->len}, p->end);
  if (session_there(l)) plan_flush(l);
}

static piece *take_piece(pipe_way *way) {
  piece *p = way->first;
  if (p != NULL) way->first = p->next;
  return p;
}

static bool put_off(sim_link *l, uint64_t until_ms, sim_fn fn) {
  world *w = l->node->w;
  if (until_ms <= w->now_ms || l->silent) return false;
  world_after(w, until_ms - w->now_ms, fn, l);
  return true;
}

static void up_arrives(void *arg) {
  sim_link *l = arg;
  if (put_off(l, l->stalled_until_ms, up_arrives)) return;
  piece *p = take_piece(&l->up);
  if (p == NULL) return;
  if (!l->silent) arrive_at_server(l, p);
  free(p);
}

static void down_arrives(void *arg) {
  sim_link *l = arg;
  uint64_t until = l->stalled_until_ms;
  if (l->held_until_ms > until) until = l->held_until_ms;
  if (put_off(l, until, down_arrives)) return;
  piece *p = take_piece(&l->down);
  if (p == NULL) return;
  if (!l->silent) arrive_at_client(l, p);
  free(p);
}

static void server_close_arrives(void *arg) {
  sim_link *l = arg;
  uint64_t until = l->stalled_until_ms;
  if (l->held_until_ms > until) until = l->held_until_ms;
  if (put_off(l, until, server_close_arrives)) return;
  if (!l->silent) tell_closed(l, l->close_code);
}

static void server_close_done(void *arg) {
  end_session(arg, 0);
}

void sim_node_check_calm(const sim_node *n) {
  for (const sim_link *l = n->links; l != NULL; l = l->next) {
    if (session_there(l) && !l->client_gone && !l->silent && !l->closing)
      sim_watch_check_calm(&l->watch);
  }
}

/** Hand what the hub has to the link, as far as the link takes it. */
static void link_flush(void *arg) {
  sim_link *l = arg;
  l->flush_planned = false;
  if (!session_there(l)) return;
  gw_buf *bufs[8];
  worker_enter(l->worker);
  while (l->in_flight < l->node->plan->window_bytes) {
    size_t num = gw_session_take(l->session, bufs, 8, 16384);
    if (num == 0) break;
    for (size_t i = 0; i < num; i++) {
      sim_watch_server(&l->watch, gw_buf_payload(bufs[i]), l->closing);
      send_message(l, false, gw_buf_payload(bufs[i]));
      gw_buf_unref(bufs[i]);
    }
  }
  worker_plan(l->worker);
  if (!l->closing) return;
  bool stuck = gw_session_has_output(l->session);
  world_after(l->node->w, stuck ? 3000 : arrival(l, &l->down),
              server_close_arrives, l);
  world_after(l->node->w, stuck ? 3000 : latency(l->node), server_close_done,
              l);
}

static void refuse(void *arg) {
  tell_closed(arg, 1006);
}

static void accept_link(void *arg) {
  sim_link *l = arg;
  sim_node *n = l->node;
  if (l->client_gone) return;
  if (!n->up) {
    tell_closed(l, 1006);
    return;
  }
  l->life = n->life;
  l->worker = n->worker[world_random(n->w) % n->plan->num_workers];
  worker_enter(l->worker);
  l->session =
      gw_hub_open(l->worker->hub, l, GW_ENCODING_BINARY, gw_view_of("sim"));
  worker_plan(l->worker);
  if (l->session == NULL) {
    tell_closed(l, 1006);
    return;
  }
  l->opened = true;
  l->events->on_open(l->app, l);
}

sim_link *sim_link_open(sim_node *n, const sim_link_events *events, void *app,
                        uint32_t generation) {
  sim_link *l = calloc(1, sizeof *l);
  if (l == NULL) abort();
  l->node = n;
  l->events = events;
  l->app = app;
  l->generation = generation;
  l->life = n->life;
  l->watch.w = n->w;
  l->next = n->links;
  n->links = l;
  world_after(n->w, latency(n) + 1, n->up ? accept_link : refuse, l);
  return l;
}

uint32_t sim_link_generation(const sim_link *l) {
  return l->generation;
}
uint32_t sim_link_life(const sim_link *l) {
  return l->life;
}

uint64_t sim_link_right_ms(const sim_link *l, uint32_t channel) {
  const sim_plan *plan = l->node->plan;
  const uint32_t things[] = {SIM_CONNECTION, channel};
  const bool needed[] = {plan->tokens, plan->channel_tokens};
  uint64_t right_ms = UINT64_MAX;
  for (int i = 0; i < 2; i++) {
    if (!needed[i]) continue;
    uint32_t number = l->token[things[i]];
    uint64_t end =
        number == 0 ? 0 : sim_issuer_end_ms(l->node->issuer, number, l->life);
    if (end < right_ms) right_ms = end;
  }
  return right_ms;
}

void sim_link_send(sim_link *l, gw_view message) {
  if (l->client_gone || !l->opened) return;
  sim_watch_client(&l->watch, message);
  send_message(l, true, message);
}

static void client_close_arrives(void *arg) {
  sim_link *l = arg;
  if (put_off(l, l->stalled_until_ms, client_close_arrives)) return;
  if (!l->silent) end_session(l, 1000);
}

void sim_link_close(sim_link *l, uint32_t code) {
  (void)code;
  if (l->client_gone) return;
  l->client_gone = true;
  world_after(l->node->w, arrival(l, &l->up), client_close_arrives, l);
}

/* ---- faults -------------------------------------------------------------- */

static void reset_at_client(void *arg) {
  sim_link *l = arg;
  world *w = l->node->w;
  if (l->held_until_ms > w->now_ms)
    world_after(w, l->held_until_ms - w->now_ms, reset_at_client, l);
  else
    tell_closed(l, 1006);
}

static void reset_at_server(void *arg) {
  end_session(arg, 1006);
}

void sim_link_reset(sim_link *l) {
  if (!l->opened) return;
  l->silent = true;
  world_after(l->node->w, world_between(l->node->w, 0, 3000), reset_at_client,
              l);
  world_after(l->node->w, world_between(l->node->w, 0, 3000), reset_at_server,
              l);
}

/** The other side's silence is noticed by each end's own timers; a server's end
 * that gives up is closed by its hub, at last by the kernel. */
void sim_link_silence(sim_link *l) {
  if (!l->opened) return;
  l->silent = true;
  if (l->session == NULL) return;
  world_after(l->node->w, 200000, reset_at_server, l);
}

void sim_link_stall(sim_link *l, uint64_t ms) {
  l->stalled_until_ms = l->node->w->now_ms + ms;
}

void sim_link_hold(sim_link *l, uint64_t until_ms) {
  l->held_until_ms = until_ms;
}
