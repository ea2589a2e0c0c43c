/* SPDX-License-Identifier: MIT */
/* rooms.c - publishes, and checks that each subscriber gets everything in order
 * and once. */
#include <stdlib.h>
#include <string.h>

#include "server/load/run.h"

/** Frames that one write carries at most; with the largest payload a few. */
#define BATCH_BYTES (256u * 1024u)

/** What a message takes besides its payload: names, heads. */
#define MESSAGE_OVERHEAD 1024u

/** A paced publisher may be this far ahead of its slowest subscriber. */
#define PACED_SECONDS  2u
#define PACED_RING_MIN 256u
#define PACED_RING_MAX 16384u
#define NS_PER_S       1000000000u

/* ---- payloads ------------------------------------------------------------- */

static void put_hex(uint8_t *to, uint64_t value) {
  static const char digits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; i--) {
    to[i] = (uint8_t)digits[value & 15u];
    value >>= 4;
  }
}

static void put_head(uint8_t head[GW_LOAD_HEAD_BYTES], uint64_t number,
                     uint64_t now_ns) {
  put_hex(head, number);
  put_hex(head + 16, now_ns);
}

static bool read_hex(const uint8_t *from, uint64_t *value) {
  uint64_t sum = 0;
  for (int i = 0; i < 16; i++) {
    uint8_t c = from[i];
    unsigned digit = 16;
    if (c >= '0' && c <= '9') digit = c - (unsigned)'0';
    if (c >= 'a' && c <= 'f') digit = c - (unsigned)'a' + 10u;
    if (digit > 15) return false;
    sum = sum << 4 | digit;
  }
  *value = sum;
  return true;
}

/* ---- rings and frames ------------------------------------------------------ */

static uint32_t ring_len(const gw_load_options *o) {
  uint32_t least = o->window > 0 ? o->window : PACED_RING_MIN;
  if (o->num_missed > least) least = o->num_missed;
  if (o->window == 0 && o->rate > PACED_RING_MAX / PACED_SECONDS)
    least = PACED_RING_MAX;
  else if (o->window == 0 && o->rate * PACED_SECONDS > least)
    least = o->rate * PACED_SECONDS;
  uint32_t len = 1;
  while (len < least)
    len *= 2;
  return len;
}

/** The whole frame of a publication, with a payload that can be found again. */
static const char *make_frame(gw_load *l, gw_load_room *r) {
  uint32_t payload_len = l->options.payload_bytes;
  size_t cap = payload_len + MESSAGE_OVERHEAD;
  uint8_t *payload = malloc(payload_len);
  gw_out message = {malloc(cap), 0, cap};
  gw_out frame = {malloc(cap), 0, cap};
  const char *why = "out of memory";
  const uint8_t *at = NULL;
  if (payload != NULL && message.data != NULL && frame.data != NULL) {
    put_head(payload, UINT64_MAX, r->index);
    memcpy(payload + GW_LOAD_HEAD_BYTES, l->filler,
           payload_len - GW_LOAD_HEAD_BYTES);
    gw_view view = {payload, payload_len};
    uint8_t opcode = l->driver->is_text ? GW_LOAD_TEXT : GW_LOAD_BINARY;
    why = "a publication does not fit its buffer";
    if (l->driver->put_publish(r->publisher, view, &message) == 0 &&
        gw_load_frame_put(&frame, opcode,
                          (gw_view){message.data, message.len}) == 0)
      at = memmem(frame.data, frame.len, payload, payload_len);
  }
  free(payload);
  free(message.data);
  r->frame = frame.data;
  if (at == NULL) return why;
  r->frame_len = (uint32_t)frame.len;
  r->payload_at = (uint32_t)(at - frame.data);
  /* The driver counted its marks from the front of the message. */
  for (size_t i = 0; i < sizeof r->marks / sizeof r->marks[0]; i++)
    r->marks[i] += (uint32_t)(frame.len - message.len);
  return NULL;
}

const char *gw__load_rooms_init(gw_load *l) {
  const gw_load_options *o = &l->options;
  uint32_t len = ring_len(o);
  l->ring_mask = len - 1;
  l->filler = malloc(o->payload_bytes);
  l->batch = (gw_out){malloc(BATCH_BYTES), 0, BATCH_BYTES};
  if (l->filler == NULL || l->batch.data == NULL) return "out of memory";
  memset(l->filler, 'x', o->payload_bytes);
  for (uint32_t i = 0; i < o->num_rooms && o->has_publishers; i++) {
    gw_load_room *r = &l->rooms[i];
    const char *why = make_frame(l, r);
    if (why != NULL) return why;
    r->ring = calloc(len, sizeof *r->ring);
    if (r->ring == NULL) return "out of memory";
  }
  return NULL;
}

void gw__load_rooms_deinit(gw_load *l) {
  for (uint32_t i = 0; l->rooms != NULL && i < l->options.num_rooms; i++) {
    free(l->rooms[i].frame);
    free(l->rooms[i].ring);
  }
  free(l->filler);
  free(l->batch.data);
}

/* ---- publishing ------------------------------------------------------------ */

static void flush(gw_load *l, gw_load_room *r) {
  if (l->batch.len > 0)
    gw_load_conn_send(&r->publisher->conn,
                      (gw_view){l->batch.data, l->batch.len});
  l->batch.len = 0;
}

