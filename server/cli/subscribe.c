/* SPDX-License-Identifier: MIT */
/* subscribe.c - `godwit subscribe`: a line for each publication. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/cmd.h"
#include "server/cli/filter.h"
#include "server/cli/members.h"
#include "server/cli/session.h"
#include "server/cli/text.h"

typedef struct subscribe {
  gw_cli cli;
  bool as_json;
  bool presence;
  bool delta;
  const char *since;
  const char *overflow;
  const char *filter;
  const char *meta;
  uint32_t count; /**< 0: no end */
  gw_sub_options options;
  uint8_t filter_space[GW_FILTER_SPACE];
  int num_channels;
  char **channels;
  uint32_t *subs; /**< their ids */
  int num_live;   /**< that have not ended */
  uint64_t num_seen;
} subscribe;

/** The name of a subscription's channel. */
static gw_view channel_of(const subscribe *s, uint32_t sub) {
  for (int i = 0; i < s->num_channels; i++) {
    if (s->subs[i] == sub) return gw_view_of(s->channels[i]);
  }
  return gw_view_of("?");
}

/** The channel that something was published to. */
static gw_view origin_of(const subscribe *s, const gw_event *e) {
  gw_view matched = e->u.publication.channel;
  return matched.len != 0 ? matched : channel_of(s, e->u.publication.sub);
}

/* ---- publications ---------------------------------------------------------- */

static void put_publisher(FILE *to, uint64_t client, gw_view user) {
  char id[GW_TEXT_ID_MAX];
  if (user.len > 0) {
    gw_text_put(to, user);
  } else {
    fputs(client != 0 ? gw_text_id(client, id) : "server", to);
  }
}

static gw_list tags_of(const gw_event *e) {
  gw_publication m = {.offset = 0};
  (void)!gw_decode_publication(e->u.publication.body, &m);
  return m.tags;
}

static void put_tags(gw_list tags) {
  gw_view item;
  gw_tag tag;
  while (gw_list_next(&tags, &item)) {
    if (gw_decode_tag(item, &tag) < 0) continue;
    putchar(' ');
    gw_text_put(stdout, tag.name);
    putchar('=');
    gw_text_put(stdout, tag.value);
  }
}

static void put_line(const subscribe *s, const gw_event *e) {
  char clock[GW_TEXT_TIME_MAX];
  printf("%s ", gw_text_clock(e->u.publication.time_ms, clock));
  if (s->num_channels > 1 || e->u.publication.channel.len != 0) {
    gw_text_put(stdout, origin_of(s, e));
    putchar(' ');
  }
  printf("%" PRIu64 " ", e->u.publication.position.offset);
  put_publisher(stdout, e->u.publication.client, e->u.publication.user);
  if (e->u.publication.item.len != 0) {
    fputs(" [", stdout);
    gw_text_put(stdout, e->u.publication.item);
    putchar(']');
  }
  put_tags(tags_of(e));
  fputs(": ", stdout);
  if (e->u.publication.removed)
    fputs("removed", stdout);
  else
    gw_text_put_payload(stdout, e->u.publication.payload);
  putchar('\n');
}

static void put_tags_json(gw_list tags) {
  gw_view item;
  gw_tag tag;
  if (tags.num == 0) return;
  fputs(",\"tags\":", stdout);
  for (char sign = '{'; gw_list_next(&tags, &item); sign = ',') {
    if (gw_decode_tag(item, &tag) < 0) continue;
    putchar(sign);
    gw_text_put_string(stdout, tag.name);
    putchar(':');
    gw_text_put_string(stdout, tag.value);
  }
  putchar('}');
}

static void put_json(const subscribe *s, const gw_event *e) {
  char id[GW_TEXT_ID_MAX], time[GW_TEXT_TIME_MAX];
  gw_position p = e->u.publication.position;
  fputs("{\"type\":\"publication\",\"channel\":", stdout);
  gw_text_put_string(stdout, origin_of(s, e));
  printf(",\"epoch\":\"%s\",\"offset\":%" PRIu64, gw_text_id(p.epoch, id),
         p.offset);
  printf(",\"client\":\"%s\",\"user\":",
         gw_text_id(e->u.publication.client, id));
  gw_text_put_string(stdout, e->u.publication.user);
  printf(",\"time\":\"%s\"", gw_text_iso(e->u.publication.time_ms, time));
  if (e->u.publication.item.len != 0) {
    fputs(",\"item\":", stdout);
    gw_text_put_string(stdout, e->u.publication.item);
  }
  if (e->u.publication.removed) fputs(",\"removed\":true", stdout);
  put_tags_json(tags_of(e));
  gw_text_put_payload_member(stdout, e->u.publication.payload);
  fputs("}\n", stdout);
}

