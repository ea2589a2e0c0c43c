/* SPDX-License-Identifier: MIT */
/* mem.h - the core's only door to the heap, so that tests can put a failing one
 * in its place. */
#ifndef GODWIT_SERVER_MEM_H
#define GODWIT_SERVER_MEM_H

#include "godwit/wire.h"

/** NULL when out of memory. */
void *gw_mem_alloc(size_t size);
void *gw_mem_zalloc(size_t size);
/** On failure the old block stays as it is. */
void *gw_mem_realloc(void *ptr, size_t size);
void gw_mem_free(void *ptr); /**< NULL is fine */

/** The same heap for the protocol layer. */
extern const gw_alloc gw_mem;

#endif
