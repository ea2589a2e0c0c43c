/* SPDX-License-Identifier: MIT */
/* filter.c - filters: checked once, run for each publication by a machine whose
 * stack is a word of bits. */
#include "server/core/filter.h"

#include <string.h>

#include "server/core/mem.h"

/** Values of all terms together: some for each, more for a few. */
#define VALUES_MAX 128u

typedef struct term {
  uint8_t op;    /**< enum gw_filter_op */
  uint8_t count; /**< of AND and OR */
  uint8_t num;   /**< values */
  uint8_t first; /**< of them */
  gw_view tag;
  double number; /**< of a comparison of numbers */
} term;

struct gw_filter {
  uint32_t refs;
  uint32_t num_terms;
  uint64_t hash;
  gw_view source; /**< the terms as they came; what views point into */
  uint64_t stamp; /**< of the last answer */
  bool answer;
  gw_view *values;
  term terms[];
};

/* ---- tags ------------------------------------------------------------------ */

void gws_tags_of(const gw_buf *b, gws_tags *tags) {
  gw_frame f;
  gw_publication m;
  gw_view item;
  tags->num = 0;
  tags->passes = b->removed;
  if (b->removed ||
      gw_frame_parse(gw_buf_payload(b), GW_MAX_FRAME_BYTES_HARD, &f) <= 0 ||
      gw_decode_publication(f.body, &m) < 0)
    return;
  while (tags->num < GW_MAX_TAGS && gw_list_next(&m.tags, &item)) {
    if (gw_decode_tag(item, &tags->tags[tags->num]) == 0) tags->num++;
  }
}

static const gw_tag *find_tag(const gws_tags *tags, gw_view name) {
  for (uint32_t i = 0; i < tags->num; i++) {
    if (gw_view_eq(tags->tags[i].name, name)) return &tags->tags[i];
  }
  return NULL;
}

/* ---- numbers --------------------------------------------------------------- */

/** Digits from *at on, into *sum as far as 19 of them. Returns how many. */
static size_t read_digits(gw_view v, size_t *at, uint64_t *sum, int *exponent,
                          int step) {
  size_t start = *at;
  for (; *at < v.len && v.data[*at] >= '0' && v.data[*at] <= '9'; (*at)++) {
    bool has_room = *sum < UINT64_MAX / 10 - 1;
    if (has_room) *sum = *sum * 10 + (uint64_t)(v.data[*at] - '0');
    *exponent += has_room ? step : step + 1;
  }
  return *at - start;
}

static double scale(uint64_t sum, int exponent) {
  double number = (double)sum;
  for (; exponent > 0 && exponent < 400; exponent--)
    number *= 10.0;
  double divisor = 1.0;
  for (; exponent < 0 && exponent > -400; exponent++)
    divisor *= 10.0;
  return number / divisor;
}

/** A number as JSON has it (RFC 8259, 6), whatever the locale. False: none. */
static bool read_number(gw_view v, double *number) {
  size_t at = v.len != 0 && v.data[0] == '-' ? 1 : 0;
  uint64_t sum = 0, power = 0;
  int exponent = 0, ignored = 0;
  if (read_digits(v, &at, &sum, &exponent, 0) == 0) return false;
  if (at < v.len && v.data[at] == '.') {
    at++;
    if (read_digits(v, &at, &sum, &exponent, -1) == 0) return false;
  }
  if (at < v.len && (v.data[at] | 0x20) == 'e') {
    at++;
    bool is_minus = at < v.len && v.data[at] == '-';
    if (at < v.len && (is_minus || v.data[at] == '+')) at++;
    if (read_digits(v, &at, &power, &ignored, 0) == 0 || power > 1000)
      return false;
    exponent += is_minus ? -(int)power : (int)power;
  }
  *number = scale(sum, exponent);
  if (v.data[0] == '-') *number = -*number;
  return at == v.len;
}

/* ---- running --------------------------------------------------------------- */

static bool has_value(const gw_filter *f, const term *t, gw_view value) {
  for (uint32_t i = 0; i < t->num; i++) {
    if (gw_view_eq(f->values[t->first + i], value)) return true;
  }
  return false;
}

static bool has_prefix(gw_view value, gw_view prefix) {
  return prefix.len <= value.len &&
         (prefix.len == 0 || memcmp(value.data, prefix.data, prefix.len) == 0);
}

static bool compare(const term *t, gw_view value) {
  double number;
  if (!read_number(value, &number)) return false;
  switch (t->op) {
  case GW_FILTER_LT:
    return number < t->number;
  case GW_FILTER_LE:
    return number <= t->number;
  case GW_FILTER_GT:
    return number > t->number;
  default:
    return number >= t->number;
  }
}

