/* SPDX-License-Identifier: MIT */
/* internal.h - the client's parts and how they call each other. */
#ifndef GODWIT_CLIENT_INTERNAL_H
#define GODWIT_CLIENT_INTERNAL_H

#include "client/backoff.h"
#include "client/dedup.h"
#include "client/members.h"
#include "client/outbox.h"
#include "godwit/client.h"

/*
 * How a turn goes. Every gw_client_on_... function is one turn:
 *
 *   enter   what commands asked for since the last turn is done first
 *   handle  the news: frames one by one, deadlines, wake-ups. Handling changes
 *           state and queues events; it never calls the application.
 *   dispatch  after each frame, so that views into it still hold, and at the
 *           end: the application's handler gets the events in order. It may
 *           give commands; they change what is wanted and queue events behind.
 *   pump    what is wanted but not asked for on this connection is encoded:
 *           subscriptions, then calls, then the outbox
 *   flush   one message to the port, or more where the limits say so
 *   timer   the earliest deadline of all parts is the one timer
 *
 * What has to be sent is not a queue of frames but follows from the state of
 * subscriptions, outbox and calls. So a connection may be lost at any point,
 * and memory may run out at any point: the next connection asks for the rest.
 */

/** A reason in our own words. Inside, reasons travel as pointers: NULL is none,
 * and WebAssembly passes no struct by value without a copy in memory. */
#define GW__TEXT(text) \
  (&(const gw_view){(const uint8_t *)(text), sizeof(text) - 1})

/* ---- limits -------------------------------------------------------------- */

/** A host that cannot be woken precisely: how long silence is normal after the
 * machine may have slept. */
#define GW__WAKE_SILENCE_MS 1500u
/** Time for an answer to the probe after a wake-up. */
#define GW__PROBE_MS 5000u
/** Jitter of the attempt after a wake-up: many pages wake together. */
#define GW__WAKE_JITTER_MS 250u

/* ---- events -------------------------------------------------------------- */

/** Events that one turn can queue before dispatch, besides those of single
 * subscriptions, calls and publications. */
#define GW__EVENTS_BASE 26u
/** The same for one subscription: lost, asked again, lost again, gap, metadata,
 * ended, and its token. */
#define GW__EVENTS_SUB 9u

/** Ring of events. Every object that may have to tell something promises room
 * for it when it is made, so that telling cannot fail. */
typedef struct gw__events {
  gw_event *items;
  uint32_t first;
  uint32_t num;
  uint32_t cap;
  uint32_t promised;
} gw__events;

/** Room for num more, beside what is promised. */
GW_MUST_USE int gw__events_reserve(gw_client *c, uint32_t num);
/** Promise num events for an object. */
GW_MUST_USE int gw__events_promise(gw_client *c, uint32_t num);
void gw__events_release(gw_client *c, uint32_t num);
/** Next free event of the type, zeroed; to be filled before the next call. */
gw_event *gw__events_push(gw_client *c, enum gw_event_type type);
/** Hand all queued events to the application. */
void gw__dispatch(gw_client *c);

/* ---- tokens -------------------------------------------------------------- */

/** A token of the application that may be refused in a row before it is taken at
 * its word that it has no better one. */
#define GW__TOKEN_MAX_REFUSED 5u
/** Shortest time from a token to the next question for one, whatever its life. */
#define GW__TOKEN_MIN_MS 1000u
/** Longest: twelve days, as timers have an end. */
#define GW__TOKEN_MAX_MS (UINT64_C(1) << 30)

