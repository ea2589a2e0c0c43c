/* SPDX-License-Identifier: MIT */
/* members.c - the member list of one channel. */
#include "client/members.h"

#include <string.h>

static void *resize(const gw_alloc *alloc, void *ptr, size_t size) {
  return alloc->realloc_fn(alloc->user, ptr, size);
}

/* ---- members ------------------------------------------------------------ */

static gw_view put_text(uint8_t **at, gw_view text) {
  gw_view copy = {*at, text.len};
  if (text.len != 0) memcpy(*at, text.data, text.len);
  *at += text.len;
  return copy;
}

static gw__member *new_member(const gw_alloc *alloc,
                              const gw_presence_member *m) {
  size_t len = m->user.len + m->state.len + m->data.len + m->json.len;
  gw__member *copy = resize(alloc, NULL, sizeof *copy + len);
  if (copy == NULL) return NULL;
  uint8_t *at = (uint8_t *)(copy + 1);
  *copy = (gw__member){.m = *m};
  copy->m.user = put_text(&at, m->user);
  copy->m.state = put_text(&at, m->state);
  copy->m.data = put_text(&at, m->data);
  copy->m.json = put_text(&at, m->json);
  return copy;
}

static bool same_member(const gw_presence_member *a,
                        const gw_presence_member *b) {
  return a->since_ms == b->since_ms && gw_view_eq(a->user, b->user) &&
         gw_view_eq(a->state, b->state) && gw_view_eq(a->data, b->data) &&
         gw_view_eq(a->json, b->json);
}

static void chain(gw__member **removed, gw__member *m) {
  m->next = *removed;
  *removed = m;
}

void gw__members_free_chain(gw__member *m, const gw_alloc *alloc) {
  while (m != NULL) {
    gw__member *next = m->next;
    resize(alloc, m, 0);
    m = next;
  }
}

/* ---- rosters ------------------------------------------------------------ */

/** Index of a client, or of the place where it belongs. */
static uint32_t find(const gw__roster *r, uint64_t client, bool *found) {
  uint32_t low = 0, high = r->num;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (r->items[mid]->m.client < client)
      low = mid + 1;
    else
      high = mid;
  }
  *found = low < r->num && r->items[low]->m.client == client;
  return low;
}

static int reserve(gw__roster *r, const gw_alloc *alloc, uint32_t num) {
  if (num <= r->cap) return 0;
  if (num > GW__MAX_MEMBERS) return GW_ERR_FULL;
  uint32_t cap = r->cap == 0 ? 8 : r->cap * 2;
  if (cap < num) cap = num;
  gw__member **items = resize(alloc, r->items, cap * sizeof *items);
  if (items == NULL) return GW_ERR_NOMEM;
  r->items = items;
  r->cap = cap;
  return 0;
}

static void insert(gw__roster *r, uint32_t at, gw__member *m) {
  memmove(r->items + at + 1, r->items + at, (r->num - at) * sizeof *r->items);
  r->items[at] = m;
  r->num++;
}

static gw__member *take(gw__roster *r, uint32_t at) {
  gw__member *m = r->items[at];
  r->num--;
  memmove(r->items + at, r->items + at + 1, (r->num - at) * sizeof *r->items);
  return m;
}

/** Add or replace; what was there goes to the chain. */
static int put(gw__roster *r, const gw_alloc *alloc,
               const gw_presence_member *m, gw__member **removed,
               gw__member **put_in) {
  bool found;
  uint32_t at = find(r, m->client, &found);
  int err = found ? 0 : reserve(r, alloc, r->num + 1);
  if (err < 0) return err;
  gw__member *copy = new_member(alloc, m);
  if (copy == NULL) return GW_ERR_NOMEM;
  *put_in = copy;
  if (!found) {
    insert(r, at, copy);
  } else {
    chain(removed, r->items[at]);
    r->items[at] = copy;
  }
  return 0;
}

