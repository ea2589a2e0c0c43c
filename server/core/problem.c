/* SPDX-License-Identifier: MIT */
/* problem.c - paths and sentences of refusals. */
#include "server/core/problem.h"

#include <stdio.h>
#include <string.h>

static void copy(char *to, size_t cap, const char *text) {
  size_t len = text != NULL ? strnlen(text, cap - 1) : 0;
  if (len != 0) memcpy(to, text, len);
  to[len] = '\0';
}

uint32_t gws_problem_set(gws_problem *p, uint32_t code, const char *field,
                         const char *why) {
  p->code = code;
  copy(p->why, sizeof p->why, why);
  copy(p->field, sizeof p->field, field);
  return code;
}

/** Append what fits, whole characters only. */
static void append(gws_problem *p, const char *text, size_t len) {
  size_t at = strlen(p->field), room = sizeof p->field - 1 - at;
  if (len > room) len = room;
  while (!gw_view_is_text((gw_view){(const uint8_t *)text, len}))
    len--;
  if (len != 0) memcpy(p->field + at, text, len);
  p->field[at + len] = '\0';
}

void gws_problem_enter(gws_problem *p, gw_view name) {
  if (p->field[0] != '\0') append(p, ".", 1);
  append(p, (const char *)name.data, name.len);
}

void gws_problem_enter_index(gws_problem *p, size_t index) {
  char text[32];
  int len = snprintf(text, sizeof text, "[%zu]", index);
  append(p, text, (size_t)len);
}
