/* SPDX-License-Identifier: MIT */
/* hub.h - one worker of the server: its connections, the channels that it owns,
 * and copies of the channels that its connections follow. No socket, thread,
 * clock, file or random source. */
#ifndef GODWIT_SERVER_HUB_H
#define GODWIT_SERVER_HUB_H

#include "server/core/ask.h"
#include "server/core/buf.h"
#include "server/core/notice.h"
#include "server/core/settings.h"
#include "server/core/stats.h"

/*
 *        bytes, time, mail                        output, mail, timers
 *   net ------------------> gw_hub (worker 0) ---------------------> net
 *                              |  ^
 *                         mail v  | mail          one owner per channel:
 *                           gw_hub (worker 1)     hash(name) % num_workers
 *
 * A node is num_workers hubs. Each channel has one owner hub, which stamps the
 * offsets, keeps the history, the idempotency window and the presence. A hub
 * whose connections use a channel of another owner follows it: it attaches, is
 * sent the whole state once, then each publication and presence diff, in order;
 * recovery and snapshots are served from that copy. Hubs talk by mail only. Mail
 * between two hubs arrives once and in order.
 *
 * Threads: a hub and its sessions belong to one thread. Mail and gw_buf cross
 * threads.
 */
typedef struct gw_hub gw_hub;
typedef struct gw_session gw_session;
typedef struct gw_mail gw_mail;

/** How a connection's messages are written. */
enum gw_encoding { GW_ENCODING_BINARY, GW_ENCODING_JSON };

/** What the hub wants from its surroundings. Copied. No function may call back
 * into the hub. conn is what gw_hub_open was given; want_write and close may be
 * told of it before gw_hub_open has returned. */
typedef struct gw_hub_port {
  /** The session has output; told once until gw_session_take finds no more. */
  void (*want_write)(void *user, void *conn);
  /** Write what is left to take, then close with this WebSocket close code.
   * Told once; afterwards the session only waits for gw_session_closed. */
  void (*close)(void *user, void *conn, uint32_t ws_code, gw_view reason);
  /** Give mail to another worker's gw_hub_deliver; ownership passes. */
  void (*post)(void *user, uint32_t worker, gw_mail *mail);
  uint64_t (*random)(void *user);
  /** The time now, on the clock of mono_ms, which the workers of a node share: a
   * turn may be long. NULL: what gw_hub_set_time was told is good enough. */
  uint64_t (*clock)(void *user);
  /** Decide: true when *verdict (all zero: granted) is the answer; false when it
   * will be given by gw_hub_decide, once. NULL: everything is granted. */
  bool (*ask)(void *user, const gw_question *question, gw_verdict *verdict);
  /** Hash of what the request that a connection began with shows of who it is from,
   * such as a cookie: who comes back another way is asked about again. NULL: all
   * come the same. */
  uint64_t (*way)(void *user, void *conn);
  /** Something happened; NULL: nobody wants to know. */
  void (*tell)(void *user, const gw_notice *notice);
  bool tells_presence; /**< of presence, too: it costs the owner some work */
  /** One line: level 0 error, 1 warning, 2 information, 3 debug; fields as
   * key=value text. */
  void (*log)(void *user, int level, const char *event, const char *fields);
} gw_hub_port;

/** Who a session is; views are valid until the hub is called again. */
typedef struct gw_facts {
  void *conn;
  uint64_t session;    /**< handle */
  uint64_t connection; /**< 0 before its welcome, as the client's */
  uint64_t client;
  gw_view user;
  gw_view peer;
  bool is_known; /**< an authenticator vouches for the user's name */
} gw_facts;

/** A frame, before it is handled. */
typedef struct gw_inspected {
  const gw_frame *frame;
  gw_view channel; /**< that it is about; empty: none, or not known */
  gw_view method;  /**< of a call */
} gw_inspected;

