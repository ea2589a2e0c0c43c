/* SPDX-License-Identifier: MIT */
/* shelf.c - a ring of messages, each fetched when it comes. */
#include "server/core/shelf.h"

/* Of a message: its own fields, and about as much as most are long, which the
 * allocator makes the next one of. */
#define FETCHED_BYTES 256u
#define CACHE_LINE    64u

void gw_shelf_put(gw_shelf *s, gw_buf *b) {
  for (size_t i = 0; i < FETCHED_BYTES; i += CACHE_LINE)
    __builtin_prefetch((const char *)b + i, 1);
  gw_buf_unref(s->bufs[s->at]);
  s->bufs[s->at] = b;
  s->at = (s->at + 1) % GW_SHELF_NUM;
}

void gw_shelf_clear(gw_shelf *s) {
  for (uint32_t i = 0; i < GW_SHELF_NUM; i++)
    gw_buf_unref(s->bufs[i]);
  *s = (gw_shelf){.at = 0};
}
