/* SPDX-License-Identifier: MIT */
/* app_host.c - what an application's client runs on: its port, its clock, its
 * disk, and the process that may die in the middle of anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/app_parts.h"

/* ---- death --------------------------------------------------------------- */

static void is_dead(void *arg);

/** Whether the process is gone before what it is about to do to the world. */
static bool dies(sim_app *a) {
  if (a->is_dying) return true;
  if (a->dies_in == 0 || --a->dies_in != 0) return false;
  a->is_dying = true;
  world_after(a->w, 0, is_dead, a);
  return true;
}

/* ---- timer --------------------------------------------------------------- */

static void timer_fires(void *arg) {
  sim_app *a = arg;
  uint64_t now = a->w->now_ms;
  if (a->client == NULL || a->is_dying || a->timer_ms > now) return;
  if (a->asleep_until_ms > now) {
    world_after(a->w, a->asleep_until_ms - now, timer_fires, a);
    return;
  }
  a->timer_ms = UINT64_MAX;
  gw_client_on_timer(a->client);
}

static void port_set_timer(void *user, uint64_t delay_ms) {
  sim_app *a = user;
  if (a->is_dying || delay_ms == UINT64_MAX) {
    a->timer_ms = UINT64_MAX;
    return;
  }
  delay_ms = (delay_ms * 1000 + a->rate - 1) / a->rate;
  a->timer_ms = a->w->now_ms + delay_ms;
  world_after(a->w, delay_ms, timer_fires, a);
}

/* ---- link ---------------------------------------------------------------- */

static void link_on_open(void *process, sim_link *link) {
  const app_process *p = process;
  if (!p->is_dead && !p->app->is_dying)
    gw_client_on_open(p->app->client, sim_link_generation(link));
}

static void link_on_data(void *process, sim_link *link, gw_view data,
                         bool end) {
  const app_process *p = process;
  if (!p->is_dead && !p->app->is_dying)
    gw_client_on_data(p->app->client, sim_link_generation(link), data, end);
}

static void link_on_closed(void *process, sim_link *link, uint32_t code) {
  const app_process *p = process;
  sim_app *a = p->app;
  if (p->is_dead || a->is_dying) return;
  if (a->link == link) a->link = NULL;
  gw_client_on_closed(a->client, sim_link_generation(link), code,
                      (gw_view){NULL, 0});
}

static const sim_link_events link_events = {link_on_open, link_on_data,
                                            link_on_closed};

/** There is no network: the host says so. It tells of the attempt before all
 * others, as only one is made at a time. */
static void open_fails(void *arg) {
  const app_process *p = arg;
  if (!p->is_dead && !p->app->is_dying && p->app->link == NULL)
    gw_client_on_closed(p->app->client, p->app->generation, 1006,
                        (gw_view){NULL, 0});
}

static void port_open(void *user, uint32_t generation, gw_view endpoint) {
  sim_app *a = user;
  (void)endpoint;
  if (dies(a)) return;
  a->opens++;
  a->generation = generation;
  if (a->offline_until_ms > a->w->now_ms) {
    world_after(a->w, 5, open_fails, a->process);
    a->link = NULL;
    return;
  }
  a->link = sim_link_open(a->node, &link_events, a->process, generation);
}

static void note_sent(sim_app *a, gw_view message) {
  gw_frame frame;
  int64_t used;
  while ((used = gw_frame_parse(message, UINT32_MAX, &frame)) > 0) {
    gw_publish m;
    sim_wallet_on_sent(a->wallet, &frame);
    if (frame.head.type == GW_FRAME_PUBLISH &&
        gw_decode_publish(frame.body, &m) == 0) {
      bool json = m.json.len > 0;
      gw_payload payload = {json ? GW_PAYLOAD_JSON : GW_PAYLOAD_BYTES,
                            json ? m.json : m.data};
      sim_book_sent(a->book, sim_app_number_in(payload),
                    sim_link_life(a->link));
    }
    message.data += used;
    message.len -= (size_t)used;
  }
}

static void port_send(void *user, uint32_t generation, gw_view message) {
  sim_app *a = user;
  if (dies(a)) return;
  if (a->link != NULL) note_sent(a, message);
  if (a->link != NULL && sim_link_generation(a->link) == generation)
    sim_link_send(a->link, message);
}

static void port_close(void *user, uint32_t generation, uint32_t code,
                       gw_view reason) {
  sim_app *a = user;
  (void)reason;
  if (dies(a)) return;
  if (a->link != NULL && sim_link_generation(a->link) == generation) {
    sim_link_close(a->link, code);
    a->link = NULL;
  }
}

