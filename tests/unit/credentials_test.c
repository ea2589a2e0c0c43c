/* SPDX-License-Identifier: MIT */
/* credentials_test.c - certificates and keys that can be used, and a sentence
 * with the remedy for each that cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/net/credentials.h"

#define DAY 86400
/** 2025-01-01 */
#define NOW INT64_C(1735689600)

/* ---- making certificates -------------------------------------------------- */

typedef struct fixture {
  char folder[32];
  char cert[64];
  char key[64];
  char why[GW_CREDENTIALS_WHY_MAX];
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  strcpy(f->folder, "/tmp/godwit-tls-XXXXXX");
  if (mkdtemp(f->folder) == NULL) return -1;
  snprintf(f->cert, sizeof f->cert, "%s/cert.pem", f->folder);
  snprintf(f->key, sizeof f->key, "%s/key.pem", f->folder);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  unlink(f->cert);
  unlink(f->key);
  rmdir(f->folder);
  free(f);
  return 0;
}

static X509 *make_certificate(EVP_PKEY *key, int64_t from_s, int64_t to_s) {
  X509 *x = X509_new();
  X509_NAME *name = X509_get_subject_name(x);
  assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from_s);
  ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to_s);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             (const unsigned char *)"localhost", -1, -1, 0);
  X509_set_issuer_name(x, name);
  X509_set_pubkey(x, key);
  assert_true(X509_sign(x, key, EVP_sha256()) > 0);
  return x;
}

static EVP_PKEY *make_key(void) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  assert_non_null(key);
  return key;
}

static void write_key(const fixture *f, EVP_PKEY *key, const char *passphrase) {
  FILE *to = fopen(f->key, "w");
  assert_non_null(to);
  const EVP_CIPHER *cipher = passphrase != NULL ? EVP_aes_128_cbc() : NULL;
  assert_int_equal(PEM_write_PrivateKey(to, key, cipher, NULL, 0, NULL,
                                        (void *)(uintptr_t)passphrase),
                   1);
  fclose(to);
}

/** Writes both files; num certificates, the first being the key's own. */
static void write_pair(const fixture *f, EVP_PKEY *key, int64_t from_s,
                       int64_t to_s, int num) {
  FILE *to = fopen(f->cert, "w");
  assert_non_null(to);
  for (int i = 0; i < num; i++) {
    EVP_PKEY *other = i > 0 ? make_key() : NULL;
    X509 *x = make_certificate(i > 0 ? other : key, from_s, to_s);
    assert_int_equal(PEM_write_X509(to, x), 1);
    X509_free(x);
    EVP_PKEY_free(other);
  }
  fclose(to);
  write_key(f, key, NULL);
}

static void write_good(const fixture *f, int num) {
  EVP_PKEY *key = make_key();
  write_pair(f, key, NOW - DAY, NOW + 30 * DAY, num);
  EVP_PKEY_free(key);
}

static void write_text(const char *path, const char *how, const char *text) {
  FILE *to = fopen(path, how);
  assert_non_null(to);
  fputs(text, to);
  fclose(to);
}

/** It is refused, with these words. */
static void refuse(fixture *f, const char *first, const char *second) {
  f->why[0] = '\0';
  assert_null(gw_credentials_load(f->cert, f->key, NOW, f->why));
  if (strstr(f->why, first) == NULL || strstr(f->why, second) == NULL)
    fail_msg("'%s' lacks '%s' or '%s'", f->why, first, second);
  assert_int_equal(ERR_peek_error(), 0);
}

/* ---- cases ----------------------------------------------------------------- */

static void a_pair_is_loaded_with_its_chain(void **state) {
  fixture *f = *state;
  for (int num = 1; num <= 3; num++) {
    write_good(f, num);
    gw_credentials *c = gw_credentials_load(f->cert, f->key, NOW, f->why);
    if (c == NULL) fail_msg("%s", f->why);
    assert_int_equal(sk_X509_num(c->chain), num - 1);
    assert_int_equal(c->expires_s, NOW + 30 * DAY);
    gw_credentials_unref(c);
  }
}

static void references_keep_it(void **state) {
  fixture *f = *state;
  write_good(f, 1);
  gw_credentials *c = gw_credentials_load(f->cert, f->key, NOW, f->why);
  assert_non_null(c);
  assert_ptr_equal(gw_credentials_ref(c), c);
  gw_credentials_unref(c);
  assert_int_equal(c->expires_s, NOW + 30 * DAY);
  gw_credentials_unref(c);
  gw_credentials_unref(NULL);
}

