/* SPDX-License-Identifier: MIT */
/* json_fuzz.c - the JSON transcoder: the first byte chooses whether the rest is
 * a line of JSON or a binary message. What was taken once has to come back the
 * same from the other encoding. */
#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"

#define SPACE_BYTES (256u * 1024u)

static void must(bool holds) {
  if (!holds) abort();
}

static bool is_same(gw_buf *text, gw_buf *again) {
  return gw_view_eq(gw_buf_payload(text), gw_buf_payload(again));
}

/** Lines to one message; false when it does not fit. */
static bool read_lines(gw_view text, gw_out *out) {
  while (text.len > 0) {
    const uint8_t *end = memchr(text.data, '\n', text.len);
    size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
    int err = gw_json_to_frame((gw_view){text.data, len}, out, NULL);
    if (err == GW_ERR_FULL) return false;
    must(err == 0);
    if (end != NULL) len++;
    text.data += len;
    text.len -= len;
  }
  return true;
}

static void fuzz_line(gw_view line) {
  static uint8_t space[SPACE_BYTES], again[SPACE_BYTES];
  char why[GW_MAX_REASON_BYTES];
  gw_out out = {space, 0, sizeof space};
  if (gw_json_to_frame(line, &out, why) != 0) {
    must(out.len == 0);
    must(strlen(why) > 0 && gw_view_is_text(gw_view_of(why)));
    return;
  }
  gw_buf *text = gw_json_from_message((gw_view){space, out.len});
  must(text != NULL);
  gw_out twice = {again, 0, sizeof again};
  must(read_lines(gw_buf_payload(text), &twice));
  must(out.len == twice.len && memcmp(space, again, out.len) == 0);
  gw_buf_unref(text);
}

static void fuzz_message(gw_view message) {
  static uint8_t space[SPACE_BYTES];
  gw_out out = {space, 0, sizeof space};
  gw_buf *text = gw_json_from_message(message);
  if (text != NULL && read_lines(gw_buf_payload(text), &out)) {
    gw_buf *again = gw_json_from_message((gw_view){space, out.len});
    must(again != NULL && is_same(text, again));
    gw_buf_unref(again);
  }
  gw_buf_unref(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  gw_view rest = {data + 1, size - 1};
  if (data[0] % 2 == 0) {
    fuzz_line(rest);
  } else {
    fuzz_message(rest);
  }
  return 0;
}
