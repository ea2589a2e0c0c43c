/* SPDX-License-Identifier: MIT */
/* ws_reader_fuzz.c - any bytes as WebSocket frames: they have to say the same in one
 * piece as in several, cut as the first byte says. */
#include <stdlib.h>
#include <string.h>

#include "server/edge/ws_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** All that was found, with pieces of data put together. */
typedef struct story {
  uint8_t *bytes;
  size_t len;
} story;

static void put(story *s, const void *bytes, size_t len) {
  if (len != 0) memcpy(s->bytes + s->len, bytes, len);
  s->len += len;
}

/** Returns whether the stream goes on. */
static bool tell(story *s, enum gw_ws_item item, const gw_ws_found *f) {
  uint8_t mark[2] = {0xf0 | (uint8_t)item,
                     (uint8_t)(f->is_text | f->is_end << 1)};
  switch (item) {
  case GW_WS_FAULT:
    /* How much of a frame was told before text turned out to be none depends on
     * the pieces. */
    if (f->why == NULL || (f->code != 1002 && f->code != 1007)) abort();
    mark[1] = f->code == 1007;
    put(s, mark, 2);
    return false;
  case GW_WS_DATA:
    put(s, f->bytes.data, f->bytes.len);
    if (f->is_end) put(s, mark, 2);
    return true;
  default: {
    uint32_t code;
    if (f->bytes.len > 125) abort();
    if (item == GW_WS_CLOSE && gw_ws_close_fault(f->bytes, &code) != NULL &&
        code != 1002 && code != 1007)
      abort();
    put(s, mark, 2);
    put(s, f->bytes.data, f->bytes.len);
    return true;
  }
  }
}

static story read_in(const uint8_t *data, size_t size, size_t some) {
  gw_ws_reader r = {.left = 0};
  story s = {malloc(3 * size + 2), 0};
  uint8_t *room = malloc(GW_WS_READER_HELD + size);
  if (s.bytes == NULL || room == NULL) abort();
  size_t num_held = 0;
  bool goes_on = true;
  for (size_t at = 0; at < size && goes_on; at += some) {
    size_t num = size - at < some ? size - at : some;
    memcpy(room + num_held, data + at, num);
    gw_ws_bytes in = {room, num_held + num};
    gw_ws_found found;
    enum gw_ws_item item;
    while (goes_on &&
           (item = gw_ws_reader_next(&r, &in, &found)) != GW_WS_NOTHING)
      goes_on = tell(&s, item, &found);
    if (!goes_on) break;
    if (in.len > GW_WS_READER_HELD) abort();
    memmove(room, in.data, in.len);
    num_held = in.len;
  }
  free(room);
  return s;
}

/** Of text that was none, what was told before it. */
static bool is_same(const story *whole, const story *cut) {
  bool is_text_fault = whole->len >= 2 && whole->bytes[whole->len - 1] == 1 &&
                       whole->bytes[whole->len - 2] == (0xf0 | GW_WS_FAULT);
  if (is_text_fault) {
    if (cut->len < whole->len || cut->bytes[cut->len - 1] != 1) return false;
    return memcmp(whole->bytes, cut->bytes, whole->len - 2) == 0;
  }
  return whole->len == cut->len &&
         memcmp(whole->bytes, cut->bytes, whole->len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  size_t some = 1u + data[0] % 64u;
  story whole = read_in(data + 1, size - 1, size);
  story cut = read_in(data + 1, size - 1, some);
  if (!is_same(&whole, &cut)) abort();
  free(whole.bytes);
  free(cut.bytes);
  return 0;
}
