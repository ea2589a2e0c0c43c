/* SPDX-License-Identifier: MIT */
/* users.c - a short list, walked. */
#include "server/admin/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is logged as it stands and typed into a field. */
static bool is_name(const char *name) {
  gw_view v = gw_view_of(name);
  if (v.len == 0 || v.len > GW_ADMIN_NAME_MAX || !gw_view_is_text(v))
    return false;
  for (size_t i = 0; i < v.len; i++)
    if (v.data[i] < ' ' || v.data[i] == 0x7f) return false;
  return name[0] != ' ' && name[v.len - 1] != ' ';
}

static int refuse(char why[GW_ADMIN_WHY_MAX], const char *name,
                  const char *what) {
  (void)snprintf(why, GW_ADMIN_WHY_MAX, "'%.64s' %s", name, what);
  return GW_ERR_INVALID;
}

int gw_admin_users_add(gw_admin_users *u, const char *name,
                       const char *password, char why[GW_ADMIN_WHY_MAX]) {
  gw_admin_user user = {.name = ""};
  if (!is_name(name))
    return refuse(why, name,
                  "must be a name of 1 to 64 bytes without control characters");
  if (gw_admin_users_find(u, gw_view_of(name)))
    return refuse(why, name, "is there twice");
  if (u->num == GW_ADMIN_USERS_MAX)
    return refuse(why, name, "is one too many: there may be 64");
  if (gw_password_read(&user.password, password) < 0)
    return refuse(why, name,
                  "has a password that is not a line of `godwit "
                  "hash-password`");
  gw_admin_user *items = realloc(u->items, (u->num + 1) * sizeof *items);
  if (!items) return GW_ERR_NOMEM;
  u->items = items;
  memcpy(user.name, name, strlen(name) + 1);
  items[u->num++] = user;
  return 0;
}

void gw_admin_users_deinit(gw_admin_users *u) {
  free(u->items);
  *u = (gw_admin_users){.num = 0};
}

const gw_admin_user *gw_admin_users_find(const gw_admin_users *u,
                                         gw_view name) {
  for (size_t i = 0; i < u->num; i++)
    if (gw_view_eq(gw_view_of(u->items[i].name), name)) return &u->items[i];
  return NULL;
}
