/* SPDX-License-Identifier: MIT */
/* node_parts.h - what the parts of a node share: node.c, its workers and its life;
 * link.c; and ask.c, who answers its questions. */
#ifndef GODWIT_SIM_NODE_PARTS_H
#define GODWIT_SIM_NODE_PARTS_H

#include "server/core/api.h"
#include "server/core/session.h"
#include "tests/sim/node.h"
#include "tests/sim/watch.h"

typedef struct sim_worker {
  sim_node *node;
  gw_hub *hub;
  uint32_t index;
  uint32_t life;
  sim_dice clock;                         /* how long its turns are */
  uint64_t clock_ms;                      /* what it takes the time to be, */
  uint64_t clock_until_ms;                /* and for how long */
  uint64_t planned_ms;                    /* next tick that is in the queue */
  bool turn_planned;                      /* so is the end of a turn */
  uint64_t mail_last_ms[SIM_MAX_WORKERS]; /* per sender: mail keeps its order */
  struct sim_worker *next;
} sim_worker;

struct sim_node {
  world *w;
  const sim_plan *plan;
  sim_issuer *issuer;
  sim_census *census;
  int64_t wall_skew_ms;
  uint32_t break_in; /* messages that it still sends; 0: it does not break */
  gw_settings settings;
  gw_namespace
      spaces[SIM_NUM_SPACES]; /* of teams, "map", "wild", state, all others */
  gw_view gift;               /* a channel; see sim_node_set_gift */
  bool (*is_gift_due)(void *arg, gw_view user);
  void *gift_arg;
  sim_worker *worker[SIM_MAX_WORKERS];
  sim_worker *all_workers; /* of every life: events may still point at them */
  sim_link *links;
  uint32_t life;
  bool up;
  bool draining;
  bool is_calm;
};

typedef struct piece {
  struct piece *next;
  bool end;
  size_t len;
  uint8_t bytes[];
} piece;

/** Pieces on their way in one direction. Each has an event; an event hands over
 * the first piece, whichever it was made for, so that none is overtaken. */
typedef struct pipe_way {
  piece *first;
  piece *last;
  uint64_t last_ms; /* arrival of the last piece */
  bool fails;       /* after so many more pieces */
  uint32_t left;
} pipe_way;

struct sim_link {
  sim_node *node;
  const sim_link_events *events;
  void *app;
  uint32_t generation;
  uint32_t life;
  sim_worker *worker;
  gw_session *session; /* NULL: not there (any more) */
  bool opened;
  bool client_gone;   /* nothing is told to the client's end any more */
  bool client_closed; /* the client's end sends nothing any more */
  bool silent;
  bool closing; /* the hub asked to close */
  bool flush_planned;
  uint32_t close_code;
  uint32_t in_flight;             /* bytes on the way to the client */
  uint32_t token[SIM_NUM_THINGS]; /* that the server goes by; 0: none */
  uint32_t
      shown[SIM_NUM_THINGS]; /* by the client; counts where it is resumed */
  bool is_resumed;
  uint64_t asked_ms; /* who it is; 0: never */
  sim_watch watch;
  pipe_way up;
  pipe_way down;
  uint64_t stalled_until_ms;
  uint64_t held_until_ms;
  uint64_t slow_until_ms;
  sim_link *next;
};

/* node.c */
bool sim_worker_is_alive(const sim_worker *k);
/** Before anything is asked of its hub: what time it is. */
void sim_worker_enter(sim_worker *k);
/** And after: when it wants to be called. */
void sim_worker_plan(sim_worker *k);
/** Whether the process is gone before the message that it was about to send; it
 * does nothing more in that moment. */
bool sim_node_is_broken_now(sim_node *n);

/* link.c */
/** Its hub has something for it. */
void sim_link_plan_flush(sim_link *l);
void sim_links_free(sim_node *n);

/* ask.c */
/** A question of a hub; user is the worker. */
bool sim_node_ask(void *user, const gw_question *q, gw_verdict *v);
/** An event of one that is answered later. */
void sim_node_ask_answered(void *arg);

#endif
