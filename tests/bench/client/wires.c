/* SPDX-License-Identifier: MIT */
/* wires.c - bare WebSocket, Socket.IO 4, Centrifugo's two protocols, and Godwit's:
 * greeting, subscription, publications. What a publication tells beside its object
 * (publisher, offset) is what the real server would tell. */
#include "tests/bench/client/wires.h"

#include <stdlib.h>
#include <string.h>

/* clients.mjs, channelOf: a client drops what is of no channel of its own. */
#define CHANNEL_JSON "bench:centrifuge"
#define CHANNEL_PB   "bench:centrifuge-protobuf"
#define USER         "ada"
#define CLIENT       "b7b2f2a6-4a5e-4d6e-9f41-2a6c6f8f7f11"
#define EPOCH        0x5eed5eed5eed5eedu
#define PUBLISHER    0x0123456789abcdefu
#define TIME_MS      1750000000000u
#define INTERVAL_MS  120000u
#define CHANNEL_ID   1u
#define MESSAGE_MAX  1024u
#define COMMANDS_MAX 16u

/* ---- output ---------------------------------------------------------------- */

static int put(gw_out *out, gw_view v) {
  if (out->cap - out->len < v.len) return GW_ERR_FULL;
  if (v.len != 0) memcpy(out->data + out->len, v.data, v.len);
  out->len += v.len;
  return 0;
}

static int put_text(gw_out *out, const char *text) {
  return put(out, gw_view_of(text));
}

/** Decimal. */
static int put_number(gw_out *out, uint32_t number) {
  char digits[10];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
  } while ((number /= 10) != 0);
  return put(out, (gw_view){(uint8_t *)digits + at, sizeof digits - at});
}

size_t wire_put_head(uint8_t *to, bool is_text, size_t len) {
  to[0] = is_text ? 0x81 : 0x82;
  if (len < 126) {
    to[1] = (uint8_t)len;
    return 2;
  }
  size_t num = len < 65536 ? 2 : 8;
  to[1] = num == 2 ? 126 : 127;
  for (size_t i = 0; i < num; i++)
    to[2 + i] = (uint8_t)((uint64_t)len >> (8 * (num - 1 - i)));
  return 2 + num;
}

static void say(wire_peer *p, bool is_text, gw_view message) {
  if (p->out.cap - p->out.len < WIRE_HEAD_MAX + message.len) abort();
  p->out.len += wire_put_head(p->out.data + p->out.len, is_text, message.len);
  if (put(&p->out, message) < 0) abort();
}

/* ---- bare WebSocket, of texts or of bytes ---------------------------------- */

static void bare_on_open(wire_peer *p) {
  p->is_ready = true;
}

static int bare_put(gw_out *out, gw_view object, uint32_t number,
                    bool is_first) {
  (void)number;
  return is_first ? put(out, object) : GW_ERR_FULL;
}

/* ---- Socket.IO ------------------------------------------------------------- */

static void socketio_on_open(wire_peer *p) {
  say(p, true,
      gw_view_of("0{\"sid\":\"lv_VI97HAXpY6yYWAAAB\",\"upgrades\":[],"
                 "\"pingInterval\":300000,\"pingTimeout\":300000,"
                 "\"maxPayload\":1000000}"));
}

static void socketio_on_message(wire_peer *p, gw_view message) {
  if (message.len < 2 || memcmp(message.data, "40", 2) != 0) return;
  say(p, true, gw_view_of("40{\"sid\":\"wZX3oN0bSVIhsaknAAAC\"}"));
  p->is_ready = true;
}

static int socketio_put(gw_out *out, gw_view object, uint32_t number,
                        bool is_first) {
  (void)number;
  int err = is_first ? put_text(out, "42[\"m\",") : GW_ERR_FULL;
  if (err == 0) err = put(out, object);
  return err == 0 ? put_text(out, "]") : err;
}

/* ---- Centrifugo, JSON ------------------------------------------------------ */

static bool holds(gw_view v, const char *text) {
  return memmem(v.data, v.len, text, strlen(text)) != NULL;
}

static void json_on_command(wire_peer *p, gw_view command) {
  static const char id[] = "\"id\":";
  uint8_t reply[MESSAGE_MAX];
  gw_out out = {reply, 0, sizeof reply};
  const uint8_t *at = memmem(command.data, command.len, id, sizeof id - 1);
  if (at == NULL) return;
  uint32_t number = 0;
  for (at += sizeof id - 1; *at >= '0' && *at <= '9'; at++)
    number = number * 10 + (uint32_t)(*at - '0');
  bool subscribes = holds(command, "\"subscribe\":");
  int err = put_text(&out, "{\"id\":");
  if (err == 0) err = put_number(&out, number);
  if (err == 0 && subscribes) {
    err = put_text(&out, ",\"subscribe\":{\"recoverable\":true,"
                         "\"positioned\":true,\"epoch\":\"xyzw\",\"offset\":");
    if (err == 0) err = put_number(&out, WIRE_FIRST - 1);
    if (err == 0) err = put_text(&out, "}}");
  } else if (err == 0) {
    err = put_text(&out, ",\"connect\":{\"client\":\"" CLIENT
                         "\",\"version\":\"6.0.0\"}}");
  }
  if (err < 0) abort();
  say(p, true, (gw_view){reply, out.len});
  p->is_ready |= subscribes;
}

