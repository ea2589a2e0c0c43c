/* SPDX-License-Identifier: MIT */
/* group.c - sorted pages of members, shared by the values of a group. */
#include "server/core/group.h"

#include <assert.h>
#include <string.h>

#include "server/core/mem.h"

/* ---- permissions ----------------------------------------------------------- */

static const char *const permissions[] = {"read",    "publish", "presence",
                                          "history", "members", "manage",
                                          "send",    NULL};

const char *gws_permission_name(uint32_t i) {
  return permissions[i];
}

uint32_t gws_permission_of(gw_view name) {
  for (uint32_t i = 0; permissions[i] != NULL; i++) {
    if (gw_view_eq(gw_view_of(permissions[i]), name)) return 1u << i;
  }
  return 0;
}

/* ---- roles ------------------------------------------------------------------ */

gw_roles *gws_roles_new(uint32_t max) {
  gw_roles *r = gw_mem_zalloc(sizeof *r + max * sizeof r->items[0]);
  if (r != NULL) atomic_init(&r->refs, 1);
  return r;
}

gw_roles *gws_roles_ref(gw_roles *r) {
  atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
  return r;
}

void gws_roles_unref(gw_roles *r) {
  if (r == NULL) return;
  if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
    gw_mem_free(r);
}

uint32_t gws_roles_find(const gw_roles *r, gw_view name) {
  for (uint32_t i = 0; i < r->num; i++) {
    if (gw_view_eq(gw_view_of(r->items[i].name), name)) return i;
  }
  return GWS_NO_ROLE;
}

/* ---- pages ------------------------------------------------------------------- */

typedef struct row {
  uint32_t at; /* of the name in the page's texts */
  uint8_t len;
  uint8_t role;
} row;

struct gw_group_page {
  atomic_uint refs;
  uint32_t num;
  row rows[]; /* then the texts */
};

static uint8_t *texts_of(const gw_group_page *p) {
  return (uint8_t *)(uintptr_t)&p->rows[p->num];
}

static gw_group_member member_at(const gw_group_page *p, uint32_t i) {
  const row *r = &p->rows[i];
  return (gw_group_member){{texts_of(p) + r->at, r->len}, r->role};
}

static gw_group_page *page_ref(gw_group_page *p) {
  atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
  return p;
}

static void page_unref(gw_group_page *p) {
  if (p == NULL) return;
  if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
    gw_mem_free(p);
}

static gw_group_page *page_of(const gw_group_member *members, uint32_t num) {
  size_t len = 0, at = 0;
  for (uint32_t i = 0; i < num; i++)
    len += members[i].user.len;
  gw_group_page *p = gw_mem_alloc(sizeof *p + num * sizeof p->rows[0] + len);
  if (p == NULL) return NULL;
  atomic_init(&p->refs, 1);
  p->num = num;
  for (uint32_t i = 0; i < num; i++) {
    gw_view user = members[i].user;
    p->rows[i] =
        (row){(uint32_t)at, (uint8_t)user.len, (uint8_t)members[i].role};
    if (user.len != 0) memcpy(texts_of(p) + at, user.data, user.len);
    at += user.len;
  }
  return p;
}

static int compare(gw_view a, gw_view b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len != 0 ? memcmp(a.data, b.data, len) : 0;
  if (order != 0) return order;
  return a.len < b.len ? -1 : a.len > b.len;
}

