/* SPDX-License-Identifier: MIT */
/* grants.c - subscriptions that the server begins. */
#include "server/core/grants.h"

#include <string.h>
#include <utlist.h>

#include "server/core/channel.h"
#include "server/core/mem.h"
#include "server/core/resume.h"

#define GRANTS_MIN 4u

static uint64_t *find(const gw_session *s, uint64_t hash) {
  gw_grants *g = s->grants;
  for (uint32_t i = 0; g != NULL && i < g->num; i++) {
    if (g->hashes[i] == hash) return &g->hashes[i];
  }
  return NULL;
}

bool gws_is_granted(const gw_session *s, uint64_t hash) {
  return find(s, hash) != NULL;
}

static bool is_among(const gw_hub *h, const gw_view *channels, size_t num,
                     uint64_t hash) {
  for (size_t i = 0; i < num; i++) {
    if (gws_hub_hash(h, channels[i].data, channels[i].len) == hash) return true;
  }
  return false;
}

static bool is_bonds(const gw_session *s, uint64_t hash) {
  const gw_bond *bond = gws_session_bond(s);
  return bond != NULL &&
         is_among(s->hub, bond->channels, bond->num_channels, hash);
}

static bool is_in_list(const gw_sub *list, uint64_t hash) {
  const gw_sub *sub;
  DL_FOREACH(list, sub) {
    if (sub->channel->hash == hash) return true;
  }
  return false;
}

bool gws_grants_are_taken(const gw_session *s) {
  const gw_grants *g = s->grants;
  for (uint32_t i = 0; g != NULL && i < g->num; i++) {
    uint64_t hash = g->hashes[i];
    if (!is_in_list(s->subs.quiet, hash) &&
        !is_in_list(s->subs.drawing, hash) && !is_bonds(s, hash))
      return false;
  }
  return true;
}

bool gws_grants_are(const gw_session *s, const gw_view *channels,
                    size_t num_channels) {
  const gw_hub *h = s->hub;
  const gw_grants *g = s->grants;
  for (uint32_t i = 0; g != NULL && i < g->num; i++) {
    if (!is_among(h, channels, num_channels, g->hashes[i]) &&
        !is_bonds(s, g->hashes[i]))
      return false;
  }
  for (size_t i = 0; i < num_channels; i++) {
    if (!gws_is_granted(s, gws_hub_hash(h, channels[i].data, channels[i].len)))
      return false;
  }
  return true;
}

static bool grow(gw_session *s) {
  gw_grants was = s->grants != NULL ? *s->grants : (gw_grants){.num = 0};
  uint32_t cap = was.num == 0 ? GRANTS_MIN : was.num * 2;
  gw_grants *g =
      gw_mem_realloc(s->grants, sizeof *g + cap * sizeof g->hashes[0]);
  if (g == NULL) return false;
  *g = (gw_grants){.bond = was.bond, .num = was.num, .cap = cap};
  s->grants = g;
  return true;
}

static uint32_t remember(gw_session *s, uint64_t hash) {
  gw_grants *g = s->grants;
  uint32_t max = s->hub->settings->limits.max_subscriptions;
  if (find(s, hash) != NULL) return GW_CODE_OK;
  if (g != NULL && max != 0 && g->num >= max) return GW_CODE_LIMIT_REACHED;
  if ((g == NULL || g->num == g->cap) && !grow(s)) return GW_CODE_INTERNAL;
  g = s->grants;
  g->hashes[g->num++] = hash;
  return GW_CODE_OK;
}

static void forget(gw_session *s, uint64_t hash) {
  uint64_t *at = find(s, hash);
  if (at != NULL) *at = s->grants->hashes[--s->grants->num];
}

/** Subscribe on the server's own account: no request waits for the answer. */
static uint32_t subscribe(gw_session *s, gw_view name, uint64_t hash) {
  uint32_t max = s->hub->settings->limits.max_subscriptions;
  uint32_t code = GW_CODE_OK;
  if (max != 0 && s->subs.num >= max) return GW_CODE_LIMIT_REACHED;
  gw_channel *ch = gws_channel_get(s->hub, name, hash, &code);
  if (ch == NULL) return code;
  gw_sub *sub = gws_sub_new(s, ch, 0);
  if (sub == NULL) return GW_CODE_INTERNAL;
  if (gws_channel_is_ready(ch)) gws_recovery_begin(sub);
  return GW_CODE_OK;
}

uint32_t gws_grant(gw_session *s, gw_view channel) {
  gw_hub *h = s->hub;
  /* Who chooses may subscribe to a pattern; nobody is put upon by one. */
  if (!gws_channel_name_is_valid(h, channel) ||
      gw_name_is_pattern(gw_settings_namespace(h->settings, channel), channel))
    return GW_CODE_BAD_CHANNEL;
  uint64_t hash = gws_hub_hash(h, channel.data, channel.len);
  gw_sub *sub =
      gws_subs_by_channel(&s->subs, gws_channel_find(h, channel, hash));
  bool is_new = find(s, hash) == NULL;
  uint32_t code = remember(s, hash);
  if (code == GW_CODE_OK && sub == NULL) code = subscribe(s, channel, hash);
  if (code != GW_CODE_OK && is_new) forget(s, hash);
  if (code == GW_CODE_INTERNAL) gws_hub_nomem(h);
  return code;
}

void gws_grant_unasked(gw_session *s, gw_view channel) {
  uint32_t code = gws_grant(s, channel);
  if (code != GW_CODE_OK)
    gws_session_log(s, GWS_LOG_WARN, "grant.refused", code, gw_code_text(code));
}

bool gws_grant_withdraw(gw_session *s, gw_view channel, uint32_t code,
                        const char *reason) {
  gw_hub *h = s->hub;
  uint64_t hash = gws_hub_hash(h, channel.data, channel.len);
  gw_sub *sub =
      gws_subs_by_channel(&s->subs, gws_channel_find(h, channel, hash));
  gw_verdict v = {.code = code};
  if (reason != NULL) v.message = gw_view_of(reason);
  forget(s, hash);
  gws_resume_withdraw(s, hash);
  if (sub != NULL) gws_sub_end(sub, code, reason, GWS_FAREWELL_LEFT);
  return gws_hold_withdraw(s, hash, &v) || sub != NULL;
}

/* ---- bonds --------------------------------------------------------------- */

int gw_session_bind(gw_session *s, const gw_bond *bond) {
  if (s->grants == NULL && !grow(s)) {
    gws_hub_nomem(s->hub);
    return GW_ERR_NOMEM;
  }
  s->grants->bond = bond;
  return 0;
}

const gw_bond *gws_session_bond(const gw_session *s) {
  return s->grants != NULL ? s->grants->bond : NULL;
}

bool gws_is_within(const gw_session *s, gw_view channel, uint64_t hash) {
  const gw_bond *bond = gws_session_bond(s);
  if (bond == NULL || bond->space.len == 0) return true;
  gw_view space = bond->space;
  bool is_in_space = channel.len > space.len &&
                     channel.data[space.len] == ':' &&
                     memcmp(channel.data, space.data, space.len) == 0;
  return is_in_space || gws_is_granted(s, hash);
}

void gws_grants_free(gw_session *s) {
  gw_mem_free(s->grants);
  s->grants = NULL;
}