static void each_has_ticket_keys_of_its_own(void **state) {
  fixture *f = *state;
  write_good(f, 1);
  gw_credentials *a = gw_credentials_load(f->cert, f->key, NOW, f->why);
  gw_credentials *b = gw_credentials_load(f->cert, f->key, NOW, f->why);
  assert_true(memcmp(a->ticket_keys, b->ticket_keys, sizeof a->ticket_keys) !=
              0);
  gw_credentials_unref(a);
  gw_credentials_unref(b);
}

static void missing_files_are_named(void **state) {
  fixture *f = *state;
  refuse(f, f->cert, "No such file or directory; give the path");
  write_good(f, 1);
  unlink(f->key);
  refuse(f, "tls.key: ", "No such file or directory");
  strcpy(f->key, f->folder); /* a folder */
  refuse(f, "tls.key: ", "no private key");
  snprintf(f->key, sizeof f->key, "%s/key.pem", f->folder);
}

static void files_without_pem_are_told(void **state) {
  fixture *f = *state;
  write_good(f, 1);
  write_text(f->cert, "w", "no certificate\n");
  refuse(f, "holds no certificate in PEM", "-inform der");
  write_text(f->cert, "w", "");
  refuse(f, "holds no certificate in PEM", f->cert);
  write_good(f, 1);
  write_text(f->key, "w", "no key\n");
  refuse(f, "holds no private key", f->key);
}

static void damage_is_told_with_the_certificates_number(void **state) {
  fixture *f = *state;
  write_good(f, 1);
  write_text(f->cert, "a",
             "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  refuse(f, "certificate 2 in ", "damaged");
  write_text(f->cert, "w",
             "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  refuse(f, "certificate 1 in ", "damaged");
}

static void a_bundle_of_authorities_is_no_chain(void **state) {
  fixture *f = *state;
  write_good(f, 40);
  refuse(f, "more certificates than", f->cert);
}

static void a_key_of_another_certificate_is_refused(void **state) {
  fixture *f = *state;
  EVP_PKEY *other = make_key();
  write_good(f, 1);
  write_key(f, other, NULL);
  refuse(f, "does not belong to the certificate", f->key);
  EVP_PKEY_free(other);
}

static void a_key_with_a_passphrase_is_refused(void **state) {
  fixture *f = *state;
  EVP_PKEY *key = make_key();
  write_pair(f, key, NOW - DAY, NOW + DAY, 1);
  write_key(f, key, "secret");
  refuse(f, "needs a passphrase", "openssl pkey");
  EVP_PKEY_free(key);
}

static void times_are_checked(void **state) {
  fixture *f = *state;
  EVP_PKEY *key = make_key();
  write_pair(f, key, NOW - 9 * DAY, NOW - DAY, 1);
  refuse(f, "expired on 2024-12-31 00:00 UTC", "renew");
  write_pair(f, key, NOW - 9 * DAY, NOW, 1);
  refuse(f, "expired on 2025-01-01 00:00 UTC", "renew");
  write_pair(f, key, NOW + DAY, NOW + 9 * DAY, 1);
  refuse(f, "not valid before 2025-01-02 00:00 UTC", "clock");
  EVP_PKEY_free(key);
}

static void weak_keys_are_refused_before_a_client_comes(void **state) {
  fixture *f = *state;
  EVP_PKEY *key = EVP_RSA_gen(1024);
  write_pair(f, key, NOW - DAY, NOW + DAY, 1);
  refuse(f, "key too small", "2048 bits");
  EVP_PKEY_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_pair_is_loaded_with_its_chain),
      TEST(references_keep_it),
      TEST(each_has_ticket_keys_of_its_own),
      TEST(missing_files_are_named),
      TEST(files_without_pem_are_told),
      TEST(damage_is_told_with_the_certificates_number),
      TEST(a_bundle_of_authorities_is_no_chain),
      TEST(a_key_of_another_certificate_is_refused),
      TEST(a_key_with_a_passphrase_is_refused),
      TEST(times_are_checked),
      TEST(weak_keys_are_refused_before_a_client_comes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
