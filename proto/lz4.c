/* SPDX-License-Identifier: MIT */
/* lz4.c - bytes out of an LZ4 block; lz4.h draws the format. */
#include "godwit/lz4.h"

#include <string.h>

#include "frame.h"

/** A length that its half of the token does not hold. */
#define LENGTH_GOES_ON 15u
/** A copy is at least this long. */
#define COPY_MIN     4u
#define OFFSET_BYTES 2u

int64_t gw_lz4_size(gw_view *body) {
  uint32_t size;
  if (!gw__varint_take(body, &size) || size / GW_LZ4_RATIO_MAX > body->len)
    return GW_ERR_PROTOCOL;
  return size;
}

/** The length that begins in a token; SIZE_MAX: it is cut. It cannot overflow: 255
 * for each byte of a block that is 16 MiB at most stay below 32 bits. */
static size_t take_length(gw_view *in, size_t len) {
  if (len != LENGTH_GOES_ON) return len;
  while (in->len != 0) {
    uint8_t more = *in->data++;
    in->len--;
    len += more;
    if (more != UINT8_MAX) return len;
  }
  return SIZE_MAX;
}

int gw_lz4_unpack(gw_view block, uint8_t *to, size_t len) {
  gw_view in = block;
  size_t made = 0;
  while (in.len != 0) {
    uint8_t token = *in.data++;
    in.len--;
    size_t num = take_length(&in, token >> 4);
    if (num > in.len || num > len - made) break;
    if (num != 0) memcpy(to + made, in.data, num);
    made += num;
    in.data += num;
    in.len -= num;
    if (in.len == 0 && made == len) return 0;
    if (in.len < OFFSET_BYTES) break;
    size_t offset = in.data[0] | (size_t)in.data[1] << 8;
    in.data += OFFSET_BYTES;
    in.len -= OFFSET_BYTES;
    num = take_length(&in, token & 0x0Fu);
    if (num > len - made || COPY_MIN > len - made - num || offset == 0 ||
        offset > made)
      break;
    /* Byte by byte, as it may run into itself: offset 1 repeats one. */
    for (num += COPY_MIN; num != 0; num--, made++)
      to[made] = to[made - offset];
  }
  return GW_ERR_PROTOCOL;
}
