/* SPDX-License-Identifier: MIT */
/* side.c - an application's view of channels that are no plain streams. */
#include "tests/sim/side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM_ITEMS   40u
#define NUM_TAGS    4u
#define NUM_WILD    3u
#define MAX_PENDING 512u
#define MAX_EPOCHS  256u

enum kind { MAP, TAG, WILD, NUM_KINDS };

/** Something that was written; number is its place. */
typedef struct written {
  enum kind kind;
  uint32_t item; /**< MAP */
  uint32_t tag;  /**< TAG */
  bool is_compared;
  gw_position expected; /**< if it is */
  gw_position at;       /**< epoch 0: not acknowledged */
} written;

struct sim_side_book {
  world *w;
  written *all;
  uint32_t num;
  uint32_t cap;
};

/** Offsets of the filtered channel that were passed without being shown. */
typedef struct hidden {
  uint64_t epoch;
  uint64_t from, to; /**< inclusive */
} hidden;

typedef struct item {
  bool is_there;
  bool is_stale; /**< not told again yet */
  uint32_t number;
  uint64_t offset;
} item;

/** A channel of the pattern, in one life. */
typedef struct stream {
  uint32_t channel;
  uint64_t epoch;
  uint64_t at;
  bool is_whole; /**< the next has to follow */
} stream;

typedef struct pending {
  uint64_t key;
  uint32_t number;
} pending;

struct sim_side {
  world *w;
  const sim_plan *plan;
  sim_side_book *book;
  gw_client *client;
  uint32_t index;
  uint32_t sub[NUM_KINDS];
  pending pending[MAX_PENDING];
  uint32_t num_pending;
  item items[NUM_ITEMS];
  gw_position at; /**< in the filtered channel */
  hidden *hidden;
  uint32_t num_hidden;
  uint32_t cap_hidden;
  bool *shown; /**< by number, of the filtered channel */
  uint32_t num_shown;
  stream streams[MAX_EPOCHS];
  uint32_t num_streams;
  uint32_t num_rung; /**< of the last writings that were heard */
  bool has_missed;   /**< a gap was told meanwhile */
};

/* ---- what was written ------------------------------------------------------ */

sim_side_book *sim_side_book_new(world *w) {
  sim_side_book *b = calloc(1, sizeof *b);
  if (b == NULL) abort();
  b->w = w;
  return b;
}

void sim_side_book_free(sim_side_book *b) {
  free(b->all);
  free(b);
}

static uint32_t note(sim_side_book *b, const written *what) {
  if (b->num == b->cap) {
    b->cap = b->cap * 2 + 64;
    b->all = realloc(b->all, b->cap * sizeof *b->all);
    if (b->all == NULL) abort();
  }
  b->all[b->num] = *what;
  return b->num++;
}

/** What was compared and set replaced what it was compared with: nothing about
 * the item is between the two. */
void sim_side_book_check(sim_side_book *b) {
  for (uint32_t i = 0; i < b->num; i++) {
    const written *p = &b->all[i];
    if (!p->is_compared || p->at.epoch == 0) continue;
    if (p->expected.offset != 0 && p->expected.epoch != p->at.epoch)
      world_fail(b->w, "side #%u was set in another epoch than compared", i);
    for (uint32_t j = 0; j < b->num; j++) {
      const written *o = &b->all[j];
      if (o->kind == MAP && o->item == p->item && o->at.epoch == p->at.epoch &&
          p->expected.offset != 0 && o->at.offset > p->expected.offset &&
          o->at.offset < p->at.offset)
        world_fail(b->w, "side #%u replaced #%u unseen", i, j);
    }
  }
}

/* ---- life ------------------------------------------------------------------- */

sim_side *sim_side_new(world *w, const sim_plan *plan, sim_side_book *b,
                       gw_client *client, uint32_t index) {
  sim_side *s = calloc(1, sizeof *s);
  if (s == NULL) abort();
  s->w = w;
  s->plan = plan;
  s->book = b;
  s->client = client;
  s->index = index;
  return s;
}

void sim_side_free(sim_side *s) {
  if (s == NULL) return;
  free(s->hidden);
  free(s->shown);
  free(s);
}

static bool is_used(const sim_plan *plan, uint32_t kind) {
  const bool is[] = {plan->maps, plan->filters, plan->patterns};
  return is[kind];
}

/** One in five wants everything. */
static bool has_filter(const sim_side *s) {
  return s->index % 5 != 4;
}

