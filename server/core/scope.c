/* SPDX-License-Identifier: MIT */
/* scope.c - names of scopes, and whose they are. */
#include "server/core/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/groups.h"
#include "server/core/mail.h"

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

static gw_view id_of(uint64_t client, char space[17]) {
  (void)snprintf(space, 17, "%016" PRIx64, client);
  return gw_view_of(space);
}

static bool is_own_connection(const gw_session *s, gw_view id) {
  char own[17];
  return gw_view_eq(id, id_of(s->client, own));
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
  case GWS_SCOPE_GROUP:
    return s->is_known &&
           gws_groups_may(s->hub, scope->id, gws_session_user(s),
                          is_change ? GW_MAY_PUBLISH : GW_MAY_READ);
  case GWS_SCOPE_FREE:
    return true;
  default:
    return false;
  }
}

/* ---- leaving --------------------------------------------------------------- */

void gws_scope_left(gw_session *s, const gw_channel *ch) {
  char space[GW_MAX_CHANNEL_BYTES + 1];
  gw_hub *h = s->hub;
  gws_scope scope = {GWS_SCOPE_CHANNEL, gws_channel_name(ch)};
  if (s->state != GWS_SESSION_OPEN || s->subs.num == 0) return;
  gw_view name = gws_scope_channel(&scope, space);
  if (name.len == 0) return;
  uint64_t hash = gws_hub_hash(h, name.data, name.len);
  gw_sub *sub = gws_subs_by_channel(&s->subs, gws_channel_find(h, name, hash));
  if (sub == NULL || sub->is_orphan) return;
  sub->is_orphan = true;
  sub->next_orphan = h->orphans;
  h->orphans = sub;
}

void gws_scope_forget(gw_sub *sub) {
  gw_sub **at = &sub->session->hub->orphans;
  while (*at != sub)
    at = &(*at)->next_orphan;
  *at = sub->next_orphan;
  sub->is_orphan = false;
}

void gws_scope_settle(gw_hub *h) {
  while (h->orphans != NULL) {
    gw_sub *sub = h->orphans;
    gws_scope scope;
    gws_scope_forget(sub);
    /* It may be back already. */
    if (sub->session->state != GWS_SESSION_OPEN ||
        !gws_scope_of(gws_channel_name(sub->channel), &scope) ||
        gws_scope_may(sub->session, &scope, false))
      continue;
    gws_sub_end(sub, GW_CODE_PERMISSION_DENIED,
                "not subscribed to the channel any more", GWS_FAREWELL_LEFT);
  }
}

bool gws_scope_is_lost(const gw_sub *sub, gw_view group) {
  gws_scope scope;
  return gws_scope_of(gws_channel_name(sub->channel), &scope) &&
         scope.kind == GWS_SCOPE_GROUP && gw_view_eq(scope.id, group) &&
         !gws_scope_may(sub->session, &scope, false);
}

/* ---- ends ------------------------------------------------------------------ */

static void end(gw_hub *h, gw_view name, uint64_t hash) {
  gw_channel *ch = gws_channel_find(h, name, hash);
  if (ch != NULL && ch->state == GWS_CHANNEL_OWNED) gws_channel_end(ch);
}

void gws_scope_end(gw_hub *h, uint64_t client) {
  char id[17], space[GW_MAX_CHANNEL_BYTES + 1];
  gws_scope scope = {GWS_SCOPE_CONNECTION, id_of(client, id)};
  if (!h->has_state) return;
  gw_view name = gws_scope_channel(&scope, space);
  uint64_t hash = gws_hub_hash(h, name.data, name.len);
  uint32_t owner = gws_channel_owner(h, hash);
  if (owner == h->worker) {
    end(h, name, hash);
    return;
  }
  gw_mail *m = gws_mail_new(GWS_MAIL_SCOPE_END, name.len);
  if (m == NULL) {
    gws_hub_nomem(h);
    return;
  }
  m->hash = hash;
  m->name = gws_mail_keep(m, name);
  gws_mail_post(h, owner, m);
}

void gws_scope_on_end(gw_hub *h, gw_mail *m) {
  end(h, m->name, m->hash);
  gw_mail_free(m);
}
