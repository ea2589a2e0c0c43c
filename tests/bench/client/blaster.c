/* SPDX-License-Identifier: MIT */
/* blaster.c - a server that sends bursts of publications as fast as a client takes
 * them, in the protocol of each client that is compared. One process, one thread.
 *
 *   godwit-blaster PORT
 *
 * A client connects to ws://127.0.0.1:PORT/WIRE/BYTES/BATCH/NUM: a name of wires.c,
 * the bytes of each object, the publications in a WebSocket message at most, and
 * the bursts that come as soon as it has subscribed. Whoever measures it connects to
 * /control before, and asks there for more: a WebSocket message with a number of
 * bursts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/client/burst.h"

#define IN_BYTES   8192u
#define OUT_BYTES  16384u
#define FIELD_MAX  256u
#define BURSTS_MAX 10000u

typedef struct conn {
  wire_peer peer;
  int fd;
  bool is_open;       /* the WebSocket is there */
  bool is_watched;    /* for room in the kernel's buffer */
  const wire *wire;   /* NULL: a control connection, or none yet */
  struct conn *other; /* the control connection's client, and the other way */
  burst *burst;
  uint32_t wanted; /* bursts that were asked for */
  uint32_t number; /* of the next publication */
  gw_view sending; /* what is left of it */
  size_t saying;   /* bytes of peer.out that are being sent */
  uint32_t in_len;
  uint8_t in[IN_BYTES];
  uint8_t out[OUT_BYTES];
} conn;

static int epoll;
/** A control connection whose client has not come yet. */
static conn *lonely;

/* ---- output ---------------------------------------------------------------- */

static void watch(conn *c, int how, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  (void)epoll_ctl(epoll, how, c->fd, &event);
}

/** Take the next thing to send; false when there is none. */
static bool next(conn *c) {
  gw_out *out = &c->peer.out;
  if (c->saying > 0) {
    out->len -= c->saying;
    memmove(out->data, out->data + c->saying, out->len);
    c->saying = 0;
  }
  if (out->len > 0) {
    c->saying = out->len;
    c->sending = (gw_view){out->data, out->len};
    return true;
  }
  if (c->wanted == 0 || !c->peer.is_ready ||
      c->number + BURST_MESSAGES > WIRE_LAST)
    return false;
  c->wanted--;
  burst_number(c->burst, c->number);
  c->number += BURST_MESSAGES;
  c->sending = (gw_view){c->burst->data, c->burst->len};
  return true;
}

static void flush(conn *c) {
  while (c->sending.len > 0 || next(c)) {
    ssize_t sent = send(c->fd, c->sending.data, c->sending.len, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN || c->is_watched) return; /* epoll tells the rest */
      c->is_watched = true;
      watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
      return;
    }
    c->sending.data += sent;
    c->sending.len -= (size_t)sent;
  }
  if (c->is_watched) watch(c, EPOLL_CTL_MOD, EPOLLIN);
  c->is_watched = false;
}

static void say_http(conn *c, const char *text) {
  gw_out *out = &c->peer.out;
  size_t len = strlen(text);
  if (out->cap - out->len < len) abort();
  memcpy(out->data + out->len, text, len);
  out->len += len;
}

/* ---- the request ----------------------------------------------------------- */

/** Copy the value of a header field; false when it is not there. */
static bool find_field(const char *request, const char *name, char *value) {
  const char *at = request;
  size_t len = strlen(name);
  while ((at = strstr(at, "\r\n")) != NULL) {
    at += 2;
    if (strncasecmp(at, name, len) != 0 || at[len] != ':') continue;
    return sscanf(at + len + 1, " %255[^,\r]", value) == 1;
  }
  return false;
}

