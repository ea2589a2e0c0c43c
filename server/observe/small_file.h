/* SPDX-License-Identifier: MIT */
/* small_file.h - files that are read whole: secrets, keys, schemas. */
#ifndef GODWIT_SERVER_SMALL_FILE_H
#define GODWIT_SERVER_SMALL_FILE_H

#include <stddef.h>

#define GW_SMALL_FILE_WHY_MAX 192u

/** Returns the content of a file of at most `max` bytes, to be freed, with a NUL
 * behind its `len` bytes. NULL: `why` says what is wrong and what to do, to be
 * put behind the path. */
char *gw_small_file_read(const char *path, size_t max, size_t *len,
                         char why[GW_SMALL_FILE_WHY_MAX]);

#endif
