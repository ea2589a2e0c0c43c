/* SPDX-License-Identifier: MIT */
/* send.c - frames of a turn, gathered into as few messages as the limits
 * allow. */
#include <string.h>

#include "client/internal.h"

/** First block of the out buffer, and what is kept of it between turns. */
#define OUT_MIN  512u
#define OUT_KEPT (16u * 1024u)

static bool grow(gw_client *c) {
  size_t cap = c->out.cap < OUT_MIN ? OUT_MIN : c->out.cap * 2;
  /* A frame under the hard limit always fits twice that much; what does not is
   * our own mistake, and must not eat the memory. */
  uint8_t *data = NULL;
  if (cap <= 4u * GW_MAX_FRAME_BYTES_HARD)
    data = c->alloc.realloc_fn(c->alloc.user, c->out.data, cap);
  if (data == NULL) {
    c->broken = true;
    return false;
  }
  c->out.data = data;
  c->out.cap = cap;
  return true;
}

static void send_front(gw_client *c, size_t len) {
  c->port.send(c->user, c->link.generation, (gw_view){c->out.data, len});
  c->out.len -= len;
  memmove(c->out.data, c->out.data + len, c->out.len);
}

/** Send what was gathered before `start` if the message would be too large. */
static void split(gw_client *c, size_t start) {
  uint32_t limit = c->limits.max_message_bytes;
  if (limit == 0) limit = GW_MAX_FRAME_BYTES; /* not known yet, or none */
  if (c->out.len > limit && start > 0 && c->out.len > start)
    send_front(c, start);
}

static int encode(gw_client *c, const gw_head *head, enum gw_message_id id,
                  const void *m) {
  static const gw_view nothing;
  return m != NULL ? gw_encode(&c->out, head, id, m)
                   : gw_frame_put(&c->out, head, nothing);
}

void gw__put(gw_client *c, uint8_t type, uint32_t request, uint32_t sub,
             enum gw_message_id id, const void *m) {
  gw_head head = {.type = type, .request = request};
  if (sub != 0) gw__sub_address(c, sub, &head);
  size_t start = c->out.len;
  while (encode(c, &head, id, m) < 0 && grow(c)) {
  }
  split(c, start);
}

void gw__put_nothing(gw_client *c, uint8_t type, uint32_t request,
                     uint32_t sub) {
  gw__put(c, type, request, sub, GW_NUM_MESSAGES, NULL);
}

void gw__flush(gw_client *c) {
  if (c->out.len > 0 && c->link.phase >= GW__LINK_OPEN)
    send_front(c, c->out.len);
  c->out.len = 0;
  if (c->out.cap > OUT_KEPT) {
    gw__free(c, c->out.data);
    c->out = (gw_out){0};
  }
}
