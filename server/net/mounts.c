/* SPDX-License-Identifier: MIT */
/* mounts.c - opens files below folders by openat2, so that it is the system that
 * keeps a path inside, links and renames notwithstanding. */
#include "server/net/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/edge/media_type.h"

#define INDEX "index.html"

/* ---- opening ----------------------------------------------------------------- */

/* Returns a descriptor, -errno. Pipes and devices do not hold it up. */
static int open_below(const gw_mount *m, const char *name) {
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                         .resolve =
                             RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
                             (m->follows_links ? 0 : RESOLVE_NO_SYMLINKS)};
  long fd = syscall(SYS_openat2, m->folder, name, &how, sizeof how);
  return fd < 0 ? -errno : (int)fd;
}

/* A regular file; -1 when it is none. */
static int open_regular(const gw_mount *m, const char *name, struct stat *st) {
  int fd = open_below(m, name);
  if (fd < 0) return -1;
  if (fstat(fd, st) == 0 && S_ISREG(st->st_mode)) return fd;
  close(fd);
  return -1;
}

/* ---- mounts ------------------------------------------------------------------ */

static int fail(char *why, const gw_config_static *o, const char *what) {
  snprintf(why, GW_MOUNTS_WHY_MAX, "static: %.200s: %.300s: %s", o->path,
           o->folder, what);
  return GW_ERR_INVALID;
}

/* NULL, or what is wrong. */
static const char *open_folder(gw_mount *m, const char *folder) {
  m->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (m->folder < 0) return strerror(errno);
  int fd = open_below(m, ".");
  if (fd >= 0) close(fd);
  if (fd == -ENOSYS) return "serving files takes Linux 5.6 or later";
  return fd < 0 ? strerror(-fd) : NULL;
}

static const char *check_path(const char *path) {
  size_t len = strlen(path);
  if (!gw_path_is_plain(gw_view_of(path)) || len >= GW_PATH_MAX / 2)
    return "the path has to begin with a slash, and its parts with no dot";
  if (strncmp(path, "/v1/", 4) == 0 || strcmp(path, "/v1") == 0)
    return "/v1 is the server's own";
  return NULL;
}

static void free_mount(gw_mount *m) {
  free(m->path);
  free(m->csp);
  if (m->folder >= 0) close(m->folder);
}

static int insert(gw_mounts *m, const gw_mount *one) {
  gw_mount *items = realloc(m->items, (m->num + 1) * sizeof *items);
  size_t at = 0;
  if (!items) return GW_ERR_NOMEM;
  m->items = items;
  while (at < m->num && items[at].path_len >= one->path_len)
    at++;
  memmove(items + at + 1, items + at, (m->num - at) * sizeof *items);
  items[at] = *one;
  m->num++;
  return 0;
}

int gw_mounts_add(gw_mounts *m, const gw_config_static *o,
                  char why[GW_MOUNTS_WHY_MAX]) {
  const char *what = check_path(o->path);
  if (what) return fail(why, o, what);
  gw_mount one = {.path = strdup(o->path),
                  .folder = -1,
                  .cache_s = o->cache_ms / 1000,
                  .follows_links = o->symlinks == GW_SYMLINKS_INSIDE,
                  .csp = strdup(o->csp)};
  int err = one.path && one.csp ? 0 : GW_ERR_NOMEM;
  if (err == 0) {
    one.path_len = strlen(one.path);
    while (one.path_len > 0 && one.path[one.path_len - 1] == '/')
      one.path[--one.path_len] = '\0';
    for (size_t i = 0; i < m->num && !what; i++)
      if (strcmp(m->items[i].path, one.path) == 0)
        what = "another folder has this path";
    if (!what) what = open_folder(&one, o->folder);
    if (what) err = fail(why, o, what);
  }
  if (err == 0 && strpbrk(one.csp, "\r\n"))
    err = fail(why, o, "csp has to be one line");
  if (err == 0) err = insert(m, &one);
  if (err < 0) free_mount(&one);
  return err;
}

int gw_mounts_init(gw_mounts *m, const gw_config *c, char *why) {
  for (size_t i = 0; i < c->num_statics; i++) {
    int err = gw_mounts_add(m, &c->statics[i], why);
    if (err < 0) return err;
  }
  return 0;
}

