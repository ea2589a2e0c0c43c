/* SPDX-License-Identifier: MIT */
/* merge_patch.h - JSON merge patches (RFC 7396): what is named is replaced, or
 * removed where it is null; the rest stays. */
#ifndef GODWIT_SERVER_MERGE_PATCH_H
#define GODWIT_SERVER_MERGE_PATCH_H

#include "godwit/wire.h"

/**
 * Apply a patch to a JSON text.
 *   target   empty, or no JSON: as an empty object
 *   text     gets the result, freed by the caller with free()
 *   returns  0; GW_ERR_INVALID: the patch is not JSON; GW_ERR_NOMEM
 */
GW_MUST_USE int gws_merge_patch(gw_view target, gw_view patch, char **text);

#endif
