/* SPDX-License-Identifier: MIT */
/* replay.c - `godwit replay`: what a recording from the field shows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/cmd.h"
#include "server/cli/options.h"
#include "server/cli/replay/player.h"
#include "server/cli/replay/tally.h"
#include "server/cli/replay/timeline.h"

static const char about[] =
    "Reads a recording that `godwit/record` made in a page, or --record of a\n"
    "command; - is standard input. Prints each frame in its time, checks the\n"
    "promises of docs/protocol.md that show on the wire, and ends with a summary.\n"
    "With --trace the recording is played into the client core, whose states and\n"
    "events are printed: set a breakpoint there.\n"
    "Exits with 0; 1 when a promise was not kept; 2 when the file is no recording,\n"
    "is cut inside a line, or the command line is wrong.\n";

/** What the command works on. */
typedef struct replay {
  gw_timeline timeline;
  gw_tally tally;
  gw_recording recording;
  const char *path;
  bool is_traced;
} replay;

/* ---- the wire --------------------------------------------------------------- */

static void on_frame(void *user, const gw_recorded_line *line,
                     const gw_frame *frame, gw_view channel) {
  replay *r = user;
  gw_tally_frame(&r->tally, line, frame);
  if (!r->is_traced) gw_timeline_put_frame(&r->timeline, line, frame, channel);
}

static void on_violation(void *user, const gw_violation *v) {
  replay *r = user;
  r->tally.violations++;
  gw_timeline_put_violation(&r->timeline, v);
}

static int follow(replay *r, gw_watch *w) {
  for (size_t i = 0; i < r->recording.num_lines; i++) {
    const gw_recorded_line *line = &r->recording.lines[i];
    bool is_message =
        line->type == GW_RECORDED_IN || line->type == GW_RECORDED_OUT;
    gw_tally_line(&r->tally, line);
    if (!is_message && !r->is_traced) gw_timeline_put_line(&r->timeline, line);
    int err = gw_watch_line(w, line);
    if (err < 0) return err;
  }
  gw_watch_finish(w);
  return 0;
}

static int run(replay *r) {
  const gw_watch_hooks hooks = {on_frame, on_violation, r};
  gw_watch *w = gw_watch_new(&hooks);
  int err = w != NULL ? follow(r, w) : GW_ERR_NOMEM;
  if (err == 0 && r->is_traced)
    err = gw_player_run(&r->recording, &r->timeline);
  if (err == 0)
    gw_tally_put(&r->tally, gw_watch_round_trips(w), &r->recording,
                 r->timeline.as_json);
  gw_watch_free(w);
  if (err < 0) {
    fprintf(stderr, "godwit replay: %s: %s\n", r->path, gw_err_text(err));
    return GW_EXIT_FAILED;
  }
  return r->tally.violations == 0 ? GW_EXIT_OK : GW_EXIT_FAILED;
}

/* ---- the file --------------------------------------------------------------- */

static int tell_fault(const replay *r, const gw_recording_fault *f) {
  fprintf(stderr, "godwit replay: %s:%u: %s\n%s\n", r->path, f->line, f->why,
          f->remedy);
  return GW_EXIT_USAGE;
}

/** Returns 0 or an exit code. */
static int read_file(replay *r) {
  gw_recording_fault fault;
  bool is_input = strcmp(r->path, "-") == 0;
  FILE *from = is_input ? stdin : fopen(r->path, "rb");
  if (from == NULL) {
    fprintf(stderr, "godwit replay: %s: %s\n", r->path, strerror(errno));
    return GW_EXIT_USAGE;
  }
  int err = gw_recording_read(&r->recording, from, &fault);
  if (!is_input) fclose(from);
  return err < 0 ? tell_fault(r, &fault) : 0;
}

/* ---- command line ----------------------------------------------------------- */

static const char examples[] =
    "  godwit subscribe room:lobby --record room.rec\n"
    "  godwit replay room.rec --brief\n";

/** Returns 0, -1 for help, or an exit code. */
static int parse(replay *r, int argc, char **argv) {
  const char *channel = NULL;
  uint32_t from = 0, to = 0;
  const gw_option options[] = {
      {"--json", GW_OPTION_FLAG, &r->timeline.as_json, NULL,
       "an object for each line"},
      {"--brief", GW_OPTION_FLAG, &r->timeline.is_brief, NULL,
       "only what is wrong, and the summary"},
      {"--channel", GW_OPTION_TEXT, &channel, "NAME",
       "print the frames of this channel only"},
      {"--from", GW_OPTION_DURATION, &from, "TIME",
       "print from this time after the start on: 500ms, 10s"},
      {"--to", GW_OPTION_DURATION, &to, "TIME", "print up to this time"},
      {"--trace", GW_OPTION_FLAG, &r->is_traced, NULL,
       "print what the client core tells an application, in place of frames"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {"godwit replay", "FILE", about,
                          options,         NULL,   examples};
  switch (gw_options_parse(&usage, &argc, argv)) {
  case GW_PARSED_HELP:
    return -1;
  case GW_PARSED_BAD:
    return GW_EXIT_USAGE;
  default:
    break;
  }
  if (argc != 1) return gw_usage_error(&usage, "which file?");
  r->path = argv[0];
  r->timeline.channel = gw_view_of(channel != NULL ? channel : "");
  r->timeline.from_ms = from;
  r->timeline.to_ms = to != 0 ? to : UINT64_MAX;
  return 0;
}

int gw_cmd_replay(int argc, char **argv) {
  replay r = {0};
  int code = parse(&r, argc, argv);
  if (code < 0) return GW_EXIT_OK;
  if (code == 0) code = read_file(&r);
  if (code == 0) code = run(&r);
  gw_recording_deinit(&r.recording);
  return code;
}