/** The token of the connection, or of a subscription. */
typedef struct gw__token {
  gw_view text;         /**< owned; empty: none */
  bool is_asked;        /**< the application answers GW_EVENT_TOKEN */
  bool is_due;          /**< text is to be sent as a Refresh */
  bool is_stale;        /**< the answer to `ask` is of no use any more */
  uint32_t ask;         /**< the question that is open; 0: none */
  uint32_t code;        /**< why the next one is asked */
  uint32_t refusal;     /**< the application's, to be dealt with; 0: none */
  uint32_t num_refused; /**< tokens in a row */
  uint32_t num_failed;  /**< questions and Refreshs in a row */
  uint64_t expires_ms;  /**< of text; 0: not known, or never */
  uint64_t renew_ms;    /**< ask for the next then; 0: not */
  uint32_t request;     /**< of a Refresh under way; 0: none */
  uint64_t sent_ms;
} gw__token;

typedef struct gw__sub gw__sub;

/** Whether there is one to go on with. If not, it is asked for, once; sub: NULL
 * for the connection. Without a source what there is has to do. */
bool gw__token_ready(gw_client *c, gw__token *t, const gw__sub *sub);
/** The server took it: it ends after ttl_ms (0: never), and the next is asked for
 * ahead of that. */
void gw__token_accepted(gw_client *c, gw__token *t, uint64_t ttl_ms);
/** It was refused with a code. Returns whether another will be asked for. */
bool gw__token_refused(gw_client *c, gw__token *t, uint32_t code);
/** The connection that it was for is lost: nothing of it is under way. */
void gw__token_lost(gw__token *t);
/** An answer that comes now comes too late. */
void gw__token_void(gw__token *t);
/** Deal with what the application answered instead of a token. */
void gw__tokens_answered(gw_client *c);
/** Send what is to renew one. */
void gw__tokens_pump(gw_client *c);
void gw__tokens_due(gw_client *c);
GW_MUST_USE int gw__on_refreshed(gw_client *c, const gw_frame *frame);
/** Whether the error answers a Refresh. */
bool gw__refresh_refused(gw_client *c, uint32_t request, const gw_error *error);

/* ---- subscriptions ------------------------------------------------------- */

/** What this client wants to be in a channel's presence. */
enum gw__wanted { GW__SELF_NONE, GW__SELF_PRESENT, GW__SELF_LEFT };

/** One request is on its way at a time; what changes meanwhile goes out as one
 * when it is answered. */
typedef struct gw__self {
  enum gw__wanted wanted; /**< LEFT: until the server has heard of it */
  bool dirty;             /**< to be told on this connection */
  gw_view block;          /**< state, then payload; owned */
  size_t state_len;
  enum gw_payload_type type;
  uint32_t request;
  uint64_t sent_ms;
  uint64_t retry_at_ms;
} gw__self;

/** What the next publication may be told by changes to. */
typedef struct gw__base {
  gw_view payload; /**< owned; of the last publication */
  uint64_t offset; /**< its offset; 0: there is none */
  bool is_json;
  bool is_on; /**< the server sends deltas */
} gw__base;

struct gw__sub {
  gw__sub *next;
  uint32_t id; /**< also the alias on the wire */
  uint32_t refs;
  enum gw_sub_state state;
  gw_view channel; /**< in this block */
  gw__token token;
  gw_view meta;   /**< in this block */
  gw_list filter; /**< in this block */
  bool has_meta;  /**< the application was told metadata */
  bool wildcard;  /**< of many channels, whose positions are their own */
  bool recover;   /**< recover at the first Subscribe, from position */
  bool presence;
  bool delta;     /**< the application wants deltas */
  bool blocking;  /**< the connection is not ready before this is live */
  bool known;     /**< the server may hold it on this connection */
  bool unsub_due; /**< ended, and the server does not know yet */
  bool by_server; /**< the server began it; forgotten when it says so */
  bool by_number; /**< on this connection the server knows no alias for it */
  uint32_t overflow;
  gw_position position;
  uint32_t result; /**< enum gw_recovery_result of the last Subscribed */
  uint32_t number; /**< the server's, on this connection; 0: none */
  uint32_t request;
  uint64_t sent_ms;
  uint64_t live_ms;
  uint64_t retry_at_ms; /**< IDLE: ask again then; 0: at once */
  gw__backoff backoff;
  gw__dedup dedup;
  gw__base base;
  gw__members members;
  uint64_t members_due_ms;  /**< ask for the list then, or again; 0: no need */
  uint32_t members_request; /**< 0: it is not asked for */
  gw__self self;
};

