/* SPDX-License-Identifier: MIT */
/* team.c - one change of a group at a time, whose outcome is known beforehand. */
#include "tests/sim/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/groups.h"

enum role { NO_ROLE, READER, MUTE };
static const char *const role_names[] = {"", "reader", "mute"};

typedef struct model {
  bool exists;
  bool readers_read;
  enum role role[SIM_MAX_APPS]; /* by user */
} model;

static bool may_read(const model *m, uint32_t user) {
  return m->exists && m->readers_read && m->role[user] == READER;
}

/** All workers know of a change within this time, and the mail to them. */
#define RIGHT_SLACK_MS 50u

enum kind { CREATE, ADD, REMOVE, SET_ROLE, DELETE, NUM_KINDS };

/** A change that was asked for. */
typedef struct change {
  sim_team *team;
  uint32_t life;
  uint32_t group;
  enum kind kind;
  uint32_t user;
  enum role role;
  bool reads;
  bool is_answered;
  struct change *next;
} change;

struct sim_team {
  world *w;
  const sim_plan *plan;
  sim_node *node;
  bool acting;
  uint32_t life; /* that the models are of: groups do not outlive it */
  model groups[SIM_MAX_GROUPS];
  bool is_pending[SIM_MAX_GROUPS];
  sim_set ever[SIM_MAX_GROUPS];                   /* users */
  uint64_t lost_ms[SIM_MAX_GROUPS][SIM_MAX_APPS]; /* the right, by user */
  uint32_t num_said;
  change *changes;
};

sim_team *sim_team_new(world *w, const sim_plan *plan, sim_node *node) {
  sim_team *t = calloc(1, sizeof *t);
  if (t == NULL) abort();
  t->w = w;
  t->plan = plan;
  t->node = node;
  return t;
}

void sim_team_free(sim_team *t) {
  while (t->changes != NULL) {
    change *c = t->changes;
    t->changes = c->next;
    free(c);
  }
  free(t);
}

/** A right to read that a change takes away is lost now. */
static void note_losses(sim_team *t, uint32_t group, const model *before) {
  for (uint32_t u = 0; u < t->plan->num_apps; u++)
    if (may_read(before, u) && !may_read(&t->groups[group], u))
      t->lost_ms[group][u] = t->w->now_ms;
}

static void follow_life(sim_team *t) {
  if (t->life == sim_node_life(t->node)) return;
  for (uint32_t g = 0; g < SIM_MAX_GROUPS; g++) {
    model before = t->groups[g];
    t->groups[g] = (model){.exists = false};
    note_losses(t, g, &before);
  }
  t->life = sim_node_life(t->node);
  memset(t->is_pending, 0, sizeof t->is_pending);
}

/* ---- what has to come of it ---------------------------------------------- */

static uint32_t expected_code(const model *m, const change *c) {
  if (c->kind == CREATE) return m->exists ? GW_CODE_GROUP_EXISTS : GW_CODE_OK;
  return m->exists ? GW_CODE_OK : GW_CODE_NO_SUCH_GROUP;
}

static void apply(model *m, const change *c) {
  switch (c->kind) {
  case CREATE:
    *m = (model){.exists = true, .readers_read = true};
    m->role[c->user] = c->role;
    break;
  case ADD:
    m->role[c->user] = c->role;
    break;
  case REMOVE:
    m->role[c->user] = NO_ROLE;
    break;
  case SET_ROLE:
    m->readers_read = c->reads;
    break;
  default:
    *m = (model){0};
    break;
  }
}

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  change *c = arg;
  sim_team *t = c->team;
  (void)message;
  (void)reply;
  if (c->is_answered) world_fail(t->w, "a change is answered twice");
  c->is_answered = true;
  if (!sim_node_is_up(t->node) || c->life != sim_node_life(t->node)) return;
  model *m = &t->groups[c->group];
  t->is_pending[c->group] = false;
  world_trace(t->w, "team: change %d of g:%u: %s", (int)c->kind, c->group,
              gw_code_name(code));
  if (code != expected_code(m, c))
    world_fail(t->w, "change %d of group %u came to %s, not %s", (int)c->kind,
               c->group, gw_code_name(code), gw_code_name(expected_code(m, c)));
  else if (code == GW_CODE_OK) {
    model before = *m;
    apply(m, c);
    note_losses(t, c->group, &before);
  }
}

/* ---- changes ------------------------------------------------------------- */

/** The request; returns the method. */
static const char *describe(const change *c, char *json, size_t size) {
  uint32_t g = c->group, u = c->user;
  const char *role = role_names[c->role];
  switch (c->kind) {
  case CREATE:
    (void)snprintf(json, size,
                   "{\"group\":\"g:%u\",\"roles\":[{\"role\":\"reader\","
                   "\"permissions\":[\"read\",\"send\"]},{\"role\":\"mute\"}],"
                   "\"members\":[{\"user\":\"u%u\",\"role\":\"%s\"}]}",
                   g, u, role);
    return "group_create";
  case ADD:
    (void)snprintf(json, size,
                   "{\"group\":\"g:%u\",\"users\":[\"u%u\"],\"role\":\"%s\"}",
                   g, u, role);
    return "group_add";
  case REMOVE:
    (void)snprintf(json, size, "{\"group\":\"g:%u\",\"users\":[\"u%u\"]}", g,
                   u);
    return "group_remove";
  case SET_ROLE:
    (void)snprintf(json, size,
                   "{\"group\":\"g:%u\",\"role\":\"reader\",\"permissions\":"
                   "[\"%s\"]}",
                   g, c->reads ? "read" : "send");
    return "group_set_role";
  default:
    (void)snprintf(json, size, "{\"group\":\"g:%u\"}", g);
    return "group_delete";
  }
}

