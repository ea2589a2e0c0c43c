/* SPDX-License-Identifier: MIT */
/* api_groups.c - groups: made, changed and read by the application, and by clients
 * whose role in the group lets them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/channel.h"
#include "server/core/groups.h"
#include "server/core/mem.h"

#define MEMBERS_DEFAULT 100u
#define GROUPS_DEFAULT  1000u

typedef Godwit__Api__V1__Role api_role;
typedef Godwit__Api__V1__GroupMember api_member;
typedef Godwit__Api__V1__GroupInfo api_info;

/* ---- who may ------------------------------------------------------------------- */

static bool may(const gw_hub *h, const gw_caller *caller, const char *group,
                enum gw_permission permission) {
  return caller->is_trusted ||
         (caller->is_known &&
          gws_groups_may(h, gw_view_of(group), caller->user, permission));
}

static bool may_create(const gw_hub *h, const gw_caller *caller) {
  uint32_t who = h->settings->group_create.who;
  if (caller->is_trusted) return true;
  return caller->user.len != 0 &&
         ((who & GW_WHO_ANYONE) != 0 ||
          ((who & GW_WHO_USER) != 0 && caller->is_known));
}

/* ---- roles ------------------------------------------------------------------------ */

static bool is_name(const char *text, size_t max) {
  gw_view v = gw_view_of(text);
  return v.len != 0 && v.len <= max && gw_view_is_text(v) &&
         strpbrk(text, ", \t\r\n") == NULL;
}

static bool add_permission(gw_role *role, const char *text) {
  size_t skip = strlen(GW_OWN_PERMISSION);
  uint32_t bit = gws_permission_of(gw_view_of(text));
  role->may |= bit;
  if (bit != 0) return true;
  if (strncmp(text, GW_OWN_PERMISSION, skip) != 0 ||
      !is_name(text + skip, GW_MAX_ROLE_BYTES))
    return false;
  gw_view own = gw_view_of(text + skip);
  return gw_words_has(&role->own, own) || gw_words_add(&role->own, own);
}

/** A role as a request has it. */
static uint32_t read_role(const char *name, char *const *permissions,
                          size_t num, gw_role *role, const char **why) {
  *role = (gw_role){.may = 0};
  if (!is_name(name, GW_MAX_ROLE_BYTES)) {
    *why = "the name of a role is 1 to 64 bytes without blanks and commas";
    return GW_CODE_BAD_REQUEST;
  }
  (void)strcpy(role->name, name);
  for (size_t i = 0; i < num; i++) {
    if (add_permission(role, permissions[i])) continue;
    *why = "a permission is one of ours or begins with app:, and there are too "
           "many of the latter above 256 bytes";
    return GW_CODE_BAD_REQUEST;
  }
  return GW_CODE_OK;
}

static uint32_t add_role(gw_hub *h, gw_roles *roles, const gw_role *role,
                         const char **why) {
  if (gws_roles_find(roles, gw_view_of(role->name)) != GWS_NO_ROLE) {
    *why = "a role is there twice";
    return GW_CODE_BAD_REQUEST;
  }
  if (roles->num >= h->settings->limits.max_group_roles ||
      roles->num >= GWS_ROLES_MAX)
    return GW_CODE_LIMIT_REACHED;
  roles->items[roles->num++] = *role;
  return GW_CODE_OK;
}

/** What a group has that says nothing of its roles. */
static gw_roles *default_roles(void) {
  gw_roles *roles = gws_roles_new(2);
  if (roles == NULL) return NULL;
  roles->num = 2;
  roles->items[0] = (gw_role){.name = "owner", .may = GW_MAY_ALL};
  roles->items[1] =
      (gw_role){.name = "member", .may = GW_MAY_ALL & ~(uint32_t)GW_MAY_MANAGE};
  return roles;
}

