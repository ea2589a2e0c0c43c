/* SPDX-License-Identifier: MIT */
/* app_people.c - an application among others: it enters and leaves, knocks at
 * teams, sends messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/app_parts.h"

static gw_client_info info_of(const sim_app *a) {
  gw_client_info info;
  gw_client_info_get(a->client, &info);
  return info;
}

static uint32_t user_of(const sim_app *a) {
  return sim_plan_user(a->plan, a->index);
}

/* ---- presence ------------------------------------------------------------ */

static void change_presence(sim_app *a) {
  uint32_t c = (uint32_t)(world_random(a->w) % a->plan->num_channels);
  app_channel *ch = &a->channel[c];
  uint8_t more[2000];
  size_t len = (size_t)world_between(a->w, 0, a->plan->presence_max_bytes);
  memset(more, 'p', len);
  gw_payload payload = {GW_PAYLOAD_BYTES, {more, len}};
  if (ch->sub == 0) return;
  if (ch->entered && world_chance(a->w, 250)) {
    ch->entered = false;
    world_trace(a->w, "app %u leaves the presence of %u", a->index, c);
    (void)!gw_client_presence_leave(a->client, ch->sub);
    return;
  }
  ch->entered = true;
  if (a->plan->away_ms != 0 && world_chance(a->w, 600))
    (void)snprintf(ch->state, sizeof ch->state, "online");
  else
    (void)snprintf(ch->state, sizeof ch->state, "s%u", a->acts);
  world_trace(a->w, "app %u is %s in %u", a->index, ch->state, c);
  (void)!gw_client_presence_set(a->client, ch->sub, gw_view_of(ch->state),
                                payload);
}

/** State that it has to have in a channel once all is quiet; NULL: absent. */
static const char *state_of(const sim_app *a, uint32_t channel) {
  const app_channel *ch = &a->channel[channel];
  if (!ch->entered) return NULL;
  if (a->plan->away_ms == 0 || strcmp(ch->state, "online") != 0)
    return ch->state;
  return a->plan->offline_ms == 0 ? "away" : NULL;
}

void sim_app_on_presence(sim_app *a, const gw_event *e) {
  bool is_sync = e->type == GW_EVENT_PRESENCE_SYNC;
  uint32_t c = sim_app_channel_of(a, is_sync ? e->u.presence_sync.sub
                                             : e->u.presence.sub);
  if (c == SIM_MAX_CHANNELS) return;
  if (is_sync)
    sim_roll_sync(&a->channel[c].roll, a->w, a->client, e);
  else
    sim_roll_change(&a->channel[c].roll, a->w, e);
}

/* ---- teams --------------------------------------------------------------- */

static void knock(sim_app *a, uint32_t group) {
  char name[16];
  (void)snprintf(name, sizeof name, "team:%u", group);
  if (a->team_sub[group] != 0) return;
  int64_t sub = gw_client_subscribe(a->client, gw_view_of(name), NULL);
  if (sub > 0) a->team_sub[group] = (uint32_t)sub;
}

void sim_app_on_team_state(sim_app *a, const gw_event *e) {
  if (e->u.sub.to != GW_SUB_ENDED) return;
  for (uint32_t g = 0; g < SIM_MAX_GROUPS; g++) {
    if (a->team_sub[g] != e->u.sub.sub) continue;
    a->team_sub[g] = 0;
    world_trace(a->w, "app %u is not in team %u", a->index, g);
    if (e->u.sub.code != GW_CODE_PERMISSION_DENIED)
      world_fail(a->w, "app %u lost team %u: %s", a->index, g,
                 gw_code_name(e->u.sub.code));
  }
}

bool sim_app_on_team_publication(sim_app *a, const gw_event *e) {
  uint32_t g = 0;
  while (g < SIM_MAX_GROUPS &&
         (a->team_sub[g] == 0 || a->team_sub[g] != e->u.publication.sub))
    g++;
  if (g == SIM_MAX_GROUPS) return false;
  uint64_t said_ms = sim_node_virtual_ms(a->node, e->u.publication.time_ms);
  if (!sim_team_lets_have(a->team, g, user_of(a), said_ms))
    world_fail(a->w, "app %u is told what is said in team %u, and may not",
               a->index, g);
  return true;
}

void sim_app_knock(sim_app *a) {
  for (uint32_t g = 0; g < SIM_MAX_GROUPS; g++)
    knock(a, g);
}

