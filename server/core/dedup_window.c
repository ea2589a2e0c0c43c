/* SPDX-License-Identifier: MIT */
/* dedup_window.c - publishers by client, each with a ring of its last keys. */
#include "server/core/dedup_window.h"

#include <assert.h>
#include <utlist.h>

#include "server/core/mem.h"

#define KEYS_MIN 4u

/** Publishers that are found by looking at each: most channels have one or two,
 * and an index would be the largest part of such a window. */
#define FEW 8u

struct kept_key {
  uint64_t key;
  uint64_t offset;
};

struct gw_dedup_publisher {
  struct gw_dedup_publisher *prev, *next;
  uint64_t client;
  uint64_t used_ms;
  uint64_t highest;
  uint32_t hash;
  uint8_t num;
  uint8_t at; /**< where the next one goes */
  uint8_t cap;
  struct kept_key *keys;
};
typedef struct gw_dedup_publisher publisher;

static void forget(gw_dedup_window *w, publisher *p) {
  if (w->by_client.num != 0) gw_index_remove(&w->by_client, p->hash, p);
  if (w->by_client.num == 0) gw_index_deinit(&w->by_client);
  DL_DELETE(w->oldest, p);
  w->num--;
  gw_mem_free(p->keys);
  gw_mem_free(p);
}

void gw_dedup_deinit(gw_dedup_window *w) {
  while (w->oldest != NULL)
    forget(w, w->oldest);
}

/** A full ring has dropped keys; what is below all that it has was among them.
 * Keys of one publisher come in rising order, see refused.h. */
static bool was_dropped(const publisher *p, uint64_t key) {
  if (p->num < GW_DEDUP_KEYS) return false;
  for (unsigned i = 0; i < p->num; i++) {
    if (p->keys[i].key <= key) return false;
  }
  return true;
}

bool gw_dedup_has(const publisher *p, uint64_t key, uint64_t *offset) {
  if (key > p->highest) return false;
  for (unsigned i = 0; i < p->num; i++) {
    if (p->keys[i].key != key) continue;
    *offset = p->keys[i].offset;
    return true;
  }
  *offset = 0;
  return was_dropped(p, key);
}

static int index_all(gw_dedup_window *w) {
  publisher *p;
  DL_FOREACH(w->oldest, p) {
    if (gw_index_add(&w->by_client, p->hash, p) == 0) continue;
    gw_index_deinit(&w->by_client);
    return GW_ERR_NOMEM;
  }
  return 0;
}

/** See to it that one that is about to join the list can be found. */
static int prepare(gw_dedup_window *w, publisher *p) {
  int err = 0;
  if (w->by_client.num == 0 && w->num == FEW) err = index_all(w);
  if (err == 0 && w->by_client.num != 0)
    err = gw_index_add(&w->by_client, p->hash, p);
  return err;
}

static void append(gw_dedup_window *w, publisher *p) {
  assert(w->oldest == NULL || w->oldest->prev != NULL); /* the tail */
  DL_APPEND(w->oldest, p);
}

static publisher *add(gw_dedup_window *w, const gw_hub *h, uint64_t client) {
  publisher *p = gw_mem_zalloc(sizeof *p);
  if (p == NULL) return NULL;
  p->client = client;
  p->hash = gws_hub_id_hash(h, client);
  if (prepare(w, p) < 0) {
    gw_mem_free(p);
    return NULL;
  }
  append(w, p);
  w->num++;
  if (w->num > GW_DEDUP_PUBLISHERS) forget(w, w->oldest);
  return p;
}

static bool make_room(publisher *p) {
  if (p->num < p->cap || p->cap == GW_DEDUP_KEYS) return true;
  unsigned cap = p->cap == 0 ? KEYS_MIN : p->cap * 2u;
  struct kept_key *keys = gw_mem_realloc(p->keys, cap * sizeof *keys);
  if (keys == NULL) return false;
  p->keys = keys;
  p->cap = (uint8_t)cap;
  p->at = p->num; /* a smaller ring has only just come round to its front */
  return true;
}

/** Who published last is mostly who publishes next. */
static publisher *newest(const gw_dedup_window *w) {
  return w->oldest == NULL ? NULL : w->oldest->prev; /* the list's tail */
}

static publisher *find(const gw_dedup_window *w, const gw_hub *h,
                       uint64_t client) {
  publisher *p;
  if (w->by_client.num == 0) {
    DL_SEARCH_SCALAR(w->oldest, p, client, client);
    return p;
  }
  gw_index_walk walk = {.hash = gws_hub_id_hash(h, client)};
  do {
    p = gw_index_next(&w->by_client, &walk);
  } while (p != NULL && p->client != client);
  return p;
}

/** The record of another than the newest. */
static publisher *turn_to(gw_dedup_window *w, const gw_hub *h,
                          uint64_t client) {
  publisher *p = find(w, h, client);
  if (p == NULL) return add(w, h, client);
  DL_DELETE(w->oldest, p);
  append(w, p);
  return p;
}

publisher *gw_dedup_open(gw_dedup_window *w, const gw_hub *h, uint64_t client) {
  publisher *p = newest(w);
  if (p == NULL || p->client != client) p = turn_to(w, h, client);
  if (p == NULL || !make_room(p)) return NULL;
  p->used_ms = h->now_ms;
  return p;
}

void gw_dedup_put(publisher *p, uint64_t key, uint64_t offset) {
  assert(p->num < p->cap || p->cap == GW_DEDUP_KEYS); /* gw_dedup_open */
  p->keys[p->at] = (struct kept_key){key, offset};
  p->at = (uint8_t)((p->at + 1u) % p->cap);
  if (p->num < p->cap) p->num++;
  if (key > p->highest) p->highest = key;
}

void gw_dedup_expire(gw_dedup_window *w, uint64_t before_ms) {
  while (w->oldest != NULL && w->oldest->used_ms < before_ms)
    forget(w, w->oldest);
}

uint64_t gw_dedup_oldest_ms(const gw_dedup_window *w) {
  return w->oldest == NULL ? UINT64_MAX : w->oldest->used_ms;
}
