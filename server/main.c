/* SPDX-License-Identifier: MIT */
/* main.c - argv to subcommand. */
#include <stdio.h>
#include <string.h>

#include "server/cli/cmd.h"

int main(int argc, char **argv) {
  if (argc < 2) {
    gw_cmd_help(0, NULL);
    return GW_EXIT_USAGE;
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0) name = "version";
  const gw_cmd *cmd = gw_cmd_find(name);
  if (!cmd) {
    fprintf(stderr,
            "godwit: there is no subcommand '%s'; the nearest is %s, `godwit "
            "help` lists them\n",
            name, gw_cmd_nearest(name));
    return GW_EXIT_USAGE;
  }
  return cmd->run(argc - 1, argv + 1);
}
