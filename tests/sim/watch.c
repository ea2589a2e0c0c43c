/* SPDX-License-Identifier: MIT */
/* watch.c - what goes over a link, frame by frame. */
#include "tests/sim/watch.h"

#include <stdlib.h>

#include "godwit/lz4.h"

/** Cut the next frame from the front of a message. */
static bool next_frame(gw_view *message, gw_frame *frame) {
  int64_t used = gw_frame_parse(*message, UINT32_MAX, frame);
  if (used <= 0) return false;
  message->data += used;
  message->len -= (size_t)used;
  return true;
}

/** What a compressed frame stands for, with a body to be freed; the checker is to
 * see no other streams than without. */
static void make_whole(sim_watch *s, gw_frame *f) {
  gw_view block = f->body;
  int64_t len = gw_lz4_size(&block);
  uint8_t *body = len > 0 ? malloc((size_t)len) : NULL;
  f->head.flags ^= GW_FLAG_COMPRESSED;
  f->body = (gw_view){body, len > 0 ? (size_t)len : 0};
  if (!s->reads_packed)
    world_fail(s->w, "a body was compressed for who does not read it");
  if (body == NULL || gw_lz4_unpack(block, body, (size_t)len) < 0)
    world_fail(s->w, "a compressed body cannot be read");
  s->census->num_packed++;
}

/* ---- credit --------------------------------------------------------------- */

void sim_watch_client(sim_watch *s, gw_view message) {
  gw_frame f;
  while (next_frame(&message, &f)) {
    gw_hello hello;
    gw_credit credit;
    s->census->to_server[f.head.type]++;
    if ((f.head.type == GW_FRAME_HELLO) == s->has_hello)
      world_fail(s->w,
                 s->has_hello ? "a second Hello" : "%s goes before the Hello",
                 gw_type_name(f.head.type));
    s->has_hello = true;
    if (f.head.type == GW_FRAME_HELLO && gw_decode_hello(f.body, &hello) == 0) {
      s->credit = s->window = hello.credit_bytes;
      s->reads_packed = hello.codec == GW_CODEC_LZ4;
    }
    if (f.head.type == GW_FRAME_CREDIT &&
        gw_decode_credit(f.body, &credit) == 0)
      s->credit += (int64_t)credit.bytes;
  }
}

static void use_credit(sim_watch *s, size_t bytes) {
  if (s->window == 0) return;
  if (s->credit <= 0) world_fail(s->w, "data was sent without credit");
  s->credit -= (int64_t)bytes;
}

void sim_watch_check_calm(const sim_watch *s) {
  /* What is handed on and not granted yet is half of it at most. */
  if (s->credit > s->window || s->credit < s->window - s->window / 2)
    world_fail(s->w, "a credit of %lld is left of %u", (long long)s->credit,
               s->window);
}

/* ---- streams --------------------------------------------------------------- */

static sim_watch_stream *stream_of(sim_watch *s, uint32_t number) {
  for (uint32_t i = 0; i < SIM_MAX_STREAMS; i++)
    if (s->streams[i].number == number) return &s->streams[i];
  return NULL;
}

static void begins(sim_watch *s, const gw_frame *f) {
  gw_subscribed m;
  sim_watch_stream *st = stream_of(s, f->head.channel);
  if (st == NULL) st = stream_of(s, 0);
  if (st == NULL || gw_decode_subscribed(f->body, &m) < 0)
    world_fail(s->w, "a Subscribed too many");
  else
    *st = (sim_watch_stream){
        .number = f->head.channel, .at = m.offset, .is_pattern = m.wildcard};
}

static void begins_by_server(sim_watch *s, const gw_frame *f) {
  gw_server_subscribed m;
  sim_watch_stream *st = stream_of(s, f->head.channel);
  if (st == NULL) st = stream_of(s, 0);
  if (st == NULL || gw_decode_server_subscribed(f->body, &m) < 0)
    world_fail(s->w, "a ServerSubscribed too many");
  else
    *st = (sim_watch_stream){.number = f->head.channel, .at = m.offset};
}

/* ---- members --------------------------------------------------------------- */

/** One that is asked for comes beside the others. */
static void lists(sim_watch *s, const gw_frame *f) {
  gw_presence_snapshot m;
  sim_watch_stream *st = stream_of(s, f->head.channel);
  if (st == NULL || f->head.request != 0 ||
      gw_decode_presence_snapshot(f->body, &m) < 0)
    return;
  st->has_list = !m.more;
  st->version = m.version;
}

