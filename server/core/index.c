/* SPDX-License-Identifier: MIT */
/* index.c - linear probing, with removal that closes the hole it makes. */
#include "server/core/index.h"

#include "server/core/mem.h"

#define CELLS_MIN 16u

void gw_index_deinit(gw_index *ix) {
  gw_mem_free(ix->cells);
  *ix = (gw_index){0};
}

static void put(gw_index *ix, struct gw_index_cell cell) {
  uint32_t i = cell.hash & ix->mask;
  while (ix->cells[i].item != NULL)
    i = (i + 1) & ix->mask;
  ix->cells[i] = cell;
}

static int resize(gw_index *ix, uint32_t num_cells) {
  gw_index old = *ix;
  struct gw_index_cell *cells =
      gw_mem_zalloc((size_t)num_cells * sizeof *cells);
  if (cells == NULL) return GW_ERR_NOMEM;
  ix->cells = cells;
  ix->mask = num_cells - 1;
  for (uint32_t i = 0; old.cells != NULL && i <= old.mask; i++) {
    if (old.cells[i].item != NULL) put(ix, old.cells[i]);
  }
  gw_mem_free(old.cells);
  return 0;
}

int gw_index_reserve(gw_index *ix) {
  uint32_t num_cells = ix->cells == NULL ? 0 : ix->mask + 1;
  if (ix->num + 1 <= num_cells / 4 * 3) return 0;
  return resize(ix, num_cells == 0 ? CELLS_MIN : num_cells * 2);
}

int gw_index_add(gw_index *ix, uint32_t hash, void *item) {
  int err = gw_index_reserve(ix);
  if (err < 0) return err;
  put(ix, (struct gw_index_cell){item, hash});
  ix->num++;
  return 0;
}

/** Move cells that were pushed past the hole back to where they are found. */
static void close_hole(gw_index *ix, uint32_t hole) {
  for (uint32_t i = (hole + 1) & ix->mask; ix->cells[i].item != NULL;
       i = (i + 1) & ix->mask) {
    uint32_t home = ix->cells[i].hash & ix->mask;
    if (((i - home) & ix->mask) < ((i - hole) & ix->mask)) continue;
    ix->cells[hole] = ix->cells[i];
    hole = i;
  }
  ix->cells[hole].item = NULL;
}

void gw_index_replace(gw_index *ix, uint32_t hash, const void *item, void *by) {
  uint32_t i = hash & ix->mask;
  while (ix->cells[i].item != item)
    i = (i + 1) & ix->mask;
  ix->cells[i].item = by;
}

void gw_index_remove(gw_index *ix, uint32_t hash, const void *item) {
  if (ix->cells == NULL) return;
  uint32_t i = hash & ix->mask;
  while (ix->cells[i].item != item) {
    if (ix->cells[i].item == NULL) return;
    i = (i + 1) & ix->mask;
  }
  close_hole(ix, i);
  ix->num--;
  /* After a flood is gone its memory is given back. */
  uint32_t num_cells = ix->mask + 1;
  if (num_cells > CELLS_MIN && ix->num < num_cells / 8)
    (void)!resize(ix, num_cells / 2);
}

void *gw_index_next(const gw_index *ix, gw_index_walk *walk) {
  if (ix->cells == NULL) return NULL;
  for (;;) {
    const struct gw_index_cell *cell =
        &ix->cells[(walk->hash + walk->steps) & ix->mask];
    if (cell->item == NULL) return NULL;
    walk->steps++;
    if (cell->hash == walk->hash) return cell->item;
  }
}
