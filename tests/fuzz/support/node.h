/* SPDX-License-Identifier: MIT */
/* node.h - a node of two workers for fuzz targets: connections, mail and time are
 * moved by hand, and the hub is held to what its port promises. */
#ifndef GODWIT_FUZZ_NODE_H
#define GODWIT_FUZZ_NODE_H

#include "server/core/hub.h"

#define FUZZ_WORKERS 2u
#define FUZZ_CONNS   6u

typedef struct fuzz_conn {
  gw_session *session; /**< NULL: there is none */
  bool is_stalled;     /**< takes nothing */
  bool is_closing;     /**< the hub asked to close */
  uint32_t ws_code;    /**< with this */
} fuzz_conn;

/** There is one at a time. */
typedef struct fuzz_node {
  gw_settings settings;
  gw_namespace spaces[3]; /**< "doc", "b", all others */
  gw_hub *hubs[FUZZ_WORKERS];
  fuzz_conn conns[FUZZ_CONNS];
  uint64_t now_ms;
  bool asks;       /**< somebody authenticates; see fuzz_node_decide */
  bool holds_mail; /**< between workers */
  /** What a connection is sent, or NULL. */
  void (*on_output)(unsigned conn, gw_view message);
  /* private */
  gw_mail *mail[FUZZ_WORKERS];
  uint64_t last_random;
  unsigned asked_worker;
  uint64_t asked_session, asked_ticket;
} fuzz_node;

extern fuzz_node node;

/** Ends the run as a finding. */
void must(bool holds);

/** Small limits, so that few steps lead to them; may be changed before begin. */
void fuzz_node_init(void);
void fuzz_node_begin(void);
/** The process is gone: connections, mail and all that it knew. */
void fuzz_node_crash(void);
/** Drop half of the connections, settle, free the rest. */
void fuzz_node_end(void);

void fuzz_node_pass(uint64_t ms);
/** Move mail and output until all is quiet. */
void fuzz_node_settle(void);

/** In place of the connection that was there. */
void fuzz_conn_open(unsigned i, enum gw_encoding encoding);
void fuzz_conn_drop(unsigned i, uint32_t ws_code);
/** Nothing happens where there is no session, or one that is closing. */
void fuzz_conn_feed(unsigned i, gw_view bytes, bool end_of_message);

/**
 * Answer the question that was left open last, if any. While asks is set, what is
 * asked is decided by the first letter of the token: 'n' is refused, 'w' waits
 * for this call, 's' lives for a second, anything else is good. The user is
 * named by the second letter.
 */
void fuzz_node_decide(bool is_granted);

#endif
