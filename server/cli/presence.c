/* SPDX-License-Identifier: MIT */
/* presence.c - `godwit presence`: who is in a channel, once or from now on. */
#include <inttypes.h>
#include <stdio.h>

#include "server/cli/cmd.h"
#include "server/cli/members.h"
#include "server/cli/session.h"
#include "server/cli/text.h"

typedef struct presence {
  gw_cli cli;
  bool as_json;
  bool watch;
  const char *channel;
  uint32_t sub;
  bool is_synced; /**< the list was printed */
  bool has_heading;
  uint32_t num_members;
} presence;

static void put_member(presence *p, const gw_presence_member *m) {
  p->num_members++;
  if (p->as_json) {
    putchar('{');
    gw_members_put_json(stdout, m);
    fputs("}\n", stdout);
    return;
  }
  if (!p->has_heading) gw_members_put_heading(stdout);
  p->has_heading = true;
  gw_members_put_row(stdout, m);
}

/** What the members that were listed do not say. */
static void put_rest(const presence *p, const gw_presence_numbers *n) {
  if (n->mode > GW_PRESENCE_MODE_IDS) {
    gw_members_put_numbers(stdout, n, gw_view_of(p->channel), p->as_json);
    return;
  }
  if (p->num_members > 0 || p->as_json) return;
  fputs("nobody is in ", stdout);
  gw_text_put(stdout, gw_view_of(p->channel));
  putchar('\n');
}

/* ---- once ------------------------------------------------------------------ */

static void on_reply(presence *p, const gw_event *e) {
  gw_cli_arm(&p->cli);
  if (e->u.reply.code != GW_CODE_OK) {
    gw_cli_tell(&p->cli, "refused", e->u.reply.code, e->u.reply.reason);
    gw_cli_end(&p->cli, GW_EXIT_FAILED);
    return;
  }
  gw_list list =
      e->u.reply.members != NULL ? *e->u.reply.members : (gw_list){0};
  gw_view item;
  while (gw_list_next(&list, &item)) {
    gw_presence_member m;
    if (gw_decode_presence_member(item, &m) == 0) put_member(p, &m);
  }
  if (e->u.reply.more) return;
  put_rest(p, &e->u.reply.numbers);
  gw_cli_flush(&p->cli);
  gw_cli_end(&p->cli, GW_EXIT_OK);
}

/* ---- from now on ----------------------------------------------------------- */

static bool visit(void *arg, const gw_presence_member *m) {
  put_member(arg, m);
  return true;
}

/** The list at first, and where it is another one; else the changes were told. */
static void on_synced(presence *p, const gw_event *e) {
  const gw_presence_numbers *n = &e->u.presence_sync.numbers;
  if (p->is_synced && !e->u.presence_sync.anew) return;
  bool is_whole = n->mode <= GW_PRESENCE_MODE_IDS;
  if (!p->is_synced || is_whole)
    gw_client_members(p->cli.client, p->sub, visit, p);
  put_rest(p, n);
  p->is_synced = true;
  gw_cli_disarm(&p->cli);
  gw_cli_flush(&p->cli);
}

static void on_change(presence *p, const gw_event *e) {
  if (!p->is_synced) return;
  gw_members_put_change(stdout, e, gw_view_of(p->channel), p->as_json);
  gw_cli_flush(&p->cli);
}

static void on_ended(presence *p, const gw_event *e) {
  gw_cli_tell(&p->cli, "refused", e->u.sub.code, e->u.sub.reason);
  gw_cli_end(&p->cli, GW_EXIT_FAILED);
}

static void on_event(gw_cli *cli, const gw_event *e) {
  presence *p = cli->user;
  if (e->type == GW_EVENT_REPLY) on_reply(p, e);
  if (e->type == GW_EVENT_PRESENCE) on_change(p, e);
  if (e->type == GW_EVENT_PRESENCE_SYNC) on_synced(p, e);
  if (e->type == GW_EVENT_SUB_STATE && e->u.sub.to == GW_SUB_ENDED) {
    on_ended(p, e);
  }
}

/* ---- command line ---------------------------------------------------------- */

static const char about[] =
    "Prints the members of a channel's presence, or how many there are, where the\n"
    "server lists no more than that. With --watch it goes on with a line for each\n"
    "change, until it is interrupted. Exits with 0, 1 when the\n"
    "server refuses or does not answer in time, 2 for a wrong command line.\n";

static const char examples[] = "  godwit presence room:lobby\n"
                               "  godwit presence room:lobby --watch --json\n";

static int parse(presence *p, int argc, char **argv) {
  const gw_option options[] = {
      {"--watch", GW_OPTION_FLAG, &p->watch, NULL, "go on with the changes"},
      {"--json", GW_OPTION_FLAG, &p->as_json, NULL, "an object for each line"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  gw_option connection[GW_CLI_NUM_OPTIONS];
  const gw_usage usage = {"godwit presence", "CHANNEL",  about,
                          options,           connection, examples};
  int code = gw_cli_parse(&p->cli, &usage, connection, &argc, argv);
  if (code != 0) return code;
  if (argc != 1) return gw_usage_error(&usage, "which channel?");
  code = gw_cli_check_channel(&usage, argv[0]);
  if (code != 0) return code;
  p->channel = argv[0];
  p->cli.is_lasting = p->watch;
  return 0;
}

static int64_t ask(presence *p) {
  gw_view channel = gw_view_of(p->channel);
  if (!p->watch) {
    gw_cli_arm(&p->cli);
    return gw_client_presence_get(p->cli.client, channel);
  }
  gw_sub_options options = {.presence = true};
  int64_t id = gw_client_subscribe(p->cli.client, channel, &options);
  p->sub = id > 0 ? (uint32_t)id : 0;
  return id;
}

int gw_cmd_presence(int argc, char **argv) {
  presence p = {.cli = {.on_event = on_event}};
  p.cli.user = &p;
  int code = parse(&p, argc, argv);
  if (code < 0) return GW_EXIT_OK;
  if (code == 0) code = gw_cli_open(&p.cli);
  if (code != 0) return code;
  int64_t id = ask(&p);
  if (id < 0) {
    fprintf(stderr, "%s: %s\n", p.cli.name, gw_err_text((int)id));
    gw_cli_end(&p.cli, GW_EXIT_USAGE);
  }
  return gw_cli_run(&p.cli);
}
