/* SPDX-License-Identifier: MIT */
/* tls.c - OpenSSL as a WebSocket server wants it: little memory for who is idle,
 * certificates that change, failures that are told. */
#include "server/net/tls.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server/net/http.h"

/* Forward secrecy and authenticated encryption; in TLS 1.3 there is nothing
 * else. AES-128 comes first: a saturated fan-out takes 6 % less CPU with it. */
#define CIPHERS_1_2 "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20"
#define CIPHERS_1_3                                \
  "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
  "TLS_CHACHA20_POLY1305_SHA256"

/* Of a request without TLS that is read away; whoever sends more is on no
 * page's way here. */
#define HTTP_READ_BYTES 4096
#define HTTP_READS      4

/* ---- handshakes ---------------------------------------------------------- */

/** Who speaks HTTP to this port is a person with a wrong URL, most often. */
static void answer_http(int fd) {
  char request[HTTP_READ_BYTES], body[256], answer[512];
  int len = snprintf(body, sizeof body,
                     "{\"error\":{\"code\":%u,\"name\":\"%s\",\"message\":"
                     "\"this port speaks TLS: use https:// or wss://\"}}\n",
                     (unsigned)GW_CODE_BAD_REQUEST,
                     gw_code_name(GW_CODE_BAD_REQUEST));
  int num = snprintf(answer, sizeof answer,
                     "HTTP/1.1 400 Bad Request\r\n"
                     "content-type: application/json\r\n"
                     "content-length: %d\r\nconnection: close\r\n\r\n%s",
                     len, body);
  if (len < 0 || num < 0 || num >= (int)sizeof answer) return;
  /* What is left unread would make the kernel reset the connection, and the
   * answer be lost. */
  for (int i = 0; i < HTTP_READS; i++)
    if (recv(fd, request, sizeof request, MSG_DONTWAIT) < HTTP_READ_BYTES)
      break;
  (void)!send(fd, answer, (size_t)num, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_failure(gw_tls *t, SSL *ssl) {
  unsigned long err = ERR_peek_error();
  int fd = SSL_get_fd(ssl);
  const char *why = ERR_reason_error_string(err);
  if (ERR_GET_REASON(err) == SSL_R_HTTP_REQUEST) {
    why = "HTTP was spoken without TLS";
    answer_http(fd);
  }
  t->options.port.on_failed(t->options.user, SSL_get_app_data(ssl), fd,
                            why != NULL ? why : "the connection ended");
}

static void tell_progress(const gw_tls *t, const SSL *ssl) {
  struct lws *wsi = SSL_get_app_data(ssl);
  if (wsi != NULL) t->options.port.on_progress(t->options.user, wsi);
}

static void on_info(const SSL *ssl, int where, int result) {
  gw_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  if (where & SSL_CB_HANDSHAKE_DONE) {
    tell_progress(t, ssl);
    t->options.port.on_secure(t->options.user, SSL_session_reused(ssl) == 1);
  }
  if (where != SSL_CB_ACCEPT_EXIT || result > 0 || SSL_is_init_finished(ssl))
    return;
  int err = SSL_get_error(ssl, result);
  if (err == SSL_ERROR_SSL || err == SSL_ERROR_SYSCALL)
    on_failure(t, (SSL *)(uintptr_t)ssl);
}

/** The certificate is chosen as a ClientHello comes, so that another one can
 * take its place at any time. In OpenSSL's context it would stay beside one of
 * another kind of key. */
static int give_credentials(SSL *ssl, void *arg) {
  const gw_tls *t = arg;
  const gw_credentials *c = t->credentials;
  tell_progress(t, ssl);
  return SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1);
}

/* ---- settings ------------------------------------------------------------ */

static int set_tickets(const gw_tls *t) {
  /* OpenSSL's macro takes no const. */
  void *keys = (void *)(uintptr_t)t->credentials->ticket_keys;
  return SSL_CTX_set_tlsext_ticket_keys(t->ctx, keys,
                                        GW_CREDENTIALS_TICKET_BYTES) == 1
             ? 0
             : -1;
}

int gw_tls_set_up(gw_tls *t, SSL_CTX *ctx) {
  int oldest = t->options.is_1_3_only ? TLS1_3_VERSION : TLS1_2_VERSION;
  t->ctx = ctx;
  SSL_CTX_set_app_data(ctx, t);
  SSL_CTX_set_info_callback(ctx, on_info);
  SSL_CTX_set_cert_cb(ctx, give_credentials, t);
  /* There is one certificate, whatever name is asked for. */
  SSL_CTX_set_tlsext_servername_callback(ctx, NULL);
  /* A client that renegotiates would make us wait for it in a write. */
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_PRIORITIZE_CHACHA);
  /* Sessions are kept by the clients, one ticket for each connection. */
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  (void)SSL_CTX_set_num_tickets(ctx, 1);
  /* 18 kB more for each connection that is idle, otherwise. */
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_min_proto_version(ctx, oldest) != 1 ||
      SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) != 1 ||
      SSL_CTX_set_ciphersuites(ctx, CIPHERS_1_3) != 1)
    return -1;
  return set_tickets(t);
}

/* ---- life ---------------------------------------------------------------- */

void gw_tls_init(gw_tls *t, const gw_tls_options *options,
                 gw_credentials *credentials) {
  *t = (gw_tls){.options = *options,
                .credentials = gw_credentials_ref(credentials)};
}

void gw_tls_deinit(gw_tls *t) {
  gw_credentials_unref(t->credentials);
  t->credentials = NULL;
}

void gw_tls_watch(struct lws *wsi) {
  SSL *ssl = lws_get_ssl(wsi);
  if (ssl != NULL) (void)SSL_set_app_data(ssl, wsi);
}

void gw_tls_use(gw_tls *t, gw_credentials *credentials) {
  gw_credentials_unref(t->credentials);
  t->credentials = gw_credentials_ref(credentials);
  /* Without new keys, tickets of the old ones only go on being taken. */
  (void)set_tickets(t);
}
