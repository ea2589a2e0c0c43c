/* SPDX-License-Identifier: MIT */
/* recording.c - reads a recording: lines of JSON, each checked as it comes. */
#include "server/cli/replay/recording.h"

#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/replay/whole.h"

static const char wrong_file[] =
    "A recording is made by `godwit/record` in a page, or by --record.";
static const char cut_file[] =
    "If the file was cut, the lines before this one can be replayed: "
    "head -n N FILE.";
static const char too_large[] =
    "Replay a part of it: the header and the lines from an \"open\" on.";

/** Returns err. */
static int fail(gw_recording_fault *f, int err, const char *remedy,
                const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vsnprintf(f->why, sizeof f->why, format, args);
  va_end(args);
  f->remedy = remedy;
  return err;
}

static int no_memory(gw_recording_fault *f) {
  return fail(f, GW_ERR_NOMEM, too_large, "out of memory");
}

/* ---- header ---------------------------------------------------------------- */

/** A copy of a text of the header; "" for none. */
static char *copy_of(const json_t *header, const char *name) {
  const char *text = json_string_value(json_object_get(header, name));
  return strdup(text != NULL ? text : "");
}

static int read_header(gw_recording *r, const json_t *header,
                       gw_recording_fault *f) {
  const char *format = json_string_value(json_object_get(header, "format"));
  json_int_t version = json_integer_value(json_object_get(header, "version"));
  if (format == NULL || strcmp(format, GW_RECORDING_FORMAT) != 0)
    return fail(f, GW_ERR_PROTOCOL, wrong_file, "no header of a recording");
  if (version != GW_RECORDING_VERSION)
    return fail(f, GW_ERR_PROTOCOL, "Use a godwit of the same age.",
                "the format has version %lld, and not %u", (long long)version,
                GW_RECORDING_VERSION);
  r->sdk = copy_of(header, "sdk");
  r->host = copy_of(header, "host");
  r->start = copy_of(header, "start");
  r->has_payloads = !json_is_false(json_object_get(header, "payloads"));
  return r->sdk != NULL && r->host != NULL && r->start != NULL ? 0
                                                               : no_memory(f);
}

/* ---- values ---------------------------------------------------------------- */

/** A whole number of at most max. */
static bool read_number(const json_t *value, uint64_t max, uint64_t *number) {
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *number = (uint64_t)json_integer_value(value);
  return *number <= max;
}

static bool take_count(const json_t *value, gw_recorded_line *line) {
  uint64_t number;
  if (!read_number(value, UINT32_MAX, &number)) return false;
  line->code = (uint32_t)number;
  return true;
}

/** It has no NUL: jansson reads none. */
static bool take_text(const json_t *value, gw_recorded_line *line) {
  if (!json_is_string(value)) return false;
  line->bytes.data = (const uint8_t *)strdup(json_string_value(value));
  line->bytes.len = json_string_length(value);
  return line->bytes.data != NULL;
}

static bool take_base64(const json_t *value, gw_recorded_line *line) {
  if (!json_is_string(value)) return false;
  size_t len = json_string_length(value);
  uint8_t *bytes = malloc(len / 4 * 3 + 4);
  if (bytes == NULL) return false;
  line->bytes = (gw_view){bytes, 0};
  const char *end;
  const char *text = json_string_value(value);
  bool is_good = sodium_base642bin(bytes, len / 4 * 3 + 3, text, len, NULL,
                                   &line->bytes.len, &end,
                                   sodium_base64_VARIANT_ORIGINAL) == 0 &&
                 end == text + len;
  return is_good;
}

static bool take_end(const json_t *value, gw_recorded_line *line) {
  uint64_t code, retry = 0;
  const json_t *after = json_object_get(value, "retryAfterMs");
  if (!read_number(json_object_get(value, "code"), 65535, &code) ||
      (after != NULL && !read_number(after, UINT32_MAX, &retry)))
    return false;
  line->code = (uint32_t)code;
  line->retry_after_ms = (uint32_t)retry;
  return take_text(json_object_get(value, "reason"), line);
}

