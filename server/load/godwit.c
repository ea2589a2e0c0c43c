/* SPDX-License-Identifier: MIT */
/* godwit.c - the load generator speaks Godwit's binary protocol. */
#include <inttypes.h>
#include <string.h>

#include "server/load/driver.h"

/** Requests and aliases of a connection. */
#define REQUEST_HELLO     1u
#define REQUEST_SUBSCRIBE 2u
#define REQUEST_PRESENCE  3u
#define ALIAS             1u

/* Numbers of publications are written as varints of five bytes, so that each
 * publication is as long as the last. They begin where five are needed anyway.
 */
#define PATCHED_BYTES 5u
#define FIRST_PATCHED (1u << 28)

/** What is patched in a publication's frame. */
enum marks { MARK_REQUEST, MARK_KEY };

static void put_varint(uint8_t *to, uint64_t value) {
  for (unsigned i = 0; i < PATCHED_BYTES; i++)
    to[i] = (uint8_t)((value >> (7 * i) & 0x7Fu) |
                      (i + 1 < PATCHED_BYTES ? 0x80u : 0));
}

/* ---- connecting ------------------------------------------------------------- */

static void on_open(gw_load_peer *p) {
  const gw_load_options *o = gw_load_get_options(p->load);
  uint8_t space[1024];
  gw_out out = {space, 0, sizeof space};
  uint64_t parts[2] = {(uint64_t)(uintptr_t)p ^ gw_load_now_ns(), p->index};
  gw_head head = {.type = GW_FRAME_HELLO, .request = REQUEST_HELLO};
  gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                    .instance = {(const uint8_t *)parts, sizeof parts},
                    .agent = gw_view_of("godwit-load")};
  if (o->token != NULL) hello.token = gw_view_of(o->token);
  if (o->user != NULL) hello.user = gw_view_of(o->user);
  int err = gw_encode_hello(&out, &head, &hello);
  if ((p->roles & GW_LOAD_SUBSCRIBES) != 0 && err == 0) {
    gw_subscribe subscribe = {.channel = gw_view_of(p->room->name),
                              .presence = o->presence,
                              .recover = p->is_back,
                              .epoch = p->epoch,
                              .offset = p->position};
    head = (gw_head){.type = GW_FRAME_SUBSCRIBE,
                     .request = REQUEST_SUBSCRIBE,
                     .channel = ALIAS};
    err = gw_encode_subscribe(&out, &head, &subscribe);
  }
  if (o->presence && (p->roles & GW_LOAD_SUBSCRIBES) != 0 && err == 0) {
    gw_presence_set set = {.state = gw_view_of("online")};
    head = (gw_head){.type = GW_FRAME_PRESENCE_SET,
                     .flags = GW_FLAG_ALIAS,
                     .request = REQUEST_PRESENCE,
                     .channel = ALIAS};
    err = gw_encode_presence_set(&out, &head, &set);
  }
  if (err == 0)
    gw_load_say(p, (gw_view){out.data, out.len});
  else
    gw_load_fail(p->load, "Hello: %s", gw_err_text(err));
}

static void on_welcome(gw_load_peer *p, gw_view body) {
  const gw_load_options *o = gw_load_get_options(p->load);
  gw_welcome w;
  if (gw_decode_welcome(body, &w) < 0) {
    gw_load_fail(p->load, "Welcome cannot be decoded");
    return;
  }
  uint32_t most = w.limits.publish_per_second;
  if (o->has_publishers && most != 0 && (o->window > 0 || o->rate > most))
    gw_load_fail(p->load,
                 "the server allows %" PRIu32
                 " publications a second of one connection",
                 most);
  if ((p->roles & GW_LOAD_SUBSCRIBES) == 0) gw_load_ready(p);
}

