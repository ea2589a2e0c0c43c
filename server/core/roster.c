/* SPDX-License-Identifier: MIT */
/* roster.c - members and snapshots as counted objects that workers share. */
#include "server/core/presence.h"

gw_roster *gws_roster_new(uint32_t max) {
  gw_roster *r = gw_mem_alloc(sizeof *r + max * sizeof r->entries[0]);
  if (r == NULL) return NULL;
  atomic_init(&r->refs, 1);
  r->num = 0;
  return r;
}

gw_roster *gws_roster_ref(gw_roster *r) {
  atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
  return r;
}

void gws_roster_put(gw_roster *r, uint64_t client, gw_buf *member) {
  r->entries[r->num++] = (gw_roster_entry){client, member};
}

void gws_roster_unref(gw_roster *r) {
  if (r == NULL) return;
  if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; i < r->num; i++)
    gw_buf_unref(r->entries[i].member);
  gw_mem_free(r);
}

gw_snapshot *gws_snapshot_ref(gw_snapshot *s) {
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  return s;
}

void gws_snapshot_unref(gw_snapshot *s) {
  if (s == NULL) return;
  if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; i < s->num_parts; i++)
    gw_buf_unref(s->parts[i]);
  gw_mem_free(s);
}
