/* SPDX-License-Identifier: MIT */
/* tls.c - OpenSSL with the results of recv and send. */
#include "server/load/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

SSL_CTX *gw_load_tls_new(const char *ca_file, bool is_insecure,
                         const char **why) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  *why = "out of memory";
  if (ctx == NULL) return NULL;
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
                            SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  if (is_insecure) return ctx;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  *why = "the certificates of --ca cannot be read";
  if (SSL_CTX_set_default_verify_paths(ctx) == 1 &&
      (ca_file == NULL || SSL_CTX_load_verify_file(ctx, ca_file) == 1))
    return ctx;
  SSL_CTX_free(ctx);
  return NULL;
}

static bool expect_name(SSL *ssl, const char *name) {
  X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) return true;
  return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
         SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *gw_load_tls_begin(SSL_CTX *ctx, int fd, const char *name) {
  SSL *ssl = SSL_new(ctx);
  if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && expect_name(ssl, name)) {
    SSL_set_connect_state(ssl);
    return ssl;
  }
  SSL_free(ssl);
  return NULL;
}

static const char *reason_of(const SSL *ssl) {
  long verified = SSL_get_verify_result(ssl);
  const char *why = verified != X509_V_OK
                        ? X509_verify_cert_error_string(verified)
                        : ERR_reason_error_string(ERR_peek_error());
  return why != NULL ? why : "the server hung up";
}

int gw_load_tls_shake(SSL *ssl, bool *wants_write, const char **why) {
  ERR_clear_error();
  int result = SSL_do_handshake(ssl);
  if (result == 1) return 0;
  int err = SSL_get_error(ssl, result);
  *wants_write = err == SSL_ERROR_WANT_WRITE;
  if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE) return EAGAIN;
  *why = reason_of(ssl);
  return EPROTO;
}

/** After a result below 1. */
static ssize_t fail(const SSL *ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE:
    errno = EAGAIN;
    return -1;
  case SSL_ERROR_ZERO_RETURN:
    return 0;
  case SSL_ERROR_SYSCALL:
    if (errno == 0) errno = ECONNRESET;
    return -1;
  default:
    errno = EPROTO;
    return -1;
  }
}

static int at_most(size_t len) {
  return len < INT_MAX ? (int)len : INT_MAX;
}

ssize_t gw_load_tls_recv(SSL *ssl, void *to, size_t len) {
  size_t got = 0;
  while (got < len) {
    ERR_clear_error();
    errno = 0;
    int num = SSL_read(ssl, (char *)to + got, at_most(len - got));
    if (num <= 0) return got > 0 ? (ssize_t)got : fail(ssl, num);
    got += (size_t)num;
  }
  return (ssize_t)got;
}

ssize_t gw_load_tls_send(SSL *ssl, const void *from, size_t len) {
  size_t sent = 0;
  while (sent < len) {
    ERR_clear_error();
    errno = 0;
    int num = SSL_write(ssl, (const char *)from + sent, at_most(len - sent));
    if (num <= 0) return sent > 0 ? (ssize_t)sent : fail(ssl, num);
    sent += (size_t)num;
  }
  return (ssize_t)sent;
}
