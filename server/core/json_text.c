/* SPDX-License-Identifier: MIT */
/* json_text.c - JSON by jansson, Unicode by utf8proc. */
#include "server/core/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- JSON ------------------------------------------------------------------ */

/** The place after a string that begins at i. */
static size_t skip_string(gw_view v, size_t i) {
  for (i++; i < v.len && v.data[i] != '"'; i++) {
    if (v.data[i] == '\\') i++;
  }
  return i + 1;
}

/** jansson recurses, and must not be led far by its input. */
static bool is_too_deep(gw_view v) {
  unsigned depth = 0;
  for (size_t i = 0; i < v.len;) {
    uint8_t c = v.data[i];
    if (c == '"') {
      i = skip_string(v, i);
      continue;
    }
    if ((c == '{' || c == '[') && ++depth > GWS_JSON_DEPTH_MAX) return true;
    if ((c == '}' || c == ']') && depth > 0) depth--;
    i++;
  }
  return false;
}

static void refuse(const json_error_t *e, const char *field, gws_problem *p) {
  char why[JSON_ERROR_TEXT_LENGTH + 64];
  if (json_error_code(e) == json_error_out_of_memory) {
    (void)gws_problem_set(p, GW_CODE_INTERNAL, NULL, NULL);
    return;
  }
  (void)snprintf(why, sizeof why, "not JSON: line %d, column %d: %s", e->line,
                 e->column, e->text);
  (void)gws_problem_set(p, GW_CODE_BAD_REQUEST, field, why);
}

json_t *gws_json_parse(gw_view text, const char *field, gws_problem *p) {
  json_error_t e;
  if (is_too_deep(text)) {
    (void)gws_problem_set(p, GW_CODE_TOO_BIG, field, "nested too deep");
    return NULL;
  }
  const char *data = text.len != 0 ? (const char *)text.data : "";
  json_t *value = json_loadb(data, text.len,
                             JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL |
                                 JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                             &e);
  if (value == NULL) refuse(&e, field, p);
  return value;
}

uint32_t gws_json_check(gw_view text, size_t max, const char *field,
                        gws_problem *p) {
  if (text.len == 0) return GW_CODE_OK;
  if (text.len > max) return gws_problem_set(p, GW_CODE_TOO_BIG, field, NULL);
  if (!gw_view_is_text(text))
    return gws_problem_set(p, GW_CODE_BAD_TEXT, field, NULL);
  json_t *value = gws_json_parse(text, field, p);
  if (value == NULL) return p->code;
  json_decref(value);
  return GW_CODE_OK;
}

/* ---- Unicode --------------------------------------------------------------- */

static bool is_ascii(gw_view v) {
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] >= 0x80) return false;
  }
  return true;
}

bool gws_text_is_nfc(gw_view text) {
  utf8proc_uint8_t *normal = NULL;
  if (is_ascii(text)) return true;
  utf8proc_ssize_t len =
      utf8proc_map(text.data, (utf8proc_ssize_t)text.len, &normal,
                   UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  bool is_same = len >= 0 && gw_view_eq(text, (gw_view){normal, (size_t)len});
  free(normal);
  return is_same;
}

static uint32_t refuse_form(gws_problem *p) {
  p->code = GW_CODE_BAD_TEXT;
  (void)snprintf(p->why, sizeof p->why, "is not in normalisation form C");
  return p->code;
}

static gw_view text_of(const json_t *string) {
  return (gw_view){(const uint8_t *)json_string_value(string),
                   json_string_length(string)};
}

static uint32_t check_object(const json_t *object, gws_problem *p) {
  const char *key;
  json_t *value;
  size_t len = strlen(p->field);
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    gws_problem_enter(p, gw_view_of(key));
    if (!gws_text_is_nfc(gw_view_of(key))) return refuse_form(p);
    uint32_t code = gws_json_check_nfc(value, p);
    if (code != GW_CODE_OK) return code;
    p->field[len] = '\0';
  }
  return GW_CODE_OK;
}

static uint32_t check_array(const json_t *array, gws_problem *p) {
  size_t i, len = strlen(p->field);
  json_t *value;
  json_array_foreach(array, i, value) {
    gws_problem_enter_index(p, i);
    uint32_t code = gws_json_check_nfc(value, p);
    if (code != GW_CODE_OK) return code;
    p->field[len] = '\0';
  }
  return GW_CODE_OK;
}

uint32_t gws_json_check_nfc(const json_t *value, gws_problem *p) {
  if (json_is_object(value)) return check_object(value, p);
  if (json_is_array(value)) return check_array(value, p);
  if (json_is_string(value) && !gws_text_is_nfc(text_of(value)))
    return refuse_form(p);
  return GW_CODE_OK;
}
