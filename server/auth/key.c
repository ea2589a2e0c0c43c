/* SPDX-License-Identifier: MIT */
/* key.c - keys from secrets, OpenSSL and JWK; signatures checked with them. */
#include "server/auth/key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Numbers of a JWK: the modulus of the longest RSA key. */
#define NUMBER_MAX (GW_RSA_MAX_BITS / 8)
/** A coordinate of P-521, and both with the byte in front. */
#define COORDINATE_MAX 66u
#define POINT_MAX      (1u + 2u * COORDINATE_MAX)
/** An ECDSA signature in DER. */
#define DER_MAX 160u

static void *fail(char *why, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vsnprintf(why, GW_AUTH_WHY_MAX, format, args);
  va_end(args);
  return NULL;
}

/* ---- making ---------------------------------------------------------------- */

static gw_key *make(enum gw_key_family family, gw_view secret, char *why) {
  gw_key *key = calloc(1, sizeof *key + secret.len);
  if (key == NULL) return fail(why, "out of memory");
  key->family = family;
  key->algs = gw_algs_of_family(family);
  key->secret_len = secret.len;
  if (secret.len != 0) memcpy(key->secret, secret.data, secret.len);
  return key;
}

void gw_key_free(gw_key *key) {
  if (key == NULL) return;
  EVP_PKEY_free(key->pkey);
  sodium_memzero(key->secret, key->secret_len);
  free(key->kid);
  free(key);
}

gw_key *gw_key_from_secret(gw_view secret, char why[GW_AUTH_WHY_MAX]) {
  if (secret.len < GW_SECRET_MIN_BYTES || secret.len > GW_SECRET_MAX_BYTES)
    return fail(why, "the secret must have %u to %u bytes", GW_SECRET_MIN_BYTES,
                GW_SECRET_MAX_BYTES);
  return make(GW_FAMILY_SECRET, secret, why);
}

/** The family of an EC key by its curve; -1. */
static int family_of_curve(const EVP_PKEY *pkey) {
  static const struct {
    const char *name;
    enum gw_key_family family;
  } curves[] = {{"prime256v1", GW_FAMILY_P256}, {"P-256", GW_FAMILY_P256},
                {"secp384r1", GW_FAMILY_P384},  {"P-384", GW_FAMILY_P384},
                {"secp521r1", GW_FAMILY_P521},  {"P-521", GW_FAMILY_P521}};
  char name[40];
  size_t len;
  if (EVP_PKEY_get_group_name(pkey, name, sizeof name, &len) != 1) return -1;
  for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
    if (strcmp(curves[i].name, name) == 0) return (int)curves[i].family;
  }
  return -1;
}

static int family_of(const EVP_PKEY *pkey) {
  switch (EVP_PKEY_get_base_id(pkey)) {
  case EVP_PKEY_RSA:
    return GW_FAMILY_RSA;
  case EVP_PKEY_EC:
    return family_of_curve(pkey);
  case EVP_PKEY_ED25519:
    return GW_FAMILY_ED25519;
  default:
    return -1;
  }
}

gw_key *gw_key_from_pkey(EVP_PKEY *pkey, char why[GW_AUTH_WHY_MAX]) {
  int family = family_of(pkey);
  if (family < 0)
    return fail(why, "the key is not RSA, P-256, P-384, P-521 or Ed25519");
  int bits = EVP_PKEY_get_bits(pkey);
  if (family == GW_FAMILY_RSA &&
      (bits < GW_RSA_MIN_BITS || bits > GW_RSA_MAX_BITS))
    return fail(why, "an RSA key must have %d to %d bits, not %d",
                GW_RSA_MIN_BITS, GW_RSA_MAX_BITS, bits);
  gw_key *key = make((enum gw_key_family)family, (gw_view){NULL, 0}, why);
  if (key == NULL) return NULL;
  EVP_PKEY_up_ref(pkey);
  key->pkey = pkey;
  return key;
}

/* ---- JSON Web Keys --------------------------------------------------------- */

static gw_view text_of(const json_t *jwk, const char *name) {
  const json_t *value = json_object_get(jwk, name);
  return (gw_view){(const uint8_t *)json_string_value(value),
                   json_string_length(value)};
}

