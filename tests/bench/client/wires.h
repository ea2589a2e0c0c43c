/* SPDX-License-Identifier: MIT */
/* wires.h - the protocols that the compared clients speak, as far as a server
 * needs them that only sends publications of one channel. */
#ifndef GODWIT_TESTS_BENCH_WIRES_H
#define GODWIT_TESTS_BENCH_WIRES_H

#include "godwit/wire.h"

/** The number of a connection's first publication, which is also its offset. From
 * here to the last it has seven digits, and as a varint four bytes. */
#define WIRE_FIRST 2100000u
#define WIRE_LAST  9999999u

/** A connection, as a wire sees it. */
typedef struct wire_peer {
  gw_out out;    /**< WebSocket messages that wait to be sent */
  bool is_ready; /**< subscribed: publications may come */
} wire_peer;

typedef struct wire {
  const char *name;
  /** Messages are WebSocket texts. */
  bool is_text;
  /** A message may hold several publications. */
  bool is_batched;
  /** The WebSocket is open; NULL: nothing to say. */
  void (*on_open)(wire_peer *p);
  /** A message came; NULL: nothing is expected. */
  void (*on_message)(wire_peer *p, gw_view message);
  /** Append a publication of an object with this number to a WebSocket message,
   * as its first or a further one. Returns 0, GW_ERR_FULL. */
  int (*put)(gw_out *out, gw_view object, uint32_t number, bool is_first);
} wire;

/** By name; NULL for one that is not known. */
const wire *wire_by_name(const char *name);

#define WIRE_HEAD_MAX 10u

/** Write the header of a WebSocket message; returns its bytes. */
size_t wire_put_head(uint8_t *to, bool is_text, size_t len);

#endif
