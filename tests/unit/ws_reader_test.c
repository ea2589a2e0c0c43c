/* SPDX-License-Identifier: MIT */
/* ws_reader_test.c - frames whole and cut anywhere, in messages of fragments, and
 * all that is against RFC 6455. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/edge/ws_reader.h"

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80 };

static const uint8_t MASK[4] = {0x12, 0x84, 0xff, 0x01};

/** Bytes of a stream, and what was found in it, as text. */
typedef struct stream {
  uint8_t bytes[200000];
  size_t len;
} stream;

typedef struct story {
  char text[4096];
  size_t len;
} story;

static void put(stream *s, const void *bytes, size_t len) {
  memcpy(s->bytes + s->len, bytes, len);
  s->len += len;
}

static void put_frame(stream *s, unsigned first, const void *payload,
                      size_t len) {
  uint8_t head[10] = {(uint8_t)first};
  size_t num = 2;
  if (len < 126) {
    head[1] = (uint8_t)(0x80 | len);
  } else {
    num = len < 65536 ? 4 : 10;
    head[1] = len < 65536 ? 0x80 | 126 : 0x80 | 127;
    for (size_t i = 2; i < num; i++)
      head[i] = (uint8_t)((uint64_t)len >> (8 * (num - 1 - i)));
  }
  put(s, head, num);
  put(s, MASK, sizeof MASK);
  for (size_t i = 0; i < len; i++)
    s->bytes[s->len++] = ((const uint8_t *)payload)[i] ^ MASK[i % 4];
}

static void put_text(stream *s, unsigned first, const char *payload) {
  put_frame(s, first, payload, strlen(payload));
}

static void tell(story *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(story *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->text + t->len, sizeof t->text - t->len, format, args);
  va_end(args);
  assert_true(n >= 0 && (size_t)n < sizeof t->text - t->len);
  t->len += (size_t)n;
}

/** Data of a message is told in one piece, however it came. */
static void tell_found(story *t, enum gw_ws_item item, const gw_ws_found *f,
                       size_t *open) {
  if (item != GW_WS_DATA && *open != 0) tell(t, "%zu.. ", *open);
  if (item != GW_WS_DATA) *open = 0;
  switch (item) {
  case GW_WS_DATA:
    *open += f->bytes.len;
    if (!f->is_end) return;
    tell(t, "%s %zu ", f->is_text ? "text" : "binary", *open);
    *open = 0;
    return;
  case GW_WS_FAULT:
    tell(t, "%u: %s", f->code, f->why);
    return;
  default:
    tell(t, "%s %zu ",
         item == GW_WS_PING   ? "ping"
         : item == GW_WS_PONG ? "pong"
                              : "close",
         f->bytes.len);
  }
}

/** What is found in a stream that comes in pieces of `some` bytes. Each piece is
 * in memory of its own length, so that a sanitizer sees a step too far. */
static story read_in(const stream *s, size_t some) {
  gw_ws_reader r = {.left = 0};
  story t = {.len = 0};
  uint8_t held[GW_WS_READER_HELD];
  size_t num_held = 0, open = 0;
  for (size_t at = 0; at < s->len; at += some) {
    size_t num = s->len - at < some ? s->len - at : some;
    uint8_t *piece = malloc(num_held + num);
    assert_non_null(piece);
    memcpy(piece, held, num_held);
    memcpy(piece + num_held, s->bytes + at, num);
    gw_ws_bytes in = {piece, num_held + num};
    gw_ws_found found;
    enum gw_ws_item item;
    while ((item = gw_ws_reader_next(&r, &in, &found)) != GW_WS_NOTHING) {
      tell_found(&t, item, &found, &open);
      if (item == GW_WS_FAULT) break;
    }
    if (item == GW_WS_FAULT) {
      free(piece);
      return t;
    }
    assert_true(in.len <= sizeof held);
    memcpy(held, in.data, in.len);
    num_held = in.len;
    free(piece);
  }
  if (open != 0) tell(&t, "%zu..", open);
  return t;
}

/** The same, however it is cut. */
static void expect(const stream *s, const char *wanted) {
  static const size_t pieces[] = {1,  2,   3,   5,    7,     13,
                                  64, 127, 128, 1000, 200000};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    story t = read_in(s, pieces[i]);
    if (strcmp(t.text, wanted) != 0)
      fail_msg("in pieces of %zu: \"%s\", not \"%s\"", pieces[i], t.text,
               wanted);
  }
}

static void expect_one(unsigned first, const void *payload, size_t len,
                       const char *wanted) {
  stream *s = calloc(1, sizeof *s);
  put_frame(s, first, payload, len);
  expect(s, wanted);
  free(s);
}

/* ---- what is right ------------------------------------------------------------- */

static void test_lengths(void **state) {
  (void)state;
  static const size_t lengths[] = {0,   1,   7,     8,     125,  126,
                                   127, 300, 65535, 65536, 70001};
  uint8_t *payload = calloc(1, 70001);
  char wanted[64];
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    snprintf(wanted, sizeof wanted, "binary %zu ", lengths[i]);
    expect_one(FIN | BINARY, payload, lengths[i], wanted);
  }
  free(payload);
}