static enum kind draw_kind(const sim_team *t, const model *m) {
  if (!m->exists && world_chance(t->w, 800)) return CREATE;
  if (world_chance(t->w, 500)) return ADD;
  return (enum kind)(world_random(t->w) % NUM_KINDS);
}

static void ask(sim_team *t, uint32_t group) {
  change *c = calloc(1, sizeof *c);
  if (c == NULL) abort();
  uint32_t app = (uint32_t)(world_random(t->w) % t->plan->num_apps);
  *c = (change){.team = t,
                .life = t->life,
                .group = group,
                .kind = draw_kind(t, &t->groups[group]),
                .user = sim_plan_user(t->plan, app),
                .role = world_chance(t->w, 700) ? READER : MUTE,
                .reads = world_chance(t->w, 500),
                .next = t->changes};
  t->changes = c;
  t->is_pending[group] = true;
  if (c->kind == CREATE || c->kind == ADD)
    sim_set_add(&t->ever[group], c->user);
  char json[256];
  const char *method = describe(c, json, sizeof json);
  sim_node_api(t->node, (uint32_t)world_random(t->w), method, json, on_reply,
               c);
}

/* ---- what is said among members --------------------------------------------- */

static void on_said(void *arg, uint32_t code, gw_view message, gw_view reply) {
  sim_team *t = arg;
  (void)message;
  (void)reply;
  if (code != GW_CODE_OK && code != GW_CODE_SHUTDOWN)
    world_fail(t->w, "what was said to a team came to %s", gw_code_name(code));
}

static void say(sim_team *t, uint32_t group) {
  char json[64];
  (void)snprintf(json, sizeof json, "{\"channel\":\"team:%u\",\"json\":%u}",
                 group, ++t->num_said);
  sim_node_api(t->node, (uint32_t)world_random(t->w), "publish", json, on_said,
               t);
}

static void act(void *arg) {
  sim_team *t = arg;
  if (!t->acting) return;
  if (sim_node_is_up(t->node)) {
    follow_life(t);
    uint32_t group = (uint32_t)(world_random(t->w) % SIM_MAX_GROUPS);
    if (!t->is_pending[group] && (t->plan->off_acts >> SIM_ACT_TEAM & 1) == 0)
      ask(t, group);
    say(t, group);
  }
  world_after(t->w, world_between(t->w, 1, t->plan->backend_think_max_ms), act,
              t);
}

void sim_team_start(sim_team *t) {
  t->acting = true;
  world_after(t->w, 1, act, t);
}

void sim_team_stop(sim_team *t) {
  t->acting = false;
}

/* ---- the end ------------------------------------------------------------- */

bool sim_team_lets_in(const sim_team *t, uint32_t group, uint32_t user) {
  return t->life == sim_node_life(t->node) && may_read(&t->groups[group], user);
}

bool sim_team_lets_have(const sim_team *t, uint32_t group, uint32_t user,
                        uint64_t said_ms) {
  uint64_t slack = 2 * t->plan->mail_delay_max_ms + t->plan->clock_lag_max_ms +
                   RIGHT_SLACK_MS;
  return may_read(&t->groups[group], user) || t->is_pending[group] ||
         said_ms <= t->lost_ms[group][user] + slack;
}

bool sim_team_ever_had(const sim_team *t, uint32_t group, uint32_t user) {
  return sim_set_has(&t->ever[group], user);
}

static void check_copy(sim_team *t, uint32_t group, const gw_group *g) {
  const model *m = &t->groups[group];
  if (m->exists != (g != NULL))
    world_fail(t->w, "group %u is %s", group, g != NULL ? "there" : "lost");
  for (uint32_t u = 0; g != NULL && u < t->plan->num_apps; u++) {
    char user[16];
    (void)snprintf(user, sizeof user, "u%u", u);
    uint32_t role = gws_group_find(g, gw_view_of(user));
    const char *have = role == GWS_NO_ROLE ? "" : g->roles->items[role].name;
    if (strcmp(have, role_names[m->role[u]]) != 0)
      world_fail(t->w, "group %u has %s as '%s', not '%s'", group, user, have,
                 role_names[m->role[u]]);
  }
}

void sim_team_check(sim_team *t) {
  follow_life(t);
  for (uint32_t i = 0; i < SIM_MAX_GROUPS; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "g:%u", i);
    if (t->is_pending[i])
      world_fail(t->w, "a change of group %u was never answered", i);
    const gw_group *first =
        gws_groups_find(sim_node_hub(t->node, 0), gw_view_of(name));
    check_copy(t, i, first);
    for (uint32_t k = 1; k < t->plan->num_workers; k++) {
      if (gws_groups_find(sim_node_hub(t->node, k), gw_view_of(name)) != first)
        world_fail(t->w, "workers 0 and %u have group %u in two ways", k, i);
    }
  }
}
