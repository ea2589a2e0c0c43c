/* SPDX-License-Identifier: MIT */
/* buf.c - counted, immutable message bytes with a WebSocket header in front. */
#include "server/core/buf.h"

#include <string.h>

#include "server/core/mem.h"

/* RFC 6455, section 5.2: FIN and the opcode, then the length in one, three or
 * nine bytes. A server does not mask. */
#define WS_FIN_TEXT   0x81u
#define WS_FIN_BINARY 0x82u
#define WS_LEN_16     126u
#define WS_LEN_64     127u

static uint8_t put_ws_header(uint8_t *to, size_t len, bool is_text) {
  to[0] = is_text ? WS_FIN_TEXT : WS_FIN_BINARY;
  if (len < WS_LEN_16) {
    to[1] = (uint8_t)len;
    return 2;
  }
  unsigned bytes = len <= UINT16_MAX ? 2 : 8;
  to[1] = bytes == 2 ? WS_LEN_16 : WS_LEN_64;
  for (unsigned i = 0; i < bytes; i++)
    to[2 + i] = (uint8_t)((uint64_t)len >> (8 * (bytes - 1 - i)));
  return (uint8_t)(2 + bytes);
}

gw_buf *gw_buf_make(size_t len, bool is_text, uint8_t **payload) {
  if (len > UINT32_MAX) return NULL;
  gw_buf *b = gw_mem_alloc(offsetof(gw_buf, bytes) + GW_BUF_HEADROOM + len);
  if (b == NULL) return NULL;
  atomic_init(&b->refs, 1);
  atomic_init(&b->json, NULL);
  atomic_init(&b->packed, NULL);
  b->len = (uint32_t)len;
  b->offset = 0;
  b->pack_min = GW_PACK_NEVER;
  b->removed = false;
  b->is_control = false;
  b->is_text = is_text;
  b->item = 0;
  uint8_t header[GW_BUF_PREFIX_MAX];
  b->prefix_len = put_ws_header(header, len, is_text);
  memcpy(b->bytes + GW_BUF_HEADROOM - b->prefix_len, header, b->prefix_len);
  *payload = b->bytes + GW_BUF_HEADROOM;
  return b;
}

gw_buf *gw_buf_new(gw_view payload, bool is_text) {
  uint8_t *to;
  gw_buf *b = gw_buf_make(payload.len, is_text, &to);
  if (b != NULL && payload.len != 0) memcpy(to, payload.data, payload.len);
  return b;
}

gw_buf *gw_buf_ref(gw_buf *b) {
  return gw_buf_ref_many(b, 1);
}

gw_buf *gw_buf_ref_many(gw_buf *b, unsigned num) {
  /* Whoever adds a reference holds one, so nothing has to be ordered. */
  atomic_fetch_add_explicit(&b->refs, num, memory_order_relaxed);
  return b;
}

void gw_buf_unref(gw_buf *b) {
  gw_buf_unref_many(b, 1);
}

void gw_buf_unref_many(gw_buf *b, unsigned num) {
  if (b == NULL || num == 0) return;
  if (atomic_fetch_sub_explicit(&b->refs, num, memory_order_acq_rel) != num)
    return;
  gw_buf *packed = atomic_load_explicit(&b->packed, memory_order_acquire);
  gw_buf_unref(atomic_load_explicit(&b->json, memory_order_acquire));
  if (packed != b) gw_buf_unref(packed);
  gw_mem_free(b);
}

gw_view gw_buf_payload(const gw_buf *b) {
  return (gw_view){b->bytes + GW_BUF_HEADROOM, b->len};
}

gw_view gw_buf_framed(const gw_buf *b) {
  return (gw_view){b->bytes + GW_BUF_HEADROOM - b->prefix_len,
                   (size_t)b->prefix_len + b->len};
}
