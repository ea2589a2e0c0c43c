/* SPDX-License-Identifier: MIT */
/* draft.h - memory of payloads that replace others: as long as a publication is
 * on its way through the chain and into its channel. */
#ifndef GODWIT_MIDDLEWARE_DRAFT_H
#define GODWIT_MIDDLEWARE_DRAFT_H

#include "godwit/middleware.h"

/** Of one worker. All zero is empty. */
typedef struct gw_drafts {
  struct gw_draft_block *blocks;
} gw_drafts;

/** What handlers are shown; the draft comes first. */
typedef struct gw_draft_of {
  gw_draft draft;
  gw_drafts *drafts;
} gw_draft_of;

/** Free what was given for the last publication. */
void gw_drafts_clear(gw_drafts *d);

#endif
