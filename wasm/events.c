/* SPDX-License-Identifier: MIT */
/* events.c - events of the core as records of 32-bit words, for JavaScript to
 * read in one go after each turn.
 *
 *   +--------------------------+----------+-----+----------+
 *   | type | words of it << 8  | word 1   | ... | word n   |   one record
 *   +--------------------------+----------+-----+----------+
 *
 * A 64-bit number takes two words, low one first; a text or payload takes two,
 * place and length. A place with the high bit set counts from the start of the
 * message that is being taken in, which JavaScript holds itself: so the payload
 * of a publication is never copied here. Any other place counts from the start
 * of the texts. src/event-reader.ts reads the same layout.
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/bridge.h"

/** A record beside those of gw_event_type: a member of the reply that follows.
 */
#define RECORD_MEMBER (GW_EVENT_RTT + 1u)

/** Buffers above this are given back after a turn that needed them. */
#define KEEP_BYTES  (64u * 1024u)
#define START_BYTES 1024u

#define IN_MESSAGE 0x80000000u
#define NEVER_MS   0xFFFFFFFFu

/* ---- buffers ------------------------------------------------------------- */

static uint8_t *grow(bridge_buf *buf, uint32_t more) {
  if (buf->cap - buf->len < more) {
    uint32_t cap = buf->cap < START_BYTES ? START_BYTES : buf->cap * 2;
    if (cap < buf->len + more) cap = buf->len + more;
    uint8_t *data = realloc(buf->data, cap);
    /* The core counts the event as told, so going on would lose it in silence.
     * JavaScript sees the trap and fails the client aloud. */
    if (data == NULL) __builtin_trap();
    buf->data = data;
    buf->cap = cap;
  }
  uint8_t *at = buf->data + buf->len;
  buf->len += more;
  return at;
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

void bridge_events_end(bridge *b) {
  b->records_at = b->records.data;
  b->records_len = b->records.len;
  b->texts_at = b->texts.data;
}

void bridge_events_deinit(bridge *b) {
  free(b->records.data);
  free(b->texts.data);
}

/* ---- words --------------------------------------------------------------- */

/** A record in the making: room for all its words is there. */
typedef struct record {
  bridge *bridge;
  uint32_t *next;
} record;

static record begin(bridge *b, uint32_t type, uint32_t words) {
  uint32_t *at = (uint32_t *)(void *)grow(&b->records, words * 4);
  *at = type | words << 8;
  return (record){b, at + 1};
}

static void put(record *r, uint32_t word) {
  *r->next++ = word;
}

static void put64(record *r, uint64_t number) {
  put(r, (uint32_t)number);
  put(r, (uint32_t)(number >> 32));
}

static void put_position(record *r, gw_position position) {
  put64(r, position.epoch);
  put64(r, position.offset);
}

static void put_view(record *r, gw_view v) {
  gw_view message = r->bridge->message;
  uintptr_t from_start = (uintptr_t)v.data - (uintptr_t)message.data;
  if (v.len == 0) {
    put(r, 0);
  } else if (from_start < message.len) {
    put(r, (uint32_t)from_start | IN_MESSAGE);
  } else {
    put(r, r->bridge->texts.len);
    memcpy(grow(&r->bridge->texts, (uint32_t)v.len), v.data, v.len);
  }
  put(r, (uint32_t)v.len);
}

/** Milliseconds from the event until a time; never for 0. */
static uint32_t until(const gw_event *e, uint64_t time_ms) {
  if (time_ms == 0) return NEVER_MS;
  if (time_ms <= e->at_ms) return 0;
  uint64_t delay = time_ms - e->at_ms;
  return delay < NEVER_MS ? (uint32_t)delay : NEVER_MS - 1;
}

/* ---- one function per event ---------------------------------------------- */

static void put_state(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 7);
  put(&r, e->u.state.from | e->u.state.to << 8);
  put(&r, e->u.state.code);
  put(&r, e->u.state.attempt);
  put(&r, until(e, e->u.state.retry_at_ms));
  put_view(&r, e->u.state.reason);
}

static void put_sub(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 10);
  put(&r, e->u.sub.sub);
  put(&r, e->u.sub.from | e->u.sub.to << 8 | e->u.sub.recovery << 16);
  put(&r, e->u.sub.code);
  put_view(&r, e->u.sub.reason);
  put_position(&r, e->u.sub.position);
}

