/* SPDX-License-Identifier: MIT */
/* slots.c - an array of slots with a queue of free ones. */
#include "server/core/slots.h"

#include <assert.h>

#include "server/core/mem.h"

#define SLOTS_MIN 16u
#define NO_SLOT   UINT32_MAX

void gw_slots_deinit(gw_slots *s) {
  gw_mem_free(s->at);
  *s = (gw_slots){0};
}

static bool grow(gw_slots *s) {
  if (s->cap >= NO_SLOT / 2) return false;
  uint32_t cap = s->cap == 0 ? SLOTS_MIN : s->cap * 2;
  struct gw_slot *at = gw_mem_realloc(s->at, cap * sizeof *at);
  if (at == NULL) return false;
  s->at = at;
  s->cap = cap;
  return true;
}

static uint32_t take_free(gw_slots *s) {
  if (s->num > s->num_items) {
    uint32_t i = s->first_free;
    s->first_free = s->at[i].next;
    return i;
  }
  if (s->num == s->cap && !grow(s)) return NO_SLOT;
  s->at[s->num].generation = 0;
  return s->num++;
}

uint64_t gw_slots_add(gw_slots *s, void *item) {
  uint32_t i = take_free(s);
  if (i == NO_SLOT) return 0;
  struct gw_slot *slot = &s->at[i];
  slot->item = item;
  slot->generation++;
  if (slot->generation == 0) slot->generation = 1;
  s->num_items++;
  return (uint64_t)slot->generation << 32 | i;
}

void *gw_slots_get(const gw_slots *s, uint64_t handle) {
  uint32_t i = gw_slots_index(handle);
  if (i >= s->num || s->at[i].generation != handle >> 32) return NULL;
  return s->at[i].item;
}

void gw_slots_remove(gw_slots *s, uint64_t handle) {
  assert(gw_slots_get(s, handle) != NULL);
  uint32_t i = gw_slots_index(handle);
  s->at[i].item = NULL;
  if (s->num == s->num_items)
    s->first_free = i;
  else
    s->at[s->last_free].next = i;
  s->last_free = i;
  s->num_items--;
}
