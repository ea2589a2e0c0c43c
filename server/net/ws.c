/* SPDX-License-Identifier: MIT */
/* ws.c - between libwebsockets and the hub: bytes in, shared frames out, one
 * gathered write per connection and flush. */
#include "server/net/ws.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/net/context.h"
#include "server/net/visit.h"

/* Messages that are gathered at a time. */
#define GATHER_BUFS 64u

/* A close frame at most: two bytes of head, 125 of payload (RFC 6455 5.5). */
#define CLOSE_FRAME_MAX 127u
#define CLOSE_HEAD      4u

/* What a connection that is about to close needs; few are at a time. */
struct gw_ws_closing {
  gw_ws_closing *next;
  gw_ws_conn *conn; /* NULL: it is gone */
  uint64_t deadline_ms;
  uint8_t frame_len; /* 0: it was sent */
  uint8_t frame[CLOSE_FRAME_MAX];
};

/* ---- the list of connections with output -------------------------------- */

static void add_dirty(gw_ws *ws, gw_ws_conn *c) {
  if (!gw_link_is_in(&c->dirty)) gw_ring_add(&ws->dirty, &c->dirty);
}

void gw_ws_want_write(gw_ws *ws, void *conn) {
  add_dirty(ws, conn);
}

int gw_ws_init(gw_ws *ws) {
  gw_ring_init(&ws->dirty);
  ws->gather = malloc(GW_WS_GATHER_BYTES + GATHER_BUFS * GW_BUF_PREFIX_MAX);
  return ws->gather ? 0 : GW_ERR_NOMEM;
}

void gw_ws_deinit(gw_ws *ws) {
  while (ws->closing_first) {
    gw_ws_closing *closing = ws->closing_first;
    ws->closing_first = closing->next;
    free(closing);
  }
  free(ws->gather);
}

/* ---- the end of a connection -------------------------------------------- */

static void let_go(gw_ws_conn *c, uint32_t ws_code) {
  if (c->session) gw_session_closed(c->session, ws_code);
  c->session = NULL;
}

/* The socket is of no more use; its loop will find it closed and tell so. */
static void cut(gw_ws_conn *c) {
  gw_ring_remove(&c->dirty);
  let_go(c, 0);
  gw_context_cut(c->wsi);
}

static void make_close_frame(gw_ws_closing *closing, uint32_t ws_code,
                             gw_view reason) {
  size_t len = reason.len < CLOSE_FRAME_MAX - CLOSE_HEAD
                   ? reason.len
                   : CLOSE_FRAME_MAX - CLOSE_HEAD;
  closing->frame[0] = 0x88; /* FIN, opcode 8 */
  closing->frame[1] = (uint8_t)(2 + len);
  closing->frame[2] = (uint8_t)(ws_code >> 8);
  closing->frame[3] = (uint8_t)ws_code;
  if (len > 0) memcpy(closing->frame + CLOSE_HEAD, reason.data, len);
  closing->frame_len = (uint8_t)(CLOSE_HEAD + len);
}

void gw_ws_close(gw_ws *ws, void *conn, uint32_t ws_code, gw_view reason) {
  gw_ws_conn *c = conn;
  if (c->closing || c->is_doomed) return;
  gw_ws_closing *closing = calloc(1, sizeof *closing);
  if (closing) {
    closing->conn = c;
    closing->deadline_ms = ws->now_ms + GW_WS_CLOSE_MS;
    make_close_frame(closing, ws_code, reason);
    c->closing = closing;
    if (ws->closing_last)
      ws->closing_last->next = closing;
    else
      ws->closing_first = closing;
    ws->closing_last = closing;
  }
  c->is_doomed = !closing;
  add_dirty(ws, c);
}

uint64_t gw_ws_deadline(const gw_ws *ws) {
  return ws->closing_first ? ws->closing_first->deadline_ms : UINT64_MAX;
}

