/* SPDX-License-Identifier: MIT */
/* paths.h - a list of paths in the configuration, a star being all below. */
#ifndef GODWIT_EDGE_PATHS_H
#define GODWIT_EDGE_PATHS_H

#include "godwit/wire.h"

/** Whether one of the words, with commas or blanks between them, is the path; one
 * that ends with * is all that begins so. */
bool gw_paths_match(const char *words, gw_view path);

#endif
