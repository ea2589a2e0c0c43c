/* SPDX-License-Identifier: MIT */
/* link.c - the one connection: opened, greeted, kept alive, lost. */
#include <string.h>

#include "client/internal.h"
#include "proto/guard.h"

bool gw__is_welcome(const gw_client *c) {
  return c->link.phase == GW__LINK_WELCOME;
}

gw_view gw__link_endpoint(const gw_client *c) {
  return c->use_other ? c->other_endpoint : c->endpoints[c->endpoint];
}

/* ---- open ---------------------------------------------------------------- */

void gw__link_open(gw_client *c) {
  /* Set before the move, so that the event and the hook see the attempt. */
  c->backoff.attempt++;
  if (!gw__set_state(c, GW_STATE_CONNECTING, GW_CODE_OK, NULL)) {
    c->backoff.attempt--;
    c->retry_at_ms = 0; /* only gw_client_connect asks again */
    return;
  }
  c->retry_at_ms = 0;
  c->link =
      (gw__link){.phase = GW__LINK_TOKEN, .generation = c->link.generation};
  gw__link_pump(c);
}

void gw__link_pump(gw_client *c) {
  if (c->link.phase != GW__LINK_TOKEN || !gw__token_ready(c, &c->token, NULL))
    return;
  c->link.phase = GW__LINK_OPENING;
  c->link.generation++;
  c->link.started_ms = c->now;
  c->port.open(c->user, c->link.generation, gw__link_endpoint(c));
}

void gw__link_no_token(gw_client *c, uint32_t code, bool is_put_off) {
  gw__loss loss = {.code = code, .gone = true};
  if (is_put_off)
    gw__link_lost(c, &loss);
  else
    gw__link_end(c, GW_STATE_FAILED, code, NULL);
}

static void put_hello(gw_client *c) {
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .features = gw__delta_feature | gw__resume_feature |
                                (gw__codec ? GW_FEATURE_COMPRESSION : 0) |
                                (c->credit_bytes != 0 ? GW_FEATURE_CREDIT : 0),
                    .instance = {c->instance, GW_INSTANCE_BYTES},
                    .token = c->token.text,
                    .resume = gw__resume_token(c),
                    .ping_interval_ms = c->ping_interval_ms,
                    .agent = c->agent,
                    .user = c->user_id,
                    .credit_bytes = c->credit_bytes,
                    .codec = gw__codec};
  c->link.hello_request = gw__next_request(c);
  gw__put(c, GW_FRAME_HELLO, c->link.hello_request, 0, GW_MESSAGE_hello,
          &hello);
  c->new_token = false;
  /* An answer to what the session before asked is not for this one. */
  gw__token_void(&c->token);
}

void gw__link_opened(gw_client *c) {
  c->link.phase = GW__LINK_OPEN;
  c->link.rx_ms = c->now;
  gw_reader_init(&c->link.reader, c->alloc, c->max_frame_bytes);
  c->link.has_reader = true;
  gw__set_state(c, GW_STATE_AUTHENTICATING, GW_CODE_OK, NULL);
  put_hello(c);
  gw__subs_opened(c); /* the turn's pump puts them behind the Hello */
}

/* ---- welcome ------------------------------------------------------------- */

static uint32_t clamp_interval(uint32_t ms) {
  if (ms == 0) return GW_PING_INTERVAL_MS;
  if (ms < GW_PING_INTERVAL_MIN_MS) return GW_PING_INTERVAL_MIN_MS;
  return ms > GW_PING_INTERVAL_MAX_MS ? GW_PING_INTERVAL_MAX_MS : ms;
}

