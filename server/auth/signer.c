/* SPDX-License-Identifier: MIT */
/* signer.c - claims to a signed token. */
#include "server/auth/signer.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE64URL     sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define SIGNATURE_MAX (GW_RSA_MAX_BITS / 8)

/* ---- keys ------------------------------------------------------------------ */

static int fail(char *why, const char *text) {
  (void)snprintf(why, GW_AUTH_WHY_MAX, "%s", text);
  return GW_ERR_INVALID;
}

static bool is_pem(gw_view key) {
  static const char head[] = "-----BEGIN ";
  return key.len > sizeof head - 1 &&
         memcmp(key.data, head, sizeof head - 1) == 0;
}

static int usual_alg(enum gw_key_family family) {
  gw_algs algs = gw_algs_of_family(family);
  int alg = 0;
  while (!gw_algs_has(algs, alg))
    alg++;
  return alg;
}

static int choose_alg(gw_signer *s, const gw_key *key, const char *name,
                      char *why) {
  int alg =
      name != NULL ? gw_alg_find(gw_view_of(name)) : usual_alg(key->family);
  if (alg < 0 || !gw_algs_has(key->algs, alg))
    return fail(why, "the key cannot be used with this algorithm");
  s->alg = (enum gw_alg)alg;
  return 0;
}

/** OpenSSL would ask at the terminal. */
static int no_password(char *to, int size, int is_writing, void *user) {
  (void)to;
  (void)size;
  (void)is_writing;
  (void)user;
  return -1;
}

int gw_signer_init(gw_signer *s, gw_view key, const char *alg,
                   char why[GW_AUTH_WHY_MAX]) {
  *s = (gw_signer){.secret = NULL};
  if (!is_pem(key)) {
    s->secret = gw_key_from_secret(key, why);
    return s->secret != NULL ? choose_alg(s, s->secret, alg, why)
                             : GW_ERR_INVALID;
  }
  BIO *bio = BIO_new_mem_buf(key.data, (int)key.len);
  if (bio != NULL)
    s->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
  BIO_free(bio);
  ERR_clear_error();
  if (s->pkey == NULL)
    return fail(why, "there is no private key in it, or it has a password");
  gw_key *kind = gw_key_from_pkey(s->pkey, why);
  int err = kind != NULL ? choose_alg(s, kind, alg, why) : GW_ERR_INVALID;
  gw_key_free(kind);
  return err;
}

void gw_signer_deinit(gw_signer *s) {
  gw_key_free(s->secret);
  EVP_PKEY_free(s->pkey);
  *s = (gw_signer){.secret = NULL};
}

/* ---- signatures ------------------------------------------------------------ */

static size_t sign_hmac(const gw_signer *s, gw_view text, uint8_t *to) {
  unsigned len = 0;
  const gw_alg_info *info = &gw_alg_infos[s->alg];
  if (HMAC(info->md(), s->secret->secret, (int)s->secret->secret_len, text.data,
           text.len, to, &len) == NULL)
    return 0;
  return len;
}

/** From DER to two numbers side by side. */
static size_t ecdsa_to_raw(const uint8_t *der, size_t len, uint32_t half,
                           uint8_t *to) {
  ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
  if (sig == NULL) return 0;
  bool is_done =
      BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, (int)half) == (int)half &&
      BN_bn2binpad(ECDSA_SIG_get0_s(sig), to + half, (int)half) == (int)half;
  ECDSA_SIG_free(sig);
  return is_done ? 2u * half : 0;
}

static size_t sign_pkey(const gw_signer *s, gw_view text, uint8_t *to) {
  const gw_alg_info *info = &gw_alg_infos[s->alg];
  uint8_t signature[SIGNATURE_MAX];
  size_t len = sizeof signature;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *options = NULL;
  const EVP_MD *md = info->md != NULL ? info->md() : NULL;
  bool is_good =
      ctx != NULL && EVP_DigestSignInit(ctx, &options, md, NULL, s->pkey) == 1;
  if (is_good && info->is_pss)
    is_good =
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
  is_good =
      is_good && EVP_DigestSign(ctx, signature, &len, text.data, text.len) == 1;
  EVP_MD_CTX_free(ctx);
  if (!is_good) return 0;
  if (info->ecdsa_bytes != 0)
    return ecdsa_to_raw(signature, len, info->ecdsa_bytes, to);
  memcpy(to, signature, len);
  return len;
}

/* ---- tokens ---------------------------------------------------------------- */

/** Append base64url; the room is there. */
static size_t put_base64(char *at, const void *bytes, size_t len) {
  size_t room = sodium_base64_encoded_len(len, BASE64URL);
  sodium_bin2base64(at, room, bytes, len, BASE64URL);
  return strlen(at);
}

static char *header_of(const gw_signer *s, const char *kid) {
  json_t *header = json_pack("{s:s,s:s,s:s*}", "alg", gw_alg_infos[s->alg].name,
                             "typ", "JWT", "kid", kid);
  char *text = json_dumps(header, JSON_COMPACT);
  json_decref(header);
  return text;
}

/** header.payload, with room for a signature. NULL when out of memory. */
static char *unsigned_token(const char *header, const char *payload,
                            size_t *len) {
  char *token = malloc((strlen(header) + strlen(payload) + SIGNATURE_MAX) * 2);
  if (token == NULL) return NULL;
  *len = put_base64(token, header, strlen(header));
  token[(*len)++] = '.';
  *len += put_base64(token + *len, payload, strlen(payload));
  return token;
}

char *gw_signer_sign(const gw_signer *s, const json_t *claims,
                     const char *kid) {
  uint8_t signature[SIGNATURE_MAX];
  char *header = header_of(s, kid);
  char *payload = json_dumps(claims, JSON_COMPACT);
  char *token = NULL;
  size_t len = 0, num = 0;
  if (header != NULL && payload != NULL)
    token = unsigned_token(header, payload, &len);
  if (token != NULL) {
    gw_view text = {(const uint8_t *)token, len};
    num = s->secret != NULL ? sign_hmac(s, text, signature)
                            : sign_pkey(s, text, signature);
  }
  if (num != 0) {
    token[len] = '.';
    (void)put_base64(token + len + 1, signature, num);
  } else {
    free(token);
    token = NULL;
  }
  free(header);
  free(payload);
  return token;
}
