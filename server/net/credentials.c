/* SPDX-License-Identifier: MIT */
/* credentials.c - reads certificate and key, and says what is wrong with them
 * before a client finds out. */
#include "server/net/credentials.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Certificates behind the first; authorities use one to three. */
#define CHAIN_MAX 16

__attribute__((format(printf, 2, 3))) static bool
explain(char why[GW_CREDENTIALS_WHY_MAX], const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vsnprintf(why, GW_CREDENTIALS_WHY_MAX, format, args);
  va_end(args);
  return false;
}

/* ---- files --------------------------------------------------------------- */

static const char *remedy_of(int err) {
  switch (err) {
  case ENOENT:
    return "give the path of a PEM file";
  case EACCES:
    return "the user that the server runs as has to be able to read it";
  default:
    return "give a PEM file that can be read";
  }
}

static BIO *open_file(const char *path, const char *option, char *why) {
  FILE *f = fopen(path, "re");
  if (f != NULL) return BIO_new_fp(f, BIO_CLOSE);
  int err = errno;
  (void)explain(why, "%s: %s cannot be read: %s; %s", option, path,
                strerror(err), remedy_of(err));
  return NULL;
}

/** The PEM reader tells by its error whether the file simply ended. */
static bool is_at_end(void) {
  unsigned long err = ERR_peek_last_error();
  return ERR_GET_LIB(err) == ERR_LIB_PEM &&
         ERR_GET_REASON(err) == PEM_R_NO_START_LINE;
}

static bool read_certificates(gw_credentials *c, BIO *in, const char *path,
                              char *why) {
  ERR_clear_error();
  c->leaf = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
  if (c->leaf == NULL && is_at_end())
    return explain(why,
                   "tls.cert: %s holds no certificate in PEM; `openssl x509 "
                   "-inform der` makes one of a file in DER",
                   path);
  while (c->leaf != NULL && sk_X509_num(c->chain) < CHAIN_MAX) {
    X509 *next = PEM_read_bio_X509(in, NULL, NULL, NULL);
    if (next == NULL && is_at_end()) return true;
    if (next == NULL || sk_X509_push(c->chain, next) <= 0) {
      X509_free(next);
      break;
    }
  }
  if (sk_X509_num(c->chain) == CHAIN_MAX)
    return explain(why,
                   "tls.cert: %s holds more certificates than lead to an "
                   "authority; keep those of the server's chain",
                   path);
  return explain(why,
                 "tls.cert: certificate %d in %s is damaged: %s; get the file "
                 "again",
                 c->leaf == NULL ? 1 : sk_X509_num(c->chain) + 2, path,
                 ERR_reason_error_string(ERR_peek_last_error()));
}

static bool load_certificates(gw_credentials *c, const char *path, char *why) {
  BIO *in = open_file(path, "tls.cert", why);
  if (in == NULL) return false;
  bool ok = read_certificates(c, in, path, why);
  BIO_free(in);
  return ok;
}

/** A server has nobody to ask; notes that the file would need it. */
static int refuse_passphrase(char *to, int size, int is_writing, void *user) {
  bool *is_encrypted = user;
  (void)to;
  (void)size;
  (void)is_writing;
  *is_encrypted = true;
  return -1;
}

static bool load_key(gw_credentials *c, const char *path, char *why) {
  bool is_encrypted = false;
  BIO *in = open_file(path, "tls.key", why);
  if (in == NULL) return false;
  ERR_clear_error();
  c->key = PEM_read_bio_PrivateKey(in, NULL, refuse_passphrase, &is_encrypted);
  BIO_free(in);
  if (c->key != NULL) return true;
  if (is_encrypted)
    return explain(why,
                   "tls.key: %s needs a passphrase, which a server cannot ask "
                   "for; `openssl pkey -in %s` writes it without",
                   path, path);
  return explain(
      why, "tls.key: %s holds no private key in PEM that can be used", path);
}

/* ---- checks -------------------------------------------------------------- */

