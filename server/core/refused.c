/* SPDX-License-Identifier: MIT */
/* refused.c - ranges of refused keys. */
#include "server/core/refused.h"

#include "server/core/mem.h"

static const gw_refused free_range = {.first = 1, .last = 0};

void gw_refused_deinit(gw_refused_list *l) {
  gw_mem_free(l->items);
  *l = (gw_refused_list){0};
}

int gw_refused_reserve(gw_refused_list *l) {
  if (l->items != NULL) return 0;
  l->items = gw_mem_alloc(GW_REFUSED_MAX * sizeof *l->items);
  if (l->items == NULL) return GW_ERR_NOMEM;
  for (unsigned i = 0; i < GW_REFUSED_MAX; i++)
    l->items[i] = free_range;
  return 0;
}

static bool is_free(const gw_refused *r) {
  return r->first > r->last;
}

static gw_refused *find(const gw_refused_list *l, uint64_t of) {
  if (l->num == 0) return NULL;
  for (unsigned i = 0; i < GW_REFUSED_MAX; i++) {
    if (!is_free(&l->items[i]) && l->items[i].of == of) return &l->items[i];
  }
  return NULL;
}

static gw_refused *find_free(const gw_refused_list *l) {
  for (unsigned i = 0; i < GW_REFUSED_MAX; i++) {
    if (is_free(&l->items[i])) return &l->items[i];
  }
  return NULL;
}

int gw_refused_add(gw_refused_list *l, uint64_t of, uint64_t key) {
  int err = gw_refused_reserve(l);
  if (err < 0) return err;
  gw_refused *r = find(l, of);
  if (r == NULL) {
    if ((r = find_free(l)) == NULL) return GW_ERR_FULL;
    *r = (gw_refused){of, key, key};
    l->num++;
  }
  if (key < r->first) r->first = key;
  if (key > r->last) r->last = key;
  return 0;
}

bool gw_refused_holds(const gw_refused_list *l, uint64_t of, uint64_t after) {
  const gw_refused *r = after == 0 ? NULL : find(l, of);
  return r != NULL && after >= r->first && after <= r->last;
}

void gw_refused_accept(gw_refused_list *l, uint64_t of, uint64_t key) {
  gw_refused *r = find(l, of);
  if (r == NULL || key < r->first) return;
  if (key < r->last) {
    r->first = key + 1;
  } else {
    *r = free_range;
    l->num--;
  }
}
