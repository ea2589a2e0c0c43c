/* SPDX-License-Identifier: MIT */
/* channels.c - `godwit channels`: a line for each channel that there is. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/api_ask.h"
#include "server/cli/cmd.h"
#include "server/cli/text.h"

/** Channels that are asked for at a time. */
#define PAGE 1000

typedef struct channels {
  gw_api_ask ask;
  bool as_json;
  const char *prefix;
  char *after; /**< the last name of the page before; NULL: the first page */
} channels;

/* ---- telling --------------------------------------------------------------- */

static gw_view text_of(const json_t *string) {
  const char *text = json_string_value(string);
  return text != NULL ? gw_view_of(text) : (gw_view){NULL, 0};
}

/** Numbers of 64 bits are texts of digits; what is 0 is left out. */
static uint64_t number_of(const json_t *value) {
  if (json_is_string(value))
    return strtoull(json_string_value(value), NULL, 10);
  return (uint64_t)json_integer_value(value);
}

static void put_line(const json_t *channel) {
  char space[GW_TEXT_POSITION_MAX];
  const json_t *at = json_object_get(channel, "position");
  gw_position position = {number_of(json_object_get(at, "epoch")),
                          number_of(json_object_get(at, "offset"))};
  char *meta = json_dumps(json_object_get(channel, "meta"),
                          JSON_COMPACT | JSON_ENCODE_ANY);
  gw_text_put(stdout, text_of(json_object_get(channel, "channel")));
  printf(" %llu %llu %llu %s",
         (unsigned long long)number_of(json_object_get(channel, "subscribers")),
         (unsigned long long)number_of(json_object_get(channel, "members")),
         (unsigned long long)number_of(json_object_get(channel, "kept")),
         gw_text_position(position, space));
  if (meta != NULL) {
    putchar(' ');
    gw_text_put_json(stdout, gw_view_of(meta));
  }
  putchar('\n');
  free(meta);
}

static void put(const channels *c, const json_t *channel) {
  char *json = c->as_json ? json_dumps(channel, JSON_COMPACT) : NULL;
  if (json != NULL)
    puts(json);
  else
    put_line(channel);
  free(json);
}

/* ---- asking ---------------------------------------------------------------- */

static bool make_request(channels *c) {
  json_t *wanted = json_pack("{s:s,s:i,s:s}", "prefix", c->prefix, "limit",
                             PAGE, "after", c->after != NULL ? c->after : "");
  char *text = wanted != NULL ? json_dumps(wanted, JSON_COMPACT) : NULL;
  json_decref(wanted);
  c->ask.request.len = 0;
  bool is_made =
      text != NULL && gw_api_text_add(&c->ask.request, text, strlen(text));
  free(text);
  return is_made;
}

/** Returns how many there were. */
static size_t put_page(channels *c) {
  size_t i;
  json_t *channel;
  json_t *root = json_loadb(c->ask.reply.data, c->ask.reply.len, 0, NULL);
  const json_t *list = json_object_get(root, "channels");
  json_array_foreach(list, i, channel) {
    put(c, channel);
    const char *name = json_string_value(json_object_get(channel, "channel"));
    free(c->after);
    c->after = name != NULL ? strdup(name) : NULL;
  }
  size_t num = json_array_size(list);
  json_decref(root);
  return num;
}

static int run(channels *c) {
  for (;;) {
    if (!make_request(c)) {
      fprintf(stderr, "%s: out of memory, or a name is not UTF-8\n",
              c->ask.name);
      return GW_EXIT_FAILED;
    }
    int code = gw_api_ask_run(&c->ask);
    if (code != GW_EXIT_OK || c->ask.reply.data == NULL) return code;
    if (put_page(c) < PAGE || c->after == NULL) return code;
  }
}

/* ---- command line ---------------------------------------------------------- */

static const char about[] =
    "Prints a line for each channel whose name begins with PREFIX: name,\n"
    "subscribers, members of its presence, publications or items that are kept,\n"
    "position, metadata if there are any. It asks the server API. Exits with 0, 1\n"
    "when it is refused or cannot be asked, 2 for a wrong command line.\n";

static const char examples[] = "  godwit channels\n"
                               "  godwit channels room: --json\n";

static int parse(channels *c, int argc, char **argv) {
  const gw_option options[] = {
      GW_API_OPTIONS(&c->ask),
      {"--json", GW_OPTION_FLAG, &c->as_json, NULL, "an object for each line"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {c->ask.name, "[PREFIX]", about,
                          options,     NULL,       examples};
  enum gw_parsed parsed = gw_options_parse(&usage, &argc, argv);
  if (parsed == GW_PARSED_HELP) return -1;
  if (parsed == GW_PARSED_BAD) return GW_EXIT_USAGE;
  if (argc > 1) return gw_usage_error(&usage, "one prefix at a time");
  c->prefix = argc == 1 ? argv[0] : "";
  return 0;
}

int gw_cmd_channels(int argc, char **argv) {
  channels c = {.prefix = ""};
  gw_api_ask_init(&c.ask, "godwit channels");
  c.ask.method = "channels";
  int code = parse(&c, argc, argv);
  if (code == 0) code = run(&c);
  gw_api_ask_deinit(&c.ask);
  free(c.after);
  return code < 0 ? GW_EXIT_OK : code;
}
