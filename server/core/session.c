/* SPDX-License-Identifier: MIT */
/* session.c - one connection: bytes in, messages out, and its end. */
#include "server/core/session.h"

#include <assert.h>
#include <string.h>

#include "proto/guard.h"
#include "server/core/calls.h"
#include "server/core/conn_state.h"
#include "server/core/drain.h"
#include "server/core/grants.h"
#include "server/core/json.h"
#include "server/core/mem.h"
#include "server/core/meter.h"
#include "server/core/pack.h"
#include "server/core/resume.h"

/** A WebSocket close code is this much above ours (godwit.proto). */
#define WS_CODE_BASE 4000u
/** RFC 6455, section 7.4.1: normal closure. */
#define WS_CODE_NORMAL 1000u
/** The same: an endpoint goes away; browsers say it for a page that is left. */
#define WS_CODE_GOING_AWAY 1001u

/** Lines of a JSON session that may be nonsense: somebody is typing. */
#define MAX_BAD_LINES 16u

/** What a queue takes of control above its cap: a ping and many an answer. */
#define CONTROL_ROOM_BYTES 4096u

/* ---- beginning ----------------------------------------------------------- */

void gw_session_stay_plain(gw_session *s) {
  s->is_plain = true;
}

static bool remember_peer(gw_session *s, gw_view peer) {
  s->peer_len = peer.len < UINT8_MAX ? (uint8_t)peer.len : UINT8_MAX;
  s->texts = gw_mem_alloc(s->peer_len + 1u);
  if (s->texts == NULL) return false;
  if (s->peer_len != 0) memcpy(s->texts, peer.data, s->peer_len);
  return true;
}

static gw_session *make(gw_hub *h, void *conn, enum gw_encoding encoding,
                        gw_view peer) {
  gw_session *s = gw_mem_zalloc(sizeof *s);
  if (s == NULL) return NULL;
  s->hub = h;
  s->conn = conn;
  s->encoding = (uint8_t)encoding;
  s->pack_from = GW_PACK_NEVER;
  s->u.timer.kind = GWS_TIMER_SESSION;
  if (remember_peer(s, peer)) s->handle = gw_slots_add(&h->sessions, s);
  if (s->handle == 0) {
    gw_mem_free(s->texts);
    gw_mem_free(s);
    return NULL;
  }
  if (encoding == GW_ENCODING_BINARY)
    gw_reader_init(&s->in.reader, gw_mem, h->settings->limits.max_frame_bytes);
  return s;
}

/** A connection that is only opened to be told why it is closed. */
static void refuse(gw_session *s, bool is_full) {
  gw_stat_add(&s->hub->stats.connections_refused_total, 1);
  if (is_full)
    gws_session_end_later(s, GW_CODE_TOO_MANY_CONNECTIONS, NULL, 1000, 5000);
  else
    gws_drain_session(s);
}

gw_session *gw_hub_open(gw_hub *h, void *conn, enum gw_encoding encoding,
                        gw_view peer) {
  uint32_t max = h->settings->max_connections;
  bool is_full = max != 0 && h->sessions.num_items >= max;
  gw_session *s = make(h, conn, encoding, peer);
  if (s == NULL) {
    gws_hub_nomem(h);
    return NULL;
  }
  gws_hub_enter(h);
  gw_stat_add(&h->stats.connections, 1);
  gw_stat_add(&h->stats.connections_total, 1);
  if (is_full || h->drain.on)
    refuse(s, is_full);
  else
    gws_liveness_begin(s);
  gws_hub_leave(h);
  return s;
}

gw_session *gws_session_get(const gw_hub *h, uint64_t handle) {
  gw_session *s = gw_slots_get(&h->sessions, handle);
  return s != NULL && s->state == GWS_SESSION_OPEN ? s : NULL;
}

gw_view gws_session_peer(const gw_session *s) {
  return (gw_view){s->texts, s->peer_len};
}

gw_view gw_session_peer(const gw_session *s) {
  return gws_session_peer(s);
}

gw_view gws_session_user(const gw_session *s) {
  return (gw_view){s->texts + s->peer_len, s->user_len};
}

