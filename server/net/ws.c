/* SPDX-License-Identifier: MIT */
/* ws.c - from the hub to sockets: shared frames out, one gathered write per
 * connection and flush; and how connections end. */
#include "server/net/ws.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/net/context.h"

/* Messages that are gathered at a time. */
#define GATHER_BUFS 64u

#define CLOSE_HEAD 4u

/* What a connection that is about to close needs; few are at a time. */
struct gw_ws_closing {
  gw_ws_closing *next;
  gw_ws_conn *conn; /* NULL: it is gone */
  uint64_t deadline_ms;
  uint8_t frame_len; /* 0: it was sent */
  uint8_t frame[GW_WS_CONTROL_MAX];
};

/* ---- the list of connections with output -------------------------------- */

void gw_ws_want_write(gw_ws *ws, void *conn) {
  gw_ws_conn *c = conn;
  if (!gw_link_is_in(&c->dirty)) gw_ring_add(&ws->dirty, &c->dirty);
}

int gw_ws_init(gw_ws *ws) {
  gw_ring_init(&ws->dirty);
  ws->gather = malloc(GW_WS_GATHER_BYTES + GATHER_BUFS * GW_BUF_PREFIX_MAX);
  ws->input = malloc(GW_WS_READER_HELD + GW_WS_READ_BYTES);
  return ws->gather && ws->input ? 0 : GW_ERR_NOMEM;
}

void gw_ws_deinit(gw_ws *ws) {
  while (ws->closing_first) {
    gw_ws_closing *closing = ws->closing_first;
    ws->closing_first = closing->next;
    free(closing);
  }
  free(ws->gather);
  free(ws->input);
}

/* ---- the end of a connection -------------------------------------------- */

void gw__ws_let_go(gw_ws_conn *c, uint32_t ws_code) {
  if (c->session) gw_session_closed(c->session, ws_code);
  c->session = NULL;
}

/* The socket is of no more use; its loop will find it closed and tell so. */
static void cut(gw_ws_conn *c) {
  gw_ring_remove(&c->dirty);
  gw__ws_let_go(c, 0);
  gw_context_cut(c->wsi);
}

static void make_close_frame(gw_ws_closing *closing, uint32_t ws_code,
                             gw_view reason) {
  size_t len = reason.len < GW_WS_CONTROL_MAX - CLOSE_HEAD
                   ? reason.len
                   : GW_WS_CONTROL_MAX - CLOSE_HEAD;
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
  gw_ws_want_write(ws, c);
}

void gw__ws_forget_close(gw_ws_conn *c) {
  if (c->closing) c->closing->conn = NULL;
  c->closing = NULL;
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

/* Give the kernel what it takes at once, unless libwebsockets holds something back
 * that comes first; returns what is left. Its own way would cost a cold connection
 * more memory than all of ours does. */
static gw_view write_at_once(const gw_ws_conn *c, gw_view bytes) {
  if (c->is_secure || c->is_blocked) return bytes;
  ssize_t n = send(c->fd, bytes.data, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
  size_t done = n > 0 ? (size_t)n : 0;
  return (gw_view){bytes.data + done, bytes.len - done};
}

/* The one place that writes. On HTTP/1 the bytes go out as they stand, at any
 * time; HTTP/2 will need its writable callback and LWS_PRE bytes in front.
 * libwebsockets keeps what the kernel does not take, and finds out about a
 * connection that has broken. */
bool gw__ws_write(gw_ws *ws, gw_ws_conn *c, gw_view bytes) {
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
  if (num == 1) return gw__ws_write(ws, c, gw_buf_framed(bufs[0]));
  size_t len = 0;
  bool ok = true;
  for (size_t i = 0; i < num && ok; i++) {
    gw_view framed = gw_buf_framed(bufs[i]);
    if (framed.len > GW_WS_GATHER_BYTES - len) {
      if (len > 0) ok = gw__ws_write(ws, c, (gw_view){ws->gather, len});
      len = 0;
    }
    if (framed.len > GW_WS_GATHER_BYTES) {
      ok = ok && gw__ws_write(ws, c, framed);
    } else {
      memcpy(ws->gather + len, framed.data, framed.len);
      len += framed.len;
    }
  }
  if (ok && len > 0) ok = gw__ws_write(ws, c, (gw_view){ws->gather, len});
  return ok;
}

/* The last frame. We send it ourselves: returning -1 from a callback of lws 4.1
 * on libuv closes twice, and the second time takes the frame back. */
static bool write_close(gw_ws *ws, gw_ws_conn *c) {
  gw_view frame = {c->closing->frame, c->closing->frame_len};
  if (frame.len == 0) return true;
  c->closing->frame_len = 0;
  gw__ws_let_go(c, 0);
  if (!gw__ws_write(ws, c, frame)) return false;
  /* Who is not listened to has nothing to wait for. */
  if (c->is_deaf && !c->is_secure && !c->is_blocked) shutdown(c->fd, SHUT_WR);
  return true;
}

static bool write_pong(gw_ws *ws, gw_ws_conn *c) {
  uint8_t *frame = c->pong;
  c->pong = NULL;
  bool ok = gw__ws_write(ws, c, (gw_view){frame, 2u + frame[1]});
  free(frame);
  return ok;
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
  if (c->is_fresh) gw__ws_take_over(ws, c);
  if (c->pong && !c->is_blocked && !write_pong(ws, c)) return BROKEN;
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
    if (result == MORE) gw_ws_want_write(ws, c);
  }
  settle_spent(ws);
  return !gw_ring_is_empty(&ws->dirty);
}

void gw__ws_on_writable(gw_ws *ws, gw_ws_conn *c) {
  c->is_blocked = false;
  enum flushed result = flush(ws, c);
  settle_spent(ws);
  if (result == BROKEN) cut(c);
  if (result == MORE) gw_ws_want_write(ws, c);
}
