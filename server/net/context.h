/* SPDX-License-Identifier: MIT */
/* context.h - a libwebsockets context on a loop of ours, set up as
 * docs/libwebsockets.md says. */
#ifndef GODWIT_SERVER_CONTEXT_H
#define GODWIT_SERVER_CONTEXT_H

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <uv.h>

#include "server/observe/log.h"

/** Connections that may be in their HTTP handshake at once, on one context:
 * each holds room for its headers, so a few thousand idle ones would hold much.
 */
#define GW_CONTEXT_HANDSHAKES 1024u

/** Bytes of all headers of one request: browsers send cookies, too. */
#define GW_CONTEXT_HEADER_BYTES 8192u

/** Seconds that an idle HTTP connection is kept. */
#define GW_CONTEXT_KEEPALIVE_S 15u

typedef struct gw_context {
  /* read-only */
  struct lws_context *lws;
  struct lws_vhost *vhost;
  /* private */
  SSL_CTX *client; /* with TLS; see context.c */
} gw_context;

typedef struct gw_context_options {
  uv_loop_t *loop;
  const struct lws_protocols *protocols; /**< ends with an empty one; static */
  void *user;                            /**< lws_context_user gives it */
  uint32_t handshake_timeout_ms;
  /** Speak TLS: the first protocol is asked to set it up, see gw_tls_set_up. */
  bool is_secure;
} gw_context_options;

/** What libwebsockets itself has to say goes here, at debug level, from all
 * contexts of the process. NULL: nowhere. */
void gw_context_set_log(gw_log *log);

/** Open a context without listening sockets. 0, GW_ERR_NOMEM, GW_ERR_STATE when
 * libwebsockets lacks its libuv part. One at a time in a process. */
GW_MUST_USE int gw_context_open(gw_context *c, const gw_context_options *o);

/** Give it a connected socket, which is its own from now on, also on failure
 * (NULL): out of memory, or its first bytes were no TLS. */
GW_MUST_USE struct lws *gw_context_adopt(const gw_context *c, int fd);

/** Look for input of a connection that was just adopted, without TLS: most clients
 * send their request along. It may end by it. */
void gw_context_serve(const gw_context *c, int fd);

/** Begin to close everything: the loop has to run until nothing of it is left,
 * then gw_context_free ends it. */
void gw_context_close(gw_context *c);
void gw_context_free(gw_context *c);

/** Whether bytes that were read from this connection, or another one of its context,
 * wait to be looked at. */
bool gw_context_has_input(struct lws *wsi);

/** Cut a connection at once: its loop will find it closed. */
void gw_context_cut(struct lws *wsi);

#endif