static uint32_t read_roles(gw_hub *h, api_role *const *rows, size_t num,
                           gw_roles **roles, const char **why) {
  uint32_t code = GW_CODE_OK;
  gw_role role;
  size_t max = num < GWS_ROLES_MAX ? num : GWS_ROLES_MAX;
  *roles = num == 0 ? default_roles() : gws_roles_new((uint32_t)max);
  if (*roles == NULL) return GW_CODE_INTERNAL;
  for (size_t i = 0; i < num && code == GW_CODE_OK; i++) {
    code = read_role(rows[i]->role, rows[i]->permissions,
                     rows[i]->n_permissions, &role, why);
    if (code == GW_CODE_OK) code = add_role(h, *roles, &role, why);
  }
  return code;
}

/* ---- a change in the making ---------------------------------------------------------- */

/** The value that a group is to have. */
typedef struct draft {
  gw_hub *h;
  gw_group *value;
  uint32_t before; /**< members */
  uint32_t rank;   /**< place of the caller's role; 0: of the application */
} draft;

/** Roles stand in an order: who may manage a group touches neither a role that
 * stands before its own nor its members. A moderator does not remove the owner.
 */
static uint32_t outranked(const draft *d, uint32_t role, const char **why) {
  if (role == GWS_NO_ROLE || role >= d->rank) return GW_CODE_OK;
  *why = "a role that stands before one's own is not for one to change";
  return GW_CODE_PERMISSION_DENIED;
}

/** Take the next value over; NULL: no memory. */
static uint32_t step(draft *d, gw_group *next) {
  if (next == NULL) return GW_CODE_INTERNAL;
  gws_group_unref(d->value);
  d->value = next;
  return GW_CODE_OK;
}

/** Whether there is room for one member more. */
static bool has_room(const draft *d) {
  const gw_settings *s = d->h->settings;
  uint64_t others = gw_stat_get(&d->h->stats.memberships) - d->before;
  return d->value->num_members < s->limits.max_group_members &&
         others + d->value->num_members < s->max_memberships;
}

static uint32_t add_user(draft *d, gw_view user, uint32_t role,
                         const char **why) {
  uint32_t known = gws_group_find(d->value, user);
  if (user.len == 0 || user.len > GW_MAX_USER_BYTES || !gw_view_is_text(user))
    return GW_CODE_BAD_TEXT;
  if (known == role) return GW_CODE_OK;
  uint32_t code = outranked(d, known, why);
  if (code != GW_CODE_OK) return code;
  if (known == GWS_NO_ROLE && !has_room(d)) return GW_CODE_LIMIT_REACHED;
  return step(d, gws_group_with(d->value, user, role));
}

static uint32_t remove_user(draft *d, gw_view user, const char **why) {
  uint32_t known = gws_group_find(d->value, user);
  if (known == GWS_NO_ROLE) return GW_CODE_OK;
  uint32_t code = outranked(d, known, why);
  if (code != GW_CODE_OK) return code;
  return step(d, gws_group_without(d->value, user));
}

/** Make it the group's value, or give it up. */
static uint32_t finish(draft *d, const char *group, uint32_t code,
                       uint64_t *version, uint32_t *num_members) {
  if (code != GW_CODE_OK) {
    gws_group_unref(d->value);
    return code;
  }
  *version = d->value->version = ++d->h->last_group_version;
  if (num_members != NULL) *num_members = d->value->num_members;
  return gws_groups_set(d->h, gw_view_of(group), d->value);
}

/** Begin with what the group is. */
static uint32_t open_draft(draft *d, gw_hub *h, const gw_caller *caller,
                           const char *group) {
  const gw_group *g = gws_groups_find(h, gw_view_of(group));
  if (g == NULL) return GW_CODE_NO_SUCH_GROUP;
  *d = (draft){h, gws_group_ref((gw_group *)(uintptr_t)g), g->num_members, 0};
  if (!caller->is_trusted) d->rank = gws_group_find(g, caller->user);
  return GW_CODE_OK;
}

/* ---- group_create, group_delete --------------------------------------------------------- */

/** The first role that may manage the group, which is its owner's. */
static uint32_t first_manager(const gw_roles *roles) {
  for (uint32_t i = 0; i < roles->num; i++) {
    if ((roles->items[i].may & GW_MAY_MANAGE) != 0) return i;
  }
  return GWS_NO_ROLE;
}