static void on_subscribed(gw_load_peer *p, const gw_frame *f) {
  gw_subscribed s;
  if (gw_decode_subscribed(f->body, &s) < 0) {
    gw_load_fail(p->load, "Subscribed cannot be decoded");
    return;
  }
  if (p->is_back && (s.result == GW_RECOVERY_GAP || s.offset != p->position)) {
    gw_load_fail(p->load,
                 "%s cannot be recovered from %" PRIu64
                 ": %s; does history.size "
                 "hold what is missed?",
                 p->room->name, p->position,
                 s.result == GW_RECOVERY_GAP ? "a gap" : "another offset");
    return;
  }
  p->number = f->head.channel;
  p->epoch = s.epoch;
  p->position = s.offset;
  if (s.live && !gw_load_get_options(p->load)->presence) gw_load_ready(p);
}

static void on_recovery(gw_load_peer *p, gw_view body) {
  gw_recovery r;
  if (gw_decode_recovery(body, &r) < 0)
    gw_load_fail(p->load, "Recovery cannot be decoded");
  else if (r.gap_to != 0)
    gw_load_fail(p->load, "lost: %s has a gap from %" PRIu64 " to %" PRIu64,
                 p->room->name, r.gap_from, r.gap_to);
  else if (r.live)
    gw_load_ready(p);
}

/* ---- publications ----------------------------------------------------------- */

static bool take_varint(gw_view *in, uint64_t *value) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < in->len && i < 10; i++) {
    sum |= (uint64_t)(in->data[i] & 0x7Fu) << (7 * i);
    if (in->data[i] >= 0x80) continue;
    in->data += i + 1;
    in->len -= i + 1;
    *value = sum;
    return true;
  }
  return false;
}

/** Offset and payload, which stand in front. Decoding it all would cost the
 * generator more than the server spends on a delivery. */
static bool peek_publication(gw_view body, uint64_t *offset, gw_view *payload) {
  gw_publication full;
  uint64_t len;
  gw_view in = body;
  if (in.len > 2 && in.data[0] == (1u << 3)) {
    in.data++;
    in.len--;
    if (take_varint(&in, offset) && in.len > 0 &&
        in.data[0] == (2u << 3 | 2u)) {
      in.data++;
      in.len--;
      if (take_varint(&in, &len) && len <= in.len) {
        *payload = (gw_view){in.data, (size_t)len};
        return true;
      }
    }
  }
  if (gw_decode_publication(body, &full) < 0) return false;
  *offset = full.offset;
  *payload = full.data;
  return true;
}

static void on_publication(gw_load_peer *p, const gw_frame *f) {
  uint64_t offset = 0;
  gw_view payload;
  if (!peek_publication(f->body, &offset, &payload)) {
    gw_load_fail(p->load, "a Publication cannot be decoded");
  } else if (f->head.channel != p->number || offset != p->position + 1) {
    gw_load_fail(p->load,
                 "offset %" PRIu64 " of channel %" PRIu32 " came after %" PRIu64
                 " of channel %" PRIu32,
                 offset, f->head.channel, p->position, p->number);
  } else {
    p->position = offset;
    gw_load_delivered(p, payload);
  }
}

static void on_published(gw_load_peer *p, const gw_frame *f) {
  uint32_t wanted = (uint32_t)(FIRST_PATCHED + p->room->acked);
  if (f->head.request != wanted)
    gw_load_fail(p->load,
                 "request %" PRIu32 " was acknowledged instead of %" PRIu32,
                 f->head.request, wanted);
  else
    gw_load_acked(p);
}

static int put_publish(const gw_load_peer *p, gw_view payload, gw_out *out) {
  bool is_member = (p->roles & GW_LOAD_SUBSCRIBES) != 0;
  gw_head head = {.type = GW_FRAME_PUBLISH,
                  .flags = is_member ? GW_FLAG_ALIAS : 0,
                  .request = FIRST_PATCHED,
                  .channel = is_member ? ALIAS : 0};
  gw_publish publish = {
      .data = payload, .key = FIRST_PATCHED, .after = FIRST_PATCHED};
  if (!is_member) publish.channel = gw_view_of(p->room->name);
  int err = gw_encode_publish(out, &head, &publish);
  if (err < 0) return err;
  unsigned prefix = 1;
  while ((out->data[prefix - 1] & 0x80u) != 0)
    prefix++;
  p->room->marks[MARK_REQUEST] = prefix + 2;
  p->room->marks[MARK_KEY] = (uint32_t)out->len - 2 * PATCHED_BYTES - 1;
  return 0;
}

