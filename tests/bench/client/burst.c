/* SPDX-License-Identifier: MIT */
/* burst.c - builds a burst once, and then writes numbers into it. */
#include "tests/bench/client/burst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_MIN 32u
#define OBJECT_MAX 32768u

#define DIGITS       7u
#define VARINT_BYTES 4u

/** Each publication has its number in the object and, with a protocol of
 * offsets and keys, as these. */
#define PLACES_MAX 4u

/** Room for what a protocol puts around an object. */
#define AROUND_BYTES 512u

typedef struct burst_place {
  size_t at;
  uint32_t index; /**< of the publication in the burst */
  bool is_varint;
} burst_place;

static void *must(void *memory) {
  if (memory == NULL) abort();
  return memory;
}

/* ---- numbers --------------------------------------------------------------- */

static void put_digits(uint8_t *to, uint32_t number) {
  for (uint32_t i = DIGITS; i-- > 0; number /= 10)
    to[i] = (uint8_t)('0' + number % 10);
}

static void put_varint(uint8_t *to, uint32_t number) {
  for (uint32_t i = 0; i < VARINT_BYTES; i++, number >>= 7)
    to[i] = (uint8_t)((number & 0x7Fu) | (i + 1 < VARINT_BYTES ? 0x80u : 0));
}

void burst_number(burst *b, uint32_t first) {
  for (uint32_t i = 0; i < b->num_places; i++) {
    const burst_place *place = &b->places[i];
    uint8_t *to = b->data + place->at;
    if (place->is_varint)
      put_varint(to, first + place->index);
    else
      put_digits(to, first + place->index);
  }
}

/** Note each place from `at` on that holds the first number in this form. */
static void find_places(burst *b, size_t at, uint32_t index, bool is_varint) {
  uint8_t mark[DIGITS];
  size_t len = is_varint ? VARINT_BYTES : DIGITS;
  if (is_varint)
    put_varint(mark, WIRE_FIRST);
  else
    put_digits(mark, WIRE_FIRST);
  const uint8_t *end = b->data + b->len;
  const uint8_t *from = b->data + at;
  while ((from = memmem(from, (size_t)(end - from), mark, len)) != NULL) {
    if (b->num_places == BURST_MESSAGES * PLACES_MAX) abort();
    b->places[b->num_places++] =
        (burst_place){(size_t)(from - b->data), index, is_varint};
    from += len;
  }
}

/* ---- frames ---------------------------------------------------------------- */

/** {"n":2100000,"text":"words and words"}, of so many bytes. */
static void fill_object(char *to, uint32_t len) {
  static const char words[] = "the godwit flies eleven thousand kilometres ";
  int at = snprintf(to, len, "{\"n\":%u,\"text\":\"", WIRE_FIRST);
  for (uint32_t i = (uint32_t)at; i < len - 2; i++)
    to[i] = words[(i - (uint32_t)at) % (sizeof words - 1)];
  memcpy(to + len - 2, "\"}", 2);
}

/** Append a WebSocket message of the publications from `index` on; returns how
 * many it holds. */
static uint32_t add_message(burst *b, const wire *w, gw_view object,
                            uint32_t index, uint32_t batch) {
  static uint8_t space[BURST_BATCH_BYTES + OBJECT_MAX + AROUND_BYTES];
  gw_out out = {space, 0, sizeof space};
  size_t ends[BURST_MESSAGES];
  uint32_t num = 0;
  do {
    if (w->put(&out, object, WIRE_FIRST, num == 0) < 0) abort();
    ends[num++] = out.len;
  } while (num < batch && index + num < BURST_MESSAGES &&
           out.len + ends[0] <= BURST_BATCH_BYTES);
  b->len += wire_put_head(b->data + b->len, w->is_text, out.len);
  for (uint32_t i = 0; i < num; i++) {
    size_t at = b->len;
    size_t from = i == 0 ? 0 : ends[i - 1];
    memcpy(b->data + at, space + from, ends[i] - from);
    b->len += ends[i] - from;
    find_places(b, at, index + i, true);
    find_places(b, at, index + i, false);
  }
  return num;
}

burst *burst_new(const wire *w, uint32_t object_bytes, uint32_t batch) {
  char object[OBJECT_MAX];
  if (object_bytes < OBJECT_MIN || object_bytes > OBJECT_MAX || batch == 0 ||
      batch > BURST_MESSAGES || (batch > 1 && !w->is_batched))
    return NULL;
  fill_object(object, object_bytes);
  burst *b = must(calloc(1, sizeof *b));
  b->data = must(malloc(BURST_MESSAGES * (object_bytes + AROUND_BYTES)));
  b->places = must(malloc(BURST_MESSAGES * PLACES_MAX * sizeof *b->places));
  gw_view view = {(const uint8_t *)object, object_bytes};
  for (uint32_t i = 0; i < BURST_MESSAGES;)
    i += add_message(b, w, view, i, batch);
  return b;
}

void burst_free(burst *b) {
  if (b == NULL) return;
  free(b->data);
  free(b->places);
  free(b);
}
