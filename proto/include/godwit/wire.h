/* SPDX-License-Identifier: MIT */
/* wire.h - frames and messages: bytes to structs and back, no I/O, no clock. */
#ifndef GODWIT_WIRE_H
#define GODWIT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "godwit/codes.h"
#include "godwit/err.h"
#include "godwit/limits.h"

/* ---- bytes ------------------------------------------------------------- */

/**
 * Bytes that belong to somebody else. Valid until the call that handed it over
 * returns, unless the function says longer. data may be NULL when len is 0.
 */
typedef struct gw_view {
  const uint8_t *data;
  size_t len;
} gw_view;

/** View of a C string, without its end. */
gw_view gw_view_of(const char *text);
/** Whether both are the same bytes. */
bool gw_view_eq(gw_view a, gw_view b);

/** Whether the bytes are UTF-8 (RFC 3629) and hold no NUL. */
bool gw_view_is_text(gw_view v);

/**
 * Output space of the caller. Encoders append at len and fail with GW_ERR_FULL
 * rather than go past cap; then len is as it was.
 */
typedef struct gw_out {
  uint8_t *data;
  size_t len;
  size_t cap;
} gw_out;

/* ---- frames ------------------------------------------------------------ */

/*
 *   +--------------+------+-------+--------------+--------------+------------+
 *   | length       | type | flags | request id   | channel id   | body ...   |
 *   | varint, <=5  | u8   | u8    | varint, <=5  | varint, <=5  |            |
 *   +--------------+------+-------+--------------+--------------+------------+
 *                  |<------------------ length bytes ---------------------->|
 *
 * Varints are those of Protocol Buffers, 32 bits, shortest form or not. One
 * message of a transport carries whole frames, one or more.
 */

/** The channel id is the sender's alias, not the server's number. */
#define GW_FLAG_ALIAS 0x01u
/** The body goes on in the next frame of the same type, request and channel. */
#define GW_FLAG_MORE 0x02u
/** The body is compressed with the connection's codec; see lz4.h. */
#define GW_FLAG_COMPRESSED 0x04u
/** Publication: the receiver published it and asked for no echo; body has no
 * payload. */
#define GW_FLAG_OWN 0x08u

/** Header of a frame. */
typedef struct gw_head {
  uint8_t type;     /**< enum gw_frame_type, or one that is not known here */
  uint8_t flags;    /**< GW_FLAG_... */
  uint32_t request; /**< 0: a push; an answer carries the request's */
  uint32_t channel; /**< 0: none */
} gw_head;

/** Header and body of one frame. The body is a view into the input. */
typedef struct gw_frame {
  gw_head head;
  uint32_t len; /**< of the whole frame, its length prefix included */
  gw_view body;
} gw_frame;

/** Whether an unknown type may be skipped. */
bool gw_type_is_ignorable(uint8_t type);

/** Whether a server's frame of this type is data, which it sends as far as it
 * has credit, and not control, which it sends at once. */
bool gw_type_is_data(uint8_t type);

/** "PUBLISH"; "UNKNOWN" for a type that is not known. */
const char *gw_type_name(uint8_t type);

/**
 * Take one frame from the front of a buffer.
 *   returns  bytes used (> 0); 0: more bytes are needed; GW_ERR_PROTOCOL,
 *            GW_ERR_PEER_TOO_BIG when the length is over max_frame_bytes
 */
GW_MUST_USE int64_t gw_frame_parse(gw_view in, uint32_t max_frame_bytes,
                                   gw_frame *frame);

/** Allocator: size 0 frees; returns NULL on failure. */
typedef void *(*gw_realloc_fn)(void *user, void *ptr, size_t size);
/** Where memory comes from: the function, and what it is called with. */
typedef struct gw_alloc {
  gw_realloc_fn realloc_fn;
  void *user;
} gw_alloc;

/** The C library's allocator. */
extern const gw_alloc gw_alloc_libc;

/**
 * Reads frames from a byte stream cut anywhere. Whole frames are handed on as
 * views into the input; only a frame that is cut is gathered, in one block that
 * grows with what arrived, never with what a length prefix promises, and is
 * freed when the frame is done. An idle reader holds no memory.
 */
typedef struct gw_reader {
  /* private */
  gw_alloc alloc;
  uint8_t *partial;
  uint32_t len;
  uint32_t cap;
  uint32_t max_frame_bytes;
  bool feeding;
} gw_reader;

