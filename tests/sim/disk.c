/* SPDX-License-Identifier: MIT */
/* disk.c - a list of entries in the order of their keys. */
#include "tests/sim/disk.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
  struct entry *next;
  uint64_t key;
  size_t len;
  uint8_t bytes[];
} entry;

struct sim_disk {
  entry *first;
  entry *last;
};

sim_disk *sim_disk_new(void) {
  sim_disk *d = calloc(1, sizeof *d);
  if (d == NULL) abort();
  return d;
}

void sim_disk_free(sim_disk *d) {
  while (d->first != NULL)
    sim_disk_remove(d, d->first->key);
  free(d);
}

void sim_disk_put(sim_disk *d, uint64_t key, gw_view bytes) {
  entry *e = malloc(sizeof *e + bytes.len);
  if (e == NULL) abort();
  *e = (entry){.key = key, .len = bytes.len};
  memcpy(e->bytes, bytes.data, bytes.len);
  if (d->first == NULL)
    d->first = e;
  else
    d->last->next = e;
  d->last = e;
}

void sim_disk_remove(sim_disk *d, uint64_t key) {
  entry *before = NULL, *e = d->first;
  while (e != NULL && e->key != key) {
    before = e;
    e = e->next;
  }
  if (e == NULL) return;
  *(before != NULL ? &before->next : &d->first) = e->next;
  if (d->last == e) d->last = before;
  free(e);
}

bool sim_disk_has(const sim_disk *d, uint64_t key) {
  const entry *e = d->first;
  while (e != NULL && e->key != key)
    e = e->next;
  return e != NULL;
}

bool sim_disk_restore(const sim_disk *d, gw_client *c) {
  for (const entry *e = d->first; e != NULL; e = e->next)
    if (gw_client_restore(c, (gw_view){e->bytes, e->len}) != 0) return false;
  return true;
}
