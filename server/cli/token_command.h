/* SPDX-License-Identifier: MIT */
/* token_command.h - tokens that a command of the shell prints. */
#ifndef GODWIT_CLI_TOKEN_COMMAND_H
#define GODWIT_CLI_TOKEN_COMMAND_H

#include <uv.h>

#include "godwit/limits.h"
#include "godwit/wire.h"

/** With the end of the line, and one byte more that shows that it is too long. */
#define GW_TOKEN_COMMAND_MAX (GW_MAX_TOKEN_BYTES + 3u)

/**
 * Runs `sh -c COMMAND`, whose standard output is the token. Its standard error is
 * ours, its standard input empty. One loop, one run at a time.
 */
typedef struct gw_token_command gw_token_command;
struct gw_token_command {
  /* public, before the first run */
  const char *name; /**< of the subcommand, for what is told */
  const char *command;
  /** What came of a run, once, from the loop: a token, or with a code none and
   * whether it may be asked for again. Failures are told before. */
  void (*on_end)(void *user, uint32_t code, gw_view token);
  void *user;
  /* private */
  uv_process_t process;
  uv_pipe_t output;
  unsigned num_open; /* handles that are not closed yet */
  bool is_cancelled;
  int error; /* of libuv: there was no process */
  int64_t status;
  int signal;
  size_t len;
  char text[GW_TOKEN_COMMAND_MAX];
};

void gw_token_command_run(gw_token_command *t, uv_loop_t *loop);
/** Stop what runs: no on_end comes. The loop has to run on. */
void gw_token_command_cancel(gw_token_command *t);

#endif