static bool passes(const sim_side *s, uint32_t tag) {
  return !has_filter(s) || tag == s->index % NUM_TAGS;
}

static uint32_t overflow_of(const sim_side *s, enum kind kind) {
  uint32_t policy = sim_plan_overflow(s->plan, s->index);
  /* The rest of a map would be missing; of a pattern nothing is kept. */
  if (kind == MAP && policy == GW_OVERFLOW_SAMPLE) return GW_OVERFLOW_CLOSE;
  if (kind == WILD && policy > GW_OVERFLOW_DROP) return GW_OVERFLOW_DROP;
  return policy;
}

static void subscribe(sim_side *s, enum kind kind, const gw_position *since) {
  static const char *const names[] = {"map:m", "tag:t", "wild:a.*"};
  uint8_t space[128], values[32];
  char tag[16];
  gw_out out = {space, 0, sizeof space}, value = {values, 0, sizeof values};
  gw_sub_options o = {.overflow = overflow_of(s, kind),
                      .delta = sim_plan_takes_delta(s->plan, s->index)};
  gw_filter_term term = {.op = GW_FILTER_EQ, .tag = gw_view_of("k")};
  if (kind == TAG && has_filter(s)) {
    (void)snprintf(tag, sizeof tag, "%u", s->index % NUM_TAGS);
    (void)!gw_list_add_text(&value, &term.values, gw_view_of(tag));
    (void)!gw_list_add(&out, &o.filter, GW_MESSAGE_filter_term, &term);
  }
  o.recover = since != NULL || kind == MAP;
  if (since != NULL) o.since = *since;
  int64_t sub = gw_client_subscribe(s->client, gw_view_of(names[kind]), &o);
  if (sub <= 0) {
    world_fail(s->w, "app %u: side subscribe: %s", s->index,
               gw_err_name((int)sub));
    return;
  }
  s->sub[kind] = (uint32_t)sub;
}

void sim_side_start(sim_side *s) {
  for (uint32_t kind = 0; kind < NUM_KINDS; kind++)
    if (is_used(s->plan, kind)) subscribe(s, kind, NULL);
}

/* ---- acts ------------------------------------------------------------------- */

static void publish(sim_side *s, const char *channel, const written *what,
                    gw_publish_options *o) {
  char text[128];
  uint64_t key = 0;
  if (s->num_pending == MAX_PENDING) return;
  uint32_t number = note(s->book, what);
  /* With deltas, something that is the same in all of them. */
  (void)snprintf(text, sizeof text, "%-*u", s->plan->deltas ? 100 : 1, number);
  gw_payload payload = {GW_PAYLOAD_JSON, gw_view_of(text)};
  if (o->removed) payload.bytes.len = 0;
  int err = gw_client_publish(s->client, gw_view_of(channel), payload, o, &key);
  if (err == GW_ERR_FULL || err == GW_ERR_STATE) return; /* or out for now */
  if (err != 0)
    world_fail(s->w, "app %u: side publish: %s", s->index, gw_err_name(err));
  s->pending[s->num_pending++] = (pending){key, number};
  world_trace(s->w, "app %u writes side #%u to %s", s->index, number, channel);
}

/** Any; to be removed rather one that is there, from a random place on. */
static uint32_t draw_item(sim_side *s, bool is_removal) {
  uint32_t any = (uint32_t)(world_random(s->w) % NUM_ITEMS);
  if (!is_removal || world_chance(s->w, 200)) return any;
  for (uint32_t i = 0; i < NUM_ITEMS; i++)
    if (s->items[(any + i) % NUM_ITEMS].is_there) return (any + i) % NUM_ITEMS;
  return any;
}

static void write_map(sim_side *s) {
  char name[16];
  gw_publish_options o = {.removed = world_chance(s->w, 400)};
  uint32_t i = draw_item(s, o.removed);
  written what = {.kind = MAP, .item = i};
  (void)snprintf(name, sizeof name, "item %u", i);
  o.item = gw_view_of(name);
  if (world_chance(s->w, 100)) o.ttl_ms = 2000;
  if (world_chance(s->w, 300)) {
    uint64_t epoch = gw_client_sub_position(s->client, s->sub[MAP]).epoch;
    o.compare_item = what.is_compared = true;
    if (s->items[i].is_there)
      o.expected = (gw_position){epoch, s->items[i].offset};
    what.expected = o.expected;
  }
  publish(s, "map:m", &what, &o);
}

