/* SPDX-License-Identifier: MIT */
/* counters.h - the link metrics: counts what the chain sees, with few labels. */
#ifndef GODWIT_MIDDLEWARE_COUNTERS_H
#define GODWIT_MIDDLEWARE_COUNTERS_H

#include <stdio.h>

#include "godwit/middleware.h"

typedef struct gw_counters gw_counters;

/** NULL when out of memory. */
gw_counters *gw_counters_new(void);
void gw_counters_free(gw_counters *c); /**< NULL is fine */

/** Its user is the gw_counters. */
extern const gw_middleware gw_counters_link;

/** Prometheus text. On any thread. */
void gw_counters_write(const gw_counters *c, FILE *to);

#endif
