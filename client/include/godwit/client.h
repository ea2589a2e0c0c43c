/* SPDX-License-Identifier: MIT */
/* client.h - the client core: connection, recovery, outbox, presence, calls; no
 * socket, clock, thread or random source of its own. */
#ifndef GODWIT_CLIENT_H
#define GODWIT_CLIENT_H

#include "godwit/wire.h"

/*
 * The host owns the I/O. It gives the core a port, tells it what happened
 * (gw_client_on_...), and gets events. Rules that hold everywhere:
 *
 *  - One thread: the one that created the client.
 *  - Commands (connect, subscribe, publish, ...) only queue. Nothing is called
 *    back from inside a command: the core asks for its timer at once (delay 0)
 *    and goes on in gw_client_on_timer. Commands given in a row leave in one
 *    message.
 *  - Events are delivered from gw_client_on_... functions only, each after the
 *    transition it tells is complete, so a handler may give any command, also
 *    close; only gw_client_free is forbidden inside a handler.
 *  - gw_client_on_... functions are not called from inside a handler.
 *  - Views in an event are valid until the handler returns.
 *  - Times are milliseconds of port.now, a clock that never goes back.
 */

/** A client: one logical connection that stays up. */
typedef struct gw_client gw_client;

/* ---- states ------------------------------------------------------------- */

/** States of the connection. */
enum gw_state {
  GW_STATE_IDLE = 0,       /**< never connected */
  GW_STATE_CONNECTING,     /**< a token is asked for, if need be, and the
                                transport is being opened */
  GW_STATE_AUTHENTICATING, /**< open; Hello sent, no Welcome yet */
  GW_STATE_SYNCING,        /**< welcome; subscriptions are being (re)made */
  GW_STATE_READY,     /**< every subscription that was wanted at the Welcome
                           is live; one that is added later, or refused and
                           waiting to ask again, tells by its own state */
  GW_STATE_DEGRADED,  /**< open, but a subscription catches up again or the
                           peer has been silent for longer than it should */
  GW_STATE_WAITING,   /**< lost; comes back at retry_at_ms */
  GW_STATE_SUSPENDED, /**< lost for longer than suspend_after_ms, or told
                           to be offline; still comes back */
  GW_STATE_CLOSED,    /**< closed by the application */
  GW_STATE_FAILED,    /**< ended by a terminal code; see the reason */
  GW_STATE_COUNT      /**< how many there are */
};

/** "ready"; "unknown" for no state. */
const char *gw_state_name(enum gw_state state);

/** Whether the core ever moves so. What an application's may_move refuses comes
 * on top. */
bool gw_state_may_move(enum gw_state from, enum gw_state to);

/** States of a subscription. */
enum gw_sub_state {
  GW_SUB_IDLE = 0,    /**< wanted; not asked for on this connection yet, or
                           waiting for its token */
  GW_SUB_SUBSCRIBING, /**< asked for */
  GW_SUB_RECOVERING,  /**< missed publications are coming */
  GW_SUB_LIVE,        /**< each new publication comes as it is made */
  GW_SUB_ENDED,       /**< unsubscribed, or refused for good; see the code */
  GW_SUB_COUNT        /**< how many there are */
};

/** "live"; "unknown" for no state. */
const char *gw_sub_state_name(enum gw_sub_state state);

/* ---- options ------------------------------------------------------------ */

/** Exponential backoff with jitter. Delay n is base * multiplier^n, at most
 * cap, less a random part of up to jitter of it. */
typedef struct gw_retry_policy {
  uint32_t attempts; /**< attempts without a stable connection; 0: no limit */
  uint32_t base_ms;
  uint32_t cap_ms;
  uint32_t multiplier_permille; /**< 2000: doubles */
  uint32_t jitter_permille;     /**< 1000: full jitter, 0: none */
  uint32_t stable_ms; /**< attempts are forgotten after ready for this long */
} gw_retry_policy;

