/* SPDX-License-Identifier: MIT */
/* schema_json_read.c - a JSON Schema out of its document. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/json_text.h"
#include "server/core/mem.h"
#include "server/core/schema_json.h"

/** Where in the document we are, for what is wrong there. */
typedef struct place {
  const struct place *up;
  const char *key;
} place;

typedef struct reading {
  gw__json_schema *s;
  char *why;
} reading;

static gw__schema_node *read_node(const reading *r, const place *at,
                                  const json_t *source);

/* ---- refusals -------------------------------------------------------------- */

static size_t put_place(char *why, const place *at) {
  size_t len = at->up != NULL ? put_place(why, at->up) : 0;
  int num = snprintf(why + len, GW_SCHEMA_WHY_MAX - len, "%s%s",
                     len != 0 ? "/" : "", at->key);
  len += num > 0 ? (size_t)num : 0;
  return len < GW_SCHEMA_WHY_MAX ? len : GW_SCHEMA_WHY_MAX - 1;
}

/** Returns false. */
static bool refuse(const reading *r, const place *at, const char *format, ...) {
  va_list args;
  size_t len = put_place(r->why, at);
  len += (size_t)snprintf(r->why + len, GW_SCHEMA_WHY_MAX - len, ": ");
  if (len >= GW_SCHEMA_WHY_MAX) return false;
  va_start(args, format);
  (void)vsnprintf(r->why + len, GW_SCHEMA_WHY_MAX - len, format, args);
  va_end(args);
  return false;
}

static bool refuse_memory(const reading *r) {
  (void)snprintf(r->why, GW_SCHEMA_WHY_MAX, "out of memory");
  return false;
}

/* ---- keywords -------------------------------------------------------------- */

static uint32_t type_named(const char *name) {
  static const struct {
    const char *name;
    uint32_t type;
  } types[] = {{"null", GW__TYPE_NULL},     {"boolean", GW__TYPE_BOOLEAN},
               {"object", GW__TYPE_OBJECT}, {"array", GW__TYPE_ARRAY},
               {"number", GW__TYPE_NUMBER}, {"integer", GW__TYPE_INTEGER},
               {"string", GW__TYPE_STRING}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (name != NULL && strcmp(types[i].name, name) == 0) return types[i].type;
  }
  return 0;
}

static bool read_type(const reading *r, const place *at, gw__schema_node *n,
                      const json_t *value) {
  size_t i;
  json_t *one;
  n->types = type_named(json_string_value(value));
  json_array_foreach(value, i, one) {
    uint32_t type = type_named(json_string_value(one));
    if (type == 0) return refuse(r, at, "no such type");
    n->types |= type;
  }
  return n->types != 0 || refuse(r, at, "must be a type or some of them");
}

static bool read_size(const reading *r, const place *at, size_t *to,
                      const json_t *value) {
  double number = json_number_value(value);
  bool is_size = json_is_number(value) && number >= 0 && number < 1e15 &&
                 fabs(number - nearbyint(number)) <= 0.0;
  if (!is_size) return refuse(r, at, "must be a whole number from 0 on");
  *to = (size_t)number;
  return true;
}

static bool read_limit(const reading *r, const place *at, double *to,
                       const json_t *value) {
  if (!json_is_number(value)) return refuse(r, at, "must be a number");
  *to = json_number_value(value);
  return true;
}

static bool read_names(const reading *r, const place *at, const json_t *value) {
  size_t i;
  json_t *name;
  if (!json_is_array(value)) return refuse(r, at, "must be an array");
  json_array_foreach(value, i, name) {
    if (!json_is_string(name)) return refuse(r, at, "must hold strings");
  }
  return true;
}