static void empty(gw__roster *r, const gw_alloc *alloc, gw__member **removed) {
  for (uint32_t i = 0; i < r->num; i++)
    chain(removed, r->items[i]);
  resize(alloc, r->items, 0);
  *r = (gw__roster){0};
}

static void drop_coming(gw__members *ms, const gw_alloc *alloc) {
  gw__member *removed = NULL;
  if (ms->coming.items != NULL) empty(&ms->coming, alloc, &removed);
  gw__members_free_chain(removed, alloc);
  ms->partial = false;
}

/* ---- snapshots ---------------------------------------------------------- */

int gw__members_part(gw__members *ms, const gw_alloc *alloc,
                     const gw_presence_snapshot *part) {
  if (ms->partial && ms->coming_version != part->version)
    drop_coming(ms, alloc);
  gw_list list = part->members;
  gw_view item;
  gw__member *replaced = NULL;
  int err = 0;
  while (err == 0 && gw_list_next(&list, &item)) {
    gw_presence_member m;
    gw__member *copy;
    err = gw_decode_presence_member(item, &m);
    if (err == 0) err = put(&ms->coming, alloc, &m, &replaced, &copy);
  }
  gw__members_free_chain(replaced, alloc);
  if (err < 0) {
    drop_coming(ms, alloc);
    return err;
  }
  ms->partial = true;
  ms->coming_version = part->version;
  ms->coming_numbers =
      (gw_presence_numbers){part->mode, part->clients, part->users};
  return 0;
}

/** Whether all members are listed, so that changes of the list are theirs. */
static bool is_whole(const gw_presence_numbers *n) {
  return n->mode <= GW_PRESENCE_MODE_IDS;
}

static void tell_if(bool alone, const gw__changes *changes,
                    enum gw_presence_kind kind, const gw__member *m) {
  if (changes->on_change != NULL)
    changes->on_change(changes->user, kind, &m->m, alone);
}

static void tell(const gw__changes *changes, enum gw_presence_kind kind,
                 const gw__member *m) {
  tell_if(false, changes, kind, m);
}

/** A member of the new list against what the old one has. The old block stays
 * when nothing changed, so that views of it stay good. */
static void compare(gw__roster *old, gw__roster *new_, uint32_t i, uint32_t j,
                    const gw__changes *changes) {
  gw__member *before = old->items[i], *after = new_->items[j];
  if (same_member(&before->m, &after->m)) {
    new_->items[j] = before;
    old->items[i] = after;
    chain(changes->removed, after);
    return;
  }
  chain(changes->removed, before);
  tell(changes, GW_PRESENCE_UPDATE, after);
}

/** Take the new list for the old one, and tell the differences. */
static void merge(gw__roster old, gw__roster new_, const gw__changes *changes) {
  uint32_t i = 0, j = 0;
  while (i < old.num || j < new_.num) {
    uint64_t a = i < old.num ? old.items[i]->m.client : UINT64_MAX;
    uint64_t b = j < new_.num ? new_.items[j]->m.client : UINT64_MAX;
    if (j == new_.num || (i < old.num && a < b)) {
      chain(changes->removed, old.items[i]);
      tell(changes, GW_PRESENCE_LEAVE, old.items[i++]);
    } else if (i == old.num || b < a) {
      tell(changes, GW_PRESENCE_ENTER, new_.items[j++]);
    } else {
      compare(&old, &new_, i++, j++, changes);
    }
  }
}

void gw__members_switch(gw__members *ms, const gw__changes *changes) {
  gw__roster old = ms->now, new_ = ms->coming;
  gw__changes told = *changes;
  ms->untold |= !is_whole(&ms->numbers) || !is_whole(&ms->coming_numbers);
  if (ms->untold) told.on_change = NULL;
  merge(old, new_, &told);
  old.num = 0;
  ms->now = new_;
  ms->coming = old; /* its block serves the next snapshot */
  ms->version = ms->coming_version;
  ms->numbers = ms->coming_numbers;
  ms->synced = true;
  ms->partial = false;
}

