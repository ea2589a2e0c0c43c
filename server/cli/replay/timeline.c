/* SPDX-License-Identifier: MIT */
/* timeline.c - a line for each frame and event of a recording. */
#include "server/cli/replay/timeline.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/cli/text.h"
#include "server/core/json.h"

/** By enum gw_recorded. */
static const char *const events[] = {
    "open",  "opened", "out", "in",   "text",
    "close", "closed", "cut", "wake", "note",
};

/** By enum gw_wake. */
static const char *const wakes[] = {"online", "offline", "visible", "hidden"};

static bool is_shown(const gw_timeline *t, const gw_recorded_line *line) {
  return !t->is_brief && line->t_ms >= t->from_ms && line->t_ms <= t->to_ms;
}

/** "     1.234 #2 " */
static void put_place(const gw_recorded_line *line) {
  printf("%6" PRIu64 ".%03" PRIu64 " ", line->t_ms / 1000, line->t_ms % 1000);
  if (line->n != 0)
    printf("#%-3u ", line->n);
  else
    printf("     ");
}

/** {"line":5,"t":1234,"n":2 */
static void put_json_place(const gw_recorded_line *line) {
  printf("{\"line\":%u,\"t\":%" PRIu64, line->number, line->t_ms);
  if (line->n != 0) printf(",\"n\":%u", line->n);
}

/* ---- lines ------------------------------------------------------------------ */

static bool has_code(const gw_recorded_line *line) {
  return line->type == GW_RECORDED_CLOSE || line->type == GW_RECORDED_CLOSED ||
         line->type == GW_RECORDED_CUT || line->type == GW_RECORDED_TEXT;
}

static gw_view text_of(const gw_recorded_line *line) {
  if (line->type == GW_RECORDED_WAKE) return gw_view_of(wakes[line->code]);
  return line->bytes;
}

void gw_timeline_put_line(const gw_timeline *t, const gw_recorded_line *line) {
  if (!is_shown(t, line)) return;
  if (t->as_json) {
    put_json_place(line);
    printf(",\"event\":\"%s\"", events[line->type]);
    if (has_code(line)) printf(",\"code\":%u", line->code);
    if (text_of(line).len > 0) {
      printf(",\"text\":");
      gw_text_put_string(stdout, text_of(line));
    }
    printf("}\n");
    return;
  }
  put_place(line);
  printf("-- %s", events[line->type]);
  if (has_code(line)) printf(" %u", line->code);
  if (text_of(line).len > 0) putchar(' ');
  gw_text_put(stdout, text_of(line));
  putchar('\n');
}

/* ---- frames ----------------------------------------------------------------- */

/** The frame alone, as JSON; NULL: it is none that can be written so. */
static gw_buf *json_of(const gw_frame *frame) {
  const uint8_t *end = frame->body.data + frame->body.len;
  return gw_json_from_message((gw_view){end - frame->len, frame->len});
}

static void put_json_body(const char *before, const gw_buf *json) {
  if (json == NULL || !gw_view_is_text(gw_buf_payload(json))) return;
  if (gw_buf_payload(json).len == 0) return;
  fputs(before, stdout);
  gw_text_put_json(stdout, gw_buf_payload(json));
}

static void put_json_frame(const gw_recorded_line *line, const gw_frame *frame,
                           gw_view channel, const gw_buf *json) {
  put_json_place(line);
  printf(",\"direction\":\"%s\",\"bytes\":%u,\"type\":\"%s\"",
         events[line->type], frame->len, gw_type_name(frame->head.type));
  if (channel.len > 0) {
    printf(",\"channel\":");
    gw_text_put_string(stdout, channel);
  }
  put_json_body(",\"frame\":", json);
  printf("}\n");
}

static void put_text_frame(const gw_recorded_line *line, const gw_frame *frame,
                           gw_view channel, const gw_buf *json) {
  bool is_out = line->type == GW_RECORDED_OUT;
  put_place(line);
  printf("%s %5u %s", is_out ? "->" : "<-", frame->len,
         gw_type_name(frame->head.type));
  if (channel.len > 0) putchar(' ');
  gw_text_put(stdout, channel);
  put_json_body(" ", json);
  putchar('\n');
}

void gw_timeline_put_frame(const gw_timeline *t, const gw_recorded_line *line,
                           const gw_frame *frame, gw_view channel) {
  if (!is_shown(t, line)) return;
  if (t->channel.len > 0 && !gw_view_eq(t->channel, channel)) return;
  gw_buf *json = json_of(frame);
  if (t->as_json)
    put_json_frame(line, frame, channel, json);
  else
    put_text_frame(line, frame, channel, json);
  if (json != NULL) gw_buf_unref(json);
}

/* ---- violations ------------------------------------------------------------- */

void gw_timeline_put_violation(const gw_timeline *t, const gw_violation *v) {
  gw_view text = gw_view_of(v->text);
  if (t->as_json) {
    put_json_place(v->line);
    printf(",\"violation\":");
    gw_text_put_string(stdout, text);
    printf(",\"section\":\"%s\"}\n", v->section);
    return;
  }
  put_place(v->line);
  printf("!! line %u: ", v->line->number);
  gw_text_put(stdout, text);
  printf(" (docs/protocol.md, \"%s\")\n", v->section);
}
