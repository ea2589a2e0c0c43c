/* SPDX-License-Identifier: MIT */
/* fetch.h - gets one document over HTTP, on a thread that may wait. */
#ifndef GODWIT_AUTH_FETCH_H
#define GODWIT_AUTH_FETCH_H

#include "server/auth/key.h"

/** A set of keys has a few kilobytes. */
#define GW_FETCH_MAX_BYTES (256u * 1024u)

typedef struct gw_fetch gw_fetch;

/** NULL when out of memory. Before the process has threads. */
gw_fetch *gw_fetch_new(void);
void gw_fetch_free(gw_fetch *f); /**< NULL is fine */

typedef struct gw_fetched {
  char *text; /**< ends with a NUL; the fetch's, until the next one */
  size_t len;
  int64_t age_ms; /**< that it may be kept; -1: its server does not say */
} gw_fetched;

/**
 * Get a document: by http or https, with certificates checked, without following
 * redirects.
 *   returns  0; GW_ERR_STATE, why says it: also after gw_fetch_stop
 */
GW_MUST_USE int gw_fetch_get(gw_fetch *f, const char *url, uint32_t timeout_ms,
                             gw_fetched *got, char why[GW_AUTH_WHY_MAX]);

/** Have the fetch that runs, and all later ones, fail at once. On any thread. */
void gw_fetch_stop(gw_fetch *f);

#endif
