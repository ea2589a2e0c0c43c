/* SPDX-License-Identifier: MIT */
/* frame_fuzz.c - bytes of a peer: the reader, the parser and both codecs have
 * to agree about them. The first byte of an input decides where it is cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vectors/agree.h"

#define MAX_FRAME_BYTES 4096

/* A decoder may see a nested message that is absent; encoders send it, empty.
 */
#define SPACE_BYTES (2 * MAX_FRAME_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what, why)                                                \
  do {                                                                    \
    if (!(what)) {                                                        \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, why, #what); \
      abort();                                                            \
    }                                                                     \
  } while (0)

/** How often a field of bytes is in a body. */
static size_t num_of(gw_view body, uint32_t tag) {
  gw_list list = {.num = SIZE_MAX, .rest = body, .tag = tag};
  gw_view item;
  size_t num = 0;
  while (gw_list_next(&list, &item))
    num++;
  return num;
}

/**
 * Where the codecs are known to read the same bytes in two ways: a nested
 * message that comes twice is merged, and protobuf-c 1.4 then loses a number of
 * the first that the second has not.
 */
static bool may_differ(uint8_t type, gw_view body) {
  if (type == GW_FRAME_WELCOME) return num_of(body, 6) > 1;
  if (type != GW_FRAME_PRESENCE_DIFF) return false;
  gw_list changes = {.num = SIZE_MAX, .rest = body, .tag = 2};
  gw_view change;
  while (gw_list_next(&changes, &change)) {
    if (num_of(change, 2) > 1) return true;
  }
  return false;
}

/* What is decoded and encoded twice is the same, and protobuf-c sees in it what
 * the codec sees. */
#define X(TYPE, ours, theirs, Theirs)                                    \
  static void check_##TYPE(gw_view body) {                               \
    static uint8_t once[SPACE_BYTES], twice[SPACE_BYTES];                \
    gw_out a = {once, 0, sizeof once}, b = {twice, 0, sizeof twice};     \
    gw_##ours m, again;                                                  \
    if (gw_decode_##ours(body, &m) != 0) return;                         \
    REQUIRE(gw_encode_##ours(&a, NULL, &m) == 0, #ours);                 \
    gw_view encoded = {once, a.len};                                     \
    REQUIRE(gw_decode_##ours(encoded, &again) == 0, #ours);              \
    REQUIRE(gw_encode_##ours(&b, NULL, &again) == 0, #ours);             \
    REQUIRE(a.len == b.len && memcmp(once, twice, a.len) == 0, #ours);   \
    ProtobufCMessage *pbc = protobuf_c_message_unpack(                   \
        &godwit__v1__##theirs##__descriptor, NULL, body.len, body.data); \
    if (pbc == NULL) return;                                             \
    const char *differs =                                                \
        agree_##theirs(&m, (const Godwit__V1__##Theirs *)(void *)pbc);   \
    REQUIRE(differs == NULL || differs == agree_item_refused ||          \
                may_differ(GW_FRAME_##TYPE, body),                       \
            differs);                                                    \
    protobuf_c_message_free_unpacked(pbc, NULL);                         \
  }
FRAME_BODIES(X)
#undef X

static void check_body(const gw_frame *frame) {
  switch (frame->head.type) {
#define X(TYPE, ours, theirs, Theirs) \
  case GW_FRAME_##TYPE:               \
    check_##TYPE(frame->body);        \
    break;
    FRAME_BODIES(X)
#undef X
  default:
    break;
  }
}

/** The input as gw_frame_parse sees it, followed by the reader's callback. */
typedef struct walk {
  gw_view rest;
  int64_t last;
} walk;

static int on_frame(void *user, const gw_frame *frame) {
  walk *w = user;
  gw_frame want;
  w->last = gw_frame_parse(w->rest, MAX_FRAME_BYTES, &want);
  REQUIRE(w->last > 0, "the parser sees no frame");
  w->rest.data += w->last;
  w->rest.len -= (size_t)w->last;
  REQUIRE(want.head.type == frame->head.type, "type");
  REQUIRE(want.head.flags == frame->head.flags, "flags");
  REQUIRE(want.head.request == frame->head.request, "request");
  REQUIRE(want.head.channel == frame->head.channel, "channel");
  REQUIRE(gw_view_eq(want.body, frame->body), "body");
  check_body(frame);
  return 0;
}

/** Sizes from 1 to 256, short ones often. */
static size_t next_step(uint32_t *random) {
  *random = *random * 1664525u + 1013904223u;
  return 1 + ((*random >> 24) >> (*random >> 20 & 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  gw_view in = {data + 1, size - 1};
  uint32_t random = data[0];
  walk w = {in, 0};
  gw_reader r;
  gw_frame frame;
  int err = 0;
  gw_reader_init(&r, gw_alloc_libc, MAX_FRAME_BYTES);
  while (in.len != 0 && err == 0) {
    /* 0: in one piece */
    size_t step = data[0] == 0 ? in.len : next_step(&random);
    if (step > in.len) step = in.len;
    err = gw_reader_feed(&r, (gw_view){in.data, step}, on_frame, &w);
    in.data += step;
    in.len -= step;
  }
  REQUIRE(gw_frame_parse(w.rest, MAX_FRAME_BYTES, &frame) == err,
          "the end is another");
  REQUIRE(err != 0 || gw_reader_is_empty(&r) == (w.rest.len == 0),
          "the rest is another");
  gw_reader_deinit(&r);
  return 0;
}
