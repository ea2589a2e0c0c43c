/* SPDX-License-Identifier: MIT */
/* tls.h - TLS for the connections of the load generator: a whole handshake for
 * each, without tickets. */
#ifndef GODWIT_LOAD_TLS_H
#define GODWIT_LOAD_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

/** What connections have in common. NULL, and why. ca_file: PEM, beside the
 * system's authorities; NULL: none. is_insecure: take any certificate. */
SSL_CTX *gw_load_tls_new(const char *ca_file, bool is_insecure,
                         const char **why);

/** For a connected socket, which stays the caller's. name: the host's, as its
 * certificate has to say. NULL when out of memory. */
SSL *gw_load_tls_begin(SSL_CTX *ctx, int fd, const char *name);

/** Go on with the handshake. 0: done; EAGAIN, with wants_write; another errno,
 * and why. */
int gw_load_tls_shake(SSL *ssl, bool *wants_write, const char **why);

/** As recv and send do: -1 and errno, 0 at the end. Reads until there is no more
 * or no room. */
ssize_t gw_load_tls_recv(SSL *ssl, void *to, size_t len);
ssize_t gw_load_tls_send(SSL *ssl, const void *from, size_t len);

#endif
