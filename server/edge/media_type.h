/* SPDX-License-Identifier: MIT */
/* media_type.h - what a file is, by the end of its name. */
#ifndef GODWIT_EDGE_MEDIA_TYPE_H
#define GODWIT_EDGE_MEDIA_TYPE_H

/** "text/html; charset=utf-8"; "application/octet-stream" for what is not known.
 * Texts are UTF-8 here. */
const char *gw_media_type(const char *path);

#endif
