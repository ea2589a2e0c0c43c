/* SPDX-License-Identifier: MIT */
/* floor.c - the least that a fan-out over WebSockets can cost: epoll, read,
 * frame once, and one send per subscriber and turn. No limits, no liveness, no
 * history, no checks, one topic per connection, masks of zeros only. What the
 * kernel takes for this, every server takes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>

#define SPACE_BYTES (256u * 1024u)

typedef struct conn conn;

/** A topic, with the frames of this turn. */
typedef struct topic {
  UT_hash_handle hh;
  struct topic *next_dirty;
  conn **members;
  uint32_t num;
  uint32_t cap;
  bool is_dirty;
  uint32_t len;
  uint32_t batch_cap;
  uint8_t *batch;
  char name[128];
} topic;

struct conn {
  int fd;
  bool is_open;
  topic *topic;
  uint32_t place; /* among its members */
  uint8_t *held;  /* input that is not a whole frame */
  uint32_t held_len;
  uint8_t *out; /* output that the kernel did not take */
  uint32_t out_len;
};

static int epoll;
static topic *topics;
static topic *dirty;
static uint8_t space[SPACE_BYTES];

static void *must(void *memory) {
  if (memory == NULL) abort();
  return memory;
}

/* ---- output ---------------------------------------------------------------- */

static void watch(conn *c, int how, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  (void)epoll_ctl(epoll, how, c->fd, &event);
}

