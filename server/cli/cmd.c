/* SPDX-License-Identifier: MIT */
/* cmd.c - the table of subcommands, and the two that tell about the binary. */
#include "server/cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "server/config/keys.h"

const gw_cmd gw_cmds[] = {
    {"serve", gw_cmd_serve, "run the server"},
    {"config", gw_cmd_config, "print the defaults, check godwit.yaml"},
    {"publish", gw_cmd_publish, "publish to a channel"},
    {"subscribe", gw_cmd_subscribe, "print what is published to channels"},
    {"send", gw_cmd_send, "send a message to a user, a group, everybody"},
    {"presence", gw_cmd_presence, "show who is in a channel"},
    {"rpc", gw_cmd_rpc, "call a method of the server or of a client"},
    {"channels", gw_cmd_channels, "list the channels of a server"},
    {"state", gw_cmd_state, "read, change and watch shared state"},
    {"token", gw_cmd_token, "make tokens to develop with, check others"},
    {"hash-password", gw_cmd_hash_password,
     "hash the password of an administrator"},
    {"api", gw_cmd_api, "ask the server API, as an application does"},
    {"replay", gw_cmd_replay, "show and check what a client recorded"},
    {"bench", gw_cmd_bench, "put load on a server"},
    {"version", gw_cmd_version, "print the version"},
    {"help", gw_cmd_help, "print this list"},
    {NULL, NULL, NULL},
};

/* Their interface is fixed (docs/architecture.md), their content comes later. */
static const char *const later[] = {"doctor", "gen", "new", "tail", "top"};

static int run_later(int argc, char **argv) {
  (void)argc;
  fprintf(stderr, "godwit %s: not there yet; it comes with a later version\n",
          argv[0]);
  return GW_EXIT_LATER;
}

const gw_cmd *gw_cmd_find(const char *name) {
  for (const gw_cmd *c = gw_cmds; c->name; c++)
    if (strcmp(c->name, name) == 0) return c;
  static const gw_cmd not_yet = {"later", run_later, NULL};
  for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
    if (strcmp(later[i], name) == 0) return &not_yet;
  return NULL;
}

const char *gw_cmd_nearest(const char *name) {
  gw__nearest best = GW__NEAREST_NONE;
  for (const gw_cmd *c = gw_cmds; c->name; c++)
    gw__nearest_try(&best, c->name, name);
  return best.name;
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
    printf("  %-13s %s\n", c->name, c->summary);
  puts("\nEach subcommand explains itself: godwit SUBCOMMAND --help\n"
       "\n"
       "To begin with, in three terminals:\n"
       "    godwit serve --dev\n"
       "    godwit subscribe room:lobby --since start\n"
       "    godwit publish room:lobby '{\"text\":\"hi\"}'\n");
  fputs("Not there yet:", stdout);
  for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
    printf(" %s", later[i]);
  putchar('\n');
  return GW_EXIT_OK;
}
