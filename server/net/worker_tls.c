/* SPDX-License-Identifier: MIT */
/* worker_tls.c - a worker's TLS: handshakes are counted and told, and another
 * certificate comes as a task. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/net/worker.h"

static void on_progress(void *user, struct lws *wsi) {
  gw_worker *w = user;
  gw_handshakes_touch(&w->handshakes, wsi, uv_now(&w->loop));
}

static void on_secure(void *user, bool is_resumed) {
  gw_worker *w = user;
  gw_stat_add(&w->stats.tls_handshakes_total, 1);
  if (is_resumed) gw_stat_add(&w->stats.tls_resumed_total, 1);
}

/** false: it has gone so far that the socket no longer knows. */
static bool name_peer(int fd, char text[INET6_ADDRSTRLEN]) {
  struct sockaddr_storage sa;
  socklen_t len = sizeof sa;
  if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0) return false;
  return getnameinfo((struct sockaddr *)&sa, len, text, INET6_ADDRSTRLEN, NULL,
                     0, NI_NUMERICHOST) == 0;
}

static void on_tls_failed(void *user, struct lws *wsi, int fd,
                          const char *why) {
  gw_worker *w = user;
  char peer[INET6_ADDRSTRLEN];
  gw_fields f;
  gw_stat_add(&w->stats.tls_failures_total, 1);
  gw_stat_add(&w->stats.handshakes_failed_total, 1);
  /* Its end is told here, not as that of a socket that sent no request. */
  if (wsi) gw_worker_end_handshake(w, wsi);
  if (!gw_log_is_on(w->options.log, GW_LOG_INFO)) return;
  gw_fields_init(&f);
  if (name_peer(fd, peer)) gw_fields_text(&f, "peer", peer);
  gw_fields_text(&f, "why", why);
  gw_log_write(w->options.log, GW_LOG_INFO, "tls.failed", f.text);
}

void gw_worker_init_tls(gw_worker *w) {
  const gw_tls_options o = {.is_1_3_only = w->options.is_tls_1_3_only,
                            .port = {.on_progress = on_progress,
                                     .on_secure = on_secure,
                                     .on_failed = on_tls_failed},
                            .user = w};
  if (w->options.credentials) gw_tls_init(&w->tls, &o, w->options.credentials);
}

typedef struct change {
  gw_task task;
  gw_credentials *credentials;
} change;

static void run_change(gw_task *task, gw_worker *w) {
  change *c = (change *)(void *)task;
  if (w) gw_tls_use(&w->tls, c->credentials);
  gw_credentials_unref(c->credentials);
  free(c);
}

int gw_worker_use_credentials(gw_worker *w, gw_credentials *credentials) {
  change *c = malloc(sizeof *c);
  if (!c) return GW_ERR_NOMEM;
  *c = (change){.task = {.run = run_change},
                .credentials = gw_credentials_ref(credentials)};
  gw_worker_post_task(w, &c->task);
  return 0;
}