/** A client that makes a group may change it. */
static uint32_t add_creator(draft *d, const gw_caller *caller,
                            const char **why) {
  if (caller->is_trusted) return GW_CODE_OK;
  uint32_t role = first_manager(d->value->roles);
  if (role != GWS_NO_ROLE) return add_user(d, caller->user, role, why);
  *why = "no role may manage the group";
  return GW_CODE_BAD_REQUEST;
}

static uint32_t add_rows(draft *d, api_member *const *rows, size_t num,
                         const char **why) {
  uint32_t code = GW_CODE_OK;
  for (size_t i = 0; i < num && code == GW_CODE_OK; i++) {
    uint32_t role = gws_roles_find(d->value->roles, gw_view_of(rows[i]->role));
    code = role != GWS_NO_ROLE
               ? add_user(d, gw_view_of(rows[i]->user), role, why)
               : GW_CODE_NO_SUCH_ROLE;
    if (code == GW_CODE_NO_SUCH_ROLE) *why = "a member has a role that is none";
  }
  return code;
}

uint32_t gws_api_group_create(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__GroupCreateRequest *q = (const void *)request;
  Godwit__Api__V1__GroupCreateReply reply =
      GODWIT__API__V1__GROUP_CREATE_REPLY__INIT;
  draft d = {.h = h};
  gw_roles *roles = NULL;
  if (!may_create(h, caller)) return GW_CODE_PERMISSION_DENIED;
  if (gws_groups_find(h, gw_view_of(q->group)) != NULL)
    return GW_CODE_GROUP_EXISTS;
  if (gw_stat_get(&h->stats.groups) >= h->settings->max_groups ||
      q->n_members > GW_MAX_NAMES)
    return GW_CODE_LIMIT_REACHED;
  uint32_t code = read_roles(h, q->roles, q->n_roles, &roles, &r->why);
  if (code == GW_CODE_OK) code = step(&d, gws_group_new(roles));
  gws_roles_unref(roles);
  if (code == GW_CODE_OK)
    code = add_rows(&d, q->members, q->n_members, &r->why);
  if (code == GW_CODE_OK) code = add_creator(&d, caller, &r->why);
  code = finish(&d, q->group, code, &reply.version, NULL);
  if (code == GW_CODE_OK) gws_reply_add(r, &reply.base);
  return code;
}

uint32_t gws_api_group_delete(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__GroupDeleteRequest *q = (const void *)request;
  if (!may(h, caller, q->group, GW_MAY_MANAGE))
    return GW_CODE_PERMISSION_DENIED;
  draft d;
  uint32_t code = open_draft(&d, h, caller, q->group);
  if (code != GW_CODE_OK) return code;
  code = outranked(&d, first_manager(d.value->roles), &r->why);
  gws_group_unref(d.value);
  if (code != GW_CODE_OK) return code;
  return gws_groups_set(h, gw_view_of(q->group), NULL);
}

/* ---- group_add, group_remove --------------------------------------------------------------- */

uint32_t gws_api_group_add(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__GroupAddRequest *q = (const void *)request;
  Godwit__Api__V1__GroupAddReply reply = GODWIT__API__V1__GROUP_ADD_REPLY__INIT;
  draft d;
  if (!may(h, caller, q->group, GW_MAY_MANAGE))
    return GW_CODE_PERMISSION_DENIED;
  if (q->n_users > GW_MAX_NAMES) return GW_CODE_TOO_BIG;
  uint32_t code = open_draft(&d, h, caller, q->group);
  if (code != GW_CODE_OK) return code;
  uint32_t role = gws_roles_find(d.value->roles, gw_view_of(q->role));
  code =
      role != GWS_NO_ROLE ? outranked(&d, role, &r->why) : GW_CODE_NO_SUCH_ROLE;
  for (size_t i = 0; i < q->n_users && code == GW_CODE_OK; i++)
    code = add_user(&d, gw_view_of(q->users[i]), role, &r->why);
  code = finish(&d, q->group, code, &reply.version, &reply.members);
  if (code == GW_CODE_OK) gws_reply_add(r, &reply.base);
  return code;
}

