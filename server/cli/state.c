/* SPDX-License-Identifier: MIT */
/* state.c - `godwit state`: keys of shared state, by the server API; watching
 * them is a subscription. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/api_ask.h"
#include "server/cli/cmd.h"
#include "server/cli/text.h"

/** Keys that are asked for at a time. */
#define PAGE 1000

/** What `watch` makes of a command line, beside what it was given. */
#define WATCH_ARGS 6

typedef struct state {
  gw_api_ask ask;
  gw_usage usage;
  bool as_json;
  bool inherits;
  uint32_t ttl_ms;
  const char *expected; /**< "none", EPOCH:OFFSET; NULL */
  char **args;          /**< scope, id, ... */
  int num_args;
  json_t *request;
} state;

/* ---- telling --------------------------------------------------------------- */

static gw_view text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text != NULL ? gw_view_of(text) : (gw_view){NULL, 0};
}

/** Numbers of 64 bits are texts of digits. */
static uint64_t number_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static void put_version(const json_t *version) {
  char space[GW_TEXT_POSITION_MAX];
  gw_position at = {number_of(version, "epoch"), number_of(version, "offset")};
  fputs(gw_text_position(at, space), stdout);
}

/** JSON, or bytes in base64. */
static void put_value(const json_t *entry) {
  const json_t *value = json_object_get(entry, "json");
  char *json = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
  gw_text_put_json(stdout, json ? gw_view_of(json) : text_of(entry, "data"));
  putchar('\n');
  free(json);
}

static void put_entry(const state *s, const json_t *entry, bool is_one) {
  if (s->as_json) {
    char *json = json_dumps(entry, JSON_COMPACT);
    if (json) puts(json);
    free(json);
    return;
  }
  if (!is_one) {
    gw_text_put(stdout, text_of(entry, "key"));
    putchar(' ');
    put_version(json_object_get(entry, "version"));
    putchar(' ');
  }
  put_value(entry);
}

/* ---- asking ---------------------------------------------------------------- */

/** Ask with the request as it is now. Returns the reply, to be freed; NULL: *code
 * is the exit code. */
static json_t *ask(state *s, const char *method, int *code) {
  char *text = json_dumps(s->request, JSON_COMPACT);
  s->ask.method = method;
  s->ask.request.len = 0;
  bool is_made = text && gw_api_text_add(&s->ask.request, text, strlen(text));
  free(text);
  if (!is_made) {
    fprintf(stderr, "%s: out of memory, or a name is not UTF-8\n", s->ask.name);
    *code = GW_EXIT_FAILED;
    return NULL;
  }
  *code = gw_api_ask_run(&s->ask);
  if (*code != GW_EXIT_OK) return NULL;
  json_t *reply = json_loadb(s->ask.reply.data ? s->ask.reply.data : "",
                             s->ask.reply.len, 0, NULL);
  if (!reply) *code = GW_EXIT_FAILED;
  return reply;
}

static void put_text(state *s, const char *name, int arg) {
  if (arg < s->num_args)
    json_object_set_new(s->request, name, json_string(s->args[arg]));
}

static int get(state *s) {
  int code;
  put_text(s, "key", 2);
  json_object_set_new(s->request, "inherit", json_boolean(s->inherits));
  json_t *reply = ask(s, "state_get", &code);
  const json_t *entry = json_array_get(json_object_get(reply, "entries"), 0);
  if (entry)
    put_entry(s, entry, true);
  else if (reply)
    code = GW_EXIT_FAILED;
  if (reply && !entry)
    fprintf(stderr, "%s: there is no such key\n", s->ask.name);
  json_decref(reply);
  return code;
}

/** Returns how many there were. */
static size_t put_page(state *s, const json_t *list) {
  size_t i;
  json_t *entry;
  json_array_foreach(list, i, entry) {
    put_entry(s, entry, false);
    json_object_set(
        s->request, "after",
        json_object_get(json_object_get(entry, "version"), "offset"));
  }
  return i;
}

static int list(state *s) {
  int code;
  size_t num = PAGE;
  put_text(s, "prefix", 2);
  json_object_set_new(s->request, "limit", json_integer(PAGE));
  while (num == PAGE) {
    json_t *reply = ask(s, "state_list", &code);
    if (!reply) return code;
    num = put_page(s, json_object_get(reply, "entries"));
    json_decref(reply);
  }
  return GW_EXIT_OK;
}

/** Returns 0, or an exit code. */
static int expect(state *s) {
  gw_position at = {0, 0};
  char epoch[24], offset[24];
  if (!s->expected) return 0;
  if (strcmp(s->expected, "none") != 0 &&
      !gw_text_read_position(s->expected, &at))
    return gw_usage_error(&s->usage, "--expect must be none or EPOCH:OFFSET");
  (void)snprintf(epoch, sizeof epoch, "%llu", (unsigned long long)at.epoch);
  (void)snprintf(offset, sizeof offset, "%llu", (unsigned long long)at.offset);
  json_object_set_new(s->request, "version",
                      json_pack("{s:s,s:s}", "epoch", epoch, "offset", offset));
  return 0;
}

static int change(state *s, const char *method) {
  int code = expect(s);
  if (code != 0) return code;
  put_text(s, "key", 2);
  json_t *reply = ask(s, method, &code);
  if (!reply) return code;
  put_version(json_object_get(reply, "version"));
  putchar('\n');
  json_decref(reply);
  return code;
}