static void on_publication(subscribe *s, const gw_event *e) {
  if (s->as_json) {
    put_json(s, e);
  } else {
    put_line(s, e);
  }
  gw_cli_flush(&s->cli);
  if (++s->num_seen == s->count) gw_cli_end(&s->cli, GW_EXIT_OK);
}

/* ---- messages -------------------------------------------------------------- */

static void put_message_line(const gw_event *e) {
  char clock[GW_TEXT_TIME_MAX];
  printf("%s message ", gw_text_clock(e->u.message.time_ms, clock));
  if (e->u.message.event.len > 0) {
    gw_text_put(stdout, e->u.message.event);
    putchar(' ');
  }
  put_publisher(stdout, e->u.message.client, e->u.message.user);
  fputs(": ", stdout);
  gw_text_put_payload(stdout, e->u.message.payload);
  putchar('\n');
}

static const char *address_name(uint32_t to) {
  static const char *const names[] = {"user",  "client",   "connection",
                                      "group", "channels", "everybody"};
  return to < sizeof names / sizeof names[0] ? names[to] : "unknown";
}

static void put_message_json(const gw_event *e) {
  char id[GW_TEXT_ID_MAX], time[GW_TEXT_TIME_MAX];
  fputs("{\"type\":\"message\",\"event\":", stdout);
  gw_text_put_string(stdout, e->u.message.event);
  printf(",\"client\":\"%s\",\"user\":", gw_text_id(e->u.message.client, id));
  gw_text_put_string(stdout, e->u.message.user);
  printf(",\"to\":\"%s\"", address_name(e->u.message.to));
  if (e->u.message.group.len > 0) {
    fputs(",\"group\":", stdout);
    gw_text_put_string(stdout, e->u.message.group);
  }
  printf(",\"time\":\"%s\"", gw_text_iso(e->u.message.time_ms, time));
  gw_text_put_payload_member(stdout, e->u.message.payload);
  fputs("}\n", stdout);
}

static void on_message(subscribe *s, const gw_event *e) {
  if (s->as_json) {
    put_message_json(e);
  } else {
    put_message_line(e);
  }
  gw_cli_flush(&s->cli);
}

/* ---- gaps and states ------------------------------------------------------- */

static const char *gap_text(uint32_t reason) {
  static const char *const texts[] = {"for an unknown reason",
                                      "the stream was begun anew",
                                      "they were trimmed",
                                      "they expired",
                                      "there are too many",
                                      "the permission was lost",
                                      "this reader was too slow",
                                      "the filter leaves them out",
                                      "newer ones took their place",
                                      "all that the channel holds is told anew",
                                      "a pattern is of what comes from now on"};
  return texts[reason < sizeof texts / sizeof texts[0] ? reason : 0];
}

/** For a machine a gap is a line among the others: what it misses comes here. */
static void put_gap_json(const subscribe *s, const gw_event *e) {
  static const char *const names[] = {
      "none",        "epoch_changed", "trimmed",
      "expired",     "over_limit",    "permission_lost",
      "slow_reader", "filtered",      "superseded",
      "anew",        "live_only"};
  uint32_t reason = e->u.gap.reason;
  fputs("{\"type\":\"gap\",\"channel\":", stdout);
  gw_text_put_string(stdout, channel_of(s, e->u.gap.sub));
  printf(",\"reason\":\"%s\",\"from\":%" PRIu64,
         reason < sizeof names / sizeof names[0] ? names[reason] : "unknown",
         e->u.gap.from);
  if (e->u.gap.to != 0) printf(",\"to\":%" PRIu64, e->u.gap.to);
  fputs("}\n", stdout);
}

/** Which publications a gap is about. */
static void put_range(const gw_event *e) {
  uint64_t from = e->u.gap.from, to = e->u.gap.to;
  if (e->u.gap.reason == GW_GAP_LIVE_ONLY)
    fputs("what was published meanwhile", stderr);
  else if (to != 0)
    fprintf(stderr, "publications %" PRIu64 " to %" PRIu64, from, to);
  else
    fprintf(stderr, "publications %" PRIu64 " and on", from);
}

