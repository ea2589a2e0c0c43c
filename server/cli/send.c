/* SPDX-License-Identifier: MIT */
/* send.c - `godwit send`: a message to those who are connected now. */
#include <inttypes.h>
#include <stdio.h>

#include "server/cli/cmd.h"
#include "server/cli/session.h"
#include "server/cli/text.h"

typedef struct sending {
  gw_cli cli;
  /* what the command line says */
  const char *user;
  const char *client;
  const char *connection;
  const char *group;
  const char *channel;
  const char *event;
  bool as_bytes;
  gw_view channel_name;
  gw_send message;
} sending;

static void on_event(gw_cli *cli, const gw_event *e) {
  if (e->type != GW_EVENT_REPLY) return;
  if (e->u.reply.code == GW_CODE_OK) {
    printf("%" PRIu32 "\n", e->u.reply.receivers);
    gw_cli_flush(cli);
    gw_cli_end(cli, GW_EXIT_OK);
  } else if (e->u.reply.code == GW_CODE_TIMEOUT && !cli->is_open) {
    return; /* the deadline says it better */
  } else {
    gw_cli_tell(cli, "refused", e->u.reply.code, e->u.reply.reason);
    gw_cli_end(cli, GW_EXIT_FAILED);
  }
}

/* ---- command line ---------------------------------------------------------- */

static const char about[] =
    "Sends a message to those who are connected now, and prints to how many\n"
    "connections it goes. It is not kept for others. DATA that is JSON is sent as\n"
    "it is, other DATA as bytes. The server has to allow it: settings send.to_...\n"
    "Exits with 0, 1 when it is refused or not answered in time, 2 for a wrong\n"
    "command line.\n";

static const char examples[] =
    "  godwit serve --dev --send.to_user anyone\n"
    "  godwit send --to-user bob '{\"text\":\"hi\"}' --event chat\n";

static gw_view view_of(const char *text) {
  return text != NULL ? gw_view_of(text) : (gw_view){NULL, 0};
}

static int read_ids(sending *s, const gw_usage *usage) {
  gw_send *m = &s->message;
  if ((s->client == NULL || gw_text_read_id(s->client, &m->client)) &&
      (s->connection == NULL || gw_text_read_id(s->connection, &m->connection)))
    return 0;
  return gw_usage_error(usage, "an id is up to 16 hexadecimal digits");
}

static int read_message(sending *s, const gw_usage *usage, int argc,
                        char **argv) {
  gw_send *m = &s->message;
  int num = (s->user != NULL) + (s->client != NULL) + (s->connection != NULL) +
            (s->group != NULL) + (s->channel != NULL) + m->everybody;
  if (num != 1)
    return gw_usage_error(usage, "to whom? one --to- option says it");
  if (argc > 1) return gw_usage_error(usage, "DATA is one argument: quote it");
  m->user = view_of(s->user);
  m->group = view_of(s->group);
  m->event = view_of(s->event);
  s->channel_name = view_of(s->channel);
  if (s->channel != NULL) {
    m->channels.items = &s->channel_name;
    m->channels.num = 1;
  }
  gw_view data = view_of(argc > 0 ? argv[0] : NULL);
  *(!s->as_bytes && gw_text_is_json(data) ? &m->json : &m->data) = data;
  return read_ids(s, usage);
}

static int parse(sending *s, int argc, char **argv) {
  const gw_option options[] = {
      {"--to-user", GW_OPTION_TEXT, &s->user, "NAME",
       "to all connections of a user"},
      {"--to-client", GW_OPTION_TEXT, &s->client, "ID",
       "of a client, as `godwit presence` shows it"},
      {"--to-connection", GW_OPTION_TEXT, &s->connection, "ID", "to one"},
      {"--to-group", GW_OPTION_TEXT, &s->group, "NAME",
       "to the members of a group"},
      {"--to-channel", GW_OPTION_TEXT, &s->channel, "NAME",
       "to the subscribers of a channel"},
      {"--to-everybody", GW_OPTION_FLAG, &s->message.everybody, NULL,
       "to all that are connected"},
      {"--event", GW_OPTION_TEXT, &s->event, "NAME",
       "what kind of message it is"},
      {"--bytes", GW_OPTION_FLAG, &s->as_bytes, NULL,
       "DATA is bytes, also where it looks like JSON"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  gw_option connection[GW_CLI_NUM_OPTIONS];
  const gw_usage usage = {"godwit send", "[DATA]",   about,
                          options,       connection, examples};
  int code = gw_cli_parse(&s->cli, &usage, connection, &argc, argv);
  return code != 0 ? code : read_message(s, &usage, argc, argv);
}

int gw_cmd_send(int argc, char **argv) {
  sending s = {.cli = {.on_event = on_event}};
  s.cli.user = &s;
  int code = parse(&s, argc, argv);
  if (code < 0) return GW_EXIT_OK;
  if (code == 0) code = gw_cli_open(&s.cli);
  if (code != 0) return code;
  gw_cli_arm(&s.cli);
  int64_t id = gw_client_send(s.cli.client, &s.message);
  if (id < 0) {
    fprintf(stderr, "%s: %s\n", s.cli.name, gw_err_text((int)id));
    gw_cli_end(&s.cli, GW_EXIT_USAGE);
  }
  return gw_cli_run(&s.cli);
}
