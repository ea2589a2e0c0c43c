/* SPDX-License-Identifier: MIT */
/* table.h - uthash as the core uses it: with hash values that the caller made
 * with a key (gws_hash), so that peers cannot aim at one bucket, and with
 * allocations that may fail. */
#ifndef GODWIT_SERVER_TABLE_H
#define GODWIT_SERVER_TABLE_H

#include <string.h>

#include "server/core/mem.h"

#define HASH_NONFATAL_OOM      1
#define uthash_malloc(size)    gw_mem_alloc(size)
#define uthash_free(ptr, size) gw_mem_free(ptr)
#include <uthash.h>
#include <utlist.h>

/** Whether the element that was added last is in its table. */
#define GWS_TABLE_HAS(element) ((element)->hh.tbl != NULL)

#endif
