/* SPDX-License-Identifier: MIT */
/* small_file.c - reads files whole. */
#include "server/observe/small_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A remedy by the errno of opening or reading. */
static const char *remedy_of(int err) {
  switch (err) {
  case ENOENT:
  case ENOTDIR:
    return "give the path of a file that is there";
  case EACCES:
  case EPERM:
    return "the user that the server runs as has to be able to read it";
  case EISDIR:
    return "give a file, not a folder";
  default:
    return "give a file that can be read";
  }
}

static int fail(char *why, int err) {
  (void)snprintf(why, GW_SMALL_FILE_WHY_MAX, "cannot be read: %s; %s",
                 strerror(err), remedy_of(err));
  return -1;
}

/** Takes in what there is, one byte more than is allowed at most. */
static int fill(char *content, size_t max, size_t *len, FILE *file, char *why) {
  *len = fread(content, 1, max + 1, file);
  if (ferror(file)) return fail(why, errno);
  content[*len] = '\0';
  if (*len <= max) return 0;
  (void)snprintf(why, GW_SMALL_FILE_WHY_MAX, "is larger than %zu KiB",
                 max / 1024);
  return -1;
}

char *gw_small_file_read(const char *path, size_t max, size_t *len,
                         char why[GW_SMALL_FILE_WHY_MAX]) {
  FILE *file = fopen(path, "rbe");
  if (file == NULL) {
    (void)fail(why, errno);
    return NULL;
  }
  char *content = malloc(max + 2);
  if (content == NULL) {
    (void)snprintf(why, GW_SMALL_FILE_WHY_MAX, "is not read: out of memory");
  } else if (fill(content, max, len, file, why) < 0) {
    free(content);
    content = NULL;
  }
  fclose(file);
  return content;
}