gw_view gws_session_agent(const gw_session *s) {
  return (gw_view){s->texts + s->peer_len + s->user_len, s->agent_len};
}

/* ---- bytes in ------------------------------------------------------------ */

static void bad_line(gw_session *s, uint32_t code, const char *why) {
  if (s->state == GWS_SESSION_NEW || ++s->bad_lines > MAX_BAD_LINES) {
    gws_session_end(s, GW_CODE_PROTOCOL, "lines that are no frames");
    return;
  }
  if (code == GW_CODE_BAD_TEXT) gw_stat_add(&s->hub->stats.bad_text_total, 1);
  gws_reply_error(s, 0, code, why);
}

static int on_line(void *session, gw_view line) {
  gw_session *s = session;
  gw_hub *h = s->hub;
  uint32_t max = h->settings->limits.max_frame_bytes;
  gw_out out = {h->json_frame, 0, max + GW_FRAME_PREFIX_MAX};
  char why[GW_MAX_REASON_BYTES + 1] = "";
  int err = gw_json_to_frame(line, &out, why);
  if (err == GW_ERR_NOMEM) return err;
  if (err == GW_ERR_FULL) return GW_ERR_PEER_TOO_BIG;
  if (err < 0) {
    bad_line(s, err == GW_ERR_TEXT ? GW_CODE_BAD_TEXT : GW_CODE_BAD_REQUEST,
             why);
    return s->state == GWS_SESSION_ENDING ? GW_ERR_STATE : 0;
  }
  gw_frame frame;
  int64_t used = gw_frame_parse((gw_view){out.data, out.len}, max, &frame);
  if (used <= 0) return used == 0 ? GW_ERR_PROTOCOL : (int)used;
  return gws_session_on_frame(s, &frame);
}

static int feed_json(gw_session *s, gw_view data, bool end_of_message) {
  gw_hub *h = s->hub;
  uint32_t max = h->settings->limits.max_frame_bytes;
  if (h->json_frame == NULL)
    h->json_frame = gw_mem_alloc(max + GW_FRAME_PREFIX_MAX);
  if (h->json_frame == NULL) return GW_ERR_NOMEM;
  /* JSON is longer than what it stands for: escapes, base64, names. */
  return gw_json_lines_feed(&s->in.lines, data, end_of_message, 2 * max,
                            on_line, s);
}

static int feed_binary(gw_session *s, gw_view data, bool end_of_message) {
  int err = gw_reader_feed(&s->in.reader, data, gws_session_on_frame, s);
  if (err < 0) return err;
  return end_of_message && !gw_reader_is_empty(&s->in.reader) ? GW_ERR_PROTOCOL
                                                              : 0;
}

static void fail_input(gw_session *s, int err) {
  switch (err) {
  case GW_ERR_PEER_TOO_BIG:
    gw_stat_add(&s->hub->stats.oversize_total, 1);
    gws_session_end(s, GW_CODE_TOO_BIG, NULL);
    break;
  case GW_ERR_NOMEM:
    gws_hub_nomem(s->hub);
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
    break;
  default:
    gws_session_end(s, GW_CODE_PROTOCOL, "bytes that are no frames");
  }
}

/** Whether the message that is coming in is over the limit. */
static bool is_too_long(gw_session *s, size_t len, bool end_of_message) {
  uint32_t max = s->hub->settings->limits.max_message_bytes;
  if (max != 0 && len > max - s->message_bytes) return true;
  s->message_bytes = end_of_message ? 0 : s->message_bytes + (uint32_t)len;
  return false;
}

int gw_session_feed(gw_session *s, gw_view data, bool end_of_message) {
  gw_hub *h = s->hub;
  if (s->state == GWS_SESSION_ENDING) return GW_ERR_STATE;
  gws_hub_enter(h);
  gws_liveness_heard(s);
  gw_stat_add(&h->stats.bytes_in_total, data.len);
  int err;
  if (is_too_long(s, data.len, end_of_message))
    err = GW_ERR_PEER_TOO_BIG;
  else if (s->encoding == GW_ENCODING_JSON)
    err = feed_json(s, data, end_of_message);
  else
    err = feed_binary(s, data, end_of_message);
  if (err < 0 && s->state != GWS_SESSION_ENDING) fail_input(s, err);
  bool is_ending = s->state == GWS_SESSION_ENDING;
  gws_hub_leave(h);
  return is_ending ? GW_ERR_STATE : 0;
}

