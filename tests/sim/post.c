/* SPDX-License-Identifier: MIT */
/* post.c - nobody gets what was not for them, and nobody gets it twice. */
#include "tests/sim/post.h"

#include <stdlib.h>

typedef struct sent {
  sim_letter letter;
  bool answered;
  uint32_t receivers; /* by the answer */
  sim_set got_by;     /* applications */
  uint32_t num_got;
} sent;

struct sim_post {
  world *w;
  const sim_plan *plan;
  sent *all;
  uint32_t num;
  uint32_t cap;
};

sim_post *sim_post_new(world *w, const sim_plan *plan) {
  sim_post *p = calloc(1, sizeof *p);
  if (p == NULL) abort();
  p->w = w;
  p->plan = plan;
  return p;
}

void sim_post_free(sim_post *p) {
  free(p->all);
  free(p);
}

uint32_t sim_post_sent(sim_post *p, const sim_letter *letter) {
  if (p->num == p->cap) {
    p->cap = p->cap == 0 ? 64 : p->cap * 2;
    p->all = realloc(p->all, p->cap * sizeof *p->all);
    if (p->all == NULL) abort();
  }
  p->all[p->num] = (sent){.letter = *letter};
  return p->num++;
}

void sim_post_answered(sim_post *p, uint32_t number, uint32_t receivers) {
  p->all[number].answered = true;
  p->all[number].receivers = receivers;
}

static bool is_for(const sim_post *p, const sim_letter *l, uint32_t app,
                   bool was_member) {
  if (l->no_echo && l->app == app) return false;
  switch (l->to) {
  case GW_ADDRESS_USER:
    return l->target == sim_plan_user(p->plan, app);
  case GW_ADDRESS_CLIENT:
  case GW_ADDRESS_CONNECTION:
    return l->target == app;
  case GW_ADDRESS_GROUP:
    return was_member;
  case GW_ADDRESS_CHANNELS: /* everybody is there */
  case GW_ADDRESS_EVERYBODY:
    return true;
  }
  return false;
}

void sim_post_got(sim_post *p, uint32_t app, uint32_t number, uint32_t to,
                  bool was_member) {
  if (number >= p->num) {
    world_fail(p->w, "app %u got a message that nobody sent", app);
    return;
  }
  sent *s = &p->all[number];
  world_trace(p->w, "app %u got message %u", app, number);
  if (to != s->letter.to || !is_for(p, &s->letter, app, was_member))
    world_fail(p->w, "app %u got message %u, which was not for it", app,
               number);
  if (sim_set_has(&s->got_by, app))
    world_fail(p->w, "app %u got message %u twice", app, number);
  sim_set_add(&s->got_by, app);
  s->num_got++;
}

void sim_post_check(sim_post *p) {
  for (uint32_t i = 0; i < p->num; i++) {
    const sent *s = &p->all[i];
    if (s->answered && s->num_got > s->receivers)
      world_fail(p->w, "message %u went to %u, and %u got it", i, s->receivers,
                 s->num_got);
  }
}

uint64_t sim_post_num_got(const sim_post *p) {
  uint64_t num = 0;
  for (uint32_t i = 0; i < p->num; i++)
    num += p->all[i].num_got;
  return num;
}
