/* SPDX-License-Identifier: MIT */
/* rpc.c - `godwit rpc`: call a method of the server, or of a client. */
#include <stdio.h>
#include <unistd.h>

#include "server/cli/cmd.h"
#include "server/cli/session.h"
#include "server/cli/text.h"

typedef struct rpc {
  gw_cli cli;
  bool as_bytes;
  const char *to;
  const char *method;
  const char *data; /**< may be NULL */
  gw_call_options options;
} rpc;

static void put_result(gw_payload payload) {
  bool is_raw = payload.type == GW_PAYLOAD_BYTES && !isatty(STDOUT_FILENO);
  if (is_raw) {
    /* For the next program, as it came. */
    fwrite(payload.bytes.data, 1, payload.bytes.len, stdout);
  } else if (payload.bytes.len > 0) {
    gw_text_put_payload(stdout, payload);
    putchar('\n');
  }
}

static void on_event(gw_cli *cli, const gw_event *e) {
  if (e->type != GW_EVENT_REPLY) return;
  if (e->u.reply.code == GW_CODE_OK) {
    put_result(e->u.reply.payload);
    gw_cli_flush(cli);
    gw_cli_end(cli, GW_EXIT_OK);
  } else if (e->u.reply.code == GW_CODE_TIMEOUT && !cli->is_open) {
    return; /* the deadline says it better */
  } else {
    gw_cli_tell(cli, "refused", e->u.reply.code, e->u.reply.reason);
    gw_cli_end(cli, GW_EXIT_FAILED);
  }
}

static const char about[] =
    "Calls a method and prints its result. DATA that is JSON is sent as it is,\n"
    "other DATA as bytes. Exits with 0, 1 when the call fails or is not answered\n"
    "in time, 2 for a wrong command line.\n";

static const char examples[] =
    "  godwit rpc godwit.history '{\"channel\":\"room:lobby\",\"limit\":5}'\n"
    "  godwit rpc greet '\"hello\"' --to 51d0c3f08e6a2b94\n";

static int parse(rpc *r, int argc, char **argv) {
  const gw_option options[] = {
      {"--to", GW_OPTION_TEXT, &r->to, "CLIENT",
       "call the client of this id, as `godwit presence` shows it"},
      {"--bytes", GW_OPTION_FLAG, &r->as_bytes, NULL,
       "DATA is bytes, also where it looks like JSON"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  gw_option connection[GW_CLI_NUM_OPTIONS];
  const gw_usage usage = {"godwit rpc", "METHOD [DATA]", about,
                          options,      connection,      examples};
  int code = gw_cli_parse(&r->cli, &usage, connection, &argc, argv);
  if (code != 0) return code;
  if (argc < 1) return gw_usage_error(&usage, "which method?");
  if (argc > 2) return gw_usage_error(&usage, "DATA is one argument: quote it");
  if (r->to != NULL && !gw_text_read_id(r->to, &r->options.to)) {
    return gw_usage_error(&usage, "--to must be up to 16 hexadecimal digits");
  }
  r->method = argv[0];
  r->data = argc > 1 ? argv[1] : NULL;
  return 0;
}

static int64_t call(rpc *r) {
  gw_payload payload = {GW_PAYLOAD_BYTES, {NULL, 0}};
  if (r->data != NULL) payload.bytes = gw_view_of(r->data);
  if (!r->as_bytes && gw_text_is_json(payload.bytes)) {
    payload.type = GW_PAYLOAD_JSON;
  }
  r->options.timeout_ms = r->cli.options.timeout_ms;
  gw_cli_arm(&r->cli);
  return gw_client_call(r->cli.client, gw_view_of(r->method), payload,
                        &r->options);
}

int gw_cmd_rpc(int argc, char **argv) {
  rpc r = {.cli = {.on_event = on_event}};
  r.cli.user = &r;
  int code = parse(&r, argc, argv);
  if (code < 0) return GW_EXIT_OK;
  if (code == 0) code = gw_cli_open(&r.cli);
  if (code != 0) return code;
  int64_t id = call(&r);
  if (id < 0) {
    fprintf(stderr, "%s: %s\n", r.cli.name, gw_err_text((int)id));
    gw_cli_end(&r.cli, GW_EXIT_USAGE);
  }
  return gw_cli_run(&r.cli);
}
