/* SPDX-License-Identifier: MIT */
/* words.c - values that are made of words: who may, states, transitions, and the
 * name of a group with parts of a channel's in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/keys.h"

#define BETWEEN ", \t"

bool gw__words_is(const gw__key *key) {
  return key->type >= GW__KEY_RULE;
}

/** Calls take with each word until it returns false; then returns that. */
static bool each_word(const char *text, const char *between,
                      bool (*take)(void *to, gw_view word), void *to) {
  const char *p = text + strspn(text, between);
  while (*p != '\0') {
    size_t len = strcspn(p, between);
    if (!take(to, (gw_view){(const uint8_t *)p, len})) return false;
    p += len;
    p += strspn(p, between);
  }
  return true;
}

/** Append to a text; cut at its end. */
static size_t put(char *space, size_t len, const char *before,
                  const char *text) {
  if (len >= GW__VALUE_MAX - 1) return len;
  int num = snprintf(space + len, GW__VALUE_MAX - len, "%s%s",
                     len != 0 ? before : "", text);
  return num > 0 ? len + (size_t)num : len;
}

/* ---- rules ------------------------------------------------------------------
 */

static const struct {
  const char *word;
  uint32_t who;
} ways[] = {{"nobody", 0},
            {"anyone", GW_WHO_ANYONE},
            {"user", GW_WHO_USER},
            {"subscriber", GW_WHO_SUBSCRIBER},
            {"token", GW_WHO_TOKEN},
            {"hook", GW_WHO_HOOK},
            {"member", GW_WHO_MEMBER}};
#define NUM_WAYS (sizeof ways / sizeof ways[0])
#define ROLE     "role:"
#define ROLE_LEN (sizeof ROLE - 1)

static bool may_be(const gw__key *key, uint32_t who) {
  return (key->max & who) == who;
}

typedef struct rule_reading {
  const gw__key *key;
  gw_rule rule;
  uint32_t num;
} rule_reading;

static bool add_role(rule_reading *r, gw_view name) {
  r->rule.who |= GW_WHO_ROLE;
  return name.len != 0 && name.len <= GW_MAX_ROLE_BYTES &&
         may_be(r->key, GW_WHO_ROLE) && gw_words_add(&r->rule.roles, name);
}

static bool add_way(void *to, gw_view word) {
  rule_reading *r = to;
  r->num++;
  if (word.len >= ROLE_LEN && memcmp(word.data, ROLE, ROLE_LEN) == 0)
    return add_role(r, (gw_view){word.data + ROLE_LEN, word.len - ROLE_LEN});
  for (size_t i = 0; i < NUM_WAYS; i++) {
    if (!gw_view_eq(gw_view_of(ways[i].word), word)) continue;
    r->rule.who |= ways[i].who;
    return may_be(r->key, ways[i].who);
  }
  return false;
}

static int set_rule(const gw__key *key, gw_rule *field, const char *text,
                    char *why) {
  rule_reading r = {.key = key};
  if (each_word(text, BETWEEN, add_way, &r) && r.num != 0) {
    *field = r.rule;
    return 0;
  }
  size_t len = (size_t)snprintf(
      why, GW__WHY_MAX, "'%.100s' must be nobody, or one or more of", text);
  for (size_t i = 1; i < NUM_WAYS; i++) {
    if (!may_be(key, ways[i].who)) continue;
    len += (size_t)snprintf(why + len, GW__WHY_MAX - len, "%s%s",
                            i == 1 ? " " : ", ", ways[i].word);
  }
  if (may_be(key, GW_WHO_ROLE))
    (void)snprintf(why + len, GW__WHY_MAX - len, ", role:NAME");
  return GW_ERR_INVALID;
}

