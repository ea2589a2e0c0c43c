/* SPDX-License-Identifier: MIT */
/* roll.c - enters and leaves, added up. */
#include "tests/sim/roll.h"

static bool is_whole(uint32_t mode) {
  return mode <= GW_PRESENCE_MODE_IDS;
}

static uint32_t find(const sim_roll *r, uint64_t client) {
  uint32_t i = 0;
  while (i < r->num && r->client[i] != client)
    i++;
  return i;
}

static void add(sim_roll *r, world *w, uint64_t client) {
  if (find(r, client) < r->num)
    world_fail(w, "client %016llx enters twice", (unsigned long long)client);
  else if (r->num == SIM_MAX_ROLL)
    world_fail(w, "more than %d members", SIM_MAX_ROLL);
  else
    r->client[r->num++] = client;
}

void sim_roll_change(sim_roll *r, world *w, const gw_event *e) {
  uint64_t client = e->u.presence.member.client;
  uint32_t at = find(r, client);
  r->users += e->u.presence.first;
  r->users -= e->u.presence.last;
  if (e->u.presence.kind == GW_PRESENCE_ENTER) {
    add(r, w, client);
  } else if (at == r->num) {
    world_fail(w, "client %016llx changes or leaves, and was not there",
               (unsigned long long)client);
  } else if (e->u.presence.kind == GW_PRESENCE_LEAVE) {
    r->client[at] = r->client[--r->num];
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
  if (find(l->roll, m->client) == l->roll->num)
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
