/* SPDX-License-Identifier: MIT */
/* keyring.h - all keys that tokens are checked with at one time. */
#ifndef GODWIT_AUTH_KEYRING_H
#define GODWIT_AUTH_KEYRING_H

#include "server/auth/key.h"

/** Keys of one ring; what a set has beyond is left out. */
#define GW_KEYRING_MAX 64u
/** Keys that a token without a kid is tried with, as each costs time. */
#define GW_KEYRING_TRIES 8u

/** Built by one thread, then counted and read by any. */
typedef struct gw_keyring gw_keyring;

/** base: keys that hold beside its own; NULL: none. A reference is taken. NULL
 * when out of memory. */
gw_keyring *gw_keyring_new(gw_keyring *base);
gw_keyring *gw_keyring_ref(gw_keyring *ring);
void gw_keyring_unref(gw_keyring *ring); /**< NULL is fine */

/** Keys, with those of the base. */
size_t gw_keyring_num(const gw_keyring *ring);
/** Algorithms that some key is for. */
gw_algs gw_keyring_algs(const gw_keyring *ring);

/* Each returns the number of keys that were added, or GW_ERR_INVALID when there
 * is none: why says it. */

GW_MUST_USE int gw_keyring_add_secret(gw_keyring *ring, gw_view secret,
                                      char why[GW_AUTH_WHY_MAX]);
/** Public keys and certificates. A private key is a mistake: it has no business
 * on a server that only checks. */
GW_MUST_USE int gw_keyring_add_pem(gw_keyring *ring, gw_view pem,
                                   char why[GW_AUTH_WHY_MAX]);
/** A JSON Web Key set. Keys of other kinds and uses are passed over. */
GW_MUST_USE int gw_keyring_add_jwks(gw_keyring *ring, gw_view json,
                                    bool may_be_secret,
                                    char why[GW_AUTH_WHY_MAX]);

enum gw_keyring_result {
  GW_KEYRING_GOOD,
  GW_KEYRING_BAD,    /**< the signature is not of a key that fits */
  GW_KEYRING_NO_KEY, /**< no key fits the algorithm and the kid */
};

/**
 * Check a signature. Keys fit by their algorithm and by their kid: a token that
 * names one is checked with keys of that name and with those that have none;
 * a token that names none, with all.
 */
enum gw_keyring_result gw_keyring_verify(const gw_keyring *ring,
                                         enum gw_alg alg, gw_view kid,
                                         gw_view text, gw_view signature);

#endif
