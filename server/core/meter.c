/* SPDX-License-Identifier: MIT */
/* meter.c - counts what a connection does. */
#include "server/core/meter.h"

#include "server/core/mem.h"
#include "server/core/session.h"

static const char *const names[GW_NUM_OPERATIONS] = {
    [GW_OPERATION_SUBSCRIBE] = "subscribe",
    [GW_OPERATION_PUBLISH] = "publish",
    [GW_OPERATION_CALL] = "rpc",
    [GW_OPERATION_PRESENCE] = "presence"};

/** Whether anything of the session is counted at all. */
static bool is_needed(const gw_session *s) {
  const gw_settings *settings = s->hub->settings;
  for (int i = 0; i < GW_NUM_OPERATIONS; i++) {
    if (settings->rates[i].num != 0) return true;
  }
  return gws_quota_applies(s);
}

bool gws_meter_begin(gw_session *s) {
  if (!is_needed(s)) return true;
  s->meter = gw_mem_zalloc(sizeof *s->meter);
  return s->meter != NULL && gws_quota_join(s, &s->meter->seat);
}

void gws_meter_end(gw_session *s) {
  if (s->meter == NULL) return;
  gws_quota_leave(s, &s->meter->seat);
  gw_mem_free(s->meter);
  s->meter = NULL;
}

static uint32_t limited(gw_session *s, const char *whose,
                        enum gw_operation operation, uint32_t wait_ms) {
  gw_view peer = gws_session_peer(s);
  gws_hub_log(s->hub, GWS_LOG_INFO, "rate.limited",
              "peer=%.*s of=%s operation=%s retry_after_ms=%u", (int)peer.len,
              peer.len != 0 ? (const char *)peer.data : "", whose,
              names[operation], wait_ms);
  return wait_ms;
}

uint32_t gws_meter_take(gw_session *s, enum gw_operation operation) {
  gw_hub *h = s->hub;
  if (s->meter == NULL || h->decided != NULL) return 0;
  uint32_t wait_ms =
      gw_bucket_take(&s->meter->buckets[operation],
                     &h->settings->rates[operation], 1, h->now_ms);
  if (wait_ms != 0) {
    gw_stat_add(&h->stats.rate_limited_total, 1);
    return limited(s, "connection", operation, wait_ms);
  }
  wait_ms = gws_quota_take(h, &s->meter->seat);
  if (wait_ms == 0) return 0;
  gw_stat_add(&h->stats.user_rate_limited_total, 1);
  return limited(s, "user", operation, wait_ms);
}

bool gws_meter_admit(gw_session *s, uint32_t request,
                     enum gw_operation operation) {
  uint32_t wait_ms = gws_meter_take(s, operation);
  if (wait_ms == 0) return true;
  if (request != 0)
    gws_reply_refusal(s, request, GW_CODE_RATE_LIMITED, (gw_view){NULL, 0},
                      wait_ms);
  return false;
}