static int on_welcome(gw_client *c, const gw_frame *frame) {
  gw_welcome w;
  gw_view user;
  if (c->link.phase != GW__LINK_OPEN) return GW_ERR_PROTOCOL;
  int err = gw_decode_welcome(frame->body, &w);
  if (err < 0) return err;
  if (w.version != GW_PROTOCOL_VERSION) return GW_ERR_PROTOCOL;
  err = gw__copy(c, w.user, &user);
  if (err < 0) return err;
  gw__drop(c, &c->server_user);
  c->server_user = user;
  gw__resume_keep(c, w.resume);
  c->connection = w.connection;
  c->client_id = w.client;
  c->limits = w.limits;
  c->resumed = w.resumed;
  c->link.interval_ms = clamp_interval(w.ping_interval_ms);
  c->link.timeout_ms =
      w.ping_timeout_ms != 0 ? w.ping_timeout_ms : GW_PING_TIMEOUT_MS;
  c->link.has_credit =
      c->credit_bytes != 0 && (w.features & GW_FEATURE_CREDIT) != 0;
  c->link.phase = GW__LINK_WELCOME;
  c->lost_ms = 0;
  gw__token_accepted(c, &c->token, w.token_ttl_ms);
  c->publish_credit = (uint64_t)w.limits.publish_per_second * 1000;
  c->publish_credit_ms = c->now;
  gw__set_state(c, GW_STATE_SYNCING, GW_CODE_OK, NULL);
  gw__link_settle(c, GW_CODE_OK);
  gw__link_ping(c, 0);
  return 0;
}

void gw__link_settle(gw_client *c, uint32_t code) {
  if (!gw__is_welcome(c)) return;
  bool blocking = gw__subs_blocking(c);
  bool well = !blocking && !c->link.silent;
  if (c->state == GW_STATE_READY && !well) {
    gw__set_state(c, GW_STATE_DEGRADED, code, NULL);
  } else if ((c->state == GW_STATE_DEGRADED && well) ||
             (c->state == GW_STATE_SYNCING && !blocking)) {
    if (c->link.ready_ms == 0) c->link.ready_ms = c->now;
    gw__set_state(c, GW_STATE_READY, GW_CODE_OK, NULL);
  }
}

/* ---- lost ---------------------------------------------------------------- */

/** Close the transport and forget what belongs to it. */
static void drop_transport(gw_client *c, uint32_t code, const gw_view *reason,
                           bool say_why) {
  gw__link *l = &c->link;
  if (say_why && l->phase >= GW__LINK_OPEN && !c->broken) {
    gw_close close = {.code = code};
    if (reason != NULL) close.reason = *reason;
    gw__put(c, GW_FRAME_CLOSE, 0, 0, GW_MESSAGE_close, &close);
    if (!c->broken) gw__flush(c);
  }
  l->phase = GW__LINK_NONE;
  gw__token_lost(&c->token);
  if (l->has_reader && !l->feeding) {
    gw_reader_deinit(&l->reader);
    l->has_reader = false;
  }
  c->broken = false;
}

static void close_transport(gw_client *c, uint32_t close_code) {
  c->port.close(c->user, c->link.generation, close_code, (gw_view){NULL, 0});
}

/** Tell every part, once the connection's own move is made. */
static void tell_parts(gw_client *c, uint32_t code, const gw_view *reason) {
  bool ended = c->state == GW_STATE_CLOSED || c->state == GW_STATE_FAILED;
  gw__subs_lost(c, code, reason);
  gw__publish_lost(c);
  gw__calls_lost(c, ended ? code : GW_CODE_CONNECTION_LOST, reason, ended);
}

void gw__link_end(gw_client *c, enum gw_state to, uint32_t code,
                  const gw_view *reason) {
  bool had_transport = c->link.phase >= GW__LINK_OPENING;
  drop_transport(c, code, reason, true);
  if (had_transport) close_transport(c, 1000);
  gw__token_void(&c->token);
  c->retry_at_ms = 0;
  gw__set_state(c, to, code, reason);
  tell_parts(c, code, reason);
}

/** The next attempt goes elsewhere unless this endpoint proved good. */
static void turn_endpoint(gw_client *c) {
  if (c->backoff.attempt == 0) return;
  if (c->use_other)
    c->use_other = false;
  else
    c->endpoint = (c->endpoint + 1) % c->num_endpoints;
}

/** Offline, or lost for long: it comes back, but nobody should wait for it. */
static enum gw_state waiting_state(const gw_client *c) {
  bool long_ago = c->now - c->lost_ms >= c->suspend_after_ms;
  return c->offline || long_ago ? GW_STATE_SUSPENDED : GW_STATE_WAITING;
}

static void postpone_offline(gw_client *c) {
  uint64_t at = c->now + c->backoff.policy.cap_ms;
  if (c->retry_at_ms < at) c->retry_at_ms = at;
}

