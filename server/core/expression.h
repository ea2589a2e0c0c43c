/* SPDX-License-Identifier: MIT */
/* expression.h - a regular expression as JSON Schema means it (ECMA-262), by
 * PCRE2, with bounds for what strangers' texts may cost. */
#ifndef GODWIT_SERVER_EXPRESSION_H
#define GODWIT_SERVER_EXPRESSION_H

#include "godwit/wire.h"

/** Read-only once made; used by all threads. */
typedef struct gw_expression gw_expression;

/** Bytes of an expression. */
#define GW_EXPRESSION_MAX 16384u

/** Steps and bytes that finding a match may take: some ten milliseconds. Only
 * expressions that can be read in very many ways, such as (a+)+$, come there. */
#define GW_EXPRESSION_STEPS 1000000u
#define GW_EXPRESSION_KIB   (32u * 1024u)

/** NULL: why (why_max bytes) says what is wrong with it, or that memory is. */
gw_expression *gw_expression_new(gw_view text, char *why, size_t why_max);
void gw_expression_free(gw_expression *e); /**< NULL is fine */

/** Whether it occurs in a text, which is UTF-8: 1, 0; GW_ERR_TOO_BIG when that
 * takes more than it may, GW_ERR_NOMEM. */
int gw_expression_match(const gw_expression *e, gw_view text);

#endif