/** RFC 6455, 4.2.2. */
static void put_accept(char *to, const char *key) {
  char text[FIELD_MAX + 64];
  unsigned char hash[SHA_DIGEST_LENGTH];
  int len = snprintf(text, sizeof text,
                     "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  SHA1((const unsigned char *)text, (size_t)len, hash);
  EVP_EncodeBlock((unsigned char *)to, hash, sizeof hash);
}

/** What the path asks for; false when it makes no sense. */
static bool take_path(conn *c, const char *request) {
  char name[32];
  unsigned object_bytes, batch, wanted;
  if (strncmp(request, "GET /control ", 13) == 0) {
    lonely = c;
    return true;
  }
  if (sscanf(request, "GET /%31[^/]/%u/%u/%u", name, &object_bytes, &batch,
             &wanted) != 4)
    return false;
  c->wire = wire_by_name(name);
  if (c->wire == NULL || wanted > BURSTS_MAX) return false;
  c->burst = burst_new(c->wire, object_bytes, batch);
  if (c->burst == NULL) return false;
  c->wanted = wanted;
  c->number = WIRE_FIRST;
  if (lonely != NULL) {
    c->other = lonely;
    lonely->other = c;
    lonely = NULL;
  }
  return true;
}

/** Returns whether the connection may stay. */
static bool answer(conn *c, const char *request) {
  char key[FIELD_MAX], protocol[FIELD_MAX], accept[64], text[1024];
  if (!find_field(request, "Sec-WebSocket-Key", key) || !take_path(c, request))
    return false;
  put_accept(accept, key);
  bool asks = find_field(request, "Sec-WebSocket-Protocol", protocol);
  (void)snprintf(
      text, sizeof text,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
      accept, asks ? "Sec-WebSocket-Protocol: " : "", asks ? protocol : "",
      asks ? "\r\n" : "");
  say_http(c, text);
  c->is_open = true;
  if (c->wire != NULL && c->wire->on_open != NULL) c->wire->on_open(&c->peer);
  return true;
}

/* ---- input ----------------------------------------------------------------- */

/** Bytes used; 0: more are needed; negative: it is over. */
static int take_request(conn *c) {
  uint8_t *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
  if (end == NULL) return 0;
  end[2] = '\0';
  return answer(c, (const char *)c->in) ? (int)(end + 4 - c->in) : -1;
}

static void on_control(conn *client, gw_view message) {
  char text[16];
  if (message.len >= sizeof text || client == NULL) return;
  memcpy(text, message.data, message.len);
  text[message.len] = '\0';
  unsigned long more = strtoul(text, NULL, 10);
  if (more > BURSTS_MAX - client->wanted) return;
  client->wanted += (uint32_t)more;
  flush(client);
}

/** A frame of a client, masked and whole. As take_request. */
static int take_frame(conn *c, uint8_t *data, uint32_t left) {
  if (left < 6) return 0;
  uint32_t len = data[1] & 0x7Fu;
  uint32_t head = 6;
  if (len == 126) {
    len = (uint32_t)data[2] << 8 | data[3];
    head = 8;
  }
  if (len > IN_BYTES - head || (data[0] & 0x0F) == 8) return -1;
  if (left < head + len) return 0;
  for (uint32_t i = 0; i < len; i++)
    data[head + i] ^= data[head - 4 + i % 4];
  gw_view message = {data + head, len};
  if ((data[0] & 0x0F) > 2) return (int)(head + len);
  if (c->wire == NULL)
    on_control(c->other, message);
  else if (c->wire->on_message != NULL)
    c->wire->on_message(&c->peer, message);
  return (int)(head + len);
}

static void end(conn *c) {
  if (c->other != NULL) c->other->other = NULL;
  if (lonely == c) lonely = NULL;
  close(c->fd);
  burst_free(c->burst);
  free(c);
}

static void on_readable(conn *c) {
  ssize_t len = recv(c->fd, c->in + c->in_len, IN_BYTES - c->in_len, 0);
  int used = len > 0 || (len < 0 && errno == EAGAIN) ? 1 : -1;
  if (len > 0) c->in_len += (uint32_t)len;
  while (used > 0 && c->in_len > 0) {
    used = c->is_open ? take_frame(c, c->in, c->in_len) : take_request(c);
    if (used <= 0) break;
    c->in_len -= (uint32_t)used;
    memmove(c->in, c->in + used, c->in_len);
  }
  if (used < 0 || c->in_len == IN_BYTES)
    end(c);
  else
    flush(c);
}

static void on_acceptable(int listener) {
  int on = 1;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conn *c = calloc(1, sizeof *c);
    if (c == NULL) abort();
    c->fd = fd;
    c->peer.out = (gw_out){c->out, 0, OUT_BYTES};
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
      listen(fd, 64) < 0) {
    perror("godwit-blaster");
    exit(1);
  }
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: godwit-blaster PORT\n", stderr);
    return 2;
  }
  epoll = epoll_create1(0);
  int listener = listen_on((uint16_t)atoi(argv[1]));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  (void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event ready;
    if (epoll_wait(epoll, &ready, 1, -1) <= 0) continue;
    conn *c = ready.data.ptr;
    if (c == NULL)
      on_acceptable(listener);
    else if ((ready.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
      on_readable(c);
    else
      flush(c);
  }
}