void gw__link_lost(gw_client *c, const gw__loss *why) {
  gw__loss copy = *why, *loss = &copy;
  if (c->link.phase == GW__LINK_NONE) return;
  /* What the host was given since the Hello may be better. */
  loss->new_token = c->new_token;
  if (!loss->found_here && !c->new_token)
    loss->new_token = gw__token_refused(c, &c->token, loss->code);
  bool had_transport = c->link.phase >= GW__LINK_OPENING;
  drop_transport(c, loss->code, &loss->reason, loss->found_here && !loss->gone);
  if (had_transport && !loss->gone)
    close_transport(c, loss->found_here ? 4000 + loss->code : 1000);
  if (had_transport) turn_endpoint(c);
  if (c->lost_ms == 0) c->lost_ms = c->now;
  uint32_t verdict = gw__backoff_decide(&c->backoff, loss, c->now,
                                        gw__random(c), &c->retry_at_ms);
  if (verdict != GW_CODE_OK) {
    c->retry_at_ms = 0;
    gw__token_void(&c->token);
    gw__set_state(c, GW_STATE_FAILED, verdict, &loss->reason);
  } else {
    if (c->offline) postpone_offline(c);
    gw__set_state(c, waiting_state(c), loss->code, &loss->reason);
  }
  tell_parts(c, verdict != GW_CODE_OK ? verdict : loss->code, &loss->reason);
}

void gw__link_fail(gw_client *c, uint32_t code, const char *reason) {
  gw__log(c, GW_LOG_WARN, reason);
  gw__loss loss = {
      .code = code, .reason = gw_view_of(reason), .found_here = true};
  gw__link_lost(c, &loss);
}

void gw__link_closed(gw_client *c, uint32_t close_code, uint32_t retry_after_ms,
                     const gw_view *reason) {
  bool ours = close_code > 4000 && close_code <= 4999;
  gw__loss loss = {.code = ours ? close_code - 4000
                           : c->link.phase == GW__LINK_OPENING
                               ? GW_CODE_TRANSPORT
                               : GW_CODE_CONNECTION_LOST,
                   .reason = *reason,
                   .retry_after_ms = retry_after_ms,
                   .gone = true};
  gw__link_lost(c, &loss);
}

static int on_close(gw_client *c, const gw_frame *frame) {
  gw_close close;
  int err = gw_decode_close(frame->body, &close);
  if (err < 0) return err;
  gw__loss loss = {.code =
                       close.code != 0 ? close.code : GW_CODE_CONNECTION_LOST,
                   .reason = close.reason,
                   .retry_after_ms = close.retry_after_ms,
                   .spread_ms = close.spread_ms};
  gw__link_lost(c, &loss);
  gw_view endpoint;
  if (close.endpoint.len == 0 || gw__copy(c, close.endpoint, &endpoint) < 0)
    return 0; /* a hint; the known endpoints do without */
  gw__drop(c, &c->other_endpoint);
  c->other_endpoint = endpoint;
  c->use_other = true;
  return 0;
}

/* ---- liveness ------------------------------------------------------------ */

void gw__link_ping(gw_client *c, uint64_t deadline_ms) {
  gw_ping ping = {.time = c->now * 1000 + 1}; /* never 0 */
  gw__put(c, GW_FRAME_PING, 0, 0, GW_MESSAGE_ping, &ping);
  c->link.ping_us = ping.time;
  if (deadline_ms != 0) c->link.probe_ms = c->now + deadline_ms;
}

void gw__link_alive(gw_client *c) {
  c->link.rx_ms = c->now;
  c->link.probe_ms = 0;
  if (!c->link.silent) return;
  c->link.silent = false;
  gw__link_settle(c, GW_CODE_OK);
}

static int on_ping(gw_client *c, const gw_frame *frame) {
  gw_ping ping;
  int err = gw_decode_ping(frame->body, &ping);
  if (err < 0) return err;
  gw__put(c, GW_FRAME_PONG, frame->head.request, 0, GW_MESSAGE_ping, &ping);
  if (gw__is_welcome(c)) gw__link_ping(c, 0);
  return 0;
}

static int on_pong(gw_client *c, const gw_frame *frame) {
  gw_ping pong;
  int err = gw_decode_ping(frame->body, &pong);
  if (err < 0) return err;
  if (c->link.ping_us == 0 || pong.time != c->link.ping_us) return 0;
  uint64_t ms = c->now - c->link.ping_us / 1000;
  c->link.ping_us = 0;
  c->offline = false; /* whatever the host says */
  c->rtt_ms = ms == 0 ? 1 : ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
  gw__events_push(c, GW_EVENT_RTT)->u.rtt.ms = c->rtt_ms;
  return 0;
}

