/* SPDX-License-Identifier: MIT */
/* state_rig.c - shared state in memory. */
#include "tests/unit/support/state_rig.h"

#include "server/core/scope.h"

void state_init(hubs *n, gw_namespace spaces[2], uint32_t num_workers) {
  hubs_init(n, num_workers);
  spaces[0] = spaces[1] = n->spaces[1];
  spaces[0].name = GWS_STATE_SPACE;
  spaces[0].history_mode = GW_HISTORY_MAP;
  spaces[0].history_size = 4;
  spaces[0].presence = false;
  n->settings.namespaces = spaces;
}

uint32_t state_set(peer *p, const char *channel, const char *key,
                   const char *json, gw_publish more) {
  static uint64_t last_key;
  more.channel = gw_view_of(channel);
  more.item = gw_view_of(key);
  more.key = ++last_key;
  more.removed = json == NULL;
  if (json != NULL) more.json = gw_view_of(json);
  return peer_publish_with(p, &more);
}

gw_published state_put(peer *p, const char *channel, const char *key,
                       const char *json) {
  state_set(p, channel, key, json, (gw_publish){.key = 0});
  return peer_published(p);
}

uint32_t state_refused(peer *p, const char *channel, const char *key,
                       const char *json) {
  uint32_t id = state_set(p, channel, key, json, (gw_publish){.key = 0});
  return peer_error(p, id);
}

gw_error state_error(peer *p) {
  gw_frame f = peer_await(p, GW_FRAME_ERROR);
  gw_error m;
  assert_int_equal(gw_decode_error(f.body, &m), 0);
  return m;
}
