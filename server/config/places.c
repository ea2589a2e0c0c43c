/* SPDX-License-Identifier: MIT */
/* places.c - where each text of a configuration is from, for mistakes that show
 * only when the text is used, such as a path where there is no file. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/load.h"

typedef struct gw_config_place place;

struct gw_config_place {
  place *next; /* an older one */
  const void *field;
  char where[];
};

void gw__place_put(gw__load *l, const void *field, const char *where) {
  size_t len = strlen(where) + 1;
  place *p = malloc(sizeof *p + len);
  if (p == NULL) {
    l->is_out_of_memory = true;
    return;
  }
  *p = (place){.next = l->config->places, .field = field};
  memcpy(p->where, where, len);
  l->config->places = p;
}

void gw__places_deinit(gw_config *c) {
  while (c->places != NULL) {
    place *next = c->places->next;
    free(c->places);
    c->places = next;
  }
}

static const char *find(const gw_config *c, const void *field) {
  const place *p = c->places;
  while (p != NULL && p->field != field)
    p = p->next;
  return p != NULL ? p->where : NULL;
}

/** What stands for a namespace's field that it does not say itself; NULL: it is
 * no field of a namespace. */
static const void *at_top(const gw_config *c, const void *field) {
  uintptr_t at = (uintptr_t)field, first = (uintptr_t)c->namespaces;
  size_t size = c->settings.num_namespaces * sizeof *c->namespaces;
  if (at < first || at - first >= size) return NULL;
  return (const char *)&c->base + (at - first) % sizeof *c->namespaces;
}

const char *gw_config_place(const gw_config *c, const void *field) {
  const char *where = find(c, field);
  const void *top = where == NULL ? at_top(c, field) : NULL;
  return top != NULL ? find(c, top) : where;
}

const char *gw_config_place_of_key(const gw_config *c, const char *key) {
  const gw__key *k = gw__key_find(gw__config_keys, key);
  return k != NULL ? gw_config_place(c, (const char *)c + k->offset) : NULL;
}