static bool read_pattern(const reading *r, const place *at, gw__schema_node *n,
                         const json_t *value) {
  char words[160];
  gw_view text = {(const uint8_t *)json_string_value(value),
                  json_string_length(value)};
  if (text.data == NULL) return refuse(r, at, "must be a string");
  n->pattern = gw_expression_new(text, words, sizeof words);
  return n->pattern != NULL || refuse(r, at, "no expression: %s", words);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const gw__schema_property *)a)->name,
                ((const gw__schema_property *)b)->name);
}

static bool read_properties(const reading *r, const place *at,
                            gw__schema_node *n, const json_t *value) {
  const char *name;
  json_t *inner;
  if (!json_is_object(value)) return refuse(r, at, "must be an object");
  size_t num = json_object_size(value);
  n->properties = gw_mem_zalloc((num + 1) * sizeof *n->properties);
  if (n->properties == NULL) return refuse_memory(r);
  json_object_foreach((json_t *)(uintptr_t)value, name, inner) {
    place here = {at, name};
    gw__schema_node *node = read_node(r, &here, inner);
    if (node == NULL) return false;
    n->properties[n->num_properties++] = (gw__schema_property){name, node};
  }
  qsort(n->properties, num, sizeof *n->properties, by_name);
  return true;
}

static bool read_inner(const reading *r, const place *at,
                       const gw__schema_node **to, const json_t *value) {
  *to = read_node(r, at, value);
  return *to != NULL;
}

/* ---- references ------------------------------------------------------------ */

/** One step of a JSON pointer (RFC 6901), whose escapes are ~0 and ~1. */
static const json_t *step(const json_t *value, const char *text, size_t len) {
  char key[256];
  size_t num = 0;
  for (size_t i = 0; i < len && num + 1 < sizeof key; i++) {
    bool is_escape = text[i] == '~' && i + 1 < len;
    if (is_escape) i++;
    key[num++] = !is_escape ? text[i] : text[i] == '1' ? '/' : '~';
  }
  key[num] = '\0';
  if (json_is_array(value))
    return json_array_get(value, strtoul(key, NULL, 10));
  return json_object_get(value, key);
}

static const json_t *find(const json_t *root, const char *pointer) {
  const json_t *value = root;
  while (value != NULL && *pointer == '/') {
    size_t len = strcspn(pointer + 1, "/");
    value = step(value, pointer + 1, len);
    pointer += 1 + len;
  }
  return *pointer == '\0' ? value : NULL;
}

static bool read_ref(const reading *r, const place *at, gw__schema_node *n,
                     const json_t *value) {
  const char *ref = json_string_value(value);
  if (ref == NULL || ref[0] != '#')
    return refuse(r, at, "must be # or #/..., within this file");
  const json_t *target = find(r->s->document, ref + 1);
  if (target == NULL) return refuse(r, at, "%s is not there", ref);
  place here = {NULL, ref};
  return read_inner(r, &here, &n->ref, target);
}

/* ---- a schema -------------------------------------------------------------- */

static bool means_nothing(const char *key) {
  static const char *const keys[] = {
      "title",    "description", "$comment",  "default", "examples",
      "format",   "$schema",     "$id",       "$defs",   "definitions",
      "readOnly", "writeOnly",   "deprecated"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (strcmp(keys[i], key) == 0) return true;
  }
  return false;
}

static bool read_number_keyword(const reading *r, const place *at,
                                gw__schema_node *n, const json_t *value) {
  const char *key = at->key;
  if (strcmp(key, "minimum") == 0) return read_limit(r, at, &n->minimum, value);
  if (strcmp(key, "maximum") == 0) return read_limit(r, at, &n->maximum, value);
  if (strcmp(key, "exclusiveMinimum") == 0)
    return read_limit(r, at, &n->above, value);
  if (strcmp(key, "exclusiveMaximum") == 0)
    return read_limit(r, at, &n->below, value);
  if (strcmp(key, "minLength") == 0)
    return read_size(r, at, &n->min_length, value);
  if (strcmp(key, "maxLength") == 0)
    return read_size(r, at, &n->max_length, value);
  if (strcmp(key, "minItems") == 0)
    return read_size(r, at, &n->min_items, value);
  if (strcmp(key, "maxItems") == 0)
    return read_size(r, at, &n->max_items, value);
  return means_nothing(key) || refuse(r, at, "this keyword is not supported");
}