/** 0.5 s base, 20 s cap, doubling, full jitter, stable after 5 s. */
extern const gw_retry_policy gw_retry_default;
/** 0.1 s base, 5 s cap: few clients on a good network. */
extern const gw_retry_policy gw_retry_aggressive;
/** 2 s base, 120 s cap: many clients, or a battery. */
extern const gw_retry_policy gw_retry_conservative;

/** As credit_bytes: the server sends as fast as the transport takes it. */
#define GW_CREDIT_NONE UINT32_MAX

/** All zero: defaults. Views are copied. */
typedef struct gw_client_options {
  const gw_view *endpoints; /**< at least one; tried in turn */
  size_t num_endpoints;
  gw_view token; /**< empty: none; with asks_token one to begin with */
  gw_view user;  /**< claimed user id, where the server has no authenticator */
  gw_view agent; /**< name and version of the host, for the server's log */
  /** GW_INSTANCE_BYTES to be the same client as before (with a stored outbox);
   * empty: drawn from port.random. A secret. */
  gw_view instance;
  /** Keys of publications start here; 0: 1. With an instance that was used
   * before it has to be above every key of that time, or new publications are
   * taken for repeats: the wall clock in microseconds does. */
  uint64_t first_key;
  gw_retry_policy retry;       /**< all zero: gw_retry_default */
  uint32_t ping_interval_ms;   /**< wanted; 0: the server's choice */
  uint32_t connect_timeout_ms; /**< open and welcome; 0: 10 s */
  uint32_t request_timeout_ms; /**< 0: GW_REQUEST_TIMEOUT_MS */
  uint32_t suspend_after_ms;   /**< 0: 120 s */
  uint32_t outbox_max_count;   /**< 0: 1,024 */
  uint32_t outbox_max_bytes;   /**< 0: 1 MiB */
  uint32_t outbox_max_age_ms;  /**< 0: 5 minutes; cut to what lies safely
                                    below GW_DEDUP_WINDOW_MS */
  /** Data that may be on its way, from the server's queue to the handler: at
   * least what the network carries in a round trip. 0: GW_CREDIT_BYTES;
   * GW_MAX_CREDIT_BYTES at most, or GW_CREDIT_NONE. */
  uint32_t credit_bytes;
  uint32_t max_frame_bytes; /**< largest frame taken in; 0: 1 MiB */
  /** The host answers GW_EVENT_TOKEN. Without, a token that is refused or has
   * expired is the end (FAILED), as the same would be refused again. */
  bool asks_token;
  gw_alloc alloc; /**< all zero: gw_alloc_libc */
} gw_client_options;

/** Why the host's surroundings changed; see gw_client_on_wake. */
enum gw_wake {
  GW_WAKE_ONLINE,  /**< the network is there again */
  GW_WAKE_OFFLINE, /**< the network is gone, as far as the host knows */
  GW_WAKE_VISIBLE, /**< page shown, process resumed: timers may be late */
  GW_WAKE_HIDDEN   /**< page hidden; the core does nothing about it */
};

/** How much a line of the log matters. */
enum gw_log_level {
  GW_LOG_ERROR, /**< something that should not happen */
  GW_LOG_WARN,  /**< something is lost, refused or wrong on the other side */
  GW_LOG_INFO,  /**< what an operator wants to know */
  GW_LOG_DEBUG  /**< each step */
};

/* ---- events ------------------------------------------------------------- */

/** A place in the stream of a channel. Epoch 0 is none. */
typedef struct gw_position {
  uint64_t epoch;
  uint64_t offset;
} gw_position;

/** Payload of a publication, member or call. */
typedef struct gw_payload {
  enum gw_payload_type type;
  gw_view bytes;
} gw_payload;

/** How many are in a channel's presence, whatever of them is listed. */
typedef struct gw_presence_numbers {
  uint32_t mode; /**< enum gw_presence_mode */
  uint32_t clients;
  uint32_t users;
} gw_presence_numbers;

