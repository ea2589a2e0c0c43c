/* SPDX-License-Identifier: MIT */
/* reader_test.c - frames from a stream that is cut anywhere, and what memory
 * that takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "godwit/wire.h"

#define MAX GW_MAX_FRAME_BYTES

/* ---- an allocator that counts, and fails when told ----------------------- */

typedef struct heap {
  size_t live_blocks;
  size_t last_size;
  size_t calls;
  size_t fail_at; /* 0: never */
} heap;

static void *heap_realloc(void *user, void *ptr, size_t size) {
  heap *h = user;
  if (size == 0) {
    assert_non_null(ptr);
    free(ptr);
    h->live_blocks--;
    return NULL;
  }
  if (++h->calls == h->fail_at) return NULL;
  if (ptr == NULL) h->live_blocks++;
  h->last_size = size;
  return realloc(ptr, size);
}

static gw_alloc alloc_of(heap *h) {
  return (gw_alloc){heap_realloc, h};
}

/* ---- a stream of frames, and what was read of it ------------------------- */

#define NUM_FRAMES 5
static const size_t body_lens[NUM_FRAMES] = {0, 3, 130, 1, 300};

static gw_head head_of(size_t i) {
  return (gw_head){(uint8_t)(i + 1), (uint8_t)i, (uint32_t)i * 5000, 7};
}

static gw_view make_stream(void) {
  static uint8_t bytes[600];
  static uint8_t body[300];
  gw_out out = {bytes, 0, sizeof bytes};
  for (size_t i = 0; i < sizeof body; i++)
    body[i] = (uint8_t)i;
  for (size_t i = 0; i < NUM_FRAMES; i++) {
    gw_head head = head_of(i);
    assert_int_equal(0,
                     gw_frame_put(&out, &head, (gw_view){body, body_lens[i]}));
  }
  return (gw_view){bytes, out.len};
}

typedef struct seen {
  size_t num;
  size_t stop_at; /* 0: never */
} seen;

static int on_frame(void *user, const gw_frame *frame) {
  seen *s = user;
  assert_in_range(s->num, 0, NUM_FRAMES - 1);
  gw_head want = head_of(s->num);
  assert_int_equal(want.type, frame->head.type);
  assert_int_equal(want.flags, frame->head.flags);
  assert_int_equal(want.request, frame->head.request);
  assert_int_equal(body_lens[s->num], frame->body.len);
  for (size_t i = 0; i < frame->body.len; i++)
    assert_int_equal((uint8_t)i, frame->body.data[i]);
  s->num++;
  return s->num == s->stop_at ? -12345 : 0;
}

/** Feeds an exact copy, so that a read past the end is caught. */
static int feed(gw_reader *r, gw_view in, seen *s) {
  uint8_t *copy = malloc(in.len != 0 ? in.len : 1);
  assert_non_null(copy);
  memcpy(copy, in.data, in.len);
  int err = gw_reader_feed(r, (gw_view){copy, in.len}, on_frame, s);
  free(copy);
  return err;
}

static gw_view part(gw_view v, size_t from, size_t to) {
  return (gw_view){v.data + from, to - from};
}

/* ---- tests --------------------------------------------------------------- */

static void whole_frames_take_no_memory(void **state) {
  (void)state;
  heap h = {.fail_at = 1};
  gw_reader r;
  seen s = {0};
  gw_reader_init(&r, alloc_of(&h), MAX);
  assert_int_equal(0, feed(&r, make_stream(), &s));
  assert_int_equal(NUM_FRAMES, s.num);
  assert_true(gw_reader_is_empty(&r));
  assert_int_equal(0, h.calls);
  gw_reader_deinit(&r);
}

static void a_byte_at_a_time(void **state) {
  (void)state;
  gw_view stream = make_stream();
  heap h = {0};
  gw_reader r;
  seen s = {0};
  gw_reader_init(&r, alloc_of(&h), MAX);
  for (size_t i = 0; i < stream.len; i++) {
    assert_int_equal(0, feed(&r, part(stream, i, i + 1), &s));
    assert_int_equal(gw_reader_is_empty(&r), h.live_blocks == 0);
  }
  assert_int_equal(NUM_FRAMES, s.num);
  assert_true(gw_reader_is_empty(&r));
  assert_int_equal(0, h.live_blocks);
  gw_reader_deinit(&r);
}