static void publish_one(gw_load *l, gw_load_room *r, uint64_t now_ns) {
  gw_load_entry *e = &r->ring[r->sent & l->ring_mask];
  if (l->batch.cap - l->batch.len < r->frame_len) flush(l, r);
  uint8_t *frame = l->batch.data + l->batch.len;
  memcpy(frame, r->frame, r->frame_len);
  e->sent_ns = now_ns;
  e->left = r->num_subscribers;
  put_head(e->head, r->sent, now_ns);
  memcpy(frame + r->payload_at, e->head, sizeof e->head);
  if (l->driver->patch != NULL) l->driver->patch(r, r->sent, frame);
  l->batch.len += r->frame_len;
  r->sent++;
  l->total.sent++;
}

void gw__load_rooms_publish(gw_load *l, gw_load_room *r, uint64_t now_ns) {
  publish_one(l, r, now_ns);
  flush(l, r);
}

static void add_due(gw_load *l, gw_load_room *r) {
  if (r->is_due) return;
  r->is_due = true;
  r->next_due = l->due;
  l->due = r;
}

static void fill_windows(gw_load *l) {
  uint64_t now_ns = gw_load_now_ns();
  while (l->due != NULL) {
    gw_load_room *r = l->due;
    l->due = r->next_due;
    r->is_due = false;
    while (r->sent - r->completed < l->options.window)
      publish_one(l, r, now_ns);
    flush(l, r);
  }
}

/** Rooms take turns, so that they spread over the period. */
static void keep_pace(gw_load *l) {
  uint64_t now_ns = gw_load_now_ns();
  for (uint64_t due; (due = gw__load_rooms_due_ns(l)) <= now_ns;) {
    gw_load_room *r = &l->rooms[l->num_paced % l->options.num_rooms];
    if (r->sent - r->completed > l->ring_mask) {
      gw_load_fail(l, "the server is more than %u publications behind the pace",
                   l->ring_mask);
      return;
    }
    if (l->is_measuring && now_ns - due > l->result->late_ns)
      l->result->late_ns = now_ns - due;
    publish_one(l, r, now_ns);
    flush(l, r);
    l->num_paced++;
  }
}

void gw__load_rooms_begin(gw_load *l) {
  l->paced_since_ns = gw_load_now_ns();
  l->num_paced = 0;
  for (uint32_t i = 0; i < l->options.num_rooms; i++)
    add_due(l, &l->rooms[i]);
}

uint64_t gw__load_rooms_due_ns(const gw_load *l) {
  const gw_load_options *o = &l->options;
  if (!l->is_publishing || o->window > 0) return UINT64_MAX;
  uint64_t per_second = (uint64_t)o->rate * o->num_rooms;
  return l->paced_since_ns + l->num_paced / per_second * NS_PER_S +
         l->num_paced % per_second * NS_PER_S / per_second;
}

void gw__load_rooms_pump(gw_load *l) {
  if (!l->is_publishing) return;
  if (l->options.window > 0)
    fill_windows(l);
  else
    keep_pace(l);
}

/* ---- reconciling ----------------------------------------------------------- */

static void tell_wrong(const gw_load_peer *p, gw_view payload) {
  const gw_load_room *r = p->room;
  uint64_t number;
  if (payload.len != p->load->options.payload_bytes)
    gw_load_fail(p->load, "a payload of %zu bytes came instead of %u",
                 payload.len, p->load->options.payload_bytes);
  else if (!read_hex(payload.data, &number))
    gw_load_fail(p->load, "a payload came that nobody sent");
  else if (number == p->next)
    gw_load_fail(p->load, "publication %llu of %s arrived with other content",
                 (unsigned long long)number, r->name);
  else
    gw_load_fail(p->load,
                 "%s: a subscriber of %s got publication %llu instead of %llu",
                 number < p->next ? "repeated" : "lost", r->name,
                 (unsigned long long)number, (unsigned long long)p->next);
}

void gw_load_delivered(gw_load_peer *p, gw_view payload) {
  gw_load *l = p->load;
  gw_load_room *r = p->room;
  gw_load_entry *e = &r->ring[p->next & l->ring_mask];
  uint32_t len = l->options.payload_bytes;
  if (p->next >= r->sent || payload.len != len ||
      memcmp(payload.data, e->head, sizeof e->head) != 0 ||
      memcmp(payload.data + sizeof e->head, l->filler, len - sizeof e->head) !=
          0) {
    tell_wrong(p, payload);
    return;
  }
  p->next++;
  l->total.delivered++;
  if (l->is_measuring)
    gw_histogram_add(&l->result->latency, l->now_ns - e->sent_ns);
  if (--e->left > 0) return;
  /* Subscribers get them in order, so they are complete in order. */
  r->completed++;
  add_due(l, r);
}

void gw_load_acked(gw_load_peer *p) {
  gw_load_room *r = p->room;
  if (r->acked >= r->sent) {
    gw_load_fail(p->load, "more was acknowledged than was published in %s",
                 r->name);
    return;
  }
  r->acked++;
  p->load->total.acked++;
}

bool gw__load_rooms_is_complete(const gw_load *l) {
  for (uint32_t i = 0; i < l->options.num_rooms; i++) {
    const gw_load_room *r = &l->rooms[i];
    if (r->completed < r->sent) return false;
    if (l->driver->has_acks && r->acked < r->sent) return false;
  }
  return true;
}