/** Bytes that stand in base64url; 0: none, or more than there is room for. */
static size_t bytes_of(const json_t *jwk, const char *name, uint8_t *to,
                       size_t room) {
  gw_view text = text_of(jwk, name);
  size_t len = 0;
  if (text.len == 0 ||
      sodium_base642bin(to, room, (const char *)text.data, text.len, NULL, &len,
                        NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
    return 0;
  return len;
}

/** The public key that parameters describe; consumes them. */
static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM_BLD *builder) {
  OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  EVP_PKEY *pkey = NULL;
  if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
    (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
  EVP_PKEY_CTX_free(ctx);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  return pkey;
}

static EVP_PKEY *rsa_pkey(const json_t *jwk) {
  uint8_t n[NUMBER_MAX], e[8];
  size_t n_len = bytes_of(jwk, "n", n, sizeof n);
  size_t e_len = bytes_of(jwk, "e", e, sizeof e);
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  BIGNUM *modulus = BN_bin2bn(n, (int)n_len, NULL);
  BIGNUM *exponent = BN_bin2bn(e, (int)e_len, NULL);
  EVP_PKEY *pkey = NULL;
  bool is_whole =
      n_len != 0 && e_len != 0 && builder != NULL && modulus != NULL &&
      exponent != NULL &&
      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1;
  if (is_whole)
    pkey = pkey_from("RSA", builder);
  else
    OSSL_PARAM_BLD_free(builder);
  BN_free(modulus);
  BN_free(exponent);
  return pkey;
}

static EVP_PKEY *ec_pkey(const json_t *jwk) {
  static const struct {
    const char *name;
    size_t bytes;
  } curves[] = {{"P-256", 32}, {"P-384", 48}, {"P-521", 66}};
  gw_view crv = text_of(jwk, "crv");
  uint8_t point[POINT_MAX];
  for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
    size_t bytes = curves[i].bytes;
    if (!gw_view_eq(crv, gw_view_of(curves[i].name))) continue;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    if (bytes_of(jwk, "x", point + 1, bytes) != bytes ||
        bytes_of(jwk, "y", point + 1 + bytes, bytes) != bytes)
      return NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
                                        curves[i].name, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
                                         point, 1 + 2 * bytes) == 1)
      return pkey_from("EC", builder);
    OSSL_PARAM_BLD_free(builder);
  }
  return NULL;
}

static EVP_PKEY *okp_pkey(const json_t *jwk) {
  uint8_t x[32];
  if (!gw_view_eq(text_of(jwk, "crv"), gw_view_of("Ed25519")) ||
      bytes_of(jwk, "x", x, sizeof x) != sizeof x)
    return NULL;
  return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, sizeof x);
}

static gw_key *from_oct(const json_t *jwk, char *why) {
  uint8_t secret[GW_SECRET_MAX_BYTES];
  gw_view view = {secret, bytes_of(jwk, "k", secret, sizeof secret)};
  gw_key *key = gw_key_from_secret(view, why);
  sodium_memzero(secret, sizeof secret);
  return key;
}

static gw_key *from_kty(const json_t *jwk, bool may_be_secret, char *why) {
  gw_view kty = text_of(jwk, "kty");
  EVP_PKEY *pkey = NULL;
  if (gw_view_eq(kty, gw_view_of("oct"))) {
    if (may_be_secret) return from_oct(jwk, why);
    return fail(why, "a set that is fetched must not hold secrets (kty oct)");
  }
  if (gw_view_eq(kty, gw_view_of("RSA"))) pkey = rsa_pkey(jwk);
  if (gw_view_eq(kty, gw_view_of("EC"))) pkey = ec_pkey(jwk);
  if (gw_view_eq(kty, gw_view_of("OKP"))) pkey = okp_pkey(jwk);
  if (pkey == NULL)
    return fail(why, "its kty, crv or numbers are not those of a known key");
  gw_key *key = gw_key_from_pkey(pkey, why);
  EVP_PKEY_free(pkey);
  return key;
}

