/* SPDX-License-Identifier: MIT */
/* pattern.c - patterns are a list of parts; matching walks both lists. */
#include "server/edge/pattern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/** A parameter that is named by a star: all that is left. */
static const gw_view rest_name = {(const uint8_t *)"*", 1};

/* ---- reading --------------------------------------------------------------- */

static bool is_name(gw_view v) {
  if (v.len == 0 || !isalpha(v.data[0])) return false;
  for (size_t i = 1; i < v.len; i++) {
    if (!isalnum(v.data[i]) && v.data[i] != '_') return false;
  }
  return true;
}

static bool is_literal(gw_view v) {
  for (size_t i = 0; i < v.len; i++) {
    if (!isalnum(v.data[i]) && strchr("._~-@+", v.data[i]) == NULL)
      return false;
  }
  return v.len != 0 && v.data[0] != '.';
}

static bool has_param(const gw_pattern *p, gw_view name) {
  for (size_t i = 0; i < p->num_parts; i++) {
    const gw_part *part = &p->parts[i];
    if (part->kind != GW_PART_LITERAL && gw_view_eq(part->text, name))
      return true;
  }
  return false;
}

/** NULL; or what is wrong. */
static const char *add_part(gw_pattern *p, gw_view text, bool is_last) {
  gw_part part = {.kind = GW_PART_LITERAL, .text = text};
  if (p->num_parts == GW_PATTERN_PARTS_MAX) return "has more than 16 parts";
  if (gw_view_eq(text, rest_name)) {
    if (!is_last) return "has a * that is not at its end";
    part.kind = GW_PART_REST;
  } else if (text.len != 0 && text.data[0] == ':') {
    part = (gw_part){GW_PART_PARAM, {text.data + 1, text.len - 1}};
    if (!is_name(part.text))
      return "has a parameter whose name is not a letter and then letters, "
             "digits or _";
    if (has_param(p, part.text)) return "has two parameters of one name";
  } else if (!is_literal(text)) {
    return "must have parts of letters, digits and ._~-@+ that begin with no "
           "dot";
  }
  if (part.kind != GW_PART_LITERAL && ++p->num_params > GW_PATTERN_PARAMS_MAX)
    return "has more than 8 parameters";
  p->parts[p->num_parts++] = part;
  return NULL;
}

static const char *read_parts(gw_pattern *p) {
  const char *at = p->text;
  if (*at != '/') return "must begin with a slash";
  if (strlen(at) >= GW_PATTERN_MAX) return "is longer than 255 bytes";
  if (at[1] == '\0') return NULL; /* the root: no parts */
  while (*at == '/') {
    size_t len = strcspn(++at, "/");
    const char *why =
        add_part(p, (gw_view){(const uint8_t *)at, len}, at[len] == '\0');
    if (why != NULL) return why;
    at += len;
  }
  return NULL;
}

int gw_pattern_init(gw_pattern *p, const char *text, const char **why) {
  *p = (gw_pattern){.text = strdup(text)};
  *why = "out of memory";
  if (p->text == NULL) return GW_ERR_NOMEM;
  *why = read_parts(p);
  if (*why == NULL) return 0;
  gw_pattern_deinit(p);
  return GW_ERR_INVALID;
}

void gw_pattern_deinit(gw_pattern *p) {
  free((char *)(uintptr_t)p->text);
  *p = (gw_pattern){.num_parts = 0};
}

/* ---- matching -------------------------------------------------------------- */

static bool is_value(gw_view v) {
  for (size_t i = 0; i < v.len; i++) {
    if (v.data[i] < 0x20 || v.data[i] == 0x7f ||
        strchr("*>{}", v.data[i]) != NULL)
      return false;
  }
  return v.len != 0 && gw_view_is_text(v);
}

static bool match_part(const gw_part *part, gw_view text, gw_values *values) {
  if (part->kind == GW_PART_LITERAL) return gw_view_eq(part->text, text);
  if (!is_value(text)) return false;
  values->of[values->num++] = text;
  return true;
}

