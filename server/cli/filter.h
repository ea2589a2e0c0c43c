/* SPDX-License-Identifier: MIT */
/* filter.h - a filter as people write it on a command line. */
#ifndef GODWIT_CLI_FILTER_H
#define GODWIT_CLI_FILTER_H

#include "godwit/wire.h"

/*
 *   symbol in (A, B) and price >= 100
 *   not (venue = "New York" or flags exists)
 *
 *   either      all { "or" all }
 *   all         one { "and" one }
 *   one         "not" one | "(" either ")" | condition
 *   condition   word ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "^=" ) word
 *             | word "in" "(" word { "," word } ")"
 *             | word "exists"
 *
 * A word is quoted, with no way to write a quote in it, or has none of the
 * characters above and no blank. ^= is: begins with.
 */

/** Room for all terms that a server takes, however they are written. */
#define GW_FILTER_SPACE (4u * GW_MAX_FILTER_BYTES)

/**
 * Read it into terms of a Subscribe.
 *   list     as long as space lives
 *   returns  NULL; what is wrong, with *at where it is in the text
 */
const char *gw_filter_read(const char *text, uint8_t space[GW_FILTER_SPACE],
                           gw_list *list, size_t *at);

#endif
