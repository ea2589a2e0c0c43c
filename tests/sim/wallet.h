/* SPDX-License-Identifier: MIT */
/* wallet.h - how an application of a run answers its client's questions for
 * tokens, and what must hold of these. */
#ifndef GODWIT_SIM_WALLET_H
#define GODWIT_SIM_WALLET_H

#include "godwit/client.h"
#include "tests/sim/issuer.h"

typedef struct sim_wallet sim_wallet;

sim_wallet *sim_wallet_new(world *w, sim_issuer *issuer, uint32_t app);
/** Set once. */
void sim_wallet_set_client(sim_wallet *t, gw_client *client);
/** After this the client is gone. */
void sim_wallet_free(sim_wallet *t);

/** The client asks: of the connection, or of a subscription in a channel. */
void sim_wallet_on_ask(sim_wallet *t, const gw_event *e, uint32_t thing);
/** The client sent a frame: what it had asked for before may be too late. */
void sim_wallet_on_sent(sim_wallet *t, const gw_frame *frame);
/** The application closed it: the same. */
void sim_wallet_on_close(sim_wallet *t);

/** The end: it was not asked for too many. */
void sim_wallet_check(sim_wallet *t);

#endif