/** What has happened, and which member of the event's union tells it. */
enum gw_event_type {
  GW_EVENT_STATE,         /**< state */
  GW_EVENT_SUB_STATE,     /**< sub */
  GW_EVENT_PUBLICATION,   /**< publication */
  GW_EVENT_GAP,           /**< gap: publications that will not come */
  GW_EVENT_PUBLISHED,     /**< published: outcome of gw_client_publish */
  GW_EVENT_PRESENCE,      /**< presence: one member entered, changed or left;
                             in the modes FULL and IDS only */
  GW_EVENT_PRESENCE_SYNC, /**< presence_sync: the member list is that of the
                             server again; the changes that led there were told
                             before it, but for a list that is anew */
  GW_EVENT_REPLY,         /**< reply: outcome of a call or another request */
  GW_EVENT_CALL, /**< call: the peer calls; answer with gw_client_answer */
  GW_EVENT_RTT,  /**< rtt */
  GW_EVENT_META, /**< meta: what is known about a channel, or that it changed */
  GW_EVENT_MESSAGE, /**< message: for this client, by no channel */
  GW_EVENT_TOKEN    /**< token: one is needed; answer with gw_client_give_token
                       or gw_client_no_token */
};

/** Something that has happened; at_ms: when, by port.now. */
typedef struct gw_event {
  enum gw_event_type type;
  uint64_t at_ms;
  union {
    struct {
      enum gw_state from, to;
      uint32_t code;        /**< enum gw_code: why */
      gw_view reason;       /**< the peer's words; may be empty */
      uint32_t attempt;     /**< attempts since the connection was stable */
      uint64_t retry_at_ms; /**< WAITING, SUSPENDED: when it comes back; 0: not
                                 by itself */
    } state;
    struct {
      uint32_t sub;
      gw_view channel;
      enum gw_sub_state from, to;
      uint32_t code; /**< why, for IDLE and ENDED */
      gw_view reason;
      uint32_t recovery; /**< enum gw_recovery_result, for LIVE */
      bool by_server;    /**< the server has begun it, without being asked: told
                              once, with its first event */
      bool delta;        /**< for LIVE: publications may come as deltas */
      gw_position position;
    } sub;
    struct {
      uint32_t sub;
      bool own;     /**< published by this client */
      bool removed; /**< the item is gone */
      uint8_t num_tags;
      gw_position position;
      gw_payload payload;
      uint64_t client; /**< public id of the publisher; 0: the server */
      uint64_t key;    /**< its idempotency counter; 0: none */
      gw_view user;
      uint64_t time_ms; /**< server's wall clock */
      gw_view item;     /**< what it is about; empty: nothing in particular */
      gw_view channel;  /**< of a wildcard subscription: which one */
      gw_view body;     /**< the whole message, whose tags are read by
                         gw_decode_publication */
    } publication;
    struct {
      uint32_t sub;
      uint32_t reason;      /**< enum gw_gap_reason. ANEW is no loss: what the
                              channel held does not count any more, and all that
                              it holds now follows */
      uint64_t from, to;    /**< inclusive, in the old epoch; to 0: unknown end.
                              Of a wildcard subscription: its own count */
      gw_position position; /**< where the stream goes on after */
    } gap;
    struct {
      uint64_t key;
      uint32_t code; /**< GW_CODE_OK: acknowledged at position */
      gw_view reason;
      gw_position position;
      bool duplicate;
      gw_view field; /**< path of what was wrong with it; may be empty */
      uint32_t retry_after_ms; /**< when to come again, of one that was refused
                                    and is sent at most once; 0: not told */
    } published;
    struct {
      uint32_t sub;
      uint32_t kind; /**< enum gw_presence_kind */
      gw_presence_member member;
      bool own;
      bool first; /**< entered as the first client of its user. Not told of
                       those who come with a list: that says how many users */
      bool last;  /**< left as the last one of its user */
    } presence;
    struct {
      uint32_t sub;
      uint64_t version;
      uint32_t num_members; /**< that are known: all, none, or some */
      gw_presence_numbers numbers;
      bool anew; /**< the list is another one, as its mode is or was one that
                      does not list all: gw_client_members has it */
    } presence_sync;
    struct {
      uint32_t request;
      uint32_t code;
      gw_view reason;
      uint32_t retry_after_ms;
      gw_payload payload;     /**< of a call */
      const gw_list *members; /**< of presence_get: walk a copy; else NULL */
      bool more;              /**< another part of the answer follows */
      uint32_t sub; /**< request 0: the server refused what this subscription
                         tells or asks about presence; code says why */
      uint32_t receivers;          /**< of gw_client_send: connections */
      gw_presence_numbers numbers; /**< of presence_get */
    } reply;
    struct {
      uint32_t call; /**< for gw_client_answer */
      gw_view method;
      gw_payload payload;
      uint64_t from; /**< public id of the caller; 0: the server */
      gw_view from_user;
      uint32_t timeout_ms;
    } call;
    struct {
      uint32_t ms; /**< round trip, rounded up */
    } rtt;
    struct {
      uint32_t sub;
      gw_view meta; /**< JSON */
    } meta;
    struct {
      uint64_t client; /**< public id of who sent it; 0: the server */
      gw_view user;
      uint32_t to;   /**< enum gw_address: by which this client got it */
      gw_view group; /**< for GROUP */
      gw_view event; /**< what kind it is, in the sender's words */
      gw_payload payload;
      uint64_t time_ms; /**< server's wall clock */
      bool own;         /**< sent by this client */
    } message;
    struct {
      uint32_t ask; /**< for the answer */
      uint32_t sub; /**< 0: for the connection */
      uint32_t
          code; /**< why: GW_CODE_OK for a first one, or ahead of the end of
                        the one before; else what the server said to that */
      gw_view channel; /**< of sub */
    } token;
  } u;
} gw_event;

