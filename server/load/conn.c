/* SPDX-License-Identifier: MIT */
/* conn.c - raw WebSockets of the load generator. */
#include "server/load/conn.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "server/load/load.h"

#define EVENTS_AT_ONCE 512

/** Connections from one address of this machine. */
#define PER_SOURCE 10000u

/** Answers to the request are short; what is longer is no answer. */
#define ANSWER_MAX 8192u

/* ---- bytes ---------------------------------------------------------------- */

static bool keep(gw_load_bytes *b, gw_view more) {
  if (more.len == 0) return true;
  uint8_t *data = realloc(b->data, b->len + more.len);
  if (data == NULL) return false;
  memcpy(data + b->len, more.data, more.len);
  b->data = data;
  b->len += more.len;
  return true;
}

static void forget(gw_load_bytes *b) {
  free(b->data);
  *b = (gw_load_bytes){NULL, 0};
}

/** Put what was kept in front of what comes. */
static size_t put_kept(gw_load_bytes *b, uint8_t *to) {
  size_t len = b->len;
  if (len > 0) memcpy(to, b->data, len);
  if (len > 0) forget(b);
  return len;
}

/* ---- address -------------------------------------------------------------- */

static bool is_loopback(const gw_load_address *a) {
  const struct sockaddr_in *in = (const void *)&a->to;
  return a->to.ss_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

/** Cut HOST[:PORT], which may be [ADDRESS]:PORT. */
static void split_port(char *host, const char **name, const char **port) {
  char *colon = strrchr(host, ':');
  const char *bracket = strrchr(host, ']');
  *name = host;
  if (colon != NULL && (bracket == NULL || colon > bracket)) {
    *colon = '\0';
    *port = colon + 1;
  }
  if (host[0] == '[' && bracket != NULL) {
    host[bracket - host] = '\0';
    *name = host + 1;
  }
}

const char *gw_load_address_read(gw_load_address *a, const char *url) {
  char host[sizeof a->host];
  const char *name, *port;
  a->is_secure = strncmp(url, "wss://", 6) == 0;
  if (!a->is_secure && strncmp(url, "ws://", 5) != 0)
    return "it does not begin with ws:// or wss://";
  url += a->is_secure ? 6 : 5;
  size_t len = strcspn(url, "/?");
  if (len == 0 || len >= sizeof host) return "its host is empty or too long";
  (void)snprintf(a->host, sizeof a->host, "%.*s", (int)len, url);
  (void)snprintf(host, sizeof host, "%.*s", (int)len, url);
  int path_len = snprintf(a->path, sizeof a->path, "%s%s",
                          url[len] == '/' ? "" : "/", url + len);
  if (path_len >= (int)sizeof a->path) return "its path is too long";
  port = a->is_secure ? "443" : "80";
  split_port(host, &name, &port);
  (void)snprintf(a->name, sizeof a->name, "%s", name);
  struct addrinfo *found = NULL;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  int err = getaddrinfo(name, port, &hints, &found);
  if (err != 0) return gai_strerror(err);
  /* Servers on this machine often listen on IPv4 only, and it is what has many
   * source addresses. */
  const struct addrinfo *best = found;
  for (const struct addrinfo *f = found->ai_next; f != NULL; f = f->ai_next) {
    if (f->ai_family == AF_INET && best->ai_family != AF_INET) best = f;
  }
  memcpy(&a->to, best->ai_addr, best->ai_addrlen);
  a->to_len = best->ai_addrlen;
  freeaddrinfo(found);
  return NULL;
}

/* ---- sockets -------------------------------------------------------------- */

int gw_load_sockets_init(gw_load_sockets *s) {
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  s->space = malloc(GW_LOAD_SPACE_BYTES);
  s->spare = malloc(GW_LOAD_SPACE_BYTES);
  return s->epoll >= 0 && s->space != NULL && s->spare != NULL ? 0
                                                               : GW_ERR_NOMEM;
}

void gw_load_sockets_deinit(gw_load_sockets *s) {
  if (s->epoll >= 0) close(s->epoll);
  free(s->space);
  free(s->spare);
}

static int watch(gw_load_conn *c, int how, bool wants_write) {
  struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0u),
                              .data.ptr = c};
  c->wants_write = wants_write;
  return epoll_ctl(c->all->epoll, how, c->fd, &event) == 0 ? 0 : -errno;
}

