/* SPDX-License-Identifier: MIT */
/* lines.c - the standard input as lines: a pipe or a terminal through libuv, a
 * file by reading it, as it never makes anybody wait. */
#include "server/cli/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool make_room(gw_lines *l, size_t num) {
  if (l->start > 0) {
    memmove(l->buffer, l->buffer + l->start, l->len - l->start);
    l->len -= l->start;
    l->start = 0;
  }
  if (l->cap - l->len >= num) return true;
  size_t cap = (l->len + num) * 2;
  char *buffer = realloc(l->buffer, cap);
  if (buffer == NULL) return false;
  l->buffer = buffer;
  l->cap = cap;
  return true;
}

static void end(gw_lines *l, const char *why) {
  if (l->is_closed) return;
  gw_lines_close(l);
  l->on_end(l->user, why);
}

/** Hand out what is whole. false: paused, or closed. */
static bool hand_out(gw_lines *l) {
  while (!l->is_closed && l->start < l->len) {
    char *from = l->buffer + l->start;
    size_t left = l->len - l->start;
    const char *newline = memchr(from, '\n', left);
    if (newline == NULL && !l->is_over) break;
    size_t len = newline != NULL ? (size_t)(newline - from) : left;
    if (!l->on_line(l->user, (gw_view){(const uint8_t *)from, len})) {
      return false;
    }
    l->start += newline != NULL ? len + 1 : len;
  }
  if (l->is_closed) return false;
  if (l->len - l->start > GW_LINES_MAX_BYTES) {
    end(l, "a line is too long");
    return false;
  }
  return true;
}

static void pause_reading(gw_lines *l) {
  if (l->is_stream && l->is_reading) (void)uv_read_stop(&l->input.stream);
  l->is_reading = false;
  (void)uv_idle_stop(&l->turn);
}

/** Work through what is there; at its end, say so. */
static void advance(gw_lines *l) {
  if (!hand_out(l)) {
    if (!l->is_closed) pause_reading(l);
  } else if (l->is_over) {
    end(l, NULL);
  }
}

/* ---- streams --------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf) {
  gw_lines *l = handle->data;
  (void)wanted;
  bool has_room = make_room(l, GW_LINES_READ_BYTES);
  *buf = has_room ? uv_buf_init(l->buffer + l->len, GW_LINES_READ_BYTES)
                  : uv_buf_init(NULL, 0);
}

static void on_read(uv_stream_t *stream, ssize_t num, const uv_buf_t *buf) {
  gw_lines *l = stream->data;
  (void)buf;
  if (num > 0) l->len += (size_t)num;
  if (num < 0 && num != UV_EOF) {
    end(l, uv_strerror((int)num));
    return;
  }
  if (num == UV_EOF) {
    l->is_over = true;
    pause_reading(l);
  }
  advance(l);
}

/* ---- files ----------------------------------------------------------------- */

static void read_file(gw_lines *l) {
  if (!make_room(l, GW_LINES_READ_BYTES)) {
    end(l, "out of memory");
    return;
  }
  ssize_t num = read(STDIN_FILENO, l->buffer + l->len, GW_LINES_READ_BYTES);
  if (num < 0 && errno == EINTR) return;
  if (num < 0) {
    end(l, strerror(errno));
    return;
  }
  l->is_over = num == 0;
  l->len += (size_t)num;
}

static void on_turn(uv_idle_t *turn) {
  gw_lines *l = turn->data;
  if (l->is_stream || l->is_over) {
    (void)uv_idle_stop(turn);
  } else {
    read_file(l);
  }
  if (!l->is_closed) advance(l);
}

/* ---- life ------------------------------------------------------------------ */

static int open_stream(gw_lines *l, uv_loop_t *loop) {
  uv_handle_type type = uv_guess_handle(STDIN_FILENO);
  int err = 0;
  if (type == UV_TTY) {
    err = uv_tty_init(loop, &l->input.tty, STDIN_FILENO, 1);
  } else if (type == UV_NAMED_PIPE) {
    err = uv_pipe_init(loop, &l->input.pipe, 0);
    if (err == 0) err = uv_pipe_open(&l->input.pipe, STDIN_FILENO);
  } else {
    return type == UV_FILE ? 0 : UV_EBADF;
  }
  l->is_stream = err == 0;
  return err;
}

int gw_lines_open(gw_lines *l, uv_loop_t *loop) {
  if (open_stream(l, loop) != 0) return GW_ERR_STATE;
  l->input.handle.data = l;
  (void)uv_idle_init(loop, &l->turn);
  l->turn.data = l;
  gw_lines_resume(l);
  return 0;
}

void gw_lines_resume(gw_lines *l) {
  if (l->is_closed || l->is_reading) return;
  l->is_reading = true;
  (void)uv_idle_start(&l->turn, on_turn);
  if (l->is_stream && !l->is_over) {
    (void)uv_read_start(&l->input.stream, on_alloc, on_read);
  }
}

void gw_lines_close(gw_lines *l) {
  if (l->is_closed) return;
  l->is_closed = true;
  if (l->is_stream) uv_close(&l->input.handle, NULL);
  uv_close((uv_handle_t *)&l->turn, NULL);
}

void gw_lines_deinit(gw_lines *l) {
  free(l->buffer);
  l->buffer = NULL;
}