/* ---- port --------------------------------------------------------------- */

/** What the host does for the core. Copied at creation. No function may call
 * back into the client; what they start is told later by gw_client_on_.... */
typedef struct gw_port {
  /** Open a transport to an endpoint. Its news carry the generation. */
  void (*open)(void *user, uint32_t generation, gw_view endpoint);
  /** Send one message of whole frames. The bytes are the core's and valid until
   * it returns. Only between on_open and on_closed of the generation. */
  void (*send)(void *user, uint32_t generation, gw_view message);
  /** Close; on_closed may come or not, it is ignored by its generation. code is
   * a WebSocket close code. */
  void (*close)(void *user, uint32_t generation, uint32_t code, gw_view reason);
  /** Call gw_client_on_timer after delay_ms, in place of the last wish. 0: as
   * soon as the current call has returned. UINT64_MAX: not at all. */
  void (*set_timer)(void *user, uint64_t delay_ms);
  /** Milliseconds of a clock that never goes back. */
  uint64_t (*now)(void *user);
  /** 64 bits that nobody can guess: secrets are made of them. */
  uint64_t (*random)(void *user);
  /** Something has happened; valid until it returns. */
  void (*event)(void *user, const gw_event *event);
  /** May be NULL. text has no line end. */
  void (*log)(void *user, enum gw_log_level level, const char *text);
  /** May be NULL. Asked before each transition; false refuses it. Only moves
   * into CONNECTING can be refused: the client then stays as it is until
   * gw_client_connect. */
  bool (*may_move)(void *user, enum gw_state from, enum gw_state to,
                   uint32_t code);
  /** Outbox storage; both NULL: memory only. Put is called before a
   * publication is sent, remove when it is settled. Entries are opaque bytes,
   * given back by gw_client_restore in the order of their keys. */
  void (*store_put)(void *user, uint64_t key, gw_view entry);
  /** See store_put. */
  void (*store_remove)(void *user, uint64_t key);
} gw_port;

/* ---- life --------------------------------------------------------------- */

/** Returns NULL when out of memory or an option is not valid. user is handed to
 * the port's functions. */
gw_client *gw_client_new(const gw_client_options *options, const gw_port *port,
                         void *user);

/** Closes without a goodbye and frees everything. */
void gw_client_free(gw_client *c);

/** Connect, or come back now instead of waiting, though not before the server's
 * retry_after_ms. From any state; no effect when connected or about to be. */