static bool holds(const gw_filter *f, const term *t, const gws_tags *tags) {
  const gw_tag *tag = find_tag(tags, t->tag);
  if (tag == NULL) return t->op == GW_FILTER_NE;
  switch (t->op) {
  case GW_FILTER_EXISTS:
    return true;
  case GW_FILTER_EQ:
  case GW_FILTER_IN:
    return has_value(f, t, tag->value);
  case GW_FILTER_NE:
    return !has_value(f, t, tag->value);
  case GW_FILTER_PREFIX:
    return has_prefix(tag->value, f->values[t->first]);
  default:
    return compare(t, tag->value);
  }
}

/** Bits of the stack: the top is the lowest. */
static uint64_t step(const gw_filter *f, const term *t, const gws_tags *tags,
                     uint64_t stack) {
  uint64_t top = (UINT64_C(1) << t->count) - 1;
  switch (t->op) {
  case GW_FILTER_AND:
    return stack >> t->count << 1 | ((stack & top) == top);
  case GW_FILTER_OR:
    return stack >> t->count << 1 | ((stack & top) != 0);
  case GW_FILTER_NOT:
    return stack ^ 1;
  default:
    return stack << 1 | holds(f, t, tags);
  }
}

bool gws_filter_passes(const gw_filter *f, const gws_tags *tags) {
  /* A bit that is set marks the bottom; above it all has to hold. */
  uint64_t stack = 1;
  if (tags->passes) return true;
  for (uint32_t i = 0; i < f->num_terms; i++)
    stack = step(f, &f->terms[i], tags, stack);
  return (stack & (stack + 1)) == 0;
}

bool gws_filter_passes_once(gw_filter *f, const gws_tags *tags,
                            uint64_t stamp) {
  if (f->stamp != stamp) {
    f->stamp = stamp;
    f->answer = gws_filter_passes(f, tags);
  }
  return f->answer;
}

/* ---- checking -------------------------------------------------------------- */

/** A filter that is being read. */
typedef struct reading {
  gw_filter *f;
  gws_problem *problem;
  uint32_t num_values;
  uint32_t depth; /**< results on the stack */
} reading;

static bool refuse(const reading *r, uint32_t code, const char *field,
                   const char *why) {
  (void)gws_problem_set(r->problem, code, "filter", why);
  gws_problem_enter_index(r->problem, r->f->num_terms);
  gws_problem_enter(r->problem, gw_view_of(field));
  return false;
}

static bool read_values(reading *r, gw_list list, term *t) {
  gw_view value;
  t->first = (uint8_t)r->num_values;
  while (gw_list_next(&list, &value)) {
    if (r->num_values == VALUES_MAX || value.len > GW_MAX_TAG_VALUE_BYTES)
      return refuse(r, GW_CODE_TOO_BIG, "values", "too many, or too long");
    if (!gw_view_is_text(value))
      return refuse(r, GW_CODE_BAD_TEXT, "values", NULL);
    r->f->values[r->num_values++] = value;
    t->num++;
  }
  bool wants_one = t->op != GW_FILTER_IN && t->op != GW_FILTER_EXISTS;
  if (wants_one && t->num != 1)
    return refuse(r, GW_CODE_BAD_REQUEST, "values", "has to be one");
  if (t->op >= GW_FILTER_LT && !read_number(r->f->values[t->first], &t->number))
    return refuse(r, GW_CODE_BAD_REQUEST, "values", "is no number");
  return true;
}

static bool read_condition(reading *r, const gw_filter_term *m, term *t) {
  if (m->tag.len == 0)
    return refuse(r, GW_CODE_BAD_REQUEST, "tag", "is missing");
  if (m->tag.len > GW_MAX_TAG_NAME_BYTES)
    return refuse(r, GW_CODE_TOO_BIG, "tag", NULL);
  if (!gw_view_is_text(m->tag)) return refuse(r, GW_CODE_BAD_TEXT, "tag", NULL);
  if (++r->depth > GW_MAX_FILTER_DEPTH)
    return refuse(r, GW_CODE_TOO_BIG, "op", "too many wait for an operator");
  t->tag = m->tag;
  return read_values(r, m->values, t);
}

static bool read_operator(reading *r, const gw_filter_term *m, term *t) {
  uint32_t count = m->op == GW_FILTER_NOT ? 1 : m->count != 0 ? m->count : 2;
  if (count > r->depth)
    return refuse(r, GW_CODE_BAD_REQUEST, "op",
                  "there is too little before it");
  t->count = (uint8_t)count;
  r->depth -= count - 1;
  return true;
}

