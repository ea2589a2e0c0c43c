/* SPDX-License-Identifier: MIT */
/* load_socketio.c - Socket.IO 4: text messages, each an Engine.IO packet (first
 * digit) with a Socket.IO packet in it (second digit) with JSON. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/load_drivers.h"

static bool begins(gw_view data, const char *with) {
  size_t len = strlen(with);
  return data.len >= len && memcmp(data.data, with, len) == 0;
}

static void say_text(gw_load_peer *p, const char *text) {
  gw_load_say(p, gw_view_of(text));
}

static int put_path(const gw_load_peer *p, gw_out *out) {
  static const char path[] = "/socket.io/?EIO=4&transport=websocket";
  (void)p;
  if (out->cap - out->len < sizeof path) return GW_ERR_FULL;
  memcpy(out->data + out->len, path, sizeof path - 1);
  out->len += sizeof path - 1;
  return 0;
}

/** The server begins: its Engine.IO handshake comes first. */
static void on_open(gw_load_peer *p) {
  (void)p;
}

static void on_connected(gw_load_peer *p) {
  char text[GW_LOAD_NAME_MAX + 16];
  if ((p->roles & GW_LOAD_SUBSCRIBES) == 0) {
    gw_load_ready(p);
    return;
  }
  /* An event with an acknowledgement, number 0. */
  (void)snprintf(text, sizeof text, "420[\"s\",\"%s\"]", p->room->name);
  say_text(p, text);
}

static size_t on_data(gw_load_peer *p, gw_view data) {
  static const char event[] = "42[\"m\",\"";
  static const char end[] = "\"]";
  size_t around = sizeof event - 1 + sizeof end - 1;
  if (begins(data, event) && data.len > around)
    gw_load_delivered(
        p, (gw_view){data.data + sizeof event - 1, data.len - around});
  else if (begins(data, "2"))
    say_text(p, "3");
  else if (begins(data, "0"))
    say_text(p, "40");
  else if (begins(data, "40"))
    on_connected(p);
  else if (begins(data, "430"))
    gw_load_ready(p);
  else
    gw_load_fail(p->load, "a packet came that is not known: %.*s",
                 (int)(data.len < 80 ? data.len : 80), (const char *)data.data);
  return data.len;
}

static int put_publish(const gw_load_peer *p, gw_view payload, gw_out *out) {
  size_t room = out->cap - out->len;
  char *to = (char *)out->data + out->len;
  int text = (int)payload.len;
  int len = gw_load_get_options(p->load)->is_echo
                ? snprintf(to, room, "42[\"e\",\"%.*s\"]", text,
                           (const char *)payload.data)
                : snprintf(to, room, "42[\"p\",\"%s\",\"%.*s\"]", p->room->name,
                           text, (const char *)payload.data);
  if (len < 0 || (size_t)len >= room) return GW_ERR_FULL;
  out->len += (size_t)len;
  return 0;
}

const gw_load_driver gw_load_socketio = {.name = "socketio",
                                         .is_text = true,
                                         .put_path = put_path,
                                         .on_open = on_open,
                                         .on_data = on_data,
                                         .put_publish = put_publish};
