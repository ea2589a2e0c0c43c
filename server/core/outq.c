/* SPDX-License-Identifier: MIT */
/* outq.c - rings of references that grow on demand. */
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

/* Every other lane is one of those that most connections never need. */

static bool is_other(enum gw_lane_id lane) {
  return (lane & 1) != 0;
}

static gw_lane *lane_of(const gw_outq *q, enum gw_lane_id lane) {
  const gw_lane *in = is_other(lane) ? q->others : q->lanes;
  return (gw_lane *)&in[lane >> 1];
}

static bool has(const gw_outq *q, enum gw_lane_id lane) {
  return (!is_other(lane) || q->others != NULL) && lane_of(q, lane)->len != 0;
}

static bool need_others(gw_outq *q) {
  if (q->others == NULL) q->others = gw_mem_zalloc(2 * sizeof *q->others);
  return q->others != NULL;
}

static inline int put(gw_outq *q, gw_lane *l, gw_buf *b) {
  uint32_t room = l->cap == 0 ? 1 : l->cap;
  if (l->len == room && !grow(l)) return GW_ERR_NOMEM;
  *slot_of(l, l->len) = b;
  l->len++;
  q->bytes += b->len;
  return 0;
}

int gw_outq_push(gw_outq *q, enum gw_lane_id lane, gw_buf *b) {
  /* Most are normal: apart, for the sake of speed. */
  if (lane == GW_LANE_NORMAL) return put(q, &q->lanes[1], b);
  if (is_other(lane) && !need_others(q)) return GW_ERR_NOMEM;
  return put(q, lane_of(q, lane), b);
}

int gw_outq_push_last(gw_outq *q, gw_buf *b) {
  return gw_outq_push(q, has(q, GW_LANE_LOW) ? GW_LANE_LOW : GW_LANE_NORMAL, b);
}

static void drop_ring(gw_lane *l) {
  if (l->cap != 0) gw_mem_free(l->u.ring);
  *l = (gw_lane){0};
}

enum gw_lane_id gw_outq_next_lane(const gw_outq *q) {
  if (q->lanes[0].len != 0) return GW_LANE_CONTROL;
  if (has(q, GW_LANE_HIGH)) return GW_LANE_HIGH;
  if (q->lanes[1].len != 0) return GW_LANE_NORMAL;
  return has(q, GW_LANE_LOW) ? GW_LANE_LOW : GW_NUM_LANES;
}

static gw_lane *first_lane(const gw_outq *q) {
  enum gw_lane_id lane = gw_outq_next_lane(q);
  return lane == GW_NUM_LANES ? NULL : lane_of(q, lane);
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
  gw_lane *l = lane_of(q, GW_LANE_NORMAL);
  if (l->len != 1 || gw_outq_has_control(q) || q->others != NULL ||
      l->cap > RING_KEEP)
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

static void trim_pair(gw_lane *pair) {
  for (unsigned i = 0; i < 2; i++) {
    /* Both are there. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    if (pair[i].len == 0) drop_ring(&pair[i]);
  }
}

void gw_outq_trim(gw_outq *q) {
  trim_pair(q->lanes);
  if (q->others == NULL) return;
  trim_pair(q->others);
  if (q->others[0].len + q->others[1].len != 0) return;
  gw_mem_free(q->others);
  q->others = NULL;
}
