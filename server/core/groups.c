/* SPDX-License-Identifier: MIT */
/* groups.c - values of groups: where they are kept, and how they come there. */
#include "server/core/groups.h"

#include <string.h>

#include "proto/guard.h"
#include "server/core/access.h"
#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/scope.h"
#include "server/core/table.h"

/** Mail that could not be taken in waits this long. */
#define AGAIN_MS 100u

typedef struct gw_group_slot {
  UT_hash_handle hh; /* hub.groups */
  gw_group *value;
  bool is_owned;
  uint32_t len;
  uint8_t name[];
} gw_group_slot;

/* ---- slots ----------------------------------------------------------------- */

static gw_group_slot *find(const gw_hub *h, gw_view name, uint64_t hash) {
  gw_group_slot *slot;
  HASH_FIND_BYHASHVALUE(hh, h->groups, name.data, name.len, (uint32_t)hash,
                        slot);
  return slot;
}

static uint64_t hash_of(const gw_hub *h, gw_view name) {
  return gws_hub_hash(h, name.data, name.len);
}

static gw_group_slot *make(gw_hub *h, gw_view name, uint64_t hash) {
  gw_group_slot *slot = gw_mem_zalloc(sizeof *slot + name.len);
  if (slot == NULL) return NULL;
  slot->is_owned = gws_channel_owner(h, hash) == h->worker;
  slot->len = (uint32_t)name.len;
  memcpy(slot->name, name.data, name.len);
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, h->groups, slot->name, name.len,
                              (uint32_t)hash, slot);
  if (!GWS_TABLE_HAS(slot)) {
    gw_mem_free(slot);
    return NULL;
  }
  if (slot->is_owned) gw_stat_add(&h->stats.groups, 1);
  return slot;
}

static void drop(gw_hub *h, gw_group_slot *slot) {
  if (slot->is_owned) gw_stat_sub(&h->stats.groups, 1);
  HASH_DEL(h->groups, slot);
  gws_group_unref(slot->value);
  gw_mem_free(slot);
}

/* ---- questions ---------------------------------------------------------------- */

const gw_group *gws_groups_find(const gw_hub *h, gw_view name) {
  if (name.len == 0 || h->groups == NULL) return NULL;
  const gw_group_slot *slot = find(h, name, hash_of(h, name));
  return slot != NULL ? slot->value : NULL;
}

static const gw_role *role_of(const gw_hub *h, gw_view name, gw_view user) {
  const gw_group *g = gws_groups_find(h, name);
  uint32_t role = user.len != 0 ? gws_group_find(g, user) : GWS_NO_ROLE;
  return role != GWS_NO_ROLE ? &g->roles->items[role] : NULL;
}

bool gws_groups_may(const gw_hub *h, gw_view name, gw_view user,
                    enum gw_permission permission) {
  const gw_role *role = role_of(h, name, user);
  return role != NULL && (role->may & permission) != 0;
}

bool gws_groups_has_role(const gw_hub *h, gw_view name, gw_view user,
                         const gw_words *roles) {
  const gw_role *role = role_of(h, name, user);
  return role != NULL && gw_words_has(roles, gw_view_of(role->name));
}

void gws_groups_each(const gw_hub *h,
                     bool (*on_group)(void *arg, gw_view name,
                                      const gw_group *g),
                     void *arg) {
  for (gw_group_slot *s = h->groups; s != NULL; s = s->hh.next) {
    gw_view name = {s->name, s->len};
    if (s->is_owned && !on_group(arg, name, s->value)) return;
  }
}

/* ---- the group of a channel ------------------------------------------------------ */

/** Part number n of a channel's name between colons. */
static gw_view part_of(gw_view channel, unsigned n) {
  gw_view rest = channel;
  for (;; n--) {
    const uint8_t *colon =
        rest.len != 0 ? memchr(rest.data, ':', rest.len) : NULL;
    size_t len = colon != NULL ? (size_t)(colon - rest.data) : rest.len;
    if (n == 0) return (gw_view){rest.data, len};
    if (colon == NULL) return (gw_view){NULL, 0};
    rest = (gw_view){colon + 1, rest.len - len - 1};
  }
}

gw_view gws_groups_of_channel(const gw_namespace *ns, gw_view channel,
                              char space[GW_MAX_CHANNEL_BYTES + 1]) {
  static const gw_view none;
  size_t len = 0;
  for (const char *p = ns->group; *p != '\0'; p++) {
    gw_view piece = {(const uint8_t *)p, 1};
    if (*p == '{') {
      piece = part_of(channel, (unsigned)(p[1] - '0'));
      p += 2;
      if (piece.len == 0) return none; /* such a channel belongs to none */
    }
    if (piece.len > GW_MAX_CHANNEL_BYTES - len) return none;
    memcpy(space + len, piece.data, piece.len);
    len += piece.len;
  }
  return (gw_view){(const uint8_t *)space, len};
}

/* ---- what rested on a right -------------------------------------------------------- */

/** A group that has changed on this worker. */
typedef struct change {
  gw_hub *h;
  gw_view name;
} change;

