/* SPDX-License-Identifier: MIT */
/* group.h - members with roles, as a value that never changes: a change makes
 * another value, which shares with the first what stayed the same. So all workers
 * of a node read one copy without a lock. */
#ifndef GODWIT_SERVER_GROUP_H
#define GODWIT_SERVER_GROUP_H

#include <stdatomic.h>

#include "server/core/settings.h"

/** What a role may permit; an application adds its own as words. */
enum gw_permission {
  GW_MAY_READ = 1,     /**< subscribe to the group's channels */
  GW_MAY_PUBLISH = 2,  /**< in these */
  GW_MAY_PRESENCE = 4, /**< see who is there */
  GW_MAY_HISTORY = 8,  /**< read what was published before */
  GW_MAY_MEMBERS = 16, /**< see who is in the group */
  GW_MAY_MANAGE = 32,  /**< change the group */
  GW_MAY_SEND = 64,    /**< send messages to the group */
  GW_MAY_ALL = 127
};

/** What an application's own permissions begin with. */
#define GW_OWN_PERMISSION "app:"

/** A permission's name; NULL past the last. */
const char *gws_permission_name(uint32_t i);
/** The bit of a name; 0: it is none of ours. */
uint32_t gws_permission_of(gw_view name);

typedef struct gw_role {
  char name[GW_MAX_ROLE_BYTES + 1];
  uint32_t may; /**< bits of enum gw_permission */
  gw_words own; /**< permissions of the application, without their prefix */
} gw_role;

/** The roles of a group; a member's is a place in them. */
typedef struct gw_roles {
  atomic_uint refs;
  uint32_t num;
  gw_role items[];
} gw_roles;

#define GWS_ROLES_MAX 64u /**< that any configuration allows */
#define GWS_NO_ROLE   UINT32_MAX

gw_roles *gws_roles_new(uint32_t max); /**< num is 0; NULL: no memory */
gw_roles *gws_roles_ref(gw_roles *r);
void gws_roles_unref(gw_roles *r); /**< NULL is fine */
/** GWS_NO_ROLE when there is none of this name. */
uint32_t gws_roles_find(const gw_roles *r, gw_view name);

/*
 *   group --> page "ada" .. "eve" --> user, role; user, role; ...
 *        \--> page "fay" .. "zoe"
 *
 * Members are sorted by the bytes of their names, in pages of up to
 * GWS_GROUP_PAGE. A change copies one page and the list of pages.
 */
#define GWS_GROUP_PAGE 64u

typedef struct gw_group_page gw_group_page;

typedef struct gw_group {
  atomic_uint refs;
  uint64_t version; /**< the maker's to set, before it is shared */
  gw_roles *roles;
  uint32_t num_members;
  /* private */
  uint32_t num_pages;
  gw_group_page *pages[];
} gw_group;

typedef struct gw_group_member {
  gw_view user;
  uint32_t role;
} gw_group_member;

/** Without members. The reference to the roles stays the caller's. NULL: no
 * memory, here and below. */
gw_group *gws_group_new(gw_roles *roles);
gw_group *gws_group_ref(gw_group *g);
void gws_group_unref(gw_group *g); /**< NULL is fine */

/** The role of a user; GWS_NO_ROLE: no member. g NULL: no group. */
uint32_t gws_group_find(const gw_group *g, gw_view user);

/** Another value: with a member, who may have had another role before; without
 * one, who has to be a member; with other roles, of which there are enough. The
 * version is as it was. */
gw_group *gws_group_with(const gw_group *g, gw_view user, uint32_t role);
gw_group *gws_group_without(const gw_group *g, gw_view user);
gw_group *gws_group_with_roles(const gw_group *g, gw_roles *roles);

/** Walks the members in order. All zero: from the first. */
typedef struct gw_group_walk {
  uint32_t page;
  uint32_t row;
} gw_group_walk;

/** Behind a name. */
gw_group_walk gws_group_after(const gw_group *g, gw_view user);
bool gws_group_next(const gw_group *g, gw_group_walk *walk, gw_group_member *m);

/** Tell each user whose role differs between two values, or who is in one only;
 * when the roles are others, each member of the first. before NULL: nobody. */
void gws_group_diff(const gw_group *before, const gw_group *after,
                    void (*on_user)(void *arg, gw_view user), void *arg);

#endif