gw__sub *gw__sub_by_id(const gw_client *c, uint32_t id);
/** Name the subscription in a header as the server knows it. */
void gw__sub_address(const gw_client *c, uint32_t id, gw_head *head);
gw__sub *gw__sub_by_number(const gw_client *c, uint32_t number);
gw__sub *gw__sub_by_channel(const gw_client *c, gw_view channel);
/** Move a subscription; code and reason say why. */
void gw__sub_move(gw_client *c, gw__sub *s, enum gw_sub_state to, uint32_t code,
                  const gw_view *reason);
/** Not subscribed at the moment: ask again, after a backoff of its own; with
 * at_once the first time without a delay. */
void gw__sub_again(gw_client *c, gw__sub *s, const gw__loss *why, bool at_once);
/** The connection is open: everything has to be asked for. */
void gw__subs_opened(gw_client *c);
void gw__subs_lost(gw_client *c, uint32_t code, const gw_view *reason);
void gw__subs_pump(gw_client *c);
void gw__subs_due(gw_client *c);
/** The application has no token for it; put off: it may have one later. */
void gw__sub_no_token(gw_client *c, gw__sub *s, uint32_t code, bool is_put_off);
/** Free those that ended; nothing may show them any more. */
void gw__subs_sweep(gw_client *c);
void gw__subs_free(gw_client *c);
/** Whether a subscription holds back READY. */
bool gw__subs_blocking(const gw_client *c);

/* ---- calls --------------------------------------------------------------- */

enum gw__call_kind { GW__CALL_RPC, GW__CALL_MEMBERS, GW__CALL_SEND };

/** A request of the application: a call, a question for members, a message. */
typedef struct gw__call {
  struct gw__call *next;
  uint32_t request;
  enum gw__call_kind kind;
  bool sent;
  bool done; /**< its last reply is queued */
  uint64_t deadline_ms;
  uint64_t to;
  gw_view name; /**< method, channel or encoded Send, in this block */
  gw_payload payload;
} gw__call;

/** A call of the peer that waits for the application's answer. */
typedef struct gw__incoming {
  struct gw__incoming *next;
  uint32_t call;
  uint32_t request;
  uint64_t deadline_ms;
} gw__incoming;

void gw__calls_pump(gw_client *c);
void gw__calls_due(gw_client *c);
/** The connection is lost: calls that went out will not be answered; with
 * all, neither will the others. */
void gw__calls_lost(gw_client *c, uint32_t code, const gw_view *reason,
                    bool all);
void gw__calls_free(gw_client *c);
gw__call *gw__call_by_request(const gw_client *c, uint32_t request);
/** The last reply of a call was handed over, or will not be. */
void gw__call_drop(gw_client *c, gw__call *call);

/* ---- connection ---------------------------------------------------------- */

enum gw__phase {
  GW__LINK_NONE,
  GW__LINK_TOKEN, /**< no transport yet: it waits for a token */
  GW__LINK_OPENING,
  GW__LINK_OPEN,   /**< Hello is sent */
  GW__LINK_WELCOME /**< and answered */
};

/** The one transport connection. */
typedef struct gw__link {
  enum gw__phase phase;
  uint32_t generation; /**< counts attempts */
  uint32_t hello_request;
  uint64_t started_ms;
  uint64_t rx_ms;    /**< last byte from the peer */
  uint64_t ready_ms; /**< first READY; 0: not yet */
  uint64_t probe_ms; /**< a byte must come before; 0: no probe */
  uint64_t ping_us;  /**< time in the last Ping; 0: answered */
  bool silent;       /**< quiet for longer than it should be */
  uint32_t interval_ms;
  uint32_t timeout_ms;
  bool has_credit;   /**< the server waits for it */
  uint32_t consumed; /**< bytes of data handed on, and not granted again yet */
  bool has_reader;
  bool feeding; /**< the reader is on the stack: it is freed later */
  gw_reader reader;
} gw__link;