static bool take_wake(const json_t *value, gw_recorded_line *line) {
  static const char *const names[] = {"online", "offline", "visible", "hidden"};
  const char *name = json_string_value(value);
  for (uint32_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    line->code = i; /* enum gw_wake */
    return true;
  }
  return false;
}

/* ---- lines ----------------------------------------------------------------- */

/** By enum gw_recorded. */
static const struct {
  const char *name;
  bool (*take)(const json_t *value, gw_recorded_line *line);
} kinds[] = {
    [GW_RECORDED_OPEN] = {"open", take_text},
    [GW_RECORDED_OPENED] = {"opened", take_text},
    [GW_RECORDED_OUT] = {"out", take_base64},
    [GW_RECORDED_IN] = {"in", take_base64},
    [GW_RECORDED_TEXT] = {"text", take_count},
    [GW_RECORDED_CLOSE] = {"close", take_end},
    [GW_RECORDED_CLOSED] = {"closed", take_end},
    [GW_RECORDED_CUT] = {"cut", take_count},
    [GW_RECORDED_WAKE] = {"wake", take_wake},
    [GW_RECORDED_NOTE] = {"note", take_text},
};
#define NUM_KINDS (sizeof kinds / sizeof *kinds)

static int take_value(const json_t *object, gw_recorded_line *line,
                      gw_recording_fault *f) {
  for (size_t i = 0; i < NUM_KINDS; i++) {
    const json_t *value = json_object_get(object, kinds[i].name);
    if (value == NULL) continue;
    line->type = (enum gw_recorded)i;
    if (kinds[i].take(value, line)) return 0;
    return fail(f, GW_ERR_PROTOCOL, cut_file, "\"%s\" is not what it has to be",
                kinds[i].name);
  }
  return fail(f, GW_ERR_PROTOCOL, wrong_file, "it says nothing that is known");
}

/** Whether a connection is opened once, and ahead of all that it does. */
static int check_order(gw_recording *r, const gw_recorded_line *line,
                       gw_recording_fault *f) {
  bool has_connection = line->type < GW_RECORDED_WAKE;
  bool begins = line->type == GW_RECORDED_OPEN || line->type == GW_RECORDED_CUT;
  if (r->num_lines > 0 && line->t_ms < r->lines[r->num_lines - 1].t_ms)
    return fail(f, GW_ERR_PROTOCOL, wrong_file, "its time goes back");
  if (has_connection != (line->n != 0))
    return fail(f, GW_ERR_PROTOCOL, wrong_file,
                "\"n\" is missing, or too much");
  if (!has_connection) return 0;
  if (begins ? line->n <= r->last_n : line->n > r->last_n)
    return fail(f, GW_ERR_PROTOCOL, wrong_file, "connection %u was %s", line->n,
                begins ? "opened before" : "not opened");
  if (begins) r->last_n = line->n;
  return 0;
}

static int make_whole(const gw_recording *r, gw_recorded_line *line,
                      gw_recording_fault *f) {
  line->wire_bytes = line->bytes.len;
  int num_left = line->type == GW_RECORDED_IN ? gw__make_whole(line) : 0;
  if (num_left < 0) return no_memory(f);
  if (num_left == 0 || r->has_payloads) return 0;
  return fail(f, GW_ERR_PROTOCOL,
              "Record with payloads, or from a server with "
              "compression.enabled: false.",
              "payloads were left out, and with them what a compressed frame "
              "holds");
}

static int read_line(gw_recording *r, const json_t *object,
                     gw_recorded_line *line, gw_recording_fault *f) {
  uint64_t n = 0;
  const json_t *connection = json_object_get(object, "n");
  if (!read_number(json_object_get(object, "t"), INT64_MAX, &line->t_ms))
    return fail(f, GW_ERR_PROTOCOL, wrong_file, "no time \"t\"");
  if (connection != NULL && !read_number(connection, UINT32_MAX, &n))
    return fail(f, GW_ERR_PROTOCOL, wrong_file, "\"n\" is no number");
  line->n = (uint32_t)n;
  int err = take_value(object, line, f);
  if (err == 0) err = check_order(r, line, f);
  return err == 0 ? make_whole(r, line, f) : err;
}

