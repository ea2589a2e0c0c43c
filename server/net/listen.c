/* SPDX-License-Identifier: MIT */
/* listen.c - opens listening sockets: both address families, one port, shared
 * by workers but not with another server. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/listener.h"

/* The kernel cuts it to net.core.somaxconn. */
#define BACKLOG 4096

/* Ports that the system may choose for one family and that the other one lacks.
 */
#define PORT_TRIES 16

typedef struct address {
  struct sockaddr_storage sa;
  socklen_t len;
} address;

static void set_port(address *a, uint16_t port) {
  if (a->sa.ss_family == AF_INET6)
    ((struct sockaddr_in6 *)(void *)&a->sa)->sin6_port = htons(port);
  else
    ((struct sockaddr_in *)(void *)&a->sa)->sin_port = htons(port);
}

static uint16_t port_of(int fd) {
  address a = {.len = sizeof a.sa};
  if (getsockname(fd, (struct sockaddr *)&a.sa, &a.len) < 0) return 0;
  return ntohs(a.sa.ss_family == AF_INET6
                   ? ((struct sockaddr_in6 *)(void *)&a.sa)->sin6_port
                   : ((struct sockaddr_in *)(void *)&a.sa)->sin_port);
}

/* Returns the number of addresses; 0 and why. */
static size_t resolve(const char *host, address addresses[GW_LISTEN_MAX],
                      char *why) {
  static const char *const both[][2] = {{"127.0.0.1", "::1"},
                                        {"0.0.0.0", "::"}};
  const char *names[2] = {host, NULL};
  if (strcmp(host, "localhost") == 0) memcpy(names, both[0], sizeof names);
  if (strcmp(host, "*") == 0) memcpy(names, both[1], sizeof names);

  size_t num = 0;
  for (size_t i = 0; i < 2 && names[i]; i++) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    int err = getaddrinfo(names[i], NULL, &hints, &list);
    if (err) {
      snprintf(why, GW_LISTEN_WHY_MAX, "'%s' is no address of this machine: %s",
               host, gai_strerror(err));
      continue;
    }
    for (struct addrinfo *a = list; a && num < GW_LISTEN_MAX; a = a->ai_next) {
      addresses[num] = (address){.len = a->ai_addrlen};
      memcpy(&addresses[num].sa, a->ai_addr, a->ai_addrlen);
      num++;
    }
    freeaddrinfo(list);
  }
  return num;
}

/* Returns the socket; -errno. What it accepts inherits TCP_NODELAY (Linux),
 * which saves a call for each connection. */
static int open_one(const address *a, bool is_shared) {
  const int on = 1;
  int fd =
      socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
      (!is_shared ||
       setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
      (a->sa.ss_family != AF_INET6 ||
       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
      bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0)
    return fd;
  int err = errno;
  close(fd);
  return -err;
}

/* Two servers could share a port by SO_REUSEPORT without knowing, and each
 * would get half of the connections. A bind without it fails when anybody
 * listens. */
static int open_unshared_then_shared(const address *a) {
  int probe = open_one(a, false);
  if (probe < 0) return probe;
  close(probe);
  return open_one(a, true);
}

static bool is_family_missing(int err) {
  return err == EAFNOSUPPORT || err == EADDRNOTAVAIL || err == EPROTONOSUPPORT;
}

static void explain(int err, const char *host, uint16_t port, char *why) {
  char owner[96];
  const char *remedy = "";
  if (err == EADDRINUSE) {
    if (gw_port_owner(port, owner, sizeof owner)) {
      snprintf(why, GW_LISTEN_WHY_MAX,
               "port %u of %s is in use by %s; stop it, or choose another port",
               port, host, owner);
      return;
    }
    remedy = "; `ss -ltnp` run as root shows by whom; stop it, or choose "
             "another port";
  } else if (err == EACCES) {
    remedy = "; ports below 1024 need CAP_NET_BIND_SERVICE; choose another "
             "port, or grant it with setcap or systemd's AmbientCapabilities";
  } else if (is_family_missing(err)) {
    remedy = "; it has to be an address of this machine";
  }
  snprintf(why, GW_LISTEN_WHY_MAX, "port %u of %s: %s%s", port, host,
           strerror(err), remedy);
}

/* Opens all addresses at one port. Returns 0, or errno of the one that failed.
 * A family that the machine lacks is passed over when another is there. */
static int open_all(gw_listen *l, address *addresses, size_t num,
                    uint16_t port) {
  int last = 0;
  *l = (gw_listen){.port = port};
  for (size_t i = 0; i < num; i++) {
    set_port(&addresses[i], l->port);
    int fd = open_unshared_then_shared(&addresses[i]);
    if (fd < 0) {
      last = -fd;
      if (num > 1 && is_family_missing(last)) continue;
      gw_listen_close(l);
      return last;
    }
    l->fds[l->num++] = fd;
    l->port = port_of(fd);
  }
  return l->num > 0 ? 0 : last;
}

static int listen_all(gw_listen *l, const char *host, char *why) {
  for (size_t i = 0; i < l->num; i++) {
    if (listen(l->fds[i], BACKLOG) == 0) continue;
    explain(errno, host, l->port, why);
    gw_listen_close(l);
    return GW_ERR_INVALID;
  }
  return 0;
}

int gw_listen_open(gw_listen *l, const char *host, uint16_t port,
                   char why[GW_LISTEN_WHY_MAX]) {
  address addresses[GW_LISTEN_MAX];
  size_t num = resolve(host, addresses, why);
  *l = (gw_listen){.num = 0};
  if (num == 0) return GW_ERR_INVALID;
  int err = 0;
  for (int i = 0; i < PORT_TRIES; i++) {
    err = open_all(l, addresses, num, port);
    if (err != EADDRINUSE || port != 0) break;
  }
  if (err) {
    explain(err, host, port, why);
    return GW_ERR_INVALID;
  }
  return listen_all(l, host, why);
}

int gw_listen_share(gw_listen *l, const gw_listen *with,
                    char why[GW_LISTEN_WHY_MAX]) {
  *l = (gw_listen){.port = with->port};
  for (size_t i = 0; i < with->num; i++) {
    address a = {.len = sizeof a.sa};
    int fd = getsockname(with->fds[i], (struct sockaddr *)&a.sa, &a.len) < 0
                 ? -errno
                 : open_one(&a, true);
    if (fd < 0) {
      explain(-fd, "this machine", with->port, why);
      gw_listen_close(l);
      return GW_ERR_INVALID;
    }
    l->fds[l->num++] = fd;
  }
  return listen_all(l, "this machine", why);
}

void gw_listen_close(gw_listen *l) {
  for (size_t i = 0; i < l->num; i++)
    close(l->fds[i]);
  l->num = 0;
}