static bool read_keyword(const reading *r, const place *at, gw__schema_node *n,
                         const json_t *value) {
  const char *key = at->key;
  if (strcmp(key, "type") == 0) return read_type(r, at, n, value);
  if (strcmp(key, "const") == 0) {
    n->value = value;
    return true;
  }
  if (strcmp(key, "enum") == 0) {
    n->values = value;
    return json_is_array(value) || refuse(r, at, "must be an array");
  }
  if (strcmp(key, "required") == 0) {
    n->required = value;
    return read_names(r, at, value);
  }
  if (strcmp(key, "properties") == 0) return read_properties(r, at, n, value);
  if (strcmp(key, "additionalProperties") == 0)
    return read_inner(r, at, &n->other, value);
  if (strcmp(key, "items") == 0) return read_inner(r, at, &n->items, value);
  if (strcmp(key, "pattern") == 0) return read_pattern(r, at, n, value);
  if (strcmp(key, "$ref") == 0) return read_ref(r, at, n, value);
  return read_number_keyword(r, at, n, value);
}

static gw__schema_node *find_node(const gw__json_schema *s,
                                  const json_t *source) {
  gw__schema_node *n = s->nodes;
  while (n != NULL && n->source != source)
    n = n->next;
  return n;
}

static gw__schema_node *add_node(gw__json_schema *s, const json_t *source) {
  gw__schema_node *n = gw_mem_zalloc(sizeof *n);
  if (n == NULL) return NULL;
  n->next = s->nodes;
  n->source = source;
  n->minimum = n->above = -INFINITY;
  n->maximum = n->below = INFINITY;
  n->max_length = n->max_items = SIZE_MAX;
  s->nodes = n;
  return n;
}

/** What is read already, or is being read: a schema may refer to itself. */
static gw__schema_node *read_node(const reading *r, const place *at,
                                  const json_t *source) {
  const char *key;
  json_t *value;
  bool is_bool = json_is_boolean(source);
  gw__schema_node *n = is_bool ? NULL : find_node(r->s, source);
  if (n != NULL) return n;
  if (!is_bool && !json_is_object(source)) {
    (void)refuse(r, at, "must be a schema: an object, true or false");
    return NULL;
  }
  n = add_node(r->s, source);
  if (n == NULL) {
    (void)refuse_memory(r);
    return NULL;
  }
  n->is_never = json_is_false(source);
  json_object_foreach((json_t *)(uintptr_t)source, key, value) {
    place here = {at, key};
    if (!read_keyword(r, &here, n, value)) return NULL;
  }
  return n;
}

void gw__json_schema_free(gw__json_schema *s) {
  if (s == NULL) return;
  for (gw__schema_node *n = s->nodes, *next; n != NULL; n = next) {
    next = n->next;
    gw_expression_free(n->pattern);
    gw_mem_free(n->properties);
    gw_mem_free(n);
  }
  json_decref(s->document);
  gw_mem_free(s);
}

gw__json_schema *gw__json_schema_new(gw_view text, char *why) {
  gws_problem p = {.code = GW_CODE_OK};
  gw__json_schema *s = gw_mem_zalloc(sizeof *s);
  reading r = {s, why};
  place root = {NULL, "#"};
  if (s == NULL) {
    (void)refuse_memory(&r);
    return NULL;
  }
  s->document = gws_json_parse(text, "", &p);
  if (s->document == NULL)
    (void)snprintf(why, GW_SCHEMA_WHY_MAX, "%s", p.why);
  else
    s->root = read_node(&r, &root, s->document);
  if (s->root != NULL) return s;
  gw__json_schema_free(s);
  return NULL;
}