void gw_ws_tick(gw_ws *ws, uint64_t now_ms) {
  while (ws->closing_first && ws->closing_first->deadline_ms <= now_ms) {
    gw_ws_closing *closing = ws->closing_first;
    ws->closing_first = closing->next;
    if (!ws->closing_first) ws->closing_last = NULL;
    if (closing->conn) {
      gw_stat_add(&ws->stats->closes_overdue_total, 1);
      closing->conn->closing = NULL;
      closing->conn->is_doomed = true;
      cut(closing->conn);
    }
    free(closing);
  }
}

/* ---- output ------------------------------------------------------------- */

/* Give the kernel what it takes at once; returns what is left. libwebsockets holds
 * nothing back, as c is not blocked, and its own way would cost a cold connection
 * more memory than all of ours does. */
static gw_view write_at_once(const gw_ws_conn *c, gw_view bytes) {
  if (c->fd < 0) return bytes;
  ssize_t n = send(c->fd, bytes.data, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
  size_t done = n > 0 ? (size_t)n : 0;
  return (gw_view){bytes.data + done, bytes.len - done};
}

/* The one place that writes. On HTTP/1 the bytes go out as they stand, at any
 * time; HTTP/2 will need its writable callback and LWS_PRE bytes in front.
 * libwebsockets keeps what the kernel does not take, and finds out about a
 * connection that has broken. */
static bool write_bytes(gw_ws *ws, gw_ws_conn *c, gw_view bytes) {
  gw_stat_add(&ws->stats->writes_total, 1);
  bytes = write_at_once(c, bytes);
  if (bytes.len == 0) return true;
  /* LWS_WRITE_HTTP leaves the buffer as it is. */
  unsigned char *data = (unsigned char *)(uintptr_t)bytes.data;
  if (lws_write(c->wsi, data, bytes.len, LWS_WRITE_HTTP) < 0) return false;
  if (lws_partial_buffered(c->wsi)) {
    gw_stat_add(&ws->stats->partial_writes_total, 1);
    c->is_blocked = true;
  }
  return true;
}

/* Frames that fit are gathered; what is larger goes out by itself. */
static bool write_bufs(gw_ws *ws, gw_ws_conn *c, gw_buf *const *bufs,
                       size_t num) {
  if (num == 1) return write_bytes(ws, c, gw_buf_framed(bufs[0]));
  size_t len = 0;
  bool ok = true;
  for (size_t i = 0; i < num && ok; i++) {
    gw_view framed = gw_buf_framed(bufs[i]);
    if (framed.len > GW_WS_GATHER_BYTES - len) {
      if (len > 0) ok = write_bytes(ws, c, (gw_view){ws->gather, len});
      len = 0;
    }
    if (framed.len > GW_WS_GATHER_BYTES) {
      ok = ok && write_bytes(ws, c, framed);
    } else {
      memcpy(ws->gather + len, framed.data, framed.len);
      len += framed.len;
    }
  }
  if (ok && len > 0) ok = write_bytes(ws, c, (gw_view){ws->gather, len});
  return ok;
}

/* The last frame. We send it ourselves: returning -1 from a callback of lws 4.1
 * on libuv closes twice, and the second time takes the frame back. */
static bool write_close(gw_ws *ws, gw_ws_conn *c) {
  gw_view frame = {c->closing->frame, c->closing->frame_len};
  if (frame.len == 0) return true;
  c->closing->frame_len = 0;
  let_go(c, 0);
  return write_bytes(ws, c, frame);
}

/* What was written is let go of by the same message at once: of a fan-out that
 * is one counting for a thousand connections. */
static void spend(gw_ws *ws, gw_buf *b) {
  if (b != ws->spent) {
    gw_buf_unref_many(ws->spent, ws->num_spent);
    ws->spent = b;
    ws->num_spent = 0;
  }
  ws->num_spent++;
}

static void settle_spent(gw_ws *ws) {
  gw_buf_unref_many(ws->spent, ws->num_spent);
  ws->spent = NULL;
  ws->num_spent = 0;
}

enum flushed { FLUSHED, BLOCKED, MORE, BROKEN };

static enum flushed flush(gw_ws *ws, gw_ws_conn *c) {
  size_t burst = 0;
  if (c->is_doomed) return BROKEN;
  while (c->session && !c->is_blocked) {
    gw_buf *bufs[GATHER_BUFS];
    size_t num =
        gw_session_take(c->session, bufs, GATHER_BUFS, GW_WS_GATHER_BYTES);
    if (num == 0) break;
    bool ok = write_bufs(ws, c, bufs, num);
    for (size_t i = 0; i < num; i++) {
      burst += bufs[i]->len;
      spend(ws, bufs[i]);
    }
    if (!ok) return BROKEN;
    if (burst >= GW_WS_BURST_BYTES && !c->is_blocked) return MORE;
    if (!gw_session_has_output(c->session)) break;
  }
  if (c->is_blocked) return BLOCKED;
  return c->closing && !write_close(ws, c) ? BROKEN : FLUSHED;
}

/* Has the processor fetch what the next ones need while the kernel sends: each has
 * to be got from far away otherwise, a thousand times in a fan-out. GCC leaves a
 * function out that does nothing else, unless it has to inline it. */
__attribute__((always_inline)) static inline void foresee(const gw_link *end,
                                                          const gw_link *link) {
  const gw_link *next = link->next;
  if (next == end) return;
  /* What is taken from comes first in a session. */
  const char *session =
      (const char *)((const gw_ws_conn *)(const void *)next)->session;
  if (session) {
    __builtin_prefetch(session, 1);
    __builtin_prefetch(session + 64, 1);
  }
  __builtin_prefetch(next->next, 1);
}

bool gw_ws_flush(gw_ws *ws) {
  /* What becomes dirty meanwhile waits for the next flush. */
  gw_link now;
  gw_ring_take(&ws->dirty, &now);
  while (!gw_ring_is_empty(&now)) {
    gw_ws_conn *c = (gw_ws_conn *)(void *)now.next;
    foresee(&now, now.next);
    enum flushed result = flush(ws, c);
    gw_ring_remove(&c->dirty);
    if (result == BROKEN) cut(c);
    if (result == MORE) add_dirty(ws, c);
  }
  settle_spent(ws);
  return !gw_ring_is_empty(&ws->dirty);
}

static void on_writable(gw_ws *ws, gw_ws_conn *c) {
  c->is_blocked = false;
  enum flushed result = flush(ws, c);
  settle_spent(ws);
  if (result == BROKEN) cut(c);
  if (result == MORE) add_dirty(ws, c);
}

/* ---- input -------------------------------------------------------------- */

static void log_refusal(gw_ws *ws, const gw_ws_conn *c, const char *event,
                        const char *why) {
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_view(&f, "peer", gw_session_peer(c->session));
  gw_fields_text(&f, "why", why);
  gw_log_write(ws->log, GW_LOG_WARN, event, f.text);
}

static int on_open(gw_ws *ws, struct lws *wsi, gw_ws_conn *c,
                   enum gw_encoding encoding) {
  char text[GW_PEER_TEXT_MAX];
  gw_peer peer = gw_visit_socket_peer(wsi);
  ws->on_input(ws->user);
  *c = (gw_ws_conn){.wsi = wsi,
                    .is_json = encoding == GW_ENCODING_JSON,
                    .is_counted = true,
                    .fd = lws_is_ssl(wsi) ? -1 : lws_get_socket_fd(wsi)};
  ws->num_conns++;
  c->session =
      gw_hub_open(ws->hub, c, encoding, gw_view_of(gw_peer_text(&peer, text)));
  return c->session && ws->on_open(ws->user, wsi, c) == 0 ? 0 : -1;
}

static void on_receive(gw_ws *ws, gw_ws_conn *c, const void *in, size_t len) {
  if (!c->session || c->closing) return;
  ws->on_input(ws->user);
  if ((lws_frame_is_binary(c->wsi) != 0) == c->is_json) {
    static const char *const why[] = {
        "text was sent where binary messages are spoken",
        "a binary message was sent where JSON text is spoken"};
    gw_stat_add(&ws->stats->wrong_opcode_total, 1);
    log_refusal(ws, c, "ws.wrong_opcode", why[c->is_json]);
    gw_session_close(c->session, GW_CODE_PROTOCOL, why[c->is_json], 0, 0);
    return;
  }
  bool is_end = lws_is_final_fragment(c->wsi) != 0;
  if (!is_end) ws->more_is_coming = true;
  /* A result below 0 comes with the port's close. */
  (void)gw_session_feed(c->session, (gw_view){in, len}, is_end);
}

/* What RFC 6455 (5.5.1, 7.4) says to a close frame that libwebsockets would send
 * back as it is; 0: it is right. Other codes that may not be sent it replaces by
 * 1002 before we see them, and it hangs up on most reasons that are not UTF-8. */
static uint32_t fault_of_close(const uint8_t *in, size_t len) {
  if (len == 1 || (len >= 2 && (in[0] << 8 | in[1]) >= 5000)) return 1002;
  return len > 2 && !gw_view_is_text((gw_view){in + 2, len - 2}) ? 1007 : 0;
}

/* Returns -1 to end the connection: the close frame was an answer to ours, or a
 * wrong one, which is answered here. */
static int on_peer_close(gw_ws *ws, gw_ws_conn *c, const uint8_t *in,
                         size_t len) {
  uint32_t code = len >= 2 ? (uint32_t)(in[0] << 8 | in[1]) : 1005;
  uint32_t fault = fault_of_close(in, len);
  ws->on_input(ws->user);
  gw_ring_remove(&c->dirty);
  if (fault != 0 && c->session) {
    gw_stat_add(&ws->stats->bad_frames_total, 1);
    log_refusal(ws, c, "ws.bad_frame", "a close frame that may not be sent");
  }
  let_go(c, fault != 0 ? 0 : code);
  if (c->closing) return -1;
  if (fault == 0) return 0;
  const uint8_t frame[] = {0x88, 2, (uint8_t)(fault >> 8), (uint8_t)fault};
  (void)!write_bytes(ws, c, (gw_view){frame, sizeof frame});
  return -1;
}

/* libwebsockets begins to close; it may take its time to end. */
static void on_drop(gw_ws *ws, gw_ws_conn *c) {
  ws->on_input(ws->user);
  gw_ring_remove(&c->dirty);
  /* It noted a reason of its own when frames broke RFC 6455. */
  int len = lws_get_close_length(c->wsi);
  if (c->session && len > 2) {
    char why[128];
    size_t n = (size_t)len - 2 < sizeof why ? (size_t)len - 2 : sizeof why - 1;
    memcpy(why, lws_get_close_payload(c->wsi) + 2, n);
    why[n] = '\0';
    gw_stat_add(&ws->stats->bad_frames_total, 1);
    log_refusal(ws, c, "ws.bad_frame", why);
  }
  let_go(c, 0);
}

static void on_closed(gw_ws *ws, gw_ws_conn *c) {
  if (!c->is_counted) return;
  on_drop(ws, c);
  if (c->closing) c->closing->conn = NULL;
  c->closing = NULL;
  free(c->cookie_token);
  c->cookie_token = NULL;
  ws->num_conns--;
  c->is_counted = false;
}

int gw_ws_on_event(gw_ws *ws, struct lws *wsi, enum lws_callback_reasons reason,
                   gw_ws_conn *c, enum gw_encoding encoding, const void *in,
                   size_t len) {
  switch (reason) {
  case LWS_CALLBACK_ESTABLISHED:
    return on_open(ws, wsi, c, encoding);
  case LWS_CALLBACK_RECEIVE:
    on_receive(ws, c, in, len);
    return 0;
  case LWS_CALLBACK_SERVER_WRITEABLE:
    ws->on_input(ws->user);
    on_writable(ws, c);
    return 0;
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    return on_peer_close(ws, c, in, len);
  case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
    if (c->is_counted) on_drop(ws, c);
    return 0;
  case LWS_CALLBACK_CLOSED:
    on_closed(ws, c);
    return 0;
  default:
    return 0;
  }
}

/* ---- the handshake ------------------------------------------------------ */

static bool header(struct lws *wsi, enum lws_token_indexes token, char *text,
                   size_t len) {
  text[0] = '\0';
  int total = lws_hdr_total_length(wsi, token);
  return total >= 0 && (size_t)total < len &&
         lws_hdr_copy(wsi, text, (int)len, token) >= 0;
}

/* What of ours a comma-separated list names first, which is what libwebsockets
 * takes; 0: nothing. */
static unsigned first_of_ours(const char *list) {
  while (*list) {
    list += strspn(list, " \t,");
    size_t n = strcspn(list, " \t,");
    if (n == strlen(GW_WS_BINARY) && memcmp(list, GW_WS_BINARY, n) == 0)
      return GW_SPEAKS_BINARY;
    if (n == strlen(GW_WS_JSON) && memcmp(list, GW_WS_JSON, n) == 0)
      return GW_SPEAKS_JSON;
    list += n;
  }
  return 0;
}

/* NULL, or why an encoding is not spoken; 0: none of ours was offered. */
static const char *check_encoding(unsigned offered, unsigned speaks) {
  if (offered == 0)
    return "Sec-WebSocket-Protocol has to offer " GW_WS_BINARY
           " or " GW_WS_JSON;
  if (offered & speaks) return NULL;
  return speaks == GW_SPEAKS_JSON
             ? "Sec-WebSocket-Protocol has to offer " GW_WS_JSON " first here"
             : "Sec-WebSocket-Protocol has to offer " GW_WS_BINARY
               " first here";
}

/* Sixteen bytes in base64: 22 digits, the last of two bits, and two signs. */
static bool is_key(const char *text) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
      "wxyz0123456789+/";
  return strspn(text, digits) == 22 && strchr("AQgw", text[21]) != NULL &&
         strcmp(text + 22, "==") == 0;
}

