/* SPDX-License-Identifier: MIT */
/* value.c - values of configuration keys: text to field and back. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/keys.h"

/** A unit and how many of the smallest unit it holds; the largest first. */
typedef struct unit {
  const char *name;
  uint64_t factor;
} unit;

static const unit durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                 {"s", 1000},     {"ms", 1},      {NULL, 0}};
/* Bytes may stand alone; powers of ten are read, never written. */
static const unit sizes[] = {
    {"GiB", 1u << 30}, {"MiB", 1u << 20},  {"KiB", 1u << 10},
    {"", 1},           {"B", 1},           {"kB", 1000},
    {"MB", 1000000},   {"GB", 1000000000}, {NULL, 0}};
static const unit plain[] = {{"", 1}, {NULL, 0}};

static const unit *units_of(const gw__key *key) {
  if (key->type == GW__KEY_DURATION) return durations;
  return key->type == GW__KEY_SIZE ? sizes : plain;
}

/* ---- reading ---------------------------------------------------------------
 */

/** Digits and a unit; false when it is no such thing or does not fit. */
static bool read_number(const unit *units, const char *text, uint64_t *number) {
  uint64_t sum = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++) {
    sum = sum * 10 + (uint64_t)(*p - '0');
    if (sum > UINT32_MAX) return false;
  }
  if (p == text) return false;
  while (*p == ' ')
    p++;
  for (const unit *u = units; u->name != NULL; u++) {
    if (strcmp(u->name, p) != 0) continue;
    *number = sum * u->factor;
    return true;
  }
  /* Nothing is nothing in any unit. */
  *number = 0;
  return sum == 0 && *p == '\0';
}

bool gw__duration_read(const char *text, uint32_t *ms) {
  uint64_t number;
  if (!read_number(durations, text, &number) || number > UINT32_MAX)
    return false;
  *ms = (uint32_t)number;
  return true;
}

static const char *how_written(const gw__key *key) {
  switch (key->type) {
  case GW__KEY_DURATION:
    return "a time with its unit (ms, s, m, h, d)";
  case GW__KEY_SIZE:
    return "a size (bytes, KiB, MiB, GiB)";
  default:
    return "a whole number";
  }
}

static int set_number(const gw__key *key, void *field, const char *text,
                      char *why) {
  char low[GW__VALUE_MAX], high[GW__VALUE_MAX];
  uint64_t number;
  bool is_number = read_number(units_of(key), text, &number);
  if (!is_number || number < key->min || number > key->max) {
    (void)snprintf(why, GW__WHY_MAX, "'%.100s' must be %s from %s to %s", text,
                   how_written(key), gw__number_text(key, key->min, low),
                   gw__number_text(key, key->max, high));
    return GW_ERR_INVALID;
  }
  *(uint32_t *)field = (uint32_t)number;
  return 0;
}

static int set_bool(bool *field, const char *text, char *why) {
  static const char *const yes[] = {"true", "yes", "on", "1"};
  static const char *const no[] = {"false", "no", "off", "0"};
  for (size_t i = 0; i < 4; i++) {
    bool is_yes = strcmp(text, yes[i]) == 0;
    if (!is_yes && strcmp(text, no[i]) != 0) continue;
    *field = is_yes;
    return 0;
  }
  (void)snprintf(why, GW__WHY_MAX, "'%.100s' must be true or false", text);
  return GW_ERR_INVALID;
}

static int set_choice(const gw__key *key, uint32_t *field, const char *text,
                      char *why) {
  for (uint32_t i = 0; key->choices[i] != NULL; i++) {
    if (strcmp(key->choices[i], text) != 0) continue;
    *field = i;
    return 0;
  }
  size_t len = (size_t)snprintf(why, GW__WHY_MAX, "'%.100s' must be", text);
  for (uint32_t i = 0; key->choices[i] != NULL && len < GW__WHY_MAX; i++) {
    const char *before = i == 0                        ? " "
                         : key->choices[i + 1] == NULL ? " or "
                                                       : ", ";
    len += (size_t)snprintf(why + len, GW__WHY_MAX - len, "%s%s", before,
                            key->choices[i]);
  }
  return GW_ERR_INVALID;
}

/* ---- rates ------------------------------------------------------------------
 */

