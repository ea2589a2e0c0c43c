/* SPDX-License-Identifier: MIT */
/* keystore.h - the keys of a node: those of its configuration, and those that a
 * thread fetches. */
#ifndef GODWIT_AUTH_KEYSTORE_H
#define GODWIT_AUTH_KEYSTORE_H

#include "server/auth/auth.h"
#include "server/auth/keyring.h"
#include "server/observe/log.h"

typedef struct gw_keystore gw_keystore;

/** Counters, readable from any thread. */
typedef struct gw_keystore_stats {
  uint64_t num_keys;
  uint64_t num_fetched; /**< fetches that gave a set of keys */
  uint64_t num_failed;
  uint64_t since_good_ms; /**< time since the last good one; 0: never */
} gw_keystore_stats;

/**
 * Read the keys of the configuration. Nothing is fetched before the start.
 *   settings  outlive the store
 *   returns   NULL: why names the key of the configuration, and what is wrong
 */
gw_keystore *gw_keystore_new(const gw_auth_settings *settings, gw_log *log,
                             char why[GW_AUTH_WHY_MAX]);
/** Start to fetch, if there is a URL. 0, GW_ERR_NOMEM (no thread). */
GW_MUST_USE int gw_keystore_start(gw_keystore *ks);
/** Ends a fetch that runs. After all listeners are gone. NULL is fine. */
void gw_keystore_free(gw_keystore *ks);

/* ---- on any thread --------------------------------------------------------- */

/** The keys as they are now; a reference. */
gw_keyring *gw_keystore_ring(gw_keystore *ks);

/** What became of a fetch. */
enum gw_fetch_state { GW_FETCH_WAITS, GW_FETCH_GOOD, GW_FETCH_FAILED };

/** A fetch was over since: there are other keys, which have to be looked at
 * first. */
#define GW_KEYSTORE_CHANGED UINT64_MAX

/**
 * A key is not known: see that the set is fetched.
 *   seen     the keys that it is not among
 *   returns  the number of the fetch that will tell; 0: there is nothing to
 *            fetch; GW_KEYSTORE_CHANGED. *wait_ms: how long until it begins
 */
uint64_t gw_keystore_want(gw_keystore *ks, const gw_keyring *seen,
                          uint64_t *wait_ms);
/** Of a fetch or, when that is over, of the last one. */
enum gw_fetch_state gw_keystore_state(gw_keystore *ks, uint64_t number);

void gw_keystore_stats_get(gw_keystore *ks, gw_keystore_stats *stats);

/** Lies in whoever wants to know when a fetch is over. */
typedef struct gw_keystore_listener {
  void (*on_over)(void *user); /**< on the store's thread; must not call it */
  void *user;
  struct gw_keystore_listener *next; /* private */
} gw_keystore_listener;

void gw_keystore_listen(gw_keystore *ks, gw_keystore_listener *l);
void gw_keystore_unlisten(gw_keystore *ks, gw_keystore_listener *l);

#endif
