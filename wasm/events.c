/* SPDX-License-Identifier: MIT */
/* events.c - the events of a turn, kept for JavaScript to read in one go.
 *
 * A record is the core's own struct, whose places layout.h holds fast, but for
 * its views: they die with the event, so what they show is copied, and their
 * addresses become places in the copies. Texts are apart from bytes, because
 * JavaScript decodes all texts of a turn at once: that costs it little more than
 * to decode one.
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/layout.h"

/** Buffers above this are given back after a turn that needed them. */
#define KEEP_BYTES  (64u * 1024u)
#define START_BYTES 1024u

static uint8_t *grow(bridge_buf *buf, uint32_t more) {
  if (buf->cap - buf->len < more) {
    uint32_t cap = buf->cap * 2 + START_BYTES + more;
    uint8_t *data = realloc(buf->data, cap);
    /* The core counts the event as told, so going on would lose it in silence.
     * JavaScript sees the trap and fails the client aloud. */
    if (data == NULL) __builtin_trap();
    buf->data = data;
    buf->cap = cap;
  }
  buf->len += more;
  return buf->data + buf->len - more;
}

static void empty(bridge_buf *buf) {
  buf->len = 0;
  if (buf->cap <= KEEP_BYTES) return;
  free(buf->data);
  *buf = (bridge_buf){0};
}

void bridge_events_begin(bridge *b) {
  empty(&b->records);
  empty(&b->texts);
  empty(&b->bytes);
}

/** Words of each record that are views; 0 ends a row. A view is a text unless it
 * is marked as bytes, or as a payload and the word before says bytes. */
#define BYTES     0x40u
#define PAYLOAD   0x80u
#define VIEWS_MAX 5
static const uint8_t views[][VIEWS_MAX] = {
    [GW_EVENT_STATE] = {7},
    [GW_EVENT_SUB_STATE] = {5, 10},
    [GW_EVENT_PUBLICATION] = {PAYLOAD | 11, 18, 22, 24, BYTES | 26},
    [GW_EVENT_PUBLISHED] = {7, 15},
    [GW_EVENT_PRESENCE] = {8, 10, BYTES | 12, 14},
    [GW_EVENT_REPLY] = {6, PAYLOAD | 10},
    [GW_EVENT_CALL] = {5, PAYLOAD | 8, 12},
    [GW_EVENT_META] = {5},
    [GW_EVENT_MESSAGE] = {6, 9, 11, PAYLOAD | 14},
    [BRIDGE_RECORD_MEMBER] = {8, 10, BYTES | 12, 14},
};

/** Copy what a view shows, which becomes a place in the copies. */
static void keep(bridge_buf *buf, gw_view *v) {
  uint32_t place = buf->len;
  uint8_t *to = grow(buf, (uint32_t)v->len);
  if (v->len != 0) memcpy(to, v->data, v->len);
  v->data = (const uint8_t *)(uintptr_t)place; /* NOLINT: not an address */
}

void bridge_event_put(bridge *b, const gw_event *e) {
  uint32_t *record = (void *)grow(&b->records, sizeof *e);
  memcpy(record, e, sizeof *e);
  /* Nobody wants the message but for its tags. */
  if (e->type == GW_EVENT_PUBLICATION && e->u.publication.num_tags == 0)
    ((gw_event *)(void *)record)->u.publication.body.len = 0;
  const uint8_t *view = views[e->type];
  for (int i = 0; i < VIEWS_MAX && view[i] != 0; i++) {
    uint32_t *word = record + (view[i] & ~(BYTES | PAYLOAD));
    bool is_bytes = (view[i] & BYTES) != 0 ||
                    ((view[i] & PAYLOAD) != 0 && word[-1] == GW_PAYLOAD_BYTES);
    keep(is_bytes ? &b->bytes : &b->texts, (gw_view *)(void *)word);
  }
}

void bridge_events_put(void *user, const gw_event *e) {
  bridge_presence_put(user, e);
  bridge_event_put(user, e);
}
