/* SPDX-License-Identifier: MIT */
/* credentials.h - what a TLS server shows of itself: a certificate, those that
 * lead to its authority, and its private key. */
#ifndef GODWIT_SERVER_CREDENTIALS_H
#define GODWIT_SERVER_CREDENTIALS_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "godwit/err.h"

/** Name, authentication and encryption key of session tickets (OpenSSL's
 * SSL_CTX_set_tlsext_ticket_keys). */
#define GW_CREDENTIALS_TICKET_BYTES 80

/** Room for a sentence about a file that cannot be used. */
#define GW_CREDENTIALS_WHY_MAX 1024u

/** Shared by reference, by all workers. */
typedef struct gw_credentials {
  /* read-only */
  X509 *leaf;
  STACK_OF(X509) * chain; /**< what stood behind it in the file; may be empty */
  EVP_PKEY *key;
  int64_t expires_s; /**< the leaf, since 1970 */
  /** Tickets that one worker gives are taken by the others, until other
   * credentials take the place of these. */
  unsigned char ticket_keys[GW_CREDENTIALS_TICKET_BYTES];
  /* private */
  atomic_uint num_refs;
} gw_credentials;

/**
 * Read PEM files and check that they can be used together, and now.
 *   now_s    seconds since 1970
 *   why      after a failure: a sentence with file, cause and remedy
 *   returns  with one reference; NULL
 *   thread   any
 */
gw_credentials *gw_credentials_load(const char *cert_file, const char *key_file,
                                    int64_t now_s,
                                    char why[GW_CREDENTIALS_WHY_MAX]);

/* On any thread. */
gw_credentials *gw_credentials_ref(gw_credentials *c);
void gw_credentials_unref(gw_credentials *c); /**< NULL is fine */

#endif
