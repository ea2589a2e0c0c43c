/* SPDX-License-Identifier: MIT */
/* lz4.h - compressed bodies, read: the LZ4 block format. */
#ifndef GODWIT_LZ4_H
#define GODWIT_LZ4_H

#include "godwit/wire.h"

/*
 * The body of a frame with GW_FLAG_COMPRESSED stands for a longer one:
 *
 *   +-------------+-----------------+
 *   | size before | one LZ4 block   |
 *   | varint      | up to the end   |
 *   +-------------+-----------------+
 *
 * The block format is specified in lz4_Block_format.md of github.com/lz4/lz4. A
 * block is a row of sequences, each some literals and then a copy of what was
 * made before; the last one ends with its literals.
 *
 *   +-------+----------------+----------+--------+--------------+
 *   | token | length, cont'd | literals | offset | copy, cont'd |
 *   | u8    | u8 ...         |          | u16 LE | u8 ...       |
 *   +-------+----------------+----------+--------+--------------+
 *
 * The token has the number of literals in its upper half, and the length of the
 * copy less 4 in the lower one. 15 is added to by the bytes that continue it, up
 * to the first that is not 255. The offset counts back from the end of what was
 * made; a copy may run into itself. What is read is bounds-checked, so that any
 * bytes may be given.
 */

/** No byte of a block makes more than this many: a body that claims to is none,
 * and no memory is taken for it. */
#define GW_LZ4_RATIO_MAX 255u

/**
 * Take the size before from the front of a body, so that the block is left.
 *   returns  the size; GW_ERR_PROTOCOL: it is none that the block can have
 */
GW_MUST_USE int64_t gw_lz4_size(gw_view *body);

/**
 * Fill len bytes with what the block makes; it is GW_MAX_FRAME_BYTES_HARD long at
 * most.
 *   returns  0; GW_ERR_PROTOCOL: it is malformed, or makes another number of
 *            bytes, and what is in `to` means nothing
 */
GW_MUST_USE int gw_lz4_unpack(gw_view block, uint8_t *to, size_t len);

#endif
