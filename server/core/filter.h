/* SPDX-License-Identifier: MIT */
/* filter.h - which publications a subscription wants, by their tags. */
#ifndef GODWIT_SERVER_FILTER_H
#define GODWIT_SERVER_FILTER_H

#include "server/core/buf.h"
#include "server/core/hub_state.h"
#include "server/core/problem.h"

/** What a publication has for filters. Views into its message. */
typedef struct gws_tags {
  gw_tag tags[GW_MAX_TAGS];
  uint32_t num;
  bool passes; /**< all filters: it removes an item */
} gws_tags;

/** The tags of a publication's message. */
void gws_tags_of(const gw_buf *b, gws_tags *tags);

/** Terms that were checked, shared by all of a worker that are the same. */
typedef struct gw_filter gw_filter;

/**
 * Find or make. Each gets a reference.
 *   terms    of gw_filter_term; not none
 *   returns  NULL: *p says what is wrong (BAD_REQUEST, TOO_BIG, BAD_TEXT), or
 *            INTERNAL: out of memory
 */
gw_filter *gws_filter_get(gw_hub *h, gw_list terms, gws_problem *p);
void gws_filter_unref(gw_hub *h, gw_filter *f); /**< NULL is fine */
void gws_filters_deinit(gw_hub *h);

bool gws_filter_passes(const gw_filter *f, const gws_tags *tags);

/** The same in a fan-out, which many of the same filter take part in: the answer
 * is remembered for the stamp. */
bool gws_filter_passes_once(gw_filter *f, const gws_tags *tags, uint64_t stamp);

#endif
