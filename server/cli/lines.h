/* SPDX-License-Identifier: MIT */
/* lines.h - lines of the standard input, whatever it is, on a loop. */
#ifndef GODWIT_CLI_LINES_H
#define GODWIT_CLI_LINES_H

#include <uv.h>

#include "godwit/wire.h"

/** The longest line: no frame may be larger. */
#define GW_LINES_MAX_BYTES GW_MAX_FRAME_BYTES_HARD

/** Bytes of one read. */
#define GW_LINES_READ_BYTES 65536u

typedef struct gw_lines gw_lines;
struct gw_lines {
  /* public, before gw_lines_open */
  /** A line without its end. false: not now; it comes again after
   * gw_lines_resume. */
  bool (*on_line)(void *user, gw_view line);
  /** The end, once. why: NULL, or what went wrong. */
  void (*on_end)(void *user, const char *why);
  void *user;
  /* private */
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tty_t tty;
  } input;
  uv_idle_t turn; /* goes on after a pause, and reads files */
  bool is_stream;
  bool is_reading;
  bool is_over; /* all was read */
  bool is_closed;
  char *buffer;
  size_t start; /* of what no line was made of yet */
  size_t len;
  size_t cap;
};

/** Begin. Returns 0, GW_ERR_NOMEM, GW_ERR_STATE (no standard input). */
GW_MUST_USE int gw_lines_open(gw_lines *l, uv_loop_t *loop);
void gw_lines_resume(gw_lines *l);
/** Close; the loop has to run on. May be called twice, and in on_line. */
void gw_lines_close(gw_lines *l);
/** After the loop. */
void gw_lines_deinit(gw_lines *l);

#endif