void sim_app_check_teams(sim_app *a) {
  for (uint32_t g = 0; g < SIM_MAX_GROUPS; g++) {
    bool is_in = a->team_sub[g] != 0 &&
                 gw_client_sub_state(a->client, a->team_sub[g]) == GW_SUB_LIVE;
    if (is_in != sim_team_lets_in(a->team, g, user_of(a)))
      world_fail(a->w, "app %u is %s team %u at the end", a->index,
                 is_in ? "in" : "kept out of", g);
  }
}

/* ---- messages ------------------------------------------------------------ */

static uint32_t some_app(const sim_app *a) {
  return (uint32_t)(world_random(a->w) % a->plan->num_apps);
}

/** Fill in the address; names has room for one. */
static uint32_t draw_target(sim_app *a, enum gw_address to, char name[16],
                            gw_send *m) {
  uint32_t target = some_app(a);
  gw_client_info info = info_of(a->apps[target]);
  switch (to) {
  case GW_ADDRESS_USER:
    target = sim_plan_user(a->plan, target);
    (void)snprintf(name, 16, "u%u", target);
    m->user = gw_view_of(name);
    break;
  case GW_ADDRESS_CLIENT:
    m->client = info.client;
    break;
  case GW_ADDRESS_CONNECTION:
    m->connection = info.connection;
    break;
  case GW_ADDRESS_GROUP:
    target = (uint32_t)(world_random(a->w) % SIM_MAX_GROUPS);
    (void)snprintf(name, 16, "g:%u", target);
    m->group = gw_view_of(name);
    break;
  case GW_ADDRESS_CHANNELS:
    target = (uint32_t)(world_random(a->w) % a->plan->num_channels);
    sim_app_channel_name(target, name);
    break;
  case GW_ADDRESS_EVERYBODY:
    m->everybody = true;
    break;
  }
  return target;
}

static void send_letter(sim_app *a) {
  if (a->num_calls == MAX_CALLS) return;
  sim_letter letter = {
      .app = a->index,
      .to = (enum gw_address)(world_random(a->w) % GW_NUM_ADDRESSES),
      .no_echo = world_chance(a->w, 300)};
  char name[16] = "", text[16];
  gw_send m = {.no_echo = letter.no_echo};
  letter.target = draw_target(a, letter.to, name, &m);
  gw_view channel = gw_view_of(name);
  if (letter.to == GW_ADDRESS_CHANNELS) {
    m.channels.items = &channel;
    m.channels.num = 1;
  }
  uint32_t number = sim_post_sent(a->post, &letter);
  (void)snprintf(text, sizeof text, "%u", number);
  m.json = gw_view_of(text);
  int64_t request = gw_client_send(a->client, &m);
  if (request < 0) return; /* such as a client that is not known yet */
  world_trace(a->w, "app %u sends message %u to %u, %u", a->index, number,
              (unsigned)letter.to, letter.target);
  a->call[a->num_calls++] = (app_call){(uint32_t)request, number};
}

void sim_app_on_answer(sim_app *a, const app_call *call, const gw_event *e) {
  if (call->letter != NO_LETTER && e->u.reply.code == GW_CODE_OK)
    sim_post_answered(a->post, call->letter, e->u.reply.receivers);
}

void sim_app_on_message(sim_app *a, const gw_event *e) {
  char text[16] = "", group[16] = "";
  gw_view bytes = e->u.message.payload.bytes, name = e->u.message.group;
  if (bytes.len < sizeof text) memcpy(text, bytes.data, bytes.len);
  if (name.len > 2 && name.len < sizeof group)
    memcpy(group, name.data, name.len);
  uint32_t g = name.len > 2 ? (uint32_t)strtoul(group + 2, NULL, 10) : 0;
  bool was_member = g < SIM_MAX_GROUPS && e->u.message.to == GW_ADDRESS_GROUP &&
                    sim_team_ever_had(a->team, g, user_of(a));
  sim_post_got(a->post, a->index, (uint32_t)strtoul(text, NULL, 10),
               e->u.message.to, was_member);
}

/* ---- acts ---------------------------------------------------------------- */

static bool does(const sim_app *a, enum sim_act act) {
  return sim_plan_acts(a->plan, a->index, act);
}

void sim_app_act_among_people(sim_app *a) {
  if (a->plan->presence && does(a, SIM_ACT_PRESENCE) &&
      world_chance(a->w, a->plan->presence_permille))
    change_presence(a);
  if (a->plan->groups && does(a, SIM_ACT_KNOCK) && world_chance(a->w, 100))
    knock(a, (uint32_t)(world_random(a->w) % SIM_MAX_GROUPS));
  if (a->plan->sends && does(a, SIM_ACT_LETTER) && world_chance(a->w, 200))
    send_letter(a);
}

/* ---- the end ------------------------------------------------------------- */

