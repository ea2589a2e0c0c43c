/* SPDX-License-Identifier: MIT */
/* watch_state.h - what the parts of the watch share. */
#ifndef GODWIT_CLI_WATCH_STATE_H
#define GODWIT_CLI_WATCH_STATE_H

#include <uthash.h>

#include "server/cli/replay/watch.h"

/** A place in a stream; epoch 0: not known. */
typedef struct gw__place {
  uint64_t epoch;
  uint64_t offset;
} gw__place;

enum gw__stream_state {
  GW__STREAM_ASKED,
  GW__STREAM_RECOVERING,
  GW__STREAM_LIVE,
  GW__STREAM_LEAVING, /**< the client said so; what is under way still comes */
  GW__STREAM_ENDED
};

/** A subscription on one connection. */
typedef struct gw__stream {
  struct gw__stream *next; /**< of all of the connection */
  uint32_t alias;          /**< 0: by the server */
  uint32_t number;         /**< 0: not known yet */
  gw_view name;            /**< owned; empty: of before the recording */
  enum gw__stream_state state;
  bool is_wildcard;
  bool asked_to_recover;
  gw__place since;      /**< what the client asked for */
  gw__place at;         /**< the last that was sent or told */
  uint32_t placed_line; /**< where its epoch was told */
  uint64_t base;        /**< offset that a delta may stand on; 0: none */
  UT_hash_handle by_alias;
  UT_hash_handle by_number;
} gw__stream;

/** A request, of either side. */
typedef struct gw__request {
  uint32_t id;
  uint8_t type;
  bool is_answered;
  const gw_recorded_line *line;
  gw__stream *stream;
  uint64_t key; /**< of a Publish */
  UT_hash_handle hh;
} gw__request;

/** A Ping that waits for its Pong. */
typedef struct gw__ping {
  bool is_open;
  uint64_t time;
  const gw_recorded_line *line;
} gw__ping;

typedef struct gw__conn {
  uint32_t n;
  bool is_cut;
  bool has_hello;
  bool is_welcome;
  bool is_told; /**< the server's Close has come */
  bool is_left; /**< the client has said goodbye, or closed */
  bool is_over;
  uint64_t hello_features;
  bool has_credit;
  int64_t credit;
  const gw_recorded_line *overdrawn; /**< data without credit; NULL: none */
  uint32_t ping_timeout_ms;
  gw__ping server_ping;
  gw__ping client_ping;
  /* why it ended, as far as it is known */
  uint32_t code;
  uint32_t retry_after_ms;
  uint64_t ended_ms;
  gw__request *requests; /**< of the client */
  gw__request *calls;    /**< of the server */
  gw__stream *streams;
  gw__stream *aliases;
  gw__stream *numbers;
  UT_hash_handle hh;
} gw__conn;

/** Where a client is in a channel, over all connections. */
typedef struct gw__known {
  gw__place at;
  bool is_wanted; /**< it was subscribed to when its connection ended */
  UT_hash_handle hh;
  char name[];
} gw__known;

/** What became of a publication of this client. */
typedef struct gw__sent {
  uint64_t key;
  gw__place at;
  uint32_t n; /**< connection that told it */
  uint32_t line;
  UT_hash_handle hh;
} gw__sent;

struct gw_watch {
  gw_watch_hooks hooks;
  gw__conn *conns;
  gw__conn *last; /**< the one that was opened last */
  gw__known *known;
  gw__sent *sent;
  uint64_t client; /**< own public id */
  gw_round_trips trips;
  const gw_recorded_line *line; /**< the one that is looked at */
  bool is_out_of_memory;
};

/* Sections of docs/protocol.md. */
#define GW__SECTION_FRAMES       "Binary frames"
#define GW__SECTION_CONNECTION   "A connection"
#define GW__SECTION_CREDIT       "Credit"
#define GW__SECTION_CHANNELS     "Channels"
#define GW__SECTION_SLOW_READERS "Slow readers"

/** Tell a violation at the line that is looked at. */
__attribute__((format(printf, 3, 4))) void
gw__violate(gw_watch *w, const char *section, const char *format, ...);
/** The same at another line. */
__attribute__((format(printf, 4, 5))) void
gw__violate_at(gw_watch *w, const gw_recorded_line *line, const char *section,
               const char *format, ...);

/** Zeroed memory; NULL: none, and the watch knows. */
void *gw__watch_alloc(gw_watch *w, size_t size);

/* requests.c */

/** Keep a request; NULL when out of memory, or it wants no answer. */
gw__request *gw__request_begin(gw_watch *w, gw__request **table,
                               const gw_frame *frame);
/** The request that this frame answers, if it may; NULL: none, and if that is
 * wrong it is told. is_cut: it may be older than the recording. */
gw__request *gw__request_answer(gw_watch *w, gw__request **table, bool is_cut,
                                const gw_frame *frame, bool is_last);
void gw__requests_free(gw__request **table);
/** One more round trip that began at a line. */
void gw__trip(gw_watch *w, const gw_recorded_line *from);

/* streams.c: a frame about a channel, of each side. */

void gw__stream_out(gw_watch *w, gw__conn *c, const gw_frame *frame,
                    gw__request *request);
void gw__stream_in(gw_watch *w, gw__conn *c, const gw_frame *frame,
                   gw__request *request);
/** Keep where the streams of a connection that is over were. */
void gw__streams_leave(gw_watch *w, gw__conn *c);
void gw__streams_free(gw__conn *c);
/** The stream that a frame's header names; NULL: none. */
gw__stream *gw__stream_of(gw__conn *c, const gw_head *head);

#endif
