/* SPDX-License-Identifier: MIT */
/* ws_input.c - from sockets to the hub. libwebsockets makes the handshake; what a
 * client sends from then on is read here, many messages at a time. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/net/context.h"
#include "server/net/visit.h"
#include "server/net/ws.h"

/* ---- messages --------------------------------------------------------------- */

static void log_refusal(gw_ws *ws, const gw_ws_conn *c, const char *event,
                        const char *why) {
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_view(&f, "peer", gw_session_peer(c->session));
  gw_fields_text(&f, "why", why);
  gw_log_write(ws->log, GW_LOG_WARN, event, f.text);
}

static void log_bad_frame(gw_ws *ws, const gw_ws_conn *c, const char *why) {
  gw_stat_add(&ws->stats->bad_frames_total, 1);
  log_refusal(ws, c, "ws.bad_frame", why);
}

static void on_data(gw_ws *ws, gw_ws_conn *c, gw_view data, bool is_text,
                    bool is_end) {
  if (!c->session || c->closing) return;
  if (is_text != c->is_json) {
    static const char *const why[] = {
        "text was sent where binary messages are spoken",
        "a binary message was sent where JSON text is spoken"};
    gw_stat_add(&ws->stats->wrong_opcode_total, 1);
    log_refusal(ws, c, "ws.wrong_opcode", why[c->is_json]);
    gw_session_close(c->session, GW_CODE_PROTOCOL, why[c->is_json], 0, 0);
    return;
  }
  /* A result below 0 comes with the port's close. */
  (void)gw_session_feed(c->session, data, is_end);
}

/* ---- control frames ------------------------------------------------------------ */

/* The latest of a burst is answered, with the next flush (RFC 6455, 5.5.3). */
static void on_ping(gw_ws *ws, gw_ws_conn *c, gw_view payload) {
  if (c->closing) return;
  if (!c->pong) c->pong = malloc(GW_WS_CONTROL_MAX);
  if (!c->pong) return; /* it will ask again, or be asked */
  c->pong[0] = 0x8a;    /* FIN, opcode 10 */
  c->pong[1] = (uint8_t)payload.len;
  if (payload.len) memcpy(c->pong + 2, payload.data, payload.len);
  gw_ws_want_write(ws, c);
}

