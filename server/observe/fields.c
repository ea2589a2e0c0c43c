/* SPDX-License-Identifier: MIT */
/* fields.c - key=value pairs for the log, safe against any value. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/observe/log.h"

/* A value longer than this says nothing more to a reader of logs. */
#define VALUE_MAX 256u

void gw_fields_init(gw_fields *f) {
  f->len = 0;
  f->text[0] = '\0';
}

/* Appends all of it or nothing, so that a pair is never cut in two. */
static bool put(gw_fields *f, const char *text, size_t len) {
  if (len >= sizeof f->text - f->len) return false;
  memcpy(f->text + f->len, text, len);
  f->len += len;
  f->text[f->len] = '\0';
  return true;
}

static bool put_key(gw_fields *f, const char *key) {
  return (f->len == 0 || put(f, " ", 1)) && put(f, key, strlen(key)) &&
         put(f, "=", 1);
}

static bool is_plain(gw_view v) {
  for (size_t i = 0; i < v.len; i++) {
    uint8_t c = v.data[i];
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
      return false;
  }
  return v.len > 0;
}

static bool put_quoted(gw_fields *f, gw_view v) {
  if (!put(f, "\"", 1)) return false;
  for (size_t i = 0; i < v.len; i++) {
    char c[8];
    int n;
    if (v.data[i] == '"' || v.data[i] == '\\')
      n = snprintf(c, sizeof c, "\\%c", v.data[i]);
    else if (v.data[i] < ' ' || v.data[i] == 0x7f)
      n = snprintf(c, sizeof c, "\\u%04x", v.data[i]);
    else
      n = snprintf(c, sizeof c, "%c", v.data[i]);
    if (!put(f, c, (size_t)n)) return false;
  }
  return put(f, "\"", 1);
}

void gw_fields_view(gw_fields *f, const char *key, gw_view value) {
  size_t before = f->len;
  if (value.len > VALUE_MAX) value.len = VALUE_MAX;
  bool done = put_key(f, key) &&
              (is_plain(value) ? put(f, (const char *)value.data, value.len)
                               : put_quoted(f, value));
  if (done) return;
  f->len = before;
  f->text[before] = '\0';
}

void gw_fields_text(gw_fields *f, const char *key, const char *value) {
  gw_fields_view(f, key,
                 (gw_view){(const uint8_t *)value, value ? strlen(value) : 0});
}

void gw_fields_number(gw_fields *f, const char *key, uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, value);
  gw_fields_text(f, key, digits);
}
