/* SPDX-License-Identifier: MIT */
/* issuer.h - who makes the tokens of a run, and checks them: it denies, is late
 * and takes them back, and knows until when each of them was a right. */
#ifndef GODWIT_SIM_ISSUER_H
#define GODWIT_SIM_ISSUER_H

#include "server/core/ask.h"
#include "tests/sim/plan.h"

/** What a token is for: a channel's number, or a connection. */
#define SIM_CONNECTION SIM_MAX_CHANNELS
#define SIM_NUM_THINGS (SIM_MAX_CHANNELS + 1)

/** Room for the text of a token. */
#define SIM_TOKEN_MAX 32

typedef struct sim_issuer sim_issuer;

sim_issuer *sim_issuer_new(world *w, const sim_plan *plan);
void sim_issuer_free(sim_issuer *i);
/** From now on it works as it should. */
void sim_issuer_calm(sim_issuer *i);

/* ---- for applications ---------------------------------------------------- */

/** How long an application has to wait for an answer. */
uint64_t sim_issuer_wait_ms(sim_issuer *i);
/** Make a token. Returns GW_CODE_OK, or what to tell the client instead. */
uint32_t sim_issuer_make(sim_issuer *i, uint32_t app, uint32_t thing,
                         char text[SIM_TOKEN_MAX]);

/* ---- for the server ------------------------------------------------------ */

/** How long the answer to a question takes; 0: none. */
uint64_t sim_issuer_check_ms(sim_issuer *i);
/** What a question needs a token for: SIM_CONNECTION or a channel. */
uint32_t sim_issuer_thing(enum gw_ask kind, gw_view channel);
/** Answer a question about a token. Returns its number, for below, where it is
 * granted. */
uint32_t sim_issuer_check(sim_issuer *i, enum gw_ask kind, gw_view user,
                          gw_view channel, gw_view token, gw_verdict *v);

/** Number of a token by its text; 0: it is none. */
uint32_t sim_issuer_find(const sim_issuer *i, gw_view text);

/** Take one back, or all of the user of an application, where there is this one, in this life of the
 * server. */
void sim_issuer_revoke(sim_issuer *i, uint32_t number, uint32_t app,
                       uint32_t life);
/** Any that lives, 0 if there is none, and its text. */
uint32_t sim_issuer_any(sim_issuer *i, char text[SIM_TOKEN_MAX]);

/** When a token ended, or will, for a server of this life. */
uint64_t sim_issuer_end_ms(const sim_issuer *i, uint32_t number, uint32_t life);

#endif