/** Somebody who is shown what comes in, and may refuse it by *v, whose code is OK
 * before; functions may be NULL, and must not call back into the hub. */
typedef struct gw_inspector {
  /** Not of Ping, Pong, Credit and Close. */
  void (*on_frame)(void *user, const gw_facts *who, const gw_inspected *frame,
                   gw_verdict *v);
  /** Behind the rules. who: NULL, it is the application's. May let msg have
   * another payload, which stays valid until it is called again. */
  void (*on_publication)(void *user, const gw_facts *who, gw_publish *msg,
                         gw_view on_behalf_of, gw_verdict *v);
} gw_inspector;

typedef struct gw_hub_options {
  uint32_t worker; /**< 0 .. num_workers - 1 */
  uint32_t num_workers;
  uint8_t hash_key[16];        /**< the same on all workers of a node, random */
  const gw_settings *settings; /**< outlives the hub */
} gw_hub_options;

/* ---- life and time ------------------------------------------------------- */

/** NULL when out of memory. */
gw_hub *gw_hub_new(const gw_hub_options *options, const gw_hub_port *port,
                   void *user);
/** Frees everything; sessions still open are dropped without a word. */
void gw_hub_free(gw_hub *h);

/** Tell the time at the beginning of each turn of the loop: mono_ms never goes
 * back; wall_ms is milliseconds since 1970, for stamps only. */
void gw_hub_set_time(gw_hub *h, uint64_t mono_ms, uint64_t wall_ms);
/** Run what is due. */
void gw_hub_tick(gw_hub *h);
/** When gw_hub_tick has to run next, in mono_ms; UINT64_MAX: not at all. */
uint64_t gw_hub_deadline(const gw_hub *h);

/** The end of a turn of the loop, before output is taken: what the turn's input
 * has led to goes into the queues of connections. */
void gw_hub_end_turn(gw_hub *h);
/** Connections that the publications go to that wait for it; one counts for each
 * of its channels. */
size_t gw_hub_turn_width(const gw_hub *h);

/** Take mail from another worker. */
void gw_hub_deliver(gw_hub *h, gw_mail *mail);
/** Free mail that will not be delivered. */
void gw_mail_free(gw_mail *mail);

/** The mailbox's link; the hub does not touch it while mail is under way. */
gw_mail **gw_mail_next(gw_mail *mail);

/* ---- sessions ------------------------------------------------------------ */

/** A connection was accepted. NULL: refused (memory); close it. Over
 * max_connections it is opened, told so by Close, and closed. peer: address as
 * text, for logs. */
gw_session *gw_hub_open(gw_hub *h, void *conn, enum gw_encoding encoding,
                        gw_view peer);
/** Bytes of a message. 0, or < 0 when the session is closing (the close was
 * asked for through the port) and reads no more. */
int gw_session_feed(gw_session *s, gw_view data, bool end_of_message);
/** The connection is gone; the session is freed. ws_code: what the peer said; 0:
 * nothing. 4515 (closed) and 1001 (a page that is left) are a goodbye: no grace
 * time. */
void gw_session_closed(gw_session *s, uint32_t ws_code);

/**
 * Take output, oldest first, while it is at most max_bytes in all (at least one
 * message). References pass to the caller. Recovery is drawn from here: call
 * only when the transport can take bytes, and again until it returns 0.
 */
size_t gw_session_take(gw_session *s, gw_buf **bufs, size_t max_bufs,
                       size_t max_bytes);
/** Compress nothing for it, whatever its client reads. Before its Hello is
 * answered, such as when that is shown to an inspector. */
void gw_session_stay_plain(gw_session *s);
/** Address, as gw_hub_open was given it. */
gw_view gw_session_peer(const gw_session *s);
/** Whether gw_session_take would return something. */
bool gw_session_has_output(const gw_session *s);

/** Close from outside, with a Close frame. */
void gw_session_close(gw_session *s, uint32_t code, const char *reason,
                      uint32_t retry_after_ms, uint32_t spread_ms);