void gw_mounts_deinit(gw_mounts *m) {
  for (size_t i = 0; i < m->num; i++)
    free_mount(&m->items[i]);
  free(m->items);
  *m = (gw_mounts){.num = 0};
}

/* ---- files ------------------------------------------------------------------- */

static bool has_index(const gw_mount *m, const char *name) {
  char index[GW_PATH_MAX + 32];
  struct stat st;
  snprintf(index, sizeof index, "%s/" INDEX, name);
  int fd = open_regular(m, index, &st);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* Whether a path is that of a mount, without the slash that it wants. */
static bool is_bare_mount(const gw_mounts *m, gw_view path) {
  for (size_t i = 0; i < m->num; i++) {
    const gw_mount *one = &m->items[i];
    if (one->path_len != 0 && gw_view_eq(gw_view_of(one->path), path))
      return has_index(one, ".");
  }
  return false;
}

/* The mount of a path, and what is left of it without the slash. */
static const gw_mount *find_mount(const gw_mounts *m, gw_view path,
                                  gw_view *rest) {
  for (size_t i = 0; i < m->num; i++) {
    const gw_mount *one = &m->items[i];
    if (path.len <= one->path_len || path.data[one->path_len] != '/' ||
        memcmp(path.data, one->path, one->path_len) != 0)
      continue;
    *rest =
        (gw_view){path.data + one->path_len + 1, path.len - one->path_len - 1};
    return one;
  }
  return NULL;
}

static bool is_newer(const struct stat *a, const struct stat *b) {
  if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
    return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
  return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* Take a packed form of the file in its place, if there is one that is not older
 * than the file. */
static bool take_packed(const gw_mount *m, const char *name, const char *ending,
                        const char *encoding, gw_file *f, struct stat *st) {
  char packed[GW_PATH_MAX + 32];
  struct stat its;
  snprintf(packed, sizeof packed, "%s%s", name, ending);
  int fd = open_regular(m, packed, &its);
  if (fd < 0) return false;
  if (is_newer(st, &its)) {
    close(fd);
    return false;
  }
  close(f->fd);
  f->fd = fd;
  f->encoding = encoding;
  *st = its;
  return true;
}

static void describe(gw_file *f, const struct stat *st) {
  f->size = (uint64_t)st->st_size;
  snprintf(f->etag, sizeof f->etag,
           "\"%" PRIx64 "-%" PRIx64 ".%" PRIx64 "%s%s\"", f->size,
           (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
           f->encoding ? "-" : "", f->encoding ? f->encoding : "");
}

enum gw_mounts_found gw_mounts_open(const gw_mounts *m, gw_view path,
                                    unsigned codings, uint64_t max_bytes,
                                    gw_file *f) {
  char name[GW_PATH_MAX + 16];
  struct stat st;
  gw_view rest;
  *f = (gw_file){.fd = -1};
  if (m->num == 0 || path.len >= GW_PATH_MAX || !gw_path_is_plain(path))
    return GW_MOUNTS_NOTHING;
  if (is_bare_mount(m, path)) return GW_MOUNTS_FOLDER;
  f->mount = find_mount(m, path, &rest);
  if (!f->mount) return GW_MOUNTS_NOTHING;
  bool is_folder = rest.len == 0 || rest.data[rest.len - 1] == '/';
  snprintf(name, sizeof name, "%.*s%s", (int)rest.len, (const char *)rest.data,
           is_folder ? INDEX : "");
  f->fd = open_regular(f->mount, name, &st);
  if (f->fd < 0)
    return !is_folder && has_index(f->mount, name) ? GW_MOUNTS_FOLDER
                                                   : GW_MOUNTS_NOTHING;
  f->type = gw_media_type(name);
  if (!((codings & GW_CODING_BR) &&
        take_packed(f->mount, name, ".br", "br", f, &st)) &&
      (codings & GW_CODING_GZIP))
    (void)take_packed(f->mount, name, ".gz", "gzip", f, &st);
  describe(f, &st);
  if (f->size <= max_bytes) return GW_MOUNTS_FILE;
  close(f->fd);
  f->fd = -1;
  return GW_MOUNTS_LARGE;
}
