/* SPDX-License-Identifier: MIT */
/* tls.h - TLS on one libwebsockets context: its settings, its certificate, and
 * what becomes of handshakes. */
#ifndef GODWIT_SERVER_TLS_H
#define GODWIT_SERVER_TLS_H

#include <libwebsockets.h>

#include "server/net/credentials.h"

/** What TLS tells its surroundings. Copied. */
typedef struct gw_tls_port {
  /** A ClientHello came, or the handshake is complete: not in
   * gw_context_adopt. */
  void (*on_progress)(void *user, struct lws *wsi);
  /** A handshake is complete; is_resumed: the client came back with a ticket. */
  void (*on_secure)(void *user, bool is_resumed);
  /** One has failed; libwebsockets is about to close the socket.
   *   wsi   NULL: gw_context_adopt has not returned it yet
   *   why   OpenSSL's words, or ours */
  void (*on_failed)(void *user, struct lws *wsi, int fd, const char *why);
} gw_tls_port;

typedef struct gw_tls_options {
  bool is_1_3_only;
  gw_tls_port port;
  void *user;
} gw_tls_options;

/** Stays where it is while the context lives. All on the context's thread. */
typedef struct gw_tls {
  /* private */
  gw_tls_options options;
  gw_credentials *credentials;
  SSL_CTX *ctx; /* libwebsockets' own */
} gw_tls;

/** Takes a reference to the credentials. */
void gw_tls_init(gw_tls *t, const gw_tls_options *options,
                 gw_credentials *credentials);
/** After the context is gone. */
void gw_tls_deinit(gw_tls *t);

/** Set up what libwebsockets made for its vhost; it asks for it by
 * LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS. Returns 0, -1. */
GW_MUST_USE int gw_tls_set_up(gw_tls *t, SSL_CTX *ctx);

/** Name a socket that was adopted, for on_failed. */
void gw_tls_watch(struct lws *wsi);

/** From now on, connections get these; those that are there keep theirs. Takes
 * a reference. */
void gw_tls_use(gw_tls *t, gw_credentials *credentials);

#endif