/** The answer to a question that ask left open; of a session or a frame that is
 * gone it is ignored. On the hub's thread, not within ask. */
void gw_hub_decide(gw_hub *h, uint64_t session, uint64_t ticket,
                   const gw_verdict *verdict);

/* ---- application --------------------------------------------------------- */

/** A call to answer: within on_call or later, once, on the hub's thread. A call
 * whose connection went away may still be answered; that is forgotten. */
typedef struct gw_call {
  uint64_t session; /**< handle, stale ones are recognised */
  uint32_t request;
} gw_call;

/** Methods of the server. on_call returns false when there is no such method. */
typedef bool (*gw_on_call)(void *user, gw_hub *h, gw_call call,
                           const gw_rpc *rpc, uint64_t client,
                           gw_view client_user);
void gw_hub_set_on_call(gw_hub *h, gw_on_call on_call, void *user);
void gw_hub_answer(gw_hub *h, gw_call call, uint32_t code, gw_view message,
                   const gw_rpc_result *result);
/** The same for a failure that says when to try again. */
void gw_hub_refuse(gw_hub *h, gw_call call, const gw_error *failure);

/** News of channels: notices of this kind, at the end of a call from outside;
 * NULL: nobody wants them. Must not call back into the hub. */
typedef void (*gw_on_channel)(void *user, const gw_notice *notice);
void gw_hub_set_on_channel(gw_hub *h, gw_on_channel on_channel, void *user);

/** Changes of connections: notices of this kind, when they happen; NULL: nobody
 * wants them. Must not call back into the hub. */
typedef void (*gw_on_connection)(void *user, const gw_notice *notice);
void gw_hub_set_on_connection(gw_hub *h, gw_on_connection on_connection,
                              void *user);

/** Events (event.h): publications into channels that this worker owns which have
 * a tag `event`, its value being the name, after they went out; NULL: nobody wants
 * them. Views are valid until it returns. Must not call back into the hub. */
typedef void (*gw_on_event)(void *user, gw_view name, gw_view channel,
                            uint64_t epoch, const gw_publication *publication);
void gw_hub_set_on_event(gw_hub *h, gw_on_event on_event, void *user);

/** Tell presence by port.tell from now on, as port.tells_presence does. */
void gw_hub_tell_presence(gw_hub *h);

/** Call a client from the server: on_reply is told once, later, code GW_CODE_OK
 * or why not. client is looked for on this worker, then on the others.
 *   returns  0; GW_ERR_NOT_FOUND (no other worker to ask), GW_ERR_FULL (it has
 *            max_calls to answer), GW_ERR_INVALID, GW_ERR_TEXT, GW_ERR_NOMEM:
 *            on_reply is not told */
typedef void (*gw_on_reply)(void *arg, uint32_t code, gw_view message,
                            const gw_rpc_result *result);
GW_MUST_USE int gw_hub_call(gw_hub *h, uint64_t client, const gw_rpc *rpc,
                            gw_on_reply on_reply, void *arg);

/** Facts about an open session; false: there is none of this handle. */
bool gw_hub_facts(const gw_hub *h, uint64_t session, gw_facts *facts);

/** Set before the first session; outlives the hub. NULL: nobody. */
void gw_hub_set_inspector(gw_hub *h, const gw_inspector *inspector, void *user);

/* ---- end ----------------------------------------------------------------- */

/** Stop taking sessions (new ones get SHUTDOWN), hold presence of those that
 * leave for the grace time, tell clients to come back, in batches spread over
 * window_ms. Done when gw_hub_num_sessions is 0. */
void gw_hub_drain(gw_hub *h, uint32_t window_ms);
size_t gw_hub_num_sessions(const gw_hub *h);

/** Counters, readable from any thread. */
const gw_stats *gw_hub_stats(const gw_hub *h);

#endif