static void write_date(const ASN1_TIME *t, char date[32]) {
  struct tm tm;
  if (ASN1_TIME_to_tm(t, &tm) != 1 ||
      strftime(date, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
    (void)snprintf(date, 32, "an unknown date");
}

static int64_t seconds_of(const ASN1_TIME *t) {
  int days = 0, seconds = 0;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  if (epoch != NULL) (void)ASN1_TIME_diff(&days, &seconds, epoch, t);
  ASN1_TIME_free(epoch);
  return (int64_t)days * 86400 + seconds;
}

/* Of the first only: chains are known that carry an expired certificate on
 * purpose, for old clients. */
static bool check_time(gw_credentials *c, const char *path, int64_t now_s,
                       char *why) {
  char date[32];
  c->expires_s = seconds_of(X509_get0_notAfter(c->leaf));
  if (c->expires_s <= now_s) {
    write_date(X509_get0_notAfter(c->leaf), date);
    return explain(why, "tls.cert: %s expired on %s; renew it", path, date);
  }
  if (seconds_of(X509_get0_notBefore(c->leaf)) > now_s) {
    write_date(X509_get0_notBefore(c->leaf), date);
    return explain(why,
                   "tls.cert: %s is not valid before %s; is the clock of this "
                   "machine right?",
                   path, date);
  }
  return true;
}

/** What OpenSSL itself would object to, at the first handshake: a key that is
 * too short, a digest that is broken. */
static bool check_strength(const gw_credentials *c, const char *path,
                           char *why) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  ERR_clear_error();
  bool ok = ctx != NULL &&
            SSL_CTX_use_cert_and_key(ctx, c->leaf, c->key, c->chain, 1) == 1;
  SSL_CTX_free(ctx);
  if (ok) return true;
  return explain(why,
                 "tls.cert: %s cannot be used: %s; RSA takes 2048 bits, and "
                 "ECDSA with P-256 is faster",
                 path, ERR_reason_error_string(ERR_peek_last_error()));
}

static bool check(gw_credentials *c, const char *cert_file,
                  const char *key_file, int64_t now_s, char *why) {
  if (X509_check_private_key(c->leaf, c->key) != 1)
    return explain(why,
                   "tls.key: %s does not belong to the certificate in %s; give "
                   "the key that the certificate was requested with, and put "
                   "the server's own certificate first",
                   key_file, cert_file);
  return check_time(c, cert_file, now_s, why) &&
         check_strength(c, cert_file, why);
}

/* ---- life ---------------------------------------------------------------- */

gw_credentials *gw_credentials_load(const char *cert_file, const char *key_file,
                                    int64_t now_s,
                                    char why[GW_CREDENTIALS_WHY_MAX]) {
  gw_credentials *c = calloc(1, sizeof *c);
  (void)explain(why, "tls.cert: out of memory");
  if (c == NULL) return NULL;
  atomic_init(&c->num_refs, 1);
  c->chain = sk_X509_new_null();
  bool ok = c->chain != NULL &&
            RAND_bytes(c->ticket_keys, sizeof c->ticket_keys) == 1 &&
            load_certificates(c, cert_file, why) &&
            load_key(c, key_file, why) &&
            check(c, cert_file, key_file, now_s, why);
  ERR_clear_error();
  if (ok) return c;
  gw_credentials_unref(c);
  return NULL;
}

gw_credentials *gw_credentials_ref(gw_credentials *c) {
  atomic_fetch_add_explicit(&c->num_refs, 1, memory_order_relaxed);
  return c;
}

void gw_credentials_unref(gw_credentials *c) {
  if (c == NULL ||
      atomic_fetch_sub_explicit(&c->num_refs, 1, memory_order_acq_rel) > 1)
    return;
  X509_free(c->leaf);
  sk_X509_pop_free(c->chain, X509_free);
  EVP_PKEY_free(c->key);
  OPENSSL_cleanse(c->ticket_keys, sizeof c->ticket_keys);
  free(c);
}
