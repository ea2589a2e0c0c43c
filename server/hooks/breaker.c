/* SPDX-License-Identifier: MIT */
/* breaker.c - three states and a time. */
#include "server/hooks/breaker.h"

bool gw_breaker_permits(gw_breaker *b, uint64_t now_ms) {
  if (b->state == GW_BREAKER_CLOSED) return true;
  if (b->state == GW_BREAKER_OPEN && now_ms < b->until_ms) return false;
  if (b->is_probing) return false;
  b->state = GW_BREAKER_HALF_OPEN;
  b->is_probing = true;
  return true;
}

uint64_t gw_breaker_wait_ms(const gw_breaker *b, uint64_t now_ms) {
  bool is_open = b->state == GW_BREAKER_OPEN && now_ms < b->until_ms;
  return is_open ? b->until_ms - now_ms : 0;
}

/** With some jitter, as many servers may look at one backend. */
static void open_it(gw_breaker *b, uint64_t now_ms, uint32_t random) {
  bool is_again = b->state == GW_BREAKER_HALF_OPEN;
  b->open_ms = is_again ? b->open_ms * 2 : GW_BREAKER_OPEN_MS;
  if (b->open_ms > GW_BREAKER_OPEN_MAX_MS) b->open_ms = GW_BREAKER_OPEN_MAX_MS;
  b->state = GW_BREAKER_OPEN;
  b->until_ms = now_ms + b->open_ms - random % (b->open_ms / 4);
  b->num_opened++;
}

bool gw_breaker_tell(gw_breaker *b, bool is_good, uint64_t now_ms,
                     uint32_t random) {
  bool was_probe = b->state == GW_BREAKER_HALF_OPEN;
  /* A request that went before it opened says nothing about now. */
  if (b->state == GW_BREAKER_OPEN) return false;
  b->is_probing = false;
  if (is_good) {
    b->state = GW_BREAKER_CLOSED;
    b->num_failures = 0;
    return was_probe;
  }
  if (!was_probe && ++b->num_failures < GW_BREAKER_FAILURES) return false;
  open_it(b, now_ms, random);
  b->num_failures = 0;
  return true;
}

void gw_breaker_forget(gw_breaker *b) {
  b->is_probing = false;
}
