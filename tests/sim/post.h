/* SPDX-License-Identifier: MIT */
/* post.h - messages to people: to whom each was sent, and who got it. */
#ifndef GODWIT_SIM_POST_H
#define GODWIT_SIM_POST_H

#include "godwit/wire.h"
#include "tests/sim/plan.h"

typedef struct sim_post sim_post;

sim_post *sim_post_new(world *w, const sim_plan *plan);
void sim_post_free(sim_post *p);

/** One message. target: a user, an application, a group or a channel. */
typedef struct sim_letter {
  uint32_t app;
  enum gw_address to;
  uint32_t target;
  bool no_echo;
} sim_letter;

/** Returns its number. */
uint32_t sim_post_sent(sim_post *p, const sim_letter *letter);
void sim_post_answered(sim_post *p, uint32_t number, uint32_t receivers);
/** For a group: whether the receiver was in it, ever. */
void sim_post_got(sim_post *p, uint32_t app, uint32_t number, uint32_t to,
                  bool was_member);
/** The end. */
void sim_post_check(sim_post *p);
uint64_t sim_post_num_got(const sim_post *p);

#endif
