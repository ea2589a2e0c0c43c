/* SPDX-License-Identifier: MIT */
/* cmd.c - the table of subcommands, and the two that tell about the binary. */
#include "server/cli/cmd.h"

#include <stdio.h>
#include <string.h>

const gw_cmd gw_cmds[] = {
    {"serve", gw_cmd_serve, "run the server"},
    {"version", gw_cmd_version, "print the version"},
    {"help", gw_cmd_help, "print this list"},
    {NULL, NULL, NULL},
};

const gw_cmd *gw_cmd_find(const char *name) {
  for (const gw_cmd *c = gw_cmds; c->name; c++)
    if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

int gw_cmd_version(int argc, char **argv) {
  (void)argc;
  (void)argv;
  puts("godwit " GW_VERSION);
  return GW_EXIT_OK;
}

int gw_cmd_help(int argc, char **argv) {
  (void)argc;
  (void)argv;
  puts("usage: godwit SUBCOMMAND [options]\n");
  for (const gw_cmd *c = gw_cmds; c->name; c++)
    printf("  %-10s %s\n", c->name, c->summary);
  puts("\nEach subcommand explains itself: godwit SUBCOMMAND --help");
  return GW_EXIT_OK;
}