static void test_the_mask_is_taken_off(void **state) {
  (void)state;
  stream *s = calloc(1, sizeof *s);
  uint8_t payload[1000], got[1000];
  for (size_t i = 0; i < sizeof payload; i++)
    payload[i] = (uint8_t)(i * 7);
  put_frame(s, FIN | BINARY, payload, sizeof payload);
  for (size_t some = 1; some < 40; some++) {
    gw_ws_reader r = {.left = 0};
    stream *copy = malloc(sizeof *copy);
    memcpy(copy, s, sizeof *s);
    gw_ws_bytes in = {copy->bytes, 8};
    gw_ws_found f;
    size_t num = 0;
    /* What is found lies in the stream: the next piece follows what is left. */
    for (size_t end = 8;; end += some) {
      if (end > copy->len) end = copy->len;
      in.len = (size_t)(copy->bytes + end - in.data);
      while (gw_ws_reader_next(&r, &in, &f) == GW_WS_DATA) {
        memcpy(got + num, f.bytes.data, f.bytes.len);
        num += f.bytes.len;
      }
      if (end == copy->len) break;
    }
    assert_int_equal(num, sizeof payload);
    assert_memory_equal(got, payload, sizeof payload);
    free(copy);
  }
  free(s);
}

static void test_fragments_with_control_frames_between(void **state) {
  (void)state;
  stream *s = calloc(1, sizeof *s);
  put_text(s, TEXT, "he");
  put_text(s, FIN | PING, "are you there?");
  put_text(s, 0, "");
  put_text(s, FIN | PONG, "");
  put_text(s, 0, "ll");
  put_text(s, FIN | 0, "o");
  put_text(s, FIN | BINARY, "");
  put_text(s, FIN | CLOSE, "\x03\xe8");
  expect(s, "2.. ping 14 pong 0 text 3 binary 0 close 2 ");
  free(s);
}

static void test_longer_heads_than_needed(void **state) {
  (void)state;
  stream *s = calloc(1, sizeof *s);
  put(s, "\x82\xfe\x00\x01\x00\x00\x00\x00x", 9);
  put(s, "\x82\xff\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00xy", 16);
  expect(s, "binary 1 binary 2 ");
  free(s);
}

/* ---- what is wrong -------------------------------------------------------------- */

static void test_heads_against_the_rfc(void **state) {
  (void)state;
  static const struct {
    unsigned first, second;
    const char *wanted;
  } cases[] = {
      {FIN | TEXT | 0x40, 0x80, "1002: reserved bits are set"},
      {FIN | PING | 0x10, 0x80, "1002: reserved bits are set"},
      {FIN | 3, 0x80, "1002: the opcode is reserved"},
      {FIN | 7, 0x80, "1002: the opcode is reserved"},
      {FIN | 11, 0x80, "1002: the opcode is reserved"},
      {FIN | 15, 0x80, "1002: the opcode is reserved"},
      {FIN | TEXT, 0x05, "1002: a frame without a mask"},
      {FIN | PING, 0x00, "1002: a frame without a mask"},
      {PING, 0x80, "1002: a control frame in fragments"},
      {CLOSE, 0x82, "1002: a control frame in fragments"},
      {FIN | PING, 0xfe, "1002: a control frame over 125 bytes"},
      {FIN | CLOSE, 0xff, "1002: a control frame over 125 bytes"},
      {FIN | 0, 0x80, "1002: a continuation of no message"},
      {0, 0x81, "1002: a continuation of no message"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stream *s = calloc(1, sizeof *s);
    put(s, (uint8_t[]){(uint8_t)cases[i].first, (uint8_t)cases[i].second}, 2);
    expect(s, cases[i].wanted);
    free(s);
  }
}

static void test_a_message_within_another(void **state) {
  (void)state;
  static const unsigned firsts[] = {TEXT, FIN | TEXT, BINARY, FIN | BINARY};
  for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
    stream *s = calloc(1, sizeof *s);
    put_text(s, BINARY, "abc");
    put_text(s, firsts[i], "d");
    expect(s, "3.. 1002: a message within another");
    free(s);
  }
}

