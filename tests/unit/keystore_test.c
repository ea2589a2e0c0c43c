/* SPDX-License-Identifier: MIT */
/* keystore_test.c - keys that change while tokens are checked: a set that is
 * fetched between the look at the keys and the wish for a missing one. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "server/auth/jwt.h"
#include "server/auth/signer.h"

/* ---- who publishes the keys ------------------------------------------------ */

static struct {
  int fd;
  char url[64];
  char set[256];
  pthread_t thread;
} issuer;

/** The first request is answered, and then the server is gone. */
static void *serve(void *arg) {
  char request[4096], answer[512];
  (void)arg;
  int fd = accept(issuer.fd, NULL, NULL);
  if (fd < 0 || read(fd, request, sizeof request) <= 0) abort();
  int len = snprintf(answer, sizeof answer,
                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s",
                     strlen(issuer.set), issuer.set);
  if (write(fd, answer, (size_t)len) != len) abort();
  close(fd);
  return NULL;
}

static void open_issuer(void) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t len = sizeof a;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  issuer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(issuer.fd >= 0);
  assert_int_equal(bind(issuer.fd, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(issuer.fd, 4), 0);
  assert_int_equal(getsockname(issuer.fd, (struct sockaddr *)&a, &len), 0);
  (void)snprintf(issuer.url, sizeof issuer.url, "http://127.0.0.1:%u/keys",
                 (unsigned)ntohs(a.sin_port));
}

/** A new key: its public half in the set, a token that it signed. */
static char *make_token(void) {
  char pem[1024], why[GW_AUTH_WHY_MAX], x[64];
  unsigned char raw[32];
  size_t len = sizeof raw;
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  assert_non_null(key);
  assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
  (void)sodium_bin2base64(x, sizeof x, raw, len,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  (void)snprintf(
      issuer.set, sizeof issuer.set,
      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
      "\"x\":\"%s\"}]}",
      x);
  BIO *bio = BIO_new(BIO_s_mem());
  assert_int_equal(
      PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
  int n = BIO_read(bio, pem, sizeof pem - 1);
  assert_true(n > 0);
  pem[n] = '\0';
  BIO_free(bio);
  EVP_PKEY_free(key);
  gw_signer signer;
  json_t *claims =
      json_pack("{s:s, s:I}", "sub", "ada", "exp", (json_int_t)4000000000);
  assert_int_equal(gw_signer_init(&signer, gw_view_of(pem), NULL, why), 0);
  char *token = gw_signer_sign(&signer, claims, "k");
  assert_non_null(token);
  gw_signer_deinit(&signer);
  json_decref(claims);
  return token;
}

/* ---- the worker -------------------------------------------------------------- */

static gw_keystore *keys;
static bool is_slow; /* the thread is interrupted while it checks */

static uint64_t num_fetched(void) {
  gw_keystore_stats s;
  gw_keystore_stats_get(keys, &s);
  return s.num_fetched;
}

static void await_fetch(void) {
  for (int i = 0; i < 10000 && num_fetched() == 0; i++)
    usleep(1000);
  assert_int_equal(num_fetched(), 1);
}

static void decide(void *user, uint64_t session, uint64_t ticket,
                   const gw_verdict *verdict) {
  (void)user, (void)session, (void)ticket, (void)verdict;
  fail_msg("nobody has waited");
}

static void wake(void *user) {
  (void)user;
}

static uint64_t now_ms(void *user) {
  (void)user;
  return 1000;
}

/** Asked when the keys have been taken, and before the token is looked at. */
static uint64_t wall_ms(void *user) {
  (void)user;
  if (is_slow) {
    is_slow = false;
    assert_int_equal(gw_keystore_start(keys), 0);
    await_fetch();
  }
  return UINT64_C(1767225600000);
}

static gw_auth_settings settings = {.secret = "",
                                    .secret_file = "",
                                    .key_file = "",
                                    .jwks_file = "",
                                    .jwks_min_age_ms = 60000,
                                    .jwks_max_age_ms = 3600000,
                                    .jwks_interval_ms = 30000,
                                    .jwks_timeout_ms = 5000,
                                    .algorithms = "",
                                    .issuer = "",
                                    .audience = "",
                                    .user_claim = "sub",
                                    .info_claim = "info",
                                    .channels_claim = "channels",
                                    .channel_claim = "channel"};

static void test_a_key_that_comes_while_a_token_is_checked(void **state) {
  char why[GW_AUTH_WHY_MAX];
  gw_token_rules rules;
  gw_auth_stats stats = {0};
  gw_verdict v = {0};
  (void)state;
  open_issuer();
  char *token = make_token();
  settings.jwks_url = issuer.url;
  assert_int_equal(gw_token_rules_init(&rules, &settings, why), 0);
  gw_log *log =
      gw_log_new(&(gw_log_options){.fd = STDERR_FILENO, .level = GW_LOG_ERROR});
  keys = gw_keystore_new(&settings, log, why);
  assert_non_null(keys);
  gw_auth *auth =
      gw_jwt_new(&(gw_jwt_options){.fetch_timeout_ms = 5000,
                                   .rules = &rules,
                                   .keystore = keys,
                                   .stats = &stats,
                                   .port = {decide, wake, now_ms, wall_ms}});
  assert_non_null(auth);
  assert_int_equal(pthread_create(&issuer.thread, NULL, serve, NULL), 0);
  gw_question q = {.kind = GW_ASK_CONNECT, .token = gw_view_of(token)};
  is_slow = true;
  assert_true(gw_auth_ask(auth, &q, &v));
  assert_int_equal(v.code, GW_CODE_OK);
  assert_true(gw_view_eq(v.user, gw_view_of("ada")));
  assert_int_equal(gw_stat_get(&stats.tokens_unavailable_total), 0);
  assert_int_equal(num_fetched(), 1);
  gw_auth_free(auth);
  gw_keystore_free(keys);
  gw_log_free(log);
  pthread_join(issuer.thread, NULL);
  close(issuer.fd);
  free(token);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_key_that_comes_while_a_token_is_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
