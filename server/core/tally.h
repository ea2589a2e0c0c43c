/* SPDX-License-Identifier: MIT */
/* tally.h - names, and how many members of a presence have each: its users and
 * its states. */
#ifndef GODWIT_SERVER_TALLY_H
#define GODWIT_SERVER_TALLY_H

#include "server/core/bunch.h"
#include "server/core/hub_state.h"
#include "server/core/table.h"

typedef struct gw_tally_row {
  UT_hash_handle hh;
  gw_link link; /**< to rows of the name in other tallies */
  gw_channel *channel;
  uint32_t refs; /**< members that hold it */
  uint32_t num;  /**< members that count, by its user's reckoning */
  uint32_t len;
  uint8_t name[];
} gw_tally_row;

/** Set channel, and perhaps index, before the first row. */
typedef struct gw_tally {
  gw_channel *channel;
  gw_index
      *index; /**< NULL, or where rows of many tallies are found by the hash
                        of their name */
  gw_tally_row *rows; /**< uthash, by name */
} gw_tally;

/** The row of a name, made when there is none; one reference. NULL when out of
 * memory. */
gw_tally_row *gws_tally_hold(gw_tally *t, gw_view name);
gw_tally_row *gws_tally_ref(gw_tally_row *row);      /**< NULL is fine */
void gws_tally_drop(gw_tally *t, gw_tally_row *row); /**< NULL is fine */

gw_tally_row *gws_tally_find(const gw_tally *t, gw_view name); /**< NULL */
gw_view gws_tally_name(const gw_tally_row *row); /**< NULL: an empty one */

/** Rows of a name in all tallies of an index; NULL: no more. */
gw_tally_row *gws_tally_first_of(const gw_hub *h, const gw_index *index,
                                 gw_view name);
gw_tally_row *gws_tally_next_of(const gw_tally_row *row);

#endif
