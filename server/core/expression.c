/* SPDX-License-Identifier: MIT */
/* expression.c - regular expressions by PCRE2 (pcre2api(3)). POSIX's were here
 * before: regcomp of glibc takes memory without a bound for (a+)+++..., and knows
 * neither \d nor what else ECMA-262 has. */
#include "server/core/expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "server/core/mem.h"

/* What ECMA-262 reads otherwise than Perl: \u0041, $ before a last new line, [],
 * groups that have not matched. \C would cut characters. */
#define OPTIONS                                          \
  (PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY |   \
   PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | \
   PCRE2_NEVER_BACKSLASH_C)

struct gw_expression {
  pcre2_general_context *memory;
  pcre2_match_context *bounds;
  pcre2_code *code;
};

static void *get(size_t size, void *user) {
  (void)user;
  return gw_mem_alloc(size);
}

static void give_back(void *ptr, void *user) {
  (void)user;
  gw_mem_free(ptr);
}

static gw_expression *say(char *why, size_t why_max, const char *words) {
  (void)snprintf(why, why_max, "%s", words);
  return NULL;
}

/* What it is made with; NULL when out of memory. */
static pcre2_compile_context *dialect(const gw_expression *e) {
  pcre2_compile_context *c = pcre2_compile_context_create(e->memory);
  if (c == NULL) return NULL;
  (void)pcre2_set_compile_extra_options(c, PCRE2_EXTRA_ALT_BSUX);
  (void)pcre2_set_newline(c, PCRE2_NEWLINE_ANYCRLF);
  return c;
}

static gw_expression *compile(gw_expression *e, gw_view text, char *why,
                              size_t why_max) {
  int err;
  size_t at;
  pcre2_compile_context *c = dialect(e);
  if (c == NULL) return say(why, why_max, "out of memory");
  e->code = pcre2_compile(text.data, text.len, OPTIONS, &err, &at, c);
  pcre2_compile_context_free(c);
  if (e->code != NULL) return e;
  PCRE2_UCHAR words[128];
  (void)pcre2_get_error_message(err, words, sizeof words);
  (void)snprintf(why, why_max, "%s, at character %zu", (const char *)words,
                 at + 1);
  return NULL;
}

static bool set_bounds(gw_expression *e) {
  e->bounds = pcre2_match_context_create(e->memory);
  if (e->bounds == NULL) return false;
  (void)pcre2_set_match_limit(e->bounds, GW_EXPRESSION_STEPS);
  (void)pcre2_set_heap_limit(e->bounds, GW_EXPRESSION_KIB);
  return true;
}

gw_expression *gw_expression_new(gw_view text, char *why, size_t why_max) {
  if (text.len > GW_EXPRESSION_MAX)
    return say(why, why_max, "it is longer than 16 KiB");
  gw_expression *e = gw_mem_zalloc(sizeof *e);
  if (e == NULL) return say(why, why_max, "out of memory");
  e->memory = pcre2_general_context_create(get, give_back, NULL);
  if (e->memory == NULL || !set_bounds(e)) {
    gw_expression_free(e);
    return say(why, why_max, "out of memory");
  }
  if (compile(e, text, why, why_max) != NULL) return e;
  gw_expression_free(e);
  return NULL;
}

void gw_expression_free(gw_expression *e) {
  if (e == NULL) return;
  pcre2_code_free(e->code);
  pcre2_match_context_free(e->bounds);
  pcre2_general_context_free(e->memory);
  gw_mem_free(e);
}

int gw_expression_match(const gw_expression *e, gw_view text) {
  pcre2_match_data *found = pcre2_match_data_create(1, e->memory);
  if (found == NULL) return GW_ERR_NOMEM;
  /* An empty text may be no bytes at NULL. */
  const uint8_t *data = text.len != 0 ? text.data : (const uint8_t *)"";
  int num = pcre2_match(e->code, data, text.len, 0, PCRE2_NO_UTF_CHECK, found,
                        e->bounds);
  pcre2_match_data_free(found);
  if (num >= 0) return 1;
  if (num == PCRE2_ERROR_NOMATCH) return 0;
  return num == PCRE2_ERROR_NOMEMORY ? GW_ERR_NOMEM : GW_ERR_TOO_BIG;
}
