/* SPDX-License-Identifier: MIT */
/* pack.c - compresses the bodies of a message, at most once. */
#include "server/core/pack.h"

#include <lz4.h>
#include <string.h>

/** Of the size before, a varint. */
#define SIZE_MAX_BYTES 5u

/** What a body may be at most to be worth the work of reading it. */
static size_t worth(size_t before) {
  return before - before / 8;
}

/** The connection rests on the other types, which are short. */
static bool is_packable(const gw_frame *f, uint32_t min) {
  return f->body.len >= min &&
         (gw_type_is_data(f->head.type) || f->head.type == GW_FRAME_RPC_RESULT);
}

static size_t put_size(uint8_t *to, size_t size) {
  size_t len = 0;
  for (; size >= 0x80; size >>= 7)
    to[len++] = (uint8_t)(size | 0x80u);
  to[len++] = (uint8_t)size;
  return len;
}

/** Append the frame with its body compressed; space: as long as that is, and
 * some. False: it is not worth it. */
static bool put_packed(gw_out *out, const gw_frame *f, uint8_t *space) {
  size_t front = put_size(space, f->body.len);
  size_t room = worth(f->body.len) - front;
  int len =
      LZ4_compress_default((const char *)f->body.data, (char *)space + front,
                           (int)f->body.len, (int)room);
  gw_head head = f->head;
  head.flags |= GW_FLAG_COMPRESSED;
  return len > 0 &&
         gw_frame_put(out, &head, (gw_view){space, front + (size_t)len}) == 0;
}

/** Append a message with what may be compressed; whether anything was. */
static bool put_message(gw_out *out, const gw_buf *b, uint8_t *space) {
  bool is_shorter = false;
  gw_frame f;
  for (gw_view rest = gw_buf_payload(b); rest.len != 0;) {
    int64_t used = gw_frame_parse(rest, GW_MAX_FRAME_BYTES_HARD, &f);
    if (used <= 0) return false;
    if (is_packable(&f, b->pack_min) && put_packed(out, &f, space)) {
      is_shorter = true;
    } else {
      memcpy(out->data + out->len, rest.data, (size_t)used);
      out->len += (size_t)used;
    }
    rest.data += used;
    rest.len -= (size_t)used;
  }
  return is_shorter;
}

/** NULL when out of memory, b when it stays as it is. */
static gw_buf *make(gw_hub *h, gw_buf *b) {
  size_t room = (size_t)b->len + SIZE_MAX_BYTES;
  gw_out *scratch = gws_hub_scratch(h, 2 * room);
  if (scratch == NULL) return NULL;
  gw_out out = {scratch->data, 0, room};
  if (!put_message(&out, b, scratch->data + room)) {
    gw_stat_add(&h->stats.packed_skipped_total, 1);
    return b;
  }
  gw_buf *packed = gw_buf_new((gw_view){out.data, out.len}, false);
  if (packed == NULL) {
    gws_hub_nomem(h);
    return NULL;
  }
  gw_stat_add(&h->stats.packed_total, 1);
  gw_stat_add(&h->stats.packed_in_bytes_total, b->len);
  gw_stat_add(&h->stats.packed_out_bytes_total, packed->len);
  return packed;
}

/** Several workers may have begun: the first one's stays, for all of them. */
static gw_buf *keep(gw_buf *b, gw_buf *made) {
  gw_buf *other = NULL;
  if (atomic_compare_exchange_strong_explicit(
          &b->packed, &other, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  if (made != b) gw_buf_unref(made);
  return other;
}

gw_buf *gws_pack(gw_hub *h, gw_buf *b) {
  if (b->len < b->pack_min) return b;
  gw_buf *packed = atomic_load_explicit(&b->packed, memory_order_acquire);
  if (packed == NULL) {
    packed = make(h, b);
    if (packed == NULL) return b;
    packed = keep(b, packed);
  }
  if (packed == b) return b;
  gw_stat_add(&h->stats.packed_deliveries_total, 1);
  gw_stat_add(&h->stats.packed_saved_bytes_total, b->len - packed->len);
  return packed;
}

gw_buf *gws_pack_taken(gw_hub *h, gw_buf *b) {
  gw_buf *packed = gws_pack(h, b);
  if (packed == b) return b;
  gw_buf_ref(packed);
  gw_buf_unref(b);
  return packed;
}