static const unit periods[] = {
    {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};

/** Reads digits; NULL: there are none, or too many. Else what is behind. */
static const char *read_digits(const char *p, uint32_t *number) {
  uint64_t sum = 0;
  if (*p < '0' || *p > '9') return NULL;
  for (; *p >= '0' && *p <= '9'; p++) {
    sum = sum * 10 + (uint64_t)(*p - '0');
    if (sum > UINT32_MAX) return NULL;
  }
  *number = (uint32_t)sum;
  return p;
}

/** A quarter more than the rate: a network pushes together what was sent apart. */
static uint32_t usual_burst(uint32_t num) {
  return num + num / 4 + (num < 4 ? 1 : 0);
}

/** N/s, N/m or N/h, and perhaps "burst N"; 0. */
static bool read_rate(const char *text, gw_rate *rate) {
  *rate = (gw_rate){0};
  const char *p = read_digits(text, &rate->num);
  if (p == NULL) return false;
  if (*p == '\0') return rate->num == 0;
  if (*p++ != '/') return false;
  for (const unit *u = periods; u->name != NULL && rate->per_ms == 0; u++) {
    if (*u->name == *p) rate->per_ms = (uint32_t)u->factor;
  }
  if (rate->per_ms == 0) return false;
  p++;
  rate->burst = usual_burst(rate->num);
  if (*p == '\0') return true;
  p += strspn(p, " ");
  if (strncmp(p, "burst ", 6) != 0) return false;
  p = read_digits(p + 6 + strspn(p + 6, " "), &rate->burst);
  return p != NULL && *p == '\0';
}

static int set_rate(const gw__key *key, gw_rate *field, const char *text,
                    char *why) {
  gw_rate rate;
  bool is_good = read_rate(text, &rate) && rate.num <= key->max &&
                 rate.burst <= key->max && (rate.num == 0 || rate.burst > 0);
  if (is_good) {
    *field = rate;
    return 0;
  }
  (void)snprintf(why, GW__WHY_MAX,
                 "'%.100s' must be like 100/s, 30/m or 10/h, up to %u, perhaps "
                 "with how many at once (100/s burst 500); 0 is no limit",
                 text, key->max);
  return GW_ERR_INVALID;
}

static const char *rate_text(const gw_rate *rate, char *space) {
  const unit *u = periods;
  while (u->name != NULL && u->factor != rate->per_ms)
    u++;
  if (rate->num == 0 || u->name == NULL) return "0";
  int len = snprintf(space, GW__VALUE_MAX, "%u/%s", rate->num, u->name);
  if (rate->burst != usual_burst(rate->num))
    (void)snprintf(space + len, GW__VALUE_MAX - (size_t)len, " burst %u",
                   rate->burst);
  return space;
}

/* ---- texts ------------------------------------------------------------------
 */

#define BETWEEN ", \t"

static bool is_address(const char *word) {
  char host[GW_CONFIG_HOST_MAX];
  uint16_t port;
  return gw_config_unix_path(word) != NULL ||
         gw_config_address(word, host, &port) == 0;
}

/** One or several addresses. */
static bool are_addresses(const gw__key *key, const char *text, char *bad) {
  size_t num = 0;
  for (const char *list = text; gw_config_next_word(&list, bad); num++) {
    if (!is_address(bad)) return false;
  }
  return num != 0 || (key->min == 0 && *text == '\0');
}

static int set_text(const gw__key *key, char **field, const char *text,
                    char *why) {
  char bad[GW_CONFIG_WORD_MAX];
  if (key->type == GW__KEY_ADDRESS && !are_addresses(key, text, bad)) {
    (void)snprintf(why, GW__WHY_MAX,
                   "'%.100s' must be HOST:PORT with a port from 0 to 65535, "
                   "such as localhost:8000, *:8000 or [::1]:8000, or "
                   "unix:/PATH",
                   bad);
    return GW_ERR_INVALID;
  }
  if (!gw_view_is_text(gw_view_of(text))) {
    (void)snprintf(why, GW__WHY_MAX, "must be UTF-8");
    return GW_ERR_INVALID;
  }
  char *copy = strdup(text);
  if (copy == NULL) return GW_ERR_NOMEM;
  free(*field);
  *field = copy;
  return 0;
}

int gw__value_set(const gw__key *key, void *at, const char *text,
                  char why[GW__WHY_MAX]) {
  void *field = (char *)at + key->offset;
  if (gw__key_is_text(key)) return set_text(key, field, text, why);
  if (key->type == GW__KEY_BOOL) return set_bool(field, text, why);
  if (key->type == GW__KEY_CHOICE) return set_choice(key, field, text, why);
  if (key->type == GW__KEY_RATE) return set_rate(key, field, text, why);
  if (gw__words_is(key)) return gw__words_set(key, field, text, why);
  return set_number(key, field, text, why);
}

int gw_config_address(const char *text, char host[GW_CONFIG_HOST_MAX],
                      uint16_t *port) {
  const char *colon = strrchr(text, ':');
  uint64_t number;
  if (colon == NULL || !read_number(plain, colon + 1, &number) ||
      number > UINT16_MAX) {
    return GW_ERR_INVALID;
  }
  const char *start = text;
  const char *end = colon;
  bool is_bracketed = *text == '[' && colon > text && colon[-1] == ']';
  if (is_bracketed) {
    start++;
    end--;
  }
  size_t len = (size_t)(end - start);
  /* A bare IPv6 address would leave in doubt where its port begins. */
  bool has_colon = memchr(start, ':', len) != NULL;
  if (len == 0 || len >= GW_CONFIG_HOST_MAX || has_colon != is_bracketed ||
      memchr(start, '[', len) != NULL || memchr(start, ' ', len) != NULL) {
    return GW_ERR_INVALID;
  }
  memcpy(host, start, len);
  host[len] = '\0';
  *port = (uint16_t)number;
  return 0;
}

bool gw_config_next_word(const char **list, char word[GW_CONFIG_WORD_MAX]) {
  const char *at = *list + strspn(*list, BETWEEN);
  size_t len = strcspn(at, BETWEEN);
  size_t kept = len < GW_CONFIG_WORD_MAX ? len : GW_CONFIG_WORD_MAX - 1;
  memcpy(word, at, kept);
  word[kept] = '\0';
  *list = at + len;
  return len != 0;
}

const char *gw_config_unix_path(const char *text) {
  size_t len = strlen(GW_CONFIG_UNIX);
  if (strncmp(text, GW_CONFIG_UNIX, len) != 0 || text[len] != '/' ||
      strlen(text + len) >= GW_CONFIG_UNIX_PATH_MAX)
    return NULL;
  return text + len;
}

int gw_config_mode(const char *text) {
  size_t len = strlen(text);
  if (len == 0 || len > 4 || strspn(text, "01234567") != len) return -1;
  long mode = strtol(text, NULL, 8);
  return mode <= 0777 ? (int)mode : -1;
}

/* ---- writing ---------------------------------------------------------------
 */

const char *gw__number_text(const gw__key *key, uint32_t number,
                            char space[GW__VALUE_MAX]) {
  const unit *u = units_of(key);
  /* The largest unit that leaves no rest; the last that is written is 1. */
  while (u->factor != 1 && (number == 0 || number % u->factor != 0))
    u++;
  const char *name = number == 0 ? "" : u->name;
  (void)snprintf(space, GW__VALUE_MAX, "%" PRIu64 "%s",
                 (uint64_t)number / u->factor, name);
  return space;
}

const char *gw__value_text(const gw__key *key, const void *at,
                           char space[GW__VALUE_MAX]) {
  const void *field = (const char *)at + key->offset;
  if (gw__key_is_text(key)) return *(char *const *)field;
  if (key->type == GW__KEY_BOOL) {
    return *(const bool *)field ? "true" : "false";
  }
  if (key->type == GW__KEY_RATE) return rate_text(field, space);
  if (gw__words_is(key)) return gw__words_text(key, field, space);
  uint32_t number = *(const uint32_t *)field;
  if (key->type == GW__KEY_CHOICE) return key->choices[number];
  return gw__number_text(key, number, space);
}

/* ---- likeness --------------------------------------------------------------
 */

/** Longer texts are compared by their beginnings. */
#define LIKE_MAX 64u

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* A fuzzer that watched each comparison of texts would have time for little
 * else. */
#ifdef __clang__
#define UNWATCHED __attribute__((no_sanitize("coverage")))
#else
#define UNWATCHED
#endif

/* Optimal string alignment: rows[i % 3][j] is the distance between the first i
 * characters of a and the first j of b. */
UNWATCHED size_t gw__edit_distance(const char *a, const char *b, size_t limit) {
  size_t a_len = strnlen(a, LIKE_MAX);
  size_t b_len = strnlen(b, LIKE_MAX);
  size_t rows[3][LIKE_MAX + 1];
  size_t nearest = 0, nearest_before = 0;
  if ((a_len > b_len ? a_len - b_len : b_len - a_len) >= limit) return limit;
  for (size_t j = 0; j <= b_len; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_len; i++) {
    size_t *row = rows[i % 3];
    const size_t *last = rows[(i - 1) % 3];
    /* No row to come is nearer than both of the last two, from which it comes. */
    if (least(nearest, nearest_before + 1) >= limit) return limit;
    nearest_before = nearest;
    nearest = row[0] = i;
    for (size_t j = 1; j <= b_len; j++) {
      bool is_same =
          tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
      row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !is_same);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
      nearest = least(nearest, row[j]);
    }
  }
  return least(rows[a_len % 3][b_len], limit);
}

void gw__nearest_try(gw__nearest *n, const char *name, const char *wanted) {
  size_t away = gw__edit_distance(name, wanted, n->away);
  if (away < n->away) *n = (gw__nearest){name, away};
}