static void put_publication(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 17);
  put(&r, e->u.publication.sub);
  put(&r, e->u.publication.payload.type | (uint32_t)e->u.publication.own << 8);
  put_position(&r, e->u.publication.position);
  put64(&r, e->u.publication.client);
  put64(&r, e->u.publication.key);
  put64(&r, e->u.publication.time_ms);
  put_view(&r, e->u.publication.user);
  put_view(&r, e->u.publication.payload.bytes);
}

static void put_gap(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 11);
  put(&r, e->u.gap.sub);
  put(&r, e->u.gap.reason);
  put64(&r, e->u.gap.from);
  put64(&r, e->u.gap.to);
  put_position(&r, e->u.gap.position);
}

static void put_published(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 11);
  put64(&r, e->u.published.key);
  put(&r, e->u.published.code);
  put(&r, e->u.published.duplicate);
  put_view(&r, e->u.published.reason);
  put_position(&r, e->u.published.position);
}

static void put_member(bridge *b, uint32_t type, uint32_t id, uint32_t bits,
                       const gw_presence_member *m) {
  record r = begin(b, type, 13);
  bool is_json = m->json.len != 0;
  put(&r, id);
  put(&r, bits | (is_json ? (uint32_t)GW_PAYLOAD_JSON : 0) << 16);
  put64(&r, m->client);
  put64(&r, m->since_ms);
  put_view(&r, m->user);
  put_view(&r, m->state);
  put_view(&r, is_json ? m->json : m->data);
}

static void put_presence(bridge *b, const gw_event *e) {
  put_member(b, e->type, e->u.presence.sub,
             e->u.presence.kind | (uint32_t)e->u.presence.own << 8,
             &e->u.presence.member);
}

static void put_presence_sync(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 4);
  put(&r, e->u.presence_sync.sub);
  put64(&r, e->u.presence_sync.version);
}

static void put_members(bridge *b, const gw_event *e) {
  gw_list list = *e->u.reply.members;
  gw_view item;
  gw_presence_member member;
  while (gw_list_next(&list, &item)) {
    if (gw_decode_presence_member(item, &member) < 0) continue;
    put_member(b, RECORD_MEMBER, e->u.reply.request, 0, &member);
  }
}

static void put_reply(bridge *b, const gw_event *e) {
  if (e->u.reply.members != NULL) put_members(b, e);
  record r = begin(b, e->type, 10);
  put(&r, e->u.reply.request);
  put(&r, e->u.reply.sub);
  put(&r, e->u.reply.code);
  put(&r, e->u.reply.payload.type | (uint32_t)e->u.reply.more << 8);
  put(&r, e->u.reply.retry_after_ms);
  put_view(&r, e->u.reply.reason);
  put_view(&r, e->u.reply.payload.bytes);
}

static void put_call(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 12);
  put(&r, e->u.call.call);
  put(&r, e->u.call.payload.type);
  put(&r, e->u.call.timeout_ms);
  put64(&r, e->u.call.from);
  put_view(&r, e->u.call.from_user);
  put_view(&r, e->u.call.method);
  put_view(&r, e->u.call.payload.bytes);
}

static void put_rtt(bridge *b, const gw_event *e) {
  record r = begin(b, e->type, 2);
  put(&r, e->u.rtt.ms);
}

void bridge_events_put(void *user, const gw_event *e) {
  bridge *b = user;
  switch (e->type) {
  case GW_EVENT_STATE:
    put_state(b, e);
    return;
  case GW_EVENT_SUB_STATE:
    put_sub(b, e);
    return;
  case GW_EVENT_PUBLICATION:
    put_publication(b, e);
    return;
  case GW_EVENT_GAP:
    put_gap(b, e);
    return;
  case GW_EVENT_PUBLISHED:
    put_published(b, e);
    return;
  case GW_EVENT_PRESENCE:
    put_presence(b, e);
    return;
  case GW_EVENT_PRESENCE_SYNC:
    put_presence_sync(b, e);
    return;
  case GW_EVENT_REPLY:
    put_reply(b, e);
    return;
  case GW_EVENT_CALL:
    put_call(b, e);
    return;
  case GW_EVENT_RTT:
    put_rtt(b, e);
    return;
  }
}
