/* SPDX-License-Identifier: MIT */
/* expiry.c - a binary heap. */
#include "server/core/expiry.h"

#include <assert.h>

#include "server/core/mem.h"

#define HEAP_MIN 8u

void gw_expiry_deinit(gw_expiry *x) {
  gw_mem_free(x->heap);
  *x = (gw_expiry){0};
}

int gw_expiry_reserve(gw_expiry *x) {
  if (x->num < x->cap) return 0;
  uint32_t cap = x->cap == 0 ? HEAP_MIN : x->cap * 2;
  gw_expiry_entry *heap = gw_mem_realloc(x->heap, cap * sizeof *heap);
  if (heap == NULL) return GW_ERR_NOMEM;
  x->heap = heap;
  x->cap = cap;
  return 0;
}

static void swap(gw_expiry *x, uint32_t a, uint32_t b) {
  gw_expiry_entry e = x->heap[a];
  x->heap[a] = x->heap[b];
  x->heap[b] = e;
}

static void rise(gw_expiry *x, uint32_t i) {
  while (i != 0 && x->heap[i].due_ms < x->heap[(i - 1) / 2].due_ms) {
    swap(x, i, (i - 1) / 2);
    i = (i - 1) / 2;
  }
}

static void sink(gw_expiry *x, uint32_t i) {
  for (;;) {
    uint32_t least = i;
    for (uint32_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
      if (child < x->num && x->heap[child].due_ms < x->heap[least].due_ms)
        least = child;
    }
    if (least == i) return;
    swap(x, i, least);
    i = least;
  }
}

void gw_expiry_put(gw_expiry *x, gw_expiry_entry entry) {
  assert(x->num < x->cap); /* gw_expiry_reserve */
  x->heap[x->num++] = entry;
  rise(x, x->num - 1);
}

const gw_expiry_entry *gw_expiry_first(const gw_expiry *x) {
  return x->num != 0 ? &x->heap[0] : NULL;
}

void gw_expiry_pop(gw_expiry *x) {
  x->heap[0] = x->heap[--x->num];
  sink(x, 0);
}

void gw_expiry_sweep(gw_expiry *x,
                     bool (*is_void)(const void *arg, const gw_expiry_entry *e),
                     const void *arg) {
  uint32_t num = 0;
  for (uint32_t i = 0; i < x->num; i++) {
    if (!is_void(arg, &x->heap[i])) x->heap[num++] = x->heap[i];
  }
  x->num = num;
  for (uint32_t i = num / 2; i-- > 0;)
    sink(x, i);
}