/** Start an attempt. */
void gw__link_open(gw_client *c);
/** The link is gone, or is given up here: close it, and decide what comes. */
void gw__link_lost(gw_client *c, const gw__loss *loss);
/** The same for what was found here. */
void gw__link_fail(gw_client *c, uint32_t code, const char *reason);
void gw__link_closed(gw_client *c, uint32_t close_code, uint32_t retry_after_ms,
                     const gw_view *reason);
/** A byte came. */
void gw__link_alive(gw_client *c);
gw_view gw__link_endpoint(const gw_client *c);
/** End it for good or until connect: FAILED or CLOSED. */
void gw__link_end(gw_client *c, enum gw_state to, uint32_t code,
                  const gw_view *reason);
void gw__link_opened(gw_client *c);
/** Open the transport, if a token was all that it waited for. */
void gw__link_pump(gw_client *c);
/** The application has no token; put off: it may have one later. */
void gw__link_no_token(gw_client *c, uint32_t code, bool is_put_off);
/** One frame. Negative: the peer broke the protocol, or memory ran out. */
GW_MUST_USE int gw__link_frame(gw_client *c, const gw_frame *frame);
/** One of a feature that this client has not: counted, and passed over. */
GW_MUST_USE int gw__link_ignore(gw_client *c, const gw_frame *frame);
/** What Hello names; CODEC_NONE: this client reads nothing compressed. */
extern const uint32_t gw__codec;
/** The reader's frames, which it makes whole. Negative stops the reader. */
GW_MUST_USE int gw__take_frame(void *client, const gw_frame *frame);
/** Give the server credit for what was handed on. */
void gw__link_grant(gw_client *c);
/** Send a Ping; with deadline_ms > 0 an answer must come within it. */
void gw__link_ping(gw_client *c, uint64_t deadline_ms);
void gw__link_due(gw_client *c);
void gw__link_wake(gw_client *c, enum gw_wake why);
bool gw__is_welcome(const gw_client *c);
/** READY, DEGRADED or SYNCING, as subscriptions and silence have it. */
void gw__link_settle(gw_client *c, uint32_t code);

/* ---- the client ---------------------------------------------------------- */

struct gw_client {
  gw_port port;
  void *user;
  gw_alloc alloc;
  uint64_t now; /**< read once a turn */

  /* options */
  gw_view *endpoints;
  size_t num_endpoints;
  gw__token token;
  gw_view user_id;
  gw_view agent;
  uint8_t instance[GW_INSTANCE_BYTES];
  uint32_t ping_interval_ms;
  uint32_t connect_timeout_ms;
  uint32_t request_timeout_ms;
  uint32_t suspend_after_ms;
  uint32_t outbox_max_age_ms;
  uint32_t credit_bytes; /**< 0: none */
  uint32_t max_frame_bytes;

  /* state */
  enum gw_state state;
  uint64_t since_ms;
  uint32_t code;
  uint64_t retry_at_ms; /**< WAITING, SUSPENDED; 0: not by itself */
  uint64_t lost_ms;     /**< when it was last welcome; 0: it is */
  uint64_t acted_ms;    /**< last act of the user */
  bool offline;         /**< the host says so */
  bool new_token;       /**< set since the last Hello */
  gw__backoff backoff;
  gw__link link;
  size_t endpoint;        /**< index of the current one */
  gw_view other_endpoint; /**< named by a Close; owned */
  bool use_other;         /**< the other is the current one */

  /* facts from the last Welcome */
  uint64_t connection;
  uint64_t client_id;
  gw_view server_user; /**< owned */
  gw_view resume;      /**< token of the session; owned */
  bool resumed;
  gw_limits limits; /**< all 0, which are none, before there was one */
  uint32_t rtt_ms;
  uint64_t num_duplicates;
  uint64_t num_ignored;
  uint64_t num_bad_deltas;

