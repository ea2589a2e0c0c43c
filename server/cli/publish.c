/* SPDX-License-Identifier: MIT */
/* publish.c - `godwit publish`: one publication, or one for each line. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/cmd.h"
#include "server/cli/lines.h"
#include "server/cli/session.h"
#include "server/cli/text.h"

/** Publications on their way at once: enough to fill any link, few enough that
 * the outbox takes them. */
#define INFLIGHT_MAX 256u

/** A tag as an item of a list. */
#define TAG_ROOM (GW_MAX_TAG_NAME_BYTES + GW_MAX_TAG_VALUE_BYTES + 16u)

/** One publication on its way, to say which line was refused. */
typedef struct sent {
  uint64_t key;
  uint64_t line;
} sent;

typedef struct publish {
  gw_cli cli;
  /* what the command line says */
  bool as_text;
  bool as_bytes;
  bool as_json;
  const char *file;
  const char *expect;
  const char *expect_item;
  const char *item;
  const char *meta;
  gw_texts tags;
  bool removed;
  uint32_t ttl_ms;
  const char *channel;
  const char *data; /**< NULL: lines of the standard input */
  gw_publish_options options;
  uint8_t tag_space[GW_MAX_TAGS * TAG_ROOM];
  /* what goes on */
  gw_lines lines;
  bool has_lines;
  bool is_paused;
  bool is_over; /**< nothing more is coming */
  uint64_t num_lines;
  uint64_t num_failed;
  size_t num_sent;
  sent sent[INFLIGHT_MAX];
} publish;

/* ---- payloads -------------------------------------------------------------- */

/** A JSON string, to be freed; NULL when the text is none or memory is out. */
static char *quote(gw_view text) {
  if (!gw_view_is_text(text)) return NULL;
  json_t *string =
      json_stringn(text.len > 0 ? (const char *)text.data : "", text.len);
  char *quoted = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
  json_decref(string);
  return quoted;
}

/** Make the payload; *made is to be freed. false when the data cannot be one. */
static bool make_payload(const publish *p, gw_view data, gw_payload *payload,
                         char **made) {
  *made = NULL;
  *payload = (gw_payload){GW_PAYLOAD_BYTES, data};
  if (p->as_bytes || p->removed) return true;
  payload->type = GW_PAYLOAD_JSON;
  if (!p->as_text && gw_text_is_json(data)) return true;
  if (p->as_json) return false;
  *made = quote(data);
  if (*made != NULL) payload->bytes = gw_view_of(*made);
  return *made != NULL;
}

/* ---- sending --------------------------------------------------------------- */

static void fail_line(publish *p, uint64_t line, const char *why) {
  p->num_failed++;
  if (p->has_lines) {
    fprintf(stderr, "%s: line %llu: %s\n", p->cli.name,
            (unsigned long long)line, why);
  } else {
    fprintf(stderr, "%s: %s\n", p->cli.name, why);
  }
}

static void check_end(publish *p) {
  if (p->is_over && p->num_sent == 0) {
    gw_cli_end(&p->cli, p->num_failed == 0 ? GW_EXIT_OK : GW_EXIT_FAILED);
  }
}

/** Publish data. false: not now, the outbox is full. */
static bool publish_one(publish *p, gw_view data) {
  gw_payload payload;
  char *made;
  uint64_t key;
  if (p->num_sent == INFLIGHT_MAX) return false;
  if (!make_payload(p, data, &payload, &made)) {
    fail_line(p, ++p->num_lines,
              p->as_json ? "not JSON" : "not UTF-8 text; use --bytes");
    return true;
  }
  int err = gw_client_publish(p->cli.client, gw_view_of(p->channel), payload,
                              &p->options, &key);
  free(made);
  /* With nothing on its way it is not the outbox that has to wait. */
  if (err == GW_ERR_FULL && p->num_sent > 0) return false;
  p->num_lines++;
  if (err != 0) {
    fail_line(p, p->num_lines, gw_err_text(err));
    return true;
  }
  p->sent[p->num_sent++] = (sent){key, p->num_lines};
  gw_cli_arm(&p->cli);
  return true;
}

/* ---- outcomes -------------------------------------------------------------- */

static void print_position(publish *p, const gw_event *e) {
  char space[GW_TEXT_POSITION_MAX];
  puts(gw_text_position(e->u.published.position, space));
  gw_cli_flush(&p->cli);
}

/** Where in the data it is wrong. */
static void tell_field(const publish *p, gw_view field) {
  if (field.len == 0) return;
  fprintf(stderr, "%s: at ", p->cli.name);
  gw_text_put(stderr, field);
  fputc('\n', stderr);
}