/** Leaving takes no permission. */
static bool is_leaving(const gw_caller *caller,
                       const Godwit__Api__V1__GroupRemoveRequest *q) {
  return caller->is_known && q->n_users == 1 &&
         gw_view_eq(gw_view_of(q->users[0]), caller->user);
}

uint32_t gws_api_group_remove(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__GroupRemoveRequest *q = (const void *)request;
  Godwit__Api__V1__GroupRemoveReply reply =
      GODWIT__API__V1__GROUP_REMOVE_REPLY__INIT;
  draft d;
  if (!is_leaving(caller, q) && !may(h, caller, q->group, GW_MAY_MANAGE))
    return GW_CODE_PERMISSION_DENIED;
  if (q->n_users > GW_MAX_NAMES) return GW_CODE_TOO_BIG;
  uint32_t code = open_draft(&d, h, caller, q->group);
  if (code != GW_CODE_OK) return code;
  for (size_t i = 0; i < q->n_users && code == GW_CODE_OK; i++)
    code = remove_user(&d, gw_view_of(q->users[i]), &r->why);
  code = finish(&d, q->group, code, &reply.version, &reply.members);
  if (code == GW_CODE_OK) gws_reply_add(r, &reply.base);
  return code;
}

/* ---- group_set_role ---------------------------------------------------------------------------- */

static bool is_in_use(const gw_group *g, uint32_t role) {
  gw_group_walk walk = {0, 0};
  gw_group_member m;
  while (gws_group_next(g, &walk, &m)) {
    if (m.role == role) return true;
  }
  return false;
}

static gw_roles *copy_roles(const gw_roles *roles) {
  gw_roles *copy = gws_roles_new(roles->num + 1);
  if (copy == NULL) return NULL;
  copy->num = roles->num;
  memcpy(copy->items, roles->items, roles->num * sizeof roles->items[0]);
  return copy;
}

/** Take a role out: those behind it move up, in their order, and with them
 * their members. */
static uint32_t remove_role(draft *d, gw_roles *roles, uint32_t at) {
  if (at == GWS_NO_ROLE) return GW_CODE_NO_SUCH_ROLE;
  if (is_in_use(d->value, at)) return GW_CODE_ROLE_IN_USE;
  gw_group *before = gws_group_ref(d->value);
  uint32_t code = GW_CODE_OK;
  gw_group_walk walk = {0, 0};
  gw_group_member m;
  memmove(&roles->items[at], &roles->items[at + 1],
          (--roles->num - at) * sizeof roles->items[0]);
  while (code == GW_CODE_OK && gws_group_next(before, &walk, &m)) {
    if (m.role > at)
      code = step(d, gws_group_with(d->value, m.user, m.role - 1));
  }
  gws_group_unref(before);
  return code;
}

static uint32_t set_role(draft *d,
                         const Godwit__Api__V1__GroupSetRoleRequest *q,
                         const char **why) {
  gw_role role = {.may = 0};
  gw_roles *roles = copy_roles(d->value->roles);
  if (roles == NULL) return GW_CODE_INTERNAL;
  uint32_t at = gws_roles_find(roles, gw_view_of(q->role));
  uint32_t code = outranked(d, at, why);
  if (code == GW_CODE_OK)
    code = q->remove ? remove_role(d, roles, at)
                     : read_role(q->role, q->permissions, q->n_permissions,
                                 &role, why);
  if (code == GW_CODE_OK && !q->remove) {
    if (at == GWS_NO_ROLE)
      code = add_role(d->h, roles, &role, why);
    else
      roles->items[at] = role;
  }
  if (code == GW_CODE_OK) code = step(d, gws_group_with_roles(d->value, roles));
  gws_roles_unref(roles);
  return code;
}

uint32_t gws_api_group_set_role(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__GroupSetRoleRequest *q = (const void *)request;
  Godwit__Api__V1__GroupSetRoleReply reply =
      GODWIT__API__V1__GROUP_SET_ROLE_REPLY__INIT;
  draft d;
  if (!may(h, caller, q->group, GW_MAY_MANAGE))
    return GW_CODE_PERMISSION_DENIED;
  uint32_t code = open_draft(&d, h, caller, q->group);
  if (code != GW_CODE_OK) return code;
  code = set_role(&d, q, &r->why);
  code = finish(&d, q->group, code, &reply.version, NULL);
  if (code == GW_CODE_OK) gws_reply_add(r, &reply.base);
  return code;
}

