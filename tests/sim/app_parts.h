/* SPDX-License-Identifier: MIT */
/* app_parts.h - what the two halves of an application share: app.c, and
 * app_people.c for presence, teams and messages. */
#ifndef GODWIT_SIM_APP_PARTS_H
#define GODWIT_SIM_APP_PARTS_H

#include "tests/sim/app.h"
#include "tests/sim/desk.h"
#include "tests/sim/disk.h"
#include "tests/sim/roll.h"

#define MAX_PENDING 4096
#define MAX_CALLS   64
#define STATE_LEN   16

/** A subscription that ended for want of a token, and is to go on. */
typedef struct app_return {
  struct sim_app *app;
  uint32_t channel;
  gw_position at;
} app_return;

typedef struct app_channel {
  uint32_t sub; /* 0: not subscribed */
  bool fresh;   /* the next LIVE or RECOVERING begins a new subscription */
  bool entered;
  char state[STATE_LEN];
  gw_position at; /* what its handlers have had; survives the process */
  sim_roll roll;
  app_return back;
} app_channel;

#define NO_LETTER UINT32_MAX

typedef struct app_call {
  uint32_t request;
  uint32_t letter; /* number of a message that it sent */
} app_call;

typedef struct app_pending {
  uint64_t key;
  uint32_t number;
} app_pending;

/** A process of an application: what is told to one that is dead is lost. */
typedef struct app_process {
  struct sim_app *app;
  bool is_dead;
  struct app_process *before;
} app_process;

struct sim_app {
  world *w;
  sim_dice dice; /* for what it does of its own accord */
  const sim_plan *plan;
  sim_node *node;
  sim_book *book;
  sim_post *post;
  const sim_team *team;
  sim_wallet *wallet;
  sim_app *const *apps;
  uint32_t index;
  app_process *process;
  uint32_t dies_in;  /* effects; 0: it does not die */
  bool is_dying;     /* in this moment: whatever it does comes to nothing */
  sim_disk *disk;    /* of its outbox */
  uint32_t rate;     /* of its clock, in thousandths */
  gw_client *client; /* NULL: dead */
  sim_side *side;
  sim_order *order;
  sim_link *link;
  uint64_t first_key;  /* of this process */
  uint32_t generation; /* of the link that is being opened or is open */
  bool acting;
  uint64_t timer_ms; /* when on_timer is due; UINT64_MAX: never */
  uint64_t asleep_until_ms;
  uint64_t offline_until_ms;
  uint64_t away_until_ms; /* it closed its client */
  uint64_t opens;
  uint32_t acts;
  app_channel channel[SIM_MAX_CHANNELS];
  sim_desk_view desk;
  app_pending *pending;
  size_t num_pending;
  size_t cap_pending;
  app_call call[MAX_CALLS];
  size_t num_calls;
  uint32_t team_sub[SIM_MAX_GROUPS]; /* subscriptions; 0: none */
};

/* app.c */
/** The number of a publication, which its payload begins with. */
uint32_t sim_app_number_in(gw_payload payload);
void sim_app_subscribe(sim_app *a, uint32_t c, const gw_position *since);
void sim_app_channel_name(uint32_t c, char name[16]);
/** SIM_MAX_CHANNELS: of none. */
uint32_t sim_app_channel_of(const sim_app *a, uint32_t sub);

/* app_host.c */
/** Make a client with what is stored; also the first. */
void sim_app_boot(sim_app *a);
void sim_app_event(sim_app *a, const gw_event *e);
void sim_app_free_processes(sim_app *a);

/* app_people.c */
void sim_app_act_among_people(sim_app *a);
void sim_app_on_presence(sim_app *a, const gw_event *e);
void sim_app_on_message(sim_app *a, const gw_event *e);
/** Whether it was of a team. */
bool sim_app_on_team_publication(sim_app *a, const gw_event *e);
void sim_app_on_team_state(sim_app *a, const gw_event *e);
void sim_app_on_answer(sim_app *a, const app_call *call, const gw_event *e);

#endif
