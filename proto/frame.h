/* SPDX-License-Identifier: MIT */
/* frame.h - pieces of a frame that reader.c and codec.c need as well. */
#ifndef GODWIT_PROTO_FRAME_H
#define GODWIT_PROTO_FRAME_H

#include "godwit/wire.h"

/** Bytes of a varint of 32 bits at most. */
#define GW__VARINT_MAX 5u

/** Returns bytes used; 0: more are needed; GW_ERR_PROTOCOL over 32 bits. */
int gw__varint_get(gw_view in, uint32_t *value);

/** Take one from the front; false: it is cut, or over 32 bits. */
bool gw__varint_take(gw_view *in, uint32_t *value);

/** Returns bytes written, at most GW__VARINT_MAX. */
size_t gw__varint_put(uint8_t *to, uint32_t value);

/**
 * Read a frame's length prefix and refuse what no valid frame can have.
 *   returns  bytes of the prefix; 0: more are needed; GW_ERR_PROTOCOL,
 *            GW_ERR_PEER_TOO_BIG
 */
int gw__prefix_get(gw_view in, uint32_t max_frame_bytes, uint32_t *len);

/**
 * Write what stands before a body, at most GW_FRAME_HEAD_MAX bytes.
 *   returns  bytes written; GW_ERR_TOO_BIG for a frame that no reader takes
 */
int gw__head_put(uint8_t *to, const gw_head *head, size_t body_len);

#endif