  /* turns */
  bool inside;      /**< in a gw_client_on_... function */
  bool dispatching; /**< in the application's handler */
  bool close_asked;
  bool connect_asked;
  bool broken;       /**< the out buffer could not grow: the link is lost */
  uint64_t next_ms;  /**< earliest deadline found so far in this pass */
  bool acted;        /**< a deadline was due in this pass */
  uint64_t timer_ms; /**< when the host will call; UINT64_MAX: not */

  /* parts */
  gw__events events;
  gw_out out;
  gw__sub *subs;
  gw__sub *ended;
  uint32_t num_subs;
  uint32_t last_sub_id;
  gw__member *removed; /**< members that queued events may show */
  gw__call *calls;
  uint32_t num_calls;
  gw__incoming *incoming;
  uint32_t num_incoming;
  uint32_t last_call_id;
  uint32_t last_ask;
  gw__outbox outbox;
  uint64_t last_key;
  uint64_t publish_credit; /**< thousandths of a publication */
  uint64_t publish_credit_ms;
  uint64_t publish_next_ms; /**< when there is credit again; 0: there is */
  uint32_t last_request;
  gw_list reply_members; /**< of the REPLY in the queue */
};

/* client.c */
/** Takes one frame to its end, handlers included, while views into it hold.
 * Negative stops the reader. */
GW_MUST_USE int gw__frame(gw_client *c, const gw_frame *frame);
void *gw__alloc(gw_client *c, size_t size);
void gw__free(gw_client *c, void *ptr);
/** Copy bytes into a block of their own. */
GW_MUST_USE int gw__copy(gw_client *c, gw_view from, gw_view *to);
/** Free a copy, or nothing. */
void gw__drop(gw_client *c, gw_view *copy);
/** A command changed what is wanted: see that a turn comes. */
void gw__kick(gw_client *c);
/** The user did something: the server counts idleness from its last act. */
void gw__acted(gw_client *c);
/** Whether a deadline has come; otherwise the timer will not miss it. */
bool gw__due(gw_client *c, uint64_t at_ms);
/** An id for a request, above 0 and not in use by a call. */
uint32_t gw__next_request(gw_client *c);
void gw__log(gw_client *c, enum gw_log_level level, const char *text);
uint64_t gw__random(gw_client *c);
gw_payload gw__payload(gw_view data, gw_view json);
/** Whether a frame of a body of len is under the announced limit, if known. */
bool gw__fits_frame(const gw_client *c, size_t len);
GW_MUST_USE int gw__check_channel(const gw_client *c, gw_view channel);
GW_MUST_USE int gw__check_payload(gw_payload payload);

/* state.c */
/** Move the connection. false: the application refused it. */
bool gw__set_state(gw_client *c, enum gw_state to, uint32_t code,
                   const gw_view *reason);

/* send.c */
/** Append one frame to what the turn sends. sub: id of the subscription that it
 * is about; 0: none. m: the struct of the message. Without memory the link
 * is broken. */
void gw__put(gw_client *c, uint8_t type, uint32_t request, uint32_t sub,
             enum gw_message_id id, const void *m);
/** One without a body. */
void gw__put_nothing(gw_client *c, uint8_t type, uint32_t request,
                     uint32_t sub);
void gw__flush(gw_client *c);

/* recovery.c: what keeps a subscription's stream whole. */
GW_MUST_USE int gw__on_subscribed(gw_client *c, const gw_frame *frame);
GW_MUST_USE int gw__on_publication(gw_client *c, const gw_frame *frame);
GW_MUST_USE int gw__on_recovery(gw_client *c, const gw_frame *frame);
GW_MUST_USE int gw__on_lagged(gw_client *c, const gw_frame *frame);
GW_MUST_USE int gw__on_channel_meta(gw_client *c, const gw_frame *frame);
/** Nothing is missing from here on. */
void gw__become_live(gw_client *c, gw__sub *s);

