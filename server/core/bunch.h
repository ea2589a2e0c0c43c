/* SPDX-License-Identifier: MIT */
/* bunch.h - things of which many may share a key: linked with each other, and the
 * first of them in an index. So the hundred-thousandth connection of a user is
 * found, added and removed as fast as the second. */
#ifndef GODWIT_SERVER_BUNCH_H
#define GODWIT_SERVER_BUNCH_H

#include "server/core/index.h"

/** Lies in each thing. */
typedef struct gw_link gw_link;
struct gw_link {
  gw_link *prev; /**< NULL: it is the first, and in the index */
  gw_link *next;
};

/** Whether a thing is of a key. */
typedef bool (*gw_is_of)(const gw_link *link, gw_view key);

/** The first of a key, from which next leads to the others; NULL. */
gw_link *gw_bunch_find(const gw_index *firsts, uint32_t hash, gw_view key,
                       gw_is_of is_of);
/** 0, GW_ERR_NOMEM */
GW_MUST_USE int gw_bunch_add(gw_index *firsts, uint32_t hash, gw_view key,
                             gw_is_of is_of, gw_link *link);
/** One that was added. */
void gw_bunch_remove(gw_index *firsts, uint32_t hash, gw_link *link);

#endif