static int set(state *s) {
  json_error_t error;
  json_t *value = json_loads(s->args[3], JSON_DECODE_ANY, &error);
  if (!value)
    return gw_usage_error(&s->usage,
                          "the value is no JSON (%s): text is "
                          "quoted twice, as '\"dark\"'",
                          error.text);
  json_object_set_new(s->request, "json", value);
  if (s->ttl_ms != 0)
    json_object_set_new(s->request, "ttlMs", json_integer(s->ttl_ms));
  return change(s, "state_set");
}

static int remove_key(state *s) {
  return change(s, "state_remove");
}

/* ---- watching -------------------------------------------------------------- */

/** As `godwit subscribe`, with the options of that. */
static int watch(int argc, char **argv) {
  char channel[GW_MAX_CHANNEL_BYTES + 64];
  bool is_of_user = argc > 2 && strcmp(argv[1], "user") == 0;
  bool is_of_channel = argc > 2 && strcmp(argv[1], "channel") == 0;
  if (argc < 3 || argv[1][0] == '-') {
    fprintf(stderr, "usage: godwit state watch SCOPE ID [options of godwit "
                    "subscribe]\n");
    return GW_EXIT_USAGE;
  }
  (void)snprintf(channel, sizeof channel, "$state:%s:%s", argv[1], argv[2]);
  char **args = calloc((size_t)argc + WATCH_ARGS, sizeof *args);
  if (!args) return GW_EXIT_FAILED;
  int num = 0;
  args[num++] = argv[0];
  if (is_of_user) args[num++] = "--user";
  if (is_of_user) args[num++] = argv[2];
  for (int i = 3; i < argc; i++)
    args[num++] = argv[i];
  if (argc == 3) args[num++] = "--since=start";
  if (is_of_channel) args[num++] = argv[2];
  args[num++] = channel;
  int code = gw_cmd_subscribe(num, args);
  free(args);
  return code;
}

/* ---- command line ---------------------------------------------------------- */

static const struct verb {
  const char *name;
  int (*run)(state *s);
  int min_args;
  int max_args;
} verbs[] = {
    {"get", get, 3, 3},           {"list", list, 2, 3}, {"set", set, 4, 4},
    {"remove", remove_key, 3, 3}, {NULL, NULL, 0, 0},
};

static const char about[] =
    "  get SCOPE ID KEY          print what a key holds\n"
    "  list SCOPE ID [PREFIX]    a line for each key: key, version, value\n"
    "  set SCOPE ID KEY JSON     give it a value, and print its version\n"
    "  remove SCOPE ID KEY       remove it\n"
    "  watch SCOPE ID            print changes, as a client (godwit subscribe,\n"
    "                            whose options it takes)\n\n"
    "SCOPE is connection, user, channel, group or free; docs/states.md tells\n"
    "more. All but watch ask the server API. Exits with 0, 1 when it is refused,\n"
    "cannot be asked or there is no such key, 2 for a wrong command line.\n";

static const char examples[] = "  godwit state set user ada theme '\"dark\"'\n"
                               "  godwit state get user ada theme\n"
                               "  godwit state watch user ada\n";

static const struct verb *find_verb(const char *name) {
  const struct verb *v = verbs;
  while (v->name && strcmp(v->name, name) != 0)
    v++;
  return v->name ? v : NULL;
}

static int run(state *s, int argc, char **argv) {
  const struct verb *v = argc > 0 ? find_verb(argv[0]) : NULL;
  if (!v) return gw_usage_error(&s->usage, "get, list, set, remove or watch?");
  s->args = argv + 1;
  s->num_args = argc - 1;
  if (s->num_args < v->min_args || s->num_args > v->max_args)
    return gw_usage_error(&s->usage, "%s: which scope, id%s?", v->name,
                          v->min_args == 4   ? ", key and value"
                          : v->min_args == 3 ? " and key"
                                             : "");
  s->request = json_pack("{s:s,s:s}", "scope", s->args[0], "id", s->args[1]);
  if (!s->request) return gw_usage_error(&s->usage, "a name is not UTF-8");
  return v->run(s);
}

int gw_cmd_state(int argc, char **argv) {
  state s = {.request = NULL};
  if (argc > 1 && strcmp(argv[1], "watch") == 0)
    return watch(argc - 1, argv + 1);
  gw_api_ask_init(&s.ask, "godwit state");
  const gw_option options[] = {
      GW_API_OPTIONS(&s.ask),
      {"--json", GW_OPTION_FLAG, &s.as_json, NULL,
       "get, list: an object for each key, with who set it"},
      {"--inherit", GW_OPTION_FLAG, &s.inherits, NULL,
       "get: or else the nearest key that it is in"},
      {"--ttl", GW_OPTION_DURATION, &s.ttl_ms, "TIME",
       "set: remove it after this long"},
      {"--expect", GW_OPTION_TEXT, &s.expected, "VERSION",
       "set, remove: only if this is its version; none: if it is not there"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  s.usage = (gw_usage){s.ask.name, "get|list|set|remove|watch SCOPE ID ...",
                       about,      options,
                       NULL,       examples};
  enum gw_parsed parsed = gw_options_parse(&s.usage, &argc, argv);
  int code = parsed == GW_PARSED_HELP ? GW_EXIT_OK : GW_EXIT_USAGE;
  if (parsed == GW_PARSED_GOOD) code = run(&s, argc, argv);
  json_decref(s.request);
  gw_api_ask_deinit(&s.ask);
  return code;
}