GW_MUST_USE int gw_client_connect(gw_client *c);

/** Tell the server, close, go to CLOSED. The outbox and the subscriptions stay,
 * for a later gw_client_connect. */
void gw_client_close(gw_client *c);

/* ---- news from the host -------------------------------------------------- */

/* News of a generation other than the current one are ignored. */
/** The transport is open: the core may send. */
void gw_client_on_open(gw_client *c, uint32_t generation);
/** Bytes of a message, whole or in pieces. */
void gw_client_on_data(gw_client *c, uint32_t generation, gw_view data,
                       bool end_of_message);
/** The transport is closed or could not be opened. code: WebSocket close code,
 * 0 when there was none. */
void gw_client_on_closed(gw_client *c, uint32_t generation, uint32_t code,
                         gw_view reason);
/** The same, by a server that answered in another protocol, such as HTTP: what it
 * said as a close code, and how long to stay away. */
void gw_client_on_refused(gw_client *c, uint32_t generation, uint32_t code,
                          uint32_t retry_after_ms, gw_view reason);
/** The time that set_timer asked for has come; earlier does no harm. */
void gw_client_on_timer(gw_client *c);
/** Surroundings changed: deadlines are compared with the clock at once, a wait
 * may be cut short, a silent link is probed. */
void gw_client_on_wake(gw_client *c, enum gw_wake why);

/* ---- subscriptions ------------------------------------------------------- */

/** All zero: from now on, no presence, OVERFLOW_CLOSE. */
typedef struct gw_sub_options {
  bool recover;      /**< start after `since` instead of now */
  gw_position since; /**< epoch 0: everything that is kept */
  bool presence;     /**< keep the member list */
  bool asks_token; /**< as in gw_client_options; if not, a token that is refused
                          or has expired ends the subscription */
  bool delta; /**< let publications come as changes to the one before, where the
                   channel's namespace does that; the last one is kept for it */
  uint32_t overflow; /**< enum gw_overflow: when this reader is slow; what it
                          is not sent is told by GW_EVENT_GAP */
  gw_view token;     /**< empty: none */
  gw_list filter; /**< of gw_filter_term: only what passes; see gw_list_add */
  gw_view meta;   /**< JSON about the subscription */
} gw_sub_options;

/**
 * Want a channel. It is kept across connections until unsubscribed or refused
 * for good. The same channel again counts up and returns the same id; the
 * options of the first hold.
 * Where the channel's namespace has wildcards, a name may be a pattern, such as
 * stock.* or log.>: the subscription is of all channels that match, from now on
 * only. After a lost connection it is told a gap of the reason LIVE_ONLY.
 *   returns  id > 0; GW_ERR_INVALID, GW_ERR_TEXT, GW_ERR_TOO_BIG (name, token,
 *            filter or metadata), GW_ERR_FULL (announced limit), GW_ERR_NOMEM
 */
GW_MUST_USE int64_t gw_client_subscribe(gw_client *c, gw_view channel,
                                        const gw_sub_options *options);
/** Counts down; at 0 the subscription ends and its id is not valid any more
 * after the GW_SUB_ENDED event. 0, GW_ERR_NOT_FOUND. */
int gw_client_unsubscribe(gw_client *c, uint32_t sub);
/** GW_SUB_ENDED for an id that is not valid. */
enum gw_sub_state gw_client_sub_state(const gw_client *c, uint32_t sub);
/** What was subscribed to, valid until the next call into the client; empty: there
 * is no such subscription. */
gw_view gw_client_sub_channel(const gw_client *c, uint32_t sub);
/** Position of the last publication or gap that was told; epoch 0: none yet, or
 * no such subscription. */
gw_position gw_client_sub_position(const gw_client *c, uint32_t sub);

/* ---- publications -------------------------------------------------------- */