/** An application by what its client is called. */
typedef struct person {
  uint64_t client;
  uint32_t app;
} person;

struct sim_people {
  sim_app *const *apps;
  uint32_t num;
  person *by_client; /* in their order */
  sim_present present[SIM_MAX_CHANNELS];
};

typedef struct look {
  sim_app *a;
  const sim_people *people;
  uint32_t channel;
  uint32_t found;
} look;

static void check_state(const look *l, uint32_t i,
                        const gw_presence_member *m) {
  const char *state = state_of(l->people->apps[i], l->channel);
  if (state == NULL)
    world_fail(l->a->w, "app %u sees app %u in channel %u, which left",
               l->a->index, i, l->channel);
  else if (l->a->plan->presence_mode != GW_PRESENCE_MODE_IDS &&
           !gw_view_eq(m->state, gw_view_of(state)))
    world_fail(l->a->w, "app %u sees app %u as %.*s in channel %u, not %s",
               l->a->index, i, (int)m->state.len, (const char *)m->state.data,
               l->channel, state);
}

static int compare_people(const void *a, const void *b) {
  uint64_t x = ((const person *)a)->client, y = ((const person *)b)->client;
  return (x > y) - (x < y);
}

static bool look_at_member(void *arg, const gw_presence_member *m) {
  look *l = arg;
  person key = {.client = m->client};
  const person *p = bsearch(&key, l->people->by_client, l->people->num,
                            sizeof *p, compare_people);
  if (p == NULL) {
    world_fail(l->a->w, "app %u sees somebody unknown in channel %u",
               l->a->index, l->channel);
    return true;
  }
  check_state(l, p->app, m);
  l->found++;
  return true;
}

static sim_present count(sim_app *const *apps, uint32_t num, uint32_t c) {
  sim_present all = {0};
  sim_set seen = {.words = {0}};
  for (uint32_t i = 0; i < num; i++) {
    if (state_of(apps[i], c) == NULL) continue;
    all.clients++;
    all.users += !sim_set_has(&seen, user_of(apps[i]));
    sim_set_add(&seen, user_of(apps[i]));
  }
  return all;
}

sim_people *sim_people_new(sim_app *const *apps, uint32_t num) {
  sim_people *p = calloc(1, sizeof *p);
  if (p == NULL) abort();
  *p = (sim_people){.apps = apps, .num = num};
  p->by_client = calloc(num, sizeof *p->by_client);
  if (p->by_client == NULL) abort();
  for (uint32_t i = 0; i < num; i++)
    p->by_client[i] = (person){info_of(apps[i]).client, i};
  qsort(p->by_client, num, sizeof *p->by_client, compare_people);
  for (uint32_t c = 0; c < apps[0]->plan->num_channels; c++)
    p->present[c] = count(apps, num, c);
  return p;
}

void sim_people_free(sim_people *p) {
  free(p->by_client);
  free(p);
}

/** The modes that so many may be told in: near the limit it depends on how it
 * came to be. */
static bool may_be_told_in(const sim_plan *p, uint32_t mode, uint32_t num) {
  bool is_large = p->presence_mode > GW_PRESENCE_MODE_IDS;
  uint32_t limit = is_large ? 0 : p->presence_full_limit;
  if (mode == p->presence_mode) return limit == 0 || num <= limit;
  return mode == p->presence_large && limit != 0 && num > limit * 4 / 5;
}

static uint32_t listed_in(const sim_plan *p, uint32_t mode, uint32_t num) {
  if (mode == GW_PRESENCE_MODE_COUNTS) return 0;
  if (mode != GW_PRESENCE_MODE_SAMPLED) return num;
  return num < p->presence_sample ? num : p->presence_sample;
}

void sim_app_check_presence(sim_app *a, const sim_people *p) {
  for (uint32_t c = 0; c < a->plan->num_channels; c++) {
    look l = {a, p, c, 0};
    const sim_roll *roll = &a->channel[c].roll;
    uint32_t mode = roll->numbers.mode;
    sim_present all = p->present[c];
    gw_client_members(a->client, a->channel[c].sub, look_at_member, &l);
    if (!may_be_told_in(a->plan, mode, all.clients) ||
        mode != p->apps[0]->channel[c].roll.numbers.mode)
      world_fail(a->w, "app %u is told %u members of channel %u in mode %u",
                 a->index, all.clients, c, mode);
    if (l.found != listed_in(a->plan, mode, all.clients))
      world_fail(a->w, "app %u sees %u of %u members of channel %u", a->index,
                 l.found, all.clients, c);
    sim_roll_check(roll, a->w, &all, l.found);
  }
}