static void on_gap(subscribe *s, const gw_event *e) {
  fprintf(stderr, "%s: ", s->cli.name);
  gw_text_put(stderr, channel_of(s, e->u.gap.sub));
  fputs(": ", stderr);
  if (e->u.gap.reason != GW_GAP_ANEW) {
    put_range(e);
    fputs(" will not come: ", stderr);
  }
  fprintf(stderr, "%s\n", gap_text(e->u.gap.reason));
  if (!s->as_json) return;
  put_gap_json(s, e);
  gw_cli_flush(&s->cli);
}

static void on_ended(subscribe *s, const gw_event *e) {
  char channel[300];
  (void)snprintf(channel, sizeof channel, "%.*s", (int)e->u.sub.channel.len,
                 (const char *)e->u.sub.channel.data);
  gw_cli_tell(&s->cli, channel, e->u.sub.code, e->u.sub.reason);
  if (--s->num_live == 0) gw_cli_end(&s->cli, GW_EXIT_FAILED);
}

static void on_sub_state(subscribe *s, const gw_event *e) {
  if (e->u.sub.to == GW_SUB_ENDED) {
    on_ended(s, e);
    return;
  }
  if (e->u.sub.to != GW_SUB_LIVE) return;
  char position[GW_TEXT_POSITION_MAX];
  fprintf(stderr, "%s: ", s->cli.name);
  gw_text_put(stderr, e->u.sub.channel);
  fprintf(stderr, ": live at %s%s\n",
          gw_text_position(e->u.sub.position, position),
          e->u.sub.delta ? ", by deltas" : "");
}

static void on_meta(subscribe *s, const gw_event *e) {
  gw_view channel = channel_of(s, e->u.meta.sub), meta = e->u.meta.meta;
  if (!s->as_json) {
    fprintf(stderr, "%s: ", s->cli.name);
    gw_text_put(stderr, channel);
    fputs(": about the channel: ", stderr);
    gw_text_put_json(stderr, meta.len != 0 ? meta : gw_view_of("null"));
    fputc('\n', stderr);
    return;
  }
  fputs("{\"type\":\"metadata\",\"channel\":", stdout);
  gw_text_put_string(stdout, channel);
  gw_text_put_payload_member(stdout, (gw_payload){GW_PAYLOAD_JSON, meta});
  fputs("}\n", stdout);
  gw_cli_flush(&s->cli);
}

/** Where there are too many, numbers stand for the changes. */
static void on_synced(subscribe *s, const gw_event *e) {
  const gw_presence_numbers *n = &e->u.presence_sync.numbers;
  if (n->mode <= GW_PRESENCE_MODE_IDS) return;
  gw_members_put_numbers(stdout, n, channel_of(s, e->u.presence_sync.sub),
                         s->as_json);
  gw_cli_flush(&s->cli);
}

static void on_event(gw_cli *cli, const gw_event *e) {
  subscribe *s = cli->user;
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    on_publication(s, e);
    break;
  case GW_EVENT_GAP:
    on_gap(s, e);
    break;
  case GW_EVENT_SUB_STATE:
    on_sub_state(s, e);
    break;
  case GW_EVENT_PRESENCE:
    gw_members_put_change(stdout, e, channel_of(s, e->u.presence.sub),
                          s->as_json);
    gw_cli_flush(cli);
    break;
  case GW_EVENT_META:
    on_meta(s, e);
    break;
  case GW_EVENT_PRESENCE_SYNC:
    on_synced(s, e);
    break;
  case GW_EVENT_MESSAGE:
    on_message(s, e);
    break;
  default:
    break;
  }
}

/* ---- command line ---------------------------------------------------------- */

static const char about[] =
    "Prints a line for each publication of the channels: time, channel where\n"
    "there are several, offset, publisher, item if it is about one, tags, payload;\n"
    "and for each message that is sent to this user or client meanwhile. Where the\n"
    "namespace allows it, CHANNEL may be a pattern: stock.*, log.>\n"
    "What cannot be delivered and changes of the connection are told on standard\n"
    "error. It reconnects, and goes on where it was, until it is interrupted, which\n"
    "exits with 0; 1 when the server refuses for good, 2 for a wrong command line.\n";

static const char examples[] =
    "  godwit subscribe room:lobby --since start\n"
    "  godwit subscribe room:lobby alarm:all --json\n"
    "  godwit subscribe stock:all --filter 'price >= 5 and not test exists'\n";

/** The policy of that name; false: there is none. */
static bool find_overflow(const char *name, uint32_t *overflow) {
  static const char *const names[] = {"close", "drop", "conflate", "sample"};
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    *overflow = i;
    return true;
  }
  return false;
}

