/* SPDX-License-Identifier: MIT */
/* whole.c - messages of a recording, made whole. */
#include "server/cli/replay/whole.h"

#include <stdlib.h>

#include "godwit/lz4.h"

static bool is_packed(const gw_frame *frame) {
  return (frame->head.flags & GW_FLAG_COMPRESSED) != 0;
}

/** The bytes that a body stands for; its own if it stands for itself, or cannot be
 * read. */
static size_t size_of(const gw_frame *frame) {
  gw_view block = frame->body;
  int64_t size = is_packed(frame) ? gw_lz4_size(&block) : 0;
  return size > 0 && size <= GW_MAX_FRAME_BYTES_HARD ? (size_t)size
                                                     : frame->body.len;
}

/** Room for all frames of a message; 0: none is compressed. */
static size_t room_for(gw_view message) {
  gw_frame frame;
  bool any = false;
  size_t room = message.len;
  while (gw_recorded_frame(&message, &frame)) {
    any = any || is_packed(&frame);
    room += size_of(&frame) + GW_FRAME_HEAD_MAX;
  }
  return any ? room : 0;
}

/** Whether the frame was put, without its flag. */
static bool put_whole(gw_out *out, const gw_frame *frame) {
  gw_view block = frame->body;
  int64_t size = gw_lz4_size(&block);
  if (size <= 0 || size > GW_MAX_FRAME_BYTES_HARD) return false;
  uint8_t *body = malloc((size_t)size);
  gw_head head = frame->head;
  head.flags ^= GW_FLAG_COMPRESSED;
  bool is_put = body != NULL && gw_lz4_unpack(block, body, (size_t)size) == 0 &&
                gw_frame_put(out, &head, (gw_view){body, (size_t)size}) == 0;
  free(body);
  return is_put;
}

static int put_frames(gw_out *out, gw_view rest) {
  gw_frame frame;
  int num_left = 0;
  while (gw_recorded_frame(&rest, &frame)) {
    bool is_left = is_packed(&frame) && !put_whole(out, &frame);
    num_left += is_left;
    if ((is_left || !is_packed(&frame)) &&
        gw_frame_put(out, &frame.head, frame.body) < 0)
      return GW_ERR_NOMEM;
  }
  /* What is no frame stays, to be complained of. */
  for (size_t i = 0; i < rest.len; i++)
    out->data[out->len++] = rest.data[i];
  return num_left;
}

int gw__make_whole(gw_recorded_line *line) {
  size_t room = room_for(line->bytes);
  if (room == 0) return 0;
  gw_out out = {malloc(room), 0, room};
  if (out.data == NULL) return GW_ERR_NOMEM;
  int num_left = put_frames(&out, line->bytes);
  if (num_left < 0) {
    free(out.data);
    return num_left;
  }
  free((void *)line->bytes.data);
  line->bytes = (gw_view){out.data, out.len};
  return num_left;
}
