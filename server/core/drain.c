/* SPDX-License-Identifier: MIT */
/* drain.c - tells clients to come back, a batch at a time. */
#include "server/core/drain.h"

#include "server/core/batch.h"
#include "server/core/session.h"

/*
 *      |<------------- window ------------->|<------- spread ------->|
 *   drain   batch   batch   ...      batch  |   clients come back    |
 *
 * Everybody is asked to stay away until the window is over, as this server
 * cannot take them before, and then to return spread over as much time again.
 */
void gws_drain_session(gw_session *s) {
  const struct gws_drain *d = &s->hub->drain;
  uint64_t now = s->hub->now_ms;
  uint32_t left = d->ends_ms > now ? (uint32_t)(d->ends_ms - now) : 0;
  gws_session_end_later(s, GW_CODE_SHUTDOWN, NULL, left, d->window_ms);
}

void gws_drain_step(gw_hub *h) {
  struct gws_drain *d = &h->drain;
  bool is_over = h->now_ms >= d->ends_ms;
  uint32_t told = 0;
  for (; d->next < h->sessions.num; d->next++) {
    if (told == d->batch && !is_over) break;
    gw_session *s = gw_slots_at(&h->sessions, d->next);
    if (s == NULL || s->state == GWS_SESSION_ENDING) continue;
    gws_drain_session(s);
    told++;
  }
  if (d->next < h->sessions.num)
    gws_hub_set_timer(h, &d->timer, GW_DRAIN_STEP_MS);
}

void gw_hub_drain(gw_hub *h, uint32_t window_ms) {
  struct gws_drain *d = &h->drain;
  if (d->on) return;
  gws_hub_enter(h);
  d->on = true;
  gws_batch_flush_all(h); /* from now on nothing is gathered */
  d->window_ms = window_ms;
  d->ends_ms = h->now_ms + window_ms;
  uint32_t num_steps = window_ms / GW_DRAIN_STEP_MS + 1;
  d->batch = h->sessions.num_items / num_steps + 1;
  gws_hub_log(h, GWS_LOG_INFO, "hub.drain",
              "worker=%u sessions=%u window_ms=%u", h->worker,
              h->sessions.num_items, window_ms);
  gws_drain_step(h);
  gws_hub_leave(h);
}