static void changes(sim_watch *s, const gw_frame *f) {
  gw_presence_diff m;
  sim_watch_stream *st = stream_of(s, f->head.channel);
  if (st == NULL || gw_decode_presence_diff(f->body, &m) < 0) return;
  if (st->has_list && m.version != st->version + 1)
    world_fail(s->w, "version %llu of the members follows %llu",
               (unsigned long long)m.version, (unsigned long long)st->version);
  st->version = m.version;
}

/* ---- what follows ---------------------------------------------------------- */

/** The stream goes on from an offset up to another. */
static void goes_on(sim_watch *s, uint32_t number, uint64_t from, uint64_t to) {
  sim_watch_stream *st = stream_of(s, number);
  if (st == NULL)
    world_fail(s->w, "a push for nobody");
  else if (st->is_pattern)
    return;
  else if (from != st->at + 1 || to < from)
    world_fail(s->w, "%llu to %llu are sent after %llu",
               (unsigned long long)from, (unsigned long long)to,
               (unsigned long long)st->at);
  else
    st->at = to;
}

/** A delta needs the publication before it, whose payload was sent, too. */
static void holds(sim_watch *s, const gw_frame *f, const gw_publication *pub) {
  sim_watch_stream *st = stream_of(s, f->head.channel);
  bool has_payload = pub->data.len + pub->json.len + pub->delta.len != 0;
  if (st == NULL) return;
  if (pub->delta.len != 0 &&
      (pub->delta_base != st->held || pub->delta_base + 1 != pub->offset))
    world_fail(s->w, "%llu is a delta to %llu, and %llu is held",
               (unsigned long long)pub->offset,
               (unsigned long long)pub->delta_base,
               (unsigned long long)st->held);
  st->held = has_payload ? pub->offset : 0;
}

static void recovers(sim_watch *s, const gw_frame *f) {
  gw_recovery m;
  const sim_watch_stream *st = stream_of(s, f->head.channel);
  if (gw_decode_recovery(f->body, &m) < 0)
    world_fail(s->w, "a Recovery cannot be decoded");
  else if (m.gap != GW_GAP_NONE)
    goes_on(s, f->head.channel, m.gap_from, m.gap_to);
  else if (st == NULL || m.to != st->at)
    world_fail(s->w, "a Recovery that ends elsewhere");
}

static void look(sim_watch *s, const gw_frame *f) {
  gw_publication pub;
  gw_lagged lag;
  sim_watch_stream *st;
  switch (f->head.type) {
  case GW_FRAME_SUBSCRIBED:
    begins(s, f);
    break;
  case GW_FRAME_SERVER_SUBSCRIBED:
    begins_by_server(s, f);
    break;
  case GW_FRAME_PRESENCE_SNAPSHOT:
    lists(s, f);
    break;
  case GW_FRAME_PRESENCE_DIFF:
    changes(s, f);
    break;
  case GW_FRAME_UNSUBSCRIBED:
    st = stream_of(s, f->head.channel);
    if (st != NULL) st->number = 0;
    break;
  case GW_FRAME_PUBLICATION:
    if (gw_decode_publication(f->body, &pub) != 0) break;
    goes_on(s, f->head.channel, pub.offset, pub.offset);
    holds(s, f, &pub);
    break;
  case GW_FRAME_LAGGED:
    if (gw_decode_lagged(f->body, &lag) == 0)
      goes_on(s, f->head.channel, lag.from, lag.to);
    break;
  case GW_FRAME_RECOVERY:
    recovers(s, f);
    break;
  default:
    break;
  }
}

void sim_watch_server(sim_watch *s, gw_view message, bool is_end) {
  size_t bytes = message.len;
  uint32_t num_data = 0, num = 0;
  gw_frame f;
  for (; next_frame(&message, &f); num++) {
    num_data += gw_type_is_data(f.head.type);
    s->census->to_client[f.head.type]++;
    bool is_packed = (f.head.flags & GW_FLAG_COMPRESSED) != 0;
    if (is_packed) make_whole(s, &f);
    look(s, &f);
    if (is_packed) free((void *)(uintptr_t)f.body.data);
  }
  if (num_data != 0 && num_data != num)
    world_fail(s->w, "a message of both data and control");
  if (num_data != 0 && !is_end) use_credit(s, bytes);
}
