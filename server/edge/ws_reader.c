/* SPDX-License-Identifier: MIT */
/* ws_reader.c - heads of frames, masks, fragments and text, a piece at a time. */
#include "server/edge/ws_reader.h"

#include <string.h>

/* RFC 6455, 5.2: the first two bytes of a frame. */
#define FIN      0x80u
#define RESERVED 0x70u
#define OPCODE   0x0fu
#define MASKED   0x80u
#define LENGTH   0x7fu

#define LENGTH_16 126u
#define LENGTH_64 127u

enum opcode { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING = 9, PONG = 10 };
#define IS_CONTROL 8u

#define HEAD_MIN    2u
#define MASK_BYTES  4u
#define CONTROL_MAX 125u

#define CODE_PROTOCOL 1002u
#define CODE_NO_TEXT  1007u

/* ---- text ------------------------------------------------------------------ */

/** What UTF-8 may begin with, as a character that is not whole. */
static bool is_beginning(const uint8_t *bytes, size_t num) {
  uint8_t low[4], high[4];
  size_t len = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
  if (bytes[0] < 0xc2 || num >= len) return false;
  /* One of the two ends makes it a character, if any does. */
  memset(low, 0x80, sizeof low);
  memset(high, 0xbf, sizeof high);
  memcpy(low, bytes, num);
  memcpy(high, bytes, num);
  return gw_view_is_text((gw_view){low, len}) ||
         gw_view_is_text((gw_view){high, len});
}

/** Completes the character that was cut. false: nothing does. */
static bool mend_cut(gw_ws_reader *r, gw_view *text) {
  uint8_t whole[4];
  while (r->num_cut != 0 && text->len != 0) {
    memcpy(whole, r->cut, r->num_cut);
    whole[r->num_cut] = text->data[0];
    text->data++;
    text->len--;
    size_t len = r->num_cut + 1u;
    r->num_cut = 0;
    if (gw_view_is_text((gw_view){whole, len})) return true;
    if (len > sizeof r->cut || !is_beginning(whole, len)) return false;
    memcpy(r->cut, whole, len);
    r->num_cut = (uint8_t)len;
  }
  return true;
}

/** Bytes in the end that may be a character without its own end. */
static size_t cut_of(gw_view text) {
  size_t most = text.len < 3 ? text.len : 3;
  for (size_t n = 1; n <= most; n++) {
    const uint8_t *at = text.data + text.len - n;
    if (*at >= 0xc0) return is_beginning(at, n) ? n : 0;
    if (*at < 0x80) return 0;
  }
  return 0;
}

/** Whether a part of a message goes on as text. */
static bool check_text(gw_ws_reader *r, gw_view text, bool is_end) {
  if (!mend_cut(r, &text)) return false;
  size_t cut = cut_of(text);
  if (!gw_view_is_text((gw_view){text.data, text.len - cut})) return false;
  if (cut != 0) {
    memcpy(r->cut, text.data + text.len - cut, cut);
    r->num_cut = (uint8_t)cut;
  }
  return !is_end || r->num_cut == 0;
}

/* ---- heads ------------------------------------------------------------------- */

static const char *fault_of_control(uint8_t first, uint8_t second) {
  if ((first & OPCODE) > PONG) return "the opcode is reserved";
  if (!(first & FIN)) return "a control frame in fragments";
  if ((second & LENGTH) > CONTROL_MAX) return "a control frame over 125 bytes";
  return NULL;
}

/** What is wrong with the first two bytes of a frame; NULL. */
static const char *fault_of_head(const gw_ws_reader *r, uint8_t first,
                                 uint8_t second) {
  unsigned opcode = first & OPCODE;
  if (first & RESERVED) return "reserved bits are set";
  if (!(second & MASKED)) return "a frame without a mask";
  if (opcode & IS_CONTROL) return fault_of_control(first, second);
  if (opcode > BINARY) return "the opcode is reserved";
  if (opcode == CONTINUATION)
    return r->opcode == 0 ? "a continuation of no message" : NULL;
  return r->opcode != 0 ? "a message within another" : NULL;
}

static size_t length_bytes(uint8_t second) {
  unsigned length = second & LENGTH;
  return length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
}

static uint64_t read_length(const uint8_t *head) {
  size_t num = length_bytes(head[1]);
  uint64_t length = 0;
  if (num == 0) return head[1] & LENGTH;
  for (size_t i = 0; i < num; i++)
    length = length << 8 | head[HEAD_MIN + i];
  return length;
}

static void skip(gw_ws_bytes *in, size_t num) {
  in->data += num;
  in->len -= num;
}

/* ---- payloads ------------------------------------------------------------------ */

