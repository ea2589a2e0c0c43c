/* SPDX-License-Identifier: MIT */
/* faults.h - what goes wrong in a run, and when: drawn from the seed before it
 * begins, so that it can be written down, thinned out and replayed. */
#ifndef GODWIT_SIM_FAULTS_H
#define GODWIT_SIM_FAULTS_H

#include <stdio.h>

#include "tests/sim/plan.h"

/** What can go wrong; faults.c says for how long, and what its name is. */
enum sim_fault_kind {
  SIM_FAULT_RESET,   /**< of a link: both ends learn of it */
  SIM_FAULT_SILENCE, /**< nobody learns of it: bytes vanish */
  SIM_FAULT_STALL,   /**< nothing moves for a while */
  SIM_FAULT_CUT,     /**< some of what is under way arrives, then it fails */
  SIM_FAULT_HALF,    /**< one direction loses everything */
  SIM_FAULT_SLOW,    /**< the client reads slowly for a while */
  SIM_FAULT_SLEEP,   /**< the client's host sleeps */
  SIM_FAULT_OFFLINE, /**< it says that it has no network, and has none */
  SIM_FAULT_CLOSE,   /**< the application closes its client for a while */
  SIM_FAULT_KILL,  /**< the client's process dies in the middle of what it does,
                          and comes back with what it stored */
  SIM_FAULT_CRASH, /**< the server's process is gone, and comes back */
  SIM_FAULT_BREAK, /**< the same, between two messages that it sends */
  SIM_FAULT_DRAIN, /**< it is told to stop, and comes back */
  SIM_FAULT_REVOKE, /**< a token is taken back, or a client sent away */
  SIM_FAULT_STORM,  /**< all links fail at once */
  SIM_FAULT_CLOCK,  /**< the server's wall clock jumps */
  SIM_NUM_FAULTS
};

typedef struct sim_fault {
  uint64_t at_ms; /**< virtual time */
  enum sim_fault_kind kind;
  uint32_t app; /**< whom it happens to, where it is one's */
  uint64_t ms;  /**< how long, or what faults.c says */
} sim_fault;

#define SIM_MAX_FAULTS 512u

/** All that makes a run what it is. */
typedef struct sim_schedule {
  uint64_t seed;
  enum sim_size size;
  uint32_t num_apps; /**< 0: as the seed says */
  uint64_t busy_ms;  /**< acts and faults up to here; 0: as the seed says */
  sim_set mute_apps; /**< applications that do nothing */
  uint32_t off_acts; /**< bit per enum sim_act that nobody does */
  bool has_faults;   /**< false: they are to be drawn */
  uint32_t num;
  sim_fault faults[SIM_MAX_FAULTS];
} sim_schedule;

/** Draw the faults of a plan, unless there are some. */
void sim_schedule_draw(sim_schedule *s, const sim_plan *plan);

const char *sim_fault_name(enum sim_fault_kind kind);

/** As text that sim_schedule_read takes, a line each. */
void sim_schedule_write(const sim_schedule *s, FILE *to);
/** False, with a word on stderr: what the file says is no schedule. */
bool sim_schedule_read(sim_schedule *s, FILE *from);

#endif
