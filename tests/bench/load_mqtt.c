/* SPDX-License-Identifier: MIT */
/* load_mqtt.c - MQTT 3.1.1 with QoS 0: packets in a stream that takes no notice
 * of WebSocket messages. Names are shorter than 128 bytes. */
#include <string.h>

#include "tests/bench/load_drivers.h"

enum packet {
  CONNECT = 0x10,
  CONNACK = 0x20,
  PUBLISH = 0x30,
  SUBSCRIBE = 0x82,
  SUBACK = 0x90
};

static uint8_t *put_name(uint8_t *to, const gw_load_room *r) {
  size_t len = strlen(r->name);
  *to++ = 0;
  *to++ = (uint8_t)len;
  memcpy(to, r->name, len);
  return to + len;
}

/** No will, a clean session, no keep-alive, a client id of the server's. */
static void on_open(gw_load_peer *p) {
  static const uint8_t connect[] = {CONNECT, 12, 0, 4, 'M', 'Q', 'T',
                                    'T',     4,  2, 0, 0,   0,   0};
  gw_load_say(p, (gw_view){connect, sizeof connect});
}

static void subscribe(gw_load_peer *p) {
  uint8_t packet[GW_LOAD_NAME_MAX + 8] = {SUBSCRIBE, 0, 0, 1};
  uint8_t *end = put_name(packet + 4, p->room);
  *end++ = 0; /* QoS */
  packet[1] = (uint8_t)(end - packet - 2);
  gw_load_say(p, (gw_view){packet, (size_t)(end - packet)});
}

static void on_packet(gw_load_peer *p, uint8_t first, gw_view body) {
  size_t name;
  switch (first) {
  case CONNACK:
    if (body.len < 2 || body.data[1] != 0)
      gw_load_fail(p->load, "CONNECT was refused");
    else if ((p->roles & GW_LOAD_SUBSCRIBES) != 0)
      subscribe(p);
    else
      gw_load_ready(p);
    break;
  case SUBACK:
    if (body.len < 3 || body.data[2] != 0)
      gw_load_fail(p->load, "SUBSCRIBE was refused");
    else
      gw_load_ready(p);
    break;
  case PUBLISH:
    name = body.len < 2 ? 0 : (size_t)(body.data[0] << 8 | body.data[1]);
    if (body.len < 2 + name)
      gw_load_fail(p->load, "a PUBLISH makes no sense");
    else
      gw_load_delivered(p,
                        (gw_view){body.data + 2 + name, body.len - 2 - name});
    break;
  default:
    gw_load_fail(p->load, "a packet 0x%02x came", first);
  }
}

/** Bytes of the packet at the front; 0: it is not whole. */
static size_t parse_packet(gw_view in, gw_view *body) {
  size_t len = 0;
  for (unsigned i = 1; i < 5 && i < in.len; i++) {
    len |= (size_t)(in.data[i] & 0x7Fu) << (7 * (i - 1));
    if (in.data[i] >= 0x80) continue;
    if (in.len - i - 1 < len) return 0;
    *body = (gw_view){in.data + i + 1, len};
    return i + 1 + len;
  }
  return 0;
}

static size_t on_data(gw_load_peer *p, gw_view data) {
  gw_view in = data;
  gw_view body;
  for (size_t used; (used = parse_packet(in, &body)) > 0;) {
    on_packet(p, in.data[0], body);
    in.data += used;
    in.len -= used;
  }
  return data.len - in.len;
}

static int put_publish(const gw_load_peer *p, gw_view payload, gw_out *out) {
  size_t len = 2 + strlen(p->room->name) + payload.len;
  if (out->cap - out->len < len + 5) return GW_ERR_FULL;
  uint8_t *to = out->data + out->len;
  *to++ = PUBLISH;
  size_t left = len;
  do {
    *to++ = (uint8_t)((left & 0x7Fu) | (left >= 0x80 ? 0x80u : 0));
    left >>= 7;
  } while (left > 0);
  to = put_name(to, p->room);
  memcpy(to, payload.data, payload.len);
  out->len = (size_t)(to - out->data) + payload.len;
  return 0;
}

const gw_load_driver gw_load_mqtt = {.name = "mqtt",
                                     .subprotocol = "mqtt",
                                     .is_stream = true,
                                     .on_open = on_open,
                                     .on_data = on_data,
                                     .put_publish = put_publish};