static bool is_lost(const change *c, const gw_sub *sub) {
  char space[GW_MAX_CHANNEL_BYTES + 1];
  const gw_channel *ch = sub->channel;
  if (sub->rests_on_group == 0 || !GW_GUARD(MEMBER_ENDS)) return false;
  gw_view group = gws_groups_of_channel(ch->ns, gws_channel_name(ch), space);
  return gw_view_eq(group, c->name) && !gws_access_still(sub);
}

static void end_sub(const change *c, gw_sub *sub) {
  if (!is_lost(c, sub) && !gws_scope_is_lost(sub, c->name)) return;
  gws_session_log(sub->session, GWS_LOG_INFO, "group.right_lost",
                  GW_CODE_PERMISSION_DENIED, "a role in the group was lost");
  gws_sub_end(sub, GW_CODE_PERMISSION_DENIED,
              "the right of a member of the group is lost", GWS_FAREWELL_LEFT);
}

static void end_list(const change *c, gw_sub *list) {
  for (gw_sub *sub = list, *next; sub != NULL; sub = next) {
    next = sub->next;
    end_sub(c, sub);
  }
}

/** Look at what a user has open here. */
static void review(void *arg, gw_view user) {
  const change *c = arg;
  for (gw_session *s = gws_session_first_of(c->h, user); s != NULL;
       s = gws_session_next_of(s)) {
    if (s->state != GWS_SESSION_OPEN) continue;
    end_list(c, s->subs.quiet);
    end_list(c, s->subs.drawing);
  }
}

/* ---- taking a value over ------------------------------------------------------------ */

/** False when out of memory. Takes the reference when it is taken in. */
static bool take(gw_hub *h, gw_view name, gw_group *after) {
  uint64_t hash = hash_of(h, name);
  gw_group_slot *slot = find(h, name, hash);
  change c = {h, name};
  if (slot == NULL && after == NULL) return true;
  if (slot == NULL && (slot = make(h, name, hash)) == NULL) return false;
  gw_group *before = slot->value;
  slot->value = after;
  if (slot->is_owned) {
    gw_stat_add(&h->stats.memberships,
                (after != NULL ? after->num_members : 0u) -
                    (uint64_t)(before != NULL ? before->num_members : 0u));
    gw_stat_add(&h->stats.group_changes_total, 1);
  }
  if (after == NULL) drop(h, slot);
  if (before != NULL) gws_group_diff(before, after, review, &c);
  gws_group_unref(before);
  return true;
}

/* ---- to the other workers ------------------------------------------------------------ */

/** Mail for all of them, linked; NULL without memory, or anybody. */
static gw_mail *prepare(gw_hub *h, gw_view name, gw_group *after,
                        bool *is_good) {
  gw_mail *first = NULL;
  *is_good = true;
  for (uint32_t i = 1; i < h->num_workers && *is_good; i++) {
    gw_mail *m = gws_mail_new(GWS_MAIL_GROUP, name.len);
    *is_good = m != NULL;
    if (m == NULL) break;
    m->name = gws_mail_keep(m, name);
    m->group = after != NULL ? gws_group_ref(after) : NULL;
    m->next = first;
    first = m;
  }
  return first;
}

static void free_all(gw_mail *m) {
  while (m != NULL) {
    gw_mail *next = m->next;
    gw_mail_free(m);
    m = next;
  }
}

static void post_all(gw_hub *h, gw_mail *m) {
  for (uint32_t w = 0; w < h->num_workers && m != NULL; w++) {
    if (w == h->worker) continue;
    gw_mail *next = m->next;
    gws_mail_post(h, w, m);
    m = next;
  }
}

uint32_t gws_groups_set(gw_hub *h, gw_view name, gw_group *after) {
  bool is_good;
  gw_mail *mail = prepare(h, name, after, &is_good);
  if (!is_good || !take(h, name, after)) {
    gws_hub_nomem(h);
    free_all(mail);
    gws_group_unref(after);
    return GW_CODE_INTERNAL;
  }
  if (mail != NULL) gws_receipts_expect(h);
  post_all(h, mail);
  return GW_CODE_OK;
}

static bool take_mail(gw_hub *h, gw_mail *m) {
  if (!take(h, m->name, m->group)) {
    gws_hub_nomem(h);
    return false;
  }
  m->group = NULL;
  gws_receipts_give(h, m);
  return true;
}

/** In the order of their coming: one that waits holds the others up. */
void gws_groups_on_mail(gw_hub *h, gw_mail *m) {
  if (h->late_groups == NULL && take_mail(h, m)) return;
  gw_mail **at = &h->late_groups;
  while (*at != NULL)
    at = &(*at)->next;
  m->next = NULL;
  *at = m;
  if (!gw_timer_is_set(&h->late_timer))
    gws_hub_set_timer(h, &h->late_timer, AGAIN_MS);
}

void gws_groups_on_timer(gw_hub *h) {
  while (h->late_groups != NULL) {
    gw_mail *m = h->late_groups, *next = m->next;
    if (!take_mail(h, m)) {
      gws_hub_set_timer(h, &h->late_timer, AGAIN_MS);
      return;
    }
    h->late_groups = next;
  }
}

void gws_groups_free(gw_hub *h) {
  free_all(h->late_groups);
  h->late_groups = NULL;
  while (h->groups != NULL)
    drop(h, h->groups);
}
