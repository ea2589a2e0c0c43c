/* SPDX-License-Identifier: MIT */
/* outq.c - two rings of references that grow on demand. */
#include "server/core/outq.h"

#include <string.h>

#include "server/core/mem.h"

#define RING_MIN 4u
/** An emptied ring up to this long is kept: a busy connection needs it again at
 * once. 256 bytes; trimmed when the connection falls silent. */
#define RING_KEEP 32u

static gw_buf **slot_of(gw_lane *l, uint32_t i) {
  return l->cap == 0 ? &l->u.one : &l->u.ring[(l->head + i) & (l->cap - 1)];
}

static bool grow(gw_lane *l) {
  uint32_t cap = l->cap == 0 ? RING_MIN : l->cap * 2;
  gw_buf **ring = gw_mem_alloc(cap * sizeof(gw_buf *));
  if (ring == NULL) return false;
  for (uint32_t i = 0; i < l->len; i++)
    ring[i] = *slot_of(l, i);
  if (l->cap != 0) gw_mem_free(l->u.ring);
  l->u.ring = ring;
  l->cap = cap;
  l->head = 0;
  return true;
}

int gw_outq_push(gw_outq *q, enum gw_lane_id lane, gw_buf *b) {
  gw_lane *l = &q->lanes[lane];
  uint32_t room = l->cap == 0 ? 1 : l->cap;
  if (l->len == room && !grow(l)) return GW_ERR_NOMEM;
  *slot_of(l, l->len) = b;
  l->len++;
  q->bytes += b->len;
  return 0;
}

static void drop_ring(gw_lane *l) {
  if (l->cap != 0) gw_mem_free(l->u.ring);
  *l = (gw_lane){0};
}

static gw_lane *first_lane(const gw_outq *q) {
  for (unsigned i = 0; i < GW_NUM_LANES; i++) {
    if (q->lanes[i].len != 0) return (gw_lane *)&q->lanes[i];
  }
  return NULL;
}

gw_buf *gw_outq_peek(const gw_outq *q) {
  gw_lane *l = first_lane(q);
  return l == NULL ? NULL : *slot_of(l, 0);
}

gw_buf *gw_outq_pop(gw_outq *q) {
  gw_lane *l = first_lane(q);
  if (l == NULL) return NULL;
  gw_buf *b = *slot_of(l, 0);
  l->len--;
  if (l->cap != 0) l->head = (l->head + 1) & (l->cap - 1);
  if (l->len == 0 && l->cap > RING_KEEP) drop_ring(l);
  q->bytes -= b->len;
  return b;
}

gw_buf *gw_outq_pop_single(gw_outq *q) {
  gw_lane *l = &q->lanes[GW_LANE_DATA];
  if (l->len != 1 || q->lanes[GW_LANE_CONTROL].len != 0 || l->cap > RING_KEEP)
    return NULL;
  gw_buf *b = l->cap == 0 ? l->u.one : l->u.ring[l->head];
  l->len = l->head = 0;
  q->bytes = 0;
  return b;
}

void gw_outq_clear(gw_outq *q) {
  for (gw_buf *b; (b = gw_outq_pop(q)) != NULL;)
    gw_buf_unref(b);
  gw_outq_trim(q);
}

void gw_outq_trim(gw_outq *q) {
  for (unsigned i = 0; i < GW_NUM_LANES; i++) {
    if (q->lanes[i].len == 0) drop_ring(&q->lanes[i]);
  }
}
