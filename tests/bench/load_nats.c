/* SPDX-License-Identifier: MIT */
/* load_nats.c - NATS: lines of text and counted payloads, in a stream that takes
 * no notice of WebSocket messages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load_drivers.h"

static void say_text(gw_load_peer *p, const char *text) {
  gw_load_say(p, gw_view_of(text));
}

/** The server answers PING when it has done what came before. */
static void on_open(gw_load_peer *p) {
  char text[256 + GW_LOAD_NAME_MAX];
  bool subscribes = (p->roles & GW_LOAD_SUBSCRIBES) != 0;
  (void)snprintf(text, sizeof text,
                 "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true,"
                 "\"name\":\"godwit-load\",\"protocol\":1}\r\n%s%s%sPING\r\n",
                 subscribes ? "SUB " : "", subscribes ? p->room->name : "",
                 subscribes ? " 1\r\n" : "");
  say_text(p, text);
}

/** MSG SUBJECT SID LENGTH; the payload follows. Returns its length, or -1. */
static long payload_len(const char *line, size_t len) {
  const char *space = memrchr(line, ' ', len);
  return space != NULL ? strtol(space + 1, NULL, 10) : -1;
}

static size_t on_data(gw_load_peer *p, gw_view data) {
  const char *at = (const char *)data.data;
  const char *end = at + data.len;
  const char *line_end;
  while ((line_end = memchr(at, '\n', (size_t)(end - at))) != NULL) {
    size_t len = (size_t)(line_end - at);
    const char *next = line_end + 1;
    if (len > 4 && memcmp(at, "MSG ", 4) == 0) {
      long payload = payload_len(at, len);
      if (payload < 0 || payload > GW_LOAD_MAX_PAYLOAD_BYTES) {
        gw_load_fail(p->load, "a MSG line makes no sense");
        return data.len;
      }
      if (end - next < payload + 2) break;
      gw_load_delivered(p, (gw_view){(const uint8_t *)next, (size_t)payload});
      next += payload + 2;
    } else if (len >= 4 && memcmp(at, "PONG", 4) == 0) {
      gw_load_ready(p);
    } else if (len >= 4 && memcmp(at, "PING", 4) == 0) {
      say_text(p, "PONG\r\n");
    } else if (at[0] == '-') {
      gw_load_fail(p->load, "the server says: %.*s", (int)len, at);
      return data.len;
    }
    at = next;
  }
  return (size_t)(at - (const char *)data.data);
}

static int put_publish(const gw_load_peer *p, gw_view payload, gw_out *out) {
  char line[GW_LOAD_NAME_MAX + 32];
  int len =
      snprintf(line, sizeof line, "PUB %s %zu\r\n", p->room->name, payload.len);
  size_t all = (size_t)len + payload.len + 2;
  if (out->cap - out->len < all) return GW_ERR_FULL;
  uint8_t *to = out->data + out->len;
  memcpy(to, line, (size_t)len);
  memcpy(to + len, payload.data, payload.len);
  memcpy(to + (size_t)len + payload.len, "\r\n", 2);
  out->len += all;
  return 0;
}

const gw_load_driver gw_load_nats = {.name = "nats",
                                     .is_stream = true,
                                     .on_open = on_open,
                                     .on_data = on_data,
                                     .put_publish = put_publish};
