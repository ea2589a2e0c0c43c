/* SPDX-License-Identifier: MIT */
/* unreadable.h - what to do about a file that cannot be read. */
#ifndef GODWIT_SERVER_UNREADABLE_H
#define GODWIT_SERVER_UNREADABLE_H

#include <errno.h>

/** A remedy by the errno of opening or reading. */
static inline const char *gw_unreadable_remedy(int err) {
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

#endif