/** A command in each line. */
static void json_on_message(wire_peer *p, gw_view message) {
  while (message.len > 0) {
    const uint8_t *end = memchr(message.data, '\n', message.len);
    size_t len = end != NULL ? (size_t)(end - message.data) : message.len;
    json_on_command(p, (gw_view){message.data, len});
    if (end != NULL) len++;
    message.data += len;
    message.len -= len;
  }
}

static int json_put(gw_out *out, gw_view object, uint32_t number,
                    bool is_first) {
  int err = is_first ? 0 : put_text(out, "\n");
  if (err == 0)
    err = put_text(out, "{\"push\":{\"channel\":\"" CHANNEL_JSON
                        "\",\"pub\":{\"data\":");
  if (err == 0) err = put(out, object);
  if (err == 0)
    err = put_text(out, ",\"info\":{\"user\":\"" USER "\",\"client\":\"" CLIENT
                        "\"},\"offset\":");
  if (err == 0) err = put_number(out, number);
  return err == 0 ? put_text(out, "}}}") : err;
}

/* ---- Centrifugo, Protobuf -------------------------------------------------- */

static int put_varint(gw_out *out, uint32_t value) {
  uint8_t bytes[5];
  size_t len = 0;
  for (; value >= 0x80; value >>= 7)
    bytes[len++] = (uint8_t)(value | 0x80u);
  bytes[len++] = (uint8_t)value;
  return put(out, (gw_view){bytes, len});
}

static int put_field(gw_out *out, uint32_t field, uint32_t value) {
  int err = put_varint(out, field << 3);
  return err == 0 ? put_varint(out, value) : err;
}

static int put_bytes(gw_out *out, uint32_t field, gw_view bytes) {
  int err = put_varint(out, field << 3 | 2);
  if (err == 0) err = put_varint(out, (uint32_t)bytes.len);
  return err == 0 ? put(out, bytes) : err;
}

static gw_view view_of(const gw_out *out) {
  return (gw_view){out->data, out->len};
}

/** Reply{id, connect{client, version}} or Reply{id, subscribe{...}}. */
static void protobuf_reply(wire_peer *p, uint32_t id, bool subscribes) {
  uint8_t spaces[3][MESSAGE_MAX];
  gw_out result = {spaces[0], 0, MESSAGE_MAX};
  gw_out reply = {spaces[1], 0, MESSAGE_MAX};
  gw_out message = {spaces[2], 0, MESSAGE_MAX};
  int err;
  if (subscribes) {
    err = put_field(&result, 3, 1);
    if (err == 0) err = put_bytes(&result, 6, gw_view_of("xyzw"));
    if (err == 0) err = put_field(&result, 9, WIRE_FIRST - 1);
    if (err == 0) err = put_field(&result, 10, 1);
  } else {
    err = put_bytes(&result, 1, gw_view_of(CLIENT));
    if (err == 0) err = put_bytes(&result, 2, gw_view_of("6.0.0"));
  }
  if (err == 0) err = put_field(&reply, 1, id);
  if (err == 0) err = put_bytes(&reply, subscribes ? 6 : 5, view_of(&result));
  if (err == 0) err = put_varint(&message, (uint32_t)reply.len);
  if (err == 0) err = put(&message, view_of(&reply));
  if (err < 0) abort();
  say(p, false, view_of(&message));
  p->is_ready |= subscribes;
}

/** Commands with a length before each: id, then what is asked, of a few bytes. */
static void protobuf_on_message(wire_peer *p, gw_view message) {
  for (uint32_t i = 0; i < COMMANDS_MAX && message.len > 4; i++) {
    size_t len = message.data[0];
    const uint8_t *command = message.data + 1;
    /* Of a length of two bytes, none of which is beyond a connect's. */
    size_t head = 1;
    if (len >= 0x80) {
      len = (len & 0x7Fu) | (size_t)message.data[1] << 7;
      command++;
      head++;
    }
    if (message.len < head + len || command[0] != 1 << 3 || command[1] >= 0x80)
      return;
    protobuf_reply(p, command[1], command[2] == (5 << 3 | 2));
    message.data += head + len;
    message.len -= head + len;
  }
}

