/* SPDX-License-Identifier: MIT */
/* load.c - mistakes, and looking up keys, for every source of configuration. */
#include "server/config/load.h"

#include <stdarg.h>
#include <string.h>

void gw__load_fail(gw__load *l, const char *where, const char *format, ...) {
  va_list args;
  l->num_errors++;
  fprintf(l->errors, "%s: ", where);
  va_start(args, format);
  vfprintf(l->errors, format, args);
  va_end(args);
  fputc('\n', l->errors);
}

gw__targets gw__targets_of(gw_config *c) {
  return (gw__targets){{{gw__config_keys, c}, {gw__namespace_keys, &c->base}},
                       .has_lists = true};
}

gw__targets gw__targets_of_item(const gw__list *list, void *item) {
  return (gw__targets){{{list->keys, item}, {NULL, NULL}}, .has_lists = false};
}

size_t gw__list_number(const char *name) {
  size_t i = 0;
  while (i <= GW__NUM_LISTS && strcmp(gw__list_name(i), name) != 0)
    i++;
  return i;
}

const char *gw__list_name(size_t number) {
  return number < GW__NUM_LISTS ? gw__lists[number].name : "namespaces";
}

gw__targets gw__targets_of_namespace(gw_namespace *n) {
  return (gw__targets){{{gw__namespace_keys, n}, {NULL, NULL}},
                       .has_name = true};
}

const gw__key *gw__targets_find(const gw__targets *t, const char *path,
                                void **at) {
  for (size_t i = 0; i < GW__TARGETS_MAX && t->of[i].keys != NULL; i++) {
    const gw__key *key = gw__key_find(t->of[i].keys, path);
    if (key == NULL) continue;
    *at = t->of[i].at;
    return key;
  }
  return NULL;
}

bool gw__targets_has_section(const gw__targets *t, const char *path) {
  size_t len = strlen(path);
  for (size_t i = 0; i < GW__TARGETS_MAX && t->of[i].keys != NULL; i++) {
    for (const gw__key *k = t->of[i].keys; k->path != NULL; k++) {
      if (strncmp(k->path, path, len) == 0 && k->path[len] == '.') return true;
    }
  }
  return false;
}

/** The best match so far. */
typedef struct match {
  const char *path;
  size_t path_len;
  size_t distance;
} match;

static void consider(match *best, const char *path, size_t path_len,
                     const char *wanted) {
  char copy[GW__PATH_MAX];
  if (path_len >= sizeof copy) return;
  memcpy(copy, path, path_len);
  copy[path_len] = '\0';
  size_t distance = gw__edit_distance(copy, wanted, best->distance);
  /* A key that was written without its section, or in the wrong one. */
  const char *last = strrchr(copy, '.');
  const char *wanted_last = strrchr(wanted, '.');
  if (last != NULL) {
    size_t away =
        1 + gw__edit_distance(last + 1, wanted_last ? wanted_last + 1 : wanted,
                              best->distance);
    if (away < distance) distance = away;
  }
  if (distance < best->distance) *best = (match){path, path_len, distance};
}

const char *gw__targets_nearest(const gw__targets *t, const char *path,
                                char space[GW__PATH_MAX]) {
  match best = {.path = "", .distance = SIZE_MAX};
  for (size_t i = 0; i < GW__TARGETS_MAX && t->of[i].keys != NULL; i++) {
    for (const gw__key *k = t->of[i].keys; k->path != NULL; k++) {
      consider(&best, k->path, strcspn(k->path, "."), path);
      consider(&best, k->path, strlen(k->path), path);
    }
  }
  for (size_t i = 0; t->has_lists && i <= GW__NUM_LISTS; i++)
    consider(&best, gw__list_name(i), strlen(gw__list_name(i)), path);
  if (t->has_name) consider(&best, "name", strlen("name"), path);
  memcpy(space, best.path, best.path_len);
  space[best.path_len] = '\0';
  return space;
}

bool gw__load_set(gw__load *l, const gw__key *key, void *at, const char *text,
                  const char *where) {
  char why[GW__WHY_MAX];
  int err = gw__value_set(key, at, text, why);
  if (err == GW_ERR_NOMEM) {
    l->is_out_of_memory = true;
  } else if (err != 0) {
    gw__load_fail(l, where, "%s: %s", key->path, why);
  } else if (gw__key_is_text(key)) {
    gw__place_put(l, (char *)at + key->offset, where);
  }
  return err == 0;
}
