/* SPDX-License-Identifier: MIT */
/* node.h - one server node: hubs under virtual time, and the links that clients
 * have to it. */
#ifndef GODWIT_SIM_NODE_H
#define GODWIT_SIM_NODE_H

#include "godwit/wire.h"
#include "server/core/api.h"
#include "tests/sim/census.h"
#include "tests/sim/issuer.h"

typedef struct sim_node sim_node;
typedef struct sim_link sim_link;

/** What a link tells its client's end. */
typedef struct sim_link_events {
  void (*on_open)(void *app, sim_link *link);
  void (*on_data)(void *app, sim_link *link, gw_view data, bool end);
  void (*on_closed)(void *app, sim_link *link, uint32_t code);
} sim_link_events;

/* ---- node ---------------------------------------------------------------- */

/** What goes over its links is counted in the census. */
sim_node *sim_node_new(world *w, const sim_plan *plan, sim_issuer *issuer,
                       sim_census *census);
void sim_node_free(sim_node *n);
void sim_node_start(sim_node *n);
/** The process is gone, with all that it knew. Links fail, some in silence. */
void sim_node_crash(sim_node *n);
/** The same, once it has sent so many more messages, whatever it is about to do
 * next; it comes back by itself. */
void sim_node_break(sim_node *n, uint32_t messages);
/** SIGTERM: drain, then stop. */
void sim_node_drain(sim_node *n);
bool sim_node_is_up(const sim_node *n);
/** Counts starts: 1, 2, ... */
uint32_t sim_node_life(const sim_node *n);
/** What must hold when everything has calmed down: nothing is queued, nobody has a
 * session but those who are connected, and both ends of each link have counted the
 * same credit. */
void sim_node_check_calm(const sim_node *n);

/** Ask a worker of the node, which is up, as the application: a method of the API,
 * a request in JSON. Nothing is told when the node crashes first. */
void sim_node_api(sim_node *n, uint32_t worker, const char *method,
                  const char *json, gw_on_api_reply on_reply, void *arg);
/** Who is asked about a connection has the server give it this channel, if is_due
 * says so of its user at the time of the question. */
void sim_node_set_gift(sim_node *n, const char *channel,
                       bool (*is_due)(void *arg, gw_view user), void *arg);
/** To look at; the worker counts from 0. */
const gw_hub *sim_node_hub(const sim_node *n, uint32_t worker);

/** Somebody sets its wall clock: back if ms is odd. */
void sim_node_turn_clock(sim_node *n, uint64_t ms);
/** The virtual time of a time of its wall clock; 0, where that was set. */
uint64_t sim_node_virtual_ms(const sim_node *n, uint64_t wall_ms);
/** From now on nothing happens to it. */
void sim_node_calm(sim_node *n);

/** Take back a token, or all of a user, or end a connection without. */
void sim_node_revoke(sim_node *n);

/* ---- links --------------------------------------------------------------- */

/** Try to connect. One on_open or on_closed follows; the link lives as long as
 * the node. */
sim_link *sim_link_open(sim_node *n, const sim_link_events *events, void *app,
                        uint32_t generation);
uint32_t sim_link_generation(const sim_link *l);
/** Life of the node that the link leads to. */
uint32_t sim_link_life(const sim_link *l);
/** When the node asked who it is; 0: it did not. */
uint64_t sim_link_asked_ms(const sim_link *l);
/** When the right of its client ended to be told of a channel, or will;
 * UINT64_MAX: never; 0: it never had one. */
uint64_t sim_link_right_ms(const sim_link *l, uint32_t channel);
void sim_link_send(sim_link *l, gw_view message);
/** The client's end closes. Sometimes what is under way is told to it all the
 * same, as hosts do. */
void sim_link_close(sim_link *l, uint32_t code);

/** The client's process is gone: its end is closed for it. */
void sim_link_drop(sim_link *l);

/* ---- faults -------------------------------------------------------------- */

/** Both ends learn of it, each in its time; what is under way is lost. */
void sim_link_reset(sim_link *l);
/** Nobody learns of it: bytes vanish. */
void sim_link_silence(sim_link *l);
/** Nothing moves for a while. */
void sim_link_stall(sim_link *l, uint64_t ms);
/** So many pieces still arrive each way, then nothing; both ends learn of it. */
void sim_link_cut(sim_link *l, uint32_t pieces);
/** Nothing arrives any more, one way: down to the client or up to the server. */
void sim_link_half(sim_link *l, bool down);
/** The client reads slowly for a while. */
void sim_link_slow(sim_link *l, uint64_t ms);
/** Hold back what arrives at the client's end (its host sleeps). */
void sim_link_hold(sim_link *l, uint64_t until_ms);

#endif
