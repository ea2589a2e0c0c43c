/* SPDX-License-Identifier: MIT */
/* poller.h - what a worker sleeps on: the sockets that it reads itself, and
 * libuv's loop as one descriptor among them. */
#ifndef GODWIT_SERVER_POLLER_H
#define GODWIT_SERVER_POLLER_H

#include <sys/epoll.h>
#include <uv.h>

#include "godwit/wire.h"

/** Sockets that are told of at a time; what is ready besides comes next. */
#define GW_POLLER_BATCH 1024

typedef struct gw_poller {
  /* private */
  int fd;
  struct epoll_event ready[GW_POLLER_BATCH];
} gw_poller;

/** Sleep on a loop, that nobody else runs then. 0, GW_ERR_STATE. */
GW_MUST_USE int gw_poller_open(gw_poller *p, const uv_loop_t *loop);
void gw_poller_close(gw_poller *p);

/** Watch a socket for input until it is closed or removed; `of` is not NULL. 0,
 * GW_ERR_NOMEM: the system has no room for it. */
GW_MUST_USE int gw_poller_add(const gw_poller *p, int fd, void *of);
void gw_poller_remove(const gw_poller *p, int fd);

/** Wait for timeout_ms at most, below 0 for as long as it takes. Returns how many
 * are ready. */
int gw_poller_wait(gw_poller *p, int timeout_ms);
/** One of them: what it was added with; NULL: the loop. */
void *gw_poller_ready(const gw_poller *p, int i);

#endif