static void write_tagged(sim_side *s) {
  uint8_t space[64];
  char value[16];
  gw_out out = {space, 0, sizeof space};
  uint32_t k = (uint32_t)(world_random(s->w) % NUM_TAGS);
  gw_publish_options o = {.ttl_ms = 0};
  written what = {.kind = TAG, .tag = k};
  (void)snprintf(value, sizeof value, "%u", k);
  gw_tag tag = {gw_view_of("k"), gw_view_of(value)};
  (void)!gw_list_add(&out, &o.tags, GW_MESSAGE_tag, &tag);
  publish(s, "tag:t", &what, &o);
}

static void write_wild(sim_side *s, uint32_t channel) {
  char name[16];
  gw_publish_options o = {.ttl_ms = 0};
  written what = {.kind = WILD};
  (void)snprintf(name, sizeof name, "wild:a.%u", channel);
  publish(s, name, &what, &o);
}

/** Unsubscribe, and begin again: a map also from nothing. */
static void churn(sim_side *s, enum kind kind) {
  gw_position at = gw_client_sub_position(s->client, s->sub[kind]);
  bool from_nothing = kind == MAP && world_chance(s->w, 500);
  if (at.epoch == 0) return;
  world_trace(s->w, "app %u begins side %u anew", s->index, kind);
  (void)!gw_client_unsubscribe(s->client, s->sub[kind]);
  s->num_streams = kind == WILD ? 0 : s->num_streams;
  subscribe(s, kind, kind == WILD || from_nothing ? NULL : &at);
}

void sim_side_act(sim_side *s) {
  uint32_t kind = (uint32_t)(world_random(s->w) % NUM_KINDS);
  if (!is_used(s->plan, kind) || !world_chance(s->w, 500)) return;
  if (s->plan->churn && world_chance(s->w, 30))
    churn(s, kind);
  else if (kind == MAP)
    write_map(s);
  else if (kind == TAG)
    write_tagged(s);
  else
    write_wild(s, (uint32_t)(world_random(s->w) % NUM_WILD));
}

/** Applications that ring; all hear them. */
#define MAX_RINGERS 8u

void sim_side_ring(sim_side *s) {
  s->num_rung = 0;
  s->has_missed = false;
  if (s->plan->patterns && s->index < MAX_RINGERS)
    write_wild(s, s->index % NUM_WILD);
}

/* ---- a map ------------------------------------------------------------------ */

static uint32_t number_in(gw_view text) {
  char copy[16] = "";
  size_t len = text.len < sizeof copy ? text.len : sizeof copy - 1;
  if (len != 0) memcpy(copy, text.data, len);
  return (uint32_t)strtoul(copy, NULL, 10);
}

static void show_map(sim_side *s, const gw_event *e) {
  uint32_t i = NUM_ITEMS;
  char name[16] = "";
  gw_view about = e->u.publication.item;
  if (about.len < sizeof name) memcpy(name, about.data, about.len);
  if (sscanf(name, "item %u", &i) != 1 || i >= NUM_ITEMS) {
    world_fail(s->w, "app %u: an item that nobody wrote", s->index);
    return;
  }
  s->items[i] = (item){.is_there = !e->u.publication.removed,
                       .number = number_in(e->u.publication.payload.bytes),
                       .offset = e->u.publication.position.offset};
}

static void begin_map_anew(sim_side *s) {
  for (uint32_t i = 0; i < NUM_ITEMS; i++)
    s->items[i].is_stale = s->items[i].is_there;
}

static void end_map_anew(sim_side *s) {
  for (uint32_t i = 0; i < NUM_ITEMS; i++)
    if (s->items[i].is_stale) s->items[i] = (item){.is_there = false};
}

static void check_map(sim_side *s, const sim_side *other) {
  for (uint32_t i = 0; i < NUM_ITEMS; i++) {
    const item *a = &s->items[i], *b = &other->items[i];
    if (a->is_there != b->is_there ||
        (a->is_there && (a->offset != b->offset || a->number != b->number)))
      world_fail(s->w, "item %u: app %u has %s%u at %llu, app %u %s%u at %llu",
                 i, s->index, a->is_there ? "#" : "no ", a->number,
                 (unsigned long long)a->offset, other->index,
                 b->is_there ? "#" : "no ", b->number,
                 (unsigned long long)b->offset);
  }
}

/* ---- a filter --------------------------------------------------------------- */

