/* SPDX-License-Identifier: MIT */
/* history.c - a ring of records that grows up to its limit. What is different in
 * a map is in history_map.c. */
#include "server/core/history.h"

#include <assert.h>

#include "server/core/mem.h"

#define RING_MIN 4u

gw_record *gw__history_slot(const gw_history *h, uint32_t i) {
  assert(i < h->len);
  uint32_t at = h->head + i;
  return &h->ring[at < h->cap ? at : at - h->cap];
}

const gw_record *gw_history_at(const gw_history *h, uint32_t i) {
  return gw__history_slot(h, i);
}

/* ---- by offset ------------------------------------------------------------- */

static uint64_t offset_of(const gw_record *r) {
  return r->buf != NULL ? r->buf->offset : r->expires_ms;
}

uint64_t gw_history_first(const gw_history *h) {
  return h->len != 0 ? offset_of(gw__history_slot(h, 0)) : 0;
}

uint32_t gw_history_seek(const gw_history *h, uint64_t offset) {
  uint64_t first = gw_history_first(h);
  if (h->len == 0 || offset < first) return 0;
  if (h->mode != GW_HISTORY_MAP) {
    uint64_t i = offset - first + 1;
    return i < h->len ? (uint32_t)i : h->len;
  }
  uint32_t low = 0, high = h->len; /* low is not after it, high is */
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (offset_of(gw__history_slot(h, middle)) <= offset)
      low = middle;
    else
      high = middle;
  }
  return high;
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

const gw_buf *gw_history_find(const gw_history *h, uint64_t item) {
  return find_newest(h, item);
}

/* ---- records ------------------------------------------------------------- */

static inline void drop_oldest(gw_history *h, enum gw_gap_reason why) {
  const gw_record *r = &h->ring[h->head];
  gw_buf *b = r->buf;
  if (b != NULL) {
    h->bytes -= r->bytes;
    if (r->has_item) gw_index_remove(&h->newest, (uint32_t)b->item, b);
    if (h->shelf != NULL && r->bytes <= GW_SHELF_BYTES)
      gw_shelf_put(h->shelf, b);
    else
      gw_buf_unref(b);
  }
  h->head = h->head + 1 == h->cap ? 0 : h->head + 1;
  h->len--;
  h->trimmed_by = (uint8_t)why;
}

void gw_history_clear(gw_history *h) {
  while (h->len != 0)
    drop_oldest(h, GW_GAP_TRIMMED);
  h->num_holes = h->num_removed = 0;
  h->floor = 0;
}

void gw_history_deinit(gw_history *h) {
  gw_history_clear(h);
  gw_mem_free(h->ring);
  gw_index_deinit(&h->newest);
  *h = (gw_history){.mode = h->mode, .shelf = h->shelf};
}

int gw__history_grow(gw_history *h, uint32_t max) {
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

void gw__history_append(gw_history *h, gw_record record) {
  record.bytes = (uint32_t)gw_buf_most_bytes(record.buf);
  record.has_item = record.buf->item != 0;
  h->len++;
  *gw__history_slot(h, h->len - 1) = record;
  h->bytes += record.bytes;
}

/** Why the front of a history goes when there is no room for it. */
static enum gw_gap_reason reason_of(const gw_history *h) {
  return h->mode == GW_HISTORY_LATEST ? GW_GAP_SUPERSEDED : GW_GAP_TRIMMED;
}

static int push_stream(gw_history *h, gw_record record,
                       const gw_history_max *max) {
  int err = 0;
  if (h->len == h->cap && h->cap < max->num)
    err = gw__history_grow(h, max->num);
  if (h->len != 0 && h->len == h->cap) drop_oldest(h, reason_of(h));
  if (h->cap == 0) { /* none wanted, or none to be had */
    gw_buf_unref(record.buf);
    h->trimmed_by = (uint8_t)reason_of(h);
    return err;
  }
  gw__history_append(h, record);
  if (record.buf->item != 0 && note_newest(h, record.buf) < 0)
    err = GW_ERR_NOMEM;
  while (max->bytes != 0 && h->bytes > max->bytes && h->len > 1)
    drop_oldest(h, reason_of(h));
  return err;
}

int gw_history_push(gw_history *h, gw_record record,
                    const gw_history_max *max) {
  if (h->mode != GW_HISTORY_MAP) return push_stream(h, record, max);
  if (gw_history_reserve(h) < 0) {
    gw_buf_unref(record.buf);
    return GW_ERR_NOMEM;
  }
  gw__history_put(h, record, max);
  return 0;
}

void gw_history_trim(gw_history *h, uint64_t now_ms) {
  if (h->mode == GW_HISTORY_MAP) return;
  while (h->len != 0 && h->ring[h->head].expires_ms <= now_ms)
    drop_oldest(h, GW_GAP_EXPIRED);
}

uint64_t gw_history_expires(const gw_history *h) {
  if (h->len == 0 || h->mode == GW_HISTORY_MAP) return GW_NEVER;
  return gw_history_at(h, 0)->expires_ms;
}
