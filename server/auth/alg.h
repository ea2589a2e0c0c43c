/* SPDX-License-Identifier: MIT */
/* alg.h - the signature algorithms of RFC 7518 and RFC 8037 that are taken. */
#ifndef GODWIT_AUTH_ALG_H
#define GODWIT_AUTH_ALG_H

#include <openssl/evp.h>

#include "godwit/wire.h"

/** What a key has to be for an algorithm. A key is of one family, and an
 * algorithm is of one: so a public key is never taken for the secret of HMAC. */
enum gw_key_family {
  GW_FAMILY_SECRET,
  GW_FAMILY_RSA,
  GW_FAMILY_P256,
  GW_FAMILY_P384,
  GW_FAMILY_P521,
  GW_FAMILY_ED25519
};

/** There is no "none". */
enum gw_alg {
  GW_ALG_HS256,
  GW_ALG_HS384,
  GW_ALG_HS512,
  GW_ALG_RS256,
  GW_ALG_RS384,
  GW_ALG_RS512,
  GW_ALG_PS256,
  GW_ALG_PS384,
  GW_ALG_PS512,
  GW_ALG_ES256,
  GW_ALG_ES384,
  GW_ALG_ES512,
  GW_ALG_EDDSA,
  GW_NUM_ALGS
};

/** A set of algorithms: bit per enum gw_alg. */
typedef uint32_t gw_algs;
#define GW_ALGS_ALL ((gw_algs)((1u << GW_NUM_ALGS) - 1u))

typedef struct gw_alg_info {
  const char *name; /**< as in the header of a token */
  enum gw_key_family family;
  const EVP_MD *(*md)(void); /**< NULL: the algorithm has its own (EdDSA) */
  bool is_pss;
  uint32_t ecdsa_bytes; /**< of each half of an ECDSA signature; else 0 */
} gw_alg_info;

extern const gw_alg_info gw_alg_infos[GW_NUM_ALGS];

/** enum gw_alg of a name; -1: none that is taken. */
int gw_alg_find(gw_view name);
static inline bool gw_algs_has(gw_algs set, int alg) {
  return (set >> alg & 1u) != 0;
}
/** Those that a key of the family can be used for. */
gw_algs gw_algs_of_family(enum gw_key_family family);
/** Read names between commas or blanks. 0, GW_ERR_INVALID: bad is the first that
 * is not known. */
GW_MUST_USE int gw_algs_parse(const char *text, gw_algs *set, gw_view *bad);

#endif