static void put(conn *c, const uint8_t *data, uint32_t len) {
  if (c->out_len == 0) {
    ssize_t sent = send(c->fd, data, len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return; /* epoll will tell */
    if (sent > 0) {
      data += sent;
      len -= (uint32_t)sent;
    }
    if (len == 0) return;
    watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  }
  c->out = must(realloc(c->out, c->out_len + len));
  memcpy(c->out + c->out_len, data, len);
  c->out_len += len;
}

static void flush(conn *c) {
  ssize_t sent = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
  if (sent <= 0) return;
  c->out_len -= (uint32_t)sent;
  memmove(c->out, c->out + sent, c->out_len);
  if (c->out_len > 0) return;
  free(c->out);
  c->out = NULL;
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static uint32_t put_head(uint8_t head[10], uint32_t len) {
  head[0] = 0x82;
  if (len < 126) {
    head[1] = (uint8_t)len;
    return 2;
  }
  head[1] = 126;
  head[2] = (uint8_t)(len >> 8);
  head[3] = (uint8_t)len;
  return 4;
}

static void send_frame(conn *c, const uint8_t *data, uint32_t len) {
  uint8_t frame[4 + 65536];
  uint32_t head = put_head(frame, len);
  memcpy(frame + head, data, len);
  put(c, frame, head + len);
}

/* ---- topics ---------------------------------------------------------------- */

static topic *find(const uint8_t *name, uint32_t len) {
  topic *t;
  HASH_FIND(hh, topics, name, len, t);
  if (t != NULL) return t;
  t = must(calloc(1, sizeof *t));
  memcpy(t->name, name, len);
  HASH_ADD(hh, topics, name, len, t);
  return t;
}

static void join(conn *c, topic *t) {
  if (t->num == t->cap) {
    t->cap = t->cap == 0 ? 4 : t->cap * 2;
    t->members = must(realloc(t->members, t->cap * sizeof(conn *)));
  }
  c->topic = t;
  c->place = t->num;
  t->members[t->num++] = c;
}

static void leave(conn *c) {
  if (c->topic == NULL) return;
  conn *last = c->topic->members[--c->topic->num];
  c->topic->members[c->place] = last;
  last->place = c->place;
}

static void publish(topic *t, const uint8_t *data, uint32_t len) {
  if (t->batch_cap - t->len < len + 10) {
    t->batch_cap = t->batch_cap * 2 + len + 4096;
    t->batch = must(realloc(t->batch, t->batch_cap));
  }
  t->len += put_head(t->batch + t->len, len);
  memcpy(t->batch + t->len, data, len);
  t->len += len;
  if (t->is_dirty) return;
  t->is_dirty = true;
  t->next_dirty = dirty;
  dirty = t;
}

static void end_turn(void) {
  for (; dirty != NULL; dirty = dirty->next_dirty) {
    for (uint32_t i = 0; i < dirty->num; i++)
      put(dirty->members[i], dirty->batch, dirty->len);
    dirty->len = 0;
    dirty->is_dirty = false;
  }
}

/* ---- input ----------------------------------------------------------------- */

static void on_message(conn *c, const uint8_t *data, uint32_t len) {
  if (len == 0) return;
  switch (data[0]) {
  case 's':
    join(c, find(data + 1, len - 1));
    send_frame(c, (const uint8_t *)"k", 1);
    break;
  case 'p':
    publish(find(data + 2, data[1]), data + 2 + data[1], len - 2 - data[1]);
    break;
  case 'e':
    send_frame(c, data + 1, len - 1);
    break;
  default:
    break;
  }
}

static uint32_t take_request(conn *c, const uint8_t *data, uint32_t len) {
  static const char answer[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\n\r\n";
  const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  put(c, (const uint8_t *)answer, sizeof answer - 1);
  c->is_open = true;
  return (uint32_t)(end - data) + 4;
}

/* Frames of less than 64 KiB with a mask of zeros, which is all that the load
 * generator sends. */
static uint32_t take_frame(conn *c, const uint8_t *data, uint32_t left) {
  if (left < 4) return 0;
  uint32_t len = data[1] & 0x7Fu;
  uint32_t head = 6;
  if (len == 126) {
    len = (uint32_t)data[2] << 8 | data[3];
    head = 8;
  }
  if (left < head + len) return 0;
  if ((data[0] & 0x0Fu) <= 2) on_message(c, data + head, len);
  return head + len;
}

static void on_bytes(conn *c, const uint8_t *data, uint32_t len) {
  uint32_t at = 0, used;
  do {
    used = c->is_open ? take_frame(c, data + at, len - at)
                      : take_request(c, data + at, len - at);
    at += used;
  } while (used > 0 && at < len);
  free(c->held);
  c->held = NULL;
  c->held_len = len - at;
  if (c->held_len == 0) return;
  c->held = must(malloc(c->held_len));
  memcpy(c->held, data + at, c->held_len);
}

static void end(conn *c) {
  leave(c);
  close(c->fd);
  free(c->held);
  free(c->out);
  free(c);
}

static void on_readable(conn *c) {
  if (c->held_len > 0) memcpy(space, c->held, c->held_len);
  ssize_t len = recv(c->fd, space + c->held_len, SPACE_BYTES - c->held_len, 0);
  if (len > 0)
    on_bytes(c, space, c->held_len + (uint32_t)len);
  else if (len == 0 || errno != EAGAIN)
    end(c);
}

static void on_acceptable(int listener) {
  int on = 1;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conn *c = must(calloc(1, sizeof *c));
    c->fd = fd;
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

/* ---- main ------------------------------------------------------------------ */

static int listen_on(uint16_t port) {
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
      listen(fd, 4096) < 0) {
    perror("floor");
    exit(1);
  }
  return fd;
}

int main(int argc, char **argv) {
  struct rlimit files;
  if (argc != 2) return 2;
  (void)getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &files);
  epoll = epoll_create1(0);
  int listener = listen_on((uint16_t)atoi(argv[1]));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  (void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event events[512];
    int num = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < num; i++) {
      conn *c = events[i].data.ptr;
      if (c == NULL)
        on_acceptable(listener);
      else if ((events[i].events & EPOLLOUT) != 0 && c->out_len > 0)
        flush(c);
      else
        on_readable(c);
    }
    end_turn();
  }
}
