/* SPDX-License-Identifier: MIT */
/* tally.c - counts of names. */
#include "server/core/tally.h"

#include "server/core/channel.h"

static uint32_t hash_of(const gw_tally *t, gw_view name) {
  return (uint32_t)gws_hub_hash(t->channel->hub, name.data, name.len);
}

static gw_tally_row *find(const gw_tally *t, gw_view name, uint32_t hash) {
  gw_tally_row *row;
  HASH_FIND_BYHASHVALUE(hh, t->rows, name.data, name.len, hash, row);
  return row;
}

static gw_tally_row *row_of(gw_link *link) {
  return link != NULL ? GWS_AROUND(link, gw_tally_row, link) : NULL;
}

static bool is_of_name(const gw_link *link, gw_view name) {
  return gw_view_eq(gws_tally_name(row_of((gw_link *)(uintptr_t)link)), name);
}

static gw_tally_row *make(gw_tally *t, gw_view name, uint32_t hash) {
  gw_tally_row *row = gw_mem_zalloc(sizeof *row + name.len);
  if (row == NULL) return NULL;
  row->channel = t->channel;
  row->len = (uint32_t)name.len;
  memcpy(row->name, name.data, name.len);
  if (t->index != NULL &&
      gw_bunch_add(t->index, hash, name, is_of_name, &row->link) < 0) {
    gw_mem_free(row);
    return NULL;
  }
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, t->rows, row->name, name.len, hash, row);
  if (GWS_TABLE_HAS(row)) return row;
  if (t->index != NULL) gw_bunch_remove(t->index, hash, &row->link);
  gw_mem_free(row);
  return NULL;
}

gw_tally_row *gws_tally_hold(gw_tally *t, gw_view name) {
  uint32_t hash = hash_of(t, name);
  gw_tally_row *row = find(t, name, hash);
  if (row == NULL) row = make(t, name, hash);
  return gws_tally_ref(row);
}

gw_tally_row *gws_tally_ref(gw_tally_row *row) {
  if (row != NULL) row->refs++;
  return row;
}

void gws_tally_drop(gw_tally *t, gw_tally_row *row) {
  if (row == NULL || --row->refs != 0) return;
  if (t->index != NULL) gw_bunch_remove(t->index, row->hh.hashv, &row->link);
  HASH_DEL(t->rows, row);
  gw_mem_free(row);
}

gw_tally_row *gws_tally_find(const gw_tally *t, gw_view name) {
  return find(t, name, hash_of(t, name));
}

gw_view gws_tally_name(const gw_tally_row *row) {
  return row != NULL ? (gw_view){row->name, row->len} : (gw_view){NULL, 0};
}

gw_tally_row *gws_tally_first_of(const gw_hub *h, const gw_index *index,
                                 gw_view name) {
  uint32_t hash = (uint32_t)gws_hub_hash(h, name.data, name.len);
  return row_of(gw_bunch_find(index, hash, name, is_of_name));
}

gw_tally_row *gws_tally_next_of(const gw_tally_row *row) {
  return row_of(row->link.next);
}
