/* SPDX-License-Identifier: MIT */
/* compression.h - the link compression: whose connections are sent compressed
 * messages, where their clients read that. */
#ifndef GODWIT_MIDDLEWARE_COMPRESSION_H
#define GODWIT_MIDDLEWARE_COMPRESSION_H

#include "godwit/middleware.h"

typedef struct gw_compression gw_compression;

/** Texts outlive the link. */
typedef struct gw_compression_options {
  const char *paths;  /**< words: whose connections are; one that ends with * is
                           all below; empty: all */
  const char *except; /**< addresses and networks that are not */
  const char *header; /**< in lower case; "0", "no" or "off" in it: not this
                           one; empty: none */
} gw_compression_options;

/** 0; GW_ERR_INVALID: `except` is not valid; GW_ERR_NOMEM. */
GW_MUST_USE int gw_compression_new(gw_compression **link,
                                   const gw_compression_options *options);
void gw_compression_free(gw_compression *l); /**< NULL is fine */

/** Its user is the gw_compression. It refuses nothing. */
extern const gw_middleware gw_compression_link;

#endif
