/* SPDX-License-Identifier: MIT */
/* delta.h - bytes as changes to other bytes: what a publication has in common
 * with the one before it is not sent again. */
#ifndef GODWIT_DELTA_H
#define GODWIT_DELTA_H

#include "godwit/wire.h"

/*
 * A delta makes a target out of a base that the receiver has. The idea, pieces
 * of the base and new bytes in turn, is that of VCDIFF (RFC 3284) and of Fossil;
 * the format is simpler than either.
 *
 *   +-----------+------------+---------------------------+
 *   | checksum  | target len | instructions ...          |
 *   | u32, LE   | varint     |                           |
 *   +-----------+------------+---------------------------+
 *
 * An instruction begins with a varint: its lowest bit says what it is, the others
 * how many bytes of the target it makes, at least one.
 *
 *   0  insert  the bytes follow
 *   1  copy    from the base; a varint follows that says from where
 *
 * Where from is told as the distance from the place in the base that follows the
 * last copied byte and, byte for byte, what was inserted since; in zigzag, as of
 * sint64 in Protocol Buffers. So where bytes only changed, and nothing moved, it
 * is 0.
 *
 * The checksum is that of the target, FNV-1a in 32 bits. It tells a receiver that
 * its base is another one.
 */

/** Places of the base that an encoder knows at most; of a longer one they lie so
 * much farther apart, and only longer pieces are found again. */
#define GW_DELTA_PLACES 8192u

/** What an encoder works in: 32 KiB of the caller's, of no use afterwards. */
typedef struct gw_delta_table {
  uint16_t first[GW_DELTA_PLACES];
  uint16_t next[GW_DELTA_PLACES];
} gw_delta_table;

/**
 * Append the delta that makes target of base. Takes time in proportion to their
 * lengths, which are GW_MAX_FRAME_BYTES_HARD at most, whatever is in them.
 *   returns  0; GW_ERR_FULL: it is longer than there is room, and out is as it was
 */
GW_MUST_USE int gw_delta_make(gw_view base, gw_view target,
                              gw_delta_table *table, gw_out *out);

/** How long the target is, as the delta says; GW_ERR_PROTOCOL: it is none. */
GW_MUST_USE int64_t gw_delta_target_len(gw_view delta);

/**
 * Append the target. Any bytes may be given as a delta: nothing outside of base
 * and delta is read.
 *   returns  0; GW_ERR_PROTOCOL: it is no delta, or not to this base; GW_ERR_FULL:
 *            there is less room than the target is long. out is as it was then
 */
GW_MUST_USE int gw_delta_apply(gw_view base, gw_view delta, gw_out *out);

#endif
