/* SPDX-License-Identifier: MIT */
/* port_owner.c - who listens on a TCP port, from /proc, for error messages. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/net/listener.h"

#define STATE_LISTEN 0x0au

/* The inode of the socket that listens on the port, in one of the tables. */
static unsigned long find_inode(const char *table, uint16_t port) {
  char line[512];
  unsigned long found = 0;
  FILE *f = fopen(table, "re");
  if (!f) return 0;
  while (!found && fgets(line, sizeof line, f)) {
    unsigned local = 0, state = 0;
    unsigned long inode = 0;
    int n = sscanf(line,
                   " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s "
                   "%*s %*s %lu",
                   &local, &state, &inode);
    if (n == 3 && local == port && state == STATE_LISTEN) found = inode;
  }
  fclose(f);
  return found;
}

static bool holds_socket(const char *pid, unsigned long inode) {
  char path[300], wanted[64], target[64];
  bool found = false;
  snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  DIR *dir = opendir(path);
  if (!dir) return false;
  for (struct dirent *e; !found && (e = readdir(dir));) {
    char link[600];
    snprintf(link, sizeof link, "%s/%s", path, e->d_name);
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n <= 0) continue;
    target[n] = '\0';
    found = strcmp(target, wanted) == 0;
  }
  closedir(dir);
  return found;
}

static void describe(const char *pid, char *text, size_t len) {
  char path[300], name[64] = "?";
  snprintf(path, sizeof path, "/proc/%s/comm", pid);
  FILE *f = fopen(path, "re");
  if (f) {
    if (!fgets(name, sizeof name, f)) name[0] = '?';
    fclose(f);
  }
  name[strcspn(name, "\n\"")] = '\0';
  snprintf(text, len, "\"%s\" (pid %s)", name, pid);
}

bool gw_port_owner(uint16_t port, char *text, size_t len) {
  unsigned long inode = find_inode("/proc/net/tcp", port);
  if (!inode) inode = find_inode("/proc/net/tcp6", port);
  DIR *dir = inode ? opendir("/proc") : NULL;
  bool found = false;
  if (!dir) return false;
  for (struct dirent *e; !found && (e = readdir(dir));) {
    if (!isdigit((unsigned char)e->d_name[0])) continue;
    found = holds_socket(e->d_name, inode);
    if (found) describe(e->d_name, text, len);
  }
  closedir(dir);
  return found;
}