static const char *rule_text(const gw_rule *rule, char *space) {
  size_t len = 0;
  space[0] = '\0';
  for (size_t i = 1; i < NUM_WAYS; i++) {
    if ((rule->who & ways[i].who) != 0)
      len = put(space, len, ", ", ways[i].word);
  }
  for (const char *w = NULL; (w = gw_words_next(&rule->roles, w)) != NULL;) {
    len = put(space, len, ", ", ROLE);
    len = put(space, len, "", w);
  }
  return len != 0 ? space : ways[0].word;
}

static char *rule_pattern(const gw__key *key) {
  char *text = NULL, words[128] = "";
  size_t len = 0;
  for (size_t i = 1; i < NUM_WAYS; i++) {
    if (may_be(key, ways[i].who))
      len += (size_t)snprintf(words + len, sizeof words - len, "%s%s",
                              len != 0 ? "|" : "", ways[i].word);
  }
  const char *role = may_be(key, GW_WHO_ROLE) ? "|role:[^, ]+" : "";
  if (asprintf(&text, "^(nobody|%s%s)([, ]+(%s%s))*$", words, role, words,
               role) < 0)
    return NULL;
  return text;
}

/* ---- words ------------------------------------------------------------------
 */

static bool is_state(gw_view word) {
  return word.len != 0 && word.len <= GW_MAX_STATE_BYTES &&
         gw_view_is_text(word);
}

static bool add_word(void *to, gw_view word) {
  gw_words *words = to;
  return is_state(word) && !gw_words_has(words, word) &&
         gw_words_add(words, word);
}

static int set_words(gw_words *field, const char *text, char *why) {
  gw_words words = {0};
  if (each_word(text, BETWEEN, add_word, &words)) {
    *field = words;
    return 0;
  }
  (void)snprintf(
      why, GW__WHY_MAX,
      "'%.100s' must be words of up to %u bytes, each once, %u bytes "
      "in all, such as online, away, busy",
      text, GW_MAX_STATE_BYTES, GW_WORDS_BYTES);
  return GW_ERR_INVALID;
}

static const char *words_text(const gw_words *words, char *space) {
  size_t len = 0;
  space[0] = '\0';
  for (const char *w = NULL; (w = gw_words_next(words, w)) != NULL;)
    len = put(space, len, ", ", w);
  return space;
}

/* ---- transitions -------------------------------------------------------------
 */

/** FROM TIME TO, word by word. */
typedef struct transition_reading {
  gw_transition t;
  uint32_t num;
} transition_reading;

static void copy_state(char to[GW_MAX_STATE_BYTES + 1], gw_view word) {
  memcpy(to, word.data, word.len);
  to[word.len] = '\0';
}

static bool add_part(void *to, gw_view word) {
  transition_reading *r = to;
  char time[32];
  switch (r->num++) {
  case 0:
    if (is_state(word)) copy_state(r->t.from, word);
    return is_state(word);
  case 1:
    if (word.len >= sizeof time) return false;
    memcpy(time, word.data, word.len);
    time[word.len] = '\0';
    return gw__duration_read(time, &r->t.after_ms) && r->t.after_ms != 0;
  case 2:
    if (is_state(word)) copy_state(r->t.to, word);
    return is_state(word);
  default:
    return false;
  }
}

static const gw_transition *find_from(const gw_transitions *all,
                                      const char *from) {
  for (uint32_t i = 0; i < all->num; i++) {
    if (strcmp(all->items[i].from, from) == 0) return &all->items[i];
  }
  return NULL;
}

/** Whether it can follow those that are there: one from each state, none from
 * the one that leaves, and never in a circle. */
static bool fits(const gw_transitions *all, const gw_transition *t) {
  if (find_from(all, t->from) != NULL || strcmp(t->from, GW_STATE_OFFLINE) == 0)
    return false;
  for (const gw_transition *at = t; at != NULL; at = find_from(all, at->to)) {
    if (strcmp(at->to, t->from) == 0) return false;
  }
  return true;
}