static int keep(gw_recording *r, const gw_recorded_line *line,
                gw_recording_fault *f) {
  if (r->num_lines == r->cap) {
    size_t cap = r->cap * 2 + 256;
    gw_recorded_line *lines = realloc(r->lines, cap * sizeof *lines);
    if (lines == NULL) return no_memory(f);
    r->lines = lines;
    r->cap = cap;
  }
  r->lines[r->num_lines++] = *line;
  return 0;
}

int gw_recording_add(gw_recording *r, uint32_t number, gw_view text,
                     gw_recording_fault *f) {
  json_error_t error;
  f->line = number;
  json_t *object = json_loadb((const char *)text.data, text.len,
                              JSON_REJECT_DUPLICATES, &error);
  if (!json_is_object(object)) {
    json_decref(object);
    return fail(f, GW_ERR_PROTOCOL, r->sdk == NULL ? wrong_file : cut_file,
                "no JSON object: %.120s", error.text);
  }
  gw_recorded_line line = {.number = number};
  int err = r->sdk == NULL ? read_header(r, object, f)
                           : read_line(r, object, &line, f);
  json_decref(object);
  if (err == 0 && number > 1) err = keep(r, &line, f);
  if (err < 0) free((void *)line.bytes.data);
  return err;
}

/* ---- file ------------------------------------------------------------------ */

/** The next line without its end into *buffer: its length, -1 at the end of the
 * file, or -2 when it is too long. */
static ssize_t next_line(FILE *from, char **buffer, size_t *cap) {
  size_t len = 0;
  int c;
  while ((c = getc_unlocked(from)) != EOF && c != '\n') {
    if (len == GW_RECORDING_MAX_LINE_BYTES) return -2;
    if (len == *cap) {
      size_t wanted = *cap * 2 + 4096;
      char *larger = realloc(*buffer, wanted);
      if (larger == NULL) return -2;
      *buffer = larger;
      *cap = wanted;
    }
    (*buffer)[len++] = (char)c;
  }
  return c == EOF && len == 0 ? -1 : (ssize_t)len;
}

static int read_lines(gw_recording *r, FILE *from, char **buffer,
                      gw_recording_fault *f) {
  size_t cap = 0, total = 0;
  ssize_t len;
  uint32_t number = 0;
  while ((len = next_line(from, buffer, &cap)) != -1) {
    f->line = ++number;
    total += len > 0 ? (size_t)len : 0;
    if (len == -2 || total > GW_RECORDING_MAX_BYTES)
      return fail(f, GW_ERR_PEER_TOO_BIG, too_large, "%s",
                  len == -2 ? "the line is too long" : "the file is too large");
    gw_view text = {(const uint8_t *)*buffer, (size_t)len};
    int err = gw_recording_add(r, number, text, f);
    if (err < 0) return err;
  }
  if (ferror(from))
    return fail(f, GW_ERR_PROTOCOL, wrong_file, "it cannot be read");
  if (number == 0)
    return fail(f, GW_ERR_PROTOCOL, wrong_file, "there is nothing in it");
  return 0;
}

int gw_recording_read(gw_recording *r, FILE *from, gw_recording_fault *fault) {
  char *buffer = NULL;
  *fault = (gw_recording_fault){0};
  int err = read_lines(r, from, &buffer, fault);
  free(buffer);
  return err;
}

bool gw_recorded_frame(gw_view *rest, gw_frame *frame) {
  int64_t used = gw_frame_parse(*rest, GW_MAX_FRAME_BYTES_HARD, frame);
  if (used <= 0) return false;
  rest->data += used;
  rest->len -= (size_t)used;
  return true;
}

void gw_recording_deinit(gw_recording *r) {
  for (size_t i = 0; i < r->num_lines; i++)
    free((void *)r->lines[i].bytes.data);
  free(r->lines);
  free(r->sdk);
  free(r->host);
  free(r->start);
  *r = (gw_recording){0};
}
