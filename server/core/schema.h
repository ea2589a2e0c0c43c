/* SPDX-License-Identifier: MIT */
/* schema.h - what the payloads of a namespace have to look like. */
#ifndef GODWIT_SERVER_SCHEMA_H
#define GODWIT_SERVER_SCHEMA_H

#include <jansson.h>

#include "server/core/problem.h"

/*
 * JSON Schema, as far as it needs no more than a walk over schema and value:
 *
 *   type, enum, const                   any value
 *   properties, required,               objects
 *   additionalProperties
 *   items, minItems, maxItems           arrays
 *   minimum, maximum,                   numbers
 *   exclusiveMinimum, exclusiveMaximum
 *   minLength, maxLength, pattern       strings: Unicode characters, and a
 *                                       regular expression (expression.h)
 *   $ref                                # or #/..., within the same file
 *
 * title, description, $comment, default, examples, format, $schema, $id, $defs,
 * definitions, deprecated, readOnly and writeOnly are taken and mean nothing
 * here. Any other keyword is refused: it would be thought to hold.
 *
 * Of Protocol Buffers, a message of a descriptor set (protoc -o): each field of
 * it has the wire type and the range that its type has, text is UTF-8, closed
 * enums have known values, required fields are there. Unknown fields are well
 * formed. Groups are refused.
 */

/** Read-only once made; used by all threads. */
typedef struct gw_schema gw_schema;

/** Room for what is wrong with a schema. */
#define GW_SCHEMA_WHY_MAX 256u

/** NULL: why says what is wrong, or that memory is. */
gw_schema *gw_schema_from_json(gw_view text, char why[GW_SCHEMA_WHY_MAX]);
/** message: its full name, as pkg.Message. */
gw_schema *gw_schema_from_descriptors(gw_view set, const char *message,
                                      char why[GW_SCHEMA_WHY_MAX]);
void gw_schema_free(gw_schema *schema); /**< NULL is fine */

/** GW_CODE_OK; SCHEMA_MISMATCH: p has the path and what is wrong there. p->field
 * is empty before. */
uint32_t gw_schema_check_json(const gw_schema *schema, const json_t *value,
                              gws_problem *p);
uint32_t gw_schema_check_message(const gw_schema *schema, gw_view message,
                                 gws_problem *p);

/* ---- between schema.c and its two kinds ------------------------------------ */

typedef struct gw__json_schema gw__json_schema;
typedef struct gw__proto_schema gw__proto_schema;

gw__json_schema *gw__json_schema_new(gw_view text, char *why);
void gw__json_schema_free(gw__json_schema *s);
uint32_t gw__json_schema_check(const gw__json_schema *s, const json_t *value,
                               gws_problem *p);

gw__proto_schema *gw__proto_schema_new(gw_view set, const char *message,
                                       char *why);
void gw__proto_schema_free(gw__proto_schema *s);
uint32_t gw__proto_schema_check(const gw__proto_schema *s, gw_view message,
                                gws_problem *p);

/** Say what is wrong at the place that p names. Returns SCHEMA_MISMATCH. */
uint32_t gw__schema_refuse(gws_problem *p, const char *why);

#endif
