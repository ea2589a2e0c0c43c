/* SPDX-License-Identifier: MIT */
/* handshakes.c - a ring of sockets in the order of their coming. */
#include "server/net/handshakes.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#include "server/edge/request.h"
#include "server/net/context.h"

/* ---- sockets ------------------------------------------------------------- */

gw_socket *gw_socket_of(struct lws *wsi) {
  return lws_get_opaque_user_data(wsi);
}

gw_socket *gw_socket_get(struct lws *wsi) {
  gw_socket *one = gw_socket_of(wsi);
  if (one) return one;
  one = calloc(1, sizeof *one);
  if (!one) return NULL;
  one->wsi = wsi;
  lws_set_opaque_user_data(wsi, one);
  return one;
}

void gw_socket_free(struct lws *wsi) {
  gw_socket *one = gw_socket_of(wsi);
  if (!one) return;
  gw_files_gone(&one->sending);
  gw_request_free(one->state.request);
  free(one->state.slots);
  free(one->bound);
  free(one);
  lws_set_opaque_user_data(wsi, NULL);
}

void gw_socket_settle(struct lws *wsi) {
  const gw_socket *one = gw_socket_of(wsi);
  if (one && !gw_link_is_in(&one->link) && !one->is_proxied &&
      !one->is_counted && !one->refusal && !one->route && !one->state.request &&
      !one->state.slots && !one->bound && !one->sending)
    gw_socket_free(wsi);
}

/* ---- handshakes ----------------------------------------------------------- */

void gw_handshakes_init(gw_handshakes *h) {
  h->num = 0;
  gw_ring_init(&h->ring);
}

gw_socket *gw_handshakes_add(gw_handshakes *h, struct lws *wsi,
                             uint64_t now_ms) {
  gw_socket *one = gw_socket_get(wsi);
  if (!one) return NULL;
  one->since_ms = now_ms;
  gw_ring_add(&h->ring, &one->link);
  h->num++;
  return one;
}

bool gw_handshakes_remove(gw_handshakes *h, struct lws *wsi) {
  gw_socket *one = gw_socket_of(wsi);
  if (!one || !gw_link_is_in(&one->link)) return false;
  gw_ring_remove(&one->link);
  h->num--;
  return true;
}

static void move_to_end(gw_handshakes *h, gw_socket *one, uint64_t now_ms) {
  one->since_ms = now_ms;
  gw_ring_remove(&one->link);
  gw_ring_add(&h->ring, &one->link);
}

void gw_handshakes_touch(gw_handshakes *h, struct lws *wsi, uint64_t now_ms) {
  gw_socket *one = gw_socket_of(wsi);
  if (one && gw_link_is_in(&one->link) && !one->is_cut)
    move_to_end(h, one, now_ms);
}

static bool has_input(struct lws *wsi) {
  int num = 0;
  return ioctl(lws_get_socket_fd(wsi), FIONREAD, &num) == 0 && num > 0;
}

bool gw_handshakes_evict(gw_handshakes *h, uint64_t now_ms) {
  if (gw_ring_is_empty(&h->ring)) return false;
  gw_socket *oldest = (gw_socket *)(void *)h->ring.next;
  if (oldest->is_cut || now_ms - oldest->since_ms < GW_HANDSHAKES_GRACE_MS)
    return false;
  /* Behind the others, so that the next call finds the next one. */
  move_to_end(h, oldest, now_ms);
  if (has_input(oldest->wsi)) return false;
  oldest->is_cut = true;
  gw_context_cut(oldest->wsi);
  return true;
}
