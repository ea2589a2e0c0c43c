/* SPDX-License-Identifier: MIT */
/* listener.c - accepts connections on a worker's loop, within caps, and without
 * spinning when the system runs out of descriptors. */
#include "server/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections taken in one turn, so that a storm of them does not starve those
 * that are there. */
#define ACCEPTS_PER_TURN 64

/* How long to wait when not even the reserved descriptor helps, or there is no
 * room. */
#define PAUSE_MS 100u

static void on_readable(uv_poll_t *poll, int status, int events);

static int open_reserve(void) {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void watch(gw_listener *l, bool on) {
  for (size_t i = 0; i < l->sockets.num; i++) {
    if (on)
      uv_poll_start(&l->polls[i], UV_READABLE, on_readable);
    else
      uv_poll_stop(&l->polls[i]);
  }
}

static void on_pause_over(uv_timer_t *timer) {
  gw_listener *l = timer->data;
  if (l->reserve < 0) l->reserve = open_reserve();
  l->is_waiting = false;
  watch(l, true);
}

static void pause_accepting(gw_listener *l) {
  watch(l, false);
  uv_timer_start(&l->pause, on_pause_over, PAUSE_MS, 0);
}

/* Out of descriptors: a connection that stays in the queue would make the
 * socket readable for ever, so it is taken with the reserve and closed. */
static void drop_one(gw_listener *l, int listening, int err) {
  int fd = -1;
  if (l->reserve >= 0) {
    close(l->reserve);
    fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    l->reserve = open_reserve();
  }
  if (fd >= 0) l->port.on_refuse(l->user, err);
  if (fd >= 0 && l->reserve >= 0) return;
  pause_accepting(l);
}

static bool is_shortage(int err) {
  return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* Returns false when there is nothing more to take in this turn. */
static bool accept_one(gw_listener *l, int listening) {
  enum gw_room room = l->port.room(l->user);
  if (room == GW_ROOM_WAIT) {
    /* Until there is room; and look again soon, as it may need our asking. */
    l->is_waiting = true;
    pause_accepting(l);
    return false;
  }
  struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
  socklen_t len = sizeof from;
  int fd = accept4(listening, (struct sockaddr *)&from, &len,
                   SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0 && is_shortage(errno)) {
    drop_one(l, listening, errno);
    return !uv_is_active((uv_handle_t *)&l->pause);
  }
  /* Other errors are of the one connection, which is gone (accept(2)). */
  if (fd < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
  bool is_short = l->port.max_fd && fd >= l->port.max_fd;
  if (is_short || room == GW_ROOM_REFUSE) {
    close(fd);
    l->port.on_refuse(l->user, is_short ? EMFILE : 0);
    return true;
  }
  gw_peer peer = gw_peer_of((const struct sockaddr *)&from);
  l->port.on_accept(l->user, fd, &peer);
  return true;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  gw_listener *l = poll->data;
  size_t i = (size_t)(poll - l->polls);
  (void)events;
  if (status < 0) return;
  for (int n = 0; n < ACCEPTS_PER_TURN && l->is_open; n++)
    if (!accept_one(l, l->sockets.items[i].fd)) return;
}

int gw_listener_start(gw_listener *l, uv_loop_t *loop, gw_listen *sockets,
                      const gw_listener_port *port, void *user) {
  l->port = *port;
  l->user = user;
  l->sockets = *sockets;
  sockets->num = 0;
  l->reserve = open_reserve();
  l->is_waiting = false;
  l->is_open = true;
  uv_timer_init(loop, &l->pause);
  l->pause.data = l;
  for (size_t i = 0; i < l->sockets.num; i++) {
    if (uv_poll_init(loop, &l->polls[i], l->sockets.items[i].fd) < 0) {
      for (size_t k = i; k < l->sockets.num; k++)
        close(l->sockets.items[k].fd);
      l->sockets.num = i;
      gw_listener_stop(l);
      return GW_ERR_INVALID;
    }
    l->polls[i].data = l;
  }
  watch(l, true);
  return 0;
}

void gw_listener_resume(gw_listener *l) {
  if (!l->is_waiting || !l->is_open) return;
  l->is_waiting = false;
  uv_timer_stop(&l->pause);
  watch(l, true);
}

void gw_listener_stop(gw_listener *l) {
  if (!l->is_open) return;
  l->is_open = false;
  watch(l, false);
  for (size_t i = 0; i < l->sockets.num; i++)
    uv_close((uv_handle_t *)&l->polls[i], NULL);
  uv_close((uv_handle_t *)&l->pause, NULL);
  gw_listen_close(&l->sockets);
  if (l->reserve >= 0) close(l->reserve);
  l->reserve = -1;
}
