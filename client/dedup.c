/* SPDX-License-Identifier: MIT */
/* dedup.c - a receiver's memory of what it was handed, to tell repeats. */
#include "client/dedup.h"

#include <string.h>

/** First blocks: most channels have few publishers, most of them are brief. */
#define FIRST_CAP 4u

static void *resize(const gw_alloc *alloc, void *ptr, size_t size) {
  return alloc->realloc_fn(alloc->user, ptr, size);
}

/* ---- the keys of one publisher ------------------------------------------- */

static int make_key_room(gw__publisher *p, const gw_alloc *alloc) {
  if (p->num < p->cap) return 0;
  uint32_t cap = p->cap == 0 ? FIRST_CAP : p->cap * 2;
  uint64_t *keys = resize(alloc, p->keys, cap * sizeof *keys);
  if (keys == NULL) return GW_ERR_NOMEM;
  p->keys = keys;
  p->cap = cap;
  return 0;
}

static int see_key(gw__publisher *p, const gw_alloc *alloc, uint64_t key) {
  uint32_t at = p->num;
  while (at > 0 && p->keys[at - 1] > key)
    at--;
  if (at > 0 && p->keys[at - 1] == key) return 1;
  if (p->num == GW_MAX_INFLIGHT) {
    if (at == 0) return 1; /* nobody can be in doubt about it any more */
    at--;
    memmove(p->keys, p->keys + 1, at * sizeof key);
  } else {
    int err = make_key_room(p, alloc);
    if (err < 0) return err;
    memmove(p->keys + at + 1, p->keys + at, (p->num - at) * sizeof key);
    p->num++;
  }
  p->keys[at] = key;
  return 0;
}

static void forget(gw__publisher *p, const gw_alloc *alloc) {
  if (p->keys != NULL) resize(alloc, p->keys, 0);
}

/* ---- publishers ---------------------------------------------------------- */

/** Bring the publisher at index i to the front. */
static gw__publisher *to_front(gw__dedup *d, uint32_t i) {
  gw__publisher p = d->items[i];
  memmove(d->items + 1, d->items, i * sizeof p);
  d->items[0] = p;
  return d->items;
}

/** Make room for one more, by growing or by forgetting the one that has been
 * silent for longest. */
static int make_room(gw__dedup *d, const gw_alloc *alloc) {
  if (d->num < d->cap) return 0;
  if (d->cap >= GW_MAX_PUBLISHERS) {
    forget(&d->items[--d->num], alloc);
    return 0;
  }
  uint32_t cap = d->cap == 0 ? FIRST_CAP : d->cap * 2;
  gw__publisher *items = resize(alloc, d->items, cap * sizeof *items);
  if (items == NULL) return GW_ERR_NOMEM;
  d->items = items;
  d->cap = cap;
  return 0;
}

int gw__dedup_see(gw__dedup *d, const gw_alloc *alloc, uint64_t client,
                  uint64_t key) {
  for (uint32_t i = 0; i < d->num; i++) {
    if (d->items[i].client == client)
      return see_key(to_front(d, i), alloc, key);
  }
  int err = make_room(d, alloc);
  if (err < 0) return err;
  d->items[d->num] = (gw__publisher){.client = client};
  return see_key(to_front(d, d->num++), alloc, key);
}

void gw__dedup_deinit(gw__dedup *d, const gw_alloc *alloc) {
  for (uint32_t i = 0; i < d->num; i++)
    forget(&d->items[i], alloc);
  if (d->items != NULL) resize(alloc, d->items, 0);
  *d = (gw__dedup){0};
}
