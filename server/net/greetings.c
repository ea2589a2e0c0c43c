/* SPDX-License-Identifier: MIT */
/* greetings.c - takes just the header from a socket, and leaves what is behind it
 * to whoever serves the client: TLS or HTTP. */
#include "server/net/greetings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct greeting {
  gw_link link; /* the first field */
  gw_greetings *all;
  uv_poll_t poll;
  int fd;
  uint64_t deadline_ms;
  size_t len;
  bool has_spoken; /* a byte was seen, be it taken or not */
  uint8_t bytes[GW_PROXY_HEADER_MAX];
} greeting;

enum progress { MORE, READY, FAILED };

/* ---- bytes --------------------------------------------------------------- */

/* What is shown of the socket's input is taken as far as it is header: all of it
 * while that is not whole. So a poll never sees the same bytes twice. */
static enum progress take(greeting *g, gw_proxy_header *h, const char **why) {
  while (g->len < sizeof g->bytes) {
    ssize_t shown = recv(g->fd, g->bytes + g->len, sizeof g->bytes - g->len,
                         MSG_PEEK | MSG_DONTWAIT);
    if (shown < 0 && (errno == EAGAIN || errno == EINTR)) return MORE;
    *why = shown == 0 ? "the connection ended" : strerror(errno);
    if (shown <= 0) return FAILED;
    g->has_spoken = true;
    int used = gw_proxy_header_read(g->bytes, g->len + (size_t)shown, h);
    *why = "it does not begin with a PROXY header";
    if (used < 0) return FAILED;
    size_t num = used == 0 ? (size_t)shown : (size_t)used - g->len;
    *why = "its input cannot be read";
    if (recv(g->fd, g->bytes + g->len, num, MSG_DONTWAIT) != (ssize_t)num)
      return FAILED;
    g->len += num;
    if (used > 0) return READY;
  }
  *why = "its PROXY header is too long";
  return FAILED;
}

/* ---- life ----------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

static void arm(gw_greetings *all);

/* Takes it out and frees it when the loop has let go of it; the socket stays. */
static int release(greeting *g) {
  int fd = g->fd;
  gw_ring_remove(&g->link);
  g->all->num--;
  uv_close((uv_handle_t *)&g->poll, on_closed);
  arm(g->all);
  return fd;
}

static void fail(gw_greetings *all, int fd, const char *why, bool is_silent) {
  gw_peer proxy = gw_peer_of_socket(fd);
  close(fd);
  all->port.on_failed(all->user, &proxy, why, is_silent);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  greeting *g = poll->data;
  gw_greetings *all = g->all;
  gw_proxy_header h;
  const char *why = "its input cannot be read";
  (void)events;
  enum progress progress = status < 0 ? FAILED : take(g, &h, &why);
  if (progress == MORE) return;
  bool is_silent = !g->has_spoken;
  int fd = release(g);
  if (progress == READY)
    all->port.on_ready(all->user, fd, &h);
  else
    fail(all, fd, why, is_silent);
}

static void on_timer(uv_timer_t *timer) {
  gw_greetings *all = timer->data;
  uint64_t now = uv_now(all->loop);
  while (!gw_ring_is_empty(&all->ring)) {
    greeting *g = (greeting *)(void *)all->ring.next;
    if (g->deadline_ms > now) break;
    bool is_silent = !g->has_spoken;
    fail(all, release(g), "its PROXY header did not come in time", is_silent);
  }
  arm(all);
}

/* For the first, whose deadline is the nearest. */
static void arm(gw_greetings *all) {
  if (gw_ring_is_empty(&all->ring)) {
    uv_timer_stop(&all->timer);
    return;
  }
  const greeting *first = (const greeting *)(const void *)all->ring.next;
  uint64_t now = uv_now(all->loop);
  uv_timer_start(&all->timer, on_timer,
                 first->deadline_ms > now ? first->deadline_ms - now : 0, 0);
}

void gw_greetings_init(gw_greetings *g, uv_loop_t *loop, uint64_t timeout_ms,
                       const gw_greetings_port *port, void *user) {
  *g = (gw_greetings){
      .port = *port, .user = user, .loop = loop, .timeout_ms = timeout_ms};
  gw_ring_init(&g->ring);
  uv_timer_init(loop, &g->timer);
  g->timer.data = g;
}

int gw_greetings_add(gw_greetings *all, int fd) {
  gw_proxy_header h;
  const char *why;
  greeting *g = malloc(sizeof *g);
  if (!g) {
    close(fd);
    return GW_ERR_NOMEM;
  }
  g->all = all;
  g->fd = fd;
  g->len = 0;
  g->has_spoken = false;
  /* Most send it along with their connection. */
  enum progress progress = take(g, &h, &why);
  if (progress == MORE && uv_poll_init(all->loop, &g->poll, fd) == 0) {
    g->link = (gw_link){NULL, NULL};
    g->poll.data = g;
    g->deadline_ms = uv_now(all->loop) + all->timeout_ms;
    gw_ring_add(&all->ring, &g->link);
    all->num++;
    uv_poll_start(&g->poll, UV_READABLE, on_readable);
    if (all->num == 1) arm(all);
    return 0;
  }
  bool is_silent = !g->has_spoken;
  free(g);
  if (progress == READY)
    all->port.on_ready(all->user, fd, &h);
  else
    fail(all, fd, progress == MORE ? "it cannot be watched" : why, is_silent);
  return 0;
}

void gw_greetings_close(gw_greetings *all) {
  while (!gw_ring_is_empty(&all->ring))
    close(release((greeting *)(void *)all->ring.next));
  uv_close((uv_handle_t *)&all->timer, NULL);
}
