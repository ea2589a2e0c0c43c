/* SPDX-License-Identifier: MIT */
/* machine.h - state machines of the configuration: which changes of a key of
 * shared state there are. */
#ifndef GODWIT_SERVER_MACHINE_H
#define GODWIT_SERVER_MACHINE_H

#include "server/core/hub_state.h"
#include "server/core/scope.h"

/*
 * A machine is attached to a kind of scope. Its state in a scope is the key
 *
 *    machine/NAME     "paid"
 *
 * A scope without that key is in the initial state. Whoever may change the scope
 * publishes another state; the owner of the channel looks whether there is such a
 * transition, and so nobody overtakes it. One that happens by itself is an entry
 * among the ends of items (expiry.h).
 */
#define GWS_MACHINE_PREFIX "machine/"

/** Bytes of the name of a machine or a state. */
#define GW_MACHINE_NAME_MAX        32u
#define GW_MACHINE_STATES_MAX      32u
#define GW_MACHINE_TRANSITIONS_MAX 128u
#define GW_MACHINES_MAX            64u

/** From whatever state. */
#define GW_MACHINE_ANY UINT8_MAX

typedef struct gw_machine_transition {
  uint8_t from; /**< index of a state, GW_MACHINE_ANY */
  uint8_t to;   /**< index of a state */
  uint32_t who; /**< of clients: ANYONE, USER; none: the application only */
  uint32_t
      after_ms; /**< it happens by itself after this long; 0: it does not */
} gw_machine_transition;

typedef struct gw_machine {
  char name[GW_MACHINE_NAME_MAX + 1];
  enum gws_scope_kind scope;
  char space[65]; /**< CHANNEL: only channels of this namespace; "": all */
  uint8_t num_states;
  uint8_t initial;
  uint8_t num_transitions;
  char states[GW_MACHINE_STATES_MAX][GW_MACHINE_NAME_MAX + 1];
  gw_machine_transition transitions[GW_MACHINE_TRANSITIONS_MAX];
} gw_machine;

/** Whether a key is the state of a machine. */
bool gws_is_machine_key(gw_view key);

/** The machine that has its state in this key of the scope that a channel holds;
 * NULL: there is none. */
const gw_machine *gws_machine_find(const gw_settings *settings, gw_view channel,
                                   gw_view key);

/** Index of the state that a payload names; -1: it names none. */
int gws_machine_read(const gw_machine *m, gw_view json);

/** The state as a payload. */
gw_view gws_machine_write(const gw_machine *m, uint8_t state,
                          char space[GW_MACHINE_NAME_MAX + 3]);

/** The transition between two states; NULL: there is none. */
const gw_machine_transition *gws_machine_transition(const gw_machine *m,
                                                    uint8_t from, uint8_t to);
/** The one that leaves a state by itself; NULL. */
const gw_machine_transition *gws_machine_automatic(const gw_machine *m,
                                                   uint8_t state);

/** Who changes a state. */
typedef struct gws_mover {
  bool is_trusted; /**< the application */
  uint8_t ways;    /**< of a client: bits of enum gw_who */
} gws_mover;

/** Whether a transition is there for somebody. */
bool gws_transition_is_for(const gw_machine_transition *t, gws_mover by);

/** "order is paid; allowed: shipped, refunded": what somebody may make of it. */
void gws_machine_explain(const gw_machine *m, uint8_t state, gws_mover by,
                         char words[GW_MAX_REASON_BYTES + 1]);

/** What a publication would do to a machine. */
typedef struct gws_move {
  const gw_machine *machine; /**< NULL: the key is of none */
  uint8_t from;
  uint8_t to;
} gws_move;

/**
 * At the owner, of a publication into a channel of shared state that has an item.
 *   now      the newest message about the item; NULL: there is none
 *   returns  GW_CODE_OK with *move; UNKNOWN_MACHINE, ILLEGAL_TRANSITION,
 *            PERMISSION_DENIED: of the last two *move says from where
 */
uint32_t gws_machine_check(const gw_hub *h, gw_view channel,
                           const gw_publish *msg, const gw_buf *now,
                           gws_mover by, gws_move *move);

#endif
