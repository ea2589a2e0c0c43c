/* SPDX-License-Identifier: MIT */
/* alg.c - the table of signature algorithms. */
#include "server/auth/alg.h"

#include <string.h>

#define BETWEEN ", \t"

const gw_alg_info gw_alg_infos[GW_NUM_ALGS] = {
    [GW_ALG_HS256] = {"HS256", GW_FAMILY_SECRET, EVP_sha256, false, 0},
    [GW_ALG_HS384] = {"HS384", GW_FAMILY_SECRET, EVP_sha384, false, 0},
    [GW_ALG_HS512] = {"HS512", GW_FAMILY_SECRET, EVP_sha512, false, 0},
    [GW_ALG_RS256] = {"RS256", GW_FAMILY_RSA, EVP_sha256, false, 0},
    [GW_ALG_RS384] = {"RS384", GW_FAMILY_RSA, EVP_sha384, false, 0},
    [GW_ALG_RS512] = {"RS512", GW_FAMILY_RSA, EVP_sha512, false, 0},
    [GW_ALG_PS256] = {"PS256", GW_FAMILY_RSA, EVP_sha256, true, 0},
    [GW_ALG_PS384] = {"PS384", GW_FAMILY_RSA, EVP_sha384, true, 0},
    [GW_ALG_PS512] = {"PS512", GW_FAMILY_RSA, EVP_sha512, true, 0},
    [GW_ALG_ES256] = {"ES256", GW_FAMILY_P256, EVP_sha256, false, 32},
    [GW_ALG_ES384] = {"ES384", GW_FAMILY_P384, EVP_sha384, false, 48},
    [GW_ALG_ES512] = {"ES512", GW_FAMILY_P521, EVP_sha512, false, 66},
    [GW_ALG_EDDSA] = {"EdDSA", GW_FAMILY_ED25519, NULL, false, 0},
};

int gw_alg_find(gw_view name) {
  for (int i = 0; i < GW_NUM_ALGS; i++) {
    if (gw_view_eq(gw_view_of(gw_alg_infos[i].name), name)) return i;
  }
  return -1;
}

gw_algs gw_algs_of_family(enum gw_key_family family) {
  gw_algs set = 0;
  for (unsigned i = 0; i < GW_NUM_ALGS; i++) {
    if (gw_alg_infos[i].family == family) set |= 1u << i;
  }
  return set;
}

int gw_algs_parse(const char *text, gw_algs *set, gw_view *bad) {
  *set = 0;
  for (text += strspn(text, BETWEEN); *text != '\0';
       text += strspn(text, BETWEEN)) {
    gw_view name = {(const uint8_t *)text, strcspn(text, BETWEEN)};
    int alg = gw_alg_find(name);
    if (alg < 0) {
      *bad = name;
      return GW_ERR_INVALID;
    }
    *set |= 1u << alg;
    text += name.len;
  }
  return 0;
}