/** max_frame_bytes: of a frame without its length prefix. */
void gw_reader_init(gw_reader *r, gw_alloc alloc, uint32_t max_frame_bytes);
/** Frees what is gathered; the reader may be made again. */
void gw_reader_deinit(gw_reader *r);

/** Returns < 0 to stop; the reader returns that to its caller. */
typedef int (*gw_on_frame)(void *user, const gw_frame *frame);

/**
 * Feed bytes.
 *   calls    on_frame for each whole frame; it may neither feed nor deinit the
 *            reader
 *   returns  0; what on_frame returned; GW_ERR_PROTOCOL, GW_ERR_PEER_TOO_BIG,
 *            GW_ERR_NOMEM. After a failure only deinit is allowed.
 */
GW_MUST_USE int gw_reader_feed(gw_reader *r, gw_view in, gw_on_frame on_frame,
                               void *user);

/** Whether no cut frame waits for its rest: must hold at the end of a message.
 */
bool gw_reader_is_empty(const gw_reader *r);

/**
 * Append a frame whose body is encoded already.
 *   returns  0, GW_ERR_FULL, GW_ERR_TOO_BIG over GW_MAX_FRAME_BYTES_HARD
 */
GW_MUST_USE int gw_frame_put(gw_out *out, const gw_head *head, gw_view body);

/* ---- messages ----------------------------------------------------------- */

/**
 * Repeated texts, or messages, each an encoded one. To encode, set items and num. A
 * decoded list has items NULL, as they lie scattered in the body: gw_list_next
 * finds them, and the body must live that long. It may be encoded again as it
 * is.
 */
typedef struct gw_list {
  const gw_view *items;
  /* read-only in a decoded list: items that are left */
  size_t num;
  /* private */
  gw_view rest;
  uint32_t tag;
} gw_list;

/** Take the next item of either kind of list; false at its end. */
bool gw_list_next(gw_list *list, gw_view *item);

/** Room that the items of a list take, among other fields or alone. */
size_t gw_list_bytes(gw_list list);
/** Append the items alone; copy lives as long as what out has.
 *   returns  0, GW_ERR_FULL: not with room for gw_list_bytes */
GW_MUST_USE int gw_list_copy(gw_list list, gw_out *out, gw_list *copy);

/** What a publication, a member or a call carries: bytes, or JSON text. */
enum gw_payload_type {
  GW_PAYLOAD_BYTES = 0, /**< any bytes */
  GW_PAYLOAD_JSON = 1   /**< JSON text */
};

/* The fields are those of godwit.proto, where each is explained. */

typedef struct gw_hello {
  uint32_t version;
  uint64_t features;
  gw_view instance;
  gw_view token;
  gw_view resume;
  uint32_t ping_interval_ms;
  gw_view agent;
  gw_view user;
  uint32_t credit_bytes;
  uint32_t codec; /**< enum gw_codec, or one that is not known here */
} gw_hello;

typedef struct gw_limits {
  uint32_t max_frame_bytes;
  uint32_t max_message_bytes;
  uint32_t max_channel_bytes;
  uint32_t max_subscriptions;
  uint32_t max_presence_bytes;
  uint32_t max_calls;
  uint32_t max_queue_bytes;
  uint32_t publish_per_second;
  uint32_t max_group_members;
  uint32_t max_group_roles;
} gw_limits;

typedef struct gw_welcome {
  uint32_t version;
  uint64_t features;
  uint64_t connection;
  uint64_t client;
  gw_view user;
  gw_limits limits;
  uint32_t ping_interval_ms;
  uint32_t ping_timeout_ms;
  uint64_t time_ms;
  gw_view server;
  gw_view node;
  gw_view resume;
  bool resumed;
  uint64_t token_ttl_ms;
} gw_welcome;

typedef struct gw_ping {
  uint64_t time;
} gw_ping;

typedef struct gw_close {
  uint32_t code; /**< enum gw_code, or one that is not known here */
  gw_view reason;
  uint32_t retry_after_ms;
  uint32_t spread_ms;
  gw_view endpoint;
} gw_close;

typedef struct gw_error {
  uint32_t code;
  gw_view message;
  uint32_t retry_after_ms;
  gw_view field;
} gw_error;