/** As a client does that does not wait for acknowledgements: each publication
 * has a key and names the one that it follows. */
static void patch(gw_load_room *r, uint64_t number, uint8_t *message) {
  uint64_t key = FIRST_PATCHED + number;
  put_varint(message + r->marks[MARK_REQUEST], (uint32_t)key);
  put_varint(message + r->marks[MARK_KEY], key);
  put_varint(message + r->marks[MARK_KEY] + PATCHED_BYTES + 1, key - 1);
}

/* ---- frames ----------------------------------------------------------------- */

static void on_ping(gw_load_peer *p, const gw_frame *f) {
  uint8_t space[64];
  gw_out out = {space, 0, sizeof space};
  gw_head head = {.type = GW_FRAME_PONG};
  if (gw_frame_put(&out, &head, f->body) == 0)
    gw_load_say(p, (gw_view){out.data, out.len});
}

static void on_refusal(gw_load_peer *p, const gw_frame *f) {
  gw_error e;
  if (gw_decode_error(f->body, &e) == 0)
    gw_load_fail(p->load, "%s: %s: %.*s",
                 f->head.request == REQUEST_SUBSCRIBE  ? "Subscribe"
                 : f->head.request == REQUEST_PRESENCE ? "PresenceSet"
                                                       : "Publish",
                 gw_code_name(e.code), (int)e.message.len,
                 (const char *)e.message.data);
  else
    gw_load_fail(p->load, "an Error cannot be decoded");
}

static void on_close(gw_load_peer *p, gw_view body) {
  gw_close c;
  if (gw_decode_close(body, &c) == 0)
    gw_load_fail(p->load, "the server closed a connection: %s: %.*s",
                 gw_code_name(c.code), (int)c.reason.len,
                 (const char *)c.reason.data);
}

static void on_frame(gw_load_peer *p, const gw_frame *f) {
  switch (f->head.type) {
  case GW_FRAME_PUBLICATION:
    on_publication(p, f);
    break;
  case GW_FRAME_PUBLISHED:
    on_published(p, f);
    break;
  case GW_FRAME_PING:
    on_ping(p, f);
    break;
  case GW_FRAME_WELCOME:
    on_welcome(p, f->body);
    break;
  case GW_FRAME_SUBSCRIBED:
    on_subscribed(p, f);
    break;
  case GW_FRAME_RECOVERY:
    on_recovery(p, f->body);
    break;
  case GW_FRAME_OK:
    gw_load_ready(p);
    break;
  case GW_FRAME_ERROR:
    on_refusal(p, f);
    break;
  case GW_FRAME_CLOSE:
    on_close(p, f->body);
    break;
  case GW_FRAME_LAGGED:
    gw_load_fail(p->load, "the server dropped publications");
    break;
  default:
    break;
  }
}

static size_t on_data(gw_load_peer *p, gw_view data) {
  gw_view in = data;
  while (in.len > 0) {
    gw_frame f;
    int64_t used = gw_frame_parse(in, GW_MAX_FRAME_BYTES_HARD, &f);
    if (used <= 0) {
      gw_load_fail(p->load, "a message does not consist of whole frames");
      break;
    }
    on_frame(p, &f);
    in.data += used;
    in.len -= (size_t)used;
  }
  return data.len;
}

const gw_load_driver gw_load_godwit = {.name = "godwit",
                                       .subprotocol = "godwit.v1",
                                       .has_acks = true,
                                       .can_recover = true,
                                       .on_open = on_open,
                                       .on_data = on_data,
                                       .put_publish = put_publish,
                                       .patch = patch};