/* ---- messages out -------------------------------------------------------- */

void gws_session_signal(gw_session *s) {
  if (s->signalled) return;
  s->signalled = true;
  if (s->hub->port.want_write != NULL)
    s->hub->port.want_write(s->hub->user, s->conn);
}

bool gws_session_push(gw_session *s, enum gw_lane_id lane, gw_buf *b) {
  uint32_t len = b->len;
  if (s->state == GWS_SESSION_ENDING) {
    gw_buf_unref(b);
    return false;
  }
  if (gw_outq_push(&s->out, lane, b) < 0) {
    gw_buf_unref(b);
    gws_hub_nomem(s->hub);
    gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
    return false;
  }
  gw_stat_add(&s->hub->stats.queue_bytes, len);
  gws_session_signal(s);
  return true;
}

static void put(gw_session *s, enum gw_lane_id lane, bool is_control,
                const gw_out *out, int err) {
  if (s->state == GWS_SESSION_ENDING) return;
  gw_view bytes = {out->data, out->len};
  gw_buf *b = err < 0 ? NULL : gw_buf_new(bytes, false);
  if (b != NULL) {
    b->is_control = is_control;
    gws_may_pack(b, gws_pack_rest(s->hub));
    gws_session_push(s, lane, b);
    return;
  }
  gws_hub_nomem(s->hub);
  gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
}

void gws_session_put(gw_session *s, enum gw_lane_id lane, const gw_out *out,
                     int err) {
  put(s, lane, lane == GW_LANE_CONTROL, out, err);
}

static void send(gw_session *s, enum gw_lane_id lane, bool is_control,
                 const gw_out *out, int err) {
  uint32_t cap = s->hub->settings->limits.max_queue_bytes;
  size_t room = is_control ? CONTROL_ROOM_BYTES : 0;
  bool is_over = cap != 0 && out->len + s->out.bytes > cap + room;
  if (!is_over || s->state == GWS_SESSION_ENDING) {
    put(s, lane, is_control, out, err);
    return;
  }
  gw_stat_add(&s->hub->stats.slow_readers_total, 1);
  gws_session_end(s, GW_CODE_SLOW_READER, NULL);
}

void gws_session_send(gw_session *s, enum gw_lane_id lane, const gw_out *out,
                      int err) {
  send(s, lane, lane == GW_LANE_CONTROL, out, err);
}

void gws_session_send_behind(gw_session *s, enum gw_lane_id lane,
                             const gw_out *out, int err) {
  send(s, lane, true, out, err);
}

/** Whether what comes next is data, and waits for credit. Not at the end: nothing
 * comes after what waits then. */
static bool is_held(const gw_session *s) {
  return GW_GUARD(CREDIT) && s->has_credit && s->out.credit <= 0 &&
         s->state != GWS_SESSION_ENDING && !gw_outq_has_control(&s->out);
}

/** Whether there is a subscription to draw from. */
static bool may_draw(const gw_session *s) {
  return s->state == GWS_SESSION_OPEN && s->subs.drawing != NULL;
}

static bool has_output(const gw_session *s) {
  return (!gw_outq_is_empty(&s->out) || may_draw(s)) && !is_held(s);
}

bool gw_session_has_output(const gw_session *s) {
  return has_output(s);
}

/** Whether a subscription that is catching up comes next: nothing waits in its
 * lane, nor in those before it. */
static bool is_drawn_next(const gw_session *s) {
  return may_draw(s) &&
         gws_sub_lane(s->subs.drawing) < gw_outq_next_lane(&s->out);
}

/** The next message. */
static gw_buf *next_output(gw_session *s) {
  while (is_drawn_next(s)) {
    if (is_held(s)) return NULL;
    gws_recovery_draw(s->subs.drawing);
  }
  return is_held(s) ? NULL : gw_outq_peek(&s->out);
}

