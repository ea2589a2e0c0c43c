/* SPDX-License-Identifier: MIT */
/* retry.c - exponential backoff with full jitter. */
#include "server/hooks/retry.h"

uint32_t gw_hook_retry_delay(uint32_t attempt, uint32_t random) {
  uint32_t most = GW_HOOK_RETRY_CAP_MS;
  if (attempt >= 1 && attempt < 10) {
    uint32_t grown = GW_HOOK_RETRY_BASE_MS << (attempt - 1);
    if (grown < most) most = grown;
  }
  return 1 + random % most;
}