static bool read_term(reading *r, gw_view item) {
  gw_filter_term m;
  term *t = &r->f->terms[r->f->num_terms];
  if (gw_decode_filter_term(item, &m) < 0)
    return refuse(r, GW_CODE_BAD_REQUEST, "op", "is no term");
  if (m.op == GW_FILTER_NONE || m.op > GW_FILTER_GE)
    return refuse(r, GW_CODE_UNSUPPORTED, "op", "is not known");
  *t = (term){.op = (uint8_t)m.op};
  bool is_good = m.op <= GW_FILTER_NOT ? read_operator(r, &m, t)
                                       : read_condition(r, &m, t);
  r->f->num_terms += is_good;
  return is_good;
}

static bool read_terms(gw_filter *f, gw_list terms, gws_problem *p) {
  reading r = {.f = f, .problem = p};
  gw_view item;
  while (gw_list_next(&terms, &item)) {
    if (!read_term(&r, item)) return false;
  }
  return true;
}

/* ---- sharing --------------------------------------------------------------- */

static gw_filter *find(const gw_hub *h, uint64_t hash, gw_view source) {
  gw_index_walk walk = {.hash = (uint32_t)hash};
  gw_filter *f;
  while ((f = gw_index_next(&h->filters, &walk)) != NULL) {
    if (f->hash == hash && gw_view_eq(f->source, source)) return f;
  }
  return NULL;
}

static void free_filter(gw_filter *f) {
  gw_mem_free(f->values);
  gw_mem_free(f);
}

/** One whose source is a copy behind it; NULL when out of memory. */
static gw_filter *make(gw_view source, uint32_t num_terms) {
  size_t size = sizeof(gw_filter) + num_terms * sizeof(term);
  gw_filter *f = gw_mem_zalloc(size + source.len);
  if (f == NULL) return NULL;
  f->values = gw_mem_alloc(VALUES_MAX * sizeof *f->values);
  if (f->values == NULL) {
    gw_mem_free(f);
    return NULL;
  }
  uint8_t *copy = (uint8_t *)f + size;
  memcpy(copy, source.data, source.len);
  f->source = (gw_view){copy, source.len};
  f->refs = 1;
  return f;
}

/** The values that are not there need no room. */
static void trim(gw_filter *f) {
  const term *last = &f->terms[f->num_terms - 1];
  size_t num = 0;
  for (const term *t = f->terms; t <= last; t++)
    num += t->num;
  gw_view *values = gw_mem_realloc(f->values, (num + 1) * sizeof *values);
  if (values != NULL) f->values = values;
}

static gw_filter *add(gw_hub *h, uint64_t hash, gw_list terms, gws_problem *p) {
  gw_filter *f = make(terms.rest, (uint32_t)terms.num);
  (void)gws_problem_set(p, GW_CODE_INTERNAL, NULL, NULL);
  if (f == NULL) return NULL;
  f->hash = hash;
  terms.rest = f->source;
  if (read_terms(f, terms, p)) {
    if (gw_index_add(&h->filters, (uint32_t)hash, f) == 0) {
      trim(f);
      return f;
    }
    (void)gws_problem_set(p, GW_CODE_INTERNAL, NULL, NULL);
  }
  free_filter(f);
  return NULL;
}

gw_filter *gws_filter_get(gw_hub *h, gw_list terms, gws_problem *p) {
  size_t room = gw_list_bytes(terms);
  if (terms.num > GW_MAX_FILTER_TERMS || room > 2 * GW_MAX_FILTER_BYTES) {
    (void)gws_problem_set(p, GW_CODE_TOO_BIG, "filter", NULL);
    return NULL;
  }
  gw_out *out = gws_hub_scratch(h, room);
  gw_list copy;
  if (out == NULL || gw_list_copy(terms, out, &copy) < 0) {
    (void)gws_problem_set(p, GW_CODE_INTERNAL, NULL, NULL);
    return NULL;
  }
  if (copy.rest.len > GW_MAX_FILTER_BYTES) {
    (void)gws_problem_set(p, GW_CODE_TOO_BIG, "filter", NULL);
    return NULL;
  }
  uint64_t hash = gws_hub_hash(h, copy.rest.data, copy.rest.len);
  gw_filter *f = find(h, hash, copy.rest);
  if (f == NULL) return add(h, hash, copy, p);
  f->refs++;
  return f;
}

void gws_filter_unref(gw_hub *h, gw_filter *f) {
  if (f == NULL || --f->refs != 0) return;
  gw_index_remove(&h->filters, (uint32_t)f->hash, f);
  free_filter(f);
}

void gws_filters_deinit(gw_hub *h) {
  gw_index_deinit(&h->filters); /* nobody has any left */
}