static void cut_in_three_anywhere(void **state) {
  (void)state;
  gw_view stream = make_stream();
  for (size_t a = 0; a <= stream.len; a++) {
    for (size_t b = a; b <= stream.len; b += 1 + b % 7) {
      gw_reader r;
      seen s = {0};
      gw_reader_init(&r, gw_alloc_libc, MAX);
      assert_int_equal(0, feed(&r, part(stream, 0, a), &s));
      assert_int_equal(0, feed(&r, part(stream, a, b), &s));
      assert_int_equal(0, feed(&r, part(stream, b, stream.len), &s));
      assert_int_equal(NUM_FRAMES, s.num);
      assert_true(gw_reader_is_empty(&r));
      gw_reader_deinit(&r);
    }
  }
}

static void a_cut_stream_is_not_empty_and_frees_its_block(void **state) {
  (void)state;
  gw_view stream = make_stream();
  for (size_t len = 0; len < stream.len; len++) {
    heap h = {0};
    gw_reader r;
    seen s = {0};
    gw_reader_init(&r, alloc_of(&h), MAX);
    assert_int_equal(0, feed(&r, part(stream, 0, len), &s));
    assert_int_equal(gw_reader_is_empty(&r), h.live_blocks == 0);
    assert_true(s.num < NUM_FRAMES);
    gw_reader_deinit(&r);
    assert_int_equal(0, h.live_blocks);
  }
}

static void memory_follows_what_arrived(void **state) {
  (void)state;
  uint8_t piece[100] = {0};
  heap h = {0};
  gw_reader r;
  gw_reader_init(&r, alloc_of(&h), GW_MAX_FRAME_BYTES_HARD);
  /* 16 MB are promised. */
  gw_view promise = {(const uint8_t *)"\x80\x80\x80\x08\x0e\x00\x00\x00", 8};
  assert_int_equal(0, gw_reader_feed(&r, promise, on_frame, NULL));
  assert_in_range(h.last_size, 8, 64);
  for (size_t arrived = 8; arrived < 50000; arrived += sizeof piece) {
    gw_view more = {piece, sizeof piece};
    assert_int_equal(0, gw_reader_feed(&r, more, on_frame, NULL));
    assert_true(h.last_size <= 2 * (arrived + sizeof piece));
  }
  assert_in_range(h.calls, 1, 12);
  gw_reader_deinit(&r);
}

static void the_block_is_never_larger_than_the_frame(void **state) {
  (void)state;
  uint8_t bytes[1003] = {0xE8, 0x07, 1, 0, 0, 0}; /* a frame of 1000 bytes */
  heap h = {0};
  gw_reader r;
  gw_reader_init(&r, alloc_of(&h), MAX);
  for (size_t at = 0; at < 1001; at++) {
    gw_view in = {bytes + at, 1};
    assert_int_equal(0, gw_reader_feed(&r, in, on_frame, NULL));
  }
  assert_int_equal(1002, h.last_size);
  gw_reader_deinit(&r);
}

static int feed_each(const char *bytes, size_t len, uint32_t max, size_t *fed) {
  heap h = {0};
  gw_reader r;
  int err = 0;
  gw_reader_init(&r, alloc_of(&h), max);
  for (*fed = 0; *fed < len && err == 0; ++*fed) {
    gw_view in = {(const uint8_t *)bytes + *fed, 1};
    err = gw_reader_feed(&r, in, on_frame, NULL);
  }
  gw_reader_deinit(&r);
  assert_int_equal(0, h.live_blocks);
  return err;
}