static void check_life(gw_client *c) {
  gw__link *l = &c->link;
  uint64_t silent_ms = l->rx_ms + l->interval_ms + l->timeout_ms / 2;
  uint64_t dead_ms = l->rx_ms + l->interval_ms + l->timeout_ms;
  if ((GW_GUARD(CLIENT_LIVENESS) && gw__due(c, dead_ms)) ||
      (l->probe_ms != 0 && gw__due(c, l->probe_ms))) {
    gw__link_fail(c, GW_CODE_PING_TIMEOUT, "no byte in time");
    return;
  }
  if (!l->silent && gw__due(c, silent_ms)) {
    l->silent = true;
    gw__link_ping(c, 0);
    gw__link_settle(c, GW_CODE_PING_TIMEOUT);
  }
  if (c->backoff.attempt > 0 && l->ready_ms != 0 &&
      gw__due(c, l->ready_ms + c->backoff.policy.stable_ms))
    c->backoff.attempt = 0;
}

static void check_wait(gw_client *c) {
  if (c->retry_at_ms != 0 && gw__due(c, c->retry_at_ms)) {
    gw__link_open(c);
  } else if (c->state == GW_STATE_WAITING &&
             gw__due(c, c->lost_ms + c->suspend_after_ms)) {
    gw__set_state(c, GW_STATE_SUSPENDED, c->code, NULL);
  }
}

void gw__link_due(gw_client *c) {
  if (c->link.phase == GW__LINK_WELCOME) {
    check_life(c);
  } else if (c->link.phase >= GW__LINK_OPENING) {
    if (GW_GUARD(CONNECT_TIMEOUT) &&
        gw__due(c, c->link.started_ms + c->connect_timeout_ms))
      gw__link_fail(c, GW_CODE_HANDSHAKE_TIMEOUT, "no welcome in time");
  } else if (c->state == GW_STATE_WAITING || c->state == GW_STATE_SUSPENDED) {
    check_wait(c);
  }
}

/** Go soon, but not all at once, and not before the server's wish. */
static void hurry(gw_client *c) {
  uint64_t at = c->now + 1 + gw__random(c) % GW__WAKE_JITTER_MS;
  if (at < c->backoff.not_before_ms) at = c->backoff.not_before_ms;
  if (at < c->retry_at_ms) c->retry_at_ms = at;
  if (c->state == GW_STATE_SUSPENDED && waiting_state(c) == GW_STATE_WAITING)
    gw__set_state(c, GW_STATE_WAITING, c->code, NULL);
}

static void go_offline(gw_client *c) {
  if (gw__is_welcome(c)) {
    gw__link_ping(c, GW__PROBE_MS); /* hosts are wrong about it at times */
    return;
  }
  if (c->state != GW_STATE_WAITING || c->retry_at_ms == 0) return;
  postpone_offline(c);
  gw__set_state(c, GW_STATE_SUSPENDED, GW_CODE_TRANSPORT, GW__TEXT("offline"));
}

void gw__link_wake(gw_client *c, enum gw_wake why) {
  if (why == GW_WAKE_HIDDEN) return;
  c->offline = why == GW_WAKE_OFFLINE;
  if (c->offline) {
    go_offline(c);
    return;
  }
  bool waits = c->state == GW_STATE_WAITING || c->state == GW_STATE_SUSPENDED;
  if (waits && c->retry_at_ms != 0) hurry(c);
  if (gw__is_welcome(c) && c->now - c->link.rx_ms > GW__WAKE_SILENCE_MS &&
      c->link.probe_ms == 0)
    gw__link_ping(c, GW__PROBE_MS);
}

/* ---- credit -------------------------------------------------------------- */

/* A turn ends with the grant, and by then the handlers have had what came. In
 * halves: the server always has one to send from while the other one's grant is
 * on its way. */
void gw__link_grant(gw_client *c) {
  gw_credit m = {.bytes = c->link.consumed};
  if (!c->link.has_credit || m.bytes <= c->credit_bytes / 2) return;
  c->link.consumed = 0;
  if (!GW_GUARD(CREDIT_GRANT)) return;
  gw__put(c, GW_FRAME_CREDIT, 0, 0, GW_MESSAGE_credit, &m);
}

