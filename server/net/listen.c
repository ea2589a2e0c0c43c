/* SPDX-License-Identifier: MIT */
/* listen.c - opens listening sockets: both address families, one port, shared
 * by workers but not with another server. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/net/listener.h"

/* The kernel cuts it to net.core.somaxconn. */
#define BACKLOG 4096

/* Addresses that one host may stand for. */
#define HOST_ADDRESSES_MAX 8u

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
static size_t resolve(const char *host, address addresses[HOST_ADDRESSES_MAX],
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
    for (struct addrinfo *a = list; a && num < HOST_ADDRESSES_MAX;
         a = a->ai_next) {
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
  if (err == EMFILE) {
    snprintf(why, GW_LISTEN_WHY_MAX, "port %u of %s: too many addresses", port,
             host);
    return;
  }
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

static void forget(gw_listen *l, size_t from) {
  while (l->num > from) {
    gw_listen_socket *one = &l->items[--l->num];
    struct stat st;
    close(one->fd);
    if (!one->path) continue;
    if (lstat(one->path, &st) == 0 && st.st_dev == one->device &&
        st.st_ino == one->inode)
      unlink(one->path);
    free(one->path);
  }
}

/* Opens all addresses at one port. Returns 0, or errno of the one that failed.
 * A family that the machine lacks is passed over when another is there. */
static int open_all(gw_listen *l, address *addresses, size_t num,
                    uint16_t *port) {
  int last = 0;
  size_t before = l->num;
  for (size_t i = 0; i < num; i++) {
    set_port(&addresses[i], *port);
    int fd = l->num < GW_LISTEN_MAX ? open_unshared_then_shared(&addresses[i])
                                    : -EMFILE;
    if (fd < 0) {
      last = -fd;
      if (num > 1 && is_family_missing(last)) continue;
      forget(l, before);
      return last;
    }
    l->items[l->num++] = (gw_listen_socket){.fd = fd};
    *port = port_of(fd);
  }
  return l->num > before ? 0 : last;
}

static int listen_from(gw_listen *l, size_t from, const char *host,
                       uint16_t port, char *why) {
  for (size_t i = from; i < l->num; i++) {
    if (listen(l->items[i].fd, BACKLOG) == 0) continue;
    explain(errno, host, port, why);
    forget(l, from);
    return GW_ERR_INVALID;
  }
  return 0;
}

int gw_listen_add(gw_listen *l, const char *host, uint16_t port,
                  char why[GW_LISTEN_WHY_MAX]) {
  address addresses[HOST_ADDRESSES_MAX];
  size_t num = resolve(host, addresses, why), before = l->num;
  if (num == 0) return GW_ERR_INVALID;
  int err = 0;
  uint16_t real = port;
  for (int i = 0; i < PORT_TRIES; i++) {
    real = port;
    err = open_all(l, addresses, num, &real);
    if (err != EADDRINUSE || port != 0) break;
  }
  if (err) {
    explain(err, host, port, why);
    return GW_ERR_INVALID;
  }
  if (l->port == 0) l->port = real;
  return listen_from(l, before, host, real, why);
}

int gw_listen_add_unix(gw_listen *l, const char *path, mode_t mode,
                       char why[GW_LISTEN_WHY_MAX]) {
  struct stat st;
  char *copy = strdup(path);
  int fd = -1;
  snprintf(why, GW_LISTEN_WHY_MAX, "unix:%s: %s", path,
           copy ? "there are too many addresses" : "out of memory");
  if (copy && l->num < GW_LISTEN_MAX) fd = gw__listen_unix(path, mode, why);
  if (fd < 0 || lstat(path, &st) < 0) {
    if (fd >= 0) close(fd);
    free(copy);
    return GW_ERR_INVALID;
  }
  l->items[l->num++] = (gw_listen_socket){
      .fd = fd, .path = copy, .device = st.st_dev, .inode = st.st_ino};
  return listen_from(l, l->num - 1, path, 0, why);
}

/* Another socket at the address of this one. */
static int open_beside(int fd) {
  address a = {.len = sizeof a.sa};
  if (getsockname(fd, (struct sockaddr *)&a.sa, &a.len) < 0) return -errno;
  if (a.sa.ss_family != AF_UNIX) return open_one(&a, true);
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : copy;
}

int gw_listen_share(gw_listen *l, const gw_listen *with,
                    char why[GW_LISTEN_WHY_MAX]) {
  *l = (gw_listen){.port = with->port};
  for (size_t i = 0; i < with->num; i++) {
    int fd = open_beside(with->items[i].fd);
    if (fd < 0) {
      explain(-fd, "this machine", with->port, why);
      gw_listen_close(l);
      return GW_ERR_INVALID;
    }
    l->items[l->num++] = (gw_listen_socket){.fd = fd};
  }
  return listen_from(l, 0, "this machine", with->port, why);
}

void gw_listen_close(gw_listen *l) {
  forget(l, 0);
}