/** All zero: defaults. */
typedef struct gw_publish_options {
  bool no_echo;      /**< do not deliver it to this client itself */
  bool at_most_once; /**< send once or fail; no key, never retried */
  bool compare;      /**< only if the channel is at `expected` */
  bool compare_item; /**< only if `expected` is the newest about the item;
                          offset 0: if there is no such item */
  bool removed;      /**< the item is gone; without a payload */
  gw_position expected;
  uint32_t ttl_ms;
  gw_view item; /**< what it is about, such as the id of a thing: text of up to
                     GW_MAX_ITEM_BYTES; empty: nothing in particular */
  gw_list tags; /**< of gw_tag, GW_MAX_TAGS at most, for filters */
  gw_view meta; /**< JSON about the channel, if it has none so far */
} gw_publish_options;

/**
 * Put a publication into the outbox. It is sent in the channel's order, again
 * after a lost connection, and settled by one GW_EVENT_PUBLISHED with its key.
 *   returns  0, key set; GW_ERR_TOO_BIG (announced limit, or the item's),
 *            GW_ERR_TEXT (JSON payload, item or metadata is not text),
 *            GW_ERR_INVALID,
 *            GW_ERR_FULL (outbox), GW_ERR_STATE (CLOSED or FAILED, or at_most_once when not
 *            connected), GW_ERR_NOMEM
 */
GW_MUST_USE int gw_client_publish(gw_client *c, gw_view channel,
                                  gw_payload payload,
                                  const gw_publish_options *options,
                                  uint64_t *key);

/** Give back a stored outbox entry, before gw_client_connect. Its age counts
 * anew: the host drops what has been stored for longer than outbox_max_age_ms.
 *   returns  0; GW_ERR_INVALID, GW_ERR_EXISTS, GW_ERR_FULL, GW_ERR_STATE
 *            (connected before), GW_ERR_NOMEM */
GW_MUST_USE int gw_client_restore(gw_client *c, gw_view entry);

/* ---- presence ------------------------------------------------------------ */

/** Enter the presence of a subscribed channel, or update it. Entered again by
 * the core after each reconnect, until left. Changes made while one is on its
 * way go out as one. A refusal is told by GW_EVENT_REPLY with request 0.
 *   returns  0; GW_ERR_NOT_FOUND (no such subscription), GW_ERR_TOO_BIG
 *            (announced limit, or the state's), GW_ERR_TEXT, GW_ERR_NOMEM */
GW_MUST_USE int gw_client_presence_set(gw_client *c, uint32_t sub,
                                       gw_view state, gw_payload payload);
/** Leave it. 0, GW_ERR_NOT_FOUND: there is no such subscription. */
GW_MUST_USE int gw_client_presence_leave(gw_client *c, uint32_t sub);

/** Call visit for each known member until it returns false. */
void gw_client_members(const gw_client *c, uint32_t sub,
                       bool (*visit)(void *arg, const gw_presence_member *m),
                       void *arg);

/* ---- requests ------------------------------------------------------------ */

/*
 * A request that cannot be made is told at once: GW_ERR_INVALID (empty name),
 * GW_ERR_TEXT, GW_ERR_TOO_BIG (a name, or the whole for one frame), GW_ERR_FULL
 * (max_calls of the limits), GW_ERR_STATE (CLOSED or FAILED), GW_ERR_NOMEM.
 */

/** Ask for the members of any channel. Returns request id > 0; outcome in
 * GW_EVENT_REPLY, in parts while `more`. */
GW_MUST_USE int64_t gw_client_presence_get(gw_client *c, gw_view channel);

/** All zero: defaults. */
typedef struct gw_call_options {
  uint32_t timeout_ms; /**< 0: request_timeout_ms */
  uint64_t to;         /**< public id of a client; 0: the server */
} gw_call_options;

/** Call a method. Waits for a connection until the timeout; never sent twice.
 * Returns request id > 0; outcome in GW_EVENT_REPLY. */
GW_MUST_USE int64_t gw_client_call(gw_client *c, gw_view method,
                                   gw_payload payload,
                                   const gw_call_options *options);
/**
 * Send a message to those who are connected now: m names exactly one address.
 * Waits for a connection until the timeout; never sent twice, not kept for who is
 * away. Returns request id > 0; outcome in GW_EVENT_REPLY with the number of
 * receivers. GW_ERR_INVALID: no address or several.
 */