static bool add_transition(void *to, gw_view words) {
  gw_transitions *all = to;
  transition_reading r = {.num = 0};
  char copy[2 * GW_MAX_STATE_BYTES + 64];
  if (words.len >= sizeof copy || all->num == GW_MAX_TRANSITIONS) return false;
  memcpy(copy, words.data, words.len);
  copy[words.len] = '\0';
  if (!each_word(copy, " \t", add_part, &r) || r.num != 3 || !fits(all, &r.t))
    return r.num == 0; /* nothing between two commas */
  all->items[all->num++] = r.t;
  return true;
}

static int set_transitions(gw_transitions *field, const char *text, char *why) {
  gw_transitions all = {.num = 0};
  if (each_word(text, ",", add_transition, &all)) {
    *field = all;
    return 0;
  }
  (void)snprintf(why, GW__WHY_MAX,
                 "'%.100s' must be up to %u times FROM TIME TO with commas "
                 "between, one from each state and none in a circle, such as "
                 "online 5m away, away 30m offline",
                 text, GW_MAX_TRANSITIONS);
  return GW_ERR_INVALID;
}

static const char *transitions_text(const gw_transitions *all, char *space) {
  static const gw__key as_time = {.type = GW__KEY_DURATION};
  char time[GW__VALUE_MAX];
  size_t len = 0;
  space[0] = '\0';
  for (uint32_t i = 0; i < all->num; i++) {
    const gw_transition *t = &all->items[i];
    len = put(space, len, ", ", t->from);
    len = put(space, len, " ", gw__number_text(&as_time, t->after_ms, time));
    len = put(space, len, " ", t->to);
  }
  return space;
}

/* ---- groups ------------------------------------------------------------------
 */

/** A name in which {N} stands for a part of the channel's. */
static bool is_group(const char *text) {
  size_t len = strlen(text);
  if (len > GW_MAX_CHANNEL_BYTES || !gw_view_is_text(gw_view_of(text)))
    return false;
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '}' || (unsigned char)*p < 0x20) return false;
    if (*p != '{') continue;
    if (p[1] < '0' || p[1] > '9' || p[2] != '}') return false;
    p += 2;
  }
  return true;
}

static int set_group(char *field, const char *text, char *why) {
  if (is_group(text)) {
    memcpy(field, text, strlen(text) + 1);
    return 0;
  }
  (void)snprintf(
      why, GW__WHY_MAX,
      "'%.100s' must be the name of a group, in which {0} to {9} are "
      "parts of the channel's name between colons, such as team:{1}",
      text);
  return GW_ERR_INVALID;
}

/* ---- by type ------------------------------------------------------------------
 */

int gw__words_set(const gw__key *key, void *field, const char *text,
                  char why[GW__WHY_MAX]) {
  switch (key->type) {
  case GW__KEY_WORDS:
    return set_words(field, text, why);
  case GW__KEY_TRANSITIONS:
    return set_transitions(field, text, why);
  case GW__KEY_GROUP:
    return set_group(field, text, why);
  default:
    return set_rule(key, field, text, why);
  }
}

const char *gw__words_text(const gw__key *key, const void *field,
                           char space[GW__VALUE_MAX]) {
  switch (key->type) {
  case GW__KEY_WORDS:
    return words_text(field, space);
  case GW__KEY_TRANSITIONS:
    return transitions_text(field, space);
  case GW__KEY_GROUP:
    return field;
  default:
    return rule_text(field, space);
  }
}

char *gw__words_pattern(const gw__key *key) {
  switch (key->type) {
  case GW__KEY_WORDS:
    return strdup("^([^, ]+([, ]+[^, ]+)*)?$");
  case GW__KEY_TRANSITIONS:
    return strdup("^([^, ]+ +[0-9]+(ms|s|m|h|d) +[^, ]+"
                  "( *, *[^, ]+ +[0-9]+(ms|s|m|h|d) +[^, ]+)*)?$");
  case GW__KEY_GROUP:
    return strdup("^([^{}]|\\{[0-9]\\})*$");
  default:
    return rule_pattern(key);
  }
}