static void on_published(publish *p, const gw_event *e) {
  size_t i = 0;
  while (i < p->num_sent && p->sent[i].key != e->u.published.key)
    i++;
  if (i == p->num_sent) return;
  uint64_t line = p->sent[i].line;
  memmove(&p->sent[i], &p->sent[i + 1],
          (p->num_sent - i - 1) * sizeof p->sent[0]);
  p->num_sent--;
  if (e->u.published.code == GW_CODE_OK) {
    print_position(p, e);
  } else {
    char what[48];
    (void)snprintf(what, sizeof what, p->has_lines ? "line %llu" : "refused",
                   (unsigned long long)line);
    p->num_failed++;
    gw_cli_tell(&p->cli, what, e->u.published.code, e->u.published.reason);
    tell_field(p, e->u.published.field);
  }
  if (p->num_sent == 0) {
    gw_cli_disarm(&p->cli);
  } else {
    gw_cli_arm(&p->cli);
  }
  if (p->is_paused) {
    p->is_paused = false;
    gw_lines_resume(&p->lines);
  }
  check_end(p);
}

static void on_ending(gw_cli *cli) {
  publish *p = cli->user;
  if (p->has_lines) gw_lines_close(&p->lines);
}

static void on_event(gw_cli *cli, const gw_event *e) {
  publish *p = cli->user;
  if (e->type == GW_EVENT_PUBLISHED) on_published(p, e);
}

/* ---- input ----------------------------------------------------------------- */

static bool on_line(void *user, gw_view line) {
  publish *p = user;
  if (p->cli.is_ending) return false;
  /* A line of Windows; an empty one is for the reader's eye. */
  bool has_return = line.len > 0 && line.data[line.len - 1] == '\r';
  if (has_return && !p->as_bytes) line.len--;
  if (line.len == 0) return true;
  p->is_paused = !publish_one(p, line);
  return !p->is_paused;
}

static void on_lines_end(void *user, const char *why) {
  publish *p = user;
  p->is_over = true;
  if (why != NULL) {
    fprintf(stderr, "%s: standard input: %s\n", p->cli.name, why);
    p->num_failed++;
  }
  check_end(p);
}

/** The whole of a file, to be freed; NULL: told. */
static uint8_t *read_file(const publish *p, size_t *len) {
  FILE *file = fopen(p->file, "rb");
  uint8_t *data = malloc(GW_LINES_MAX_BYTES + 1);
  const char *why = file == NULL ? strerror(errno) : NULL;
  if (why == NULL && data != NULL) {
    *len = fread(data, 1, GW_LINES_MAX_BYTES + 1, file);
    if (ferror(file)) why = strerror(errno);
    if (*len > GW_LINES_MAX_BYTES) why = "is too large for a publication";
  }
  if (file != NULL) fclose(file);
  if (why == NULL) return data;
  fprintf(stderr, "%s: %s: %s\n", p->cli.name, p->file, why);
  free(data);
  return NULL;
}

static int start(publish *p) {
  if (p->file != NULL) {
    size_t len = 0;
    uint8_t *data = read_file(p, &len);
    if (data == NULL) return GW_EXIT_FAILED;
    (void)publish_one(p, (gw_view){data, len});
    free(data);
    p->is_over = true;
  } else if (p->data != NULL) {
    (void)publish_one(p, gw_view_of(p->data));
    p->is_over = true;
  } else {
    p->lines =
        (gw_lines){.on_line = on_line, .on_end = on_lines_end, .user = p};
    p->has_lines = gw_lines_open(&p->lines, &p->cli.loop) == 0;
    if (!p->has_lines) {
      fprintf(stderr, "%s: there is no standard input\n", p->cli.name);
      return GW_EXIT_FAILED;
    }
  }
  check_end(p);
  return 0;
}

/* ---- command line ---------------------------------------------------------- */

static const char about[] =
    "Publishes DATA to a channel and prints its position, EPOCH:OFFSET, once the\n"
    "server has acknowledged it. DATA that is JSON is published as it is, other\n"
    "text as a JSON string. With - each line of the standard input is published,\n"
    "in order. Exits with 0 only when everything was acknowledged, 1 when\n"
    "something was refused or not answered in time, 2 for a wrong command line.\n";

static const char examples[] =
    "  godwit publish room:lobby '{\"text\":\"hi\"}'\n"
    "  godwit publish price:all '{\"bid\":1}' --item A --tag symbol=A\n"
    "  tail -f measurements | godwit publish sensor:1 -\n";

/** NULL: none. */
static const char *contradiction(const publish *p, int argc) {
  if (p->as_text + p->as_bytes + p->as_json > 1)
    return "--text, --bytes and --json exclude each other";
  if (p->file != NULL && argc > 1) return "--file and DATA exclude each other";
  if (p->removed && (p->file != NULL || argc > 1))
    return "what is removed has no data";
  if (p->expect != NULL && p->expect_item != NULL)
    return "--expect and --expect-item exclude each other";
  return NULL;
}

/** "none", or where the item was published last. */
static bool read_expected(publish *p) {
  gw_publish_options *o = &p->options;
  o->compare = p->expect != NULL;
  o->compare_item = p->expect_item != NULL;
  if (p->expect_item != NULL && strcmp(p->expect_item, "none") == 0)
    return true;
  const char *text = p->expect != NULL ? p->expect : p->expect_item;
  return text == NULL || gw_text_read_position(text, &o->expected);
}

