/* SPDX-License-Identifier: MIT */
/* buf.h - immutable, counted bytes of one outgoing message, shared by all its
 * receivers on every worker. */
#ifndef GODWIT_SERVER_BUF_H
#define GODWIT_SERVER_BUF_H

#include <stdatomic.h>

#include "godwit/wire.h"

/** Room before the payload for a WebSocket header without a mask (RFC 6455 5.2). */
#define GW_BUF_PREFIX_MAX 10u

/** No body is as long. */
#define GW_PACK_NEVER UINT32_MAX

/** Bytes that HTTP/2 writers need in front (LWS_PRE and some). */
#define GW_BUF_HEADROOM 32u

/**
 * One message: whole frames, or one JSON text of a line per frame. Written once
 * by its maker, read-only from then on; the count is atomic, so that workers may
 * share it. The WebSocket header stands ready in front of the payload.
 */
typedef struct gw_buf gw_buf;
struct gw_buf {
  /* private */
  atomic_uint refs;
  /* read-only */
  uint32_t len; /**< of the payload */
  /* private */
  _Atomic(gw_buf *)
      json; /* the same message for JSON receivers, made on demand */
  _Atomic(gw_buf *)
      packed; /* the same for those who read compressed bodies, see
                               pack.h; itself: it is not worth it */
  /* set by the maker, read-only once it is shared */
  uint64_t item;     /**< a publication: hash of what it is about; 0: nothing */
  uint64_t offset;   /**< its offset */
  uint32_t pack_min; /**< bodies from this length on may be compressed; of any
                          new message GW_PACK_NEVER */
  bool removed;      /**< it says that the item is gone */
  bool is_control;   /**< it takes no credit, also in a lane of data */
  /* read-only */
  uint8_t prefix_len; /**< of the WebSocket header right before the payload */
  bool is_text;
  uint8_t bytes[]; /**< GW_BUF_HEADROOM, then the payload */
};

/** With room for a payload, to be filled before it is shared; NULL when out of
 * memory. One reference. */
gw_buf *gw_buf_make(size_t len, bool is_text, uint8_t **payload);
/** Copies the payload; otherwise the same. */
gw_buf *gw_buf_new(gw_view payload, bool is_text);
gw_buf *gw_buf_ref(gw_buf *b);
void gw_buf_unref(gw_buf *b); /**< NULL is fine */
/** Many at once: a fan-out takes its references with one atomic step. */
gw_buf *gw_buf_ref_many(gw_buf *b, unsigned num);
void gw_buf_unref_many(gw_buf *b, unsigned num);

/** Bytes of payload that it may come to hold: a copy that is compressed (pack.h) is
 * shorter, and nobody knows before whether there will be one. */
static inline uint64_t gw_buf_most_bytes(const gw_buf *b) {
  return b->len >= b->pack_min ? 2 * (uint64_t)b->len : b->len;
}

/** The payload. */
gw_view gw_buf_payload(const gw_buf *b);
/** The payload with its WebSocket header. */
gw_view gw_buf_framed(const gw_buf *b);

#endif
