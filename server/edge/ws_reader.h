/* SPDX-License-Identifier: MIT */
/* ws_reader.h - a client's WebSocket frames, from bytes as they come (RFC 6455,
 * section 5). No I/O. */
#ifndef GODWIT_EDGE_WS_READER_H
#define GODWIT_EDGE_WS_READER_H

#include "godwit/wire.h"

/** Bytes at most that make nothing yet: of a control frame, all but the last. */
#define GW_WS_READER_HELD 130u

/** Bytes that may be changed. */
typedef struct gw_ws_bytes {
  uint8_t *data;
  size_t len;
} gw_ws_bytes;

/** What comes next in a stream of frames. */
enum gw_ws_item {
  GW_WS_NOTHING, /**< more bytes are needed */
  GW_WS_DATA,    /**< of a message: a part, or its end */
  GW_WS_PING,
  GW_WS_PONG,
  GW_WS_CLOSE,
  GW_WS_FAULT /**< a breach of the RFC; nothing behind it can be read */
};

typedef struct gw_ws_found {
  gw_view
      bytes;    /**< of the payload, without mask, in the memory of the input */
  bool is_text; /**< DATA */
  bool is_end;  /**< DATA: of the message */
  uint32_t code;   /**< FAULT: for a close frame (RFC 6455, 7.4) */
  const char *why; /**< FAULT: static */
} gw_ws_found;

/** The state of one stream. All zero: nothing was read. */
typedef struct gw_ws_reader {
  /* private */
  uint64_t left;    /* of the payload of a data frame */
  uint8_t mask[4];  /* the first is for the next byte */
  uint8_t opcode;   /* of the message that is being read; 0: none is */
  bool is_in_frame; /* behind its head */
  bool is_last;     /* this frame ends the message */
  uint8_t num_cut;
  uint8_t cut[3]; /* of text: a character that is not whole yet */
} gw_ws_reader;

/**
 * Read on. Bytes are taken from *in, which moves on, and unmasked in their place.
 *   NOTHING  what is left in *in, GW_WS_READER_HELD bytes at most, has to stand in
 *            front of what comes later
 */
enum gw_ws_item gw_ws_reader_next(gw_ws_reader *r, gw_ws_bytes *in,
                                  gw_ws_found *found);

/** Whether a close frame may say this: NULL, or what is wrong and the code of the
 * answer (RFC 6455, 5.5.1 and 7.4; the registry as of 2025). */
const char *gw_ws_close_fault(gw_view payload, uint32_t *code);

#endif
