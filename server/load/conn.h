/* SPDX-License-Identifier: MIT */
/* conn.h - a WebSocket over a raw socket, as cheap as can be: no extensions, and
 * a mask of zeros, so that frames can be made beforehand. */
#ifndef GODWIT_LOAD_CONN_H
#define GODWIT_LOAD_CONN_H

#include <netinet/in.h>

#include "godwit/wire.h"
#include "server/load/tls.h"

/** Bytes that a connection keeps; all zero is empty, and holds no memory. */
typedef struct gw_load_bytes {
  uint8_t *data;
  size_t len;
} gw_load_bytes;

enum gw_load_phase {
  GW_LOAD_CLOSED,
  GW_LOAD_CONNECTING,
  GW_LOAD_SECURING,
  GW_LOAD_UPGRADING,
  GW_LOAD_OPEN
};

typedef struct gw_load_sockets gw_load_sockets;

/** All zero is closed. */
typedef struct gw_load_conn {
  /* read-only */
  uint8_t phase; /**< enum gw_load_phase */
  /* private */
  bool wants_write;
  int fd;
  SSL *ssl; /**< NULL: plain */
  gw_load_sockets *all;
  void *owner;
  gw_load_bytes held; /**< of a frame that is not whole */
  gw_load_bytes rest; /**< of a stream's unit that is not whole */
  gw_load_bytes out;  /**< what the socket did not take */
} gw_load_conn;

/** Where a server is. */
typedef struct gw_load_address {
  struct sockaddr_storage to;
  socklen_t to_len;
  bool is_secure;
  char name[256]; /**< of the host, for its certificate */
  char host[256]; /**< with its port, for the request */
  char path[256];
} gw_load_address;

/** Read ws://HOST[:PORT][/PATH], or wss://, and look the host up; NULL, or what is
 * wrong. */
const char *gw_load_address_read(gw_load_address *a, const char *url);

/** What a connection tells its owner, from gw_load_sockets_turn. */
typedef struct gw_load_conn_events {
  /** The socket is connected, and secure: gw_load_conn_upgrade is next. */
  void (*on_connected)(void *owner);
  void (*on_open)(void *owner);
  /** A message, or as much of a stream as there is. Returns how many bytes were
   * used; of a message all are. */
  size_t (*on_data)(void *owner, gw_view data);
  /** It is over; why is a sentence. */
  void (*on_end)(void *owner, const char *why);
} gw_load_conn_events;

/** What is read at once, with what was held back. */
#define GW_LOAD_SPACE_BYTES (512u * 1024u)

/** What all connections have in common. */
struct gw_load_sockets {
  /* public, before init */
  gw_load_address address;
  gw_load_conn_events events;
  bool is_stream;
  SSL_CTX *tls; /**< stays the caller's; NULL: addresses are not secure */
  /* private */
  int epoll;
  uint8_t *space; /**< GW_LOAD_SPACE_BYTES for input */
  uint8_t *spare; /**< the same, for streams */
};

GW_MUST_USE int gw_load_sockets_init(gw_load_sockets *s);
void gw_load_sockets_deinit(gw_load_sockets *s);

/** Wait for events until then, and handle them. */
void gw_load_sockets_turn(gw_load_sockets *s, uint64_t until_ns);

/**
 * Begin to connect.
 *   source   to a server on this machine: the number of the address that it
 *            comes from, as one has no more than some 28,000 ports
 *   returns  0, or -errno
 */
GW_MUST_USE int gw_load_conn_open(gw_load_conn *c, gw_load_sockets *s,
                                  void *owner, uint32_t source);
/** Ask to open the WebSocket. subprotocol: NULL for none. */
void gw_load_conn_upgrade(gw_load_conn *c, const char *path,
                          const char *subprotocol);
/** Send bytes as they are: frames. What fails ends it at the next turn. */
void gw_load_conn_send(gw_load_conn *c, gw_view bytes);
void gw_load_conn_close(gw_load_conn *c);

/** Head of a frame that a client sends, at most. */
#define GW_LOAD_FRAME_HEAD_MAX 14u

enum gw_load_opcode {
  GW_LOAD_TEXT = 1,
  GW_LOAD_BINARY = 2,
  GW_LOAD_CLOSE = 8,
  GW_LOAD_PING = 9,
  GW_LOAD_PONG = 10
};

/** Append a whole frame. Returns 0, GW_ERR_FULL. */
GW_MUST_USE int gw_load_frame_put(gw_out *out, uint8_t opcode, gw_view payload);

#endif