typedef struct gw_subscribe {
  gw_view channel;
  bool recover;
  uint64_t epoch;
  uint64_t offset;
  gw_view token;
  uint32_t overflow; /**< enum gw_overflow */
  bool presence;
  bool by_server;
  gw_list filter; /**< of gw_filter_term */
  gw_view meta;
  bool delta;
} gw_subscribe;

typedef struct gw_filter_term {
  uint32_t op; /**< enum gw_filter_op */
  gw_view tag;
  gw_list values; /**< of texts */
  uint32_t count;
} gw_filter_term;

typedef struct gw_tag {
  gw_view name;
  gw_view value;
} gw_tag;

typedef struct gw_subscribed {
  uint64_t epoch;
  uint64_t offset;
  uint32_t result; /**< enum gw_recovery_result */
  uint32_t gap;    /**< enum gw_gap_reason */
  uint64_t gap_from;
  uint64_t gap_to;
  bool live;
  uint64_t token_ttl_ms;
  bool wildcard;
  gw_view meta;
  bool delta;
} gw_subscribed;

typedef struct gw_channel_meta {
  gw_view meta;
} gw_channel_meta;
typedef struct gw_server_subscribed {
  gw_view channel;
  uint64_t epoch;
  uint64_t offset;
} gw_server_subscribed;

typedef struct gw_unsubscribed {
  uint32_t code;
  gw_view reason;
} gw_unsubscribed;

typedef struct gw_publish {
  gw_view channel;
  gw_view data;
  gw_view json;
  uint64_t key;
  uint64_t after;
  bool no_echo;
  bool compare;
  uint64_t epoch;
  uint64_t offset;
  uint32_t ttl_ms;
  gw_view item;
  gw_list tags; /**< of gw_tag */
  bool removed;
  bool compare_item;
  gw_view meta;
} gw_publish;

typedef struct gw_published {
  uint64_t epoch;
  uint64_t offset;
  bool duplicate;
} gw_published;

typedef struct gw_publication {
  uint64_t offset;
  gw_view data;
  gw_view json;
  uint64_t client;
  uint64_t key;
  gw_view user;
  uint64_t time_ms;
  bool no_echo;
  gw_view item;
  gw_list tags; /**< of gw_tag */
  bool removed;
  gw_view channel;
  uint64_t epoch;
  gw_view delta;
  uint64_t delta_base;
} gw_publication;

typedef struct gw_recovery {
  uint64_t from;
  uint64_t to;
  bool live;
  uint32_t gap;
  uint64_t gap_from;
  uint64_t gap_to;
} gw_recovery;

typedef struct gw_lagged {
  uint64_t from;
  uint64_t to;
  uint64_t count;
  uint32_t reason;
} gw_lagged;

typedef struct gw_presence_set {
  gw_view state;
  gw_view data;
  gw_view json;
  bool merge;
  uint64_t idle_ms;
} gw_presence_set;

typedef struct gw_presence_get {
  gw_view channel;
} gw_presence_get;

typedef struct gw_presence_member {
  uint64_t client;
  gw_view user;
  gw_view state;
  gw_view data;
  gw_view json;
  uint64_t since_ms;
} gw_presence_member;

typedef struct gw_presence_snapshot {
  uint64_t version;
  gw_list members; /**< of gw_presence_member */
  bool more;
  uint32_t mode; /**< enum gw_presence_mode */
  uint32_t clients;
  uint32_t users;
} gw_presence_snapshot;

typedef struct gw_presence_change {
  uint32_t kind; /**< enum gw_presence_kind */
  gw_presence_member member;
  bool first;
  bool last;
} gw_presence_change;

typedef struct gw_presence_diff {
  uint64_t version;
  gw_list changes; /**< of gw_presence_change */
  uint32_t clients;
  uint32_t users;
} gw_presence_diff;

typedef struct gw_send {
  gw_view user;
  uint64_t client;
  uint64_t connection;
  gw_view group;
  gw_list channels; /**< of names */
  bool everybody;
  bool no_echo;
  gw_view event;
  gw_view data;
  gw_view json;
} gw_send;

typedef struct gw_sent {
  uint32_t receivers;
} gw_sent;

typedef struct gw_message {
  uint64_t client;
  gw_view user;
  uint32_t to; /**< enum gw_address */
  gw_view group;
  gw_view event;
  gw_view data;
  gw_view json;
  uint64_t time_ms;
} gw_message;

typedef struct gw_rpc {
  gw_view method;
  gw_view data;
  gw_view json;
  uint32_t timeout_ms;
  uint64_t to;
  uint64_t from;
  gw_view from_user;
} gw_rpc;

