/* SPDX-License-Identifier: MIT */
/* history.c - a ring of records that grows up to its limit. */
#include "server/core/history.h"

#include <assert.h>

#include "server/core/mem.h"

#define RING_MIN 4u

const gw_record *gw_history_at(const gw_history *h, uint32_t i) {
  assert(i < h->len);
  uint32_t at = h->head + i;
  return &h->ring[at < h->cap ? at : at - h->cap];
}

/* ---- the newest of each item --------------------------------------------- */

/** Items are told apart by hashes of 64 bits that a peer cannot foresee; the
 * table takes half of it to find a place. */
static gw_buf *find_newest(const gw_history *h, uint64_t item) {
  gw_index_walk walk = {.hash = (uint32_t)item};
  gw_buf *b;
  while ((b = gw_index_next(&h->newest, &walk)) != NULL) {
    if (b->item == item) return b;
  }
  return NULL;
}

static int note_newest(gw_history *h, gw_buf *b) {
  gw_buf *before = find_newest(h, b->item);
  if (before != NULL) gw_index_remove(&h->newest, (uint32_t)b->item, before);
  return gw_index_add(&h->newest, (uint32_t)b->item, b);
}

bool gw_history_is_newest(const gw_history *h, uint32_t i) {
  const gw_buf *b = gw_history_at(h, i)->buf;
  if (b->item == 0) return true;
  const gw_buf *newest = find_newest(h, b->item);
  return newest == NULL || newest == b;
}

/* ---- records ------------------------------------------------------------- */

static void drop_oldest(gw_history *h, enum gw_gap_reason why) {
  gw_buf *b = h->ring[h->head].buf;
  if (b->item != 0) gw_index_remove(&h->newest, (uint32_t)b->item, b);
  gw_buf_unref(b);
  h->head = h->head + 1 == h->cap ? 0 : h->head + 1;
  h->len--;
  h->trimmed_by = why;
}

void gw_history_clear(gw_history *h) {
  while (h->len != 0)
    drop_oldest(h, GW_GAP_TRIMMED);
}

void gw_history_deinit(gw_history *h) {
  gw_history_clear(h);
  gw_mem_free(h->ring);
  gw_index_deinit(&h->newest);
  *h = (gw_history){0};
}

static int grow(gw_history *h, uint32_t max) {
  uint32_t cap = h->cap == 0 ? RING_MIN : h->cap * 2;
  if (cap > max || cap < h->cap) cap = max;
  gw_record *ring = gw_mem_alloc((size_t)cap * sizeof *ring);
  if (ring == NULL) return GW_ERR_NOMEM;
  for (uint32_t i = 0; i < h->len; i++)
    ring[i] = *gw_history_at(h, i);
  gw_mem_free(h->ring);
  h->ring = ring;
  h->cap = cap;
  h->head = 0;
  return 0;
}

int gw_history_push(gw_history *h, gw_record record, uint32_t max) {
  int err = 0;
  if (h->len == h->cap && h->cap < max) err = grow(h, max);
  if (h->len != 0 && h->len == h->cap) drop_oldest(h, GW_GAP_TRIMMED);
  if (h->cap == 0) { /* none wanted, or none to be had */
    gw_buf_unref(record.buf);
    h->trimmed_by = GW_GAP_TRIMMED;
    return err;
  }
  uint32_t at = h->head + h->len;
  h->ring[at < h->cap ? at : at - h->cap] = record;
  h->len++;
  if (record.buf->item != 0 && note_newest(h, record.buf) < 0)
    err = GW_ERR_NOMEM;
  return err;
}

void gw_history_trim(gw_history *h, uint64_t now_ms) {
  while (h->len != 0 && h->ring[h->head].expires_ms <= now_ms)
    drop_oldest(h, GW_GAP_EXPIRED);
}

uint64_t gw_history_expires(const gw_history *h) {
  return h->len == 0 ? GW_NEVER : gw_history_at(h, 0)->expires_ms;
}
