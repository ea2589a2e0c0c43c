/* SPDX-License-Identifier: MIT */
/* listener.h - listening sockets, and accepting from them on a loop. */
#ifndef GODWIT_SERVER_LISTENER_H
#define GODWIT_SERVER_LISTENER_H

#include <sys/types.h>
#include <uv.h>

#include "godwit/wire.h"
#include "server/edge/peer.h"

/** Sockets of one listener: some addresses, a name of which may stand for
 * several. */
#define GW_LISTEN_MAX 32u

/** Room for a sentence about why an address cannot be listened on. */
#define GW_LISTEN_WHY_MAX 512u

/** One of them. */
typedef struct gw_listen_socket {
  int fd;
  char *path;   /**< of a Unix socket that is removed with it; NULL */
  dev_t device; /**< what stood at the path, not to remove something else */
  ino_t inode;
} gw_listen_socket;

/** Sockets that listen. All zero is none. */
typedef struct gw_listen {
  gw_listen_socket items[GW_LISTEN_MAX];
  size_t num;
  uint16_t port; /**< the first real one where 0 was asked for */
} gw_listen;

/**
 * Add the sockets of a host.
 *   host    "localhost": the loopback of both address families; "*": every
 *           address of both; a name or an address
 *   port    0: the system chooses, the same for all addresses
 *   why     gets a sentence that names the address, who holds it and the remedy
 *   returns 0, GW_ERR_INVALID: none was added
 */
GW_MUST_USE int gw_listen_add(gw_listen *l, const char *host, uint16_t port,
                              char why[GW_LISTEN_WHY_MAX]);

/**
 * Add a Unix socket. One that a server left behind is removed; any other file is
 * not.
 *   mode    permissions, from the first moment on
 *   returns as above
 */
GW_MUST_USE int gw_listen_add_unix(gw_listen *l, const char *path, mode_t mode,
                                   char why[GW_LISTEN_WHY_MAX]);

/** Open sockets beside those of another worker: the system spreads connections
 * over them. A Unix socket is one for all. 0, GW_ERR_INVALID */
GW_MUST_USE int gw_listen_share(gw_listen *l, const gw_listen *with,
                                char why[GW_LISTEN_WHY_MAX]);

void gw_listen_close(gw_listen *l);

/** Put a socket of this machine at a path. Returns the descriptor, -1 and why. */
int gw__listen_unix(const char *path, mode_t mode, char *why);

/* ---- accepting ---------------------------------------------------------- */

/** What to do with the next connection. */
enum gw_room {
  GW_ROOM_ACCEPT,
  GW_ROOM_WAIT,  /**< leave it to the kernel until gw_listener_resume */
  GW_ROOM_REFUSE /**< close it at once */
};

/** What a listener wants from its surroundings. Copied. */
typedef struct gw_listener_port {
  enum gw_room (*room)(void *user);
  /** Takes a connected socket: non-blocking, over TCP with TCP_NODELAY. */
  void (*on_accept)(void *user, int fd, const gw_peer *peer);
  /** One was refused; err: errno, 0 when room said so. */
  void (*on_refuse)(void *user, int err);
  /** Descriptors from this number on are left to others, as if there were none
   * (the system gives the lowest that is free); 0: all may be used. */
  int max_fd;
} gw_listener_port;

typedef struct gw_listener {
  /* private */
  gw_listener_port port;
  void *user;
  gw_listen sockets;
  uv_poll_t polls[GW_LISTEN_MAX];
  uv_timer_t pause; /* when the system is out of descriptors */
  int reserve;      /* a descriptor to give up then */
  bool is_waiting;
  bool is_open;
} gw_listener;

/**
 * Accept on a loop.
 *   owner    takes the sockets; l stays the caller's, and must outlive the
 *            loop's next turn after gw_listener_stop
 *   returns  0, GW_ERR_INVALID
 *   thread   that of the loop, or any before the loop runs
 */
GW_MUST_USE int gw_listener_start(gw_listener *l, uv_loop_t *loop,
                                  gw_listen *sockets,
                                  const gw_listener_port *port, void *user);
/** There is room again after GW_ROOM_WAIT. */
void gw_listener_resume(gw_listener *l);
/** Close the sockets; what waits in their queues is lost. */
void gw_listener_stop(gw_listener *l);

/* ---- diagnosis ---------------------------------------------------------- */

/** Name the process that listens on a TCP port, as `"node" (pid 123)`. false
 * when it cannot be told. */
bool gw_port_owner(uint16_t port, char *text, size_t len);

#endif
