/* SPDX-License-Identifier: MIT */
/* addresses.c - counts connections by where they come from. The lock is taken
 * when a connection comes and goes, never for a message. */
#include "server/net/addresses.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "server/net/ring.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/** An address over its cap comes back after this. */
#define CROWDED_RETRY_MS 5000u

typedef struct entry {
  gw_link idle; /* the first field; in the ring while it has no connection */
  UT_hash_handle hh;
  gw_source address;
  uint32_t num;
  gw_bucket bucket;
} entry;

struct gw_addresses {
  gw_addresses_options options;
  pthread_mutex_t lock;
  entry *table;
  gw_link idle; /* the one that was quiet for longest first */
  uint32_t num_idle;
  uint64_t now_ms; /* the latest that was told */
  gw_addresses_stats stats;
};

/* ---- addresses ------------------------------------------------------------- */

bool gw_source_of(gw_source *a, const gw_peer *peer) {
  bool is_v4 = peer->family == GW_PEER_IPV4;
  memset(a, 0, sizeof *a);
  if (!is_v4 && peer->family != GW_PEER_IPV6) return false;
  a->family = is_v4 ? 4 : 6;
  memcpy(a->bytes, peer->bytes, is_v4 ? 4 : 8);
  return true;
}

/* ---- the table ------------------------------------------------------------- */

static unsigned hash_of(const gw_addresses *a, const gw_source *address) {
  uint64_t hash;
  _Static_assert(sizeof hash == crypto_shorthash_BYTES, "");
  crypto_shorthash((unsigned char *)&hash, (const unsigned char *)address,
                   sizeof *address, a->options.hash_key);
  return (unsigned)hash;
}

static void forget(gw_addresses *a, entry *e) {
  gw_ring_remove(&e->idle);
  a->num_idle--;
  a->stats.num--;
  HASH_DELETE(hh, a->table, e);
  free(e);
}

/** Those whose rate is what it was at first need not be remembered; and of the
 * others only so many. */
