/* SPDX-License-Identifier: MIT */
/* frame.c - one frame: header and body from bytes, and back. */
#include <string.h>

#include "frame.h"

/** Bytes of the smallest frame without its prefix: four one-byte fields. */
#define HEAD_MIN 4u

bool gw_type_is_ignorable(uint8_t type) {
  return type >= 128;
}

bool gw_type_is_data(uint8_t type) {
#define BIT(name) (UINT64_C(1) << GW_FRAME_##name)
  const uint64_t data = BIT(SUBSCRIBED) | BIT(UNSUBSCRIBED) | BIT(PUBLICATION) |
                        BIT(RECOVERY) | BIT(LAGGED) | BIT(PRESENCE_SNAPSHOT) |
                        BIT(PRESENCE_DIFF) | BIT(RPC) | BIT(CHANNEL_META) |
                        BIT(MESSAGE) | BIT(SERVER_SUBSCRIBED);
#undef BIT
  return type < 64 && (data >> type & 1u) != 0;
}

int gw__varint_get(gw_view in, uint32_t *value) {
  uint32_t sum = 0;
  for (unsigned i = 0; i < GW__VARINT_MAX; i++) {
    if (i == in.len) return 0;
    uint8_t byte = in.data[i];
    /* The fifth byte has room for four bits, and none may follow it. */
    if (i == GW__VARINT_MAX - 1 && byte > 0x0F) break;
    sum |= (uint32_t)(byte & 0x7Fu) << (7 * i);
    if (byte < 0x80) {
      *value = sum;
      return (int)i + 1;
    }
  }
  return GW_ERR_PROTOCOL;
}

size_t gw__varint_put(uint8_t *to, uint32_t value) {
  size_t len = 0;
  while (value >= 0x80) {
    to[len++] = (uint8_t)(value | 0x80u);
    value >>= 7;
  }
  to[len++] = (uint8_t)value;
  return len;
}

int gw__prefix_get(gw_view in, uint32_t max_frame_bytes, uint32_t *len) {
  int used = gw__varint_get(in, len);
  if (used <= 0) return used;
  if (*len > max_frame_bytes) return GW_ERR_PEER_TOO_BIG;
  if (*len < HEAD_MIN) return GW_ERR_PROTOCOL;
  return used;
}

bool gw__varint_take(gw_view *in, uint32_t *value) {
  int used = gw__varint_get(*in, value);
  if (used <= 0) return false;
  in->data += used;
  in->len -= (size_t)used;
  return true;
}

int64_t gw_frame_parse(gw_view in, uint32_t max_frame_bytes, gw_frame *frame) {
  uint32_t len;
  int prefix = gw__prefix_get(in, max_frame_bytes, &len);
  if (prefix <= 0) return prefix;
  if (in.len - (size_t)prefix < len) return 0;

  const uint8_t *p = in.data + prefix;
  gw_view rest = {p + 2, len - 2};
  gw_head head = {.type = p[0], .flags = p[1]};
  if (!gw__varint_take(&rest, &head.request) ||
      !gw__varint_take(&rest, &head.channel))
    return GW_ERR_PROTOCOL;
  *frame = (gw_frame){head, (uint32_t)prefix + len, rest};
  return (int64_t)prefix + len;
}

int gw__head_put(uint8_t *to, const gw_head *head, size_t body_len) {
  uint8_t fields[2 + 2 * GW__VARINT_MAX];
  size_t len = 0;
  fields[len++] = head->type;
  fields[len++] = head->flags;
  len += gw__varint_put(fields + len, head->request);
  len += gw__varint_put(fields + len, head->channel);
  if (body_len > GW_MAX_FRAME_BYTES_HARD - len) return GW_ERR_TOO_BIG;
  size_t prefix = gw__varint_put(to, (uint32_t)(len + body_len));
  memcpy(to + prefix, fields, len);
  return (int)(prefix + len);
}

int gw_frame_put(gw_out *out, const gw_head *head, gw_view body) {
  uint8_t front[GW_FRAME_HEAD_MAX];
  int front_len = gw__head_put(front, head, body.len);
  if (front_len < 0) return front_len;
  size_t len = (size_t)front_len + body.len;
  if (out->cap - out->len < len) return GW_ERR_FULL;
  uint8_t *to = out->data + out->len;
  memcpy(to, front, (size_t)front_len);
  if (body.len != 0) memcpy(to + front_len, body.data, body.len);
  out->len += len;
  return 0;
}