static int read_filter(subscribe *s, const gw_usage *usage) {
  size_t at;
  if (s->filter == NULL) return 0;
  const char *why =
      gw_filter_read(s->filter, s->filter_space, &s->options.filter, &at);
  if (why == NULL) return 0;
  return gw_usage_error(usage, "--filter: %s, after '%.*s'", why, (int)at,
                        s->filter);
}

static int parse(subscribe *s, int argc, char **argv) {
  const gw_option options[] = {
      {"--json", GW_OPTION_FLAG, &s->as_json, NULL,
       "an object for each line; gaps among them"},
      {"--since", GW_OPTION_TEXT, &s->since, "POSITION",
       "start: all that is kept; EPOCH:OFFSET: what comes after"},
      {"--overflow", GW_OPTION_TEXT, &s->overflow, "POLICY",
       "when too slow: close, drop, conflate or sample [close]"},
      {"--filter", GW_OPTION_TEXT, &s->filter, "CONDITIONS",
       "only what passes: 'lang = es and (price >= 5 or vip exists)'"},
      {"--meta", GW_OPTION_TEXT, &s->meta, "JSON",
       "what the server shall know about the subscription"},
      {"--presence", GW_OPTION_FLAG, &s->presence, NULL,
       "also who enters, changes and leaves"},
      {"--delta", GW_OPTION_FLAG, &s->delta, NULL,
       "by changes to the one before, where the server does that"},
      {"--count", GW_OPTION_NUMBER, &s->count, "N",
       "exit after so many publications"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  gw_option connection[GW_CLI_NUM_OPTIONS];
  const gw_usage usage = {"godwit subscribe", "CHANNEL...", about, options,
                          connection,         examples};
  int code = gw_cli_parse(&s->cli, &usage, connection, &argc, argv);
  if (code != 0) return code;
  if (argc < 1) return gw_usage_error(&usage, "which channel?");
  for (int i = 0; i < argc && code == 0; i++)
    code = gw_cli_check_channel(&usage, argv[i]);
  if (code != 0) return code;
  s->num_channels = argc;
  s->channels = argv;
  s->options.presence = s->presence;
  s->options.delta = s->delta;
  if (s->overflow != NULL &&
      !find_overflow(s->overflow, &s->options.overflow)) {
    return gw_usage_error(&usage,
                          "--overflow must be close, drop, conflate or sample");
  }
  if (s->meta != NULL) s->options.meta = gw_view_of(s->meta);
  code = read_filter(s, &usage);
  if (code != 0) return code;
  s->options.recover = s->since != NULL;
  if (s->since == NULL || strcmp(s->since, "start") == 0) return 0;
  if (!gw_text_read_position(s->since, &s->options.since)) {
    return gw_usage_error(&usage, "--since must be start or EPOCH:OFFSET");
  }
  if (argc > 1) {
    return gw_usage_error(&usage, "a position belongs to one channel");
  }
  return 0;
}

/** Returns 0 or an exit code. */
static int subscribe_all(subscribe *s) {
  s->subs = calloc((size_t)s->num_channels, sizeof *s->subs);
  if (s->subs == NULL) return GW_EXIT_FAILED;
  for (int i = 0; i < s->num_channels; i++) {
    int64_t id = gw_client_subscribe(s->cli.client, gw_view_of(s->channels[i]),
                                     &s->options);
    if (id < 0) {
      fprintf(stderr, "%s: ", s->cli.name);
      gw_text_put(stderr, gw_view_of(s->channels[i]));
      fprintf(stderr, ": %s\n", gw_err_text((int)id));
      return GW_EXIT_USAGE;
    }
    bool is_new = true;
    for (int j = 0; j < i; j++)
      is_new = is_new && s->subs[j] != (uint32_t)id;
    s->subs[i] = (uint32_t)id;
    s->num_live += is_new;
  }
  return 0;
}

int gw_cmd_subscribe(int argc, char **argv) {
  subscribe s = {.cli = {.is_lasting = true, .on_event = on_event}};
  s.cli.user = &s;
  int code = parse(&s, argc, argv);
  if (code < 0) return GW_EXIT_OK;
  if (code == 0) code = gw_cli_open(&s.cli);
  if (code != 0) return code;
  code = subscribe_all(&s);
  if (code != 0) gw_cli_end(&s.cli, code);
  code = gw_cli_run(&s.cli);
  free(s.subs);
  return code;
}