/** Data counts as it is sent. */
static void use_credit(gw_session *s, const gw_buf *b, uint32_t len) {
  if (b->is_control) return;
  s->out.credit -= (int32_t)len;
  if (s->out.credit <= 0) gw_stat_add(&s->hub->stats.credit_stalls_total, 1);
}

/** Pop what next_output showed, in the session's encoding. */
static gw_buf *take_output(gw_session *s, gw_buf *shown) {
  gw_buf *b = gw_outq_pop(&s->out);
  if (s->has_credit) use_credit(s, b, shown->len);
  gw_stat_sub(&s->hub->stats.queue_bytes, b->len);
  if (shown == b) return b;
  gw_buf_ref(shown);
  gw_buf_unref(b);
  return shown;
}

static void count_output(gw_session *s, size_t num, size_t bytes) {
  if (num != 0) gws_liveness_sent(s);
  gw_stat_add(&s->hub->stats.messages_out_total, num);
  gw_stat_add(&s->hub->stats.bytes_out_total, bytes);
}

/** What most flushes find, apart for the sake of speed: one message of data, and
 * nothing to draw. NULL: it is not so simple. */
static gw_buf *take_single(gw_session *s) {
  if (s->encoding != GW_ENCODING_BINARY || s->subs.drawing != NULL ||
      is_held(s))
    return NULL;
  gw_buf *b = gw_outq_pop_single(&s->out);
  if (b == NULL) return NULL;
  uint32_t len = b->len;
  gw_stat_sub(&s->hub->stats.queue_bytes, len);
  if (len >= s->pack_from) {
    b = gws_pack_taken(s->hub, b);
    len = b->len;
  }
  if (s->has_credit) use_credit(s, b, len);
  count_output(s, 1, len);
  s->signalled = false;
  return b;
}

size_t gw_session_take(gw_session *s, gw_buf **bufs, size_t max_bufs,
                       size_t max_bytes) {
  gw_hub *h = s->hub;
  bufs[0] = take_single(s);
  if (bufs[0] != NULL) return 1;
  size_t num = 0;
  size_t bytes = 0;
  gws_hub_enter(h);
  while (num < max_bufs) {
    gw_buf *b = next_output(s);
    if (b == NULL) break;
    if (s->encoding == GW_ENCODING_JSON)
      b = gw_buf_json(b);
    else if (b->len >= s->pack_from)
      b = gws_pack(h, b);
    if (b == NULL) {
      gws_hub_nomem(h);
      gws_session_drop_output(s);
      gws_session_end(s, GW_CODE_INTERNAL, "out of memory");
      break;
    }
    if (num != 0 && bytes + b->len > max_bytes) break;
    bytes += b->len;
    bufs[num++] = take_output(s, b);
  }
  count_output(s, num, bytes);
  s->signalled = has_output(s);
  gws_hub_leave(h);
  return num;
}

/* ---- end ----------------------------------------------------------------- */

void gws_session_drop_output(gw_session *s) {
  gw_stat_sub(&s->hub->stats.queue_bytes, s->out.bytes);
  gw_outq_clear(&s->out);
}

/** Whether what waits is of any use to the peer, and affordable. */
static bool is_flushed_before(uint32_t code) {
  return code != GW_CODE_SLOW_READER && code != GW_CODE_PING_TIMEOUT &&
         code != GW_CODE_INTERNAL;
}

/** Best effort: the transport closes with the code as well. */
static void push_close(gw_session *s, const gw_close *msg) {
  gw_out *out = gws_hub_scratch(s->hub, GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_CLOSE};
  if (out == NULL || gw_encode_close(out, &head, msg) < 0) return;
  gw_buf *b = gw_buf_new((gw_view){out->data, out->len}, false);
  if (b == NULL) return;
  if (gw_outq_push_last(&s->out, b) == 0)
    gw_stat_add(&s->hub->stats.queue_bytes, b->len);
  else
    gw_buf_unref(b);
}

