/* SPDX-License-Identifier: MIT */
/* filter_text.c - a word for each term. */
#include "filter_text.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

static gw_view next_word(const char **text) {
  *text += strspn(*text, " ");
  gw_view word = {(const uint8_t *)*text, strcspn(*text, " ")};
  *text += word.len;
  return word;
}

static void add_values(gw_filter_term *t, gw_view text, gw_out *values) {
  size_t start = 0;
  for (size_t i = 0; i <= text.len; i++) {
    bool is_end =
        i == text.len || (t->op == GW_FILTER_IN && text.data[i] == ',');
    if (!is_end) continue;
    gw_view value = {text.data + start, i - start};
    assert_int_equal(gw_list_add_text(values, &t->values, value), 0);
    start = i + 1;
  }
}

static uint32_t find_op(const char *at, size_t *len) {
  static const struct {
    const char *text;
    uint32_t op;
  } ops[] = {
      {"!=", GW_FILTER_NE},    {"<=", GW_FILTER_LE},    {">=", GW_FILTER_GE},
      {"=", GW_FILTER_EQ},     {"<", GW_FILTER_LT},     {">", GW_FILTER_GT},
      {"^", GW_FILTER_PREFIX}, {"?", GW_FILTER_EXISTS}, {"@", GW_FILTER_IN}};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    *len = strlen(ops[i].text);
    if (strncmp(at, ops[i].text, *len) == 0) return ops[i].op;
  }
  fail_msg("no operator: %s", at);
  return 0;
}

static gw_filter_term term_of(gw_view word, gw_out *values) {
  const char *text = (const char *)word.data;
  gw_filter_term t = {.count = 0};
  if (word.len > 1) t.count = (uint32_t)strtoul(text + 1, NULL, 10);
  switch (*text) {
  case '&':
    t.op = GW_FILTER_AND;
    return t;
  case '|':
    t.op = GW_FILTER_OR;
    return t;
  case '!':
    t.op = GW_FILTER_NOT;
    return t;
  default:
    break;
  }
  size_t len, at = strcspn(text, "=<>!^?@");
  t.count = 0;
  t.tag = (gw_view){word.data, at};
  t.op = find_op(text + at, &len);
  gw_view rest = {word.data + at + len, word.len - at - len};
  if (t.op != GW_FILTER_EXISTS) add_values(&t, rest, values);
  return t;
}

gw_list filter_of(const char *text, gw_out *out) {
  gw_list list = {.num = 0};
  uint8_t space[2048];
  for (gw_view word; (word = next_word(&text)).len != 0;) {
    gw_out values = {space, 0, sizeof space};
    gw_filter_term t = term_of(word, &values);
    assert_int_equal(gw_list_add(out, &list, GW_MESSAGE_filter_term, &t), 0);
  }
  return list;
}

gw_list tags_of(const char *text, gw_out *out) {
  gw_list list = {.num = 0};
  for (gw_view word; (word = next_word(&text)).len != 0;) {
    size_t at = strcspn((const char *)word.data, "=");
    gw_tag tag = {.name = {word.data, at},
                  .value = {word.data + at + 1, word.len - at - 1}};
    assert_int_equal(gw_list_add(out, &list, GW_MESSAGE_tag, &tag), 0);
  }
  return list;
}
