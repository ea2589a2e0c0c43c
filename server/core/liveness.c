/* SPDX-License-Identifier: MIT */
/* liveness.c - notices connections that have fallen silent. */
#include "proto/guard.h"
#include "server/core/conn_state.h"
#include "server/core/session.h"

/*
 * The timer is not set anew at each byte: when it fires, the time of the last
 * byte says whether it was too early. It fires once per interval at most.
 *
 *   heard          interval             timeout
 *     |-------------------------|Ping------------------| PING_TIMEOUT
 *
 * A ping is also due when nothing was sent for an interval, as a client that
 * publishes and wants no answers would else hear nothing and give up.
 */

static uint32_t low_bits(uint64_t time_ms) {
  return (uint32_t)time_ms;
}

static void set_timer(gw_session *s, uint32_t delay_ms) {
  gws_hub_set_timer(s->hub, &s->u.timer, delay_ms != 0 ? delay_ms : 1);
}

void gws_liveness_begin(gw_session *s) {
  gws_liveness_heard(s);
  gws_liveness_sent(s);
  set_timer(s, s->state == GWS_SESSION_NEW
                   ? s->hub->settings->handshake_timeout_ms
                   : s->ping_interval_ms);
}

void gws_liveness_heard(gw_session *s) {
  s->last_heard_ms = low_bits(s->hub->now_ms);
  s->pinged = false;
}

void gws_liveness_sent(gw_session *s) {
  s->last_sent_ms = low_bits(s->hub->now_ms);
}

static void ping(gw_session *s) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_PING};
  gw_ping msg = {.time = s->hub->now_ms * 1000};
  gws_session_send(s, GW_LANE_CONTROL, out, gw_encode_ping(out, &head, &msg));
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static void check(gw_session *s) {
  uint32_t now = low_bits(s->hub->now_ms);
  uint32_t interval = s->ping_interval_ms;
  uint32_t limit = interval + s->hub->settings->ping_timeout_ms;
  uint32_t silent = now - s->last_heard_ms;
  uint32_t unsent = now - s->last_sent_ms;
  if (GW_GUARD(SERVER_LIVENESS) && s->pinged && silent >= limit) {
    gw_stat_add(&s->hub->stats.ping_timeouts_total, 1);
    gws_session_end(s, GW_CODE_PING_TIMEOUT, NULL);
    return;
  }
  if (!s->pinged && (silent >= interval || unsent >= interval)) {
    ping(s);
    if (s->state == GWS_SESSION_ENDING) return;
    s->pinged = silent >= interval;
  }
  uint32_t next = interval;
  if (silent < interval) next = smaller(next, interval - silent);
  if (unsent < interval) next = smaller(next, interval - unsent);
  if (s->pinged) next = smaller(next, limit - silent);
  set_timer(s, next);
}

void gws_liveness_on_timer(gw_session *s) {
  if (s->state == GWS_SESSION_NEW && !GW_GUARD(HANDSHAKE_TIMEOUT)) return;
  if (s->state == GWS_SESSION_NEW) {
    gw_stat_add(&s->hub->stats.handshake_timeouts_total, 1);
    gws_session_end(s, GW_CODE_HANDSHAKE_TIMEOUT, NULL);
    return;
  }
  gw_outq_trim(&s->out);
  gws_conn_look(s);
  check(s);
}
