/* SPDX-License-Identifier: MIT */
/* demo.h - where the files for development are: the demo, and the SDK. */
#ifndef GODWIT_SERVER_DEMO_H
#define GODWIT_SERVER_DEMO_H

#include <stddef.h>

#include "godwit/wire.h"

#define GW_DEMO_PATH_MAX 4096u

/** The folders, absolute, without links in them. An empty one is not there. */
typedef struct gw_demo {
  char pages[GW_DEMO_PATH_MAX];
  char sdk[GW_DEMO_PATH_MAX];
  char rules[GW_DEMO_PATH_MAX]; /**< the pages' godwit.yaml */
} gw_demo;

/**
 * Find examples/demo and wasm/dist: above the binary, in the current folder, or
 * where they are installed. pages may be given (NULL: look for it).
 *   why      gets a sentence with the places that were looked at
 *   returns  0; GW_ERR_NOT_FOUND without pages. SDK and rules may be missing.
 */
GW_MUST_USE int gw_demo_find(gw_demo *d, const char *pages, char *why,
                             size_t why_len);

#endif