static uint64_t port_now(void *user) {
  sim_app *a = user;
  return a->w->now_ms * a->rate / 1000;
}

static uint64_t port_random(void *user) {
  sim_app *a = user;
  return world_random(a->w);
}

static void port_event(void *user, const gw_event *e) {
  sim_app *a = user;
  if (!dies(a)) sim_app_event(a, e);
}

static void port_log(void *user, enum gw_log_level level, const char *text) {
  sim_app *a = user;
  if (level <= GW_LOG_WARN) world_trace(a->w, "app %u: %s", a->index, text);
}

static void port_store_put(void *user, uint64_t key, gw_view entry) {
  sim_app *a = user;
  if (!dies(a)) sim_disk_put(a->disk, key, entry);
}

static void port_store_remove(void *user, uint64_t key) {
  sim_app *a = user;
  if (!dies(a)) sim_disk_remove(a->disk, key);
}

static const gw_port port = {
    .open = port_open,
    .send = port_send,
    .close = port_close,
    .set_timer = port_set_timer,
    .now = port_now,
    .random = port_random,
    .event = port_event,
    .log = port_log,
    .store_put = port_store_put,
    .store_remove = port_store_remove,
};

/* ---- processes ----------------------------------------------------------- */

void sim_app_boot(sim_app *a) {
  app_process *p = calloc(1, sizeof *p);
  char user[16], instance[GW_INSTANCE_BYTES + 1];
  if (p == NULL) abort();
  *p = (app_process){.app = a, .before = a->process};
  a->process = p;
  (void)snprintf(user, sizeof user, "u%u", sim_plan_user(a->plan, a->index));
  memset(instance, 'a' + (int)(a->index % 26), sizeof instance);
  instance[0] = (char)('a' + (int)((a->index % 26 + a->index / 26) % 26));
  a->first_key = (SIM_WALL_ZERO_MS + a->w->now_ms) * 1000;
  gw_view endpoint = gw_view_of("sim");
  gw_client_options options = {
      .endpoints = &endpoint,
      .num_endpoints = 1,
      .user = gw_view_of(user),
      .asks_token = a->plan->tokens,
      .credit_bytes = a->plan->credit_bytes,
      .instance = {(const uint8_t *)instance, GW_INSTANCE_BYTES},
      .first_key = a->first_key,
      .outbox_max_age_ms = GW_DEDUP_WINDOW_MS - 1};
  a->client = gw_client_new(&options, &port, a);
  if (a->client == NULL) abort();
  sim_wallet_set_client(a->wallet, a->client);
}

/** What it did not store, it does not know any more. */
static void forget_pending(sim_app *a) {
  size_t kept = 0;
  for (size_t i = 0; i < a->num_pending; i++) {
    if (sim_disk_has(a->disk, a->pending[i].key))
      a->pending[kept++] = a->pending[i];
    else
      sim_book_not_taken(a->book, a->pending[i].number);
  }
  a->num_pending = kept;
  a->num_calls = 0;
}

static void comes_alive(void *arg) {
  sim_app *a = arg;
  world_trace(a->w, "app %u starts again", a->index);
  sim_app_boot(a);
  if (!sim_disk_restore(a->disk, a->client))
    world_fail(a->w, "app %u cannot have its outbox back", a->index);
  for (uint32_t c = 0; c < a->plan->num_channels; c++) {
    const gw_position at = a->channel[c].at;
    sim_app_subscribe(a, c, at.epoch != 0 ? &at : NULL);
  }
  if (gw_client_connect(a->client) != 0)
    world_fail(a->w, "app %u: connect", a->index);
}

static void is_dead(void *arg) {
  sim_app *a = arg;
  gw_client *c = a->client;
  world_trace(a->w, "app %u dies", a->index);
  a->process->is_dead = true;
  if (a->link != NULL) sim_link_drop(a->link);
  a->link = NULL;
  a->client = NULL;
  a->timer_ms = UINT64_MAX;
  gw_client_free(c);
  a->is_dying = false;
  sim_desk_forget(&a->desk);
  forget_pending(a);
  for (uint32_t i = 0; i < a->plan->num_channels; i++) {
    a->channel[i].sub = 0;
    a->channel[i].entered = false;
  }
  world_after(a->w, world_between(a->w, 0, 5000), comes_alive, a);
}

void sim_app_kill(sim_app *a, uint32_t effects) {
  if (a->client != NULL && !a->is_dying) a->dies_in = effects + 1;
}

void sim_app_free_processes(sim_app *a) {
  while (a->process != NULL) {
    app_process *p = a->process;
    a->process = p->before;
    free(p);
  }
}
