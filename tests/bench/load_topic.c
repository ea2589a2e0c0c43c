/* SPDX-License-Identifier: MIT */
/* load_topic.c - the plain topic protocol of our own peer servers. */
#include <string.h>

#include "tests/bench/load_drivers.h"

static int put(gw_out *out, const void *data, size_t len) {
  if (out->cap - out->len < len) return GW_ERR_FULL;
  memcpy(out->data + out->len, data, len);
  out->len += len;
  return 0;
}

static void on_open(gw_load_peer *p) {
  uint8_t space[1 + GW_LOAD_NAME_MAX];
  gw_out out = {space, 0, sizeof space};
  if ((p->roles & GW_LOAD_SUBSCRIBES) == 0) {
    gw_load_ready(p);
    return;
  }
  if (put(&out, "s", 1) == 0 &&
      put(&out, p->room->name, strlen(p->room->name)) == 0)
    gw_load_say(p, (gw_view){out.data, out.len});
}

static size_t on_data(gw_load_peer *p, gw_view data) {
  if (p->is_ready)
    gw_load_delivered(p, data);
  else if (data.len == 1 && data.data[0] == 'k')
    gw_load_ready(p);
  else
    gw_load_fail(p->load, "a subscription was answered by something else");
  return data.len;
}

static int put_publish(const gw_load_peer *p, gw_view payload, gw_out *out) {
  uint8_t len = (uint8_t)strlen(p->room->name);
  if (gw_load_get_options(p->load)->is_echo)
    return put(out, "e", 1) < 0 ? GW_ERR_FULL
                                : put(out, payload.data, payload.len);
  if (put(out, "p", 1) < 0 || put(out, &len, 1) < 0 ||
      put(out, p->room->name, len) < 0)
    return GW_ERR_FULL;
  return put(out, payload.data, payload.len);
}

const gw_load_driver gw_load_topic = {.name = "topic",
                                      .on_open = on_open,
                                      .on_data = on_data,
                                      .put_publish = put_publish};
