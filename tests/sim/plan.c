/* SPDX-License-Identifier: MIT */
/* plan.c - draws a run from its seed. */
#include "tests/sim/plan.h"

#include <stddef.h>
#include <string.h>

#include "godwit/client.h"
#include "godwit/wire.h"
#include "server/core/settings.h"

static uint32_t pick(world *w, const uint32_t *choices, size_t num) {
  return choices[world_random(w) % num];
}

#define PICK(w, ...)                       \
  pick(w, (const uint32_t[]){__VA_ARGS__}, \
       sizeof(const uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

/* ---- names ----------------------------------------------------------------- */

static const char *const act_names[SIM_NUM_ACTS] = {
    "publish", "burst",  "side",  "order", "call", "presence",
    "knock",   "letter", "churn", "team",  "desk"};

const char *sim_act_name(uint32_t act) {
  return act_names[act];
}

uint32_t sim_act_find(const char *name) {
  uint32_t i = 0;
  while (i < SIM_NUM_ACTS && strcmp(act_names[i], name) != 0)
    i++;
  return i;
}

const char *sim_size_name(enum sim_size size) {
  static const char *const names[SIM_NUM_SIZES] = {"", "small", "crowd", "few"};
  return names[size];
}

bool sim_plan_acts(const sim_plan *p, uint32_t app, enum sim_act act) {
  return (p->off_acts >> act & 1) == 0 && !sim_set_has(&p->mute_apps, app);
}

/* ---- drawing -------------------------------------------------------------- */

static void draw_people(sim_plan *p, world *w) {
  bool modes = world_chance(w, 400), moves = world_chance(w, 300);
  p->tabs = world_chance(w, 400);
  p->presence_mode = modes ? PICK(w, 0, 0, 1, 2, 3) : GW_PRESENCE_MODE_FULL;
  p->presence_full_limit = modes ? PICK(w, 0, 1, 2, 3, 5) : 0;
  p->presence_large =
      PICK(w, GW_PRESENCE_MODE_COUNTS, GW_PRESENCE_MODE_SAMPLED);
  p->presence_sample = (uint32_t)world_between(w, 1, 4);
  p->presence_max_bytes = PICK(w, 0, 0, 2000);
  p->presence_counts_ms = PICK(w, 50, 500, 2000);
  p->away_ms = moves ? PICK(w, 1000, 8000) : 0;
  p->offline_ms = moves ? PICK(w, 0, 4000, 16000) : 0;
  p->groups = world_chance(w, 400);
  p->sends = world_chance(w, 400);
}

/** What converges by itself may not beside all the rest: presence, groups, states,
 * maps and tokens in one run, under every fault. */
static void switch_all_on(sim_plan *p) {
  p->presence = p->no_echo = p->calls = p->churn = p->policies = p->items =
      true;
  p->groups = p->sends = p->tabs = p->asks = true;
  p->maps = p->filters = p->patterns = p->machines = p->deltas = true;
  p->tokens = true;
  p->channel_tokens = p->fault_kill = p->fault_clock = false;
  p->desk = true;
  p->fault_cut = p->fault_half = p->fault_slow = p->fault_storm = true;
  p->fault_break = true;
  p->fault_reset = p->fault_silence = p->fault_stall = p->fault_crash = true;
  p->fault_drain = p->fault_sleep = p->fault_offline = true;
  p->fault_issuer = p->fault_check = p->fault_revoke = p->fault_close = true;
}

uint32_t sim_plan_user(const sim_plan *p, uint32_t app) {
  return p->tabs ? app / 2 : app;
}

/** Where there is no crowd. */
#define MAX_FEW 8

static void draw_sizes(sim_plan *p, world *w) {
  p->num_workers = (uint32_t)world_between(w, 1, SIM_MAX_WORKERS);
  p->num_apps = (uint32_t)world_between(w, 2, MAX_FEW);
  p->num_channels = (uint32_t)world_between(w, 1, SIM_MAX_CHANNELS);
  p->history_size = PICK(w, 4, 32, 100, 1000);
  p->ping_interval_ms = PICK(w, 2000, 5000, 25000);
  p->ping_timeout_ms = PICK(w, 1000, 5000);
  p->presence_grace_ms = PICK(w, 1000, 5000, 15000);
  p->max_queue_bytes = PICK(w, 16384, 65536, 1048576);
  p->max_payload_bytes = PICK(w, 8, 200, 1500);
  p->latency_max_ms = PICK(w, 1, 20, 300);
  p->mail_delay_max_ms = PICK(w, 0, 1, 20);
  p->turn_max_ms = PICK(w, 0, 2, 30);
  p->window_bytes = PICK(w, 512, 8192, 262144);
  /* A link this slow never catches up with a crowd. */
  if (p->latency_max_ms > 100 && p->window_bytes < 32768)
    p->window_bytes = 32768;
  p->credit_bytes = PICK(w, GW_CREDIT_NONE, 2000, 16384, 262144);
  if (p->latency_max_ms > 100 && p->credit_bytes < 65536)
    p->credit_bytes = 65536;
  p->batch_delay_ms = PICK(w, 0, 0, 5, 100);
  p->batch_bytes = PICK(w, 200, 2000, 8192);
  p->think_max_ms = PICK(w, 100, 500, 2000);
  p->fault_max_ms = PICK(w, 500, 3000, 10000);
  p->fault_width = 1;
  p->busy_ms = world_between(w, 5000, 30000);
  p->heal_ms = 150000;
}

static void draw_features(sim_plan *p, world *w) {
  p->split = world_chance(w, 500);
  p->presence = world_chance(w, 600);
  p->presence_permille = 200;
  p->no_echo = world_chance(w, 400);
  p->calls = world_chance(w, 300);
  p->churn = world_chance(w, 300);
  p->policies = world_chance(w, 500);
  p->items = world_chance(w, 500);
  p->compare = world_chance(w, 200);
  draw_people(p, w);
  p->asks = world_chance(w, 300);
  p->ask_delay_max_ms = PICK(w, 0, 5, 200, 1500);
  p->ask_deny_permille = PICK(w, 0, 20, 200);
  p->ask_lose_permille = PICK(w, 0, 0, 20);
  p->maps = world_chance(w, 400);
  p->filters = world_chance(w, 400);
  p->patterns = world_chance(w, 400);
  p->deltas = world_chance(w, 400);
  p->map_size = PICK(w, 4, 30, 100);
  p->tokens = world_chance(w, 400);
  p->channel_tokens = world_chance(w, 300);
  p->token_life_ms = PICK(w, 5000, 10000, 30000);
  p->machines = world_chance(w, 600);
  p->drift = world_chance(w, 300);
  p->desk = world_chance(w, 300);
}

static void draw_faults(sim_plan *p, world *w) {
  p->fault_reset = world_chance(w, 600);
  p->fault_silence = world_chance(w, 400);
  p->fault_stall = world_chance(w, 400);
  p->fault_crash = world_chance(w, 500);
  p->fault_drain = world_chance(w, 200);
  p->fault_sleep = world_chance(w, 300);
  p->fault_offline = world_chance(w, 300);
  p->fault_issuer = world_chance(w, 400);
  p->fault_check = world_chance(w, 300);
  p->fault_revoke = world_chance(w, 400);
  p->fault_close = world_chance(w, 200);
  p->fault_cut = world_chance(w, 300);
  p->fault_half = world_chance(w, 200);
  p->fault_slow = world_chance(w, 300);
  p->fault_storm = world_chance(w, 200);
  p->fault_kill = world_chance(w, 200);
  p->fault_clock = world_chance(w, 200);
  p->fault_break = world_chance(w, 200);
}

/** Subscriptions beside the rooms are made without a token, and the books of people,
 * of the side and of the order know no process that is another one than before. */
static void settle(sim_plan *p, world *w) {
  if (p->fault_kill) p->fault_kill = world_chance(w, 500);
  if (p->tokens || p->channel_tokens) p->fault_kill = p->fault_clock = false;
  if (p->channel_tokens || p->fault_kill)
    p->desk = p->groups = p->sends = p->tabs = p->maps = p->filters =
        p->patterns = p->machines = false;
}

#define AT(name) offsetof(sim_plan, name)

static const size_t features[] = {
    AT(presence), AT(no_echo),  AT(calls),         AT(churn),  AT(policies),
    AT(items),    AT(compare),  AT(maps),          AT(deltas), AT(filters),
    AT(patterns), AT(machines), AT(groups),        AT(sends),  AT(desk),
    AT(asks),     AT(tokens),   AT(channel_tokens)};

static const size_t faults[] = {
    AT(fault_reset), AT(fault_silence), AT(fault_stall),   AT(fault_crash),
    AT(fault_drain), AT(fault_sleep),   AT(fault_offline), AT(fault_issuer),
    AT(fault_check), AT(fault_revoke),  AT(fault_close),   AT(fault_cut),
    AT(fault_half),  AT(fault_slow),    AT(fault_storm),   AT(fault_kill),
    AT(fault_clock), AT(fault_break)};

#define NUM_FEATURES (sizeof features / sizeof features[0])
#define NUM_FAULTS   (sizeof faults / sizeof faults[0])

static void put(sim_plan *p, size_t at, bool on) {
  memcpy((char *)p + at, &on, sizeof on);
}

static void switch_all_off(sim_plan *p) {
  for (size_t i = 0; i < NUM_FEATURES; i++)
    put(p, features[i], false);
  for (size_t i = 0; i < NUM_FAULTS; i++)
    put(p, faults[i], false);
}

/** One to four features under one to four faults, and much of each. */
static void make_few(sim_plan *p, world *w) {
  switch_all_off(p);
  for (uint64_t i = world_between(w, 1, 4); i > 0; i--)
    put(p, features[world_random(w) % NUM_FEATURES], true);
  for (uint64_t i = world_between(w, 1, 4); i > 0; i--)
    put(p, faults[world_random(w) % NUM_FAULTS], true);
  p->presence_permille = PICK(w, 200, 900);
  p->think_max_ms = PICK(w, 60, 150, 400);
  p->fault_max_ms = PICK(w, 60, 200, 800);
  p->busy_ms = world_between(w, 5000, 20000);
}

/** Of what is drawn already, so that what follows is drawn as without it. */
static uint32_t draw_pack_min(const sim_plan *p) {
  static const uint32_t mins[] = {0, 64, 200, 1024};
  return mins[p->busy_ms % (sizeof mins / sizeof mins[0])];
}

static uint32_t draw_clock_lag(const sim_plan *p) {
  static const uint32_t lags[] = {0, 0, 5, 50, 400};
  return lags[p->busy_ms / 8 % (sizeof lags / sizeof lags[0])];
}

static void make_small(sim_plan *p, world *w) {
  p->num_workers = (uint32_t)world_between(w, 1, 2);
  p->num_apps = (uint32_t)world_between(w, 2, 3);
  p->num_channels = 1;
  p->think_max_ms = PICK(w, 200, 500, 1000);
  p->fault_max_ms = PICK(w, 500, 2000);
  p->busy_ms = world_between(w, 3000, 10000);
}

/** What one says all hear, so that each says little; what befalls one of them would
 * be nothing among so many. */
static void make_crowd(sim_plan *p, world *w) {
  p->num_apps = (uint32_t)world_between(w, 100, SIM_MAX_APPS);
  p->num_channels = (uint32_t)world_between(w, 1, 2);
  p->ping_interval_ms = PICK(w, 5000, 25000);
  /* Where clocks run fast, pings seem to be late by a second: among so many, one
   * client would always have given up in the moment in which the run ends. */
  p->ping_timeout_ms = 5000;
  if (p->presence_full_limit != 0)
    p->presence_full_limit = PICK(w, 20, 60, 150);
  p->presence_sample = PICK(w, 1, 5, 40);
  p->presence_max_bytes = PICK(w, 0, 0, 100);
  p->presence_permille = PICK(w, 200, 900);
  p->think_max_ms = p->num_apps * PICK(w, 60, 120, 240);
  p->first_act_max_ms = PICK(w, 1000, 4000, p->think_max_ms);
  p->fault_max_ms = PICK(w, 1000, 3000);
  p->fault_width = PICK(w, 1, 10, 50);
  p->busy_ms = world_between(w, 5000, 12000);
  if (world_chance(w, 500)) p->fault_storm = true;
  if (world_chance(w, 500)) p->fault_slow = true;
}

/* What takes two rare things at once seldom comes about beside all the rest. */

/** Clients that are away while others remove items, and removals are forgotten. */
static void see_maps_only(sim_plan *p) {
  switch_all_off(p);
  p->maps = true;
  p->map_size = 4;
  p->think_max_ms = p->first_act_max_ms = 100;
  p->fault_max_ms = 500;
  p->busy_ms = 30000;
  p->fault_sleep = p->fault_offline = p->fault_close = p->fault_reset = true;
}

static void see_presence_only(sim_plan *p) {
  switch_all_off(p);
  p->presence = true;
  p->presence_mode = GW_PRESENCE_MODE_FULL;
  p->presence_permille = 900;
}

/** Connections that are given up, and what they still say comes later. */
static void see_members_only(sim_plan *p) {
  see_presence_only(p);
  p->ping_interval_ms = 25000;
  p->latency_max_ms = 1;
  p->resume = false; /* it ends the connection before */
  p->fault_stall = p->fault_cut = true;
  p->num_apps = 6;
  p->busy_ms = 5000;
  p->think_max_ms = 400;
  p->fault_max_ms = 80; /* of which few are of these kinds */
}

/** Lists of members that are sent part by part to slow readers, while all change. */
static void see_lists_only(sim_plan *p) {
  see_presence_only(p);
  p->churn = true;
  p->presence_max_bytes = 2000;
  p->num_apps = MAX_FEW;
  p->window_bytes = 512;
  p->max_queue_bytes = 16384;
  p->think_max_ms = p->first_act_max_ms = 200;
  p->fault_max_ms = 200;
  p->busy_ms = 20000;
  p->fault_slow = p->fault_stall = p->fault_reset = true;
}

/** Much is done in a short time, and many links fail. */
static void hurry(sim_plan *p) {
  p->think_max_ms = p->first_act_max_ms = 60;
  p->fault_max_ms = 50;
  p->busy_ms = 20000;
}

/** Clients that are back at once, at a worker that is behind. */
static void meet_late_mail(sim_plan *p) {
  switch_all_off(p);
  p->num_workers = SIM_MAX_WORKERS;
  p->num_channels = SIM_MAX_CHANNELS;
  p->mail_delay_max_ms = 400;
  p->latency_max_ms = 1;
  p->turn_max_ms = 0;
  p->batch_delay_ms = 0;
  p->window_bytes = 262144;
  p->max_queue_bytes = 1048576;
  hurry(p);
}

/** They have read on where it is behind. */
static void see_workers_only(sim_plan *p) {
  meet_late_mail(p);
  p->fault_kill = true;
}

/** They have been told what has no position. */
static void see_messages_only(sim_plan *p) {
  meet_late_mail(p);
  p->fault_close = true;
  p->sends = p->patterns = p->churn = true;
}

/** Rights that end while those who have them are away for a moment. */
static void see_rights_only(sim_plan *p) {
  switch_all_off(p);
  p->asks = p->tokens = p->resume = true;
  p->num_workers = 1;
  p->token_life_ms = 2000;
  p->latency_max_ms = 20;
  hurry(p);
  p->fault_cut = p->fault_check = true;
}

/** Eight seeds of 25: of what is drawn already, as above. */
static void look_closer(sim_plan *p) {
  uint64_t draw = p->busy_ms % 25;
  if (draw == 3) see_maps_only(p);
  if (draw == 10) see_workers_only(p);
  if (draw == 12) see_messages_only(p);
  if (draw == 16) see_rights_only(p);
  if (draw == 18) see_lists_only(p);
  if (draw % 8 == 6) see_members_only(p);
}

/** Last, so that what seeds were like before stays. */
static void draw_late(sim_plan *p, world *w) {
  bool has_any = world_chance(w, 400);
  p->resume = world_chance(w, 700);
  for (uint32_t i = 0; has_any && i < SIM_NUM_SPACES; i++)
    p->priorities[i] =
        PICK(w, GW_PRIORITY_NORMAL, GW_PRIORITY_HIGH, GW_PRIORITY_LOW);
}

void sim_plan_draw(sim_plan *p, world *w, enum sim_size size) {
  draw_sizes(p, w);
  draw_features(p, w);
  draw_faults(p, w);
  if (size == SIM_SIZE_FEW) make_few(p, w);
  settle(p, w);
  if (world_chance(w, 80) && size != SIM_SIZE_FEW) switch_all_on(p);
  p->pack_min = draw_pack_min(p);
  if (size == SIM_SIZE_SMALL) make_small(p, w);
  p->first_act_max_ms = p->backend_think_max_ms = p->think_max_ms;
  if (size == SIM_SIZE_CROWD) make_crowd(p, w);
  draw_late(p, w);
  p->clock_lag_max_ms = draw_clock_lag(p);
  if (size == SIM_SIZE_FULL) look_closer(p);
}

bool sim_plan_takes_delta(const sim_plan *p, uint32_t app) {
  return p->deltas && app % 3 != 0;
}

uint32_t sim_plan_overflow(const sim_plan *p, uint32_t app) {
  return p->policies ? app % (GW_OVERFLOW_SAMPLE + 1) : GW_OVERFLOW_CLOSE;
}
