/* SPDX-License-Identifier: MIT */
/* json_text.h - texts of JSON that clients and applications give: whether they
 * are JSON, and what is in them. */
#ifndef GODWIT_SERVER_JSON_TEXT_H
#define GODWIT_SERVER_JSON_TEXT_H

#include <jansson.h>

#include "server/core/problem.h"

/** Brackets inside brackets. */
#define GWS_JSON_DEPTH_MAX 128u

/**
 * Parse any JSON. Numbers are real, as 2^63 is no limit of JSON's.
 *   field    names the text, for the problem
 *   returns  to be released by json_decref; NULL: *p says why (BAD_REQUEST with
 *            the place, TOO_BIG: nested too deep, INTERNAL: out of memory)
 */
json_t *gws_json_parse(gw_view text, const char *field, gws_problem *p);

/** Whether it is JSON of at most max bytes; empty is fine. As above, and
 * BAD_TEXT. */
uint32_t gws_json_check(gw_view text, size_t max, const char *field,
                        gws_problem *p);

/** Whether text is in Unicode normalisation form C (UAX #15), as a comparison of
 * bytes needs it; of JSON each text in it. */
bool gws_text_is_nfc(gw_view text);
/** BAD_TEXT with the path of the text that is not. */
uint32_t gws_json_check_nfc(const json_t *value, gws_problem *p);

#endif
