/* SPDX-License-Identifier: MIT */
/* rate_limit.h - the link rate_limit: how often an address may ask for something
 * over HTTP, and a connection for anything at all. */
#ifndef GODWIT_MIDDLEWARE_RATE_LIMIT_H
#define GODWIT_MIDDLEWARE_RATE_LIMIT_H

#include "godwit/middleware.h"
#include "server/core/bucket.h"

typedef struct gw_rate_limit gw_rate_limit;

typedef struct gw_rate_limit_options {
  gw_rate requests; /**< of one address, upgrades among them; num 0: no limit */
  gw_rate frames; /**< of one connection: what it asks for, of whatever kind */
} gw_rate_limit_options;

/** NULL when out of memory or random. */
gw_rate_limit *gw_rate_limit_new(const gw_rate_limit_options *options);
void gw_rate_limit_free(gw_rate_limit *l); /**< NULL is fine */

/** Its user is the gw_rate_limit. Over the rate a request gets 429 and a frame
 * RATE_LIMITED, both with when to come again. */
extern const gw_middleware gw_rate_limit_link;

#endif
