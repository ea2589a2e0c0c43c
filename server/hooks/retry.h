/* SPDX-License-Identifier: MIT */
/* retry.h - when a hook that failed is tried again. */
#ifndef GODWIT_HOOKS_RETRY_H
#define GODWIT_HOOKS_RETRY_H

#include <stdint.h>

#define GW_HOOK_RETRY_BASE_MS 100u
/** A notice waits at most so long between two tries. */
#define GW_HOOK_RETRY_CAP_MS 30000u

/** Delay before try number `attempt` + 1, with full jitter: a random part of
 * base * 2^(attempt - 1), at most the cap; never 0. */
uint32_t gw_hook_retry_delay(uint32_t attempt, uint32_t random);

#endif
