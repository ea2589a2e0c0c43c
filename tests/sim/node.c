/* SPDX-License-Identifier: MIT */
/* node.c - hubs that are handed bytes, time and mail late, in pieces, or never. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/machine.h"
#include "tests/sim/node_parts.h"
#include "tests/sim/order.h"

/** Of the chance of workers' clocks; what follows are the workers'. */
#define CLOCK_STREAM 2000u

/* ---- hub ----------------------------------------------------------------- */

bool sim_worker_is_alive(const sim_worker *k) {
  return k->node->up && k->life == k->node->life;
}

/** A turn begins: the loop looks at the clock, and takes it to be that time until
 * the turn is over. */
static void look_at_clock(sim_worker *k) {
  world *w = k->node->w;
  uint32_t max = k->node->plan->clock_lag_max_ms;
  k->clock_ms = k->clock_until_ms = w->now_ms;
  if (max == 0) return;
  sim_dice *before = world_use(w, &k->clock);
  k->clock_until_ms += world_between(w, 0, max);
  world_use(w, before);
}

void sim_worker_enter(sim_worker *k) {
  if (k->node->w->now_ms >= k->clock_until_ms) look_at_clock(k);
  gw_hub_set_time(k->hub, k->clock_ms,
                  SIM_WALL_ZERO_MS + k->clock_ms +
                      (uint64_t)k->node->wall_skew_ms);
}

static void worker_tick(void *arg);

