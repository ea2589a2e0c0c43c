/* SPDX-License-Identifier: MIT */
/* order.c - a state machine that everybody moves. */
#include "tests/sim/order.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/machine.h"

#define CHANNEL "$state:free:sim"
#define KEY     "machine/order"

enum { CART, PAID, SHIPPED, NUM_STATES };

/* Short enough to happen in a run, long enough to be overtaken. */
#define PAID_MS    700u
#define SHIPPED_MS 5000u

const gw_machine sim_order_machine = {
    .name = "order",
    .scope = GWS_SCOPE_FREE,
    .num_states = NUM_STATES,
    .states = {"cart", "paid", "shipped"},
    .initial = CART,
    .num_transitions = 4,
    .transitions = {{CART, PAID, GW_WHO_ANYONE, 0},
                    {PAID, CART, 0, PAID_MS},
                    {PAID, SHIPPED, GW_WHO_ANYONE, 0},
                    {SHIPPED, CART, GW_WHO_ANYONE, SHIPPED_MS}},
};

/** A state at a position. */
typedef struct seen {
  gw_position at;
  int state;
  bool by_itself;
} seen;

struct sim_order_book {
  world *w;
  seen *all; /**< in no order; each position once */
  size_t num;
  size_t cap;
  bool has_end;
  gw_position end; /**< where the first that was asked stands in the end */
};

#define MAX_PENDING 64

struct sim_order {
  world *w;
  const sim_plan *plan;
  sim_order_book *book;
  gw_client *client;
  uint32_t index;
  uint32_t sub;
  seen now; /**< as this application sees it */
  struct {
    uint64_t key;
    int state;
  } pending[MAX_PENDING];
  uint32_t num_pending;
};

/* ---- the book --------------------------------------------------------------- */

sim_order_book *sim_order_book_new(world *w) {
  sim_order_book *b = calloc(1, sizeof *b);
  if (b == NULL) abort();
  b->w = w;
  return b;
}

void sim_order_book_free(sim_order_book *b) {
  free(b->all);
  free(b);
}

static bool is_at(const seen *s, gw_position at) {
  return s->at.epoch == at.epoch && s->at.offset == at.offset;
}

/** Note what somebody saw, or was told that it is there. All see the newest at
 * about the same time. */
static void note(sim_order_book *b, const seen *what) {
  for (size_t i = b->num; i-- > 0;) {
    if (!is_at(&b->all[i], what->at)) continue;
    if (b->all[i].state != what->state)
      world_fail(b->w, "order: two states at %llu",
                 (unsigned long long)what->at.offset);
    b->all[i].by_itself |= what->by_itself;
    return;
  }
  if (b->num == b->cap) {
    b->cap = b->cap * 2 + 64;
    b->all = realloc(b->all, b->cap * sizeof *b->all);
    if (b->all == NULL) abort();
  }
  b->all[b->num++] = *what;
}

static const seen *find(const sim_order_book *b, gw_position at) {
  for (size_t i = 0; i < b->num; i++) {
    if (is_at(&b->all[i], at)) return &b->all[i];
  }
  return NULL;
}

void sim_order_book_check(const sim_order_book *b) {
  for (size_t i = 0; i < b->num; i++) {
    const seen *s = &b->all[i];
    gw_position last = {s->at.epoch, s->at.offset - 1};
    const seen *before = find(b, last);
    /* The first of a life follows the initial state. */
    int from = before != NULL ? before->state : CART;
    if (before == NULL && s->at.offset != 1) continue; /* nobody saw that one */
    bool begins = before == NULL && s->state == CART;
    const gw_machine_transition *t = gws_machine_transition(
        &sim_order_machine, (uint8_t)from, (uint8_t)s->state);
    if (t == NULL && !begins)
      world_fail(b->w, "order: %s follows %s at %llu",
                 sim_order_machine.states[s->state],
                 sim_order_machine.states[from],
                 (unsigned long long)s->at.offset);
    if (s->by_itself && (t == NULL || t->after_ms == 0))
      world_fail(b->w, "order: moved to %s by itself at %llu",
                 sim_order_machine.states[s->state],
                 (unsigned long long)s->at.offset);
  }
}

/* ---- life ------------------------------------------------------------------- */

sim_order *sim_order_new(world *w, const sim_plan *plan, sim_order_book *b,
                         gw_client *client, uint32_t index) {
  sim_order *o = calloc(1, sizeof *o);
  if (o == NULL) abort();
  o->w = w;
  o->plan = plan;
  o->book = b;
  o->client = client;
  o->index = index;
  return o;
}

