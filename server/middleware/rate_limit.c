/* SPDX-License-Identifier: MIT */
/* rate_limit.c - the core has a rate for each kind of operation; this is one for
 * all of them together, and one for requests that are no connections. */
#include "server/middleware/rate_limit.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "server/net/addresses.h"

struct gw_rate_limit {
  gw_rate frames;
  gw_addresses *addresses; /* NULL: requests have no limit */
};

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- life ------------------------------------------------------------------- */

gw_rate_limit *gw_rate_limit_new(const gw_rate_limit_options *options) {
  gw_addresses_options o = {.rate = options->requests};
  gw_rate_limit *l = calloc(1, sizeof *l);
  if (l == NULL) return NULL;
  l->frames = options->frames;
  if (o.rate.num == 0) return l;
  if (sodium_init() >= 0) {
    randombytes_buf(o.hash_key, sizeof o.hash_key);
    l->addresses = gw_addresses_new(&o);
  }
  if (l->addresses != NULL) return l;
  free(l);
  return NULL;
}

void gw_rate_limit_free(gw_rate_limit *l) {
  if (l == NULL) return;
  gw_addresses_free(l->addresses);
  free(l);
}

/* ---- requests --------------------------------------------------------------- */

/** One who comes and goes at once: what is left is the rate. */
static bool on_request(void *user, const gw_request *r, gw_refusal *refusal) {
  gw_rate_limit *l = user;
  gw_peer peer;
  gw_source source;
  uint64_t now = now_ms();
  if (l->addresses == NULL || !gw_peer_read(&peer, gw_request_peer(r)) ||
      !gw_source_of(&source, &peer))
    return true;
  *refusal = (gw_refusal){.code = GW_CODE_RATE_LIMITED,
                          .status = 429,
                          .message = "too many requests of this address"};
  enum gw_entry entry = gw_addresses_enter(
      l->addresses, &source, now, &refusal->code, &refusal->retry_after_ms);
  if (entry == GW_ENTRY_CUT) {
    refusal->retry_after_ms = 1000;
    return false;
  }
  gw_addresses_leave(l->addresses, &source, now);
  return entry == GW_ENTRY_IN;
}

/* ---- frames ----------------------------------------------------------------- */

/** What ends something, answers or belongs to the connection itself is free:
 * refused, it would only leave something behind. */
static bool is_free(uint8_t type) {
  switch (type) {
  case GW_FRAME_HELLO:
  case GW_FRAME_REFRESH:
  case GW_FRAME_UNSUBSCRIBE:
  case GW_FRAME_PRESENCE_LEAVE:
  case GW_FRAME_RPC_RESULT:
  case GW_FRAME_ERROR:
    return true;
  default:
    return false;
  }
}

static bool on_frame(void *user, gw_connection *c, const gw_frame_view *frame,
                     gw_refusal *refusal) {
  const gw_rate_limit *l = user;
  if (l->frames.num == 0 || is_free(frame->type)) return true;
  void **slot = gw_connection_slot(c);
  if (slot != NULL && *slot == NULL) *slot = calloc(1, sizeof(gw_bucket));
  if (slot == NULL || *slot == NULL) {
    *refusal = (gw_refusal){.code = GW_CODE_OVERLOADED};
    return false;
  }
  uint32_t wait_ms = gw_bucket_take(*slot, &l->frames, 1, now_ms());
  *refusal = (gw_refusal){.code = GW_CODE_RATE_LIMITED,
                          .message = "too many requests of this connection",
                          .retry_after_ms = wait_ms};
  return wait_ms == 0;
}

static void on_disconnect(void *user, gw_connection *c, const gw_end *end) {
  void **slot = gw_connection_slot(c);
  (void)user;
  (void)end;
  if (slot != NULL) free(*slot);
}

const gw_middleware gw_rate_limit_link = {.size = sizeof(gw_middleware),
                                          .name = "rate_limit",
                                          .on_request = on_request,
                                          .on_frame = on_frame,
                                          .on_disconnect = on_disconnect};
