/* SPDX-License-Identifier: MIT */
/* unpack.c - frames with bodies that the server has compressed, made whole. */
#include "client/internal.h"
#include "godwit/lz4.h"

const uint32_t gw__codec = GW_CODEC_LZ4;

/** Whether it is whole now, with a body to be freed. If not, it is left as it is,
 * and refused for its flag. */
static bool unpack(gw_client *c, gw_frame *frame) {
  gw_view block = frame->body;
  int64_t size = gw_lz4_size(&block);
  if (size <= 0 || size > c->max_frame_bytes) return false;
  uint8_t *body = gw__alloc(c, (size_t)size);
  c->broken = body == NULL;
  if (c->broken) return false;
  if (gw_lz4_unpack(block, body, (size_t)size) < 0) {
    gw__free(c, body);
    return false;
  }
  frame->head.flags ^= GW_FLAG_COMPRESSED;
  frame->body = (gw_view){body, (size_t)size};
  return true;
}

static int take_packed(gw_client *c, const gw_frame *frame) {
  gw_frame whole = *frame;
  bool is_whole = gw__is_welcome(c) && unpack(c, &whole);
  if (c->broken) return GW_ERR_STATE;
  int err = gw__frame(c, &whole);
  if (is_whole) gw__drop(c, &whole.body);
  return err;
}

int gw__take_frame(void *client, const gw_frame *frame) {
  bool is_packed = (frame->head.flags & GW_FLAG_COMPRESSED) != 0;
  return is_packed ? take_packed(client, frame) : gw__frame(client, frame);
}