static void hide(sim_side *s, uint64_t to) {
  if (s->at.offset >= to) return;
  if (s->num_hidden == s->cap_hidden) {
    s->cap_hidden = s->cap_hidden * 2 + 16;
    s->hidden = realloc(s->hidden, s->cap_hidden * sizeof *s->hidden);
    if (s->hidden == NULL) abort();
  }
  s->hidden[s->num_hidden++] = (hidden){s->at.epoch, s->at.offset + 1, to};
}

static void show_tagged(sim_side *s, const gw_event *e) {
  uint32_t number = number_in(e->u.publication.payload.bytes);
  gw_position at = e->u.publication.position;
  if (number >= s->book->num || s->book->all[number].kind != TAG) {
    world_fail(s->w, "app %u: side #%u in another channel", s->index, number);
    return;
  }
  if (!passes(s, s->book->all[number].tag))
    world_fail(s->w, "app %u was shown side #%u, which does not pass", s->index,
               number);
  if (at.epoch != s->at.epoch || at.offset <= s->at.offset)
    world_fail(s->w, "app %u: side #%u is out of order", s->index, number);
  hide(s, at.offset - 1);
  s->at = at;
  if (number >= s->num_shown) {
    s->shown = realloc(s->shown, number + 64);
    if (s->shown == NULL) abort();
    memset(s->shown + s->num_shown, 0, number + 64 - s->num_shown);
    s->num_shown = number + 64;
  }
  s->shown[number] = true;
}

/** Whether somebody wrote what this application was not shown and had to be. */
static void check_hidden(sim_side *s) {
  gw_position at = gw_client_sub_position(s->client, s->sub[TAG]);
  if (at.epoch != s->at.epoch)
    world_fail(s->w, "app %u: the epoch changed in silence", s->index);
  hide(s, at.offset);
  s->at = at;
  for (uint32_t n = 0; n < s->book->num; n++) {
    const written *p = &s->book->all[n];
    if (p->kind != TAG || p->at.epoch == 0 || !passes(s, p->tag)) continue;
    if (n < s->num_shown && s->shown[n]) continue;
    for (uint32_t i = 0; i < s->num_hidden; i++) {
      const hidden *h = &s->hidden[i];
      if (h->epoch == p->at.epoch && p->at.offset >= h->from &&
          p->at.offset <= h->to)
        world_fail(s->w, "app %u was not shown side #%u, which passes",
                   s->index, n);
    }
  }
}

/* ---- a pattern --------------------------------------------------------------- */

static void show_wild(sim_side *s, const gw_event *e) {
  gw_view name = e->u.publication.channel;
  gw_position at = e->u.publication.position;
  uint32_t channel = name.len == 8 ? (uint32_t)name.data[7] - '0' : NUM_WILD;
  if (channel >= NUM_WILD) {
    world_fail(s->w, "app %u: a channel that does not match", s->index);
    return;
  }
  s->num_rung++;
  stream *st = s->streams;
  while (st < s->streams + s->num_streams &&
         (st->channel != channel || st->epoch != at.epoch))
    st++;
  if (st == s->streams + MAX_EPOCHS) return; /* too much to remember */
  if (st == s->streams + s->num_streams)
    s->streams[s->num_streams++] = (stream){.channel = channel};
  else if (at.offset <= st->at || (st->is_whole && at.offset != st->at + 1))
    world_fail(s->w, "app %u: %llu of channel %u comes after %llu", s->index,
               (unsigned long long)at.offset, channel,
               (unsigned long long)st->at);
  *st = (stream){channel, at.epoch, at.offset, true};
}

/** What comes next need not follow. */
static void doubt_wild(sim_side *s) {
  for (uint32_t i = 0; i < s->num_streams; i++)
    s->streams[i].is_whole = false;
}

/* ---- events ------------------------------------------------------------------ */

static enum kind kind_of(const sim_side *s, uint32_t sub) {
  uint32_t kind = 0;
  while (kind < NUM_KINDS && (s->sub[kind] == 0 || s->sub[kind] != sub))
    kind++;
  return (enum kind)kind;
}

static void on_publication(sim_side *s, enum kind kind, const gw_event *e) {
  world_trace(s->w, "app %u side %u: at %llu", s->index, kind,
              (unsigned long long)e->u.publication.position.offset);
  if (kind == MAP)
    show_map(s, e);
  else if (kind == TAG)
    show_tagged(s, e);
  else
    show_wild(s, e);
}

