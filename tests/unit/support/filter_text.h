/* SPDX-License-Identifier: MIT */
/* filter_text.h - filters and tags from short texts, for tests. */
#ifndef GODWIT_TEST_FILTER_TEXT_H
#define GODWIT_TEST_FILTER_TEXT_H

#include "godwit/wire.h"

/**
 * Terms divided by blanks, in reverse Polish notation: "lang=es price>5 &2":
 *   a=b a!=b a^b   equal, not equal, prefix
 *   a<1 a<=1 a>1 a>=1
 *   a?             exists
 *   a@b,c,d        in
 *   & | &3 |3 !    and, or of the last (two by default), not
 */
gw_list filter_of(const char *text, gw_out *out);

/** "name=value name=value". */
gw_list tags_of(const char *text, gw_out *out);

#endif
