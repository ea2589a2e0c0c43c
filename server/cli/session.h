/* SPDX-License-Identifier: MIT */
/* session.h - a subcommand that is a client: its connection, its loop, its end. */
#ifndef GODWIT_CLI_SESSION_H
#define GODWIT_CLI_SESSION_H

#include "client/ports/lws.h"
#include "server/cli/options.h"
#include "server/cli/record.h"
#include "server/cli/token_command.h"

/** What every client subcommand can be told. All zero: defaults. */
typedef struct gw_cli_options {
  const char *url;
  const char *user;
  const char *token;
  const char *token_command; /**< of the shell, prints one */
  const char *retry;         /**< name of a preset */
  const char *ca_file;
  const char *record; /**< file for what goes over the wire */
  bool is_insecure;
  uint32_t timeout_ms; /**< 0: 10 s */
} gw_cli_options;

/** Number of rows of the table of these options, with its end. */
#define GW_CLI_NUM_OPTIONS 10u

typedef struct gw_cli gw_cli;
struct gw_cli {
  /* public, before gw_cli_open */
  const char *name; /**< "godwit publish" */
  gw_cli_options options;
  /** Runs until it is interrupted: tells each change of the connection. If not,
   * interrupting it is a failure, and so is the deadline. */
  bool is_lasting;
  void (*on_event)(gw_cli *cli, const gw_event *event);
  /** Close handles of your own on the loop. May be NULL. */
  void (*on_ending)(gw_cli *cli);
  void *user;
  /* read-only */
  gw_client *client;
  uv_loop_t loop;
  /* private */
  gw_lws *port;
  gw_record *record; /**< NULL: nothing is recorded */
  uv_signal_t signals[2];
  uv_timer_t deadline;
  uv_timer_t ending;
  gw_token_command token_command;
  uint32_t ask; /**< the question that it answers */
  uint64_t end_by_ms;
  int exit_code;
  bool is_ending;
  bool is_open;     /**< was ready at some time */
  bool is_warned;   /**< that it cannot connect */
  char reason[256]; /**< why the last attempt failed */
};

/**
 * Read the command line of a command that connects; see gw_options_parse.
 *   table    what usage->connection points at: filled with the options that all
 *            such commands have
 *   returns  0; -1: help was asked for and given; the exit code for a mistake,
 *            which is told
 */
int gw_cli_parse(gw_cli *cli, const gw_usage *usage,
                 gw_option table[GW_CLI_NUM_OPTIONS], int *argc, char **argv);

/** Whether a name can be that of a channel. Returns 0, or the exit code after a
 * mistake, which is told. */
int gw_cli_check_channel(const gw_usage *usage, const char *name);

/** Make the client and begin to connect. Returns 0, or the exit code after a
 * mistake, which is told. */
int gw_cli_open(gw_cli *cli);

/** Run until gw_cli_end or a signal, say goodbye, free everything. Returns the
 * exit code. */
int gw_cli_run(gw_cli *cli);

/** End with an exit code; the first counts. May be called in an event. */
void gw_cli_end(gw_cli *cli, int code);

/** Fail after the timeout from now on, unless it is told again or disarmed. */
void gw_cli_arm(gw_cli *cli);
void gw_cli_disarm(gw_cli *cli);

/** Tell a failure on standard error: the command's name, the code's name and
 * sentence, or the peer's words. */
void gw_cli_tell(const gw_cli *cli, const char *what, uint32_t code,
                 gw_view reason);

/** After a line on standard output: hand it on; end when nobody reads. */
void gw_cli_flush(gw_cli *cli);

#endif
