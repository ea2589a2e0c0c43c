/* SPDX-License-Identifier: MIT */
/* plan.h - what one run is like: sizes, timings and faults, all drawn from the
 * seed, each switched on or off at random (swarm testing, Groce et al. 2012). */
#ifndef GODWIT_SIM_PLAN_H
#define GODWIT_SIM_PLAN_H

#include "godwit/wire.h"
#include "tests/sim/set.h"
#include "tests/sim/world.h"

#define SIM_MAX_WORKERS  4
#define SIM_MAX_CHANNELS 3
#define SIM_MAX_GROUPS   2
/** How large a run is. */
enum sim_size {
  SIM_SIZE_FULL,
  SIM_SIZE_SMALL, /**< few workers and clients, and not for long */
  SIM_SIZE_CROWD, /**< hundreds of clients, each of which does little */
  SIM_SIZE_FEW,   /**< as full, with few features and few kinds of faults */
  SIM_NUM_SIZES
};
/** As a schedule and an argument name it; empty: SIM_SIZE_FULL. */
const char *sim_size_name(enum sim_size size);

/** Namespaces: of teams, "map", "wild", state, all others. */
#define SIM_NUM_SPACES 5

/** What applications do, each to be switched off in a schedule. */
enum sim_act {
  SIM_ACT_PUBLISH,
  SIM_ACT_BURST,
  SIM_ACT_SIDE, /**< maps, filters, patterns */
  SIM_ACT_ORDER,
  SIM_ACT_CALL,
  SIM_ACT_PRESENCE,
  SIM_ACT_KNOCK,
  SIM_ACT_LETTER,
  SIM_ACT_CHURN,
  SIM_ACT_TEAM,
  SIM_ACT_DESK,
  SIM_NUM_ACTS
};
const char *sim_act_name(uint32_t act);
/** SIM_NUM_ACTS: none has this name. */
uint32_t sim_act_find(const char *name);

typedef struct sim_plan {
  sim_set mute_apps; /**< as in a schedule */
  uint32_t off_acts;
  uint32_t num_workers;
  uint32_t num_apps;
  uint32_t num_channels;
  uint32_t history_size;
  uint32_t ping_interval_ms;
  uint32_t ping_timeout_ms;
  uint32_t presence_grace_ms;
  uint32_t max_queue_bytes;
  uint32_t max_payload_bytes;
  uint32_t latency_max_ms;
  uint32_t mail_delay_max_ms;
  uint32_t turn_max_ms;      /**< of a worker's loop */
  uint32_t clock_lag_max_ms; /**< a loop looks at the clock once in a turn */
  uint32_t window_bytes; /**< what a link holds before the server has to wait */
  uint32_t credit_bytes; /**< of clients; GW_CREDIT_NONE */
  uint32_t batch_delay_ms;
  uint32_t batch_bytes;
  uint32_t think_max_ms; /**< pause between the acts of an application */
  uint32_t first_act_max_ms;
  uint32_t backend_think_max_ms; /**< and of the backend's people */
  uint32_t fault_max_ms;         /**< pause between faults */
  uint32_t fault_width; /**< so many clients in a row one of theirs befalls */
  uint64_t busy_ms;     /**< acts and faults */
  uint64_t heal_ms;     /**< then nothing but time */
  bool split;           /**< messages arrive in pieces */
  bool presence;
  uint32_t presence_permille; /**< of acts that are about it, too */
  bool no_echo;
  bool calls;
  bool churn;    /**< unsubscribe, subscribe again where it stopped */
  bool policies; /**< for slow readers: each application has another one */
  bool items;    /**< publications about things */
  bool compare;
  bool maps;   /**< a channel that keeps the newest of each item */
  bool deltas; /**< some applications take them, and documents are written */
  uint32_t pack_min; /**< bodies from here on are compressed; 0: none */
  bool filters;      /**< one that each application sees a part of */
  bool resume;       /**< who comes back soon is not asked about again */
  uint32_t priorities[SIM_NUM_SPACES]; /**< enum gw_priority, of namespaces */
  bool patterns; /**< several that are subscribed to by one name */
  uint32_t map_size;
  bool machines; /**< a state machine that all move */
  uint32_t presence_mode;
  uint32_t presence_full_limit; /**< 0: no downgrade */
  uint32_t presence_large;
  uint32_t presence_sample;
  uint32_t presence_max_bytes; /**< of what is said besides the state */
  uint32_t presence_counts_ms;
  uint32_t away_ms;    /**< online becomes away; 0: not */
  uint32_t offline_ms; /**< away leaves; 0: not */
  bool tabs;           /**< two applications of each user */
  bool groups;
  bool sends;
  bool desk; /**< the API is used for other things than groups, too */
  bool asks; /**< somebody is asked who may, and takes his time */
  uint32_t ask_delay_max_ms;
  uint32_t ask_deny_permille; /**< told to come again; while busy */
  uint32_t ask_lose_permille; /**< never answered; while busy */
  bool drift; /**< the clocks of clients run at speeds of their own */
  bool fault_reset;
  bool fault_silence; /**< half-open links */
  bool fault_stall;
  bool fault_cut;
  bool fault_half;
  bool fault_slow;
  bool fault_storm;
  bool fault_kill;
  bool fault_clock;
  bool fault_crash;
  bool fault_break;
  bool fault_drain;
  bool fault_sleep; /**< a client's host stops for a while */
  bool fault_offline;
  bool tokens;         /**< connections need one */
  bool channel_tokens; /**< subscriptions need one */
  uint32_t token_life_ms;
  bool fault_issuer; /**< tokens come late, or not at all */
  bool fault_check;  /**< questions about them, too */
  bool fault_revoke;
  bool fault_close; /**< an application closes its client for a while */
} sim_plan;

void sim_plan_draw(sim_plan *p, world *w, enum sim_size size);

/** Whether an application does such a thing at all. */
bool sim_plan_acts(const sim_plan *p, uint32_t app, enum sim_act act);

/** The user of an application, "uN": from 0 on. */
uint32_t sim_plan_user(const sim_plan *p, uint32_t app);

/** Whether an application takes deltas. */
bool sim_plan_takes_delta(const sim_plan *p, uint32_t app);

/** What becomes of an application whose reader is slow: enum gw_overflow. */
uint32_t sim_plan_overflow(const sim_plan *p, uint32_t app);

#endif
