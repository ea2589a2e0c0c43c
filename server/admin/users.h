/* SPDX-License-Identifier: MIT */
/* users.h - who is an administrator: names with the hashes of their passwords. */
#ifndef GODWIT_ADMIN_USERS_H
#define GODWIT_ADMIN_USERS_H

#include "server/admin/password.h"

#define GW_ADMIN_USERS_MAX 64u
/** Bytes of a name. */
#define GW_ADMIN_NAME_MAX 64u
/** Room for a sentence about what is wrong. */
#define GW_ADMIN_WHY_MAX 256u

typedef struct gw_admin_user {
  char name[GW_ADMIN_NAME_MAX + 1];
  gw_password password;
} gw_admin_user;

/** All zero is nobody. Read-only once it is filled, on any thread. */
typedef struct gw_admin_users {
  gw_admin_user *items;
  size_t num;
} gw_admin_users;

/**
 * Add one.
 *   password  as gw_password_write has it; nothing of it gets into why
 *   returns   0; GW_ERR_INVALID, why says what is wrong; GW_ERR_NOMEM
 */
GW_MUST_USE int gw_admin_users_add(gw_admin_users *u, const char *name,
                                   const char *password,
                                   char why[GW_ADMIN_WHY_MAX]);
void gw_admin_users_deinit(gw_admin_users *u);

/** NULL: nobody is called so. */
const gw_admin_user *gw_admin_users_find(const gw_admin_users *u, gw_view name);

#endif
