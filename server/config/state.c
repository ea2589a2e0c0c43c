/* SPDX-License-Identifier: MIT */
/* state.c - the namespace of shared state, which is there in any case. */
#include <stdlib.h>
#include <string.h>

#include "server/config/load.h"
#include "server/core/scope.h"

/** Keys of a scope, where the configuration does not say. */
#define KEYS_MAX 1000u

static gw_namespace *find(gw_config *c, size_t num) {
  for (size_t i = 0; i < num; i++) {
    const char *name = c->namespaces[i].name;
    if (name != NULL && strcmp(name, GWS_STATE_SPACE) == 0)
      return &c->namespaces[i];
  }
  return NULL;
}

/** One that is not in the file: as at its top, but for what is about the life
 * and the content of ordinary channels. */
static void begin(gw__load *l, gw_namespace *n) {
  const gw_namespace *plain = gw_settings_named(&gw_settings_default, "");
  if (gw__namespace_copy(n, &l->config->base) < 0) l->is_out_of_memory = true;
  n->name = strdup(GWS_STATE_SPACE);
  if (n->name == NULL) l->is_out_of_memory = true;
  if (l->is_out_of_memory) return;
  ((char *)(uintptr_t)n->schema_file)[0] = '\0';
  ((char *)(uintptr_t)n->schema_message)[0] = '\0';
  n->group[0] = '\0';
  n->presence_large = plain->presence_large;
  n->presence_states = plain->presence_states;
  n->presence_transitions = plain->presence_transitions;
  n->history_size = KEYS_MAX;
  n->history_bytes = 0;
  n->item_ttl_ms = 0;
  n->lifetime_ms = 0;
  n->ends_with_last = false;
  n->payload = GW_TAKES_ANY;
  n->text = GW_TEXT_ANY;
}

size_t gw__config_add_state(gw__load *l, size_t num) {
  gw_namespace *n = find(l->config, num);
  if (n == NULL) {
    n = &l->config->namespaces[num++];
    begin(l, n);
  }
  n->history_mode = GW_HISTORY_MAP;
  n->wildcards = false;
  n->presence = false;
  n->events = false;
  return num;
}