/** From here on nothing is taken in, and nothing but what waits goes out. */
static void begin_ending(gw_session *s) {
  gw_hub *h = s->hub;
  if (s->state == GWS_SESSION_OPEN) gw_stat_sub(&h->stats.sessions, 1);
  gw_wheel_cancel(&h->wheel, &s->u.timer);
  s->state = GWS_SESSION_ENDING;
  s->u.next_ending = h->ending;
  h->ending = s;
}

void gws_session_log(const gw_session *s, int level, const char *event,
                     uint32_t code, const char *reason) {
  char safe[GW_MAX_REASON_BYTES + 1];
  gw_view peer = gws_session_peer(s);
  /* Some reasons name what the peer sent. */
  gws_log_text(safe, sizeof safe, gw_view_of(reason));
  gws_hub_log(s->hub, level, event, "peer=%.*s code=%u name=%s reason=\"%s\"",
              (int)peer.len, peer.data != NULL ? (const char *)peer.data : "",
              code, gw_code_name(code), safe);
}

static void log_end(gw_session *s, uint32_t code, const char *reason) {
  bool is_blamed = code == GW_CODE_PROTOCOL || code == GW_CODE_TOO_BIG ||
                   code == GW_CODE_INTERNAL || code == GW_CODE_SLOW_READER;
  gws_session_log(s, is_blamed ? GWS_LOG_WARN : GWS_LOG_INFO, "session.end",
                  code, reason);
}

void gws_session_end_later(gw_session *s, uint32_t code, const char *reason,
                           uint32_t retry_after_ms, uint32_t spread_ms) {
  gw_hub *h = s->hub;
  if (s->state == GWS_SESSION_ENDING) return;
  if (reason == NULL) reason = gw_code_text(code);
  if (code == GW_CODE_PROTOCOL) gw_stat_add(&h->stats.protocol_errors_total, 1);
  log_end(s, code, reason);
  s->end_code = (uint16_t)code;
  if (!is_flushed_before(code)) gws_session_drop_output(s);
  gw_close msg = {.code = code,
                  .reason = gw_view_of(reason),
                  .retry_after_ms = retry_after_ms,
                  .spread_ms = spread_ms};
  push_close(s, &msg);
  begin_ending(s);
  if (h->port.close != NULL)
    h->port.close(h->user, s->conn, WS_CODE_BASE + code, msg.reason);
}

void gws_session_end(gw_session *s, uint32_t code, const char *reason) {
  gws_session_end_later(s, code, reason, 0, 0);
}

void gws_session_leave(gw_session *s) {
  gw_hub *h = s->hub;
  if (s->state == GWS_SESSION_ENDING) return;
  s->left = true;
  s->end_code = GW_CODE_CLOSED;
  begin_ending(s);
  if (h->port.close != NULL)
    h->port.close(h->user, s->conn, WS_CODE_NORMAL, (gw_view){NULL, 0});
}

void gw_session_close(gw_session *s, uint32_t code, const char *reason,
                      uint32_t retry_after_ms, uint32_t spread_ms) {
  gws_hub_enter(s->hub);
  gws_session_end_later(s, code, reason, retry_after_ms, spread_ms);
  gws_hub_leave(s->hub);
}

static uint32_t hash_name(const gw_hub *h, gw_view name) {
  return (uint32_t)gws_hub_hash(h, name.data, name.len);
}

/* The low bits of a connection's id tell the slot of its session, which is found
 * without a table. Others learn nothing from them about how many there are. */

#define SLOT_BITS 24u
#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1)

static uint64_t draw_connection(const gw_session *s) {
  gw_hub *h = s->hub;
  uint64_t slot = gw_slots_index(s->handle) ^ h->places;
  return (gws_hub_random(h) | 1u) << SLOT_BITS | (slot & SLOT_MASK);
}

gw_session *gws_session_of_connection(const gw_hub *h, uint64_t connection) {
  uint64_t slot = (connection ^ h->places) & SLOT_MASK;
  gw_session *s =
      slot < h->sessions.num ? gw_slots_at(&h->sessions, (uint32_t)slot) : NULL;
  bool is_it =
      s != NULL && s->connection == connection && s->state == GWS_SESSION_OPEN;
  return is_it ? s : NULL;
}