static void a_bad_length_is_refused_with_its_last_byte(void **state) {
  (void)state;
  size_t fed;
  assert_int_equal(GW_ERR_PEER_TOO_BIG,
                   feed_each("\xFF\xFF\xFF\xFF\x0F....", 9, MAX, &fed));
  assert_int_equal(5, fed);
  assert_int_equal(GW_ERR_PEER_TOO_BIG, feed_each("e....", 5, 100, &fed));
  assert_int_equal(1, fed);
  assert_int_equal(GW_ERR_PROTOCOL,
                   feed_each("\xFF\xFF\xFF\xFF\x10....", 9, MAX, &fed));
  assert_int_equal(5, fed);
  assert_int_equal(GW_ERR_PROTOCOL,
                   feed_each("\x80\x80\x80\x80\x80\x01", 6, MAX, &fed));
  assert_int_equal(5, fed);
  assert_int_equal(GW_ERR_PROTOCOL, feed_each("\x03...", 4, MAX, &fed));
  assert_int_equal(1, fed);
}

static void a_bad_header_is_refused_when_the_frame_is_whole(void **state) {
  (void)state;
  size_t fed;
  assert_int_equal(GW_ERR_PROTOCOL,
                   feed_each("\x04\x01\x00\x80\x80\x01", 6, MAX, &fed));
  assert_int_equal(5, fed);
}

static void no_configuration_goes_over_the_hard_limit(void **state) {
  (void)state;
  size_t fed;
  /* 16 MB and a byte. */
  assert_int_equal(GW_ERR_PEER_TOO_BIG,
                   feed_each("\x81\x80\x80\x08....", 8, UINT32_MAX, &fed));
  assert_int_equal(4, fed);
}

static void on_frame_may_stop(void **state) {
  (void)state;
  gw_view stream = make_stream();
  for (size_t stop_at = 1; stop_at <= NUM_FRAMES; stop_at++) {
    for (size_t cut = 0; cut < stream.len; cut += 13) {
      heap h = {0};
      gw_reader r;
      seen s = {.stop_at = stop_at};
      gw_reader_init(&r, alloc_of(&h), MAX);
      int err = feed(&r, part(stream, 0, cut), &s);
      if (err == 0) err = feed(&r, part(stream, cut, stream.len), &s);
      assert_int_equal(-12345, err);
      assert_int_equal(stop_at, s.num);
      gw_reader_deinit(&r);
      assert_int_equal(0, h.live_blocks);
    }
  }
}

static void each_failed_allocation_is_told(void **state) {
  (void)state;
  gw_view stream = make_stream();
  size_t fail_at = 1;
  for (;; fail_at++) {
    heap h = {.fail_at = fail_at};
    gw_reader r;
    seen s = {0};
    int err = 0;
    gw_reader_init(&r, alloc_of(&h), MAX);
    for (size_t i = 0; i < stream.len && err == 0; i++)
      err = feed(&r, part(stream, i, i + 1), &s);
    gw_reader_deinit(&r);
    assert_int_equal(0, h.live_blocks);
    if (err == 0) break;
    assert_int_equal(GW_ERR_NOMEM, err);
  }
  assert_in_range(fail_at, NUM_FRAMES, 20);
}

static void nothing_fed_is_nothing_done(void **state) {
  (void)state;
  gw_reader r;
  gw_reader_init(&r, gw_alloc_libc, MAX);
  assert_int_equal(0, gw_reader_feed(&r, (gw_view){NULL, 0}, on_frame, NULL));
  assert_true(gw_reader_is_empty(&r));
  gw_reader_deinit(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_frames_take_no_memory),
      cmocka_unit_test(a_byte_at_a_time),
      cmocka_unit_test(cut_in_three_anywhere),
      cmocka_unit_test(a_cut_stream_is_not_empty_and_frees_its_block),
      cmocka_unit_test(memory_follows_what_arrived),
      cmocka_unit_test(the_block_is_never_larger_than_the_frame),
      cmocka_unit_test(a_bad_length_is_refused_with_its_last_byte),
      cmocka_unit_test(a_bad_header_is_refused_when_the_frame_is_whole),
      cmocka_unit_test(no_configuration_goes_over_the_hard_limit),
      cmocka_unit_test(on_frame_may_stop),
      cmocka_unit_test(each_failed_allocation_is_told),
      cmocka_unit_test(nothing_fed_is_nothing_done),
  };
  return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