bool gw_pattern_match(const gw_pattern *p, gw_view path, gw_values *values) {
  gw_values own;
  if (values == NULL) values = &own;
  values->num = 0;
  if (path.len == 0 || path.data[0] != '/') return false;
  gw_view rest = {path.data + 1, path.len - 1};
  if (p->num_parts == 0) return rest.len == 0;
  for (size_t i = 0; i < p->num_parts; i++) {
    bool is_last = i + 1 == p->num_parts;
    const uint8_t *slash =
        rest.len != 0 ? memchr(rest.data, '/', rest.len) : NULL;
    if (p->parts[i].kind == GW_PART_REST) slash = NULL;
    gw_view part = {rest.data,
                    slash != NULL ? (size_t)(slash - rest.data) : rest.len};
    if (is_last != (slash == NULL) || !match_part(&p->parts[i], part, values))
      return false;
    size_t used = part.len + (slash != NULL);
    rest = (gw_view){rest.data + used, rest.len - used};
  }
  return true;
}

int gw_pattern_compare(const gw_pattern *a, const gw_pattern *b) {
  for (size_t i = 0; i < a->num_parts && i < b->num_parts; i++) {
    const gw_part *x = &a->parts[i], *y = &b->parts[i];
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->kind != GW_PART_LITERAL || gw_view_eq(x->text, y->text)) continue;
    size_t len = x->text.len < y->text.len ? x->text.len : y->text.len;
    int order = memcmp(x->text.data, y->text.data, len);
    if (order != 0) return order;
    return x->text.len < y->text.len ? -1 : 1;
  }
  if (a->num_parts == b->num_parts) return 0;
  return a->num_parts > b->num_parts ? -1 : 1;
}

gw_view gw_pattern_param(const gw_pattern *p, size_t i) {
  for (size_t k = 0; k < p->num_parts; k++) {
    if (p->parts[k].kind == GW_PART_LITERAL || i-- != 0) continue;
    return p->parts[k].kind == GW_PART_REST ? rest_name : p->parts[k].text;
  }
  return (gw_view){NULL, 0};
}

/* ---- templates -------------------------------------------------------------- */

/** The next piece of a template: text, or the name of a parameter. */
typedef struct piece {
  gw_view text;
  bool is_param;
  bool is_bad; /**< a brace without its other one */
} piece;

static bool next_piece(gw_view *rest, piece *p) {
  *p = (piece){.is_param = false};
  if (rest->len == 0) return false;
  size_t len = 0;
  while (len < rest->len && rest->data[len] != '{' && rest->data[len] != '}')
    len++;
  size_t used = len;
  p->text = (gw_view){rest->data, len};
  if (len == 0) {
    const uint8_t *end = memchr(rest->data, '}', rest->len);
    p->is_bad = rest->data[0] == '}' || end == NULL;
    if (p->is_bad) return true;
    used = (size_t)(end - rest->data) + 1;
    *p = (piece){{rest->data + 1, used - 2}, .is_param = true};
  }
  *rest = (gw_view){rest->data + used, rest->len - used};
  return true;
}

static size_t find_param(const gw_pattern *p, gw_view name) {
  size_t i = 0;
  while (i < p->num_params && !gw_view_eq(gw_pattern_param(p, i), name))
    i++;
  return i;
}

bool gw_template_check(const char *text, const gw_pattern *p,
                       const char **why) {
  gw_view rest = gw_view_of(text);
  piece one;
  *why = "is longer than 255 bytes";
  if (rest.len >= GW_PATTERN_MAX) return false;
  while (next_piece(&rest, &one)) {
    *why = "has a brace without its other one";
    if (one.is_bad) return false;
    *why = "names a parameter that the path does not have";
    if (one.is_param && find_param(p, one.text) == p->num_params) return false;
  }
  return true;
}

size_t gw_template_fill(gw_view text, const gw_pattern *p,
                        const gw_values *values, char *to, size_t cap) {
  size_t len = 0;
  piece one;
  while (next_piece(&text, &one)) {
    gw_view v = one.text;
    if (one.is_bad) return 0;
    if (one.is_param) {
      size_t i = find_param(p, v);
      if (i >= values->num) return 0;
      v = values->of[i];
    }
    if (v.len > cap - len) return 0;
    memcpy(to + len, v.data, v.len);
    len += v.len;
  }
  return len;
}