static void test_lengths_over_63_bits(void **state) {
  (void)state;
  stream *s = calloc(1, sizeof *s);
  put(s, "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 14);
  expect(s, "1002: a length over 63 bits");
  free(s);
}

static void test_a_message_that_never_ends_needs_nothing(void **state) {
  (void)state;
  stream *s = calloc(1, sizeof *s);
  put(s,
      "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"
      "xyz",
      17);
  expect(s, "3..");
  free(s);
}

/* ---- text -------------------------------------------------------------------------- */

static void test_text(void **state) {
  (void)state;
  static const char *const good[] = {"",
                                     "a",
                                     "\xc2\x80",
                                     "\xdf\xbf",
                                     "\xe0\xa0\x80",
                                     "\xed\x9f\xbf",
                                     "\xee\x80\x80",
                                     "\xef\xbf\xbf",
                                     "\xf0\x90\x80\x80",
                                     "\xf4\x8f\xbf\xbf",
                                     "gh\xf0\x9f\x98\x80ij\xc3\xa9"};
  static const char *const bad[] = {"\x80",
                                    "\xbf",
                                    "\xce",
                                    "\xe2\x82",
                                    "\xf0\x9f\x98",
                                    "\xc0\xaf",
                                    "\xe0\x80\xaf",
                                    "\xc1\xbf",
                                    "\xed\xa0\x80",
                                    "\xed\xbf\xbf",
                                    "\xf4\x90\x80\x80",
                                    "\xf8\x88\x80\x80\x80",
                                    "\xfe",
                                    "\xff",
                                    "\xce\x41",
                                    "\xe2\x82\x41",
                                    "\xf0\x9f\x98\xc3\xa9",
                                    "abcdefgh\xe2(\xa1"};
  char wanted[64];
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    snprintf(wanted, sizeof wanted, "text %zu ", strlen(good[i]));
    expect_one(FIN | TEXT, good[i], strlen(good[i]), wanted);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    stream *s = calloc(1, sizeof *s);
    put_text(s, FIN | TEXT, bad[i]);
    for (size_t some = 1; some < 20; some++) {
      story t = read_in(s, some);
      assert_non_null(strstr(t.text, "1007: text that is not UTF-8"));
    }
    expect_one(FIN | BINARY, bad[i], strlen(bad[i]),
               (snprintf(wanted, sizeof wanted, "binary %zu ", strlen(bad[i])),
                wanted));
    free(s);
  }
}

/** A character may be cut by a frame's end, and by a ping. */
static void test_characters_over_fragments(void **state) {
  (void)state;
  stream *s = calloc(1, sizeof *s);
  put_text(s, TEXT, "a\xf0");
  put_text(s, 0, "\x9f\x98");
  put_text(s, FIN | PING, "\xff");
  put_text(s, FIN | 0, "\x80");
  put_text(s, TEXT, "\xe2\x82");
  put_text(s, FIN | 0, "b");
  story t = read_in(s, s->len);
  assert_string_equal(t.text,
                      "4.. ping 1 text 1 2.. 1007: text that is not UTF-8");
  free(s);
}

/** What one message left is not held against the next. */
static void test_the_next_message_begins_anew(void **state) {
  (void)state;
  stream *s = calloc(1, sizeof *s);
  put_text(s, FIN | TEXT, "\xc3\xa9");
  put_text(s, FIN | BINARY, "\xc3");
  put_text(s, FIN | TEXT, "\xc3\xa9");
  expect(s, "text 2 binary 1 text 2 ");
  free(s);
}

/* ---- close ------------------------------------------------------------------------- */

static void test_close_frames(void **state) {
  (void)state;
  static const struct {
    const char *payload;
    size_t len;
    uint32_t code; /* 0: right */
  } cases[] = {{"", 0, 0},
               {"\x03", 1, 1002},
               {"\x03\xe8", 2, 0},    /* 1000 */
               {"\x03\xeb", 2, 0},    /* 1003 */
               {"\x03\xec", 2, 1002}, /* 1004 */
               {"\x03\xed", 2, 1002}, /* 1005 */
               {"\x03\xee", 2, 1002}, /* 1006 */
               {"\x03\xef", 2, 0},    /* 1007 */
               {"\x03\xf6", 2, 0},    /* 1014 */
               {"\x03\xf7", 2, 1002}, /* 1015 */
               {"\x03\xe7", 2, 1002}, /* 999 */
               {"\x0b\xb7", 2, 1002}, /* 2999 */
               {"\x0b\xb8", 2, 0},    /* 3000 */
               {"\x13\x87", 2, 0},    /* 4999 */
               {"\x13\x88", 2, 1002}, /* 5000 */
               {"\xff\xff", 2, 1002},
               {"\x03\xe8why \xc3\xa9", 8, 0},
               {"\x03\xe8why \xc3", 7, 1007},
               {"\x03\xe8\xff", 3, 1007}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_view payload = {(const uint8_t *)cases[i].payload, cases[i].len};
    uint32_t code;
    const char *why = gw_ws_close_fault(payload, &code);
    if ((why == NULL) != (cases[i].code == 0) ||
        (why != NULL && code != cases[i].code))
      fail_msg("case %zu: %u %s", i, code, why ? why : "right");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_the_mask_is_taken_off),
      cmocka_unit_test(test_fragments_with_control_frames_between),
      cmocka_unit_test(test_longer_heads_than_needed),
      cmocka_unit_test(test_heads_against_the_rfc),
      cmocka_unit_test(test_a_message_within_another),
      cmocka_unit_test(test_lengths_over_63_bits),
      cmocka_unit_test(test_a_message_that_never_ends_needs_nothing),
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_characters_over_fragments),
      cmocka_unit_test(test_the_next_message_begins_anew),
      cmocka_unit_test(test_close_frames),
  };
  return cmocka_run_group_tests_name("ws_reader", tests, NULL, NULL);
}
