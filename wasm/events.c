/* SPDX-License-Identifier: MIT */
/* events.c - the events of a turn, kept for JavaScript to read in one go.
 *
 * A record is the core's own struct, whose places layout.h holds fast, but for
 * its views: they die with the event, so their addresses become places that last.
 * With the high bit set it counts from the start of the message that was taken
 * in, which JavaScript holds itself: the payload of a publication is not copied
 * here. Any other counts from the start of the texts.
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/layout.h"

/** A record beside those of gw_event_type: a member of the reply that follows.
 * The subscription is the request. */
#define RECORD_MEMBER (GW_EVENT_TOKEN + 1)

/** Buffers above this are given back after a turn that needed them. */
#define KEEP_BYTES  (64u * 1024u)
#define START_BYTES 1024u

#define IN_MESSAGE 0x80000000u

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
}

/** Words of each record that are views; 0 ends a row. */
static const uint8_t views[][4] = {
    [GW_EVENT_STATE] = {7},
    [GW_EVENT_SUB_STATE] = {10},
    [GW_EVENT_PUBLICATION] = {11, 18},
    [GW_EVENT_PUBLISHED] = {7},
    [GW_EVENT_PRESENCE] = {8, 10, 12, 14},
    [GW_EVENT_REPLY] = {6, 10},
    [GW_EVENT_CALL] = {5, 8, 12},
    [RECORD_MEMBER] = {8, 10, 12, 14},
};

/** Make a view last. */
static void keep(bridge *b, gw_view *v) {
  uintptr_t from_start = (uintptr_t)v->data - (uintptr_t)b->message.data;
  uintptr_t place = from_start | IN_MESSAGE;
  if (from_start >= b->message.len) {
    place = b->texts.len;
    uint8_t *to = grow(&b->texts, (uint32_t)v->len);
    if (v->len != 0) memcpy(to, v->data, v->len);
  }
  v->data = (const uint8_t *)place; /* NOLINT: a place, not an address */
}

static void put(bridge *b, const gw_event *e) {
  uint8_t *record = grow(&b->records, sizeof *e);
  memcpy(record, e, sizeof *e);
  const uint8_t *word = views[e->type];
  for (int i = 0; i < 4 && word[i] != 0; i++)
    keep(b, (gw_view *)(void *)(record + word[i] * 4));
}

static void put_members(bridge *b, const gw_event *e) {
  gw_list list = *e->u.reply.members;
  gw_view item;
  gw_event m = {.type = (enum gw_event_type)RECORD_MEMBER};
  m.u.presence.sub = e->u.reply.request;
  while (gw_list_next(&list, &item)) {
    if (gw_decode_presence_member(item, &m.u.presence.member) == 0) put(b, &m);
  }
}

void bridge_events_put(void *user, const gw_event *e) {
  if (e->type == GW_EVENT_REPLY && e->u.reply.members != NULL)
    put_members(user, e);
  put(user, e);
}
