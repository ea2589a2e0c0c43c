/* SPDX-License-Identifier: MIT */
/* dedup.c - a receiver's memory of what it was handed, to tell repeats. */
#include "client/dedup.h"

#include <string.h>

/** First block: most channels have few publishers. */
#define FIRST_CAP 4u

/** Make room for one more, by growing or by forgetting the latest-unseen. */
static int make_room(gw__dedup *d, const gw_alloc *alloc) {
  if (d->num < d->cap) return 0;
  if (d->cap >= GW_MAX_PUBLISHERS) {
    d->num--;
    return 0;
  }
  uint32_t cap = d->cap == 0 ? FIRST_CAP : d->cap * 2;
  gw__publisher *items =
      alloc->realloc_fn(alloc->user, d->items, cap * sizeof *items);
  if (items == NULL) return GW_ERR_NOMEM;
  d->items = items;
  d->cap = cap;
  return 0;
}

/** Bring the publisher at index i to the front. */
static gw__publisher *to_front(gw__dedup *d, uint32_t i) {
  gw__publisher p = d->items[i];
  memmove(d->items + 1, d->items, i * sizeof p);
  d->items[0] = p;
  return d->items;
}

static bool is_repeat(gw__publisher *p, uint64_t key) {
  if (key > p->highest) {
    uint64_t step = key - p->highest;
    uint64_t moved = step < 64 ? p->window << step : 0;
    p->window = step <= 64 ? moved | UINT64_C(1) << (step - 1) : 0;
    p->highest = key;
    return false;
  }
  uint64_t behind = p->highest - key;
  if (behind == 0 || behind > 64) return true;
  uint64_t bit = UINT64_C(1) << (behind - 1);
  bool seen = (p->window & bit) != 0;
  p->window |= bit;
  return seen;
}

int gw__dedup_see(gw__dedup *d, const gw_alloc *alloc, uint64_t client,
                  uint64_t key) {
  for (uint32_t i = 0; i < d->num; i++) {
    if (d->items[i].client == client) return is_repeat(to_front(d, i), key);
  }
  int err = make_room(d, alloc);
  if (err < 0) return err;
  d->items[d->num] = (gw__publisher){client, key, UINT64_MAX};
  to_front(d, d->num++);
  return 0;
}

void gw__dedup_seal(gw__dedup *d) {
  for (uint32_t i = 0; i < d->num; i++)
    d->items[i].window = UINT64_MAX;
}

void gw__dedup_deinit(gw__dedup *d, const gw_alloc *alloc) {
  if (d->items != NULL) alloc->realloc_fn(alloc->user, d->items, 0);
  *d = (gw__dedup){0};
}
