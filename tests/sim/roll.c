/* SPDX-License-Identifier: MIT */
/* roll.c - enters and leaves, added up. */
#include "tests/sim/roll.h"

#include <stdlib.h>
#include <string.h>

static bool is_whole(uint32_t mode) {
  return mode <= GW_PRESENCE_MODE_IDS;
}

void sim_roll_reset(sim_roll *r) {
  free(r->client);
  *r = (sim_roll){.num = 0};
}

/** Where a client is, or would be. */
static uint32_t place_of(const sim_roll *r, uint64_t client) {
  uint32_t low = 0, high = r->num;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (r->client[middle] < client)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool is_at(const sim_roll *r, uint32_t at, uint64_t client) {
  return at < r->num && r->client[at] == client;
}

static void add(sim_roll *r, world *w, uint64_t client) {
  uint32_t at = place_of(r, client);
  if (is_at(r, at, client)) {
    world_fail(w, "client %016llx enters twice", (unsigned long long)client);
    return;
  }
  if (r->num == r->cap) {
    r->cap = r->cap * 2 + 8;
    r->client = realloc(r->client, r->cap * sizeof *r->client);
    if (r->client == NULL) abort();
  }
  memmove(r->client + at + 1, r->client + at,
          (r->num++ - at) * sizeof *r->client);
  r->client[at] = client;
}

static void drop(sim_roll *r, uint32_t at) {
  memmove(r->client + at, r->client + at + 1,
          (--r->num - at) * sizeof *r->client);
}

void sim_roll_change(sim_roll *r, world *w, const gw_event *e) {
  uint64_t client = e->u.presence.member.client;
  uint32_t at = place_of(r, client);
  r->users += e->u.presence.first;
  r->users -= e->u.presence.last;
  if (e->u.presence.kind == GW_PRESENCE_ENTER) {
    add(r, w, client);
  } else if (!is_at(r, at, client)) {
    world_fail(w, "client %016llx changes or leaves, and was not there",
               (unsigned long long)client);
  } else if (e->u.presence.kind == GW_PRESENCE_LEAVE) {
    drop(r, at);
  }
}

typedef struct listing {
  sim_roll *roll;
  world *w;
} listing;

static bool list(void *arg, const gw_presence_member *m) {
  listing *l = arg;
  add(l->roll, l->w, m->client);
  return true;
}

static bool check_listed(void *arg, const gw_presence_member *m) {
  listing *l = arg;
  if (!is_at(l->roll, place_of(l->roll, m->client), m->client))
    world_fail(l->w, "client %016llx is listed, and was never told to enter",
               (unsigned long long)m->client);
  return true;
}

void sim_roll_sync(sim_roll *r, world *w, const gw_client *c,
                   const gw_event *e) {
  listing l = {r, w};
  uint32_t mode = e->u.presence_sync.numbers.mode;
  bool may_be_anew = !is_whole(mode) || !is_whole(r->numbers.mode);
  if (e->u.presence_sync.anew && !may_be_anew)
    world_fail(w, "a list is anew that was whole, and is");
  if (e->u.presence_sync.anew) {
    r->num = 0;
    gw_client_members(c, e->u.presence_sync.sub, list, &l);
  }
  gw_client_members(c, e->u.presence_sync.sub, check_listed, &l);
  if (r->num != e->u.presence_sync.num_members)
    world_fail(w, "%u members were told, %u are listed", r->num,
               e->u.presence_sync.num_members);
  r->numbers = e->u.presence_sync.numbers;
  r->users = r->numbers.users;
}

void sim_roll_check(const sim_roll *r, world *w, const sim_present *all,
                    uint32_t num) {
  if (num != r->num)
    world_fail(w, "%u members were told, %u are listed at the end", r->num,
               num);
  if (r->users != all->users)
    world_fail(w, "%lld users were told, %u are there", (long long)r->users,
               all->users);
  if (!is_whole(r->numbers.mode) && r->numbers.clients != all->clients)
    world_fail(w, "%u clients were told, %u are there", r->numbers.clients,
               all->clients);
}