/* delta.c */
/** The feature's bit, or 0 in a build without deltas. */
extern const uint64_t gw__delta_feature;

/* resume.c */
/** The feature's bit, or 0 in a build without it. */
extern const uint64_t gw__resume_feature;
/** For the next Hello; empty: none. */
gw_view gw__resume_token(const gw_client *c);
/** Of the last Welcome; empty: forget it. */
void gw__resume_keep(gw_client *c, gw_view token);
/** The server begins to send, whole publications first; is_on: deltas as well. */
void gw__delta_begin(gw_client *c, gw__sub *s, bool is_on);
/** Make a publication that follows the last whole, and keep it; m then shows what
 * is kept until the next one. 0; GW_ERR_PROTOCOL: it cannot be; GW_ERR_NOMEM */
GW_MUST_USE int gw__delta_take(gw_client *c, gw__sub *s, gw_publication *m);

/* subs.c */
GW_MUST_USE int gw__on_unsubscribed(gw_client *c, const gw_frame *frame);
/** The server has subscribed us. */
GW_MUST_USE int gw__on_server_subscribed(gw_client *c, const gw_frame *frame);
void gw__sub_refused(gw_client *c, gw__sub *s, const gw_error *error);
gw__sub *gw__sub_by_request(const gw_client *c, uint32_t request);

/* presence.c; lean/presence.c stands in for it and members.c */
/** Send a question for the members of a channel. */
void gw__put_presence_get(gw_client *c, const gw__call *call);
void gw__presence_pump(gw_client *c, gw__sub *s);
void gw__presence_due(gw_client *c, gw__sub *s);
void gw__presence_lost(gw_client *c, gw__sub *s);
void gw__presence_subscribed(gw_client *c, gw__sub *s);
void gw__presence_free(gw_client *c, gw__sub *s);
GW_MUST_USE int gw__on_snapshot(gw_client *c, const gw_frame *frame);
GW_MUST_USE int gw__on_diff(gw_client *c, const gw_frame *frame);
/** An answer without content. */
void gw__presence_ok(gw_client *c, uint32_t request);
/** Whether the error answers a request about presence. */
bool gw__presence_refused(gw_client *c, uint32_t request,
                          const gw_error *error);

/* publish.c */
void gw__publish_pump(gw_client *c);
void gw__publish_due(gw_client *c);
void gw__publish_lost(gw_client *c);
GW_MUST_USE int gw__on_published(gw_client *c, const gw_frame *frame);
void gw__publish_refused(gw_client *c, gw__entry *e, const gw_error *error);
/** A publication of this client came back: it is acknowledged. */
void gw__publish_echoed(gw_client *c, gw__entry *e,
                        const gw_position *position);
void gw__publish_free(gw_client *c);

/* calls.c */
/** Take a checked request in. Returns its id, or GW_ERR_...: what
 * gw_client_call tells. */
GW_MUST_USE int64_t gw__call_submit(gw_client *c, const gw__call *like);
GW_MUST_USE int gw__on_rpc(gw_client *c, const gw_frame *frame);
GW_MUST_USE int gw__on_rpc_result(gw_client *c, const gw_frame *frame);
void gw__call_refused(gw_client *c, gw__call *call, const gw_error *error);
/** Its last reply, good; to be filled. NULL: nobody waits for one of the kind. */
gw_event *gw__call_succeed(gw_client *c, uint32_t request,
                           enum gw__call_kind kind);
/** The answer to a question for members. */
void gw__call_snapshot(gw_client *c, gw__call *call,
                       const gw_presence_snapshot *snapshot);

/* message.c; lean/message.c stands in for it */
void gw__put_send(gw_client *c, const gw__call *call);
GW_MUST_USE int gw__on_sent(gw_client *c, const gw_frame *frame);
GW_MUST_USE int gw__on_message(gw_client *c, const gw_frame *frame);

#endif
