/* SPDX-License-Identifier: MIT */
/* poller.c - an epoll instance that holds libuv's. */
#include "server/net/poller.h"

#include <unistd.h>

int gw_poller_add(const gw_poller *p, int fd, void *of) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = of};
  return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &event) < 0 ? GW_ERR_NOMEM : 0;
}

void gw_poller_remove(const gw_poller *p, int fd) {
  struct epoll_event none = {.events = 0};
  (void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, &none);
}

int gw_poller_open(gw_poller *p, const uv_loop_t *loop) {
  p->fd = epoll_create1(EPOLL_CLOEXEC);
  if (p->fd < 0) return GW_ERR_STATE;
  return gw_poller_add(p, uv_backend_fd(loop), NULL) < 0 ? GW_ERR_STATE : 0;
}

void gw_poller_close(gw_poller *p) {
  if (p->fd >= 0) close(p->fd);
  p->fd = -1;
}

int gw_poller_wait(gw_poller *p, int timeout_ms) {
  int num = epoll_wait(p->fd, p->ready, GW_POLLER_BATCH, timeout_ms);
  return num < 0 ? 0 : num; /* a signal */
}

void *gw_poller_ready(const gw_poller *p, int i) {
  return p->ready[i].data.ptr;
}
