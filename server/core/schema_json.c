/* SPDX-License-Identifier: MIT */
/* schema_json.c - whether a value is what a JSON Schema says. */
#include "server/core/schema_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** Steps from reference to reference without a step into the value: more than a
 * schema that means something has. */
#define REFS_MAX 16u

static uint32_t check(const gw__schema_node *n, const json_t *value,
                      unsigned refs, gws_problem *p);

/* ---- types ----------------------------------------------------------------- */

static uint32_t types_of(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return GW__TYPE_OBJECT;
  case JSON_ARRAY:
    return GW__TYPE_ARRAY;
  case JSON_STRING:
    return GW__TYPE_STRING;
  case JSON_TRUE:
  case JSON_FALSE:
    return GW__TYPE_BOOLEAN;
  case JSON_NULL:
    return GW__TYPE_NULL;
  default:
    break;
  }
  double number = json_number_value(value);
  bool is_whole = fabs(number - nearbyint(number)) <= 0.0;
  return is_whole ? GW__TYPE_NUMBER | GW__TYPE_INTEGER : GW__TYPE_NUMBER;
}

static uint32_t refuse_type(uint32_t types, gws_problem *p) {
  static const struct {
    uint32_t type;
    const char *why;
  } one[] = {{GW__TYPE_NULL, "must be null"},
             {GW__TYPE_BOOLEAN, "must be true or false"},
             {GW__TYPE_OBJECT, "must be an object"},
             {GW__TYPE_ARRAY, "must be an array"},
             {GW__TYPE_NUMBER, "must be a number"},
             {GW__TYPE_INTEGER, "must be a whole number"},
             {GW__TYPE_STRING, "must be a string"}};
  for (size_t i = 0; i < sizeof one / sizeof *one; i++) {
    if (one[i].type == types) return gw__schema_refuse(p, one[i].why);
  }
  return gw__schema_refuse(p, "is of another type than it may be");
}

/* ---- strings and numbers --------------------------------------------------- */

static size_t num_characters(const char *text, size_t len) {
  size_t num = 0;
  for (size_t i = 0; i < len; i++)
    num += ((unsigned char)text[i] & 0xC0) != 0x80;
  return num;
}

static uint32_t check_pattern(const gw_expression *e, gw_view text,
                              gws_problem *p) {
  int found = gw_expression_match(e, text);
  if (found == GW_ERR_NOMEM)
    return gws_problem_set(p, GW_CODE_INTERNAL, NULL, NULL);
  if (found == GW_ERR_TOO_BIG)
    return gw__schema_refuse(p, "takes too long to match with the pattern");
  return found == 1 ? GW_CODE_OK
                    : gw__schema_refuse(p, "does not match the pattern");
}

static uint32_t check_string(const gw__schema_node *n, const json_t *value,
                             gws_problem *p) {
  const char *text = json_string_value(value);
  size_t len = json_string_length(value);
  if (n->min_length != 0 || n->max_length != SIZE_MAX) {
    size_t num = num_characters(text, len);
    if (num < n->min_length) return gw__schema_refuse(p, "is too short");
    if (num > n->max_length) return gw__schema_refuse(p, "is too long");
  }
  if (n->pattern == NULL) return GW_CODE_OK;
  return check_pattern(n->pattern, (gw_view){(const uint8_t *)text, len}, p);
}

static uint32_t check_number(const gw__schema_node *n, const json_t *value,
                             gws_problem *p) {
  double number = json_number_value(value);
  if (number < n->minimum || number <= n->above)
    return gw__schema_refuse(p, "is too small");
  if (number > n->maximum || number >= n->below)
    return gw__schema_refuse(p, "is too large");
  return GW_CODE_OK;
}

/* ---- what holds values ----------------------------------------------------- */

static int by_name(const void *name, const void *property) {
  return strcmp(name, ((const gw__schema_property *)property)->name);
}

/** The schema of a property; NULL: anything. */
static const gw__schema_node *node_of(const gw__schema_node *n,
                                      const char *name) {
  const gw__schema_property *found =
      n->num_properties != 0 ? bsearch(name, n->properties, n->num_properties,
                                       sizeof *n->properties, by_name)
                             : NULL;
  return found != NULL ? found->node : n->other;
}

static uint32_t check_required(const gw__schema_node *n, const json_t *object,
                               gws_problem *p) {
  size_t i;
  json_t *name;
  json_array_foreach(n->required, i, name) {
    const char *key = json_string_value(name);
    if (json_object_get(object, key) != NULL) continue;
    gws_problem_enter(p, gw_view_of(key));
    return gw__schema_refuse(p, "is missing");
  }
  return GW_CODE_OK;
}

static uint32_t check_object(const gw__schema_node *n, const json_t *object,
                             gws_problem *p) {
  const char *key;
  json_t *value;
  size_t len = strlen(p->field);
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    const gw__schema_node *inner = node_of(n, key);
    if (inner == NULL) continue;
    gws_problem_enter(p, gw_view_of(key));
    uint32_t code = check(inner, value, 0, p);
    if (code != GW_CODE_OK) return code;
    p->field[len] = '\0';
  }
  return n->required != NULL ? check_required(n, object, p) : GW_CODE_OK;
}

static uint32_t check_array(const gw__schema_node *n, const json_t *array,
                            gws_problem *p) {
  size_t i, len = strlen(p->field), num = json_array_size(array);
  json_t *value;
  if (num < n->min_items) return gw__schema_refuse(p, "has too few items");
  if (num > n->max_items) return gw__schema_refuse(p, "has too many items");
  if (n->items == NULL) return GW_CODE_OK;
  json_array_foreach(array, i, value) {
    gws_problem_enter_index(p, i);
    uint32_t code = check(n->items, value, 0, p);
    if (code != GW_CODE_OK) return code;
    p->field[len] = '\0';
  }
  return GW_CODE_OK;
}

/* ---- a value --------------------------------------------------------------- */

static bool is_among(const json_t *values, const json_t *value) {
  size_t i;
  json_t *one;
  json_array_foreach(values, i, one) {
    if (json_equal(one, value)) return true;
  }
  return false;
}

static uint32_t check_content(const gw__schema_node *n, const json_t *value,
                              gws_problem *p) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return check_object(n, value, p);
  case JSON_ARRAY:
    return check_array(n, value, p);
  case JSON_STRING:
    return check_string(n, value, p);
  case JSON_INTEGER:
  case JSON_REAL:
    return check_number(n, value, p);
  default:
    return GW_CODE_OK;
  }
}

static uint32_t check(const gw__schema_node *n, const json_t *value,
                      unsigned refs, gws_problem *p) {
  if (n->is_never) return gw__schema_refuse(p, "is not allowed");
  if (n->types != 0 && (n->types & types_of(value)) == 0)
    return refuse_type(n->types, p);
  if (n->values != NULL && !is_among(n->values, value))
    return gw__schema_refuse(p, "is not one of the values that it may have");
  if (n->value != NULL && !json_equal(n->value, value))
    return gw__schema_refuse(p, "is not the value that it has to have");
  uint32_t code = check_content(n, value, p);
  if (code != GW_CODE_OK || n->ref == NULL) return code;
  if (refs == REFS_MAX)
    return gw__schema_refuse(p, "cannot be checked: references in a circle");
  return check(n->ref, value, refs + 1, p);
}

uint32_t gw__json_schema_check(const gw__json_schema *s, const json_t *value,
                               gws_problem *p) {
  return check(s->root, value, 0, p);
}