/* What libwebsockets has not sent yet it sends, for a few seconds. */
static void end(const gw_ws *ws, gw_ws_conn *c) {
  if (lws_partial_buffered(c->wsi)) gw_poller_remove(ws->poller, c->fd);
  lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

/* What a close frame without a fault says. */
static uint32_t code_of(gw_view payload) {
  if (payload.len == 0) return 1005;
  return (uint32_t)(payload.data[0] << 8 | payload.data[1]);
}

/* A close frame: it is answered by the same, or by what is wrong with it. Ours was
 * on its way already, or is not needed: then the answer ends the connection. */
static void on_close(gw_ws *ws, gw_ws_conn *c, gw_view payload) {
  uint8_t frame[GW_WS_CONTROL_MAX] = {0x88}; /* FIN, opcode 8 */
  uint32_t code;
  const char *why = gw_ws_close_fault(payload, &code);
  gw_ring_remove(&c->dirty);
  if (why && c->session) log_bad_frame(ws, c, why);
  gw__ws_let_go(c, why ? 0 : code_of(payload));
  if (c->closing) return;
  const uint8_t answer[2] = {(uint8_t)(code >> 8), (uint8_t)code};
  if (why) payload = (gw_view){answer, sizeof answer};
  frame[1] = (uint8_t)payload.len;
  if (payload.len) memcpy(frame + 2, payload.data, payload.len);
  (void)!gw__ws_write(ws, c, (gw_view){frame, 2 + payload.len});
}

/* Nothing behind it can be read: the client is told, and has a while to go. */
static void on_fault(gw_ws *ws, gw_ws_conn *c, const gw_ws_found *found) {
  if (c->session) log_bad_frame(ws, c, found->why);
  c->is_deaf = true;
  gw__ws_let_go(c, 0);
  gw_ws_close(ws, c, found->code, gw_view_of(found->why));
}

/* ---- reading -------------------------------------------------------------------- */

/* Puts bytes that made nothing before in front of `num` that came. */
static gw_ws_bytes unhold(const gw_ws *ws, gw_ws_conn *c, size_t num) {
  uint8_t *at = ws->input + GW_WS_READER_HELD;
  if (!c->held) return (gw_ws_bytes){at, num};
  size_t num_held = c->held[0];
  memcpy(at - num_held, c->held + 1, num_held);
  free(c->held);
  c->held = NULL;
  return (gw_ws_bytes){at - num_held, num_held + num};
}

/* false: out of memory. */
static bool hold(gw_ws_conn *c, const gw_ws_bytes *rest) {
  if (rest->len == 0) return true;
  c->held = malloc(1 + rest->len);
  if (!c->held) return false;
  c->held[0] = (uint8_t)rest->len;
  memcpy(c->held + 1, rest->data, rest->len);
  return true;
}

/* Hands on all that is whole. false: the connection has ended. */
static bool take(gw_ws *ws, gw_ws_conn *c, gw_ws_bytes in) {
  gw_ws_found found;
  while (!c->is_deaf) {
    switch (gw_ws_reader_next(&c->reader, &in, &found)) {
    case GW_WS_NOTHING:
      return hold(c, &in);
    case GW_WS_DATA:
      on_data(ws, c, found.bytes, found.is_text, found.is_end);
      break;
    case GW_WS_PING:
      on_ping(ws, c, found.bytes);
      break;
    case GW_WS_PONG:
      break;
    case GW_WS_CLOSE:
      on_close(ws, c, found.bytes);
      return false;
    case GW_WS_FAULT:
      if (c->closing) return false;
      on_fault(ws, c, &found);
      break;
    }
  }
  return true;
}

/* Otherwise OpenSSL would keep the rest of a record, and epoll not tell of it. */
_Static_assert(GW_WS_READ_BYTES >= SSL3_RT_MAX_PLAIN_LENGTH,
               "a read takes a whole record");

/* Bytes that were read; 0: the connection has ended; below: there are none yet. */
static ssize_t receive(const gw_ws_conn *c, uint8_t *to) {
  if (!c->is_secure) {
    ssize_t num = recv(c->fd, to, GW_WS_READ_BYTES, MSG_DONTWAIT);
    if (num >= 0) return num;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? -1 : 0;
  }
  SSL *ssl = lws_get_ssl(c->wsi);
  int num = SSL_read(ssl, to, GW_WS_READ_BYTES);
  if (num > 0) return num;
  int err = SSL_get_error(ssl, num);
  ERR_clear_error();
  return err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

void gw_ws_on_readable(gw_ws *ws, gw_ws_conn *c) {
  if (!c->is_counted) return; /* it ended in this turn */
  ssize_t num = receive(c, ws->input + GW_WS_READER_HELD);
  if (num < 0) return;
  if (num == 0 || !take(ws, c, unhold(ws, c, (size_t)num))) end(ws, c);
}

/* Bytes of a frame may have come in the packet of the handshake, which RFC 6455
 * (4.1) has clients not do: libwebsockets has them, and goes on. */
static bool has_input(const gw_ws_conn *c) {
  return c->is_early || gw_context_has_input(c->wsi) ||
         (c->is_secure && SSL_has_pending(lws_get_ssl(c->wsi)));
}

void gw__ws_take_over(gw_ws *ws, gw_ws_conn *c) {
  c->is_fresh = false;
  if (has_input(c) || gw_poller_add(ws->poller, c->fd, c) < 0) return;
  lws_rx_flow_control(c->wsi, 0);
}

/* ---- events of libwebsockets ------------------------------------------------------ */

static int on_open(gw_ws *ws, struct lws *wsi, gw_ws_conn *c,
                   enum gw_encoding encoding) {
  char text[GW_PEER_TEXT_MAX];
  gw_peer peer = gw_visit_socket_peer(wsi);
  *c = (gw_ws_conn){.wsi = wsi,
                    .is_json = encoding == GW_ENCODING_JSON,
                    .is_counted = true,
                    .is_fresh = true,
                    .is_secure = lws_is_ssl(wsi) != 0,
                    .fd = lws_get_socket_fd(wsi)};
  ws->num_conns++;
  gw_ws_want_write(ws, c);
  c->session =
      gw_hub_open(ws->hub, c, encoding, gw_view_of(gw_peer_text(&peer, text)));
  int result = c->session && ws->on_open(ws->user, wsi, c) == 0 ? 0 : -1;
  gw_socket_settle(wsi);
  return result;
}

/* libwebsockets reads these connections for good, as nobody can say how far it has
 * read. */
static void on_early(gw_ws *ws, gw_ws_conn *c, gw_view data) {
  c->is_early = true;
  on_data(ws, c, data, !lws_frame_is_binary(c->wsi),
          lws_is_final_fragment(c->wsi) != 0);
}

/* Returns -1 to end the connection: the close frame was an answer to ours, or a
 * wrong one, which is answered here. libwebsockets answers the others. */
static int on_early_close(gw_ws *ws, gw_ws_conn *c, gw_view payload) {
  uint32_t code;
  if (c->closing || gw_ws_close_fault(payload, &code)) {
    on_close(ws, c, payload);
    return -1;
  }
  gw_ring_remove(&c->dirty);
  gw__ws_let_go(c, code_of(payload));
  return 0;
}

/* libwebsockets begins to close; it may take its time to end. */
static void on_drop(gw_ws *ws, gw_ws_conn *c) {
  gw_ring_remove(&c->dirty);
  /* It noted a reason of its own when frames broke RFC 6455. */
  int len = lws_get_close_length(c->wsi);
  if (c->session && len > 2) {
    char why[128];
    size_t n = (size_t)len - 2 < sizeof why ? (size_t)len - 2 : sizeof why - 1;
    memcpy(why, lws_get_close_payload(c->wsi) + 2, n);
    why[n] = '\0';
    log_bad_frame(ws, c, why);
  }
  gw__ws_let_go(c, 0);
}

static void on_closed(gw_ws *ws, gw_ws_conn *c) {
  on_drop(ws, c);
  gw__ws_forget_close(c);
  free(c->cookie_token);
  free(c->held);
  free(c->pong);
  c->cookie_token = NULL;
  c->held = c->pong = NULL;
  ws->num_conns--;
  c->is_counted = false;
}

int gw_ws_on_event(gw_ws *ws, struct lws *wsi, enum lws_callback_reasons reason,
                   gw_ws_conn *c, enum gw_encoding encoding, gw_view in) {
  ws->on_input(ws->user);
  switch (reason) {
  case LWS_CALLBACK_ESTABLISHED:
    return on_open(ws, wsi, c, encoding);
  case LWS_CALLBACK_RECEIVE:
    on_early(ws, c, in);
    return 0;
  case LWS_CALLBACK_SERVER_WRITEABLE:
    gw__ws_on_writable(ws, c);
    return 0;
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    return on_early_close(ws, c, in);
  case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
    if (c->is_counted) on_drop(ws, c);
    return 0;
  case LWS_CALLBACK_CLOSED:
    if (c->is_counted) on_closed(ws, c);
    return 0;
  default:
    return 0;
  }
}