static void make_room(gw_addresses *a, uint64_t now_ms) {
  while (!gw_ring_is_empty(&a->idle)) {
    entry *oldest = (entry *)(void *)a->idle.next;
    bool is_over = gw_bucket_is_full(&oldest->bucket, now_ms);
    if (!is_over && a->num_idle < GW_ADDRESSES_MAX_IDLE) return;
    if (!is_over) a->stats.num_forgotten++;
    /* What was forgotten before is not in the ring any more, so this is another.
     * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    forget(a, oldest);
  }
}

static entry *find(const gw_addresses *a, const gw_source *address,
                   unsigned hash) {
  entry *e;
  HASH_FIND_BYHASHVALUE(hh, a->table, address, sizeof *address, hash, e);
  return e;
}

/** NULL when out of memory. */
static entry *get(gw_addresses *a, const gw_source *address, uint64_t now_ms) {
  unsigned hash = hash_of(a, address);
  entry *e = find(a, address, hash);
  if (e != NULL) return e;
  make_room(a, now_ms);
  e = calloc(1, sizeof *e);
  if (e == NULL) return NULL;
  e->address = *address;
  HASH_ADD_BYHASHVALUE(hh, a->table, address, sizeof e->address, hash, e);
  if (e->hh.tbl == NULL) {
    free(e);
    return NULL;
  }
  gw_ring_add(&a->idle, &e->idle);
  a->num_idle++;
  a->stats.num++;
  return e;
}

/* ---- coming and going ------------------------------------------------------- */

/** What time it is. A worker's clock stands still for a turn of its loop, and what
 * another one has counted meanwhile would be ahead of it. */
static uint64_t latest(gw_addresses *a, uint64_t now_ms) {
  if (a->now_ms < now_ms) a->now_ms = now_ms;
  return a->now_ms;
}

/** Over the cap: some are told, as many as a page of tabs opens at once. */
static enum gw_entry crowded(gw_addresses *a, const entry *e, uint32_t *code,
                             uint32_t *retry_after_ms) {
  uint32_t max = a->options.max_connections;
  a->stats.num_crowded++;
  *code = GW_CODE_CONNECTION_LIMIT;
  *retry_after_ms = CROWDED_RETRY_MS;
  return e->num - max < GW_ADDRESSES_TOLD ? GW_ENTRY_TELL : GW_ENTRY_CUT;
}

/** Over the rate: it is told, and owes for that, up to a whole burst; beyond, it
 * is cut, which costs next to nothing. */
static enum gw_entry limited(gw_addresses *a, entry *e, uint64_t now_ms,
                             uint32_t *code, uint32_t *retry_after_ms) {
  const gw_rate *rate = &a->options.rate;
  a->stats.num_limited++;
  if (gw_bucket_owed(&e->bucket, rate, now_ms) >= rate->burst)
    return GW_ENTRY_CUT;
  gw_bucket_owe(&e->bucket, rate, now_ms);
  *code = GW_CODE_RATE_LIMITED;
  *retry_after_ms = gw_bucket_take(&e->bucket, rate, 1, now_ms);
  return GW_ENTRY_TELL;
}

static enum gw_entry judge(gw_addresses *a, entry *e, uint64_t now_ms,
                           uint32_t *code, uint32_t *retry_after_ms) {
  uint32_t max = a->options.max_connections;
  if (gw_bucket_take(&e->bucket, &a->options.rate, 1, now_ms) != 0)
    return limited(a, e, now_ms, code, retry_after_ms);
  if (max != 0 && e->num >= max) return crowded(a, e, code, retry_after_ms);
  return GW_ENTRY_IN;
}

enum gw_entry gw_addresses_enter(gw_addresses *a, const gw_source *address,
                                 uint64_t now_ms, uint32_t *code,
                                 uint32_t *retry_after_ms) {
  enum gw_entry result = GW_ENTRY_CUT;
  pthread_mutex_lock(&a->lock);
  now_ms = latest(a, now_ms);
  entry *e = get(a, address, now_ms);
  if (e != NULL) result = judge(a, e, now_ms, code, retry_after_ms);
  if (result == GW_ENTRY_CUT) {
    a->stats.num_cut++;
  } else if (e->num++ == 0) {
    gw_ring_remove(&e->idle);
    a->num_idle--;
  }
  pthread_mutex_unlock(&a->lock);
  return result;
}

void gw_addresses_leave(gw_addresses *a, const gw_source *address,
                        uint64_t now_ms) {
  pthread_mutex_lock(&a->lock);
  entry *e = find(a, address, hash_of(a, address));
  if (e != NULL && --e->num == 0) {
    gw_ring_add(&a->idle, &e->idle);
    a->num_idle++;
    if (gw_bucket_is_full(&e->bucket, latest(a, now_ms))) forget(a, e);
  }
  pthread_mutex_unlock(&a->lock);
}

void gw_addresses_stats_get(gw_addresses *a, gw_addresses_stats *stats) {
  pthread_mutex_lock(&a->lock);
  *stats = a->stats;
  pthread_mutex_unlock(&a->lock);
}

/* ---- life ------------------------------------------------------------------- */

gw_addresses *gw_addresses_new(const gw_addresses_options *options) {
  gw_addresses *a = calloc(1, sizeof *a);
  if (a == NULL) return NULL;
  a->options = *options;
  pthread_mutex_init(&a->lock, NULL);
  gw_ring_init(&a->idle);
  return a;
}

void gw_addresses_free(gw_addresses *a) {
  if (a == NULL) return;
  entry *e = a->table, *next;
  HASH_CLEAR(hh, a->table);
  for (; e != NULL; e = next) {
    next = e->hh.next;
    free(e);
  }
  pthread_mutex_destroy(&a->lock);
  free(a);
}
