/* SPDX-License-Identifier: MIT */
/* load_nchan.c - nginx with nchan: the location is the channel, and a message of
 * the WebSocket is a publication, as it stands. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/load_drivers.h"

static int put_path(const gw_load_peer *p, gw_out *out) {
  const char *kind = (p->roles & GW_LOAD_SUBSCRIBES) == 0  ? "pub"
                     : (p->roles & GW_LOAD_PUBLISHES) == 0 ? "sub"
                                                           : "pubsub";
  size_t room = out->cap - out->len;
  int len = snprintf((char *)out->data + out->len, room, "/%s/%s", kind,
                     p->room->name);
  if (len < 0 || (size_t)len >= room) return GW_ERR_FULL;
  out->len += (size_t)len;
  return 0;
}

static size_t on_data(gw_load_peer *p, gw_view data) {
  /* A publisher is told how many messages the channel has, as text. */
  if ((p->roles & GW_LOAD_SUBSCRIBES) != 0)
    gw_load_delivered(p, data);
  else
    gw_load_acked(p);
  return data.len;
}

static int put_publish(const gw_load_peer *p, gw_view payload, gw_out *out) {
  (void)p;
  if (out->cap - out->len < payload.len) return GW_ERR_FULL;
  memcpy(out->data + out->len, payload.data, payload.len);
  out->len += payload.len;
  return 0;
}

const gw_load_driver gw_load_nchan = {.name = "nchan",
                                      .is_text = true,
                                      .put_path = put_path,
                                      .on_data = on_data,
                                      .put_publish = put_publish};
