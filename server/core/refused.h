/* SPDX-License-Identifier: MIT */
/* refused.h - keeps publications in order when one of them was refused but will
 * be sent again: those that were to follow it wait for it. */
#ifndef GODWIT_SERVER_REFUSED_H
#define GODWIT_SERVER_REFUSED_H

#include "godwit/wire.h"

/*
 * A client sends 7, 8 (after 7), 9 (after 8) to a channel without waiting. 7 is
 * refused because the server is overloaded: 8 and 9 must not get in before it
 * comes again. So the range of refused keys is kept, and what is after a key in
 * it is refused too and widens it. The client sends 7 again, now after nothing;
 * when it is accepted, the range shrinks to 8 .. 9, then 8 is accepted, and so
 * on. A list has one range for each stream of keys: of a session, the channels.
 */
typedef struct gw_refused {
  uint64_t of; /**< hash that names the stream of keys */
  uint64_t first;
  uint64_t last; /**< below first: the range is free */
} gw_refused;

/** Ranges at most. A client with more is better closed: it comes back and sends
 * everything again, in order. */
#define GW_REFUSED_MAX 16u

/** All zero is empty and holds no memory. */
typedef struct gw_refused_list {
  gw_refused *items;
  uint32_t num; /**< ranges that are not free: mostly 0 */
} gw_refused_list;

void gw_refused_deinit(gw_refused_list *l);

/** Get the memory now, so that gw_refused_add works without any. */
GW_MUST_USE int gw_refused_reserve(gw_refused_list *l);

/** Note that a key > 0 was refused with a code that lets it come again.
 *   returns  0, GW_ERR_FULL, GW_ERR_NOMEM */
GW_MUST_USE int gw_refused_add(gw_refused_list *l, uint64_t of, uint64_t key);

/** Whether a publication that follows `after` has to wait. */
bool gw_refused_holds(const gw_refused_list *l, uint64_t of, uint64_t after);

/** Note that a key was accepted. */
void gw_refused_accept(gw_refused_list *l, uint64_t of, uint64_t key);

#endif
