/* SPDX-License-Identifier: MIT */
/* history_map.c - a history that keeps the newest of each item.
 *
 *    offsets   3  4  5  6  7  8  9
 *    items     a  b  a  c -b  d  a      -b: b is removed
 *    places             c -b  d  a      a hole for each other one, until there
 *                                       are too many of them
 */
#include <assert.h>

#include "server/core/history.h"
#include "server/core/mem.h"

/** Removals that even the smallest map remembers: enough for who was away for a
 * moment. */
#define REMOVED_MIN 16u

/** Holes that are not worth the trouble. */
#define HOLES_MIN 16u

/* ---- holes ----------------------------------------------------------------- */

/** The first place is a record, so that it says what the oldest one is. */
static void trim_holes(gw_history *h) {
  while (h->num_holes != 0 && h->ring[h->head].buf == NULL) {
    h->head = h->head + 1 == h->cap ? 0 : h->head + 1;
    h->len--;
    h->num_holes--;
  }
}

/** Close the holes. A place costs as much as one that it frees. */
static void compact(gw_history *h) {
  uint32_t to = 0;
  for (uint32_t i = 0; i < h->len; i++) {
    gw_record r = *gw__history_slot(h, i);
    if (r.buf != NULL) *gw__history_slot(h, to++) = r;
  }
  h->len = to;
  h->num_holes = 0;
}

static void make_hole(gw_history *h, gw_buf *b) {
  /* The place after the offset in front of it. */
  gw_record *r = gw__history_slot(h, gw_history_seek(h, b->offset - 1));
  assert(r->buf == b);
  gw_index_remove(&h->newest, (uint32_t)b->item, b);
  h->bytes -= r->bytes;
  *r = (gw_record){.expires_ms = b->offset};
  h->num_holes++;
  if (b->removed) h->num_removed--;
  gw_buf_unref(b);
  trim_holes(h);
  if (h->num_holes > HOLES_MIN && h->num_holes > h->len / 2) compact(h);
}

/* ---- removals -------------------------------------------------------------- */

/** Forget the oldest. Those up to the floor are gone already, so each place is
 * passed once in its life. */
static void forget_removal(gw_history *h) {
  uint32_t i = gw_history_seek(h, h->floor);
  for (;; i++) {
    gw_buf *b = gw__history_slot(h, i)->buf;
    if (b == NULL || !b->removed) continue;
    h->floor = b->offset;
    make_hole(h, b);
    return;
  }
}

static uint32_t max_removed(const gw_history_max *max) {
  return max->num > REMOVED_MIN ? max->num : REMOVED_MIN;
}

/* ---- one more -------------------------------------------------------------- */

int gw_history_reserve(gw_history *h) {
  if (h->len == h->cap && h->num_holes > h->cap / 4) compact(h);
  if (h->len == h->cap && gw__history_grow(h, UINT32_MAX) < 0)
    return GW_ERR_NOMEM;
  return gw_index_reserve(&h->newest);
}

bool gw_history_admits(const gw_history *h, const gw_buf *b,
                       const gw_history_max *max) {
  const gw_buf *before = gw_history_find(h, b->item);
  bool is_new = before == NULL || before->removed;
  uint64_t freed = before != NULL ? gw_buf_most_bytes(before) : 0;
  if (b->removed) return true;
  if (is_new && gw_history_num(h) >= max->num) return false;
  return max->bytes == 0 ||
         h->bytes - freed + gw_buf_most_bytes(b) <= max->bytes;
}

/** There is room for it. */
static void append(gw_history *h, gw_record record) {
  gw_buf *b = record.buf;
  gw__history_append(h, record);
  if (gw_index_add(&h->newest, (uint32_t)b->item, b) < 0)
    assert(!"there is room in the table"); /* gw_history_reserve */
  if (b->removed) h->num_removed++;
}

int gw_history_load(gw_history *h, gw_record record) {
  if (gw_history_reserve(h) < 0) {
    gw_buf_unref(record.buf);
    return GW_ERR_NOMEM;
  }
  append(h, record);
  return 0;
}

void gw__history_put(gw_history *h, gw_record record,
                     const gw_history_max *max) {
  gw_buf *b = record.buf;
  gw_buf *before = (gw_buf *)(uintptr_t)gw_history_find(h, b->item);
  bool was_there = before != NULL && !before->removed;
  if (b->removed && !was_there) { /* there is nothing to forget */
    gw_buf_unref(b);
    return;
  }
  if (before != NULL) make_hole(h, before);
  append(h, record);
  if (h->num_removed > max_removed(max)) forget_removal(h);
}