void sim_order_free(sim_order *o) {
  free(o);
}

void sim_order_start(sim_order *o) {
  gw_sub_options options = {.recover = true};
  if (!o->plan->machines) return;
  int64_t sub = gw_client_subscribe(o->client, gw_view_of(CHANNEL), &options);
  if (sub <= 0) world_fail(o->w, "order: app %u cannot subscribe", o->index);
  o->sub = (uint32_t)sub;
}

void sim_order_act(sim_order *o) {
  char text[GW_MACHINE_NAME_MAX + 3];
  gw_publish_options options = {.item = gw_view_of(KEY)};
  if (!o->plan->machines || o->num_pending == MAX_PENDING ||
      !world_chance(o->w, 300))
    return;
  /* Also what there is no transition to. */
  int state = (int)(world_random(o->w) % NUM_STATES);
  gw_payload payload = {
      GW_PAYLOAD_JSON,
      gws_machine_write(&sim_order_machine, (uint8_t)state, text)};
  uint64_t key = 0;
  if (gw_client_publish(o->client, gw_view_of(CHANNEL), payload, &options,
                        &key) != 0)
    return; /* the outbox is full */
  o->pending[o->num_pending].key = key;
  o->pending[o->num_pending++].state = state;
}

/* ---- events ----------------------------------------------------------------- */

static void on_publication(sim_order *o, const gw_event *e) {
  gw_payload p = e->u.publication.payload;
  int state = gws_machine_read(&sim_order_machine, p.bytes);
  seen s = {e->u.publication.position, state, e->u.publication.client == 0};
  if (state < 0) {
    world_fail(o->w, "order: app %u is told no state", o->index);
    return;
  }
  world_trace(o->w, "app %u: order is %s at %llu", o->index,
              sim_order_machine.states[state], (unsigned long long)s.at.offset);
  note(o->book, &s);
  o->now = s;
}

/** Whether it was one of ours. */
static bool on_published(sim_order *o, const gw_event *e) {
  for (uint32_t i = 0; i < o->num_pending; i++) {
    if (o->pending[i].key != e->u.published.key) continue;
    seen s = {e->u.published.position, o->pending[i].state, false};
    o->pending[i] = o->pending[--o->num_pending];
    uint32_t code = e->u.published.code;
    world_trace(o->w, "app %u: order to %s: %s", o->index,
                sim_order_machine.states[s.state], gw_code_name(code));
    if (code == GW_CODE_OK)
      note(o->book, &s);
    else if (code != GW_CODE_ILLEGAL_TRANSITION &&
             code != GW_CODE_PERMISSION_DENIED &&
             code != GW_CODE_OUTBOX_EXPIRED)
      world_fail(o->w, "order: refused with %s", gw_code_name(code));
    return true;
  }
  return false;
}

bool sim_order_event(sim_order *o, const gw_event *e) {
  switch (e->type) {
  case GW_EVENT_PUBLICATION:
    if (o->sub == 0 || e->u.publication.sub != o->sub) return false;
    on_publication(o, e);
    return true;
  case GW_EVENT_PUBLISHED:
    return on_published(o, e);
  case GW_EVENT_SUB_STATE:
    if (o->sub == 0 || e->u.sub.sub != o->sub) return false;
    if (e->u.sub.to == GW_SUB_ENDED)
      world_fail(o->w, "order: app %u is not subscribed any more", o->index);
    return true;
  case GW_EVENT_GAP:
    if (o->sub == 0 || e->u.gap.sub != o->sub) return false;
    /* Told anew: without a word about it the machine is at its beginning. */
    if (e->u.gap.position.epoch != o->now.at.epoch)
      o->now = (seen){.state = CART};
    return true;
  default:
    return false;
  }
}

void sim_order_check(const sim_order *o) {
  sim_order_book *b = o->book;
  if (!o->plan->machines) return;
  if (gw_client_sub_state(o->client, o->sub) != GW_SUB_LIVE)
    world_fail(o->w, "order: app %u is not live in the end", o->index);
  if (o->now.state != CART)
    world_fail(o->w, "order: app %u sees %s in the end, which leaves by itself",
               o->index, sim_order_machine.states[o->now.state]);
  if (b->has_end && !is_at(&o->now, b->end))
    world_fail(o->w, "order: app %u stands elsewhere in the end", o->index);
  b->end = o->now.at;
  b->has_end = true;
}
