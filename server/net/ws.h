/* SPDX-License-Identifier: MIT */
/* ws.h - the WebSocket transport of a worker: /v1/ws, binary and JSON. */
#ifndef GODWIT_SERVER_WS_H
#define GODWIT_SERVER_WS_H

#include <libwebsockets.h>

#include "server/core/hub.h"
#include "server/edge/ws_reader.h"
#include "server/net/net_stats.h"
#include "server/net/poller.h"
#include "server/net/ring.h"
#include "server/observe/log.h"

/** Where a page or a client connects to. */
#define GW_WS_PATH   "/v1/ws"
#define GW_WS_BINARY "godwit.v1"
#define GW_WS_JSON   "godwit.v1.json"

/** Bytes read from a connection in a turn: what a busy publisher has sent meanwhile
 * is answered in one batch. */
#define GW_WS_READ_BYTES (16u * 1024u)

/** Bytes that libwebsockets reads at a time; its buffer is kept for the life of a
 * connection, and used by few (ws_input.c). */
#define GW_WS_EARLY_BYTES 128u

/** A control frame at most: two bytes of head, 125 of payload (RFC 6455, 5.5). */
#define GW_WS_CONTROL_MAX 127u

/** Bytes that are gathered for one write. */
#define GW_WS_GATHER_BYTES (64u * 1024u)

/** Bytes that one connection may write in one flush, so that a long recovery
 * does not hold up the others. */
#define GW_WS_BURST_BYTES (256u * 1024u)

/** From the wish to close until the socket is dropped. */
#define GW_WS_CLOSE_MS 3000u

typedef struct gw_ws_closing gw_ws_closing;
typedef struct gw_ws_conn gw_ws_conn;

/** A connection; libwebsockets keeps it with the socket. */
struct gw_ws_conn {
  gw_link dirty; /* in the ring of those with output; the first field */
  struct lws *wsi;
  gw_session *session;    /* NULL: the hub has let go of it */
  gw_ws_closing *closing; /* NULL: not closing */
  char *cookie_token;     /* until the first message; NULL: none */
  uint64_t way;           /* see gw_hub_port */
  uint8_t *pong;          /* a frame that is owed; NULL: none */
  uint8_t *held; /* a number and as many bytes, that make nothing yet; NULL */
  gw_ws_reader reader;
  int fd;
  bool is_json;
  bool is_secure; /* what is sent has to be encrypted */
  bool is_counted;
  bool is_fresh;   /* nobody has decided yet who reads it */
  bool is_early;   /* libwebsockets does */
  bool is_blocked; /* the kernel's buffer is full; writable will be told */
  bool is_doomed;  /* to be cut at the next flush */
  bool is_deaf;    /* what comes is of no meaning any more */
};

/** The transport of one worker; zero and gw_ws_init. */
typedef struct gw_ws {
  /* public, set before the first connection */
  gw_hub *hub;
  gw_log *log;
  gw_net_stats *stats;
  const gw_poller *poller;
  /** A connection was opened: takes the token of its cookie, binds its session to
   * what its route says, or closes it. 0, or below when it cannot be. */
  int (*on_open)(void *user, struct lws *wsi, gw_ws_conn *c);
  /** Called before the hub is: tells it the time. */
  void (*on_input)(void *user);
  void *user;
  uint64_t now_ms; /**< the hub's time, kept up by on_input */
  /* read-only */
  size_t num_conns;
  /* private */
  gw_link dirty;
  uint8_t *gather;
  uint8_t *input; /* room for what is held, then for a read */
  gw_buf *spent;  /* written, and not let go of yet; NULL: nothing */
  unsigned num_spent;
  gw_ws_closing *closing_first; /* in the order of their deadlines */
  gw_ws_closing *closing_last;
} gw_ws;

GW_MUST_USE int gw_ws_init(gw_ws *ws);
void gw_ws_deinit(gw_ws *ws);

/** Events of libwebsockets for the two subprotocols; encoding is that of the
 * protocol that the connection is bound to. */
int gw_ws_on_event(gw_ws *ws, struct lws *wsi, enum lws_callback_reasons reason,
                   gw_ws_conn *c, enum gw_encoding encoding, gw_view in);

/** The poller found a connection ready. */
void gw_ws_on_readable(gw_ws *ws, gw_ws_conn *c);

/** Decide about an upgrade request at a route that speaks (bits of enum
 * gw_route_speaks). NULL: welcome; otherwise why not, for the answer. */
const char *gw_ws_check_upgrade(struct lws *wsi, unsigned speaks);
/** Whether the request is of the version of WebSocket that there is. */
bool gw_ws_speaks_version(struct lws *wsi);

/* For gw_hub_port: user is the gw_ws. */
void gw_ws_want_write(gw_ws *ws, void *conn);
void gw_ws_close(gw_ws *ws, void *conn, uint32_t ws_code, gw_view reason);

/** Write what waits. Returns whether something is left for the next turn. */
bool gw_ws_flush(gw_ws *ws);

/** When gw_ws_tick has to run, in the hub's time; UINT64_MAX: not at all. */
uint64_t gw_ws_deadline(const gw_ws *ws);
void gw_ws_tick(gw_ws *ws, uint64_t now_ms);

/* ---- between ws.c and ws_input.c ---------------------------------------------- */

/** Its first turn is over: read it from now on. */
void gw__ws_take_over(gw_ws *ws, gw_ws_conn *c);
/** The hub hears no more of it. */
void gw__ws_let_go(gw_ws_conn *c, uint32_t ws_code);
/** It has gone: its close is waited for no more. */
void gw__ws_forget_close(gw_ws_conn *c);
/** Write bytes as they stand; false: the connection is broken. */
bool gw__ws_write(gw_ws *ws, gw_ws_conn *c, gw_view bytes);
/** What the kernel did not take has gone out. */
void gw__ws_on_writable(gw_ws *ws, gw_ws_conn *c);

#endif