/** The first row that is not before a name; whether it is of this name. */
static uint32_t find_row(const gw_group_page *p, gw_view user, bool *found) {
  uint32_t low = 0, high = p->num;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (compare(member_at(p, mid).user, user) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  *found = low < p->num && compare(member_at(p, low).user, user) == 0;
  return low;
}

/** The page that a name belongs into: the last that does not begin after it. */
static uint32_t find_page(const gw_group *g, gw_view user) {
  uint32_t low = 0, high = g->num_pages;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (compare(member_at(g->pages[mid], 0).user, user) <= 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low != 0 ? low - 1 : 0;
}

/* ---- values ------------------------------------------------------------------ */

static gw_group *make(gw_roles *roles, uint32_t max_pages) {
  gw_group *g = gw_mem_alloc(sizeof *g + max_pages * sizeof g->pages[0]);
  if (g == NULL) return NULL;
  *g = (gw_group){.roles = gws_roles_ref(roles)};
  atomic_init(&g->refs, 1);
  return g;
}

gw_group *gws_group_new(gw_roles *roles) {
  return make(roles, 0);
}

gw_group *gws_group_ref(gw_group *g) {
  atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
  return g;
}

void gws_group_unref(gw_group *g) {
  if (g == NULL) return;
  if (atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1) return;
  for (uint32_t i = 0; i < g->num_pages; i++)
    page_unref(g->pages[i]);
  gws_roles_unref(g->roles);
  gw_mem_free(g);
}

uint32_t gws_group_find(const gw_group *g, gw_view user) {
  bool found;
  if (g == NULL || g->num_pages == 0) return GWS_NO_ROLE;
  const gw_group_page *p = g->pages[find_page(g, user)];
  uint32_t i = find_row(p, user, &found);
  return found ? p->rows[i].role : GWS_NO_ROLE;
}

/** The same with other pages in place of one; their references pass, and those
 * that are NULL are left out. at may be behind the last. */
static gw_group *put_pages(const gw_group *g, uint32_t at,
                           gw_group_page *const pages[2]) {
  gw_group *new = make(g->roles, g->num_pages + 2);
  if (new == NULL) {
    page_unref(pages[0]);
    page_unref(pages[1]);
    return NULL;
  }
  new->version = g->version;
  for (uint32_t i = 0; i < g->num_pages || i == at; i++) {
    if (i != at) {
      new->pages[new->num_pages++] = page_ref(g->pages[i]);
      continue;
    }
    for (unsigned k = 0; k < 2; k++) {
      if (pages[k] != NULL) new->pages[new->num_pages++] = pages[k];
    }
  }
  return new;
}

/** Members as one page, or as two when they are too many for one. */
static gw_group *put_members(const gw_group *g, uint32_t at,
                             const gw_group_member *members, uint32_t num) {
  uint32_t first = num <= GWS_GROUP_PAGE ? num : num / 2;
  gw_group_page *pages[2] = {NULL, NULL};
  bool is_good = true;
  if (first != 0) is_good = (pages[0] = page_of(members, first)) != NULL;
  if (is_good && num > first)
    is_good = (pages[1] = page_of(members + first, num - first)) != NULL;
  if (is_good) return put_pages(g, at, pages);
  page_unref(pages[0]);
  return NULL;
}

/** The members of a page, with room for one more. */
static uint32_t list(const gw_group *g, uint32_t at,
                     gw_group_member members[GWS_GROUP_PAGE + 1]) {
  if (g->num_pages == 0) return 0;
  const gw_group_page *p = g->pages[at];
  for (uint32_t i = 0; i < p->num; i++)
    members[i] = member_at(p, i);
  return p->num;
}

gw_group *gws_group_with(const gw_group *g, gw_view user, uint32_t role) {
  gw_group_member members[GWS_GROUP_PAGE + 1];
  uint32_t at = find_page(g, user), i = 0;
  bool found = false;
  uint32_t num = list(g, at, members);
  if (num != 0) i = find_row(g->pages[at], user, &found);
  if (!found) {
    memmove(members + i + 1, members + i, (num - i) * sizeof *members);
    num++;
  }
  members[i] = (gw_group_member){user, role};
  gw_group *new = put_members(g, at, members, num);
  if (new != NULL) new->num_members = g->num_members + !found;
  return new;
}

gw_group *gws_group_without(const gw_group *g, gw_view user) {
  gw_group_member members[GWS_GROUP_PAGE + 1];
  uint32_t at = find_page(g, user);
  bool found = false;
  uint32_t num = list(g, at, members);
  uint32_t i = num != 0 ? find_row(g->pages[at], user, &found) : 0;
  assert(found);
  memmove(members + i, members + i + 1, (num - i - 1) * sizeof *members);
  gw_group *new = put_members(g, at, members, num - 1);
  if (new != NULL) new->num_members = g->num_members - 1;
  return new;
}

gw_group *gws_group_with_roles(const gw_group *g, gw_roles *roles) {
  gw_group *new = make(roles, g->num_pages);
  if (new == NULL) return NULL;
  new->version = g->version;
  new->num_members = g->num_members;
  new->num_pages = g->num_pages;
  for (uint32_t i = 0; i < g->num_pages; i++)
    new->pages[i] = page_ref(g->pages[i]);
  return new;
}

/* ---- walking ------------------------------------------------------------------ */

gw_group_walk gws_group_after(const gw_group *g, gw_view user) {
  gw_group_walk walk = {find_page(g, user), 0};
  bool found = false;
  if (g->num_pages == 0) return walk;
  walk.row = find_row(g->pages[walk.page], user, &found);
  walk.row += found;
  return walk;
}

bool gws_group_next(const gw_group *g, gw_group_walk *walk,
                    gw_group_member *m) {
  if (walk->page < g->num_pages && walk->row == g->pages[walk->page]->num) {
    walk->page++;
    walk->row = 0;
  }
  if (walk->page >= g->num_pages) return false;
  *m = member_at(g->pages[walk->page], walk->row++);
  return true;
}

/** One side of a comparison: a walk, and the member that it stands at. */
typedef struct side {
  const gw_group *g; /* NULL: nobody */
  gw_group_walk walk;
  gw_group_member at;
  bool is_there;
} side;

static void advance(side *s) {
  s->is_there = s->g != NULL && gws_group_next(s->g, &s->walk, &s->at);
}

/** Pages that both have, both standing at their beginnings, need no look. */
static bool skip_shared(side *a, side *b) {
  if (!a->is_there || !b->is_there || a->walk.row != 1 || b->walk.row != 1 ||
      a->g->pages[a->walk.page] != b->g->pages[b->walk.page])
    return false;
  a->walk = (gw_group_walk){a->walk.page + 1, 0};
  b->walk = (gw_group_walk){b->walk.page + 1, 0};
  advance(a);
  advance(b);
  return true;
}

static void tell_all(const gw_group *g,
                     void (*on_user)(void *arg, gw_view user), void *arg) {
  gw_group_walk walk = {0, 0};
  gw_group_member m;
  while (gws_group_next(g, &walk, &m))
    on_user(arg, m.user);
}

void gws_group_diff(const gw_group *before, const gw_group *after,
                    void (*on_user)(void *arg, gw_view user), void *arg) {
  side a = {.g = before}, b = {.g = after};
  if (before != NULL && after != NULL && before->roles != after->roles) {
    tell_all(before, on_user, arg);
    return;
  }
  advance(&a);
  advance(&b);
  while (a.is_there || b.is_there) {
    if (skip_shared(&a, &b)) continue;
    int order = !b.is_there   ? -1
                : !a.is_there ? 1
                              : compare(a.at.user, b.at.user);
    if (order != 0 || a.at.role != b.at.role)
      on_user(arg, order <= 0 ? a.at.user : b.at.user);
    if (order <= 0) advance(&a);
    if (order >= 0) advance(&b);
  }
}