static void worker_end_turn(void *arg) {
  sim_worker *k = arg;
  k->turn_planned = false;
  if (!sim_worker_is_alive(k)) return;
  sim_worker_enter(k);
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

void sim_worker_plan(sim_worker *k) {
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
  if (!sim_worker_is_alive(k)) return;
  if (k->planned_ms <= k->node->w->now_ms) k->planned_ms = 0;
  look_at_clock(k); /* timers are what a turn begins with */
  sim_worker_enter(k);
  gw_hub_tick(k->hub);
  sim_worker_plan(k);
}

typedef struct mail_event {
  sim_worker *to;
  gw_mail *mail;
} mail_event;

static void mail_arrives(void *arg) {
  mail_event *e = arg;
  if (sim_worker_is_alive(e->to)) {
    sim_worker_enter(e->to);
    gw_hub_deliver(e->to->hub, e->mail);
    sim_worker_plan(e->to);
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

static void port_want_write(void *user, void *conn) {
  (void)user;
  sim_link_plan_flush(conn);
}

static void port_close(void *user, void *conn, uint32_t code, gw_view reason) {
  (void)user;
  (void)reason;
  sim_link *l = conn;
  l->closing = true;
  l->close_code = code;
  sim_link_plan_flush(l);
}

static uint64_t port_random(void *user) {
  sim_worker *k = user;
  return world_random(k->node->w);
}

/* ---- workers -------------------------------------------------------------- */

static void port_log(void *user, int level, const char *event,
                     const char *fields) {
  sim_worker *k = user;
  if (level <= 1)
    world_trace(k->node->w, "hub %u: %s %s", k->index, event, fields);
}

static uint64_t port_clock(void *user) {
  const sim_worker *k = user;
  return k->node->w->now_ms;
}

static const gw_hub_port hub_port = {
    .want_write = port_want_write,
    .close = port_close,
    .post = port_post,
    .random = port_random,
    .clock = port_clock,
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
  sim_dice_init(&k->clock, n->w->seed, CLOCK_STREAM + index);
  gw_hub_options options = {.worker = index,
                            .num_workers = n->plan->num_workers,
                            .settings = &n->settings};
  memset(options.hash_key, (int)(n->life & 0xff), sizeof options.hash_key);
  gw_hub_port port = hub_port;
  if (n->plan->asks || n->plan->tokens || n->plan->channel_tokens)
    port.ask = sim_node_ask;
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
  others->packing = (gw_packing){.on = n->plan->pack_min != 0,
                                 .min_bytes = n->plan->pack_min};
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
  for (uint32_t i = 0; i < SIM_NUM_SPACES; i++)
    n->spaces[i].priority = n->plan->priorities[i];
  n->settings.namespaces = n->spaces;
  n->settings.num_namespaces = sizeof n->spaces / sizeof n->spaces[0];
}

sim_node *sim_node_new(world *w, const sim_plan *plan, sim_issuer *issuer,
                       sim_census *census) {
  sim_node *n = calloc(1, sizeof *n);
  if (n == NULL) abort();
  n->w = w;
  n->plan = plan;
  n->issuer = issuer;
  n->census = census;
  n->settings = gw_settings_default;
  set_spaces(n);
  n->settings.trusts_names = true;
  if (!plan->resume) n->settings.resume_ttl_ms = 0;
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
  /* It breaks in this very moment, and comes back by itself. */
  if (n->worker[0] != NULL) return;
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

static void comes_back(void *arg) {
  sim_node *n = arg;
  if (!n->up) sim_node_start(n);
}

static void breaks(void *arg) {
  sim_node *n = arg;
  world_trace(n->w, "node breaks");
  stop(n);
  world_after(n->w, world_between(n->w, 10, 5000), comes_back, n);
}

bool sim_node_is_broken_now(sim_node *n) {
  if (n->break_in == 0 || --n->break_in != 0) return false;
  n->up = false;
  world_after(n->w, 0, breaks, n);
  return true;
}

void sim_node_break(sim_node *n, uint32_t messages) {
  n->break_in = messages;
}

void sim_node_calm(sim_node *n) {
  n->break_in = 0;
  n->is_calm = true;
}

uint64_t sim_node_virtual_ms(const sim_node *n, uint64_t wall_ms) {
  return n->wall_skew_ms == 0 ? wall_ms - SIM_WALL_ZERO_MS : 0;
}

void sim_node_turn_clock(sim_node *n, uint64_t ms) {
  n->wall_skew_ms += (ms & 1) != 0 ? -(int64_t)ms : (int64_t)ms;
}

static void drain_check(void *arg) {
  sim_worker *k = arg;
  sim_node *n = k->node;
  if (!sim_worker_is_alive(k)) return;
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
  if (sim_worker_is_alive(k)) stop(k->node);
}

void sim_node_drain(sim_node *n) {
  if (!n->up || n->draining) return;
  n->draining = true;
  world_trace(n->w, "node drains");
  for (uint32_t i = 0; i < n->plan->num_workers; i++) {
    sim_worker_enter(n->worker[i]);
    gw_hub_drain(n->worker[i]->hub, 1000);
    sim_worker_plan(n->worker[i]);
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
  gw_caller caller = {.is_trusted = true,
                      .asked_ms = SIM_WALL_ZERO_MS + n->w->now_ms +
                                  (uint64_t)n->wall_skew_ms};
  gw_view name = gw_view_of(method);
  if (gw_api_request_from_json(gw_api_find(name), gw_view_of(json), &out,
                               NULL) < 0)
    abort();
  sim_worker_enter(k);
  gw_hub_api(k->hub, name, &caller, (gw_view){space, out.len}, on_reply, arg);
  sim_worker_plan(k);
}

void sim_node_set_gift(sim_node *n, const char *channel,
                       bool (*is_due)(void *arg, gw_view user), void *arg) {
  n->gift = gw_view_of(channel);
  n->is_gift_due = is_due;
  n->gift_arg = arg;
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
  /* A server that ends answers what it has not done; the next one does not know
   * of revocations anyway. */
  if (code != GW_CODE_OK && code != GW_CODE_SHUTDOWN)
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
    sim_issuer_revoke(n->issuer, number, UINT32_MAX, n->life);
    sim_node_api(n, worker, "revoke", json, on_revoked, n);
    break;
  default: /* which is nothing about tokens: it comes back */
    (void)snprintf(json, sizeof json, "{\"user\":\"u%u\",\"code\":%d}", user,
                   GW_CODE_OVERLOADED);
    sim_node_api(n, worker, "disconnect", json, on_revoked, n);
  }
}

void sim_node_free(sim_node *n) {
  n->up = false;
  free_hubs(n);
  /* Mail and answers that are still in the queue are let go with the world. */
  for (size_t i = 0; i < n->w->num; i++) {
    sim_event *e = &n->w->heap[i];
    if (e->fn == mail_arrives || e->fn == sim_node_ask_answered) e->fn(e->arg);
  }
  sim_links_free(n);
  while (n->all_workers != NULL) {
    sim_worker *k = n->all_workers;
    n->all_workers = k->next;
    free(k);
  }
  free(n);
}
