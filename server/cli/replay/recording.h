/* SPDX-License-Identifier: MIT */
/* recording.h - a recording of one client's traffic: its lines, and reading them
 * from a file. */
#ifndef GODWIT_CLI_RECORDING_H
#define GODWIT_CLI_RECORDING_H

#include <stdio.h>

#include "godwit/wire.h"

/*
 * JSON Lines. The first is the header:
 *
 *   {"format":"godwit-recording","version":1,"sdk":"0.1.0","host":"...",
 *    "start":"2026-01-31T23:59:59.123Z","payloads":true}
 *
 * Each other one has "t", milliseconds since the start by a clock that never goes
 * back; "n", the number of the connection, if it is about one; and one of these:
 *
 *   "open":"ws://host/path"      the client asked for a connection
 *   "opened":"godwit.v1"         it is open, with that subprotocol
 *   "out":"base64"               a message of the client
 *   "in":"base64"                a message of the server
 *   "text":12                    a text message of so many characters
 *   "close":{"code","reason"}    the client closes
 *   "closed":{"code","reason","retryAfterMs"}    it is over
 *   "cut":12                     so many lines before are not there any more
 *   "wake":"online"              offline, visible, hidden: what the host was told
 *   "note":"text"                the application's own words
 */
#define GW_RECORDING_FORMAT  "godwit-recording"
#define GW_RECORDING_VERSION 1u

/** The longest line: the largest frame in base64, and what stands beside it. */
#define GW_RECORDING_MAX_LINE_BYTES (GW_MAX_FRAME_BYTES_HARD / 3u * 4u + 4096u)
/** The largest file, as all of it is kept in memory. */
#define GW_RECORDING_MAX_BYTES (256u * 1024u * 1024u)

enum gw_recorded {
  GW_RECORDED_OPEN,
  GW_RECORDED_OPENED,
  GW_RECORDED_OUT,
  GW_RECORDED_IN,
  GW_RECORDED_TEXT,
  GW_RECORDED_CLOSE,
  GW_RECORDED_CLOSED,
  GW_RECORDED_CUT,
  GW_RECORDED_WAKE,
  GW_RECORDED_NOTE
};

typedef struct gw_recorded_line {
  uint32_t number; /**< in the file, from 1 */
  enum gw_recorded type;
  uint64_t t_ms;
  uint32_t n;        /**< connection, from 1; 0: none */
  gw_view bytes;     /**< the message, made whole, or the text */
  size_t wire_bytes; /**< of the message as it travelled */
  uint32_t code;     /**< of a close; TEXT, CUT: how many; WAKE: enum gw_wake */
  uint32_t retry_after_ms;
} gw_recorded_line;

typedef struct gw_recording {
  char *sdk;   /**< version of the package, or of the binary */
  char *host;  /**< what ran it */
  char *start; /**< wall clock */
  bool has_payloads;
  gw_recorded_line *lines;
  size_t num_lines;
  /* private */
  size_t cap;
  uint32_t last_n;
} gw_recording;

/** Why a recording cannot be read. */
typedef struct gw_recording_fault {
  uint32_t line; /**< from 1; 0: of none */
  char why[200];
  const char *remedy; /**< a sentence; static */
} gw_recording_fault;

/**
 * Read all of a file.
 *   r        all zero; gw_recording_deinit it in any case
 *   returns  0, or GW_ERR_PROTOCOL (not a recording), GW_ERR_PEER_TOO_BIG,
 *            GW_ERR_NOMEM with *fault filled in
 */
GW_MUST_USE int gw_recording_read(gw_recording *r, FILE *from,
                                  gw_recording_fault *fault);

/** The same for one line, without its end: the first makes the header. */
GW_MUST_USE int gw_recording_add(gw_recording *r, uint32_t number, gw_view text,
                                 gw_recording_fault *fault);

void gw_recording_deinit(gw_recording *r);

/** Take the next frame off the front of a message; false: it is at its end, or what
 * is left is no whole frame. */
bool gw_recorded_frame(gw_view *rest, gw_frame *frame);

#endif
