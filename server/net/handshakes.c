/* SPDX-License-Identifier: MIT */
/* handshakes.c - a ring of sockets in the order of their coming. */
#include "server/net/handshakes.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#include "server/net/context.h"

typedef struct handshake {
  gw_link link; /* the first field */
  struct lws *wsi;
  uint64_t since_ms;
  bool is_cut;
} handshake;

void gw_handshakes_init(gw_handshakes *h) {
  h->num = 0;
  gw_ring_init(&h->ring);
}

int gw_handshakes_add(gw_handshakes *h, struct lws *wsi, uint64_t now_ms) {
  handshake *one = malloc(sizeof *one);
  if (!one) return GW_ERR_NOMEM;
  *one = (handshake){.wsi = wsi, .since_ms = now_ms};
  gw_ring_add(&h->ring, &one->link);
  h->num++;
  lws_set_opaque_user_data(wsi, one);
  return 0;
}

bool gw_handshakes_remove(gw_handshakes *h, struct lws *wsi) {
  handshake *one = lws_get_opaque_user_data(wsi);
  if (!one) return false;
  lws_set_opaque_user_data(wsi, NULL);
  gw_ring_remove(&one->link);
  h->num--;
  free(one);
  return true;
}

static void move_to_end(gw_handshakes *h, handshake *one, uint64_t now_ms) {
  one->since_ms = now_ms;
  gw_ring_remove(&one->link);
  gw_ring_add(&h->ring, &one->link);
}

void gw_handshakes_touch(gw_handshakes *h, struct lws *wsi, uint64_t now_ms) {
  handshake *one = lws_get_opaque_user_data(wsi);
  if (one && !one->is_cut) move_to_end(h, one, now_ms);
}

static bool has_input(struct lws *wsi) {
  int num = 0;
  return ioctl(lws_get_socket_fd(wsi), FIONREAD, &num) == 0 && num > 0;
}

bool gw_handshakes_evict(gw_handshakes *h, uint64_t now_ms) {
  if (gw_ring_is_empty(&h->ring)) return false;
  handshake *oldest = (handshake *)(void *)h->ring.next;
  if (oldest->is_cut || now_ms - oldest->since_ms < GW_HANDSHAKES_GRACE_MS)
    return false;
  /* Behind the others, so that the next call finds the next one. */
  move_to_end(h, oldest, now_ms);
  if (has_input(oldest->wsi)) return false;
  oldest->is_cut = true;
  gw_context_cut(oldest->wsi);
  return true;
}
