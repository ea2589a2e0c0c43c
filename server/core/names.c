/* SPDX-License-Identifier: MIT */
/* names.c - a tree of the parts of patterns, whose nodes are found by one table:
 * by their parent and their part. */
#include "server/core/names.h"

#include <string.h>

#include "server/core/hub_state.h"
#include "server/core/mem.h"

/** A channel's name may have more parts than patterns have. */
#define PARTS_MAX (GW_MAX_NAME_PARTS + 1u)

struct gw_name_node {
  gw_name_node *parent; /**< NULL: the root of a namespace */
  uint64_t id;          /**< unique; goes into the hash of children */
  uint32_t hash;
  uint32_t num_children;
  uint32_t num_targets;
  gw_name_target *targets;
  const gw_namespace *ns; /**< of a root */
  uint8_t part_len;
  uint8_t part[];
};

/** A name in parts, with the hash of each. */
typedef struct split {
  gw_view parts[PARTS_MAX];
  uint64_t hashes[PARTS_MAX];
  uint32_t num; /**< PARTS_MAX: perhaps more */
} split;

static const gw_view any_part = {(const uint8_t *)"*", 1};
static const gw_view any_rest = {(const uint8_t *)">", 1};

/* ---- parts ----------------------------------------------------------------- */

static uint8_t separator_of(const gw_namespace *ns) {
  return ns->separator == GW_SEPARATOR_SLASH ? '/' : '.';
}

/** What follows the namespace's colon. */
static gw_view without_space(const gw_namespace *ns, gw_view name) {
  size_t len = strlen(ns->name);
  if (len == 0 || len >= name.len) return name;
  return (gw_view){name.data + len + 1, name.len - len - 1};
}

/** Take a part from the front; false: that was the last one. */
static bool next_part(gw_view *rest, uint8_t separator, gw_view *part) {
  const uint8_t *end =
      rest->len != 0 ? memchr(rest->data, separator, rest->len) : NULL;
  *part = *rest;
  if (end == NULL) return false;
  part->len = (size_t)(end - rest->data);
  *rest = (gw_view){end + 1, rest->len - part->len - 1};
  return true;
}

static void split_name(const gw_namespace *ns, gw_view name, split *s) {
  gw_view rest = without_space(ns, name);
  uint8_t separator = separator_of(ns);
  bool is_more = true;
  for (s->num = 0; is_more && s->num < PARTS_MAX; s->num++)
    is_more = next_part(&rest, separator, &s->parts[s->num]);
}

bool gw_name_is_pattern(const gw_namespace *ns, gw_view name) {
  if (!ns->wildcards) return false;
  gw_view rest = without_space(ns, name), part;
  uint8_t separator = separator_of(ns);
  for (bool is_more = true; is_more;) {
    is_more = next_part(&rest, separator, &part);
    if (gw_view_eq(part, any_part) || gw_view_eq(part, any_rest)) return true;
  }
  return false;
}

bool gw_name_is_good_pattern(const gw_namespace *ns, gw_view name) {
  split s;
  split_name(ns, name, &s);
  if (s.num > GW_MAX_NAME_PARTS) return false;
  for (uint32_t i = 0; i + 1 < s.num; i++) {
    if (gw_view_eq(s.parts[i], any_rest)) return false;
  }
  return true;
}

/* ---- nodes ----------------------------------------------------------------- */

/** Ids of roots are those of their namespaces. */
static uint32_t place_of(uint64_t parent_id, uint64_t part_hash) {
  uint64_t place = part_hash ^ parent_id * UINT64_C(0x9E3779B97F4A7C15);
  return (uint32_t)(place ^ place >> 32);
}

static gw_name_node *find_root(const gw_names *t, const gw_namespace *ns) {
  gw_index_walk walk = {.hash = place_of(0, (uintptr_t)ns)};
  gw_name_node *n;
  while ((n = gw_index_next(&t->nodes, &walk)) != NULL) {
    if (n->parent == NULL && n->ns == ns) return n;
  }
  return NULL;
}

static gw_name_node *find_child(const gw_names *t, const gw_name_node *parent,
                                gw_view part, uint64_t part_hash) {
  gw_index_walk walk = {.hash = place_of(parent->id, part_hash)};
  gw_name_node *n;
  while ((n = gw_index_next(&t->nodes, &walk)) != NULL) {
    if (n->parent == parent &&
        gw_view_eq((gw_view){n->part, n->part_len}, part))
      return n;
  }
  return NULL;
}

static gw_name_node *add_node(gw_names *t, gw_name_node *parent, gw_view part,
                              uint32_t place) {
  gw_name_node *n = gw_mem_zalloc(sizeof *n + part.len);
  if (n == NULL) return NULL;
  n->parent = parent;
  n->hash = place;
  n->id = ++t->last_id;
  n->part_len = (uint8_t)part.len;
  if (part.len != 0) memcpy(n->part, part.data, part.len);
  if (gw_index_add(&t->nodes, place, n) < 0) {
    gw_mem_free(n);
    return NULL;
  }
  if (parent != NULL) parent->num_children++;
  return n;
}