static gw_session *session_of(gw_link *link) {
  return link != NULL ? GWS_AROUND(link, gw_session, of_user) : NULL;
}

static bool is_of_user(const gw_link *link, gw_view user) {
  return gw_view_eq(gws_session_user(session_of((gw_link *)(uintptr_t)link)),
                    user);
}

int gws_session_enlist(gw_session *s, uint32_t hash) {
  gw_hub *h = s->hub;
  gw_view user = gws_session_user(s);
  int err = gw_index_add(&h->clients, hash, s);
  if (err < 0) return err;
  if (user.len != 0)
    err = gw_bunch_add(&h->users, hash_name(h, user), user, is_of_user,
                       &s->of_user);
  if (err < 0)
    gw_index_remove(&h->clients, hash, s);
  else
    s->connection = draw_connection(s);
  return err;
}

static void forget(gw_session *s) {
  gw_hub *h = s->hub;
  gw_view user = gws_session_user(s);
  if (s->client == 0) return;
  gw_index_remove(&h->clients, gws_hub_id_hash(h, s->client), s);
  if (user.len != 0)
    gw_bunch_remove(&h->users, hash_name(h, user), &s->of_user);
}

gw_session *gws_session_first_of(const gw_hub *h, gw_view user) {
  if (user.len == 0) return NULL;
  return session_of(
      gw_bunch_find(&h->users, hash_name(h, user), user, is_of_user));
}

gw_session *gws_session_next_of(const gw_session *s) {
  return session_of(s->of_user.next);
}

static void tell_end(const gw_session *s) {
  gw_hub *h = s->hub;
  bool was_welcomed = s->client != 0;
  if (h->port.tell == NULL) return;
  gw_notice n = {.kind = GW_NOTICE_DISCONNECT,
                 .conn = s->conn,
                 .session = s->handle,
                 .is_known = s->is_known,
                 .client = s->client,
                 .user = gws_session_user(s),
                 .connection = s->connection,
                 .peer = gws_session_peer(s),
                 .code = s->end_code,
                 .duration_ms = was_welcomed ? h->now_ms - s->opened_ms : 0};
  h->port.tell(h->user, &n);
}

void gws_session_detach(gw_session *s) {
  enum gws_farewell why = s->left ? GWS_FAREWELL_LEFT : GWS_FAREWELL_LOST;
  gws_resume_keep(s);
  for (gw_sub *sub; (sub = gws_subs_any(&s->subs)) != NULL;)
    gws_sub_free(sub, why);
  gws_calls_drop(s);
  gws_holds_free(s);
  gws_identity_free(s);
  gws_meter_end(s);
  gws_grants_free(s);
  gws_resume_free(s);
  tell_end(s);
  forget(s);
  gws_conn_ended(s);
  s->client = 0;
  gw_refused_deinit(&s->refused);
  if (s->encoding == GW_ENCODING_JSON)
    gw_json_lines_deinit(&s->in.lines);
  else
    gw_reader_deinit(&s->in.reader);
}

void gws_session_free(gw_session *s) {
  gw_hub *h = s->hub;
  if (s->state != GWS_SESSION_ENDING) {
    begin_ending(s);
    h->ending = s->u.next_ending;
    gws_session_detach(s);
  }
  gws_session_drop_output(s);
  gw_stat_sub(&h->stats.connections, 1);
  gw_slots_remove(&h->sessions, s->handle);
  gw_mem_free(s->texts);
  gw_mem_free(s);
}

/** Lost otherwise. Not so 1000, which who comes back may say, too. */
static bool is_goodbye(uint32_t ws_code) {
  return ws_code == WS_CODE_BASE + GW_CODE_CLOSED ||
         ws_code == WS_CODE_GOING_AWAY;
}

void gw_session_closed(gw_session *s, uint32_t ws_code) {
  gw_hub *h = s->hub;
  assert(h->depth == 0); /* the port must not call back */
  gws_hub_enter(h);
  if (is_goodbye(ws_code)) {
    s->left = true;
    s->end_code = GW_CODE_CLOSED;
  }
  gws_session_free(s);
  gws_hub_leave(h);
}
