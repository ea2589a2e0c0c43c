/* SPDX-License-Identifier: MIT */
/* bunch.c - lists whose heads are in an index. */
#include "server/core/bunch.h"

#include <stddef.h>

gw_link *gw_bunch_find(const gw_index *firsts, uint32_t hash, gw_view key,
                       gw_is_of is_of) {
  gw_link *link;
  gw_index_walk walk = {.hash = hash};
  while ((link = gw_index_next(firsts, &walk)) != NULL) {
    if (is_of(link, key)) return link;
  }
  return NULL;
}

int gw_bunch_add(gw_index *firsts, uint32_t hash, gw_view key, gw_is_of is_of,
                 gw_link *link) {
  gw_link *first = gw_bunch_find(firsts, hash, key, is_of);
  *link = (gw_link){NULL, NULL};
  if (first == NULL) return gw_index_add(firsts, hash, link);
  *link = (gw_link){first, first->next};
  if (first->next != NULL) first->next->prev = link;
  first->next = link;
  return 0;
}

void gw_bunch_remove(gw_index *firsts, uint32_t hash, gw_link *link) {
  if (link->next != NULL) link->next->prev = link->prev;
  if (link->prev != NULL)
    link->prev->next = link->next;
  else if (link->next != NULL)
    gw_index_replace(firsts, hash, link, link->next);
  else
    gw_index_remove(firsts, hash, link);
}