bool gw_ws_speaks_version(struct lws *wsi) {
  char text[8];
  return header(wsi, WSI_TOKEN_VERSION, text, sizeof text) &&
         strcmp(text, "13") == 0;
}

const char *gw_ws_check_upgrade(struct lws *wsi, unsigned speaks) {
  /* libwebsockets itself reads no longer lists, and hangs up on them. */
  char text[120];
  if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
    return "WebSocket connections begin with GET";
  /* Without these, libwebsockets hangs up without a word. */
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) <= 0) return "Host is missing";
  if (!header(wsi, WSI_TOKEN_CONNECTION, text, sizeof text) ||
      !strcasestr(text, "upgrade"))
    return "Connection has to name upgrade";
  if (!header(wsi, WSI_TOKEN_HTTP, text, sizeof text) ||
      strcmp(text, "HTTP/1.1") != 0)
    return "WebSocket connections begin with HTTP/1.1";
  if (!header(wsi, WSI_TOKEN_KEY, text, sizeof text) || !is_key(text))
    return "Sec-WebSocket-Key has to be 16 bytes in base64";
  if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0) {
    bool is_read = header(wsi, WSI_TOKEN_PROTOCOL, text, sizeof text);
    return check_encoding(is_read ? first_of_ours(text) : 0, speaks);
  }
  const char *encoding =
      lws_get_urlarg_by_name(wsi, "encoding=", text, sizeof text);
  if (encoding && strcmp(encoding, "json") == 0)
    return check_encoding(GW_SPEAKS_JSON, speaks);
  return "offer " GW_WS_BINARY " or " GW_WS_JSON
         " in Sec-WebSocket-Protocol, or ask for ?encoding=json";
}