/* ---- frames -------------------------------------------------------------- */

static int on_error(gw_client *c, const gw_frame *frame) {
  gw_error error;
  int err = gw_decode_error(frame->body, &error);
  if (err < 0) return err;
  if (error.code == GW_CODE_OK) return GW_ERR_PROTOCOL;
  uint32_t request = frame->head.request;
  if (!gw__is_welcome(c)) {
    gw__loss loss = {.code = error.code,
                     .reason = error.message,
                     .retry_after_ms = error.retry_after_ms};
    gw__link_lost(c, &loss); /* nothing but the Hello is answered before */
    return 0;
  }
  if (request == 0 || gw__presence_refused(c, request, &error) ||
      gw__refresh_refused(c, request, &error))
    return 0;
  gw__sub *s = gw__sub_by_request(c, request);
  gw__entry *e = gw__outbox_by_request(&c->outbox, request);
  gw__call *call = gw__call_by_request(c, request);
  if (s != NULL)
    gw__sub_refused(c, s, &error);
  else if (e != NULL)
    gw__publish_refused(c, e, &error);
  else if (call != NULL)
    gw__call_refused(c, call, &error);
  return 0; /* what timed out is answered, too, and ignored */
}

int gw__link_ignore(gw_client *c, const gw_frame *frame) {
  (void)frame;
  gw__log(c, GW_LOG_DEBUG, "a frame that is of no use here");
  c->num_ignored++;
  return 0;
}

static int on_unknown(gw_client *c, const gw_frame *frame) {
  if (!gw_type_is_ignorable(frame->head.type)) return GW_ERR_PROTOCOL;
  if (frame->head.type == GW_FRAME_CREDIT) return 0;
  return gw__link_ignore(c, frame);
}

static int after_welcome(gw_client *c, const gw_frame *frame) {
  if (gw_type_is_data(frame->head.type)) c->link.consumed += frame->len;
  switch (frame->head.type) {
  case GW_FRAME_OK:
    gw__presence_ok(c, frame->head.request);
    return 0;
  case GW_FRAME_SUBSCRIBED:
    return gw__on_subscribed(c, frame);
  case GW_FRAME_SERVER_SUBSCRIBED:
    return gw__on_server_subscribed(c, frame);
  case GW_FRAME_UNSUBSCRIBED:
    return gw__on_unsubscribed(c, frame);
  case GW_FRAME_PUBLISHED:
    return gw__on_published(c, frame);
  case GW_FRAME_PUBLICATION:
    return gw__on_publication(c, frame);
  case GW_FRAME_RECOVERY:
    return gw__on_recovery(c, frame);
  case GW_FRAME_LAGGED:
    return gw__on_lagged(c, frame);
  case GW_FRAME_CHANNEL_META:
    return gw__on_channel_meta(c, frame);
  case GW_FRAME_PRESENCE_SNAPSHOT:
    return gw__on_snapshot(c, frame);
  case GW_FRAME_PRESENCE_DIFF:
    return gw__on_diff(c, frame);
  case GW_FRAME_RPC:
    return gw__on_rpc(c, frame);
  case GW_FRAME_RPC_RESULT:
    return gw__on_rpc_result(c, frame);
  case GW_FRAME_SENT:
    return gw__on_sent(c, frame);
  case GW_FRAME_MESSAGE:
    return gw__on_message(c, frame);
  case GW_FRAME_REFRESHED:
    return gw__on_refreshed(c, frame);
  default:
    return on_unknown(c, frame);
  }
}

int gw__link_frame(gw_client *c, const gw_frame *frame) {
  /* Chunks come only when their feature is on, and this client does not turn it
   * on; what is compressed was made whole, if it could be. */
  if (frame->head.flags & (GW_FLAG_MORE | GW_FLAG_COMPRESSED))
    return GW_ERR_PROTOCOL;
  switch (frame->head.type) {
  case GW_FRAME_WELCOME:
    return on_welcome(c, frame);
  case GW_FRAME_PING:
    return on_ping(c, frame);
  case GW_FRAME_PONG:
    return on_pong(c, frame);
  case GW_FRAME_CLOSE:
    return on_close(c, frame);
  case GW_FRAME_ERROR:
    return on_error(c, frame);
  default:
    return gw__is_welcome(c) ? after_welcome(c, frame) : on_unknown(c, frame);
  }
}