/* ---- diffs -------------------------------------------------------------- */

enum gw__diff_result gw__members_place(const gw__members *ms,
                                       uint64_t version) {
  if (!ms->synced || ms->partial) return GW__DIFF_EARLY;
  if (version <= ms->version) return GW__DIFF_OLD;
  return version == ms->version + 1 ? GW__DIFF_APPLIED : GW__DIFF_HOLE;
}

static void leave(gw__members *ms, const gw_presence_change *change,
                  const gw__changes *changes) {
  bool found;
  uint32_t at = find(&ms->now, change->member.client, &found);
  if (!found) return; /* entered and left between two diffs */
  gw__member *m = take(&ms->now, at);
  chain(changes->removed, m);
  tell_if(change->last, changes, GW_PRESENCE_LEAVE, m);
}

static int apply_change(gw__members *ms, const gw_alloc *alloc, gw_view item,
                        const gw__changes *changes) {
  gw_presence_change change;
  int err = gw_decode_presence_change(item, &change);
  if (err < 0) return err;
  if (change.kind == GW_PRESENCE_LEAVE) {
    leave(ms, &change, changes);
    return 0;
  }
  bool known;
  find(&ms->now, change.member.client, &known);
  gw__member *copy;
  err = put(&ms->now, alloc, &change.member, changes->removed, &copy);
  if (err < 0) return err;
  /* What the list says counts, not the server's word for it: an application
   * is never told of an update to somebody who did not enter. */
  tell_if(change.first && !known, changes,
          known ? GW_PRESENCE_UPDATE : GW_PRESENCE_ENTER, copy);
  return 0;
}

int gw__members_apply(gw__members *ms, const gw_alloc *alloc,
                      const gw_presence_diff *diff,
                      const gw__changes *changes) {
  gw_list list = diff->changes;
  gw_view item;
  gw__changes told = *changes;
  if (!is_whole(&ms->numbers)) {
    told.on_change = NULL;
    ms->untold = true;
  }
  while (gw_list_next(&list, &item)) {
    int err = apply_change(ms, alloc, item, &told);
    if (err < 0) return err;
  }
  ms->version = diff->version;
  ms->numbers.clients = diff->clients;
  ms->numbers.users = diff->users;
  return 0;
}

int gw__members_wait(gw__members *ms, const gw_alloc *alloc, uint64_t version,
                     gw_view body) {
  if (body.len > GW__MAX_WAITING_BYTES ||
      ms->waiting_bytes > GW__MAX_WAITING_BYTES - (uint32_t)body.len)
    return GW_ERR_FULL;
  gw__waiting *w = resize(alloc, NULL, sizeof *w + body.len);
  if (w == NULL) return GW_ERR_NOMEM;
  *w = (gw__waiting){.version = version, .len = (uint32_t)body.len};
  memcpy(w->body, body.data, body.len);
  gw__waiting **at = &ms->waiting;
  while (*at != NULL)
    at = &(*at)->next;
  *at = w;
  ms->waiting_bytes += w->len + (uint32_t)sizeof *w;
  return 0;
}

gw__waiting *gw__members_take_waiting(gw__members *ms) {
  gw__waiting *w = ms->waiting;
  if (w == NULL) return NULL;
  ms->waiting = w->next;
  ms->waiting_bytes -= w->len + (uint32_t)sizeof *w;
  return w;
}

/* ---- life --------------------------------------------------------------- */

void gw__members_lost(gw__members *ms, const gw_alloc *alloc) {
  gw__waiting *w;
  while ((w = gw__members_take_waiting(ms)) != NULL)
    resize(alloc, w, 0);
  drop_coming(ms, alloc);
  ms->synced = false;
}

void gw__members_deinit(gw__members *ms, const gw_alloc *alloc,
                        gw__member **removed) {
  gw__members_lost(ms, alloc);
  if (ms->now.items != NULL) empty(&ms->now, alloc, removed);
}
