/* SPDX-License-Identifier: MIT */
/* condition.c - comparing JSON values. */
#include "server/core/condition.h"

#include <jansson.h>
#include <string.h>

/** Names longer than this are no fields of anybody. */
#define NAME_MAX_BYTES 128u

json_t *gws_json_read(gw_view text) {
  return json_loadb((const char *)text.data, text.len,
                    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

void gws_json_free(json_t *value) {
  json_decref(value);
}

/** Follow a path of names with dots between. */
static const json_t *find(const json_t *value, const char *path) {
  char name[NAME_MAX_BYTES + 1];
  while (value != NULL && *path != '\0') {
    size_t len = strcspn(path, ".");
    if (len > NAME_MAX_BYTES) return NULL;
    memcpy(name, path, len);
    name[len] = '\0';
    value = json_object_get(value, name);
    path += len + (path[len] == '.');
  }
  return value;
}

/** -1, 0, 1; 2 for what has no order. */
static int compare(const json_t *a, const json_t *b) {
  if (json_is_integer(a) && json_is_integer(b)) {
    json_int_t x = json_integer_value(a), y = json_integer_value(b);
    return (x > y) - (x < y);
  }
  if (json_is_number(a) && json_is_number(b)) {
    double x = json_number_value(a), y = json_number_value(b);
    return (x > y) - (x < y);
  }
  if (!json_is_string(a) || !json_is_string(b)) return 2;
  size_t x = json_string_length(a), y = json_string_length(b);
  int order = memcmp(json_string_value(a), json_string_value(b), x < y ? x : y);
  if (order == 0) return (x > y) - (x < y);
  return order < 0 ? -1 : 1;
}

static bool is_equal(const json_t *a, const json_t *b) {
  int order = compare(a, b);
  return order != 2 ? order == 0 : json_equal(a, b) != 0;
}

static bool holds(const gws_condition *c, const json_t *value) {
  const json_t *field = find(value, c->field);
  if (field == NULL) return c->is == GWS_ABSENT || c->is == GWS_NOT_EQUAL;
  int order = c->value != NULL ? compare(field, c->value) : 2;
  switch (c->is) {
  case GWS_EQUAL:
    return is_equal(field, c->value);
  case GWS_NOT_EQUAL:
    return !is_equal(field, c->value);
  case GWS_LESS:
    return order == -1;
  case GWS_AT_MOST:
    return order == -1 || order == 0;
  case GWS_GREATER:
    return order == 1;
  case GWS_AT_LEAST:
    return order == 0 || order == 1;
  default:
    return c->is == GWS_EXISTS;
  }
}

bool gws_conditions_hold(const gws_condition *conditions, size_t num,
                         const json_t *value) {
  for (size_t i = 0; i < num; i++) {
    if (!holds(&conditions[i], value)) return false;
  }
  return true;
}
