/* SPDX-License-Identifier: MIT */
/* api.c - `godwit api`: ask a method of the server API. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/api_ask.h"
#include "server/cli/cmd.h"
#include "server/core/api.h"

#define LINE_MAX_LEN 76u

typedef struct api {
  gw_api_ask ask;
  bool as_it_came;
} api;

static void print_reply(const api *a) {
  const gw_api_text *reply = &a->ask.reply;
  json_t *root = json_loadb(reply->data ? reply->data : "", reply->len,
                            JSON_DECODE_ANY, NULL);
  char *pretty = root && !a->as_it_came
                     ? json_dumps(root, JSON_INDENT(2) | JSON_ENCODE_ANY)
                     : NULL;
  puts(pretty ? pretty : reply->data ? reply->data : "");
  free(pretty);
  json_decref(root);
}

/* ---- command line ---------------------------------------------------------- */

static const char about[] =
    "Asks a method of the server API at its internal listener, and prints the\n"
    "reply. JSON is the request; - reads it from standard input; without it the\n"
    "request is empty. docs/api.md and URL/v1/openapi.yaml explain the methods.\n"
    "Exits with 0, 1 when it is refused or cannot be asked, 2 for a wrong command\n"
    "line.\n";

static const char examples[] =
    "  godwit api info\n"
    "  godwit api connections '{\"user\": \"ada\"}'\n"
    "  godwit api publish '{\"channel\": \"room:lobby\", \"json\": {\"text\": \"hi\"}}'\n";

/** Names in lines as long as those above. */
static void print_methods(void) {
  const gw_api_method *m;
  size_t column = 0;
  fputs("\nmethods:", stdout);
  for (size_t i = 0; (m = gw_api_at(i)) != NULL; i++) {
    gw_view name = gw_api_name(m);
    bool is_first = column == 0 || column + name.len + 1 > LINE_MAX_LEN;
    printf("%s%.*s", is_first ? "\n  " : " ", (int)name.len,
           (const char *)name.data);
    column = (is_first ? 1 : column) + name.len + 1;
  }
  putchar('\n');
}

static bool read_stdin(gw_api_text *t) {
  char part[65536];
  size_t len;
  while ((len = fread(part, 1, sizeof part, stdin)) != 0)
    if (!gw_api_text_add(t, part, len)) return false;
  return ferror(stdin) == 0;
}

static bool is_method(const char *name) {
  return *name != '\0' &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name);
}

static int parse(api *a, int argc, char **argv) {
  const gw_option options[] = {
      GW_API_OPTIONS(&a->ask),
      {"--raw", GW_OPTION_FLAG, &a->as_it_came, NULL,
       "print the reply as it came, on one line"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {a->ask.name, "METHOD [JSON]", about, options,
                          NULL,        examples};
  enum gw_parsed parsed = gw_options_parse(&usage, &argc, argv);
  if (parsed == GW_PARSED_HELP) print_methods();
  if (parsed == GW_PARSED_HELP) return -1;
  if (parsed == GW_PARSED_BAD) return GW_EXIT_USAGE;
  if (argc < 1) return gw_usage_error(&usage, "which method?");
  if (argc > 2) return gw_usage_error(&usage, "JSON is one argument: quote it");
  if (!is_method(argv[0]))
    return gw_usage_error(&usage, "'%s' is no name of a method", argv[0]);
  a->ask.method = argv[0];
  const char *json = argc > 1 ? argv[1] : "{}";
  gw_api_text *request = &a->ask.request;
  bool is_read = strcmp(json, "-") == 0
                     ? read_stdin(request)
                     : gw_api_text_add(request, json, strlen(json));
  if (!is_read) return gw_usage_error(&usage, "the request cannot be read");
  return 0;
}

int gw_cmd_api(int argc, char **argv) {
  api a = {.as_it_came = false};
  gw_api_ask_init(&a.ask, "godwit api");
  int code = parse(&a, argc, argv);
  if (code == 0) code = gw_api_ask_run(&a.ask);
  if (code == GW_EXIT_OK && a.ask.reply.data != NULL) print_reply(&a);
  gw_api_ask_deinit(&a.ask);
  return code < 0 ? GW_EXIT_OK : code;
}