/** Whether what the key says of its use is signatures, or nothing. */
static bool is_for_signatures(const json_t *jwk) {
  const json_t *ops = json_object_get(jwk, "key_ops");
  gw_view use = text_of(jwk, "use");
  if (use.len != 0 && !gw_view_eq(use, gw_view_of("sig"))) return false;
  if (!json_is_array(ops)) return true;
  for (size_t i = 0; i < json_array_size(ops); i++) {
    const char *op = json_string_value(json_array_get(ops, i));
    if (op != NULL && strcmp(op, "verify") == 0) return true;
  }
  return false;
}

gw_key *gw_key_from_jwk(const json_t *jwk, bool may_be_secret,
                        char why[GW_AUTH_WHY_MAX]) {
  if (!json_is_object(jwk)) return fail(why, "it is no JSON object");
  if (!is_for_signatures(jwk)) return fail(why, "it is not for signatures");
  gw_key *key = from_kty(jwk, may_be_secret, why);
  ERR_clear_error();
  if (key == NULL) return NULL;
  gw_view alg = text_of(jwk, "alg"), kid = text_of(jwk, "kid");
  int known = gw_alg_find(alg);
  if (alg.len != 0) key->algs &= known >= 0 ? 1u << known : 0;
  if (kid.len != 0) key->kid = strdup((const char *)kid.data);
  if (key->algs != 0 && (kid.len == 0 || key->kid != NULL)) return key;
  gw_key_free(key);
  return fail(why, "its alg is not one that is taken for such a key");
}

/* ---- checking -------------------------------------------------------------- */

static bool verify_hmac(const gw_key *key, const gw_alg_info *info,
                        gw_view text, gw_view signature) {
  uint8_t mac[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  if (HMAC(info->md(), key->secret, (int)key->secret_len, text.data, text.len,
           mac, &len) == NULL)
    return false;
  return signature.len == len && CRYPTO_memcmp(signature.data, mac, len) == 0;
}

/** From two numbers side by side (RFC 7518, section 3.4) to DER. 0: it is no
 * signature. */
static size_t ecdsa_to_der(gw_view raw, uint32_t half, uint8_t der[DER_MAX]) {
  if (raw.len != 2u * half) return 0;
  ECDSA_SIG *sig = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(raw.data, (int)half, NULL);
  BIGNUM *s = BN_bin2bn(raw.data + half, (int)half, NULL);
  if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return 0;
  }
  int len = i2d_ECDSA_SIG(sig, NULL);
  if (len > 0 && (size_t)len <= DER_MAX) len = i2d_ECDSA_SIG(sig, &der);
  ECDSA_SIG_free(sig);
  return len > 0 && (size_t)len <= DER_MAX ? (size_t)len : 0;
}

static bool verify_pkey(const gw_key *key, const gw_alg_info *info,
                        gw_view text, gw_view signature) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *options = NULL;
  const EVP_MD *md = info->md != NULL ? info->md() : NULL;
  bool is_good = ctx != NULL &&
                 EVP_DigestVerifyInit(ctx, &options, md, NULL, key->pkey) == 1;
  if (is_good && info->is_pss)
    is_good =
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
  is_good = is_good && EVP_DigestVerify(ctx, signature.data, signature.len,
                                        text.data, text.len) == 1;
  EVP_MD_CTX_free(ctx);
  /* What is left there would be taken for an error of the next TLS record. */
  if (!is_good) ERR_clear_error();
  return is_good;
}

bool gw_key_verify(const gw_key *key, enum gw_alg alg, gw_view text,
                   gw_view signature) {
  const gw_alg_info *info = &gw_alg_infos[alg];
  uint8_t der[DER_MAX];
  if (!gw_algs_has(key->algs, (int)alg) || info->family != key->family)
    return false;
  if (key->family == GW_FAMILY_SECRET)
    return verify_hmac(key, info, text, signature);
  if (info->ecdsa_bytes != 0) {
    size_t len = ecdsa_to_der(signature, info->ecdsa_bytes, der);
    if (len == 0) return false;
    signature = (gw_view){der, len};
  }
  return verify_pkey(key, info, text, signature);
}
