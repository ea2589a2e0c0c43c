/* SPDX-License-Identifier: MIT */
/* filter.c - a parser by descent, which writes terms in the order in which they
 * are run. */
#include "server/cli/filter.h"

#include <string.h>

/** Brackets and nots inside each other; a server's limit is lower. */
#define DEPTH_MAX 64u

typedef struct reading {
  const char *start;
  const char *at;
  gw_out out;
  gw_list *list;
  const char *wrong; /**< NULL: nothing so far */
  unsigned depth;
} reading;

static bool read_either(reading *r);
static bool read_one(reading *r);

static bool refuse(reading *r, const char *why) {
  if (r->wrong == NULL) r->wrong = why;
  return false;
}

/* ---- words ----------------------------------------------------------------- */

static void skip_blanks(reading *r) {
  r->at += strspn(r->at, " \t\n");
}

/** Characters of a word without quotes. */
static size_t bare_len(const char *text) {
  return strcspn(text, " \t\n\"(),=!<>^");
}

/** Take a sign if it is next. */
static bool take(reading *r, const char *sign) {
  skip_blanks(r);
  size_t len = strlen(sign);
  if (strncmp(r->at, sign, len) != 0) return false;
  r->at += len;
  return true;
}

/** Take a word of the language if it is next. */
static bool take_word(reading *r, const char *word) {
  skip_blanks(r);
  size_t len = bare_len(r->at);
  if (len != strlen(word) || strncmp(r->at, word, len) != 0) return false;
  r->at += len;
  return true;
}

static bool read_word(reading *r, const char *what, gw_view *word) {
  skip_blanks(r);
  bool is_quoted = *r->at == '"';
  const char *from = r->at + is_quoted;
  size_t len = is_quoted ? strcspn(from, "\"") : bare_len(from);
  if (is_quoted && from[len] == '\0') return refuse(r, "a quote has no end");
  if (!is_quoted && len == 0) return refuse(r, what);
  *word = (gw_view){(const uint8_t *)from, len};
  r->at = from + len + is_quoted;
  return true;
}

/* ---- terms ----------------------------------------------------------------- */

static bool add(reading *r, const gw_filter_term *t) {
  if (r->list->num >= GW_MAX_FILTER_TERMS ||
      gw_list_add(&r->out, r->list, GW_MESSAGE_filter_term, t) < 0)
    return refuse(r, "there are too many conditions");
  return true;
}

static bool add_operator(reading *r, uint32_t op, uint32_t count) {
  gw_filter_term t = {.op = op, .count = count};
  return add(r, &t);
}

/** The longer of two that begin alike comes first. */
static uint32_t take_comparison(reading *r) {
  static const struct {
    const char *sign;
    uint32_t op;
  } ops[] = {{"!=", GW_FILTER_NE}, {"<=", GW_FILTER_LE},
             {">=", GW_FILTER_GE}, {"^=", GW_FILTER_PREFIX},
             {"=", GW_FILTER_EQ},  {"<", GW_FILTER_LT},
             {">", GW_FILTER_GT}};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    if (take(r, ops[i].sign)) return ops[i].op;
  }
  return GW_FILTER_NONE;
}

static bool read_values(reading *r, gw_filter_term *t) {
  uint8_t space[GW_MAX_FILTER_BYTES];
  gw_out out = {space, 0, sizeof space};
  gw_view value;
  if (!take(r, "(")) return refuse(r, "in needs (values)");
  do {
    if (!read_word(r, "a value is missing", &value)) return false;
    if (gw_list_add_text(&out, &t->values, value) < 0)
      return refuse(r, "there are too many values");
  } while (take(r, ","));
  return take(r, ")") ? add(r, t) : refuse(r, "a bracket has no end");
}

static bool read_comparison(reading *r, gw_filter_term *t) {
  uint8_t space[GW_MAX_FILTER_BYTES];
  gw_out out = {space, 0, sizeof space};
  gw_view value;
  t->op = take_comparison(r);
  if (t->op == GW_FILTER_NONE)
    return refuse(r, "a comparison, in or exists is missing");
  if (!read_word(r, "a value is missing", &value)) return false;
  if (gw_list_add_text(&out, &t->values, value) < 0)
    return refuse(r, "the value is too long");
  return add(r, t);
}

static bool read_condition(reading *r) {
  gw_filter_term t = {.op = GW_FILTER_EXISTS};
  if (!read_word(r, "the name of a tag is missing", &t.tag)) return false;
  if (take_word(r, "exists")) return add(r, &t);
  if (!take_word(r, "in")) return read_comparison(r, &t);
  t.op = GW_FILTER_IN;
  return read_values(r, &t);
}

/* ---- operators ------------------------------------------------------------- */

static bool read_inside(reading *r) {
  if (take_word(r, "not"))
    return read_one(r) && add_operator(r, GW_FILTER_NOT, 0);
  if (!take(r, "(")) return read_condition(r);
  return read_either(r) && (take(r, ")") || refuse(r, "a bracket has no end"));
}

static bool read_one(reading *r) {
  if (++r->depth > DEPTH_MAX) return refuse(r, "it is nested too deep");
  bool is_good = read_inside(r);
  r->depth--;
  return is_good;
}

static bool read_all(reading *r) {
  uint32_t num = 1;
  if (!read_one(r)) return false;
  for (; take_word(r, "and"); num++) {
    if (!read_one(r)) return false;
  }
  return num == 1 || add_operator(r, GW_FILTER_AND, num);
}

static bool read_either(reading *r) {
  uint32_t num = 1;
  if (!read_all(r)) return false;
  for (; take_word(r, "or"); num++) {
    if (!read_all(r)) return false;
  }
  return num == 1 || add_operator(r, GW_FILTER_OR, num);
}

const char *gw_filter_read(const char *text, uint8_t space[GW_FILTER_SPACE],
                           gw_list *list, size_t *at) {
  reading r = {.start = text,
               .at = text,
               .out = {space, 0, GW_FILTER_SPACE},
               .list = list};
  *list = (gw_list){.num = 0};
  if (read_either(&r)) {
    skip_blanks(&r);
    if (*r.at != '\0') (void)refuse(&r, "something follows that does not fit");
  }
  *at = (size_t)(r.at - r.start);
  return r.wrong;
}
