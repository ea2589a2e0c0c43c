/* SPDX-License-Identifier: MIT */
/* token_command.c - runs the command of --token-command. */
#include "server/cli/token_command.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "godwit/codes.h"

/** What the shell says when there is no such command, or it may not be run. */
#define STATUS_NOT_RUN   126
#define STATUS_NOT_FOUND 127

static void tell(const gw_token_command *t, const char *what) {
  fprintf(stderr, "%s: --token-command: %s\n", t->name, what);
}

/* ---- what came of it --------------------------------------------------------- */

static gw_view token_of(const gw_token_command *t) {
  gw_view v = {(const uint8_t *)t->text, t->len};
  if (v.len > 0 && v.data[v.len - 1] == '\n') v.len--;
  if (v.len > 0 && v.data[v.len - 1] == '\r') v.len--;
  return v;
}

/** The code for a command that failed; 0 if it did not. */
static uint32_t failure(const gw_token_command *t) {
  if (t->error != 0) {
    tell(t, uv_strerror(t->error));
    return GW_CODE_AUTH_UNAVAILABLE;
  }
  if (t->signal != 0) {
    fprintf(stderr, "%s: --token-command: ended by signal %d\n", t->name,
            t->signal);
    return GW_CODE_AUTH_UNAVAILABLE;
  }
  if (t->status == 0) return GW_CODE_OK;
  fprintf(stderr, "%s: --token-command: exit status %" PRId64 "\n", t->name,
          t->status);
  bool is_for_good =
      t->status == STATUS_NOT_RUN || t->status == STATUS_NOT_FOUND;
  return is_for_good ? GW_CODE_NO_TOKEN : GW_CODE_AUTH_UNAVAILABLE;
}

/** The code for what it printed. */
static uint32_t misfit(const gw_token_command *t, gw_view token) {
  if (token.len == 0) {
    tell(t, "it printed no token");
    return GW_CODE_NO_TOKEN;
  }
  if (token.len > GW_MAX_TOKEN_BYTES) {
    tell(t, "it printed more than a token may have");
    return GW_CODE_TOO_BIG;
  }
  if (gw_view_is_text(token)) return GW_CODE_OK;
  tell(t, "it printed what is no text");
  return GW_CODE_BAD_TEXT;
}

static void end(gw_token_command *t) {
  if (t->is_cancelled) return;
  gw_view token = token_of(t);
  bool is_cut = t->len == sizeof t->text; /* of which it may have died */
  uint32_t code = is_cut ? (uint32_t)GW_CODE_OK : failure(t);
  if (code == GW_CODE_OK) code = misfit(t, token);
  t->on_end(t->user, code, token);
}

static void on_handle_closed(uv_handle_t *handle) {
  gw_token_command *t = handle->data;
  if (--t->num_open == 0) end(t);
}

static void close_handle(uv_handle_t *handle) {
  if (!uv_is_closing(handle)) uv_close(handle, on_handle_closed);
}

/* ---- a run -------------------------------------------------------------------- */

static void on_exit(uv_process_t *process, int64_t status, int number) {
  gw_token_command *t = process->data;
  t->status = status;
  t->signal = number;
  close_handle((uv_handle_t *)process);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  gw_token_command *t = handle->data;
  (void)size;
  *buf = uv_buf_init(t->text + t->len, (unsigned)(sizeof t->text - t->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  gw_token_command *t = stream->data;
  (void)buf;
  if (n > 0) t->len += (size_t)n;
  /* When it is full, the command gets a broken pipe. */
  if (n < 0 || t->len == sizeof t->text) close_handle((uv_handle_t *)stream);
}

void gw_token_command_run(gw_token_command *t, uv_loop_t *loop) {
  char *args[] = {"sh", "-c", (char *)(uintptr_t)t->command, NULL};
  uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                   {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                                    .data.stream = (uv_stream_t *)&t->output},
                                   {.flags = UV_INHERIT_FD, .data.fd = 2}};
  uv_process_options_t options = {.file = "sh",
                                  .args = args,
                                  .exit_cb = on_exit,
                                  .stdio = stdio,
                                  .stdio_count = 3};
  t->len = 0;
  t->status = t->signal = 0;
  t->is_cancelled = false;
  (void)uv_pipe_init(loop, &t->output, 0);
  t->output.data = t->process.data = t;
  t->num_open = 2;
  t->error = uv_spawn(loop, &t->process, &options);
  if (t->error == 0) {
    (void)uv_read_start((uv_stream_t *)&t->output, on_alloc, on_read);
  } else {
    close_handle((uv_handle_t *)&t->process); /* also a failed one is open */
    close_handle((uv_handle_t *)&t->output);
  }
}

void gw_token_command_cancel(gw_token_command *t) {
  if (t->num_open == 0 || t->is_cancelled) return;
  t->is_cancelled = true;
  if (uv_is_active((uv_handle_t *)&t->process))
    (void)uv_process_kill(&t->process, SIGTERM);
  close_handle((uv_handle_t *)&t->process);
  close_handle((uv_handle_t *)&t->output);
}