GW_MUST_USE int64_t gw_client_send(gw_client *c, const gw_send *m);

/** Forget a request: no reply is told. */
void gw_client_cancel(gw_client *c, uint32_t request);

/** Answer a GW_EVENT_CALL: code GW_CODE_OK with a payload, or another code with
 * a reason. Once; GW_ERR_NOT_FOUND when it was answered or the caller is gone.
 */
GW_MUST_USE int gw_client_answer(gw_client *c, uint32_t call, uint32_t code,
                                 gw_view reason, gw_payload payload);

/** Answer a GW_EVENT_CALL with a failure that says when to come again, in
 * milliseconds; 0: nothing is said about it. As gw_client_answer;
 * GW_ERR_INVALID: the code is none of a failure. */
GW_MUST_USE int gw_client_refuse(gw_client *c, uint32_t call, uint32_t code,
                                 gw_view reason, uint32_t retry_after_ms);

/* ---- tokens -------------------------------------------------------------- */

/*
 * With asks_token the core asks for a token by GW_EVENT_TOKEN: before it connects
 * or subscribes, at 70 to 80 % of a token's life, and when one was refused. It
 * never asks twice at a time for the same thing: it waits for the answer to the
 * first question, also when that is of no use any more, because the client was
 * closed, has a newer session, or was given a token meanwhile. Such an answer is
 * dropped, and the question asked anew if there still is one. Until it has a
 * token the core neither connects nor subscribes without one.
 */

/** Answer a question: once.
 *   returns  0; GW_ERR_NOT_FOUND (nobody waits for it any more: it is dropped);
 *            GW_ERR_INVALID (empty), GW_ERR_TOO_BIG, GW_ERR_TEXT, GW_ERR_NOMEM:
 *            the question is still open */
GW_MUST_USE int gw_client_give_token(gw_client *c, uint32_t ask, gw_view token);

/** There is none. code of the classes RETRY and RETRY_AFTER: not now, ask again
 * after a backoff; any other, or 0 for GW_CODE_NO_TOKEN: it is over with this
 * code, the connection FAILED or the subscription ENDED. 0, GW_ERR_NOT_FOUND */
int gw_client_no_token(gw_client *c, uint32_t ask, uint32_t code);

/* ---- settings and facts -------------------------------------------------- */

/** From the next attempt on; a wait that runs is drawn again. */
void gw_client_set_retry(gw_client *c, const gw_retry_policy *policy);
/** For the next Hello; an answer that is awaited is not needed any more. 0,
 * GW_ERR_TOO_BIG, GW_ERR_TEXT, GW_ERR_NOMEM. */
GW_MUST_USE int gw_client_set_token(gw_client *c, gw_view token);

/** Facts, valid until the next call into the client. */
typedef struct gw_client_info {
  enum gw_state state;
  uint64_t since_ms; /**< when the state was entered */
  uint32_t code;     /**< why */
  uint32_t attempt;
  uint64_t retry_at_ms;
  uint32_t generation; /**< counts attempts to connect */
  uint32_t rtt_ms;     /**< last round trip; 0: none yet */
  uint64_t connection; /**< id, 0 when not welcome */
  uint64_t client;     /**< own public id; 0 before the first Welcome */
  gw_view user;
  gw_view endpoint;
  gw_limits limits; /**< of the last Welcome */
  uint32_t outbox_count;
  uint32_t outbox_bytes;
  uint32_t num_subs;
  uint64_t num_duplicates; /**< publications dropped as repeats */
  uint64_t num_ignored;    /**< ignorable frames of unknown type */
  uint64_t num_bad_deltas; /**< publications that could not be made whole: their
                                subscription was begun anew */
  bool resumed; /**< the last Welcome went on from the connection before: the
                     server asked nobody again who this is */
} gw_client_info;

/** Fill in what holds now. */
void gw_client_info_get(const gw_client *c, gw_client_info *info);

#endif