/** Drop nodes that nobody needs, upwards. */
static void prune(gw_names *t, gw_name_node *n) {
  while (n != NULL && n->num_children == 0 && n->num_targets == 0) {
    gw_name_node *parent = n->parent;
    gw_index_remove(&t->nodes, n->hash, n);
    gw_mem_free(n->targets);
    gw_mem_free(n);
    if (parent != NULL) parent->num_children--;
    n = parent;
  }
}

static gw_name_node *get_root(gw_names *t, const gw_namespace *ns) {
  static const gw_view nothing;
  gw_name_node *n = find_root(t, ns);
  if (n == NULL) n = add_node(t, NULL, nothing, place_of(0, (uintptr_t)ns));
  if (n != NULL) n->ns = ns;
  return n;
}

/* ---- patterns -------------------------------------------------------------- */

static void hash_parts(const gw_hub *h, split *s) {
  for (uint32_t i = 0; i < s->num; i++)
    s->hashes[i] = gws_hub_hash(h, s->parts[i].data, s->parts[i].len);
}

static bool add_target(gw_name_node *n, gw_name_target target) {
  gw_name_target *targets =
      gw_mem_realloc(n->targets, (n->num_targets + 1u) * sizeof *targets);
  if (targets == NULL) return false;
  n->targets = targets;
  targets[n->num_targets++] = target;
  return true;
}

int gws_names_add(gw_hub *h, const gw_namespace *ns, gw_view pattern,
                  gw_name_target target) {
  gw_names *t = &h->names;
  split s;
  split_name(ns, pattern, &s);
  hash_parts(h, &s);
  gw_name_node *n = get_root(t, ns), *last = n;
  for (uint32_t i = 0; n != NULL && i < s.num; i++) {
    last = n;
    n = find_child(t, last, s.parts[i], s.hashes[i]);
    if (n == NULL)
      n = add_node(t, last, s.parts[i], place_of(last->id, s.hashes[i]));
  }
  if (n != NULL && add_target(n, target)) {
    t->num++;
    return 0;
  }
  prune(t, n != NULL ? n : last);
  return GW_ERR_NOMEM;
}

static gw_name_node *find(const gw_hub *h, const gw_namespace *ns,
                          gw_view pattern) {
  const gw_names *t = &h->names;
  split s;
  split_name(ns, pattern, &s);
  hash_parts(h, &s);
  gw_name_node *n = find_root(t, ns);
  for (uint32_t i = 0; n != NULL && i < s.num; i++)
    n = find_child(t, n, s.parts[i], s.hashes[i]);
  return n;
}

void gws_names_remove(gw_hub *h, const gw_namespace *ns, gw_view pattern,
                      gw_name_target target) {
  gw_names *t = &h->names;
  gw_name_node *n = find(h, ns, pattern);
  for (uint32_t i = 0; n != NULL && i < n->num_targets; i++) {
    gw_name_target *at = &n->targets[i];
    if (at->worker != target.worker || at->handle != target.handle) continue;
    *at = n->targets[--n->num_targets];
    t->num--;
    prune(t, n);
    return;
  }
}

void gws_names_deinit(gw_hub *h) {
  gw_names *t = &h->names;
  for (uint32_t i = 0; t->nodes.cells != NULL && i <= t->nodes.mask; i++) {
    gw_name_node *n = t->nodes.cells[i].item;
    if (n == NULL) continue;
    gw_mem_free(n->targets);
    gw_mem_free(n);
  }
  gw_index_deinit(&t->nodes);
  *t = (gw_names){0};
}

/* ---- matching -------------------------------------------------------------- */

typedef struct matching {
  const gw_names *names;
  const split *s;
  uint64_t any_part; /**< hashes */
  uint64_t any_rest;
  gws_name_visit visit;
  void *user;
} matching;

static void visit_all(const matching *m, const gw_name_node *n) {
  for (uint32_t i = 0; n != NULL && i < n->num_targets; i++)
    m->visit(m->user, &n->targets[i]);
}

/** n matches the first `at` parts. No deeper than patterns have parts. */
static void descend(const matching *m, const gw_name_node *n, uint32_t at) {
  if (at == m->s->num) {
    visit_all(m, n);
    return;
  }
  if (n->num_children == 0) return;
  visit_all(m, find_child(m->names, n, any_rest, m->any_rest));
  const gw_name_node *child =
      find_child(m->names, n, m->s->parts[at], m->s->hashes[at]);
  if (child != NULL) descend(m, child, at + 1);
  child = find_child(m->names, n, any_part, m->any_part);
  if (child != NULL) descend(m, child, at + 1);
}

void gws_names_match(const gw_hub *h, const gw_namespace *ns, gw_view name,
                     gws_name_visit visit, void *user) {
  const gw_name_node *root = find_root(&h->names, ns);
  split s;
  if (root == NULL) return;
  split_name(ns, name, &s);
  hash_parts(h, &s);
  matching m = {.names = &h->names,
                .s = &s,
                .any_part = gws_hub_hash(h, any_part.data, any_part.len),
                .any_rest = gws_hub_hash(h, any_rest.data, any_rest.len),
                .visit = visit,
                .user = user};
  descend(&m, root, 0);
}
