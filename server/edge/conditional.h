/* SPDX-License-Identifier: MIT */
/* conditional.h - headers that say which form or which part of a file is wanted
 * (RFC 9110: 12.5.3, 13.1, 14.2). No I/O. */
#ifndef GODWIT_EDGE_CONDITIONAL_H
#define GODWIT_EDGE_CONDITIONAL_H

#include "godwit/wire.h"

/** Whether Accept-Encoding names a coding such as "gzip", and not with q=0. */
bool gw_accepts_coding(gw_view header, const char *coding);

/** Whether If-None-Match names an entity tag, weak or not, or is "*". */
bool gw_etag_matches(gw_view header, const char *etag);

enum gw_range {
  GW_RANGE_NONE, /**< the whole: none is asked for, or several, or no bytes */
  GW_RANGE_PART, /**< first to last */
  GW_RANGE_BAD   /**< there is no such part */
};

/** Read Range for a file of size bytes. */
enum gw_range gw_range_read(gw_view header, uint64_t size, uint64_t *first,
                            uint64_t *last);

#endif
