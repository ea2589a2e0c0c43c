/* SPDX-License-Identifier: MIT */
/* issuer.c - tokens, as their maker sees them. A token reads APP.THING.NUMBER. */
#include "tests/sim/issuer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "godwit/wire.h"

typedef struct token {
  uint32_t app;
  uint32_t thing;
  uint64_t made_ms;
  uint64_t expires_ms;
  uint64_t revoked_ms;   /* UINT64_MAX: never */
  uint32_t revoked_life; /* a server that starts anew does not know of it */
} token;

struct sim_issuer {
  world *w;
  const sim_plan *plan;
  bool calm;
  token *all; /* number 1 is the first */
  uint32_t num;
  uint32_t cap;
};

sim_issuer *sim_issuer_new(world *w, const sim_plan *plan) {
  sim_issuer *i = calloc(1, sizeof *i);
  if (i == NULL) abort();
  i->w = w;
  i->plan = plan;
  return i;
}

void sim_issuer_free(sim_issuer *i) {
  free(i->all);
  free(i);
}

void sim_issuer_calm(sim_issuer *i) {
  i->calm = true;
}

/* ---- making --------------------------------------------------------------- */

uint64_t sim_issuer_wait_ms(sim_issuer *i) {
  bool is_slow = i->plan->fault_issuer && !i->calm && world_chance(i->w, 200);
  return is_slow ? world_between(i->w, 500, 10000)
                 : world_between(i->w, 0, 100);
}

static token *add(sim_issuer *i) {
  if (i->num == i->cap) {
    i->cap = i->cap == 0 ? 64 : i->cap * 2;
    i->all = realloc(i->all, i->cap * sizeof *i->all);
    if (i->all == NULL) abort();
  }
  return &i->all[i->num++];
}

static void text_of(const sim_issuer *i, uint32_t number,
                    char text[SIM_TOKEN_MAX]) {
  const token *t = &i->all[number - 1];
  (void)snprintf(text, SIM_TOKEN_MAX, "%" PRIu32 ".%" PRIu32 ".%" PRIu32,
                 t->app, t->thing, number);
}

uint32_t sim_issuer_make(sim_issuer *i, uint32_t app, uint32_t thing,
                         char text[SIM_TOKEN_MAX]) {
  if (i->plan->fault_issuer && !i->calm) {
    if (world_chance(i->w, 150)) return GW_CODE_TRANSPORT;
    if (world_chance(i->w, 50)) return GW_CODE_NO_TOKEN;
  }
  *add(i) = (token){.app = app,
                    .thing = thing,
                    .made_ms = i->w->now_ms,
                    .expires_ms = i->w->now_ms + i->plan->token_life_ms,
                    .revoked_ms = UINT64_MAX};
  text_of(i, i->num, text);
  return GW_CODE_OK;
}

/* ---- checking ------------------------------------------------------------- */

uint64_t sim_issuer_check_ms(sim_issuer *i) {
  if (i->plan->fault_check && !i->calm && world_chance(i->w, 100))
    return world_between(i->w, 1, 4000);
  return world_chance(i->w, 500) ? 0 : world_between(i->w, 1, 20);
}

uint32_t sim_issuer_find(const sim_issuer *i, gw_view text) {
  char copy[SIM_TOKEN_MAX], again[SIM_TOKEN_MAX];
  uint32_t app, thing, number;
  if (text.len == 0 || text.len >= sizeof copy) return 0;
  (void)snprintf(copy, sizeof copy, "%.*s", (int)text.len,
                 (const char *)text.data);
  if (sscanf(copy, "%" SCNu32 ".%" SCNu32 ".%" SCNu32, &app, &thing, &number) !=
          3 ||
      number == 0 || number > i->num)
    return 0;
  text_of(i, number, again);
  return strcmp(copy, again) == 0 ? number : 0;
}

uint32_t sim_issuer_thing(enum gw_ask kind, gw_view channel) {
  if (kind == GW_ASK_CONNECT || kind == GW_ASK_REFRESH) return SIM_CONNECTION;
  return channel.len == 0 ? SIM_CONNECTION
                          : (uint32_t)(channel.data[channel.len - 1] - '0');
}

uint32_t sim_issuer_check(sim_issuer *i, enum gw_ask kind, gw_view user,
                          gw_view channel, gw_view text, gw_verdict *v) {
  uint32_t thing = sim_issuer_thing(kind, channel);
  uint32_t number = sim_issuer_find(i, text);
  const token *t = number != 0 ? &i->all[number - 1] : NULL;
  char owner[16];
  *v = (gw_verdict){0};
  if (i->plan->fault_check && !i->calm && world_chance(i->w, 100)) {
    v->code = GW_CODE_AUTH_UNAVAILABLE;
    v->retry_after_ms = (uint32_t)world_between(i->w, 0, 2000);
    return 0;
  }
  (void)snprintf(owner, sizeof owner, "u%u",
                 sim_plan_user(i->plan, t != NULL ? t->app : 0));
  if (t == NULL || t->thing != thing || !gw_view_eq(user, gw_view_of(owner))) {
    world_fail(i->w, "%.*s shows the token '%.*s' for %u", (int)user.len,
               (const char *)user.data, (int)text.len, (const char *)text.data,
               thing);
    v->code = GW_CODE_TOKEN_INVALID;
    return 0;
  }
  if (t->expires_ms <= i->w->now_ms) {
    v->code = GW_CODE_TOKEN_EXPIRED;
    return 0;
  }
  v->ttl_ms = t->expires_ms - i->w->now_ms;
  v->token_id = gw_token_id((gw_view){NULL, 0}, text);
  v->issued_ms = SIM_WALL_ZERO_MS + t->made_ms;
  v->by_token = thing != SIM_CONNECTION;
  v->user = kind == GW_ASK_CONNECT ? user : (gw_view){NULL, 0};
  return number;
}

/* ---- taking back ---------------------------------------------------------- */

static void end(sim_issuer *i, token *t, uint32_t life) {
  if (t->revoked_life == life) return;
  t->revoked_ms = i->w->now_ms;
  t->revoked_life = life;
}

void sim_issuer_revoke(sim_issuer *i, uint32_t number, uint32_t app,
                       uint32_t life) {
  if (number != 0) end(i, &i->all[number - 1], life);
  for (uint32_t n = 0; app < i->plan->num_apps && n < i->num; n++) {
    token *t = &i->all[n];
    /* Nobody can say which came first within a millisecond. */
    bool is_of_user =
        sim_plan_user(i->plan, t->app) == sim_plan_user(i->plan, app);
    if (is_of_user && t->made_ms < i->w->now_ms) end(i, t, life);
  }
}

uint32_t sim_issuer_any(sim_issuer *i, char text[SIM_TOKEN_MAX]) {
  for (uint32_t tries = 0; i->num != 0 && tries < 20; tries++) {
    uint32_t back = (uint32_t)(world_random(i->w) % 20);
    if (back >= i->num) continue;
    uint32_t number = i->num - back;
    if (i->all[number - 1].expires_ms <= i->w->now_ms) continue;
    text_of(i, number, text);
    return number;
  }
  return 0;
}

uint64_t sim_issuer_end_ms(const sim_issuer *i, uint32_t number,
                           uint32_t life) {
  const token *t = &i->all[number - 1];
  bool is_known = t->revoked_life == life && t->revoked_ms < t->expires_ms;
  return is_known ? t->revoked_ms : t->expires_ms;
}
