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
    .presence_mode = GW_PRESENCE_MODE_FULL,
    .presence_full_limit = 1000,
    .presence_large = GW_PRESENCE_MODE_SAMPLED,
    .presence_sample = 20,
    .presence_counts_ms = 500,
    .allow = {{.who = GW_WHO_ANYONE},
              {.who = GW_WHO_ANYONE},
              {.who = GW_WHO_ANYONE},
              {.who = GW_WHO_ANYONE},
              {.who = 0}},
    .batch_delay_ms = 0,
    .batch_bytes = GW_BATCH_BYTES,
    .delta_min_bytes = GW_DELTA_MIN_BYTES,
    .packing = {.on = true, .min_bytes = GW_COMPRESSION_MIN_BYTES},
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
            .max_group_members = GW_MAX_GROUP_MEMBERS,
            .max_group_roles = GW_MAX_GROUP_ROLES,
        },
    .ping_interval_ms = GW_PING_INTERVAL_MS,
    .ping_timeout_ms = GW_PING_TIMEOUT_MS,
    .handshake_timeout_ms = GW_HANDSHAKE_TIMEOUT_MS,
    .idle_after_ms = 5u * 60u * 1000u,
    .resume_ttl_ms = 60u * 1000u,
    .resume_max = 16384,
    .conn_grace_ms = GW_PRESENCE_GRACE_MS,
    .conn_log_size = 1000u,
    .max_connections = 0,
    .max_revocations = GW_MAX_REVOCATIONS,
    .max_channels = 1000u * 1000u,
    .max_forwarded = 16384,
    .dedup_window_ms = GW_DEDUP_WINDOW_MS,
    .relay_calls = true,
    /* A message reaches people who did not ask for it. So clients may not send
     * any, but to groups, where a role says that they may. */
    .send = {[GW_ADDRESS_GROUP] = {.who = GW_WHO_MEMBER}},
    .max_groups = 100u * 1000u,
    .max_memberships = 1000u * 1000u,
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

bool gw_settings_packs(const gw_settings *s) {
  for (size_t i = 0; i < s->num_namespaces; i++) {
    if (s->namespaces[i].packing.on) return true;
  }
  return false;
}

bool gw_words_has(const gw_words *w, gw_view word) {
  for (const char *at = NULL; (at = gw_words_next(w, at)) != NULL;) {
    if (gw_view_eq(gw_view_of(at), word)) return true;
  }
  return false;
}

const char *gw_words_next(const gw_words *w, const char *word) {
  const char *next = word == NULL ? w->text : word + strlen(word) + 1;
  return next < w->text + w->len ? next : NULL;
}

bool gw_words_add(gw_words *w, gw_view word) {
  if (word.len >= GW_WORDS_BYTES - w->len) return false;
  memcpy(w->text + w->len, word.data, word.len);
  w->len += (uint32_t)word.len;
  w->text[w->len++] = '\0';
  return true;
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
