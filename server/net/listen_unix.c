/* SPDX-License-Identifier: MIT */
/* listen_unix.c - binds a Unix socket in the place of one that is left over from
 * a server that is gone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/net/listener.h"

static int new_socket(void) {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Whether nobody listens at what is a socket. */
static bool is_stale(const struct sockaddr_un *address) {
  int fd = new_socket();
  if (fd < 0) return false;
  int err = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0
                ? errno
                : 0;
  close(fd);
  return err == ECONNREFUSED;
}

/* Makes room at the path. NULL, or why there is none. */
static const char *clear(const struct sockaddr_un *address) {
  struct stat st;
  const char *path = address->sun_path;
  if (lstat(path, &st) < 0) return errno == ENOENT ? NULL : strerror(errno);
  if (!S_ISSOCK(st.st_mode)) return "there is a file that is no socket";
  if (!is_stale(address))
    return "another server listens there; stop it, or choose another path";
  return unlink(path) == 0 ? NULL : strerror(errno);
}

/* With the permissions before there is anything at the path; the system takes
 * away those of the umask, which are given afterwards. */
static const char *bind_at(int fd, const struct sockaddr_un *address,
                           mode_t mode) {
  if (fchmod(fd, mode) < 0 ||
      bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ||
      chmod(address->sun_path, mode) < 0)
    return strerror(errno);
  return NULL;
}

int gw__listen_unix(const char *path, mode_t mode, char *why) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *what = "the path is too long";
  int fd = -1;
  if (strlen(path) < sizeof address.sun_path) {
    memcpy(address.sun_path, path, strlen(path) + 1);
    what = clear(&address);
    if (!what) {
      fd = new_socket();
      what = fd < 0 ? strerror(errno) : bind_at(fd, &address, mode);
    }
  }
  if (!what) return fd;
  snprintf(why, GW_LISTEN_WHY_MAX, "unix:%s: %s", path, what);
  if (fd >= 0) close(fd);
  return -1;
}
