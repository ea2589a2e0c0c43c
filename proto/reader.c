/* SPDX-License-Identifier: MIT */
/* reader.c - frames from a byte stream that is cut anywhere. */
#include <assert.h>
#include <string.h>

#include "frame.h"

/** First block for a cut frame: most requests fit, so it seldom grows. */
#define PARTIAL_MIN 64u

void gw_reader_init(gw_reader *r, gw_alloc alloc, uint32_t max_frame_bytes) {
  if (max_frame_bytes > GW_MAX_FRAME_BYTES_HARD)
    max_frame_bytes = GW_MAX_FRAME_BYTES_HARD;
  *r = (gw_reader){.alloc = alloc, .max_frame_bytes = max_frame_bytes};
}

static void drop_partial(gw_reader *r) {
  if (r->partial != NULL) r->alloc.realloc_fn(r->alloc.user, r->partial, 0);
  r->partial = NULL;
  r->len = r->cap = 0;
}

void gw_reader_deinit(gw_reader *r) {
  assert(!r->feeding); /* the frame in hand may lie in the block */
  drop_partial(r);
}

bool gw_reader_is_empty(const gw_reader *r) {
  return r->len == 0;
}

/** Make room for need bytes of a frame that will have total at most. */
static int grow(gw_reader *r, uint32_t need, uint32_t total) {
  if (need <= r->cap) return 0;
  uint32_t cap = r->cap < PARTIAL_MIN ? PARTIAL_MIN : r->cap * 2;
  if (cap < need) cap = need;
  if (cap > total) cap = total;
  uint8_t *block = r->alloc.realloc_fn(r->alloc.user, r->partial, cap);
  if (block == NULL) return GW_ERR_NOMEM;
  r->partial = block;
  r->cap = cap;
  return 0;
}

/** Move num bytes from the front of the input to the cut frame. */
static int gather(gw_reader *r, gw_view *in, uint32_t num, uint32_t total) {
  int err = grow(r, r->len + num, total);
  if (err < 0) return err;
  memcpy(r->partial + r->len, in->data, num);
  r->len += num;
  in->data += num;
  in->len -= num;
  return 0;
}

/** Go on with the cut frame as far as the input reaches. Returns 1 when it is
 * whole, 0 when the input ended first. */
static int complete(gw_reader *r, gw_view *in) {
  for (;;) {
    uint32_t len = 0;
    gw_view got = {r->partial, r->len};
    int prefix = gw__prefix_get(got, r->max_frame_bytes, &len);
    if (prefix < 0) return prefix;
    /* Until the prefix is whole, its next byte is all that is known to come. */
    uint32_t total = prefix > 0 ? (uint32_t)prefix + len : r->len + 1;
    uint32_t missing = total - r->len;
    if (missing == 0) return 1;
    if (in->len == 0) return 0;
    uint32_t num = in->len < missing ? (uint32_t)in->len : missing;
    int err = gather(r, in, num, prefix > 0 ? total : PARTIAL_MIN);
    if (err < 0) return err;
  }
}

/** Hand on the frame at the front of whole. Returns bytes used, 0 when the
 * frame is cut. */
static int64_t deliver(gw_reader *r, gw_view whole, gw_on_frame on_frame,
                       void *user) {
  gw_frame frame;
  int64_t used = gw_frame_parse(whole, r->max_frame_bytes, &frame);
  if (used <= 0) return used;
  int err = on_frame(user, &frame);
  return err < 0 ? err : used;
}

static int feed(gw_reader *r, gw_view in, gw_on_frame on_frame, void *user) {
  while (in.len != 0) {
    if (r->len == 0) {
      int64_t used = deliver(r, in, on_frame, user);
      if (used < 0) return (int)used;
      in.data += used;
      in.len -= (size_t)used;
      if (used > 0) continue;
    }
    int whole = complete(r, &in);
    if (whole <= 0) return whole;
    int64_t used = deliver(r, (gw_view){r->partial, r->len}, on_frame, user);
    drop_partial(r);
    if (used < 0) return (int)used;
  }
  return 0;
}

int gw_reader_feed(gw_reader *r, gw_view in, gw_on_frame on_frame, void *user) {
  assert(!r->feeding); /* on_frame may not feed */
  r->feeding = true;
  int err = feed(r, in, on_frame, user);
  r->feeding = false;
  return err;
}
