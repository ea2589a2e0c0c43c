/* SPDX-License-Identifier: MIT */
/* storm.c - everybody loses the connection at once, misses something, and comes
 * back at once. */
#include <inttypes.h>
#include <string.h>

#include "server/load/run.h"

/** Connections that are begun before those on their way are looked after. */
#define BEGUN_AT_ONCE 16u

static bool goes_on(const gw_load *l) {
  return !l->is_failed && l->is_stopped == 0;
}

static bool is_subscriber(const gw_load_peer *p) {
  return (p->roles & GW_LOAD_SUBSCRIBES) != 0;
}

static void cut_all(gw_load *l) {
  for (uint32_t i = 0; i < l->num_peers; i++) {
    gw_load_peer *p = &l->peers[i];
    if (!is_subscriber(p)) continue;
    gw_load_conn_close(&p->conn);
    p->is_ready = false;
    p->is_back = true;
    l->num_ready--;
  }
}

/** Publish as many as the window lets through. Returns whether all were, and are
 * acknowledged. */
static bool publish_some(gw_load *l) {
  const gw_load_options *o = &l->options;
  uint64_t now = gw_load_now_ns();
  bool is_done = true;
  for (uint32_t i = 0; i < o->num_rooms; i++) {
    gw_load_room *r = &l->rooms[i];
    while (r->sent < o->num_missed && r->sent - r->acked < o->window)
      gw__load_rooms_publish(l, r, now);
    is_done = is_done && r->acked == o->num_missed;
  }
  return is_done;
}

static void publish_all(gw_load *l) {
  uint64_t acked = l->total.acked;
  uint64_t patience = gw_load_now_ns() + GW__LOAD_PATIENCE_NS;
  while (goes_on(l) && !publish_some(l)) {
    gw_load_sockets_turn(&l->sockets, patience);
    uint64_t now = gw_load_now_ns();
    if (l->total.acked != acked) {
      acked = l->total.acked;
      patience = now + GW__LOAD_PATIENCE_NS;
    } else if (now > patience) {
      gw_load_fail(l,
                   "of %" PRIu64 " publications %" PRIu64 " were acknowledged, "
                   "and no more are",
                   l->total.sent, acked);
    }
  }
}

/** As fast as this machine can ask for connections. */
static void connect_all(gw_load *l) {
  for (uint32_t i = 0; i < l->num_peers && goes_on(l); i++) {
    if (!is_subscriber(&l->peers[i])) continue;
    gw__load_connect(l, &l->peers[i]);
    if (i % BEGUN_AT_ONCE == 0) gw_load_sockets_turn(&l->sockets, 0);
  }
}

static void wait_for_all(gw_load *l) {
  uint32_t ready = l->num_ready;
  uint64_t patience = gw_load_now_ns() + GW__LOAD_PATIENCE_NS;
  while (goes_on(l) && l->num_ready < l->num_peers) {
    gw_load_sockets_turn(&l->sockets, patience);
    uint64_t now = gw_load_now_ns();
    if (l->num_ready != ready) {
      ready = l->num_ready;
      patience = now + GW__LOAD_PATIENCE_NS;
    } else if (now > patience) {
      gw_load_fail(l, "%" PRIu32 " of %" PRIu32 " are live again, and no more",
                   ready, l->num_peers);
    }
  }
}

int gw_load_storm(gw_load *l, gw_load_comeback *comeback) {
  memset(comeback, 0, sizeof *comeback);
  l->comeback = comeback;
  cut_all(l);
  publish_all(l);
  uint64_t before = l->total.delivered;
  l->storm_ns = gw_load_now_ns();
  connect_all(l);
  wait_for_all(l);
  gw__load_settle(l);
  comeback->ns = gw_load_now_ns() - l->storm_ns;
  comeback->recovered = l->total.delivered - before;
  l->storm_ns = 0;
  return l->is_failed ? GW_ERR_STATE : 0;
}