static int bind_source(int fd, uint32_t source) {
  int on = 1;
  struct sockaddr_in from = {.sin_family = AF_INET};
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source / PER_SOURCE);
  /* The port is chosen by connect(), which can use one for many servers. */
  (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  return bind(fd, (const struct sockaddr *)&from, sizeof from);
}

int gw_load_conn_open(gw_load_conn *c, gw_load_sockets *s, void *owner,
                      uint32_t source) {
  const gw_load_address *a = &s->address;
  int on = 1;
  int fd =
      socket(a->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *c = (gw_load_conn){
      .phase = GW_LOAD_CONNECTING, .fd = fd, .all = s, .owner = owner};
  int err = is_loopback(a) && bind_source(fd, source) < 0 ? -errno : 0;
  if (err == 0 && connect(fd, (const struct sockaddr *)&a->to, a->to_len) < 0 &&
      errno != EINPROGRESS)
    err = -errno;
  if (err == 0) err = watch(c, EPOLL_CTL_ADD, true);
  if (err < 0) gw_load_conn_close(c);
  return err;
}

void gw_load_conn_close(gw_load_conn *c) {
  if (c->phase == GW_LOAD_CLOSED) return;
  c->phase = GW_LOAD_CLOSED;
  SSL_free(c->ssl);
  c->ssl = NULL;
  close(c->fd);
  forget(&c->held);
  forget(&c->rest);
  forget(&c->out);
}

static void end(gw_load_conn *c, const char *why) {
  if (c->phase == GW_LOAD_CLOSED) return;
  gw_load_conn_close(c);
  c->all->events.on_end(c->owner, why);
}

static ssize_t pull(const gw_load_conn *c, void *to, size_t len) {
  return c->ssl != NULL ? gw_load_tls_recv(c->ssl, to, len)
                        : recv(c->fd, to, len, 0);
}

static ssize_t push(const gw_load_conn *c, const void *from, size_t len) {
  return c->ssl != NULL ? gw_load_tls_send(c->ssl, from, len)
                        : send(c->fd, from, len, MSG_NOSIGNAL);
}

/* ---- output --------------------------------------------------------------- */

void gw_load_conn_send(gw_load_conn *c, gw_view bytes) {
  if (c->phase == GW_LOAD_CLOSED) return;
  if (c->out.len == 0) {
    ssize_t sent = push(c, bytes.data, bytes.len);
    /* A broken connection is told by the next event. */
    if (sent < 0 && errno != EAGAIN) return;
    if (sent > 0) {
      bytes.data += sent;
      bytes.len -= (size_t)sent;
    }
    if (bytes.len == 0) return;
  }
  if (!keep(&c->out, bytes)) abort();
  if (!c->wants_write) (void)watch(c, EPOLL_CTL_MOD, true);
}

static void flush(gw_load_conn *c) {
  if (c->out.len > 0) {
    ssize_t sent = push(c, c->out.data, c->out.len);
    if (sent <= 0) return;
    c->out.len -= (size_t)sent;
    memmove(c->out.data, c->out.data + sent, c->out.len);
  }
  if (c->out.len > 0) return;
  forget(&c->out);
  (void)watch(c, EPOLL_CTL_MOD, false);
}

int gw_load_frame_put(gw_out *out, uint8_t opcode, gw_view payload) {
  uint8_t head[GW_LOAD_FRAME_HEAD_MAX] = {(uint8_t)(0x80u | opcode)};
  size_t len = 2;
  unsigned num_bytes = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8;
  head[1] = num_bytes == 0   ? (uint8_t)(0x80u | payload.len)
            : num_bytes == 2 ? 0x80u | 126u
                             : 0x80u | 127u;
  for (unsigned i = num_bytes; i-- > 0;)
    head[len++] = (uint8_t)(payload.len >> (8 * i));
  len += 4; /* a mask of zeros */
  if (out->cap - out->len < len + payload.len) return GW_ERR_FULL;
  memcpy(out->data + out->len, head, len);
  if (payload.len > 0)
    memcpy(out->data + out->len + len, payload.data, payload.len);
  out->len += len + payload.len;
  return 0;
}

static void send_pong(gw_load_conn *c, gw_view payload) {
  uint8_t space[GW_LOAD_FRAME_HEAD_MAX + 125];
  gw_out out = {space, 0, sizeof space};
  if (gw_load_frame_put(&out, GW_LOAD_PONG, payload) == 0)
    gw_load_conn_send(c, (gw_view){out.data, out.len});
}

/* ---- the upgrade ---------------------------------------------------------- */

void gw_load_conn_upgrade(gw_load_conn *c, const char *path,
                          const char *subprotocol) {
  char text[1024];
  int len =
      snprintf(text, sizeof text,
               "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: Z29kd2l0IGdvZHdpdCBncw==\r\n%s%s%s\r\n",
               path, c->all->address.host,
               subprotocol != NULL ? "Sec-WebSocket-Protocol: " : "",
               subprotocol != NULL ? subprotocol : "",
               subprotocol != NULL ? "\r\n" : "");
  if (len < 0 || len >= (int)sizeof text) {
    end(c, "its request is too long");
    return;
  }
  c->phase = GW_LOAD_UPGRADING;
  gw_load_conn_send(c, (gw_view){(const uint8_t *)text, (size_t)len});
}

/** Returns how many bytes were the answer; 0: it is not whole. */
static size_t take_answer(gw_load_conn *c, gw_view in) {
  const char *text = (const char *)in.data;
  const char *blank = memmem(text, in.len, "\r\n\r\n", 4);
  if (blank == NULL) {
    if (in.len > ANSWER_MAX) end(c, "the answer to the upgrade has no end");
    return 0;
  }
  if (in.len < 12 || memcmp(text, "HTTP/1.1 101", 12) != 0) {
    char why[128];
    const char *line_end = memchr(text, '\r', in.len);
    (void)snprintf(why, sizeof why, "the WebSocket was refused: %.*s",
                   (int)(line_end - text), text);
    end(c, why);
    return 0;
  }
  c->phase = GW_LOAD_OPEN;
  c->all->events.on_open(c->owner);
  return (size_t)(blank - text) + 4;
}

/* ---- input ---------------------------------------------------------------- */

/** A WebSocket frame at the front; returns its bytes, 0: it is not whole. */
static size_t parse_frame(gw_view in, uint8_t *first, gw_view *payload) {
  size_t head = 2;
  if (in.len < head) return 0;
  uint64_t len = in.data[1] & 0x7Fu;
  unsigned num_bytes = len < 126 ? 0 : len == 126 ? 2 : 8;
  head += num_bytes;
  if (in.len < head) return 0;
  if (num_bytes > 0) len = 0;
  for (unsigned i = 0; i < num_bytes; i++)
    len = len << 8 | in.data[2 + i];
  if (in.len - head < len) return 0;
  *first = in.data[0];
  *payload = (gw_view){in.data + head, (size_t)len};
  return head + (size_t)len;
}

static void on_closed_by_peer(gw_load_conn *c, gw_view payload) {
  char why[192];
  unsigned code = payload.len >= 2
                      ? (unsigned)(payload.data[0] << 8 | payload.data[1])
                      : 1005;
  size_t len = payload.len >= 2 ? payload.len - 2 : 0;
  (void)snprintf(why, sizeof why, "the server closed it: %u %.*s", code,
                 (int)len, len > 0 ? (const char *)payload.data + 2 : "");
  end(c, why);
}

static void on_frame(gw_load_conn *c, uint8_t first, gw_view payload,
                     gw_out *stream) {
  switch (first & 0x0Fu) {
  case GW_LOAD_CLOSE:
    on_closed_by_peer(c, payload);
    break;
  case GW_LOAD_PING:
    send_pong(c, payload);
    break;
  case GW_LOAD_PONG:
    break;
  default:
    if (c->all->is_stream) {
      memcpy(stream->data + stream->len, payload.data, payload.len);
      stream->len += payload.len;
    } else if ((first & 0x80u) == 0 || (first & 0x0Fu) == 0) {
      end(c, "a message came in several frames, which is not spoken here");
    } else {
      (void)c->all->events.on_data(c->owner, payload);
    }
  }
}

static void hand_on_stream(gw_load_conn *c, gw_out *stream) {
  if (c->phase != GW_LOAD_OPEN || stream->len == 0) return;
  size_t used =
      c->all->events.on_data(c->owner, (gw_view){stream->data, stream->len});
  if (c->phase != GW_LOAD_OPEN) return;
  if (!keep(&c->rest, (gw_view){stream->data + used, stream->len - used}))
    abort();
}

static void on_bytes(gw_load_conn *c, gw_view in) {
  gw_out stream = {c->all->spare, 0, GW_LOAD_SPACE_BYTES};
  size_t at = 0;
  if (c->phase == GW_LOAD_UPGRADING) at = take_answer(c, in);
  if (c->phase == GW_LOAD_OPEN && c->all->is_stream)
    stream.len = put_kept(&c->rest, stream.data);
  while (c->phase == GW_LOAD_OPEN) {
    uint8_t first;
    gw_view payload;
    size_t used =
        parse_frame((gw_view){in.data + at, in.len - at}, &first, &payload);
    if (used == 0) break;
    at += used;
    on_frame(c, first, payload, &stream);
  }
  if (c->all->is_stream) hand_on_stream(c, &stream);
  if (c->phase == GW_LOAD_CLOSED) return;
  if (!keep(&c->held, (gw_view){in.data + at, in.len - at})) abort();
}

static void read_input(gw_load_conn *c) {
  uint8_t *space = c->all->space;
  /* What is kept of a stream takes room in the other buffer. */
  size_t kept = c->held.len;
  if (kept + c->rest.len >= GW_LOAD_SPACE_BYTES / 2) {
    end(c, "a message is larger than what is read here");
    return;
  }
  ssize_t len = pull(c, space + kept, GW_LOAD_SPACE_BYTES - kept - c->rest.len);
  if (len < 0 && errno == EAGAIN) return;
  if (len <= 0) {
    end(c, len == 0 ? "the server hung up" : strerror(errno));
    return;
  }
  (void)put_kept(&c->held, space);
  on_bytes(c, (gw_view){space, kept + (size_t)len});
}

static void shake(gw_load_conn *c) {
  bool wants_write = false;
  const char *why = "";
  int err = gw_load_tls_shake(c->ssl, &wants_write, &why);
  if (err != 0 && err != EAGAIN) {
    char text[128];
    (void)snprintf(text, sizeof text, "TLS failed: %s", why);
    end(c, text);
    return;
  }
  if (wants_write != c->wants_write) (void)watch(c, EPOLL_CTL_MOD, wants_write);
  if (err == 0) c->all->events.on_connected(c->owner);
}

static void on_connected(gw_load_conn *c) {
  int err = 0;
  socklen_t len = sizeof err;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
  if (err != 0) {
    end(c, strerror(err));
    return;
  }
  (void)watch(c, EPOLL_CTL_MOD, false);
  if (!c->all->address.is_secure) {
    c->all->events.on_connected(c->owner);
    return;
  }
  c->ssl = gw_load_tls_begin(c->all->tls, c->fd, c->all->address.name);
  c->phase = GW_LOAD_SECURING;
  if (c->ssl != NULL)
    shake(c);
  else
    end(c, "out of memory");
}

static void on_event(gw_load_conn *c, uint32_t events) {
  if (c->phase == GW_LOAD_CONNECTING) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) on_connected(c);
    return;
  }
  if (c->phase == GW_LOAD_SECURING) {
    shake(c);
    return;
  }
  if (c->phase != GW_LOAD_CLOSED && (events & EPOLLOUT) != 0) flush(c);
  /* What TLS has taken from the socket already is no event of it. */
  if (c->phase != GW_LOAD_CLOSED && (events & ~(uint32_t)EPOLLOUT) != 0) do
      read_input(c);
    while (c->ssl != NULL && SSL_pending(c->ssl) > 0);
}

void gw_load_sockets_turn(gw_load_sockets *s, uint64_t until_ns) {
  struct epoll_event events[EVENTS_AT_ONCE];
  uint64_t now = gw_load_now_ns();
  uint64_t left = until_ns > now ? until_ns - now : 0;
  struct timespec wait = {(time_t)(left / 1000000000u),
                          (long)(left % 1000000000u)};
  int num = epoll_pwait2(s->epoll, events, EVENTS_AT_ONCE, &wait, NULL);
  for (int i = 0; i < num; i++)
    on_event(events[i].data.ptr, events[i].events);
}
