/* SPDX-License-Identifier: MIT */
/* scope.c - names of scopes, and whose they are. */
#include "server/core/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/core/access.h"
#include "server/core/channel.h"

#define PREFIX GWS_STATE_SPACE ":"

static const char *const words[GWS_NUM_SCOPES] = {
    [GWS_SCOPE_CONNECTION] = "connection",
    [GWS_SCOPE_USER] = "user",
    [GWS_SCOPE_CHANNEL] = "channel",
    [GWS_SCOPE_GROUP] = "group",
    [GWS_SCOPE_FREE] = "free",
};

const char *gws_scope_word(enum gws_scope_kind kind) {
  return words[kind];
}

bool gws_scope_find(gw_view word, enum gws_scope_kind *kind) {
  for (int i = 0; i < GWS_NUM_SCOPES; i++) {
    if (!gw_view_eq(word, gw_view_of(words[i]))) continue;
    *kind = (enum gws_scope_kind)i;
    return true;
  }
  return false;
}

bool gws_scope_of(gw_view channel, gws_scope *scope) {
  size_t skip = strlen(PREFIX);
  if (channel.len <= skip || memcmp(channel.data, PREFIX, skip) != 0)
    return false;
  gw_view rest = {channel.data + skip, channel.len - skip};
  const uint8_t *colon = memchr(rest.data, ':', rest.len);
  if (colon == NULL) return false;
  gw_view word = {rest.data, (size_t)(colon - rest.data)};
  scope->id = (gw_view){colon + 1, rest.len - word.len - 1};
  return scope->id.len != 0 && gws_scope_find(word, &scope->kind);
}

gw_view gws_scope_channel(const gws_scope *scope,
                          char space[GW_MAX_CHANNEL_BYTES + 1]) {
  int len = snprintf(space, GW_MAX_CHANNEL_BYTES + 1, PREFIX "%s:%.*s",
                     words[scope->kind], (int)scope->id.len,
                     (const char *)scope->id.data);
  bool is_good =
      scope->id.len != 0 && len > 0 && (size_t)len <= GW_MAX_CHANNEL_BYTES;
  return (gw_view){(const uint8_t *)space, is_good ? (size_t)len : 0};
}

/* ---- who may --------------------------------------------------------------- */

static bool is_own_connection(const gw_session *s, gw_view id) {
  char own[17];
  (void)snprintf(own, sizeof own, "%016" PRIx64, s->client);
  return gw_view_eq(id, gw_view_of(own));
}

/** Who hears a channel shares its state; who may publish there, without anybody
 * being asked, changes it. */
static bool is_of_channel(const gw_session *s, gw_view name, bool is_change) {
  gw_hub *h = s->hub;
  gw_target t = {.name = name, .hash = gws_hub_hash(h, name.data, name.len)};
  t.channel = gws_channel_find(h, name, t.hash);
  t.sub = gws_subs_by_channel(&s->subs, t.channel);
  if (t.sub == NULL || gws_channel_is_pattern(t.channel)) return false;
  return !is_change ||
         gws_access_is_open(s, t.channel->ns, GW_ACTION_PUBLISH, &t);
}

bool gws_scope_may(const gw_session *s, const gws_scope *scope,
                   bool is_change) {
  switch (scope->kind) {
  case GWS_SCOPE_CONNECTION:
    return is_own_connection(s, scope->id);
  case GWS_SCOPE_USER:
    return gw_view_eq(scope->id, gws_session_user(s));
  case GWS_SCOPE_CHANNEL:
    return is_of_channel(s, scope->id, is_change);
  case GWS_SCOPE_FREE:
    return true;
  default:
    return false;
  }
}
