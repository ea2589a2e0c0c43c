/* SPDX-License-Identifier: MIT */
/* path.h - decoded paths of requests: which may be looked for in a folder, and
 * how they are written in a URL. No I/O. */
#ifndef GODWIT_EDGE_PATH_H
#define GODWIT_EDGE_PATH_H

#include "godwit/wire.h"

/** Bytes of a path that is answered, with the NUL. */
#define GW_PATH_MAX 1024u

/** Whether a path may be a file's: text that begins with a slash, in which no part
 * but the last is empty, none begins with a dot (but for .well-known in front),
 * and no control character or backslash is. */
bool gw_path_is_plain(gw_view path);

/** Write a path as in a URL, percent-encoded. Returns the length; 0: no room for
 * it and a NUL. */
size_t gw_path_encode(gw_view path, char *to, size_t cap);

#endif