/** Reply{push{channel, pub{data, info{user, client}, offset}}}. */
static int protobuf_put(gw_out *out, gw_view object, uint32_t number,
                        bool is_first) {
  static uint8_t spaces[4][64u * 1024u];
  gw_out info = {spaces[0], 0, sizeof spaces[0]};
  gw_out pub = {spaces[1], 0, sizeof spaces[1]};
  gw_out push = {spaces[2], 0, sizeof spaces[2]};
  gw_out reply = {spaces[3], 0, sizeof spaces[3]};
  (void)is_first;
  int err = put_bytes(&info, 1, gw_view_of(USER));
  if (err == 0) err = put_bytes(&info, 2, gw_view_of(CLIENT));
  if (err == 0) err = put_bytes(&pub, 4, object);
  if (err == 0) err = put_bytes(&pub, 5, view_of(&info));
  if (err == 0) err = put_field(&pub, 6, number);
  if (err == 0) err = put_bytes(&push, 2, gw_view_of(CHANNEL_PB));
  if (err == 0) err = put_bytes(&push, 4, view_of(&pub));
  if (err == 0) err = put_bytes(&reply, 4, view_of(&push));
  if (err == 0) err = put_varint(out, (uint32_t)reply.len);
  return err == 0 ? put(out, view_of(&reply)) : err;
}

/* ---- Godwit ---------------------------------------------------------------- */

static int put_welcome(gw_out *out, const gw_head *request) {
  gw_head head = {.type = GW_FRAME_WELCOME, .request = request->request};
  gw_welcome welcome = {.version = GW_PROTOCOL_VERSION,
                        .connection = 1,
                        .client = 2,
                        .limits = {.max_frame_bytes = GW_MAX_FRAME_BYTES,
                                   .max_queue_bytes = GW_MAX_QUEUE_BYTES},
                        .ping_interval_ms = INTERVAL_MS,
                        .ping_timeout_ms = INTERVAL_MS,
                        .time_ms = TIME_MS,
                        .server = gw_view_of("blaster")};
  return gw_encode_welcome(out, &head, &welcome);
}

static int put_subscribed(gw_out *out, const gw_head *request) {
  gw_head head = {.type = GW_FRAME_SUBSCRIBED,
                  .request = request->request,
                  .channel = CHANNEL_ID};
  gw_subscribed subscribed = {.epoch = EPOCH,
                              .offset = WIRE_FIRST - 1,
                              .result = GW_RECOVERY_CONTINUOUS,
                              .live = true};
  return gw_encode_subscribed(out, &head, &subscribed);
}

static void godwit_on_message(wire_peer *p, gw_view message) {
  uint8_t space[MESSAGE_MAX];
  gw_out out = {space, 0, sizeof space};
  gw_frame frame;
  int64_t used;
  int err = 0;
  while (message.len > 0 &&
         (used = gw_frame_parse(message, GW_MAX_FRAME_BYTES, &frame)) > 0) {
    message.data += used;
    message.len -= (size_t)used;
    gw_head pong = {.type = GW_FRAME_PONG, .request = frame.head.request};
    if (frame.head.type == GW_FRAME_HELLO) {
      err = put_welcome(&out, &frame.head);
    } else if (frame.head.type == GW_FRAME_SUBSCRIBE) {
      err = put_subscribed(&out, &frame.head);
      p->is_ready = true;
    } else if (frame.head.type == GW_FRAME_PING) {
      err = gw_frame_put(&out, &pong, frame.body);
    }
    if (err < 0) abort();
  }
  if (out.len > 0) say(p, false, view_of(&out));
}

/** As one from another client: with its id and the key of the publication. */
static int godwit_put(gw_out *out, gw_view object, uint32_t number,
                      bool is_first) {
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = CHANNEL_ID};
  gw_publication publication = {.offset = number,
                                .json = object,
                                .client = PUBLISHER,
                                .key = number,
                                .user = gw_view_of(USER),
                                .time_ms = TIME_MS};
  (void)is_first;
  return gw_encode_publication(out, &head, &publication);
}

/* ---- list ------------------------------------------------------------------ */

static const wire wires[] = {
    {"bare", true, false, bare_on_open, NULL, bare_put},
    {"binary", false, false, bare_on_open, NULL, bare_put},
    {"socketio", true, false, socketio_on_open, socketio_on_message,
     socketio_put},
    {"centrifuge", true, true, NULL, json_on_message, json_put},
    {"centrifuge-protobuf", false, true, NULL, protobuf_on_message,
     protobuf_put},
    {"godwit", false, true, NULL, godwit_on_message, godwit_put},
};

const wire *wire_by_name(const char *name) {
  for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++)
    if (strcmp(wires[i].name, name) == 0) return &wires[i];
  return NULL;
}
