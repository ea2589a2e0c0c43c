/* SPDX-License-Identifier: MIT */
/* cmd.h - the subcommands of the `godwit` binary. */
#ifndef GODWIT_CLI_CMD_H
#define GODWIT_CLI_CMD_H

#include <stddef.h>

/** What the binary exits with; 1 is a client command's own failure. */
enum gw_exit {
  GW_EXIT_OK = 0,
  GW_EXIT_FAILED = 1,
  GW_EXIT_USAGE = 2,  /**< command line or configuration is wrong */
  GW_EXIT_LISTEN = 3, /**< an address cannot be listened on */
  GW_EXIT_START = 4,  /**< another reason not to start */
  GW_EXIT_LATER = 69  /**< the subcommand comes later (EX_UNAVAILABLE) */
};

/** A subcommand: argv[0] is its name. Returns the exit code. */
typedef int (*gw_cmd_fn)(int argc, char **argv);

typedef struct gw_cmd {
  const char *name;
  gw_cmd_fn run;
  const char *summary; /**< half a line for `godwit help` */
} gw_cmd;

/** All subcommands in the order that help lists them; the last has no name. */
extern const gw_cmd gw_cmds[];

/** NULL when there is none of that name. */
const gw_cmd *gw_cmd_find(const char *name);

/** The subcommand whose name is most like it. */
const char *gw_cmd_nearest(const char *name);

int gw_cmd_serve(int argc, char **argv);
int gw_cmd_config(int argc, char **argv);
int gw_cmd_publish(int argc, char **argv);
int gw_cmd_subscribe(int argc, char **argv);
int gw_cmd_send(int argc, char **argv);
int gw_cmd_presence(int argc, char **argv);
int gw_cmd_rpc(int argc, char **argv);
int gw_cmd_channels(int argc, char **argv);
int gw_cmd_state(int argc, char **argv);
int gw_cmd_api(int argc, char **argv);
int gw_cmd_hash_password(int argc, char **argv);
int gw_cmd_bench(int argc, char **argv);
int gw_cmd_replay(int argc, char **argv);
int gw_cmd_token(int argc, char **argv);
int gw_cmd_version(int argc, char **argv);
int gw_cmd_help(int argc, char **argv);

#endif
