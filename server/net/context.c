/* SPDX-License-Identifier: MIT */
/* context.c - a libwebsockets context on a foreign libuv loop: no listening
 * socket, signal, extension or timer of its own per connection. */
#include "server/net/context.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

/* A read of HTTP; WebSocket reads are as long as a protocol's rx_buffer_size.
 */
#define SERVICE_BUFFER_BYTES 4096u

static _Atomic(gw_log *) lws_log;

static void on_lws_log(int level, const char *line) {
  gw_log *log = atomic_load(&lws_log);
  gw_fields f;
  (void)level;
  if (!log || !gw_log_is_on(log, GW_LOG_DEBUG)) return;
  gw_fields_init(&f);
  gw_fields_view(&f, "text",
                 (gw_view){(const uint8_t *)line, strcspn(line, "\n")});
  gw_log_write(log, GW_LOG_DEBUG, "libwebsockets", f.text);
}

void gw_context_set_log(gw_log *log) {
  atomic_store(&lws_log, log);
  lws_set_log_level(log ? LLL_ERR | LLL_WARN : 0, on_lws_log);
}

#define TLS_OPTIONS                       \
  (LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | \
   LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX)

/* Settings for outgoing connections, which a vhost with TLS has to have.
 * libwebsockets' own would read the system's authorities for each context, and
 * never be freed where there is a second context (docs/libwebsockets.md). */
static int open_client(gw_context *c, bool is_secure) {
  if (!is_secure) return 0;
  c->client = SSL_CTX_new(TLS_client_method());
  return c->client ? 0 : GW_ERR_NOMEM;
}

int gw_context_open(gw_context *c, const gw_context_options *o) {
  /* All zero: no validity timer, which costs a walk over all connections at
   * each connect and each receive. The hub pings. */
  static const lws_retry_bo_t no_retry;
  void *loops[] = {o->loop};
  unsigned timeout_s = (o->handshake_timeout_ms + 999) / 1000;
  *c = (gw_context){.lws = NULL};
  if (open_client(c, o->is_secure) < 0) return GW_ERR_NOMEM;
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN_SERVER,
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                 (o->is_secure ? TLS_OPTIONS : 0),
      /* Over HTTP/2, WebSockets could not be written to as ws.c does. */
      .alpn = "http/1.1",
      .provided_client_ssl_ctx = c->client,
      .foreign_loops = loops,
      .protocols = o->protocols,
      .user = o->user,
      .retry_and_idle_policy = &no_retry,
      .max_http_header_pool = (unsigned short)GW_CONTEXT_HANDSHAKES,
      .max_http_header_data = (unsigned short)GW_CONTEXT_HEADER_BYTES,
      .pt_serv_buf_size = SERVICE_BUFFER_BYTES,
      .timeout_secs = timeout_s,
      .timeout_secs_ah_idle = timeout_s,
      .keepalive_timeout = (int)GW_CONTEXT_KEEPALIVE_S,
      .vhost_name = "godwit",
  };
  c->lws = lws_create_context(&info);
  if (!c->lws) return GW_ERR_STATE;
  c->vhost = lws_get_vhost_by_name(c->lws, "godwit");
  return c->vhost ? 0 : GW_ERR_STATE;
}

struct lws *gw_context_adopt(const gw_context *c, int fd) {
  return lws_adopt_socket_vhost(c->vhost, fd);
}

void gw_context_serve(const gw_context *c, int fd) {
  struct lws_pollfd ready = {.fd = fd, .events = POLLIN, .revents = POLLIN};
  (void)lws_service_fd(c->lws, &ready);
}

void gw_context_close(gw_context *c) {
  if (c->lws) lws_context_destroy(c->lws);
}

void gw_context_free(gw_context *c) {
  /* The first call of a foreign loop only begins; libuv closes by its loop. */
  if (c->lws) lws_context_destroy(c->lws);
  SSL_CTX_free(c->client);
  *c = (gw_context){.lws = NULL};
}

bool gw_context_has_input(struct lws *wsi) {
  return lws_service_adjust_timeout(lws_get_context(wsi), 1, 0) == 0;
}

void gw_context_cut(struct lws *wsi) {
  int fd = lws_get_socket_fd(wsi);
  if (fd >= 0) shutdown(fd, SHUT_RDWR);
}