/* ---- group_get ------------------------------------------------------------------------------------ */

/** Permissions as words. An application's is at least a letter and its end, and
 * gets a prefix. */
#define OWN_MAX (GW_WORDS_BYTES / 2u)
typedef struct words {
  char *items[OWN_MAX + 8u];
  size_t num;
  char text[GW_WORDS_BYTES + OWN_MAX * sizeof GW_OWN_PERMISSION + 64u];
  size_t len;
} words;

static void add_word(words *w, const char *before, const char *text) {
  size_t left = sizeof w->text - w->len;
  w->items[w->num++] = w->text + w->len;
  w->len += (size_t)snprintf(w->text + w->len, left, "%s%s", before, text) + 1;
}

static void list_permissions(const gw_role *role, words *w) {
  w->num = w->len = 0;
  for (uint32_t i = 0; gws_permission_name(i) != NULL; i++) {
    if ((role->may >> i & 1u) != 0) add_word(w, "", gws_permission_name(i));
  }
  for (const char *own = NULL; (own = gw_words_next(&role->own, own)) != NULL;)
    add_word(w, GW_OWN_PERMISSION, own);
}

static void add_role_row(const gw_role *role, gws_reply *r) {
  words w;
  api_role one = GODWIT__API__V1__ROLE__INIT;
  api_role *all[] = {&one};
  Godwit__Api__V1__GroupGetReply reply = GODWIT__API__V1__GROUP_GET_REPLY__INIT;
  list_permissions(role, &w);
  one.role = (char *)(uintptr_t)role->name;
  one.permissions = w.items;
  one.n_permissions = w.num;
  reply.roles = all;
  reply.n_roles = 1;
  gws_reply_add(r, &reply.base);
}

static void add_member_row(const gw_group *g, gw_view user, uint32_t role,
                           gws_reply *r) {
  char name[GW_MAX_USER_BYTES + 1], *at = name;
  api_member one = GODWIT__API__V1__GROUP_MEMBER__INIT;
  api_member *all[] = {&one};
  Godwit__Api__V1__GroupGetReply reply = GODWIT__API__V1__GROUP_GET_REPLY__INIT;
  one.user = gws_api_text(user, &at);
  one.role = g->roles->items[role].name;
  reply.members = all;
  reply.n_members = 1;
  gws_reply_add(r, &reply.base);
}

static void add_members(const gw_group *g, const char *after, uint32_t limit,
                        gws_reply *r) {
  gw_group_walk walk = {0, 0};
  gw_group_member m;
  if (*after != '\0') walk = gws_group_after(g, gw_view_of(after));
  for (; limit != 0 && gws_group_next(g, &walk, &m); limit--)
    add_member_row(g, m.user, m.role, r);
}

/** Members see the group; each user sees what itself is in it. */
static bool may_read(const gw_hub *h, const gw_caller *caller,
                     const Godwit__Api__V1__GroupGetRequest *q) {
  return may(h, caller, q->group, GW_MAY_MEMBERS) ||
         (caller->is_known && gw_view_eq(gw_view_of(q->user), caller->user));
}

uint32_t gws_api_group_get(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r) {
  const Godwit__Api__V1__GroupGetRequest *q = (const void *)request;
  Godwit__Api__V1__GroupGetReply reply = GODWIT__API__V1__GROUP_GET_REPLY__INIT;
  const gw_group *g = gws_groups_find(h, gw_view_of(q->group));
  if (*q->group == '\0') return GW_CODE_BAD_REQUEST;
  if (!may_read(h, caller, q)) return GW_CODE_PERMISSION_DENIED;
  if (g == NULL) return GW_CODE_NO_SUCH_GROUP;
  reply.group = q->group;
  reply.version = g->version;
  reply.num_members = g->num_members;
  gws_reply_add(r, &reply.base);
  for (uint32_t i = 0; i < g->roles->num; i++)
    add_role_row(&g->roles->items[i], r);
  uint32_t role = gws_group_find(g, gw_view_of(q->user));
  if (*q->user == '\0')
    add_members(g, q->after, q->limit != 0 ? q->limit : MEMBERS_DEFAULT, r);
  else if (role != GWS_NO_ROLE)
    add_member_row(g, gw_view_of(q->user), role, r);
  return GW_CODE_OK;
}

