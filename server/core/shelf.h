/* SPDX-License-Identifier: MIT */
/* shelf.h - the messages that were dropped last, which are let go a little later:
 * nobody has looked at them for long, so the processor has to fetch them, which
 * takes as long as a publication does. */
#ifndef GODWIT_SERVER_SHELF_H
#define GODWIT_SERVER_SHELF_H

#include "server/core/buf.h"

/** Messages that it holds. */
#define GW_SHELF_NUM 16u

/** Larger messages are not kept waiting. */
#define GW_SHELF_BYTES 4096u

/** All zero is empty. Of one hub. */
typedef struct gw_shelf {
  /* private */
  gw_buf *bufs[GW_SHELF_NUM];
  uint32_t at; /* the one that has been there for the longest */
} gw_shelf;

/** Drop a reference, in the place of another one that waited. */
void gw_shelf_put(gw_shelf *s, gw_buf *b);
/** Drop all that wait. */
void gw_shelf_clear(gw_shelf *s);

#endif
