/* SPDX-License-Identifier: MIT */
/* mounts.h - folders whose files are served, and which file a path means. */
#ifndef GODWIT_SERVER_MOUNTS_H
#define GODWIT_SERVER_MOUNTS_H

#include <sys/types.h>

#include "server/config/config.h"
#include "server/edge/path.h"

typedef struct gw_mount {
  char *path; /**< without a slash at its end: "", "/app" */
  size_t path_len;
  int folder; /**< descriptor; nothing outside of it is opened */
  uint32_t cache_s;
  bool follows_links; /**< that stay inside */
  char *csp;          /**< empty: none */
} gw_mount;

/** Mounts, longest path first. All zero is none. */
typedef struct gw_mounts {
  gw_mount *items;
  size_t num;
} gw_mounts;

/** Room for a sentence about a mount that cannot be. */
#define GW_MOUNTS_WHY_MAX 1024u

/** Add one; the fields are those of the configuration. 0; GW_ERR_INVALID and why;
 * GW_ERR_NOMEM. */
GW_MUST_USE int gw_mounts_add(gw_mounts *m, const gw_config_static *o,
                              char why[GW_MOUNTS_WHY_MAX]);
/** Add all of a configuration. */
GW_MUST_USE int gw_mounts_init(gw_mounts *m, const gw_config *c, char *why);
void gw_mounts_deinit(gw_mounts *m);

/** A file that was opened to be sent. */
typedef struct gw_file {
  int fd;
  const gw_mount *mount;
  uint64_t size;
  const char *type;     /**< of what is in it */
  const char *encoding; /**< "gzip", "br"; NULL: as it is */
  char etag[64];
} gw_file;

enum gw_mounts_found {
  GW_MOUNTS_NOTHING,
  GW_MOUNTS_FILE,
  GW_MOUNTS_FOLDER, /**< with an index: the path wants a slash at its end */
  GW_MOUNTS_LARGE   /**< a file above the limit */
};

/** Forms that a file may have beside it, and that the client takes. */
enum gw_mounts_codings { GW_CODING_GZIP = 1, GW_CODING_BR = 2 };

/**
 * Open the file of a path.
 *   path     decoded
 *   codings  bits of enum gw_mounts_codings: FILE.br, FILE.gz are taken in this
 *            order if they are there and not older
 *   owner    of FILE the caller closes f->fd
 *   blocks   for the time of a look-up, which is on a disk at worst
 */
enum gw_mounts_found gw_mounts_open(const gw_mounts *m, gw_view path,
                                    unsigned codings, uint64_t max_bytes,
                                    gw_file *f);

#endif