static void on_gap(sim_side *s, enum kind kind, const gw_event *e) {
  uint32_t reason = e->u.gap.reason;
  world_trace(s->w, "app %u side %u: gap %u, on at %llu", s->index, kind,
              reason, (unsigned long long)e->u.gap.position.offset);
  if (reason == GW_GAP_FILTERED || reason == GW_GAP_SUPERSEDED)
    world_fail(s->w, "app %u was told what nobody misses", s->index);
  if (kind == MAP && reason == GW_GAP_ANEW)
    begin_map_anew(s);
  else if (kind == MAP && reason != GW_GAP_SLOW_READER)
    world_fail(s->w, "app %u: a gap %u in a map", s->index, reason);
  if (kind == TAG && e->u.gap.from > s->at.offset + 1)
    hide(s, e->u.gap.from - 1);
  if (kind == TAG) s->at = e->u.gap.position;
  if (kind == WILD) doubt_wild(s);
  s->has_missed |= kind == WILD;
}

static void on_state(sim_side *s, enum kind kind, const gw_event *e) {
  uint32_t to = e->u.sub.to;
  world_trace(s->w, "app %u side %u: %s", s->index, kind,
              gw_sub_state_name(to));
  if (to == GW_SUB_ENDED)
    world_fail(s->w, "app %u side %u ended: %s", s->index, kind,
               gw_code_name(e->u.sub.code));
  if (kind == MAP && to == GW_SUB_LIVE) end_map_anew(s);
  if (kind == WILD && to != GW_SUB_LIVE) doubt_wild(s);
  bool is_answered = to == GW_SUB_LIVE || to == GW_SUB_RECOVERING;
  if (kind == TAG && is_answered && s->at.epoch == 0) s->at = e->u.sub.position;
}

static bool on_published(sim_side *s, const gw_event *e) {
  uint32_t i = 0, code = e->u.published.code;
  while (i < s->num_pending && s->pending[i].key != e->u.published.key)
    i++;
  if (i == s->num_pending) return false;
  uint32_t number = s->pending[i].number;
  written *p = &s->book->all[number];
  s->pending[i] = s->pending[--s->num_pending];
  world_trace(s->w, "app %u: side #%u %s", s->index, number,
              gw_code_name(code));
  if (code == GW_CODE_OK)
    p->at = e->u.published.position;
  else if (p->kind != MAP ||
           (code != GW_CODE_LIMIT_REACHED && code != GW_CODE_CONFLICT))
    world_fail(s->w, "side #%u failed: %s", number, gw_code_name(code));
  return true;
}

bool sim_side_event(sim_side *s, const gw_event *e) {
  enum kind kind;
  switch (e->type) {
  case GW_EVENT_PUBLISHED:
    return on_published(s, e);
  case GW_EVENT_PUBLICATION:
    kind = kind_of(s, e->u.publication.sub);
    if (kind != NUM_KINDS) on_publication(s, kind, e);
    return kind != NUM_KINDS;
  case GW_EVENT_GAP:
    kind = kind_of(s, e->u.gap.sub);
    if (kind != NUM_KINDS) on_gap(s, kind, e);
    return kind != NUM_KINDS;
  case GW_EVENT_SUB_STATE:
    kind = kind_of(s, e->u.sub.sub);
    if (kind != NUM_KINDS) on_state(s, kind, e);
    return kind != NUM_KINDS;
  default:
    return false;
  }
}

/* ---- the end ------------------------------------------------------------------ */

void sim_side_check(sim_side *s, sim_side *first) {
  uint32_t num = s->plan->num_apps;
  if (num > MAX_RINGERS) num = MAX_RINGERS;
  for (uint32_t kind = 0; kind < NUM_KINDS; kind++) {
    if (!is_used(s->plan, kind)) continue;
    enum gw_sub_state state = gw_client_sub_state(s->client, s->sub[kind]);
    if (state != GW_SUB_LIVE)
      world_fail(s->w, "app %u side %u is %s at the end", s->index, kind,
                 gw_sub_state_name(state));
  }
  if (s->num_pending != 0)
    world_fail(s->w, "app %u has %u side publications to send", s->index,
               s->num_pending);
  if (s->plan->maps) check_map(first, s);
  if (s->plan->filters) check_hidden(s);
  bool is_heard = s->num_rung == num || (s->num_rung < num && s->has_missed);
  if (s->plan->patterns && !is_heard)
    world_fail(s->w, "app %u heard %u of %u that matched", s->index,
               s->num_rung, num);
}