/* ---- groups ------------------------------------------------------------------------------------------ */

/** Groups that are asked for. */
typedef struct found {
  const Godwit__Api__V1__GroupsRequest *q;
  struct found_group {
    gw_view name;
    const gw_group *g;
  } * items;
  size_t num;
} found;

static int compare(gw_view a, gw_view b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len != 0 ? memcmp(a.data, b.data, len) : 0;
  return order != 0 ? order : (int)a.len - (int)b.len;
}

static bool look_at(void *arg, gw_view name, const gw_group *g) {
  found *f = arg;
  gw_view prefix = gw_view_of(f->q->prefix), user = gw_view_of(f->q->user);
  bool is_asked_for =
      name.len >= prefix.len &&
      (prefix.len == 0 || memcmp(name.data, prefix.data, prefix.len) == 0) &&
      compare(name, gw_view_of(f->q->after)) > 0 &&
      (user.len == 0 || gws_group_find(g, user) != GWS_NO_ROLE);
  if (is_asked_for) f->items[f->num++] = (struct found_group){name, g};
  return true;
}

static int by_name(const void *a, const void *b) {
  return compare(((const struct found_group *)a)->name,
                 ((const struct found_group *)b)->name);
}

static void add_group(const found *f, size_t i, gws_reply *r) {
  char name[GW_MAX_CHANNEL_BYTES + 1], *at = name;
  const gw_group *g = f->items[i].g;
  api_info one = GODWIT__API__V1__GROUP_INFO__INIT;
  api_info *all[] = {&one};
  Godwit__Api__V1__GroupsReply reply = GODWIT__API__V1__GROUPS_REPLY__INIT;
  uint32_t role = gws_group_find(g, gw_view_of(f->q->user));
  one.group = gws_api_text(f->items[i].name, &at);
  one.version = g->version;
  one.members = g->num_members;
  if (role != GWS_NO_ROLE) one.role = g->roles->items[role].name;
  reply.groups = all;
  reply.n_groups = 1;
  gws_reply_add(r, &reply.base);
}

uint32_t gws_api_groups(gw_hub *h, const gw_caller *caller,
                        const ProtobufCMessage *request, gws_reply *r) {
  found f = {.q = (const void *)request};
  size_t limit = f.q->limit != 0 ? f.q->limit : GROUPS_DEFAULT;
  bool is_own = caller->is_known && caller->user.len != 0 &&
                gw_view_eq(gw_view_of(f.q->user), caller->user);
  if (!caller->is_trusted && !is_own) return GW_CODE_PERMISSION_DENIED;
  size_t max = (size_t)gw_stat_get(&h->stats.groups);
  f.items = gw_mem_alloc((max + 1) * sizeof *f.items);
  if (f.items == NULL) return GW_CODE_INTERNAL;
  gws_groups_each(h, look_at, &f);
  qsort(f.items, f.num, sizeof *f.items, by_name);
  for (size_t i = 0; i < f.num && i < limit; i++)
    add_group(&f, i, r);
  gw_mem_free(f.items);
  return GW_CODE_OK;
}

static int by_info(const void *a, const void *b) {
  return strcmp((*(api_info *const *)a)->group, (*(api_info *const *)b)->group);
}

void gws_api_groups_finish(const ProtobufCMessage *request,
                           ProtobufCMessage *all) {
  const Godwit__Api__V1__GroupsRequest *q = (const void *)request;
  Godwit__Api__V1__GroupsReply *reply = (void *)all;
  size_t limit = q->limit != 0 ? q->limit : GROUPS_DEFAULT;
  if (reply->n_groups == 0) return;
  qsort(reply->groups, reply->n_groups, sizeof(api_info *), by_info);
  while (reply->n_groups > limit)
    protobuf_c_message_free_unpacked(&reply->groups[--reply->n_groups]->base,
                                     NULL);
}
