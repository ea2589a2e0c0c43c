/* SPDX-License-Identifier: MIT */
/* session.c - connects a subcommand, watches over its deadline, and ends it. */
#include "server/cli/session.h"

#include <inttypes.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/cmd.h"
#include "server/cli/text.h"

#define DEFAULT_URL        "ws://localhost:8000/v1/ws"
#define DEFAULT_TIMEOUT_MS 10000u

/** The goodbye has this long to leave. */
#define GOODBYE_MS      2000u
#define GOODBYE_POLL_MS 5u

/* ---- options --------------------------------------------------------------- */

static void fill_table(gw_cli_options *o, gw_option table[GW_CLI_NUM_OPTIONS]) {
  const gw_option rows[GW_CLI_NUM_OPTIONS] = {
      {"--url", GW_OPTION_TEXT, &o->url, "URL",
       "server; also GODWIT_URL [" DEFAULT_URL "]"},
      {"--user", GW_OPTION_TEXT, &o->user, "ID",
       "who you are, where the server asks for no token; also GODWIT_USER"},
      {"--token", GW_OPTION_TEXT, &o->token, "TOKEN",
       "also GODWIT_TOKEN, which other users of the machine cannot see"},
      {"--token-command", GW_OPTION_TEXT, &o->token_command, "COMMAND",
       "of the shell, prints a token; run for each; also GODWIT_TOKEN_COMMAND"},
      {"--retry", GW_OPTION_TEXT, &o->retry, "PRESET",
       "default, aggressive, conservative, or none"},
      {"--ca", GW_OPTION_TEXT, &o->ca_file, "FILE",
       "certificates to trust for wss://, beside the system's"},
      {"--record", GW_OPTION_TEXT, &o->record, "FILE",
       "keep what goes over the wire, for godwit replay; without tokens"},
      {"--insecure", GW_OPTION_FLAG, &o->is_insecure, NULL,
       "trust any certificate: who is in between can read and change all"},
      {"--timeout", GW_OPTION_DURATION, &o->timeout_ms, "TIME",
       "to connect and be answered [10s]"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  memcpy(table, rows, sizeof rows);
}

int gw_cli_parse(gw_cli *cli, const gw_usage *usage,
                 gw_option table[GW_CLI_NUM_OPTIONS], int *argc, char **argv) {
  fill_table(&cli->options, table);
  cli->name = usage->name;
  switch (gw_options_parse(usage, argc, argv)) {
  case GW_PARSED_HELP:
    return -1;
  case GW_PARSED_BAD:
    return GW_EXIT_USAGE;
  default:
    return 0;
  }
}

int gw_cli_check_channel(const gw_usage *usage, const char *name) {
  size_t len = strlen(name);
  if (len == 0) return gw_usage_error(usage, "the channel's name is empty");
  if (len > GW_MAX_CHANNEL_BYTES)
    return gw_usage_error(usage,
                          "the channel's name has %zu bytes; %u are the most",
                          len, GW_MAX_CHANNEL_BYTES);
  return gw_view_is_text(gw_view_of(name))
             ? 0
             : gw_usage_error(usage, "the channel's name is not UTF-8 text");
}

static void set_from_environment(const char **value, const char *variable) {
  if (*value == NULL) *value = getenv(variable);
}

static void complete(gw_cli_options *o) {
  set_from_environment(&o->url, "GODWIT_URL");
  set_from_environment(&o->user, "GODWIT_USER");
  set_from_environment(&o->token, "GODWIT_TOKEN");
  set_from_environment(&o->token_command, "GODWIT_TOKEN_COMMAND");
  if (o->url == NULL || *o->url == '\0') o->url = DEFAULT_URL;
  if (o->timeout_ms == 0) o->timeout_ms = DEFAULT_TIMEOUT_MS;
}

static bool find_retry(const char *name, gw_retry_policy *policy) {
  static const struct {
    const char *name;
    const gw_retry_policy *policy;
  } presets[] = {{"default", &gw_retry_default},
                 {"none", &gw_retry_default},
                 {"aggressive", &gw_retry_aggressive},
                 {"conservative", &gw_retry_conservative}};
  if (name == NULL) name = "default";
  for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
    if (strcmp(presets[i].name, name) != 0) continue;
    *policy = *presets[i].policy;
    if (strcmp(name, "none") == 0) policy->attempts = 1;
    return true;
  }
  return false;
}

/* ---- telling --------------------------------------------------------------- */

static void put_reason(FILE *to, uint32_t code, gw_view reason) {
  if (reason.len > 0) {
    gw_text_put(to, reason);
  } else {
    fputs(gw_code_text(code), to);
  }
}

void gw_cli_tell(const gw_cli *cli, const char *what, uint32_t code,
                 gw_view reason) {
  fprintf(stderr, "%s: %s: %s: ", cli->name, what, gw_code_name(code));
  put_reason(stderr, code, reason);
  fputc('\n', stderr);
}

static void tell_remedy(const gw_cli *cli) {
  bool is_distrusted = strstr(cli->reason, "certificate is refused") != NULL;
  fputs(is_distrusted
            ? "--ca FILE trusts the certificates of a file beside the "
              "system's.\n"
            : "Is a godwit server running there? `godwit serve` starts one "
              "here; --url names another.\n",
        stderr);
}

static void on_deadline(uv_timer_t *timer) {
  gw_cli *cli = timer->data;
  double seconds = cli->options.timeout_ms / 1000.0;
  if (cli->is_open) {
    fprintf(stderr, "%s: no answer from %s within %g s\n", cli->name,
            cli->options.url, seconds);
  } else {
    fprintf(stderr, "%s: no connection to %s within %g s%s%s\n", cli->name,
            cli->options.url, seconds, cli->reason[0] != '\0' ? ": " : "",
            cli->reason);
    tell_remedy(cli);
  }
  gw_cli_end(cli, GW_EXIT_FAILED);
}

/** Without the stop at its end, as it stands inside of sentences. */
static void keep_reason(gw_cli *cli, const gw_event *e) {
  FILE *to = fmemopen(cli->reason, sizeof cli->reason, "w");
  if (to == NULL) return;
  put_reason(to, e->u.state.code, e->u.state.reason);
  fclose(to);
  cli->reason[sizeof cli->reason - 1] = '\0';
  size_t len = strlen(cli->reason);
  if (len != 0 && cli->reason[len - 1] == '.') cli->reason[len - 1] = '\0';
}

static void tell_waiting(gw_cli *cli, const gw_event *e) {
  if (cli->is_lasting) {
    uint64_t now = e->at_ms;
    uint64_t wait_ms =
        e->u.state.retry_at_ms > now ? e->u.state.retry_at_ms - now : 0;
    fprintf(stderr, "%s: %s: %s; trying again in %" PRIu64 ".%" PRIu64 " s\n",
            cli->name, cli->options.url, cli->reason, wait_ms / 1000,
            wait_ms % 1000 / 100);
  } else if (!cli->is_warned) {
    fprintf(stderr, "%s: %s: %s; trying again\n", cli->name, cli->options.url,
            cli->reason);
  }
  cli->is_warned = true;
}

static void tell_connected(gw_cli *cli) {
  gw_client_info info;
  char id[GW_TEXT_ID_MAX];
  cli->is_open = true;
  if (!cli->is_lasting) return;
  gw_client_info_get(cli->client, &info);
  fprintf(stderr, "%s: connected to %s as client %s", cli->name,
          cli->options.url, gw_text_id(info.client, id));
  if (info.user.len > 0) {
    fputs(", user ", stderr);
    gw_text_put(stderr, info.user);
  }
  fputc('\n', stderr);
}

static void tell_failed(gw_cli *cli, const gw_event *e) {
  gw_cli_tell(cli, cli->options.url, e->u.state.code, e->u.state.reason);
  uint32_t code = e->u.state.code;
  if (cli->is_open) {
    /* It was there, and said why. */
  } else if (gw_code_class(code) == GW_CLASS_REAUTH) {
    fputs("--token or GODWIT_TOKEN gives a token, --token-command new ones.\n",
          stderr);
  } else if (code == GW_CODE_ATTEMPTS_EXHAUSTED || code == GW_CODE_TRANSPORT) {
    tell_remedy(cli);
  }
  gw_cli_end(cli, GW_EXIT_FAILED);
}

static void on_state(gw_cli *cli, const gw_event *e) {
  switch (e->u.state.to) {
  case GW_STATE_SYNCING:
    tell_connected(cli);
    break;
  case GW_STATE_DEGRADED:
    if (cli->is_lasting)
      gw_cli_tell(cli, "degraded", e->u.state.code, e->u.state.reason);
    break;
  case GW_STATE_WAITING:
  case GW_STATE_SUSPENDED:
    keep_reason(cli, e);
    tell_waiting(cli, e);
    break;
  case GW_STATE_FAILED:
    tell_failed(cli, e);
    break;
  default:
    break;
  }
}

/* ---- tokens ---------------------------------------------------------------- */

static void on_token(void *user, uint32_t code, gw_view token) {
  gw_cli *cli = user;
  if (cli->client == NULL) return;
  /* Nobody may wait for it any more, or there may be no memory for it. */
  int err = code == GW_CODE_OK
                ? gw_client_give_token(cli->client, cli->ask, token)
                : gw_client_no_token(cli->client, cli->ask, code);
  if (err < 0 && err != GW_ERR_NOT_FOUND)
    (void)gw_client_no_token(cli->client, cli->ask, GW_CODE_INTERNAL);
}

static void on_ask(gw_cli *cli, uint32_t ask) {
  gw_token_command *t = &cli->token_command;
  t->name = cli->name;
  t->command = cli->options.token_command;
  t->on_end = on_token;
  t->user = cli;
  cli->ask = ask;
  gw_token_command_run(t, &cli->loop);
}

/* ---- events ---------------------------------------------------------------- */

static void on_event(void *user, const gw_event *event) {
  gw_cli *cli = user;
  if (cli->is_ending) return;
  if (event->type == GW_EVENT_TOKEN) on_ask(cli, event->u.token.ask);
  if (event->type == GW_EVENT_STATE) on_state(cli, event);
  if (!cli->is_ending) cli->on_event(cli, event);
}

static void on_wire(void *user, const gw_lws_wire *news) {
  gw_cli *cli = user;
  gw_record_put(cli->record, news);
}

/* ---- life ------------------------------------------------------------------ */

static void on_signal(uv_signal_t *handle, int number) {
  gw_cli *cli = handle->data;
  (void)number;
  if (cli->is_ending) cli->end_by_ms = 0; /* twice: at once */
  gw_cli_end(cli, cli->is_lasting ? GW_EXIT_OK : GW_EXIT_FAILED);
}

static void open_handles(gw_cli *cli) {
  static const int numbers[] = {SIGINT, SIGTERM};
  for (size_t i = 0; i < 2; i++) {
    (void)uv_signal_init(&cli->loop, &cli->signals[i]);
    cli->signals[i].data = cli;
    (void)uv_signal_start(&cli->signals[i], on_signal, numbers[i]);
  }
  (void)uv_timer_init(&cli->loop, &cli->deadline);
  (void)uv_timer_init(&cli->loop, &cli->ending);
  cli->deadline.data = cli->ending.data = cli;
}

static void close_handles(gw_cli *cli) {
  uv_close((uv_handle_t *)&cli->signals[0], NULL);
  uv_close((uv_handle_t *)&cli->signals[1], NULL);
  uv_close((uv_handle_t *)&cli->deadline, NULL);
  uv_close((uv_handle_t *)&cli->ending, NULL);
}

static bool open_port(gw_cli *cli) {
  const gw_cli_options *o = &cli->options;
  gw_view endpoint = gw_view_of(o->url);
  gw_lws_options options = {
      .loop = &cli->loop,
      .client = {.endpoints = &endpoint,
                 .num_endpoints = 1,
                 .agent = gw_view_of("godwit/" GW_VERSION),
                 .request_timeout_ms = o->timeout_ms},
      .ca_file = o->ca_file,
      .is_insecure = o->is_insecure,
      .event = on_event,
      .wire = cli->record != NULL ? on_wire : NULL,
      .user = cli,
  };
  if (o->user != NULL) options.client.user = gw_view_of(o->user);
  if (o->token != NULL) options.client.token = gw_view_of(o->token);
  options.client.asks_token = o->token_command != NULL;
  (void)find_retry(o->retry, &options.client.retry);
  cli->port = gw_lws_new(&options);
  if (cli->port == NULL) return false;
  cli->client = gw_lws_client(cli->port);
  return gw_client_connect(cli->client) == 0;
}

/** What --record names; false: it cannot be written, which is told. */
static bool open_record(gw_cli *cli) {
  const char *path = cli->options.record;
  if (path == NULL) return true;
  cli->record = gw_record_open(cli->name, path);
  return cli->record != NULL;
}

int gw_cli_open(gw_cli *cli) {
  char why[GW_LWS_WHY_MAX];
  gw_retry_policy policy;
  complete(&cli->options);
  if (!gw_lws_endpoint_is_valid(gw_view_of(cli->options.url), why)) {
    fprintf(stderr, "%s: --url: %s\n", cli->name, why);
    return GW_EXIT_USAGE;
  }
  if (cli->options.ca_file != NULL &&
      !gw_lws_ca_is_valid(cli->options.ca_file, why)) {
    fprintf(stderr, "%s: --ca: %s\n", cli->name, why);
    return GW_EXIT_USAGE;
  }
  if (!find_retry(cli->options.retry, &policy)) {
    fprintf(stderr,
            "%s: --retry: must be default, aggressive, conservative or none\n",
            cli->name);
    return GW_EXIT_USAGE;
  }
  if (!open_record(cli)) return GW_EXIT_USAGE;
  lws_set_log_level(0, NULL); /* what matters is told by events */
  (void)uv_loop_init(&cli->loop);
  open_handles(cli);
  if (open_port(cli)) return 0;
  fprintf(stderr, "%s: the client cannot be made\n", cli->name);
  close_handles(cli);
  if (cli->port != NULL) gw_lws_close(cli->port);
  (void)uv_run(&cli->loop, UV_RUN_DEFAULT);
  gw_lws_free(cli->port);
  (void)uv_loop_close(&cli->loop);
  gw_record_close(cli->record);
  return GW_EXIT_FAILED;
}

/** Wait until the goodbye is out, then let the loop run empty. */
static void on_ending(uv_timer_t *timer) {
  gw_cli *cli = timer->data;
  if (!gw_lws_is_quiet(cli->port) && uv_now(&cli->loop) < cli->end_by_ms) {
    (void)uv_timer_start(timer, on_ending, GOODBYE_POLL_MS, 0);
    return;
  }
  gw_lws_close(cli->port);
  cli->client = NULL;
  gw_token_command_cancel(&cli->token_command);
  if (cli->on_ending != NULL) cli->on_ending(cli);
  close_handles(cli);
}

void gw_cli_end(gw_cli *cli, int code) {
  if (cli->is_ending) return;
  cli->is_ending = true;
  cli->exit_code = code;
  cli->end_by_ms = uv_now(&cli->loop) + GOODBYE_MS;
  gw_client_close(cli->client);
  gw_cli_disarm(cli);
  (void)uv_timer_start(&cli->ending, on_ending, GOODBYE_POLL_MS, 0);
}

int gw_cli_run(gw_cli *cli) {
  (void)uv_run(&cli->loop, UV_RUN_DEFAULT);
  gw_lws_free(cli->port);
  (void)uv_loop_close(&cli->loop);
  gw_record_close(cli->record);
  return cli->exit_code;
}

void gw_cli_arm(gw_cli *cli) {
  if (cli->is_ending) return;
  uv_update_time(&cli->loop);
  (void)uv_timer_start(&cli->deadline, on_deadline, cli->options.timeout_ms, 0);
}

void gw_cli_disarm(gw_cli *cli) {
  (void)uv_timer_stop(&cli->deadline);
}

void gw_cli_flush(gw_cli *cli) {
  if (fflush(stdout) != 0) gw_cli_end(cli, GW_EXIT_FAILED);
}
