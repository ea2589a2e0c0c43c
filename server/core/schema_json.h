/* SPDX-License-Identifier: MIT */
/* schema_json.h - a JSON Schema as it is checked: shared by the file that makes
 * it and the one that uses it. */
#ifndef GODWIT_SERVER_SCHEMA_JSON_H
#define GODWIT_SERVER_SCHEMA_JSON_H

#include "server/core/expression.h"
#include "server/core/schema.h"

/** Bits of types. A number that is whole is an integer, too. */
enum {
  GW__TYPE_NULL = 1,
  GW__TYPE_BOOLEAN = 2,
  GW__TYPE_OBJECT = 4,
  GW__TYPE_ARRAY = 8,
  GW__TYPE_NUMBER = 16,
  GW__TYPE_INTEGER = 32,
  GW__TYPE_STRING = 64
};

typedef struct gw__schema_node gw__schema_node;

typedef struct gw__schema_property {
  const char *name;
  const gw__schema_node *node;
} gw__schema_property;

/** What one schema object says; views into the document. */
struct gw__schema_node {
  gw__schema_node *next; /**< in the list of all */
  const json_t *source;
  bool is_never;                   /**< the schema false */
  uint32_t types;                  /**< 0: any */
  const json_t *values;            /**< enum; NULL: any */
  const json_t *value;             /**< const; NULL: any */
  const json_t *required;          /**< names; NULL: none */
  gw__schema_property *properties; /**< by name */
  size_t num_properties;
  const gw__schema_node *other; /**< additionalProperties; NULL: anything */
  const gw__schema_node *items; /**< NULL: anything */
  const gw__schema_node *ref;   /**< as well; NULL */
  double minimum, maximum;      /**< infinite: none */
  double above, below;          /**< the same, and they are out themselves */
  size_t min_length, max_length;
  size_t min_items, max_items;
  gw_expression *pattern; /**< NULL: any */
};

struct gw__json_schema {
  json_t *document;
  gw__schema_node *nodes; /**< all */
  const gw__schema_node *root;
};

#endif
