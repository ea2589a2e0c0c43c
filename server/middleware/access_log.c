/* SPDX-License-Identifier: MIT */
/* access_log.c - what an operator wants to know of each connection: who, where
 * from, by which way, for how long, and why it ended. No query and no cookie, as
 * both may hold secrets. */
#include "server/middleware/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/observe/log.h"

struct gw_access_log {
  gw_log *log;
  char *file;
  int fd;
  uint32_t sample;
  atomic_uint num; /* connections since the start */
};

/* ---- files ------------------------------------------------------------------ */

static const char *remedy_of(int err) {
  switch (err) {
  case ENOENT:
  case ENOTDIR:
    return "make its folder, or give another path";
  case EACCES:
  case EPERM:
    return "the user that the server runs as has to be able to write there";
  case ENXIO:
    return "what reads a pipe has to be there first";
  default:
    return "give another path";
  }
}

static void explain(const char *file, int err, char *why) {
  snprintf(why, GW_ACCESS_LOG_WHY_MAX,
           "access_log.file: '%.300s' cannot be written: %s; %s", file,
           strerror(err), remedy_of(err));
}

/* A pipe that nobody reads is an error at once, and later loses lines. */
static int open_file(const char *file, char *why) {
  int fd = open(
      file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
      S_IRUSR | S_IWUSR | S_IRGRP);
  if (fd < 0) explain(file, errno, why);
  return fd;
}

/* Whether a file that is not there could be made. 0; errno. */
static int check_folder(const char *file) {
  char folder[PATH_MAX];
  const char *slash = strrchr(file, '/');
  int len = slash == NULL ? 1 : slash == file ? 1 : (int)(slash - file);
  if (slash != NULL && slash[1] == '\0') return EISDIR;
  if (len >= PATH_MAX) return ENAMETOOLONG;
  snprintf(folder, sizeof folder, "%.*s", len, slash == NULL ? "." : file);
  return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* Nothing is opened: that would make a file, and end what reads a pipe. */
bool gw_access_log_check(const char *file, char why[GW_ACCESS_LOG_WHY_MAX]) {
  struct stat st;
  int err = stat(file, &st) < 0 ? errno : 0;
  if (err == ENOENT)
    err = check_folder(file);
  else if (err == 0 && S_ISDIR(st.st_mode))
    err = EISDIR;
  else if (err == 0 && faccessat(AT_FDCWD, file, W_OK, AT_EACCESS) < 0)
    err = errno;
  if (err != 0) explain(file, err, why);
  return err == 0;
}

int gw_access_log_new(gw_access_log **log, const gw_access_log_options *o,
                      char why[GW_ACCESS_LOG_WHY_MAX]) {
  gw_access_log *a = *log = calloc(1, sizeof *a);
  snprintf(why, GW_ACCESS_LOG_WHY_MAX, "out of memory");
  if (a == NULL) return GW_ERR_NOMEM;
  a->sample = o->sample;
  a->fd = -1;
  a->file = strdup(o->file);
  int err = a->file != NULL ? 0 : GW_ERR_NOMEM;
  if (err == 0 && *a->file != '\0') a->fd = open_file(a->file, why);
  if (err == 0 && *a->file != '\0' && a->fd < 0) err = GW_ERR_INVALID;
  if (err == 0) {
    a->log =
        gw_log_new(&(gw_log_options){.fd = a->fd >= 0 ? a->fd : STDERR_FILENO,
                                     .level = GW_LOG_INFO,
                                     .json = o->is_json,
                                     .per_second = UINT32_MAX});
    err = a->log != NULL ? 0 : GW_ERR_NOMEM;
  }
  if (err < 0) {
    gw_access_log_free(a);
    *log = NULL;
  }
  return err;
}

void gw_access_log_free(gw_access_log *a) {
  if (a == NULL) return;
  gw_log_free(a->log);
  if (a->fd >= 0) close(a->fd);
  free(a->file);
  free(a);
}

bool gw_access_log_reopen(gw_access_log *a, char why[GW_ACCESS_LOG_WHY_MAX]) {
  if (a->fd < 0) return true;
  int fd = open_file(a->file, why);
  if (fd < 0) return false;
  int err = gw_log_move(a->log, fd);
  if (err < 0)
    snprintf(why, GW_ACCESS_LOG_WHY_MAX, "access_log.file: %s", strerror(-err));
  close(fd);
  return err == 0;
}

uint64_t gw_access_log_num_lost(const gw_access_log *a) {
  return gw_log_num_suppressed(a->log); /* each line has its budget */
}

/* ---- lines ------------------------------------------------------------------- */

static void put_number(gw_fields *f, const char *key, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%016" PRIx64, value);
  gw_fields_text(f, key, text);
}

static void put_view(gw_fields *f, const char *key, gw_view v) {
  if (v.len != 0) gw_fields_view(f, key, v);
}

static void put_request(gw_fields *f, const gw_request *r) {
  put_view(f, "path", gw_request_path(r));
  if (*gw_request_route(r) != '\0')
    gw_fields_text(f, "route", gw_request_route(r));
  gw_fields_text(f, "tls", gw_request_is_secure(r) ? "yes" : "no");
  put_view(f, "agent", gw_request_get(r, GW_REQUEST_HEADER, "user-agent"));
  put_view(f, "origin", gw_request_get(r, GW_REQUEST_HEADER, "origin"));
  put_view(f, "id", gw_request_get(r, GW_REQUEST_HEADER, "x-request-id"));
}

static void on_refused(void *user, const gw_request *r,
                       const gw_refusal *refusal) {
  gw_access_log *a = user;
  gw_fields f;
  gw_fields_init(&f);
  put_view(&f, "peer", gw_request_peer(r));
  gw_fields_number(&f, "status", refusal->status);
  gw_fields_number(&f, "code", refusal->code);
  put_request(&f, r);
  if (refusal->message != NULL) gw_fields_text(&f, "why", refusal->message);
  gw_log_write(a->log, GW_LOG_INFO, "access.refused", f.text);
}

static void on_disconnect(void *user, gw_connection *c, const gw_end *end) {
  gw_access_log *a = user;
  const gw_request *r = gw_connection_request(c);
  gw_fields f;
  if (atomic_fetch_add_explicit(&a->num, 1, memory_order_relaxed) % a->sample)
    return;
  gw_fields_init(&f);
  put_view(&f, "peer", gw_connection_peer(c));
  gw_fields_number(&f, "status", 101);
  gw_fields_number(&f, "code", end->code);
  gw_fields_text(&f, "name", end->code != 0 ? gw_code_name(end->code) : "LOST");
  gw_fields_number(&f, "duration_ms", end->duration_ms);
  if (gw_connection_id(c) != 0) {
    put_number(&f, "connection", gw_connection_id(c));
    put_number(&f, "client", gw_connection_client(c));
    put_view(&f, "user", gw_connection_user(c));
  }
  if (r != NULL) put_request(&f, r);
  gw_log_write(a->log, GW_LOG_INFO, "access", f.text);
}

const gw_middleware gw_access_log_link = {.size = sizeof(gw_middleware),
                                          .name = "access_log",
                                          .keeps_request = true,
                                          .on_refused = on_refused,
                                          .on_disconnect = on_disconnect};
