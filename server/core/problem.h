/* SPDX-License-Identifier: MIT */
/* problem.h - what is wrong with a request, and where in it. */
#ifndef GODWIT_SERVER_PROBLEM_H
#define GODWIT_SERVER_PROBLEM_H

#include "godwit/wire.h"

/** Longest path that is told; longer ones lose their end. */
#define GWS_PATH_MAX 200u

typedef struct gws_problem {
  uint32_t code;                     /**< GW_CODE_OK: there is none */
  char why[GW_MAX_REASON_BYTES + 1]; /**< empty: the code's own sentence */
  char field[GWS_PATH_MAX + 1];      /**< path of the field; empty: of none */
} gws_problem;

/** Note a problem: field and why are literals, or live elsewhere; NULL: none.
 * Returns the code. */
uint32_t gws_problem_set(gws_problem *p, uint32_t code, const char *field,
                         const char *why);

/** Append to the path: a name after a dot, or an index in brackets. */
void gws_problem_enter(gws_problem *p, gw_view name);
void gws_problem_enter_index(gws_problem *p, size_t index);

#endif
