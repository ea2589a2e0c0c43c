/* SPDX-License-Identifier: MIT */
/* app.h - an application: a client core, what it does at random, and what it was
 * told. */
#ifndef GODWIT_SIM_APP_H
#define GODWIT_SIM_APP_H

#include "godwit/client.h"
#include "tests/sim/book.h"
#include "tests/sim/node.h"
#include "tests/sim/order.h"
#include "tests/sim/post.h"
#include "tests/sim/side.h"
#include "tests/sim/team.h"
#include "tests/sim/wallet.h"

typedef struct sim_app sim_app;

/** Who is told what happens. */
typedef struct sim_books {
  sim_book *book;
  sim_post *post;
  sim_team *team;
  sim_side_book *side;
  sim_order_book *order;
  sim_issuer *issuer;
  sim_app *const *apps; /**< by index; all there when time goes on */
} sim_books;

sim_app *sim_app_new(world *w, const sim_plan *plan, const sim_books *books,
                     sim_node *node, uint32_t index);
void sim_app_free(sim_app *a);

/** Connect, and act from now on. */
void sim_app_start(sim_app *a);
/** Do nothing new. */
void sim_app_stop_acting(sim_app *a);

/** What it does beside its rooms. */
sim_side *sim_app_side(sim_app *a);
const sim_order *sim_app_order(const sim_app *a);

/** Its link, for faults; NULL when there is none. */
sim_link *sim_app_link(sim_app *a);
/** The host sleeps: no timer runs, nothing arrives. */
void sim_app_sleep(sim_app *a, uint64_t ms);
/** The network is said to be gone, and is, for a while. */
void sim_app_offline(sim_app *a, uint64_t ms);
/** It closes its client, and connects again after a while. */
void sim_app_away(sim_app *a, uint64_t ms);

/** Its process dies after so many more things that it does to the world, and
 * comes back as a new one that has what it stored: its name, its outbox, and where
 * it stood in each channel. */
void sim_app_kill(sim_app *a, uint32_t effects);

/** What must hold when everything has calmed down. */
void sim_app_check_calm(sim_app *a);
/** Subscribe to all teams, once more: who may is let in by then. */
void sim_app_knock(sim_app *a);
void sim_app_check_teams(sim_app *a);

/** Who has entered where, when everything has calmed down. */
typedef struct sim_people sim_people;
sim_people *sim_people_new(sim_app *const *apps, uint32_t num);
void sim_people_free(sim_people *p);
/** Compare what it sees of each channel's presence with what the others entered. */
void sim_app_check_presence(sim_app *a, const sim_people *p);
/** Where it is in a channel; epoch 0: not subscribed. */
gw_position sim_app_position(const sim_app *a, uint32_t channel);

#endif