static bool read_tags(publish *p) {
  gw_out out = {p->tag_space, 0, sizeof p->tag_space};
  for (uint32_t i = 0; i < p->tags.num; i++) {
    const char *text = p->tags.text[i];
    size_t len = strcspn(text, "=");
    gw_tag tag = {{(const uint8_t *)text, len}, gw_view_of(text + len + 1)};
    if (text[len] == '\0' || len == 0 ||
        gw_list_add(&out, &p->options.tags, GW_MESSAGE_tag, &tag) < 0)
      return false;
  }
  return true;
}

/** What a publication has besides its data. */
static int read_more(publish *p, const gw_usage *usage) {
  p->options.ttl_ms = p->ttl_ms;
  p->options.removed = p->removed;
  if (!read_expected(p))
    return gw_usage_error(usage, "a position must be EPOCH:OFFSET as printed");
  if (!read_tags(p)) return gw_usage_error(usage, "--tag must be NAME=VALUE");
  if (p->meta != NULL) p->options.meta = gw_view_of(p->meta);
  if (p->item != NULL) p->options.item = gw_view_of(p->item);
  if (p->options.item.len > GW_MAX_ITEM_BYTES)
    return gw_usage_error(usage, "--item must not be longer than %u bytes",
                          GW_MAX_ITEM_BYTES);
  return 0;
}

/** A name that is a JSON object or list is data in the wrong place. */
static int check_channel(const gw_usage *usage, const char *name) {
  bool is_data =
      (name[0] == '{' || name[0] == '[') && gw_text_is_json(gw_view_of(name));
  if (is_data)
    return gw_usage_error(usage, "%s is no channel: CHANNEL comes before DATA",
                          name);
  return gw_cli_check_channel(usage, name);
}

static int parse(publish *p, int argc, char **argv) {
  const gw_option options[] = {
      {"--text", GW_OPTION_FLAG, &p->as_text, NULL,
       "DATA is text, also where it looks like JSON"},
      {"--bytes", GW_OPTION_FLAG, &p->as_bytes, NULL, "DATA is bytes"},
      {"--json", GW_OPTION_FLAG, &p->as_json, NULL, "refuse what is not JSON"},
      {"--file", GW_OPTION_TEXT, &p->file, "FILE",
       "DATA is the file's content"},
      {"--expect", GW_OPTION_TEXT, &p->expect, "EPOCH:OFFSET",
       "only if the channel is there"},
      {"--ttl", GW_OPTION_DURATION, &p->ttl_ms, "TIME",
       "forget it after this time"},
      {"--item", GW_OPTION_TEXT, &p->item, "ID",
       "what it is about: supersedes what was published about that"},
      {"--expect-item", GW_OPTION_TEXT, &p->expect_item, "POSITION",
       "only if the item was published there last, or none: is not there"},
      {"--removed", GW_OPTION_FLAG, &p->removed, NULL,
       "the item is gone; without DATA"},
      {"--tag", GW_OPTION_TEXTS, &p->tags, "NAME=VALUE",
       "for filters; several times"},
      {"--meta", GW_OPTION_TEXT, &p->meta, "JSON",
       "what is known about the channel, if nothing is so far"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  gw_option connection[GW_CLI_NUM_OPTIONS];
  const gw_usage usage = {"godwit publish", "CHANNEL [DATA|-]", about,
                          options,          connection,         examples};
  int code = gw_cli_parse(&p->cli, &usage, connection, &argc, argv);
  if (code != 0) return code;
  if (argc < 1) return gw_usage_error(&usage, "which channel?");
  if (argc > 2) return gw_usage_error(&usage, "DATA is one argument: quote it");
  const char *why = contradiction(p, argc);
  if (why != NULL) return gw_usage_error(&usage, "%s", why);
  code = check_channel(&usage, argv[0]);
  if (code != 0) return code;
  p->channel = argv[0];
  if (argc == 2 && strcmp(argv[1], "-") != 0) p->data = argv[1];
  if (p->removed) p->data = "";
  if (p->data == NULL && p->file == NULL && isatty(STDIN_FILENO)) {
    return gw_usage_error(&usage, "what shall be published?");
  }
  return read_more(p, &usage);
}

int gw_cmd_publish(int argc, char **argv) {
  publish *p = calloc(1, sizeof *p);
  if (p == NULL) return GW_EXIT_FAILED;
  p->cli.on_event = on_event;
  p->cli.on_ending = on_ending;
  p->cli.user = p;
  int code = parse(p, argc, argv);
  if (code == 0) code = gw_cli_open(&p->cli);
  if (code != 0) {
    free(p);
    return code > 0 ? code : GW_EXIT_OK;
  }
  code = start(p);
  if (code != 0) gw_cli_end(&p->cli, code);
  code = gw_cli_run(&p->cli);
  gw_lines_deinit(&p->lines);
  free(p);
  return code;
}
