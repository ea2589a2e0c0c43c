/* SPDX-License-Identifier: MIT */
/* keyring.c - sets of keys: read from secrets, PEM and JWKS; looked up by kid
 * and algorithm. */
#include "server/auth/keyring.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gw_keyring {
  atomic_uint refs;
  gw_keyring *base;
  gw_key *first; /* in the order of their coming */
  gw_key **last;
  size_t num;
};

/* ---- life ------------------------------------------------------------------ */

gw_keyring *gw_keyring_new(gw_keyring *base) {
  gw_keyring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) return NULL;
  atomic_init(&ring->refs, 1);
  ring->last = &ring->first;
  if (base != NULL) ring->base = gw_keyring_ref(base);
  return ring;
}

gw_keyring *gw_keyring_ref(gw_keyring *ring) {
  atomic_fetch_add_explicit(&ring->refs, 1, memory_order_relaxed);
  return ring;
}

void gw_keyring_unref(gw_keyring *ring) {
  if (ring == NULL ||
      atomic_fetch_sub_explicit(&ring->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (gw_key *key = ring->first, *next; key != NULL; key = next) {
    next = key->next;
    gw_key_free(key);
  }
  gw_keyring_unref(ring->base);
  free(ring);
}

size_t gw_keyring_num(const gw_keyring *ring) {
  return ring->num + (ring->base != NULL ? gw_keyring_num(ring->base) : 0);
}

gw_algs gw_keyring_algs(const gw_keyring *ring) {
  gw_algs algs = ring->base != NULL ? gw_keyring_algs(ring->base) : 0;
  for (const gw_key *key = ring->first; key != NULL; key = key->next)
    algs |= key->algs;
  return algs;
}

/* ---- reading --------------------------------------------------------------- */

static int fail(char *why, const char *text) {
  (void)snprintf(why, GW_AUTH_WHY_MAX, "%s", text);
  return GW_ERR_INVALID;
}

/** Takes the key; NULL is passed over. Returns how many were added. */
static int add(gw_keyring *ring, gw_key *key) {
  if (key == NULL) return 0;
  if (ring->num >= GW_KEYRING_MAX) {
    gw_key_free(key);
    return 0;
  }
  *ring->last = key;
  ring->last = &key->next;
  ring->num++;
  return 1;
}

int gw_keyring_add_secret(gw_keyring *ring, gw_view secret,
                          char why[GW_AUTH_WHY_MAX]) {
  int num = add(ring, gw_key_from_secret(secret, why));
  return num > 0 ? num : GW_ERR_INVALID;
}

/** The public key of one block; NULL: why says it. */
static EVP_PKEY *pkey_of_block(const char *name, const uint8_t *der, long len,
                               char *why) {
  const unsigned char *at = der;
  EVP_PKEY *pkey = NULL;
  if (strcmp(name, PEM_STRING_PUBLIC) == 0) {
    pkey = d2i_PUBKEY(NULL, &at, len);
  } else if (strcmp(name, PEM_STRING_X509) == 0) {
    X509 *certificate = d2i_X509(NULL, &at, len);
    if (certificate != NULL) pkey = X509_get_pubkey(certificate);
    X509_free(certificate);
  } else if (strstr(name, "PRIVATE KEY") != NULL) {
    fail(why, "it holds a private key; give the public one, which "
              "`openssl pkey -pubout` writes");
    return NULL;
  } else {
    (void)snprintf(why, GW_AUTH_WHY_MAX,
                   "it holds a %.60s, not a PUBLIC KEY or CERTIFICATE", name);
    return NULL;
  }
  if (pkey == NULL) fail(why, "a key in it cannot be read");
  return pkey;
}

static int add_block(gw_keyring *ring, const char *name, const uint8_t *der,
                     long len, char *why) {
  EVP_PKEY *pkey = pkey_of_block(name, der, len, why);
  if (pkey == NULL) return GW_ERR_INVALID;
  gw_key *key = gw_key_from_pkey(pkey, why);
  EVP_PKEY_free(pkey);
  return key != NULL ? add(ring, key) : GW_ERR_INVALID;
}

int gw_keyring_add_pem(gw_keyring *ring, gw_view pem,
                       char why[GW_AUTH_WHY_MAX]) {
  BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
  char *name, *header;
  unsigned char *der;
  long len;
  int num = 0;
  fail(why, "there is no PUBLIC KEY or CERTIFICATE in it");
  while (bio != NULL && num >= 0 &&
         PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
    int added = add_block(ring, name, der, len, why);
    num = added < 0 ? added : num + added;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
  }
  BIO_free(bio);
  ERR_clear_error();
  return num != 0 ? num : GW_ERR_INVALID;
}

int gw_keyring_add_jwks(gw_keyring *ring, gw_view json, bool may_be_secret,
                        char why[GW_AUTH_WHY_MAX]) {
  json_error_t error;
  json_t *set = json_loadb((const char *)json.data, json.len,
                           JSON_REJECT_DUPLICATES, &error);
  const json_t *keys = json_object_get(set, "keys");
  int num = 0;
  if (set == NULL)
    (void)snprintf(why, GW_AUTH_WHY_MAX, "it is no JSON: %.100s", error.text);
  else
    fail(why, "there is no list \"keys\" with a key in it");
  for (size_t i = 0; i < json_array_size(keys); i++)
    num +=
        add(ring, gw_key_from_jwk(json_array_get(keys, i), may_be_secret, why));
  json_decref(set);
  return num > 0 ? num : GW_ERR_INVALID;
}

/* ---- looking up ------------------------------------------------------------ */

static bool fits(const gw_key *key, enum gw_alg alg, gw_view kid) {
  return gw_algs_has(key->algs, (int)alg) &&
         (kid.len == 0 || key->kid == NULL ||
          gw_view_eq(gw_view_of(key->kid), kid));
}

enum gw_keyring_result gw_keyring_verify(const gw_keyring *ring,
                                         enum gw_alg alg, gw_view kid,
                                         gw_view text, gw_view signature) {
  unsigned tries = 0;
  for (; ring != NULL; ring = ring->base) {
    for (const gw_key *key = ring->first; key != NULL; key = key->next) {
      if (!fits(key, alg, kid) || tries == GW_KEYRING_TRIES) continue;
      tries++;
      if (gw_key_verify(key, alg, text, signature)) return GW_KEYRING_GOOD;
    }
  }
  return tries != 0 ? GW_KEYRING_BAD : GW_KEYRING_NO_KEY;
}
