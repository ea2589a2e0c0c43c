/* SPDX-License-Identifier: MIT */
/* draft.c - a list of blocks that is freed at once. */
#include "server/middleware/draft.h"

#include <stdlib.h>

struct gw_draft_block {
  struct gw_draft_block *next;
  uint8_t bytes[];
};

uint8_t *gw_draft_space(const gw_draft *draft, size_t len) {
  gw_drafts *d = ((const gw_draft_of *)(const void *)draft)->drafts;
  struct gw_draft_block *block =
      len <= GW_MAX_FRAME_BYTES_HARD ? malloc(sizeof *block + len) : NULL;
  if (block == NULL) return NULL;
  block->next = d->blocks;
  d->blocks = block;
  return block->bytes;
}

void gw_drafts_clear(gw_drafts *d) {
  while (d->blocks != NULL) {
    struct gw_draft_block *block = d->blocks;
    d->blocks = block->next;
    free(block);
  }
}