/** Eight bytes at a time, which compilers make more of. */
static void unmask(uint8_t *data, size_t len, const uint8_t mask[MASK_BYTES]) {
  uint64_t word, twice;
  size_t i = 0;
  memcpy(&twice, mask, MASK_BYTES);
  memcpy((uint8_t *)&twice + MASK_BYTES, mask, MASK_BYTES);
  for (; len - i >= sizeof word; i += sizeof word) {
    memcpy(&word, data + i, sizeof word);
    word ^= twice;
    memcpy(data + i, &word, sizeof word);
  }
  for (; i < len; i++)
    data[i] ^= mask[i % MASK_BYTES];
}

/** For the byte that is `num` behind. */
static void turn_mask(uint8_t mask[MASK_BYTES], size_t num) {
  uint8_t was[MASK_BYTES];
  memcpy(was, mask, MASK_BYTES);
  for (size_t i = 0; i < MASK_BYTES; i++)
    mask[i] = was[(i + num) % MASK_BYTES];
}

static enum gw_ws_item fault(gw_ws_found *found, uint32_t code,
                             const char *why) {
  *found = (gw_ws_found){.code = code, .why = why};
  return GW_WS_FAULT;
}

/** A control frame, whose head is there; its payload follows it. */
static enum gw_ws_item take_control(gw_ws_bytes *in, gw_ws_found *found) {
  unsigned opcode = in->data[0] & OPCODE;
  size_t len = in->data[1] & LENGTH, head = HEAD_MIN + MASK_BYTES;
  if (in->len < head + len) return GW_WS_NOTHING;
  uint8_t *payload = in->data + head;
  unmask(payload, len, in->data + HEAD_MIN);
  skip(in, head + len);
  *found = (gw_ws_found){.bytes = {payload, len}};
  return opcode == PING   ? GW_WS_PING
         : opcode == PONG ? GW_WS_PONG
                          : GW_WS_CLOSE;
}

/** As much as there is of a data frame's payload. */
static enum gw_ws_item take_data(gw_ws_reader *r, gw_ws_bytes *in,
                                 gw_ws_found *found) {
  size_t num = in->len < r->left ? in->len : (size_t)r->left;
  if (num == 0 && r->left != 0) return GW_WS_NOTHING;
  unmask(in->data, num, r->mask);
  *found = (gw_ws_found){.bytes = {in->data, num},
                         .is_text = r->opcode == TEXT,
                         .is_end = r->is_last && num == r->left};
  skip(in, num);
  r->left -= num;
  if (r->left == 0)
    r->is_in_frame = false;
  else
    turn_mask(r->mask, num);
  if (found->is_text && !check_text(r, found->bytes, found->is_end))
    return fault(found, CODE_NO_TEXT, "text that is not UTF-8");
  if (found->is_end) r->opcode = 0;
  return GW_WS_DATA;
}

enum gw_ws_item gw_ws_reader_next(gw_ws_reader *r, gw_ws_bytes *in,
                                  gw_ws_found *found) {
  if (r->is_in_frame) return take_data(r, in, found);
  if (in->len < HEAD_MIN) return GW_WS_NOTHING;
  uint8_t first = in->data[0], second = in->data[1];
  const char *why = fault_of_head(r, first, second);
  if (why != NULL) return fault(found, CODE_PROTOCOL, why);
  size_t head = HEAD_MIN + length_bytes(second) + MASK_BYTES;
  if (in->len < head) return GW_WS_NOTHING;
  if (first & IS_CONTROL) return take_control(in, found);
  r->left = read_length(in->data);
  if (r->left > INT64_MAX)
    return fault(found, CODE_PROTOCOL, "a length over 63 bits");
  memcpy(r->mask, in->data + head - MASK_BYTES, MASK_BYTES);
  if ((first & OPCODE) != CONTINUATION) r->opcode = first & OPCODE;
  r->is_last = (first & FIN) != 0;
  r->is_in_frame = true;
  skip(in, head);
  return take_data(r, in, found);
}

/* ---- close --------------------------------------------------------------------- */

/** 1004 to 1006 and 1015 are never sent; what is below 3000 and not registered may
 * not be. */
static bool is_sendable(unsigned code) {
  if (code >= 3000) return code < 5000;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

const char *gw_ws_close_fault(gw_view payload, uint32_t *code) {
  *code = CODE_PROTOCOL;
  if (payload.len == 0) return NULL;
  if (payload.len == 1) return "a close frame with half a code";
  if (!is_sendable((unsigned)(payload.data[0] << 8 | payload.data[1])))
    return "a close frame with a code that may not be sent";
  if (gw_view_is_text((gw_view){payload.data + 2, payload.len - 2}))
    return NULL;
  *code = CODE_NO_TEXT;
  return "a reason to close that is not UTF-8";
}