typedef struct gw_rpc_result {
  gw_view data;
  gw_view json;
} gw_rpc_result;

typedef struct gw_refresh {
  gw_view token;
} gw_refresh;

typedef struct gw_refreshed {
  uint64_t token_ttl_ms;
} gw_refreshed;

typedef struct gw_credit {
  uint64_t bytes;
} gw_credit;

/** Every message that has a body of its own. */
#define GW_MESSAGES(X) \
  X(hello)             \
  X(welcome)           \
  X(ping)              \
  X(close)             \
  X(error)             \
  X(subscribe)         \
  X(subscribed)        \
  X(server_subscribed) \
  X(unsubscribed)      \
  X(publish)           \
  X(published)         \
  X(publication)       \
  X(recovery)          \
  X(lagged)            \
  X(presence_set)      \
  X(presence_get)      \
  X(presence_member)   \
  X(presence_snapshot) \
  X(presence_change)   \
  X(presence_diff)     \
  X(send)              \
  X(sent)              \
  X(message)           \
  X(rpc)               \
  X(rpc_result)        \
  X(refresh)           \
  X(refreshed)         \
  X(credit)            \
  X(channel_meta)      \
  X(filter_term)       \
  X(tag)               \
  X(limits)

/** Names a message by its struct: GW_MESSAGE_hello is of gw_hello. */
enum gw_message_id {
#define GW__MESSAGE_ID(M) GW_MESSAGE_##M,
  GW_MESSAGES(GW__MESSAGE_ID)
#undef GW__MESSAGE_ID
      GW_NUM_MESSAGES /**< how many there are */
};

/**
 * Append one whole frame.
 *   head     NULL: append the bare message
 *   m        the struct that id names
 *   returns  0, GW_ERR_FULL, GW_ERR_TOO_BIG as gw_frame_put
 * Neither this nor gw_decode checks text or limits: that is the receiver's
 * policy. Ok, Unsubscribe and PresenceLeave have empty bodies: gw_frame_put with
 * an empty view. A Pong is encoded and decoded as a ping.
 */
GW_MUST_USE int gw_encode(gw_out *out, const gw_head *head,
                          enum gw_message_id id, const void *m);

/**
 * Read a message. Views point into body; unknown fields are skipped.
 *   returns  0; GW_ERR_PROTOCOL: m is all zero
 */
GW_MUST_USE int gw_decode(gw_view body, enum gw_message_id id, void *m);

/**
 * Make a list by adding to it: out, which stays where it is, holds nothing else;
 * list begins as all zero. This adds a message.
 *   returns  0, GW_ERR_FULL
 */
GW_MUST_USE int gw_list_add(gw_out *out, gw_list *list, enum gw_message_id id,
                            const void *m);
/** As gw_list_add; this adds a text. */
GW_MUST_USE int gw_list_add_text(gw_out *out, gw_list *list, gw_view text);

/** A list that somebody else made so: num items, one after the other, each as
 * field 1 of a message. */
gw_list gw_list_of(gw_view items, size_t num);

/* The same for each message M, with its type checked: gw_encode_M, gw_decode_M. */
#define GW__CODEC(M)                                                     \
  GW_MUST_USE static inline int gw_encode_##M(                           \
      gw_out *out, const gw_head *head, const gw_##M *m) {               \
    return gw_encode(out, head, GW_MESSAGE_##M, m);                      \
  }                                                                      \
  GW_MUST_USE static inline int gw_decode_##M(gw_view body, gw_##M *m) { \
    return gw_decode(body, GW_MESSAGE_##M, m);                           \
  }
GW_MESSAGES(GW__CODEC)
#undef GW__CODEC

/* ---- named events ------------------------------------------------------- */

/** The tag that names an event. */
#define GW_EVENT_TAG "event"

/** The name of the event that a publication is, a view into its body; empty: it is
 * none. Names that begin with a $ are the server's and the client's own, and
 * nobody can publish them. */
gw_view gw_event_name(const gw_publication *p);
/** Whether a pattern of names is sound: parts divided by dots that are not empty, *
 * for one part, > for the rest at the end. */
bool gw_event_is_good_pattern(gw_view pattern);
/** Whether a pattern matches a name. One that begins with * or > does not match
 * names that begin with a $. */
bool gw_event_matches(gw_view pattern, gw_view name);

#endif
