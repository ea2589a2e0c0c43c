/* SPDX-License-Identifier: MIT */
/* settings.c - defaults, and which namespace a channel belongs to. */
#include "server/core/settings.h"

#include <string.h>

/* An hour, or 256 publications, is what somebody scrolls back in a chat after a
 * break, at some 50 kB for a busy room. */
static const gw_namespace default_namespace = {
    .name = "",
    .history_mode = GW_HISTORY_STREAM,
    .history_size = 256,
    .history_bytes = 0,
    .history_ttl_ms = 60u * 60u * 1000u,
    .item_ttl_ms = 0,
    .idle_ms = 60u * 1000u,
    .schema_file = "",
    .schema_message = "",
    .presence = true,
    .presence_grace_ms = GW_PRESENCE_GRACE_MS,
    .presence_coalesce_ms = GW_PRESENCE_COALESCE_MS,
    .allow = {{GW_WHO_ANYONE},
              {GW_WHO_ANYONE},
              {GW_WHO_ANYONE},
              {GW_WHO_ANYONE},
              {0}},
    .batch_delay_ms = 0,
    .batch_bytes = GW_BATCH_BYTES,
};

const gw_settings gw_settings_default = {
    .limits =
        {
            .max_frame_bytes = GW_MAX_FRAME_BYTES,
            .max_message_bytes = 1024u * 1024u,
            .max_channel_bytes = GW_MAX_CHANNEL_BYTES,
            .max_subscriptions = GW_MAX_SUBSCRIPTIONS,
            .max_presence_bytes = GW_MAX_PRESENCE_BYTES,
            .max_calls = GW_MAX_CALLS,
            .max_queue_bytes = GW_MAX_QUEUE_BYTES,
            .publish_per_second = 0,
        },
    .ping_interval_ms = GW_PING_INTERVAL_MS,
    .ping_timeout_ms = GW_PING_TIMEOUT_MS,
    .handshake_timeout_ms = GW_HANDSHAKE_TIMEOUT_MS,
    .idle_after_ms = 5u * 60u * 1000u,
    .conn_grace_ms = GW_PRESENCE_GRACE_MS,
    .conn_log_size = 1000u,
    .max_connections = 0,
    .max_channels = 1000u * 1000u,
    .max_forwarded = 16384,
    .dedup_window_ms = GW_DEDUP_WINDOW_MS,
    .relay_calls = true,
    .node = "godwit",
    .namespaces = &default_namespace,
    .num_namespaces = 1,
};

const gw_namespace *gw_settings_named(const gw_settings *s, const char *name) {
  for (size_t i = 0; i < s->num_namespaces; i++) {
    if (strcmp(s->namespaces[i].name, name) == 0) return &s->namespaces[i];
  }
  return NULL;
}

static bool owns(const gw_namespace *ns, gw_view channel) {
  size_t len = strlen(ns->name);
  return len < channel.len && channel.data[len] == ':' &&
         memcmp(channel.data, ns->name, len) == 0;
}

const gw_namespace *gw_settings_namespace(const gw_settings *s,
                                          gw_view channel) {
  size_t last = s->num_namespaces - 1;
  for (size_t i = 0; i < last; i++) {
    if (owns(&s->namespaces[i], channel)) return &s->namespaces[i];
  }
  return &s->namespaces[last];
}
