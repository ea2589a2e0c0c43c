/* SPDX-License-Identifier: MIT */
/* pattern.h - paths with parameters, such as /rooms/:id, and texts that are made
 * of them, such as room:{id}. */
#ifndef GODWIT_EDGE_PATTERN_H
#define GODWIT_EDGE_PATTERN_H

#include "godwit/wire.h"

// /rooms/:id   one part of any text, named id
// /files/*     all that is left, at least one part, named *
// room:{id}    a template: the value of id in its place
//
// A value is text without control characters, braces, and the wildcards of
// channels, * and >, so that none can make a name mean more than its template
// says.

/** Bytes of a path or a template. */
#define GW_PATTERN_MAX 256u
/** Parts of a path. */
#define GW_PATTERN_PARTS_MAX 16u
/** Parameters of a path. */
#define GW_PATTERN_PARAMS_MAX 8u

enum gw_part_kind { GW_PART_LITERAL, GW_PART_PARAM, GW_PART_REST };

typedef struct gw_part {
  uint8_t kind; /**< enum gw_part_kind */
  gw_view text; /**< literal, or name of the parameter */
} gw_part;

typedef struct gw_pattern {
  const char *text; /**< owned; the parts are views into it */
  gw_part parts[GW_PATTERN_PARTS_MAX];
  size_t num_parts;
  size_t num_params;
} gw_pattern;

/** Values of the parameters, in their order; views into the path. */
typedef struct gw_values {
  gw_view of[GW_PATTERN_PARAMS_MAX];
  size_t num;
} gw_values;

/** Read a pattern. 0; GW_ERR_INVALID: *why is a literal that completes "it ...";
 * GW_ERR_NOMEM. */
GW_MUST_USE int gw_pattern_init(gw_pattern *p, const char *text,
                                const char **why);
void gw_pattern_deinit(gw_pattern *p);

/** Whether a path, decoded, fits; values may be NULL. */
bool gw_pattern_match(const gw_pattern *p, gw_view path, gw_values *values);

/** Below 0: a comes before b, as it says more; 0: the same paths fit both. Part
 * by part: a literal before a parameter, this before the rest. */
int gw_pattern_compare(const gw_pattern *a, const gw_pattern *b);

/** Name of the i-th parameter. */
gw_view gw_pattern_param(const gw_pattern *p, size_t i);

/** Whether a template uses parameters of the pattern only; else *why as above. */
bool gw_template_check(const char *text, const gw_pattern *p, const char **why);

/** Fill a template in. Returns the length; 0: it does not fit into cap. */
size_t gw_template_fill(gw_view text, const gw_pattern *p,
                        const gw_values *values, char *to, size_t cap);

#endif
